"""`manet benchmark ...`: the paper's tables and figures, one subcommand a file."""

import typer

from manet.cli.benchmark import ablation, complexity, figures, paper, speed

app = typer.Typer(no_args_is_help=True, help="The paper's tables and figures, ours beside the printed ones; speed.")
for command in (complexity, paper, ablation, figures, speed):
    app.command()(getattr(command, command.__name__.rpartition(".")[2]))
