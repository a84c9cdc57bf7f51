"""Ctrl-C: ends any command within two seconds, whatever its threads are doing.

Python runs signal handlers only between two bytecodes of the main thread, and joins all pool
threads at exit. So a watchdog thread receives SIGINT through ``signal.set_wakeup_fd`` and ends the
process if the regular exit takes longer than GRACE.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import NoReturn

from hmer_cli import console, files
from hmer_cli.errors import INTERRUPTED

GRACE = 1.2
"""Seconds from Ctrl-C for the regular exit."""  # convention

EXIT = 130

LAST: list[Callable[[], object]] = []
"""What the watchdog does before it ends the process, the newest first."""


def watch() -> None:
    """Start the watchdog; does nothing outside of the main thread, which gets no signals."""
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return  # ignored in the background of a shell, or somebody else's
    here, there = socket.socketpair()
    for end in (here, there):
        end.setblocking(end is here)
    signal.signal(signal.SIGINT, _interrupt)
    signal.set_wakeup_fd(there.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_guard, args=(here, there), daemon=True).start()


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt on the first Ctrl-C; later ones would only leave a traceback."""
    if not INTERRUPTED.is_set():
        INTERRUPTED.set()
        raise KeyboardInterrupt


def _guard(here: socket.socket, there: socket.socket) -> None:
    """``there`` is passed to be kept open."""
    while here.recv(1) != bytes([signal.SIGINT]):
        pass
    time.sleep(GRACE)
    for act in reversed(LAST):
        with suppress(Exception):
            act()
    console.say("interrupted")
    os._exit(EXIT)


@contextmanager
def kept_from_children() -> Iterator[None]:
    """Processes that are started inside get no Ctrl-C, not even while they are starting, and the
    one by which Python cleans up after them does so without a word."""
    if not hasattr(signal, "pthread_sigmask"):  # as on Windows
        yield
        return
    warned = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = ",".join(filter(None, [warned, "ignore:resource_tracker"]))
    try:
        resource_tracker.ensure_running()  # which would let it through again below
    finally:
        del os.environ["PYTHONWARNINGS"]
        os.environ.update({} if warned is None else {"PYTHONWARNINGS": warned})
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def follow() -> None:
    """In a process of a pool: leave Ctrl-C to the one that started it, and end when that has ended,
    however it did, as nobody takes what is done then."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    with files.REPLACING:  # no part of a file stays
        os._exit(EXIT)


@contextmanager
def undone(act: Callable[[], object]) -> Iterator[None]:
    """Context manager: ``act`` is called at its end, also where the watchdog ends the process."""
    LAST.append(act)
    try:
        yield
    finally:
        act()
        LAST.remove(act)


def leave(code: int) -> NoReturn:
    """Exit with this code; after Ctrl-C without waiting for threads."""
    if INTERRUPTED.is_set():
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(code)
    sys.exit(code)
