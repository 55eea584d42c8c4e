"""`manet assess ...`: accuracies and areas with confidence intervals, one subcommand a file."""

import typer

from manet.cli.assess import change, design, estimate, labelled
from manet.cli.hints import CommandGroup

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    add_completion=False,
    help="Accuracies and areas with confidence intervals, from a random sample of reference labels.",
)
for command in (design, estimate, labelled, change):
    app.command()(getattr(command, command.__name__.rpartition(".")[2]))
