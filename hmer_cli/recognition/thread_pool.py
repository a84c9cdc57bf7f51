"""A pool of threads that works in forked processes, too.

Input: a function and items. Output: the results in their order. A `ThreadPoolExecutor` that has
run has no threads in a process forked later, and waits for them for ever; there it is made anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
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
        return self._executor.map(function, items)
