"""A function for a worker process to call: what is imported there."""

from __future__ import annotations

import sys

import hmer_cli.page.load.pdfium  # noqa: F401


def modules(meta: object, data: bytes) -> tuple[dict[str, list[str]], bytes]:
    return {"modules": sorted({name.partition(".")[0] for name in sys.modules})}, b""
