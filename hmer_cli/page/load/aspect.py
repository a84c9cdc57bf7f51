"""Images whose pixels are not square, such as faxes of 204 x 98 dots per inch -> square pixels.

Input: an image as it is opened, with the resolutions that its header names (TIFF 6.0, tags 282 and
283; JFIF densities; the chunk pHYs of PNG). Output: how many times wider or higher it is to be
drawn, and the pixels drawn so, the coarser side enlarged.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hmer_cli.page.load.exif import is_sideways

Pixels = NDArray[np.uint8]
Times = tuple[float, float]
"""How many times wider and higher."""

SQUARE: Times = (1.0, 1.0)
_LEAST, _MOST = 1.1, 4.5  # convention: nearer to square nobody sees; farther off is no resolution
_NAMES = "dpi", "resolution", "aspect", "jfif_density"


def squaring(image: Image.Image) -> Times:
    """How many times wider and higher an opened image is to be drawn, once it is upright, that its
    pixels are square; 1 and 1 where they are, or nothing says."""
    for name in _NAMES:
        across, down = _numbers(image.info.get(name))
        if across and down:
            break
    else:
        return SQUARE
    if is_sideways(image):
        across, down = down, across
    finer = max(across, down) / min(across, down)
    if not _LEAST <= finer <= _MOST:
        return SQUARE
    return (1.0, finer) if across > down else (finer, 1.0)


def squared(pixels: Pixels, times: Times, ample: int) -> tuple[Pixels, Times]:
    """The pixels so many times wider and higher, with no more than ``ample`` where they have that
    many; and how many times they are."""
    if times == SQUARE:
        return pixels, times
    height, width = pixels.shape
    most = max(ample, pixels.size)
    smaller = min(1.0, math.sqrt(most / (pixels.size * times[0] * times[1])))
    wide, high = round(width * times[0] * smaller), round(height * times[1] * smaller)
    size = max(1, wide), max(1, high)
    drawn = cv2.resize(
        pixels, size, interpolation=cv2.INTER_CUBIC if smaller == 1 else cv2.INTER_AREA
    )
    return np.asarray(drawn, np.uint8), (size[0] / width, size[1] / height)


def _numbers(given: object) -> Times:
    """Two finite numbers above 0; else two zeros: headers hold anything."""
    try:
        across, down = (float(each) for each in given)  # type: ignore[attr-defined]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return 0.0, 0.0
    usable = all(math.isfinite(each) and each > 0 for each in (across, down))
    return (across, down) if usable else (0.0, 0.0)
