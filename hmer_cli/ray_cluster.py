"""Ray, loaded and connected: one cluster on this machine, or that at an address.

Input: the address of a cluster, or none. Output: a `Cluster`, for the time of a context. Only this
module imports Ray; its usage statistics are turned off before. Needs the extra ``ray``.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

from hmer_cli.errors import MissingError, UsageError
from hmer_cli.interrupts import undone

USAGE_STATISTICS = "RAY_USAGE_STATS_ENABLED"
"""Environment variable of Ray: 0, set before the import, turns its usage statistics off."""

LOOPBACK = "127.0.0.1"

_SETTINGS = {
    USAGE_STATISTICS: "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else a warning at each start
    "RAY_worker_niceness": "0",  # 15 by default, relative to this process
    # 60 by default; a worker that takes longer is killed and started anew, which never ends
    # where the machine is so busy that each takes longer
    "RAY_worker_register_timeout_seconds": "600",
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # failures also arrive as rows or Python exceptions
}
if "ray" not in sys.modules:
    os.environ.update(_SETTINGS)

_CONNECT_TIMEOUT = 10.0  # seconds # convention
_STORE = 256 << 20  # bytes of shared memory of a local cluster; rows are text # convention

STARTS = 3  # convention
"""How often Ray, or a pool of its actors, is started where it does not come up."""

RETRY = "try again when the machine is less busy, or without Ray"


@dataclass(frozen=True)
class Cluster:
    """A connected cluster; ``readers`` is the number of actors in its pool."""

    readers: int


@contextmanager
def connected(address: str | None = None, readers: int | None = None) -> Iterator[Cluster]:
    """Context manager: a connection to the cluster at ``address``.

    Args:
        address: ``auto``, ``host:port`` or ``ray://host:port``. If None, a cluster on this machine
            is started for the context, some of whose processes listen on all interfaces. If this
            process is connected already, that connection is used.
        readers: actors; one a core if None.

    Raises MissingError without Ray or where it does not start, UsageError where no cluster answers.
    """
    ray = load_ray()
    if ray.is_initialized():
        yield _cluster(ray, readers)
        return
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    with ExitStack() as stack:
        if address is None:
            # For Ray's sockets, whose paths are limited to 107 bytes: not below a long $TMPDIR.
            folder = tempfile.mkdtemp(prefix="hmer-", dir="/tmp" if os.name == "posix" else None)
            stack.enter_context(undone(partial(shutil.rmtree, folder, ignore_errors=True)))
            stack.callback(ray.shutdown)
            _start(ray, folder, num_cpus=readers, include_dashboard=False, **quiet)
        else:
            stack.callback(ray.shutdown)
            _connect(ray, address, quiet)
        yield _cluster(ray, readers)


@contextmanager
def _no_stderr() -> Iterator[None]:
    """Context manager: file descriptor 2 is the null device, for the log of Ray's C++ code."""
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        with undone(partial(os.dup2, kept, 2)):
            os.dup2(null, 2)
            yield
    finally:
        os.close(kept)
        os.close(null)


def _start(ray: ModuleType, folder: str, **more: Any) -> None:
    """Start a cluster on this machine. Raises MissingError where it does not come up.

    Ray gives its processes half a minute, which a busy machine may exceed, so it is tried anew.
    """
    fixed = {"address": "local", "object_store_memory": _STORE, "_node_ip_address": LOOPBACK}
    for left in reversed(range(STARTS)):
        try:
            with _no_stderr():
                ray.init(_temp_dir=folder, **fixed, **more)
            return
        except Exception as error:  # of no class of its own where a busy machine is too slow
            ray.shutdown()
            _end_processes(folder)
            if not left:
                raise MissingError(f"Ray does not start ({error})", RETRY) from error


def _end_processes(folder: str) -> None:
    """End the processes of a cluster in this folder, which Ray leaves where it did not come up."""
    import psutil  # which Ray brings

    for child in psutil.Process().children():
        with suppress(psutil.Error):  # it has ended
            if any(folder in word for word in child.cmdline()):
                child.kill()


def _connect(ray: ModuleType, address: str, quiet: dict[str, Any]) -> None:
    """Connect to a running cluster. Raises UsageError where none answers."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        if host and port.isdigit():  # ray.init alone waits for minutes
            socket.create_connection((host, int(port)), _CONNECT_TIMEOUT).close()
        with _no_stderr():
            ray.init(address=address, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        what = f"--ray-address {address}: no cluster of Ray answers ({error})"
        raise UsageError(what, "start one with ray start --head") from error


def _cluster(ray: ModuleType, readers: int | None) -> Cluster:
    """The connected cluster, with the settings of Ray Data that a run needs."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    return Cluster(readers or max(1, int(ray.cluster_resources().get("CPU", 1))))


def load_ray() -> ModuleType:
    """The module ``ray``, imported with its usage statistics off.

    Raises MissingError if it is not installed, or was imported earlier with them on.
    """
    if "ray" in sys.modules and os.environ.get(USAGE_STATISTICS) != "0":
        raise MissingError(
            "ray was imported before hmer, with its usage statistics on: nothing is read",
            f"import hmer_cli.ray_data first, or start Python with {USAGE_STATISTICS}=0",
        )
    os.environ.update(_SETTINGS)
    try:
        import ray.data
    except ModuleNotFoundError as error:
        raise MissingError("Ray is not installed", 'pip install "hmer-cli[ray]"') from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=ray.util.annotations.RayDeprecationWarning)
    return ray
