"""TIFF -> pixels; compressed pages are decoded in a worker process.

Input: the bytes of a file, and which page. Output: (H, W) uint8, and by what it is downscaled.
libtiff prints its own messages to standard error, and its decoders have had many vulnerabilities;
in the worker the messages are discarded and memory and time are limited.
"""

from __future__ import annotations

import numpy as np

from hmer_cli.errors import InputError
from hmer_cli.page.load.images import Pixels, decode, decode_reduced, is_by_libtiff
from hmer_cli.page.load.worker import Meta, Worker, WorkerError

MEMORY = 2 << 30
"""Bytes: 100 million pixels with four channels, and what is made of them."""


def decode_apart(worker: Worker, data: bytes, key: str, name: str, directory: int) -> Pixels:
    """As ``images.decode``; ``key`` is another for other data. Raises InputError."""
    if not is_by_libtiff(data, name, directory):
        return decode(data, name, directory)
    return _called("decode_here", worker, data, key, name, directory)[0]


def decode_reduced_apart(
    worker: Worker, data: bytes, key: str, name: str, directory: int
) -> tuple[Pixels, int]:
    """As ``images.decode_reduced``; ``key`` as above. Raises InputError."""
    if not is_by_libtiff(data, name, directory):
        return decode_reduced(data, name, directory)
    return _called("decode_reduced_here", worker, data, key, name, directory)


def _called(
    function: str, worker: Worker, data: bytes, key: str, name: str, directory: int
) -> tuple[Pixels, int]:
    call = f"{__name__}:{function}"
    try:
        answer, pixels = worker.call(
            call, {"name": name, "directory": directory}, data, key, memory=MEMORY
        )
    except WorkerError as error:
        limit = "too much time" if error.reason == "time" else "too much memory, or breaks libtiff"
        raise InputError(f"{name}: decoding it takes {limit}", "save it as PNG") from None
    if "error" in answer:
        raise InputError(answer["error"], answer["remedy"])
    return np.frombuffer(pixels, np.uint8).reshape(answer["shape"]), answer["factor"]


def decode_here(meta: Meta, data: bytes) -> tuple[Meta, bytes]:
    """The worker's side: ``{"shape", "factor"}`` and the pixels, or ``{"error", "remedy"}``."""
    try:
        pixels = decode(data, meta["name"], meta["directory"])
    except InputError as error:
        return {"error": error.what, "remedy": error.remedy}, b""
    return {"shape": pixels.shape, "factor": 1}, pixels.tobytes()


def decode_reduced_here(meta: Meta, data: bytes) -> tuple[Meta, bytes]:
    """The same of a page that may be downscaled."""
    try:
        pixels, factor = decode_reduced(data, meta["name"], meta["directory"])
    except InputError as error:
        return {"error": error.what, "remedy": error.remedy}, b""
    return {"shape": pixels.shape, "factor": factor}, pixels.tobytes()
