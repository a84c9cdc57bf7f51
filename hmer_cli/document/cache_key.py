"""Keys of pages in the cache: the page, and everything else that its readings depend on.

Input: the SHA-256 of a file, the number of a page, the identity of the recogniser and the options
of the run. Output: a SHA-256. It changes with weights, options, renderers, code and libraries.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

from hmer_cli.models.registry import sha256_of, shipped_dir
from hmer_cli.page.detect.detector import FILES
from hmer_cli.page.load.pdf import Renderer, version_of
from hmer_cli.recognition.line_reader import FILE as LINES

_NOT_READING = {"networks", "synthesis", "metrics", "training", "commands"}
"""Folders of the package whose code no reading depends on; all other code is part of the key."""

_LIBRARIES = (
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "pi-heif",
    "pillow",
    "pillow-heif",
    "pypdfium2",
    "rmscene",
)


def page_key(setting: str, digest: str, number: int) -> str:
    """The key of a page of the file with this SHA-256; ``setting``: see `setting_of`."""
    return hashlib.sha256(f"{setting} {digest} {number}".encode()).hexdigest()


def setting_of(
    identity: str, layout: str, renderer: Renderer = "pdfium", text: bool = False
) -> str:
    """Everything that a reading depends on besides the page, as text."""
    drawn = f"{renderer} {version_of(renderer)}"
    words = "text" if text else "-"
    return " ".join([identity, layout, drawn, words, _code(), _detector(), _libraries()])


@cache
def _code() -> str:
    """SHA-256 of all code that may change a reading."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        if path.relative_to(package).parts[0] not in _NOT_READING:
            digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def _detector() -> str:
    """SHA-256 of each of the weights that find regions, and of those that read words."""
    paths = [shipped_dir() / name for name in (*FILES, LINES)]
    return " ".join(sha256_of(path) if path.is_file() else "-" for path in paths)


def _libraries() -> str:
    """Versions of the libraries that decode, render and compute."""
    return ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES)


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "-"
