"""Files of a training run that is going on: checkpoints, the log, and the claim on its folder.

Checkpoints are dictionaries of tensors and plain data, replaced as a whole or not at all. The log
has a line of JSON for each validation.
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from hmer_cli import files
from hmer_cli.errors import MissingError, OutputError, UsageError

ANEW = "remove it to begin anew, or choose another --out"
"""The remedy where a run cannot be resumed."""


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a checkpoint; the old one stays until that is done. Raises OutputError."""
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    files.replace(path, buffer.getvalue())


def read(
    path: Path,
    keys: Collection[str],
    remedy: str = "give others",
    device: torch.device | str = "cpu",
) -> dict[str, Any]:
    """The content of a checkpoint, tensors on a device.

    Raises MissingError where there is none that has these keys.
    """
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError as error:
        raise MissingError(f"{path} is missing", remedy) from error
    except Exception as error:  # of torch, pickle and zip, which share no base class
        raise MissingError(f"{path} holds no checkpoint that can be read", remedy) from error
    if not isinstance(content, dict) or not content.keys() >= set(keys):
        raise MissingError(f"{path} holds no checkpoint of such a run", remedy)
    return content


def score_of(best: Path) -> float:
    """The score of the weights in a checkpoint, infinite where there is none."""
    try:
        return float(read(best, ("state",))["state"]["best"])
    except MissingError:
        return math.inf


def add_line(log: Path, line: Mapping[str, Any]) -> None:
    """Append a line to the log. Raises OutputError."""
    try:
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    except OSError as error:
        raise OutputError(f"{log}: cannot be written ({error.strerror})") from error


def read_lines(log: Path) -> list[dict[str, Any]]:
    """The lines of a log; one that was cut off, as the disk was full, is passed over."""
    lines = []
    for text in log.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except ValueError:
            continue
    return lines


def cut_log(log: Path, seen: int) -> None:
    """Drop the lines after so many images: a run that resumes will write them again."""
    if log.is_file():
        kept = [line for line in read_lines(log) if line.get("seen", 0) <= seen]
        files.replace(log, "".join(f"{json.dumps(line)}\n" for line in kept).encode())


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """The folder, which is created, is this run's alone; the system's lock ends with the process.

    Raises UsageError while another run has it.
    """
    files.make_folder(folder)
    if os.name == "nt":  # no folder can be opened there
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            what = f"another run is training into {folder}"
            raise UsageError(what, "wait for its end, or choose another --out") from error
        except OSError:
            pass  # a file system without locks
        yield
    finally:
        os.close(handle)
