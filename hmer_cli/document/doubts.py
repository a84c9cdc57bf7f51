"""Why the reading of a region cannot be trusted: notations that no label can say.

Input: the image of a region, (H, W), dark ink on white, and its label. Output: one reason in words,
or nothing. Chemistry and sums in columns are found by the label; long division, struck lines and
scribbled signs by the shape of the ink: a root without the tick before its stem and with a divisor
before it, a straight line that crosses several strokes, many strokes close beside each other.
"""

from __future__ import annotations

import re

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_CONTRAST = 60  # gray levels: less is no ink
_STUDIED = 240, 1600  # pixels: largest height and width at which shapes are studied
_ELEMENTS = frozenset(
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Cr Mn Fe Co Ni Cu Zn Br Ag Sn I Ba Au Hg "
    "Pb".split()
)
_COMPOUNDS, _TERMS = 2, 0.75  # at least so many compounds, and so many terms begin as such do
_BETWEEN = frozenset(("+", "=", "\\rightarrow", "\\uparrow", "\\downarrow", "\\rightleftharpoons"))
_INDEX = re.compile(r"_\{(?:\d*[^\d}]|[01]\})")  # numbers from 2 on are below chemical elements
_COUNTED = re.compile(r"[A-Za-z)](?:_\{)?\d")
_ARROWS = _BETWEEN - {"+", "="}
# A product, a power that is no charge and no number below that was read above, or a function of
# something that is no state of matter.
_MATHEMATICS = re.compile(
    r"\\times|\^\{(?:[^{}]*[^-+\d{}])?\}|^[A-Z]\((?!(?:s|l|g|aq)\))[^()]*\)(?!_)"
)
_SUM = re.compile(  # a line below what stands after an equals sign is below a result
    r"(?<!= )(?<!\\approx )(?<!\\underline \{ )\\underline \{ (?:[-+]|\\times) (?:\d )+\}"
)
_DIVIDED = re.compile(r"(?:(?:[\w(){}^+-] )*[\w)}]) \\sqrt \{((?: [\w{}^.+-]){2,}) \}")

# Lengths in pen widths, or as shares of a shape; chosen on field and on CROHME 2014 offline.
_BAR, _STEM, _OPEN = 0.7, 0.6, 0.25  # of a root: along its top; of its height; open at its right
_TICK = 0.08  # of the height of a root: how far its tick reaches to the left of its foot
_STRIPES, _NEAR, _HIGH = 5, 2.5, 4.0  # strokes beside each other; white between; height of all
_STRUCK, _CROSSED = 0.7, 4  # of the width of a region: length of a line; strokes that it crosses
_LOWEST = 3.0  # times as wide as high: a region of one line of writing


def doubt_of(image: Pixels, label: str) -> str:
    """Why this reading is doubtful; empty where nothing is known against it.

    ``image``: (H, W), dark ink on white; ``label``: space-separated tokens.
    """
    if is_chemistry(label):
        return "may be chemistry, which is not read"
    if _SUM.search(label):
        return "may be a sum in columns, which is not read"
    ink = _ink(image)
    pen = _pen(ink)
    if _DIVIDED.fullmatch(label) and _has_division(ink):
        return "may be a long division, which is not read"
    if pen and _has_scribbles(ink, pen):
        return "something may be crossed out"
    if pen and _is_struck(ink, pen):
        return "may be crossed out"
    return ""


def is_chemistry(label: str) -> bool:
    """Whether the terms of a label are compounds of chemical elements."""
    tokens = label.split()
    written = _terms(tokens)
    terms = [_without_factor(term) for term in written]
    begun = sum(bool(term) and term[0].isupper() for term in terms)
    names = ["".join(term) for term in terms]
    if len(terms) < 2 or begun < _TERMS * len(terms) or any(map(_INDEX.search, names)):
        return False
    if any(map(_MATHEMATICS.search, names)):
        return False
    found = [_elements(name) for name in names]
    counted = [re.match(r"[A-Z][a-z]?(?:_\{)?[2-9]", name) is not None for name in names]
    compounds = sum(
        len(each) >= 2 or (len(each) == 1 and n) for each, n in zip(found, counted, strict=True)
    )
    every = {element for each in found for element in each}
    if compounds < _COMPOUNDS or len(every) < 2 or every.isdisjoint(("H", "O")):
        return False
    factors = [len(whole) > len(term) for whole, term in zip(written, terms, strict=True)]
    arrow = not _ARROWS.isdisjoint(tokens)
    return _is_no_geometry(names, found, factors, arrow)


def _is_no_geometry(
    names: list[str], found: list[list[str]], factors: list[bool], arrow: bool
) -> bool:
    """Whether compounds have what lengths and events, ``O B = O C``, do not: an element of two
    letters, a number below a letter of a pair, or numbers below others and a factor or an arrow."""
    pairs = [len(set(each)) >= 2 for each in found]
    counted = [_COUNTED.search(name) is not None for name in names]
    return (
        any(len(element) == 2 for each in found for element in each)
        or any(pair and count for pair, count in zip(pairs, counted, strict=True))
        or (any(counted) and any(pair and two for pair, two in zip(pairs, factors, strict=True)))
        or (any(counted) and arrow)
    )


def _terms(tokens: list[str]) -> list[list[str]]:
    """What stands between the signs of a reaction; the plus of an ion is none."""
    terms: list[list[str]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token == "{") - (token == "}")
        if depth == 0 and token in _BETWEEN:
            terms.append([])
        else:
            terms[-1].append(token)
    return [term for term in terms if term]


