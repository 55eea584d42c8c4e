"""Reading ahead: a thread produces what the next steps of a loop will need."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterable[T], count: int = 2) -> Iterator[T]:
    """The same items in the same order; up to `count` of them are made in a thread before they are asked for.

    An exception of the producer is raised where its item would have come. Leaving the loop early ends the thread.
    """
    ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(count)
    stop = threading.Event()

    def put(entry: tuple[T | None, BaseException | None]) -> None:
        while not stop.is_set():
            try:
                ready.put(entry, timeout=0.1)
                return
            except queue.Full:
                continue

    def produce() -> None:
        try:
            for item in items:
                put((item, None))
                if stop.is_set():
                    return
            put((None, StopIteration()))
        except BaseException as error:  # raised again in the consumer
            put((None, error))

    thread = threading.Thread(target=produce, daemon=True)
    thread.start()
    try:
        while True:
            item, error = ready.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item  # type: ignore[misc]
    finally:
        stop.set()
        thread.join()
