"""What commands that can go on later say when they are stopped."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from manet.cli.console import errors


class _Terminated(BaseException):
    """SIGTERM came."""


@contextmanager
def resumable(how: Callable[[], str]) -> Iterator[None]:
    """SIGTERM and Ctrl-C end a command with one line, which says how to go on, and exit status 143 and 130."""

    def terminate(*_: object) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    except (KeyboardInterrupt, _Terminated, SystemExit) as error:  # the last is Lightning's answer to SIGTERM
        word, status = ("interrupted", 130) if isinstance(error, KeyboardInterrupt) else ("terminated", 143)
        errors.print(f"{word}; go on {how()}", highlight=False, soft_wrap=True)
        raise typer.Exit(status) from None
    finally:
        signal.signal(signal.SIGTERM, before)