def _without_factor(term: list[str]) -> list[str]:
    """A term without the number in front of it."""
    first = next((place for place, token in enumerate(term) if not token.isdigit()), len(term))
    return term[first:]


def _elements(term: str) -> list[str]:
    """The elements that a term begins with, one after the other."""
    plain = re.sub(r"[_^{}()0-9]", "", term)
    found = []
    while plain:
        size = next((size for size in (2, 1) if plain[:size] in _ELEMENTS), 0)
        if not size:
            break
        found.append(plain[:size])
        plain = plain[size:]
    return found


def _ink(image: Pixels) -> Pixels:
    """1 where there is ink, at a size at which shapes are studied, (H, W)."""
    height, width = image.shape
    scale = min(1.0, _STUDIED[0] / height, _STUDIED[1] / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA) if scale < 1 else image
    dark = 255 - float(small.min())
    return (small <= 255 - max(_CONTRAST, dark / 2)).astype(np.uint8)


def _pen(ink: Pixels) -> float:
    """The width of its strokes in pixels; 0 where there are none."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    area = int(ink.sum())
    rim = area - int(cv2.erode(ink, cross).sum())
    return 2 * area / rim if rim else 0.0


def _has_division(ink: Pixels) -> bool:
    """Whether a shape like a root has no tick before its stem."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    for index in range(1, len(stats)):
        x, y, wide, high, _ = stats[index].tolist()
        if high < 8 or wide < high:
            continue
        own = labels[y : y + high, x : x + wide] == index
        top, right = own[: max(2, high // 4)].any(0), own[high // 2 :, wide // 2 :]
        stem = own[:, : max(2, wide // 4)].any(1)
        if top.mean() < _BAR or stem.mean() < _STEM or right.mean() > _OPEN / 4:
            continue
        left = [int(np.flatnonzero(row)[0]) if row.any() else wide for row in own]
        foot = int(np.argmax(own.any(1).cumsum()))
        middle = left[high // 5 : foot - high // 8]
        if middle and min(middle) >= min(left[foot - high // 8 : foot + 1]) - _TICK * high:
            return True
    return False


def _has_scribbles(ink: Pixels, pen: float) -> bool:
    """Whether strokes of one part stand close beside or above each other, several at once."""
    parts = np.asarray(cv2.connectedComponents(ink, connectivity=8)[1], np.int32)
    turned = np.ascontiguousarray(ink.T)
    return _is_scribbled(ink, parts, pen) or _is_scribbled(turned, parts.T, pen)


def _is_scribbled(ink: Pixels, parts: NDArray[np.int32], pen: float) -> bool:
    """Whether in several rows after another strokes of one part stand close beside each other."""
    edges = np.diff(np.pad(ink, ((0, 0), (1, 1))).view(np.int8), axis=1)
    # Rows begin and end in white: strokes and the ends of them alternate.
    places = np.flatnonzero(edges)
    row, begins = np.divmod(places[::2], edges.shape[1])
    ends = places[1::2] - row * edges.shape[1]
    gap, width = begins[1:] - ends[:-1], (ends - begins)[1:]
    close = (gap <= _NEAR * pen) & (width <= _NEAR * pen) & (row[1:] == row[:-1])
    if close.sum() < _STRIPES - 1:
        return False
    part = parts[row, begins]
    close &= part[1:] == part[:-1]
    stripes = np.lib.stride_tricks.sliding_window_view(close, _STRIPES - 1).all(axis=1)
    rows = np.zeros(len(ink), bool)
    rows[row[: stripes.size][stripes]] = True
    return _longest(rows) >= _HIGH * pen


def _longest(true: NDArray[np.bool_]) -> int:
    """The length of the longest run."""
    edges = np.flatnonzero(np.diff(np.pad(true.astype(np.int8), 1)))
    return int((edges[1::2] - edges[::2]).max()) if len(edges) else 0


def _spans(ink: Pixels, gap: int, least: int) -> bool:
    """Whether a part is wide enough for a line of ``least`` pixels; takes less time than lines do.

    Parts of ink up to ``gap`` pixels apart are one.
    """
    near = cv2.dilate(ink, np.ones((gap + 1, gap + 1), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(near, connectivity=8)
    steepest = np.sqrt(max(0, least**2 - len(ink) ** 2))  # the width of a line across the height
    return bool((stats[1:, cv2.CC_STAT_WIDTH] >= steepest).any())


def _is_struck(ink: Pixels, pen: float) -> bool:
    """Whether a straight line through the writing crosses several of its strokes."""
    height, width = ink.shape
    if width < _LOWEST * height or width < 20 * pen:
        return False
    least, gap = int(_STRUCK * width), max(3, int(pen))
    if not _spans(ink, gap, least):
        return False
    lines = cv2.HoughLinesP(ink * 255, 1, np.pi / 360, least // 2, None, least, gap)
    for x0, y0, x1, y1 in np.reshape(lines, (-1, 4)).tolist() if lines is not None else ():
        x = np.arange(min(x0, x1), max(x0, x1) + 1)
        y = y0 + (y1 - y0) * (x - x0) / ((x1 - x0) or 1)
        sides = []
        for off in (-2 * pen, 2 * pen):
            rows = np.rint(y + off).astype(int)
            inside = (rows >= 0) & (rows < height)
            sides.append(inside & (ink[rows.clip(0, height - 1), x] > 0))
        near = np.ones(gap, np.uint8)
        both = [np.convolve(side, near, "same") > 0 for side in sides]
        crossed = np.diff(np.pad((both[0] & both[1]).astype(np.int8), 1)) == 1
        if crossed.sum() >= _CROSSED:
            return True
    return False
