"""TIFF -> pixels; compressed pages are decoded in a worker process.

Input: the bytes of a file, and which page. Output: (H, W) uint8, and by what it is downscaled.
libtiff prints its own messages to standard error, and its decoders have had many vulnerabilities;
in the worker the messages are discarded and memory and time are limited.
"""

from __future__ import annotations

import hashlib

import numpy as np

from hmer_cli.errors import InputError
from hmer_cli.page.load.images import Pixels, decode, decode_reduced, is_by_libtiff
from hmer_cli.page.load.worker import MAX_ENDED, Meta, Worker, WorkerError

MEMORY = 2 << 30
"""Bytes: 100 million pixels with four channels, and what is made of them."""


class TiffDecoder:
    """Decodes the pages of one TIFF by their directories; where MAX_ENDED of the compressed ones in
    a row pass a limit, the others are not tried."""

    def __init__(self, data: bytes, name: str, worker: Worker) -> None:
        self._data, self._name, self._worker = data, name, worker
        self._key = hashlib.sha256(data).hexdigest()
        self._ended = 0

    def decode(self, directory: int) -> Pixels:
        """As ``images.decode``. Raises InputError."""
        if not is_by_libtiff(self._data, self._name, directory):
            return decode(self._data, self._name, directory)
        return self._called("decode_here", directory)[0]

    def decode_reduced(self, directory: int) -> tuple[Pixels, int]:
        """As ``images.decode_reduced``. Raises InputError."""
        if not is_by_libtiff(self._data, self._name, directory):
            return decode_reduced(self._data, self._name, directory)
        return self._called("decode_reduced_here", directory)

    def _called(self, function: str, directory: int) -> tuple[Pixels, int]:
        name, call = self._name, f"{__name__}:{function}"
        if self._ended >= MAX_ENDED:
            what = f"{name}: not decoded, as {MAX_ENDED} pages before took too much"
            raise InputError(what, "save it as PNG")
        meta = {"name": name, "directory": directory}
        try:
            answer, pixels = self._worker.call(call, meta, self._data, self._key, memory=MEMORY)
        except WorkerError as error:
            self._ended += 1
            limit = "time" if error.reason == "time" else "memory, or breaks libtiff"
            what = f"{name}: decoding it takes too much {limit}"
            raise InputError(what, "save it as PNG") from None
        self._ended = 0
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
