"""The registry of weights: what there is, where it lies, whether it is what it should be.

An index, ``index.json``, lies beside the shipped weights and another beside the downloaded ones::

    {"default": "hmer-wide-8",
     "weights": {"hmer-wide-1": {"file": "hmer-wide-1.onnx", "sha256": "...", "size": 1,
                                   "url": null, "licence": "CC BY-NC-SA 3.0", "note": "..."}}}
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from hmer_cli.errors import MissingError, OutputError, UsageError

INDEX = "index.json"


@dataclass(frozen=True)
class Entry:
    """What an index says about one weights file; ``size`` in bytes, ``url`` None if unknown."""

    file: str
    sha256: str
    size: int | None = None
    url: str | None = None
    licence: str = ""
    note: str = ""


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


def cache_dir() -> Path:
    """The folder of downloaded weights: ``$HMER_CACHE``, or the user's cache folder."""
    if chosen := os.environ.get("HMER_CACHE"):
        return Path(chosen)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("hmer", appauthor=False))


def all_weights() -> list[Weights]:
    """Every entry of both indexes, the shipped ones first."""
    shipped, cached = _read_index(shipped_dir()), _read_index(cache_dir())
    entries = shipped | {name: entry for name, entry in cached.items() if name not in shipped}
    return [Weights(name, entry, _find(entry)) for name, entry in entries.items()]


def resolve(name_or_path: str | None = None) -> Path:
    """The weights file of this name, or at this path; without either, the default's.

    Raises:
        MissingError: there is no such file on this machine.
    """
    if name_or_path is None:
        return resolve(default_name())
    if Path(name_or_path).is_file():
        return Path(name_or_path)
    known = {weights.name: weights for weights in all_weights()}
    if name_or_path not in known:
        remedy = f"give a file or one of: {', '.join(known)}" if known else "give a file"
        raise MissingError(f"there are no weights called {name_or_path!r}", remedy)
    found = known[name_or_path].path
    if found is None:
        remedy = f"get them with: hmer weights download {name_or_path}"
        raise MissingError(f"the weights {name_or_path} are not on this machine", remedy)
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


def target_of(name: str, url: str | None = None, sha256: str | None = None) -> Weights:
    """What a download of ``name`` should bring: the index's entry, or one made from the options.

    Raises:
        MissingError: the index knows the weights but no URL for them.
        UsageError: the options contradict the index, or say too little for weights outside it.
    """
    if sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise UsageError(f"{sha256!r} is not a SHA-256", "give its 64 hexadecimal digits")
    wanted = sha256.lower() if sha256 else None
    for weights in all_weights():
        if weights.name == name and wanted in (None, weights.entry.sha256):
            entry = Entry(**{**asdict(weights.entry), "url": url or weights.entry.url})
            if entry.url is None and weights.problem():
                raise MissingError(f"no URL is known for the weights {name}", "give one with --url")
            return Weights(name, entry, weights.path)
    if name in _read_index(shipped_dir()):
        raise UsageError(f"the index has another SHA-256 for {name}", "choose another name")
    if not re.fullmatch(r"\w[\w.-]*", name) or name == INDEX:
        raise UsageError(f"{name!r} cannot name weights", "use letters, digits, '.', '-' and '_'")
    if not url or not wanted:
        raise UsageError(f"{name} is not in the index", "give both --url and --sha256")
    entry = Entry(file=name if name.endswith(".onnx") else f"{name}.onnx", sha256=wanted, url=url)
    return Weights(name, entry, None)


def remember(name: str, entry: Entry) -> None:
    """Write an entry into the index of downloaded weights, unless the shipped index has it.

    Raises:
        OutputError: the index cannot be written.
    """
    if name in _read_index(shipped_dir()):
        return
    path = cache_dir() / INDEX
    entries = {**_read_index(path.parent), name: entry}
    content = {"weights": {key: asdict(value) for key, value in sorted(entries.items())}}
    part = path.with_name(f"{INDEX}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}", "set HMER_CACHE") from error


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, as lower-case hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _find(entry: Entry) -> Path | None:
    """The entry's file: of the right size if there is one, else any, shipped before downloaded."""
    places = [folder / entry.file for folder in (shipped_dir(), cache_dir())]
    there = [path for path in places if path.is_file()]
    return min(there, key=lambda path: path.stat().st_size != entry.size, default=None)


def _read_index(folder: Path) -> dict[str, Entry]:
    path = folder / INDEX
    try:
        return {name: Entry(**entry) for name, entry in _load(path).get("weights", {}).items()}
    except (TypeError, AttributeError) as error:
        raise _broken(path) from error


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _broken(path) from error
    if not isinstance(content, dict):
        raise _broken(path)
    return content


def _broken(path: Path) -> MissingError:
    return MissingError(f"{path} is not an index of weights", "delete it or install hmer again")
