"""`manet benchmark ...`: the paper's tables and figures, one subcommand a file."""

import typer

from manet.cli.benchmark import ablation, complexity, figures, paper, speed
from manet.cli.hints import CommandGroup

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    add_completion=False,
    help="The paper's tables and figures, measured and printed; speed.",
)
for command in (complexity, paper, ablation, figures, speed):
    app.command()(getattr(command, command.__name__.rpartition(".")[2]))
