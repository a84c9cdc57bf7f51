r"""Three dots at the end of a formula that were read as one: ``3 n ^ { 2 } .`` for ``\ldots``.

Input: the image of a region, (H, W), dark ink on white, and its reading. Output: the reading, whose
dots at the end are ``\ldots`` where the last parts of the ink are a row of three dots or more.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

import cv2
import numpy as np

from hmer_cli.page.load.images import Pixels
from hmer_cli.recognition.reading import Reading

_ELLIPSIS = r"\ldots"
_DOTS = frozenset((".", ",", r"\cdot"))
_INK = 160  # gray levels: what is darker
_SPECK = 2  # pixels: what is smaller is none
# In sizes of a typical part; chosen on notes-truth.
_SMALL, _NEXT, _ROW = 0.6, 1.5, 0.4  # a dot; the white to the next one; at one height


def with_ellipsis(
    image: Pixels, reading: Reading, allowed: Container[str] | None = None
) -> Reading:
    """The reading with an ellipsis at its end; as it is where there is none, or where the character
    set, whose tokens are ``allowed``, has none."""
    if allowed is not None and _ELLIPSIS not in allowed:
        return reading
    tokens = reading.tokens
    count = next((i for i, t in enumerate(reversed(tokens)) if t.token not in _DOTS), 0)
    if not count or reading.label.split() != [token.token for token in tokens]:
        return reading
    if not _ends_with_dots(image):
        return reading
    count -= _begins_with_comma([token.token for token in tokens[-count:]])
    kept = (*tokens[:-count], replace(tokens[-count], token=_ELLIPSIS))
    return replace(reading, label=" ".join(token.token for token in kept), tokens=kept)


def _begins_with_comma(dots: Sequence[str]) -> bool:
    """Whether a comma stands before the dots, which may be read as commas: ``1 , 2 , \\ldots``."""
    after = [dot != "," for dot in dots[1:]]
    return dots[0] == "," and (after[:1] == [True] or (len(after) >= 3 and not any(after)))


def _ends_with_dots(image: Pixels) -> bool:
    """Whether the three last parts of the ink are dots in a row."""
    ink = (image < _INK).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    sizes = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(1)
    parts = stats[1:][sizes[1:] > _SPECK]
    if len(parts) <= 3:
        return False
    left, top, width, high, _ = parts[parts[:, 0].argsort()].T.astype(float)
    usual = float(np.median(np.maximum(width, high)[:-3]))
    size, middle = np.maximum(width, high)[-3:], (top + high / 2)[-3:]
    white = left[-3:] - (left + width)[-4:-1]
    in_row = np.ptp(middle) <= _ROW * usual and (white <= _NEXT * usual).all()
    return bool(in_row and (size <= _SMALL * usual).all() and (white > 0).all())
