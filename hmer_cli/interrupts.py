"""Ctrl-C: ends any command within two seconds, whatever its threads are at.

Python runs a signal's handler only between two steps of the main thread, and waits at its end for
all threads of pools. So a thread of its own is told of SIGINT by the operating system (``signal.
set_wakeup_fd``), and ends the process where the ordinary way takes longer than GRACE.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from hmer_cli import console

GRACE = 1.5
"""Seconds from Ctrl-C for the ordinary end."""

EXIT = 130

_seen = threading.Event()


def watch() -> None:
    """Begin to watch for Ctrl-C; outside of the main thread, where none arrives, do nothing."""
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
    """The first Ctrl-C interrupts; further ones are of no use, and would leave a traceback."""
    if not _seen.is_set():
        _seen.set()
        raise KeyboardInterrupt


def _guard(here: socket.socket, there: socket.socket) -> None:
    """``there`` is passed to be kept open."""
    while here.recv(1) != bytes([signal.SIGINT]):
        pass
    time.sleep(GRACE)
    console.say("interrupted")
    os._exit(EXIT)


def leave(code: int) -> NoReturn:
    """End with this code; after Ctrl-C without waiting for threads."""
    if _seen.is_set():
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(code)
    sys.exit(code)
