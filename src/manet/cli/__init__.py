"""The command line: one command a file, each of which parses, calls and prints.

A command's file is imported when it is called, so that `manet` starts at once.
"""

import os
import sys
from typing import Annotated, NoReturn

import typer
from rich.markup import escape

from manet.cli import last_resort
from manet.cli.console import console, errors
from manet.cli.lazy_commands import LazyCommands
from manet.errors import ManetError
from manet.extras import explained
from manet.machine import keep_freed

app = typer.Typer(
    name="manet",
    cls=LazyCommands,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        console.print(f"manet {version('manet')}", highlight=False)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Maps from fine-resolution imagery: train, evaluate and predict with MANet and its peers."""


def run() -> None:
    """The command line as a program of its own.

    Without torch nothing is left to do when a command has ended, so that the process ends at once: taking runtimes
    and their memory down piece by piece would be a fifth of the time of a small map.
    """
    try:
        main()
        status = 0
    except SystemExit as stop:
        if not isinstance(stop.code, int | None):
            raise
        status = stop.code or 0
    if "torch" in sys.modules:
        sys.exit(status)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


def main() -> None:
    """Run the command line. A user's error is one line and exit status 2; Ctrl-C is exit status 130.

    What nobody foresaw is one line and exit status 1, and its traceback goes to a file.
    """
    # before torch starts: threads that spin while they wait take processors from each other wherever there are others
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("KINETO_LOG_LEVEL", "8")  # torch's profiler, which counts memory, is silent
    os.environ.setdefault("GDAL_CACHEMAX", "256")  # MB of blocks; GDAL would take a twentieth of all memory
    keep_freed()
    try:
        app()
    except ManetError as error:
        _end(str(error), 2)
    except BrokenPipeError:  # such as `manet recipes | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except KeyboardInterrupt:
        errors.print("interrupted", highlight=False)
        sys.exit(130)
    except Exception as error:
        explanation = explained(error) if isinstance(error, ModuleNotFoundError) else error
        _end(*((str(explanation), 2) if explanation is not error else last_resort.explain(error)))


def _end(message: str, status: int) -> NoReturn:
    errors.print(f"[bold red]error:[/] {escape(message)}", markup=True, highlight=False, soft_wrap=True)
    sys.exit(status)
