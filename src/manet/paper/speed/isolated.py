"""Computing something repeatedly in a process of its own, so that processes only differ in what is compared."""

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor

Prepare = Callable[[], Callable[[], Tensor]]
"""Pickled and called once in the process; what it returns is then called for every result."""

Isolate = Callable[[Prepare], Callable[[], Tensor]]
"""Starts a process; what it returns computes one result there."""

_once: Callable[[], Tensor]


@contextmanager
def processes() -> Iterator[Isolate]:
    """A function that starts processes with as many threads as this one has. They end with the context."""
    with ExitStack() as stack:

        def isolate(prepare: Prepare) -> Callable[[], Tensor]:
            context = multiprocessing.get_context("spawn")
            pool = ProcessPoolExecutor(1, context, initializer=_begin, initargs=(torch.get_num_threads(), prepare))
            stack.enter_context(pool)
            return lambda: pool.submit(_run).result()

        yield isolate


def _begin(threads: int, prepare: Prepare) -> None:
    global _once
    torch.set_num_threads(threads)
    _once = prepare()


def _run() -> Tensor:
    return _once()
