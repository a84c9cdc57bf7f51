"""The pool of threads: in the process that made it, in one forked later, and at the end of one."""

import multiprocessing
import subprocess
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


_ENDING = """
import threading
from hmer_cli.recognition.thread_pool import ThreadPool

pool, ends = ThreadPool(2), threading.Event()

def go():
    ends.wait()
    threading.main_thread().join()
    print(list(pool.map(abs, [-1, 2, -3])))

threading.Thread(target=go).start()
ends.set()
"""


def test_a_pool_works_for_a_thread_that_outlives_the_main_one() -> None:
    done = subprocess.run([sys.executable, "-c", _ENDING], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[1, 2, 3]\n", "")


def test_what_one_item_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        list(POOL.map(lambda n: 1 // n, [1, 0, 2]))
