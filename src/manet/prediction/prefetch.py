"""Reading ahead: a thread produces what the next steps of a loop will need."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

K = TypeVar("K")
T = TypeVar("T")


def prefetch(make: Callable[[K], T], keys: Iterable[K], count: int = 2) -> Iterator[T]:
    """`make(key)` for every key, in order; up to `count` of them are made in a thread before they are asked for.

    An exception of `make` is raised where its item would have come. Leaving the loop early ends the thread.
    """
    pool = ThreadPoolExecutor(1)
    waiting: deque[Future[T]] = deque()
    try:
        for key in keys:
            waiting.append(pool.submit(make, key))
            if len(waiting) > count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
