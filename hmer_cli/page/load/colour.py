"""Colour -> gray, keeping ink of any colour dark and highlighted paper bright.

Input: RGB (H, W, 3). Output: (H, W).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.page.load.pale_pens import with_pale_pens
from hmer_cli.page.load.pens import extremes, without_corrections

Pixels = NDArray[np.uint8]

_STUDIED = 600  # pixels of the longer side at which markers are searched
_NIB = 5  # pixels there: least width of a marker, above a pen's
_TINT = 40  # least difference of the strongest and weakest colour under a marker
_PALE = 195, 110  # least strongest colour and brightness under a marker
_LEAST = 0.001  # of the image: least area of coloured strokes
_BROAD = 3  # times: markers over whole formulas are broader than shades of light
_OTHER, _LET_THROUGH, _PENS = 0.45, 100, 0.005  # of the marker, in a colour that it lets through:
# most of what a pen of another colour has; least level of such a colour; share of such ink
_STEP = 50  # gray levels from a marker down to writing: 80 on notes, 30 inside a thick pen
_WRITTEN = 0.02, 0.6  # range of the share of ink under a marker


def as_gray(colours: Pixels) -> Pixels:
    """(H, W, 3) red, green, blue to (H, W): brightness, but under a marker the strongest colour.

    Strokes of a second pen that cross the writing are taken out first, see ``pens.py``, and those
    of pale pens beside dark ink are as dark as it, see ``pale_pens.py``.
    A marker's ink lets one colour through undimmed, so that there is no marker in that colour.
    """
    given, colours = colours, without_corrections(colours)
    gray = np.asarray(cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    gray = with_pale_pens(gray, colours)
    marked = _marked(colours, corrected=not np.array_equal(given, colours))
    if marked is not None:
        height, width = gray.shape
        there = cv2.resize(marked, (width, height), interpolation=cv2.INTER_NEAREST) > 0
        gray[there] = colours[there].max(axis=1)
    return gray


def _marked(colours: Pixels, corrected: bool = False) -> Pixels | None:
    """1 where a marker went over writing, in a small picture; None where none did. The rim of a
    pen that was taken out would be a broad marker, so none is looked for where that is done."""
    scale = min(1.0, _STUDIED / max(colours.shape))
    height, width = (max(1, round(side * scale)) for side in colours.shape[:2])
    reduced = cv2.resize(colours, (width, height), interpolation=cv2.INTER_AREA)
    small = np.asarray(reduced, np.uint8)
    if np.mean(extremes(small)[1] > _TINT) < _LEAST:
        return None
    around = max(15, max(height, width) // 8) | 1
    marked = [_strokes(small, _closed(small, around))]
    if not corrected:
        marked.append(_strokes(small, _wide_paper(small, around), inside=True))
    found = [mask for mask in marked if mask is not None]
    return np.asarray(np.maximum.reduce(found), np.uint8) if found else None


def _wide_paper(small: Pixels, around: int) -> Pixels:
    """The colours of the paper, (H, W, 3), under markers that are broader than shades of light.

    The strongest colour tells the light; the rest changes where the paper does, and is closed by a
    far larger kernel, without what is whiter than the paper and no broader than ``around``. Paper
    is smooth: half of the resolution is enough.
    """
    height, width = small.shape[:2]
    size, around = (max(1, width // 2), max(1, height // 2)), around // 2 | 1
    half = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA), np.uint8)
    strongest = np.asarray(cv2.add(*extremes(half)), np.uint8)
    light = np.maximum(_closed(strongest, around), 1)[..., None].repeat(3, 2)
    tint = _closed(np.asarray(cv2.divide(half, light, scale=255), np.uint8), around)
    kernel = np.ones((around, around), np.uint8)
    even = np.asarray(cv2.morphologyEx(tint, cv2.MORPH_OPEN, kernel), np.uint8)
    wide = cv2.multiply(_closed(even, _BROAD * around | 1), light, scale=1 / 255)
    return np.asarray(cv2.resize(wide, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _closed(image: Pixels, size: int) -> Pixels:
    """Without what is darker and narrower than so many pixels, in each colour."""
    kernel = np.ones((size, size), np.uint8)
    return np.asarray(cv2.morphologyEx(image, cv2.MORPH_CLOSE, kernel), np.uint8)


def _strokes(small: Pixels, paper: Pixels, inside: bool = False) -> Pixels | None:
    """1 where a marker went over writing on paper of these colours, (H, W, 3); only ``inside`` of
    the image, which other paper and a table are not."""
    even = np.asarray(cv2.divide(small, np.maximum(paper, 1), scale=255), dtype=np.uint8)
    weakest, chroma = extremes(even)
    strongest = np.asarray(cv2.add(weakest, chroma), np.uint8)
    bright = cv2.cvtColor(even, cv2.COLOR_RGB2GRAY) > _PALE[1]
    pale = bright & (strongest > _PALE[0]) & (chroma > _TINT)
    ink = strongest <= _PALE[0]
    strokes = (pale | ink).astype(np.uint8)
    broad = cv2.morphologyEx(strokes, cv2.MORPH_OPEN, np.ones((_NIB, _NIB), np.uint8))
    if inside:
        broad = _without_pens(_off_edges(np.asarray(broad, np.uint8)), pale, even)
    return _written_over(np.asarray(broad, dtype=np.uint8), pale, ink, strongest)


def _off_edges(mask: Pixels) -> Pixels:
    """Those of its components that touch no edge of the image."""
    labels = cv2.connectedComponents(mask, connectivity=8)[1]
    edges = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return np.asarray(mask * ~np.isin(labels, edges), np.uint8)


def _without_pens(broad: Pixels, pale: NDArray[np.bool_], even: Pixels) -> Pixels:
    """Those of the broad strokes on which no bright pen of another colour wrote.

    In its strongest colour such a pen is as light as the marker; on coloured paper it is common.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(broad, connectivity=8)
    kept = np.ones(count, np.uint8)
    for number in range(1, count):
        x, y, width, height = stats[number, :4].tolist()
        box = np.s_[y : y + height, x : x + width]
        lit = (labels[box] == number) & pale[box]
        if not lit.any():
            continue
        own = cv2.morphologyEx(lit.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((15, 15))) > 0
        marker, colours = np.median(even[box][lit], axis=0), even[box][own]
        through = marker >= _LET_THROUGH
        pens = (colours[:, through] < _OTHER * marker[through]).any(1)
        pens &= colours.max(axis=1) > _PALE[0]
        kept[number] = pens.mean() < _PENS
    return np.asarray(broad * kept[labels], np.uint8)


def _written_over(
    broad: Pixels, pale: NDArray[np.bool_], ink: NDArray[np.bool_], strongest: Pixels
) -> Pixels | None:
    """Those of the broad strokes that have writing under them, their edges included.

    ``strongest`` is the strongest colour: writing is far darker than the marker over it, and the
    darker places of a thick pen are not far darker than the rest of its strokes.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(broad, connectivity=8)
    lit = np.bincount(labels[pale], minlength=count)
    dark = np.bincount(labels[ink], minlength=count)
    share = dark / np.maximum(lit + dark, 1)
    kept = (share > _WRITTEN[0]) & (share < _WRITTEN[1])
    kept[0] = False
    for number in np.flatnonzero(kept):
        x, y, width, height = stats[number, :4].tolist()
        box = np.s_[y : y + height, x : x + width]
        own, levels = labels[box] == number, strongest[box]
        step = np.median(levels[own & pale[box]]) - np.median(levels[own & ink[box]])
        kept[number] = step >= _STEP
    if not kept.any():
        return None
    return np.asarray(cv2.dilate(kept[labels].astype(np.uint8), np.ones((5, 5))), dtype=np.uint8)
