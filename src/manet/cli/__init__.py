"""The command line: one command a file, each of which parses, calls and prints.

Heavy imports stand inside the commands, so that `manet --help` answers at once.
"""

import os
import sys

import typer
from rich.markup import escape

from manet.cli import (
    assess,
    benchmark,
    check,
    compare,
    convert,
    demo,
    evaluate,
    experiments,
    export,
    fetch,
    info,
    models,
    polygons,
    predict,
    prepare,
    recipes,
    release,
    submit,
    train,
)
from manet.cli.console import errors
from manet.cli.hints import CommandGroup
from manet.errors import ManetError
from manet.machine import keep_freed

app = typer.Typer(
    name="manet",
    cls=CommandGroup,
    help="Maps from fine-resolution imagery: train, evaluate and predict with MANet and its peers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    demo,
    fetch,
    check,
    train,
    evaluate,
    compare,
    experiments,
    predict,
    polygons,
    submit,
    export,
    info,
    models,
    recipes,
    release,
    convert,
):
    app.command()(getattr(command, command.__name__.rpartition(".")[2]))
app.add_typer(prepare.app, name="prepare")
app.add_typer(assess.app, name="assess")
app.add_typer(benchmark.app, name="benchmark")


def main() -> None:
    """Run the command line. A user's error is one line and exit status 2; Ctrl-C is exit status 130."""
    # before torch starts: threads that spin while they wait take processors from each other wherever there are others
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("KINETO_LOG_LEVEL", "8")  # torch's profiler, which counts memory, is silent
    os.environ.setdefault("GDAL_CACHEMAX", "256")  # MB of blocks; GDAL would take a twentieth of all memory
    keep_freed()
    try:
        app()
    except ManetError as error:
        errors.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        errors.print("interrupted", highlight=False)
        sys.exit(130)
