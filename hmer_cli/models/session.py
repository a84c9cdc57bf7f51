"""ONNX Runtime sessions: the only module that imports ``onnxruntime``.

Input is a model (a path, or its bytes), output a session on one thread of the CPU. The official
builds of ONNX Runtime from 1.25 or so on send telemetry and keep a queue of it in the user's cache
folder, unless ``ORT_DISABLE_TELEMETRY=1`` stands in the environment before the library is loaded
(``Privacy.md`` of its wheel). ``import hmer_cli`` sets it, and so does the first session; none is
opened where that came too late.
"""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from hmer_cli.errors import MissingError

SWITCH = "ORT_DISABLE_TELEMETRY"
"""The environment variable that turns the telemetry of ONNX Runtime off before it starts."""

_QUIET = 3
"""Errors alone are logged."""


class Session(Protocol):
    """What hmer uses of ``onnxruntime.InferenceSession``."""

    def run(
        self, names: Sequence[str] | None, feed: Mapping[str, Any], options: Any = None
    ) -> list[Any]:
        """The outputs of these names, or all, for inputs by their names; see `freeing`."""
        ...

    def get_inputs(self) -> list[Any]:
        """Inputs with ``name`` and ``shape``."""
        ...

    def get_outputs(self) -> list[Any]:
        """Outputs with ``name`` and ``shape``."""
        ...

    def get_modelmeta(self) -> Any:
        """Metadata; ``custom_metadata_map`` holds what hmer wrote into the file."""
        ...


def open_session(model: str | Path | bytes, arena: bool = True) -> Session:
    """A session for the model in a file, which may be compressed by gzip, or in memory.

    It computes on one thread, as whole images beside each other are twice as fast. ``arena`` keeps
    freed memory for the next run: a tenth faster, with two threads a fifth, as they do not wait for
    the system's memory. It is as large as the largest run needed that was not `freeing`.

    Raises:
        MissingError: the telemetry of ONNX Runtime cannot be turned off any more.
        Exception: the file cannot be decompressed, or ONNX Runtime cannot load the model; its own
            errors share no base class.
    """
    runtime = _runtime()
    options = runtime.SessionOptions()
    options.log_severity_level = _QUIET
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = arena
    if not isinstance(model, bytes):  # paths are half as much memory as bytes
        model = content(Path(model)) if str(model).endswith(".gz") else str(model)
    session: Session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return session


def content(path: Path) -> bytes:
    """The model in a file, which may be compressed by gzip."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def freeing() -> Any:
    """The options of a run after which the session's arena gives its memory back."""
    options = _runtime().RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options


def cores() -> int:
    """How many cores this process may use: those of its job, where a scheduler gave it a few."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@cache
def _runtime() -> ModuleType:
    """The library, loaded with its telemetry off."""
    if "onnxruntime" in sys.modules and os.environ.get(SWITCH) != "1":
        raise MissingError(
            "onnxruntime was imported before hmer, with its telemetry on: nothing is read",
            f"import hmer_cli first, or start Python with {SWITCH}=1",
        )
    os.environ[SWITCH] = "1"
    import onnxruntime

    # Older builds have no such call, and nothing to turn off but Windows' own event log.
    getattr(onnxruntime, "disable_telemetry_events", lambda: None)()
    return onnxruntime
