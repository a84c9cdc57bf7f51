"""Models embedded in the metadata of another ONNX model.

Input and output: model bytes <-> text (zlib, base64), since ONNX metadata holds text only.
"""

from __future__ import annotations

import base64
import zlib


def packed(model: bytes) -> str:
    """Any bytes as text, about as long as they are where they hold what was learnt."""
    return base64.b64encode(zlib.compress(model, 9)).decode("ascii")


def unpacked(text: str) -> bytes:
    """The bytes again.

    Raises:
        ValueError, zlib.error: the text is not of `packed`.
    """
    return zlib.decompress(base64.b64decode(text, validate=True))
