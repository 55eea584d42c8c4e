"""`manet benchmark ...`: the paper's tables and figures, one subcommand a file."""

import typer

from manet.commands.benchmark import complexity, figures, paper

app = typer.Typer(no_args_is_help=True, help="Tables and figures of the paper, ours beside the printed ones.")
for command in (complexity, paper, figures):
    app.command()(getattr(command, command.__name__.rpartition(".")[2]))
