"""The orientation of a photo, as its camera wrote it (EXIF 2.32, tag 0x0112).

Input: an image as it is opened. Output: how it is to be turned, and the turned image. Other entries
of EXIF are not looked at: cameras and editors write many that no library would.
"""

from __future__ import annotations

from PIL import Image

_WIDTH, _ORIENTATION = 0x0100, 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_SIDEWAYS = frozenset(_TURNS[orientation] for orientation in (5, 6, 7, 8))


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """How the pixels of an image are to be turned; None where they are upright, or nothing says."""
    try:
        return _TURNS.get(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # whatever a damaged block makes the library do; the pixels are unharmed
        return None


def is_sideways(image: Image.Image) -> bool:
    """Whether the rows of the file are columns of the upright image. Pillow turns TIFFs as it loads
    them, but not their resolutions; what it then leaves of the turn is the width in the file."""
    if turn_of(image) in _SIDEWAYS:
        return True
    try:
        wide = getattr(image, "tag_v2", {}).get(_WIDTH)
    except Exception:  # as above
        return False
    return bool(wide == image.height != image.width)


def turned(image: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    """The image upright."""
    return image if turn is None else image.transpose(turn)
