"""Tests of the pool of threads: in the process that made it, and in one that is forked later."""

import multiprocessing
import sys

import pytest

from hmer_cli.recognition.thread_pool import ThreadPool

POOL = ThreadPool(2)


def _use() -> None:
    assert list(POOL.map(abs, [-1, 2, -3])) == [1, 2, 3]


@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
def test_a_pool_that_has_run_works_in_a_forked_process() -> None:
    _use()
    process = multiprocessing.get_context("fork").Process(target=_use)
    process.start()
    process.join(60)
    if process.is_alive():
        process.kill()
    assert process.exitcode == 0
