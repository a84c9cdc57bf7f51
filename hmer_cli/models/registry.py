"""Registry of weights: names, files, SHA-256 and licences.

Input: a name or path. Output: the path of a file, or the entries of the index ``index.json``
beside the shipped weights::

    {"default": "hmer-wide-13",
     "weights": {"hmer-wide-13": {"file": "hmer-wide-13.onnx", "sha256": "...", "size": 1,
                                  "licence": "CC BY-NC-SA 4.0", "note": "...",
                                  "recogniser": true}}}
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from hmer_cli.errors import MissingError

INDEX = "index.json"


@dataclass(frozen=True)
class Entry:
    """What an index says about one weights file; ``size`` in bytes. A ``recogniser`` reads
    expressions (``--model``), others are parts of hmer."""

    file: str
    sha256: str
    size: int | None = None
    licence: str = ""
    note: str = ""
    recogniser: bool = False


@dataclass(frozen=True)
class Weights:
    """One weights file of the registry; ``path`` is None where it is not on this machine."""

    name: str
    entry: Entry
    path: Path | None

    def problem(self) -> str | None:
        """What is wrong with the file, in a few words; None where all is well."""
        if self.path is None:
            return "missing"
        size = self.path.stat().st_size
        if self.entry.size not in (None, size):
            return f"{size} bytes, {self.entry.size} expected"
        return None if sha256_of(self.path) == self.entry.sha256 else "not the index's SHA-256"


def shipped_dir() -> Path:
    """The folder of the shipped weights: inside the wheel, or at the top of a source checkout."""
    inside = Path(str(files("hmer_cli"))) / "_weights"
    return inside if inside.is_dir() else Path(__file__).parents[2] / "weights"


def cache_dir() -> Path | None:
    """The folder for results: ``$HMER_CACHE``, or the user's cache folder; None for a user without
    any, as in containers."""
    if chosen := os.environ.get("HMER_CACHE"):
        return Path(chosen)
    from platformdirs import user_cache_dir

    try:
        return Path(user_cache_dir("hmer", appauthor=False))
    except RuntimeError:  # neither HOME nor an entry in the list of users
        return None


def all_weights() -> list[Weights]:
    """Every entry of the index."""
    folder = shipped_dir()
    return [
        Weights(name, entry, path if (path := folder / entry.file).is_file() else None)
        for name, entry in _read_index(folder).items()
    ]


def resolve(name_or_path: str | None = None) -> Path:
    """The weights file of this name, or at this path; without either, the default's. A name of the
    index is never a file of the current folder, which may be a folder of inputs.

    Raises:
        MissingError: there is no such file on this machine.
    """
    if name_or_path is None:
        return resolve(default_name())
    known = {weights.name: weights for weights in all_weights()}
    if name_or_path not in known:
        if Path(name_or_path).is_file():
            return Path(name_or_path)
        remedy = "give a file, or a name that hmer weights list shows"
        raise MissingError(f"there are no weights called {name_or_path!r}", remedy)
    found = known[name_or_path].path
    if found is None:
        what = f"the weights {name_or_path} are not in this installation"
        others = [name for name, each in known.items() if each.entry.recogniser and each.path]
        raise MissingError(what, f"install hmer again, or give {' or '.join([*others, 'a file'])}")
    return found


def default_name() -> str:
    """The name of the weights that are used when none is given.

    Raises:
        MissingError: this installation came without an index of weights.
    """
    name = _load(shipped_dir() / INDEX).get("default")
    if not isinstance(name, str):
        raise MissingError("this installation has no default weights", "give some by name or path")
    return name


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, as lower-case hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_index(folder: Path) -> dict[str, Entry]:
    path = folder / INDEX
    entries = _load(path).get("weights", {})
    if not isinstance(entries, dict):
        raise _broken(path)
    return {str(name): _entry(entry, path) for name, entry in entries.items()}


def _entry(content: Any, path: Path) -> Entry:
    """What an index says of one file, other keys aside. Raises MissingError."""
    known = {field.name for field in fields(Entry)}
    try:
        entry = Entry(**{key: value for key, value in content.items() if key in known})
    except (TypeError, AttributeError) as error:
        raise _broken(path) from error
    texts = (entry.file, entry.sha256, entry.licence, entry.note)
    size = entry.size is None or isinstance(entry.size, int)
    kind = isinstance(entry.recogniser, bool)
    if not (size and kind and all(isinstance(text, str) for text in texts)):
        raise _broken(path)
    return entry


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _broken(path) from error
    if not isinstance(content, dict):
        raise _broken(path)
    return content


def _broken(path: Path) -> MissingError:
    return MissingError(f"{path} is not an index of weights", "delete it or install hmer again")
