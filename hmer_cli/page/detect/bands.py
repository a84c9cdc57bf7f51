"""Long pages cut into bands at white rows, each searched at a resolution that fits it.

Input: a page (H, W). Output: first and last row of each band. The search scales a page to a fixed
size, at which the writing on an endless canvas or a scrolled screenshot would be too small.
"""

from __future__ import annotations

import numpy as np

from hmer_cli.page.detect.components import ink_contrast, ink_level
from hmer_cli.page.load.images import Pixels

_LONG = 2.4  # times as high as wide: longer than any sheet or screen, which have up to 2.33
_BAND = 1.41  # times as high as wide: as a sheet
_SHORTEST = 1754  # pixels: what is shorter is seen in full, as `search` has it
_WHITE = 0.6  # of a band: the last white row this far down or further ends it


def cut_into_bands(image: Pixels) -> list[tuple[int, int]]:
    """First row and the row after the last of each band, from the top down; one for most pages.

    ``image``: (H, W), dark ink on evenly white paper. Bands end in the middle of the widest white
    there is in their lower part; where none is white, in the row with least ink.
    """
    height, width = image.shape
    if sheet_height(image.shape) == height:
        return [(0, height)]
    ink = (image <= ink_level(ink_contrast(image))).sum(1)
    bands, top, size = [], 0, max(2, round(_BAND * width))
    while height - top > size:
        low = top + round(_WHITE * size)
        cut = low + _best_cut(ink[low : top + size])
        bands.append((top, cut))
        top = cut
    return [*bands, (top, height)]


def sheet_height(shape: tuple[int, ...]) -> int:
    """The height of an image of this shape, (H, W), or of a sheet of its width where it is long."""
    height, width = shape
    return height if height < max(_LONG * width, _SHORTEST) else round(_BAND * width)


def _best_cut(ink: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> int:
    """The middle of the longest run of rows with least ink, given the ink of each row."""
    least = np.concatenate([[0], (ink == ink.min()).astype(np.int8), [0]])
    edges = np.flatnonzero(np.diff(least))
    starts, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - starts))
    return int(starts[longest] + ends[longest]) // 2
