"""A worker process for untrusted files: calls with limits of time and memory, ended when they pass.

Input is the dotted name of a function of ours, a JSON object and bytes; output is a JSON object and
bytes. The worker is a plain subprocess (not ``multiprocessing``, whose start runs the user's own
script again on macOS and Windows), it lives as long as its owner, and a new one is started after it
was ended. Only what the functions need is imported there.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from hmer_cli.errors import HmerError

CPU_SECONDS = 5
"""Processor time for a call, where the system can count it (not on Windows); a page of a map, the
slowest kind, takes 2."""
WALL_SECONDS = 60 if os.name == "nt" else 300
"""Time by the clock for a call of CPU_SECONDS; more, as a busy machine must not fail a good file,
and less where nothing else limits the call."""
MEMORY = 1 << 30
"""Bytes a call may take beyond what is sent to it, on Linux."""
MAX_ENDED = 3
"""Pages of a file in a row that pass a limit; after them its others are not tried."""

Meta = dict[str, Any]
Function = Callable[[Meta, bytes], "tuple[Meta, bytes | memoryview]"]

_HEAD = struct.Struct(">IQ")  # bytes of the JSON object, bytes behind it
_START = (
    "import sys; sys.path[:] = sys.argv[1:]; from hmer_cli.page.load.worker import serve; serve()"
)


def wall_seconds(seconds: int) -> float:
    """Time by the clock for a call of so much processor time."""
    return WALL_SECONDS / CPU_SECONDS * seconds


class WorkerError(HmerError):
    """The call did not come to its end: ``reason`` is ``time``, ``stopped`` or ``crash``."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"a worker process was ended ({reason})")
        self.reason = reason


class Worker:
    """One process, started by the first call; safe in threads, which wait for each other."""

    def __init__(self) -> None:
        self._calls = threading.Lock()  # one call at a time
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0  # of this process: a fork must not share the pipes
        self._sent = ""
        self._stopped = self._timed_out = False

    def call(
        self,
        function: str,
        meta: Meta,
        data: bytes,
        key: str,
        memory: int = MEMORY,
        seconds: int = CPU_SECONDS,
    ) -> tuple[Meta, bytearray]:
        """What ``module:name`` answers to ``meta`` and ``data``, within ``memory`` bytes and
        ``seconds`` of processor time, or `wall_seconds` of these by the clock.

        ``key`` is another for other data: what the worker has already is not sent again.
        Raises WorkerError where the call passed a limit, crashed, or ``stop`` was called.
        """
        with self._calls:
            if self._stopped:
                raise WorkerError("stopped")
            process = self._running()
            known = self._sent == key
            self._sent = key
            watch = threading.Timer(wall_seconds(seconds), self._time_out, [process])
            watch.daemon = True
            watch.start()
            limits = {"memory": memory, "seconds": seconds}
            try:
                _send(
                    process.stdin,
                    {**meta, "call": function, "known": known, "key": key, **limits},
                    b"" if known else data,
                )
                return _receive(process.stdout)
            except (OSError, EOFError, ValueError):
                raise WorkerError(self._reason(process)) from None
            finally:
                watch.cancel()

    def stop(self) -> None:
        """End the process at once, and refuse every further call."""
        self._stopped = True
        process = self._process
        if process is not None and self._pid == os.getpid():
            process.kill()
            process.wait()
            if self._calls.acquire(blocking=False):  # nobody uses its pipes
                with contextlib.suppress(OSError):
                    process.communicate()
                self._calls.release()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._pid != os.getpid() or self._process.poll() is not None:
            command = [sys.executable, "-c", _START, *(os.path.abspath(p) for p in sys.path)]
            pipe, none = subprocess.PIPE, subprocess.DEVNULL
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=none)
            self._pid, self._sent, self._timed_out = os.getpid(), "", False
            _WORKERS.add(self)
        return self._process

    def _time_out(self, process: subprocess.Popen[bytes]) -> None:
        self._timed_out = True
        process.kill()

    def _reason(self, process: subprocess.Popen[bytes]) -> str:
        process.kill()
        code = process.wait()
        if self._stopped:
            return "stopped"
        return "time" if self._timed_out or code == -getattr(signal, "SIGXCPU", 0) else "crash"


_WORKERS: weakref.WeakSet[Worker] = weakref.WeakSet()

SHARED = Worker()
"""For all callers that have none of their own."""


@atexit.register
def _stop_all() -> None:
    for worker in list(_WORKERS):
        worker.stop()


def _send(pipe: Any, meta: Meta, data: bytes | memoryview) -> None:
    head = json.dumps(meta).encode()
    size = data.nbytes if isinstance(data, memoryview) else len(data)
    pipe.write(_HEAD.pack(len(head), size) + head)
    pipe.write(data)
    pipe.flush()


def _receive(pipe: Any) -> tuple[Meta, bytearray]:
    head, size = _HEAD.unpack(_exactly(pipe, _HEAD.size))
    meta = json.loads(_exactly(pipe, head))
    return meta, _exactly(pipe, size)


def _exactly(pipe: Any, size: int) -> bytearray:
    data = bytearray(size)
    view, filled = memoryview(data), 0
    while filled < size:
        count = pipe.readinto(view[filled:])
        if not count:
            raise EOFError
        filled += count
    return data


def limit(pid: int, seconds: int, memory: int) -> None:
    """Limit another process, on Linux: it ends even where its owner was killed before it."""
    try:
        from resource import RLIMIT_AS, RLIMIT_CPU, prlimit
    except ImportError:
        return
    with contextlib.suppress(OSError, ValueError):  # it has ended
        prlimit(pid, RLIMIT_CPU, (seconds, seconds))
        prlimit(pid, RLIMIT_AS, (memory, memory))


def serve() -> None:
    """The worker's side: answer calls from standard input until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the owner, who ends this process
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not stand among the answers
    data = b""
    while True:
        try:
            meta, sent = _receive(requests)
        except EOFError:
            return
        data = data if meta["known"] else bytes(sent)
        module, _, name = meta["call"].partition(":")
        function: Function = getattr(importlib.import_module(module), name)
        _limit(meta["memory"], meta["seconds"])
        _send(answers, *function(meta, data))


def _limit(memory: int, seconds: int) -> None:
    """For the next call, beyond what was used until now."""
    try:
        import resource
    except ImportError:  # Windows
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    until = int(usage.ru_utime + usage.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    with contextlib.suppress(OSError, ValueError), open("/proc/self/statm") as file:
        held = int(file.read().split()[0]) * resource.getpagesize()
        most = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (held + memory, most))
