"""What commands that can go on later say when they are stopped."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from manet.cli.console import errors


class _Terminated(BaseException):
    """SIGTERM came."""


@contextmanager
def resumable(how: Callable[[], str]) -> Iterator[None]:
    """SIGTERM and Ctrl-C end a command with one line, which says how to go on, and exit status 143 and 130."""
    came: list[int] = []

    def stop(number: int, _: object) -> None:
        came.append(number)
        raise KeyboardInterrupt if number == signal.SIGINT else _Terminated

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    except (KeyboardInterrupt, _Terminated, SystemExit) as error:  # the last is Lightning's answer to SIGTERM
        _end(isinstance(error, KeyboardInterrupt), how)
    except Exception:
        if not came:
            raise
        _end(came[0] == signal.SIGINT, how)  # a library that was being imported has made another error of it
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(interrupted: bool, how: Callable[[], str]) -> NoReturn:
    word, status = ("interrupted", 130) if interrupted else ("terminated", 143)
    errors.print(f"{word}; go on {how()}", highlight=False, soft_wrap=True)
    raise typer.Exit(status) from None
