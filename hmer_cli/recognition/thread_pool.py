"""A pool of threads that works in forked processes, and while the interpreter ends.

Input: a function and items. Output: the results in their order. A `ThreadPoolExecutor` that has
run has no threads in a process forked later, and waits for them for ever; there it is made anew.
Once the main thread is done, Python gives other threads that still run no further ones: what they
want is then done at once, in their own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class ThreadPool:
    """So many ``threads``, which are started when they are needed."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        self._executor = ThreadPoolExecutor(self._threads)

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The function's result for each item, in their order."""
        if self._process != os.getpid():
            self._start()
        futures = [submitted(self._executor, function, item) for item in items]
        return _results(futures)


def _results(futures: Sequence[Future[Result]]) -> Iterator[Result]:
    try:
        yield from (future.result() for future in futures)
    finally:  # of those behind one that failed
        for future in futures:
            future.cancel()


def submitted(executor: Executor, function: Callable[[Item], Result], item: Item) -> Future[Result]:
    """The function of the item in a thread of the pool; in this one where there is none to have."""
    try:
        return executor.submit(function, item)
    except RuntimeError:  # the interpreter ends, or the system gives no more threads
        try:
            return finished(function(item))
        except Exception as error:
            failed: Future[Result] = Future()
            failed.set_exception(error)
            return failed


def finished(result: Result) -> Future[Result]:
    """A future of what is known already."""
    future: Future[Result] = Future()
    future.set_result(result)
    return future


class Gate:
    """A semaphore on the total pixels of pages; a page above the limit is admitted alone."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0
        self._changed = threading.Condition()

    @contextmanager
    def taking(self, pixels: int) -> Iterator[None]:
        """Waits until there is room for so many more."""
        with self._changed:
            self._changed.wait_for(lambda: not self._taken or self._taken + pixels <= self._limit)
            self._taken += pixels
        try:
            yield
        finally:
            with self._changed:
                self._taken -= pixels
                self._changed.notify_all()
