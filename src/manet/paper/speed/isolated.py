"""Computing something again and again in a process of its own, so that processes differ in what is compared alone."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor

Prepare = Callable[[], Callable[[], Tensor]]
"""Pickled, called once in the process; what it gives is then called for every result."""

Own = Callable[[Prepare], Callable[[], Tensor]]

_once: Callable[[], Tensor]


@contextmanager
def processes() -> Iterator[Own]:
    """A function that starts a process, with as many threads as this one has; they end with the context."""
    with ExitStack() as stack:

        def own(prepare: Prepare) -> Callable[[], Tensor]:
            context = multiprocessing.get_context("spawn")
            pool = ProcessPoolExecutor(1, context, initializer=_begin, initargs=(torch.get_num_threads(), prepare))
            stack.enter_context(pool)
            return lambda: pool.submit(_run).result()

        yield own


def _begin(threads: int, prepare: Prepare) -> None:
    global _once
    torch.set_num_threads(threads)
    _once = prepare()


def _run() -> Tensor:
    return _once()
