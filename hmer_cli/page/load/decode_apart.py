"""TIFF -> pixels; compressed pages are decoded in a worker process.

libtiff prints its own messages to standard error, and its decoders have had many vulnerabilities;
in the worker the messages are discarded and memory and time are limited.
"""

from __future__ import annotations

import numpy as np

from hmer_cli.errors import InputError
from hmer_cli.page.load.images import Pixels, decode, decode_without_libtiff
from hmer_cli.page.load.worker import Meta, Worker, WorkerError

MEMORY = 2 << 30
"""Bytes: 100 million pixels with four channels, and what is made of them."""


def decode_apart(worker: Worker, data: bytes, key: str, name: str, directory: int) -> Pixels:
    """As ``images.decode``; ``key`` is another for other data. Raises InputError."""
    decoded = decode_without_libtiff(data, name, directory)
    if decoded is not None:
        return decoded
    call = f"{__name__}:decode_here"
    try:
        answer, pixels = worker.call(
            call, {"name": name, "directory": directory}, data, key, memory=MEMORY
        )
    except WorkerError as error:
        limit = "too much time" if error.reason == "time" else "too much memory, or breaks libtiff"
        raise InputError(f"{name}: decoding it takes {limit}", "save it as PNG") from None
    if "error" in answer:
        raise InputError(answer["error"], answer["remedy"])
    return np.frombuffer(pixels, np.uint8).reshape(answer["shape"])


def decode_here(meta: Meta, data: bytes) -> tuple[Meta, bytes]:
    """The worker's side: ``{"shape"}`` and the pixels, or ``{"error", "remedy"}``."""
    try:
        pixels = decode(data, meta["name"], meta["directory"])
    except InputError as error:
        return {"error": error.what, "remedy": error.remedy}, b""
    return {"shape": pixels.shape}, pixels.tobytes()
