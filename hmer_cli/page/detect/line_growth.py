"""Parts of ink -> lines of equations, grown sign by sign from seeds.

A seed is a box that the search found, or an equals sign: two bars of one length above each other,
which prose has not. All lines grow at once, and the nearest sign is taken first, so that of tightly
written lines each takes its own. The signs next to it decide whether a sign is on a line, not
the whole line: lines of photos slope, and tails reach into the line below.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import bounds
from hmer_cli.page.detect.integral import Floats

# All chosen on photos of notes; lengths in letter heights.
_BAR = 0.3, 1.5, 0.45  # width of a bar of an equals sign, at least and at most; its height at most
_FLAT = 1.6  # times as wide as high: a bar
_APART = 0.06, 0.8  # white between the two bars
_ALIKE = 0.55, 0.6  # of the longer bar: the shorter one; what both have in common
_LETTER = 0.5, 2.2  # heights of signs that tell where the line is
_LOCAL = 3  # of these next to a sign tell it
_OFF, _OFF_SMALL = 0.75, 0.95  # from the middle of the line, in heights of its letters; scripts
_OFF_FLAT = 0.55  # the same of a minus
_SMALL = 0.75  # of that height: a script or a dot
_TALL, _COVERS = 1.5, 0.7  # times that height: a bracket or root; so much of the line is beside it
_NEXT = 1.2  # to the next sign after it,
_BEFORE, _DASH = 1.1, 0.4  # to one before it; to a dash or dot, as after numbers of exercises,
_THIN = 0.3  # which is no higher,
_NUMBER, _WITHIN = 3, 4.0  # unless so many signs are before it within so much: a number has fewer
_OPERAND = 3.0  # beside an equals sign, which has two sides
_BRACE, _HELD = (
    (2.0, 2.0),
    2,
)  # so high, so many times as high as wide, beside so many lines: a brace
_JOINED, _REACH = 2.2, 1.2  # of the letters: higher signs may be joined; their own part of it
_FRACTION = 1.2, 1.6  # length of a fraction's bar; from there to the middles of its halves


class Line(NamedTuple):
    """``seed`` (4,): what it began with; ``signs`` (K, 4): the parts on it, the seed's too.

    ``found``: the search found it, else it began with an equals sign.
    """

    seed: Floats
    signs: Floats
    found: bool = False

    @property
    def box(self) -> Floats:
        """(4,) round the signs."""
        return bounds(self.signs)


def equals_signs(boxes: Floats, unit: float) -> list[NDArray[np.int64]]:
    """The two parts of each equals sign. ``boxes`` (N, 4), ``unit``: the height of a letter."""
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    flat = (width >= _BAR[0] * unit) & (width <= _BAR[1] * unit)
    flat &= (height <= _BAR[2] * unit) & (width >= _FLAT * height)
    at = np.flatnonzero(flat)
    bars: list[int] = at[np.argsort(boxes[at, 1], kind="stable")].tolist()
    found: list[NDArray[np.int64]] = []
    used: set[int] = set()
    for place, upper in enumerate(bars):
        for lower in bars[place + 1 :]:
            if not used & {upper, lower} and _is_pair(boxes, upper, lower, unit):
                found.append(np.array([upper, lower]))
                used |= {upper, lower}
                break
    return found


def _is_pair(boxes: Floats, upper: int, lower: int, unit: float) -> bool:
    """Whether two bars are one equals sign: alike, near, and nothing between or next to them."""
    a, b = boxes[upper], boxes[lower]
    lengths = sorted((float(a[2] - a[0]), float(b[2] - b[0])))
    shared = min(a[2], b[2]) - max(a[0], b[0])
    white = b[1] - a[3]
    if lengths[0] < _ALIKE[0] * lengths[1] or shared < _ALIKE[1] * lengths[0]:
        return False
    if not -0.1 * unit <= white <= _APART[1] * unit or b[3] - a[1] < _APART[0] * unit:
        return False
    x = boxes[:, [0, 2]].mean(1)
    inside = (x > min(a[0], b[0])) & (x < max(a[2], b[2]))
    near = (boxes[:, 1] < b[3] + 0.4 * unit) & (boxes[:, 3] > a[1] - 0.4 * unit) & inside
    tall = boxes[:, 3] - boxes[:, 1] > _BAR[2] * unit
    return int((near & tall).sum()) == 0  # else a bar of a fraction


def grow(lines: list[Line], free: Floats, unit: float) -> list[Line]:
    """The lines with the free parts (N, 4) that follow on them at either end.

    What may be a brace comes last, and not at all where it stands beside several lines.
    """
    late = _may_be_braces(free, unit)
    lines, left = _grown(lines, free[~late], unit)
    beside = np.array([len(_beside(part, lines, unit)) for part in free[late]], np.int64)
    return _grown(lines, np.concatenate([left, free[late][beside < _HELD]]), unit)[0]


def _grown(lines: list[Line], free: Floats, unit: float) -> tuple[list[Line], Floats]:
    """The lines with what follows on them, and what is left."""
    left = np.ones(len(free), bool)
    signs = [line.signs for line in lines]
    costs = np.array([_costs(own, free, unit) for own in signs]).reshape(len(signs), len(free))
    while left.any() and len(signs):
        open_ = np.where(left[None], costs, np.inf)
        line, part = np.unravel_index(int(open_.argmin()), open_.shape)
        if not np.isfinite(open_[line, part]):
            break
        signs[line] = np.concatenate([signs[line], free[part][None]])
        left[part] = False
        costs[line] = _costs(signs[line], free, unit)
    return [line._replace(signs=own) for line, own in zip(lines, signs, strict=True)], free[left]


def _may_be_braces(free: Floats, unit: float) -> NDArray[np.bool_]:
    """Which parts are tall and slender with white to the right of all of them, (N,)."""
    width, height = (free[:, 2:] - free[:, :2]).T
    tall = (height >= _BRACE[0] * unit) & (height >= _BRACE[1] * width)
    shared = np.minimum(free[:, None, 3], free[None, :, 3]) - np.maximum(
        free[:, None, 1], free[None, :, 1]
    )
    white = free[None, :, 0] - free[:, None, 2]
    touched = ((shared > 0) & (white < 0) & (free[None, :, 2] > free[:, None, 2])).any(1)
    return np.asarray(tall & ~touched)


def _beside(part: Floats, lines: list[Line], unit: float) -> list[int]:
    """Which lines have their middle beside a part."""
    found = []
    for number, line in enumerate(lines):
        middle, _ = place_of(line.signs, part, unit)
        near = line.box[0] - _OPERAND * unit <= part[2] and part[0] <= line.box[2] + 2 * unit
        if near and part[1] < middle < part[3]:
            found.append(number)
    return found


def _costs(signs: Floats, free: Floats, unit: float) -> Floats:
    """(N,) how far each free part is from being the next sign of a line, inf where it is not."""
    costs = np.full(len(free), np.inf, np.float32)
    if not len(free):
        return costs
    whole = bounds(signs)
    after, before = free[:, 0] - whole[2], whole[0] - free[:, 2]
    gap = np.maximum(np.maximum(after, before), 0)
    operand = _operand(signs, unit)
    dash = _ends_number(free, unit)
    most_before = np.where(dash, _DASH, _OPERAND if operand[0] else _BEFORE)
    near = (after <= (_OPERAND if operand[1] else _NEXT) * unit) & (before <= most_before * unit)
    candidates = np.flatnonzero(near & (gap <= _OPERAND * unit))
    bars = signs[_is_long_bar(signs, unit)]
    for index in candidates:
        off = _off(signs, free[index], unit)
        if off is None and not _is_half(bars, free[index], unit):
            continue
        costs[index] = gap[index] / unit + 1.5 * (1.0 if off is None else off)
    return costs


def _ends_number(free: Floats, unit: float) -> NDArray[np.bool_]:
    """Which parts may be the dash or dot after the number of an exercise, (N,)."""
    thin = free[:, 3] - free[:, 1] < _THIN * unit
    y = free[:, [1, 3]].mean(1)
    before = free[:, 0][:, None] - free[:, 2][None]
    near = (before > -0.2 * unit) & (before < _WITHIN * unit)
    level = np.abs(y[:, None] - y[None]) <= unit
    return np.asarray(thin & ((near & level & ~thin[None]).sum(1) < _NUMBER))


def _off(signs: Floats, part: Floats, unit: float) -> float | None:
    """How far a part is from the middle of the line, in heights of its letters; None if too far."""
    middle, height = place_of(signs, part, unit)
    own = float(part[3] - part[1])
    off = abs(float(part[1] + part[3]) / 2 - middle) / height
    shared = min(float(part[3]), middle + height / 2) - max(float(part[1]), middle - height / 2)
    if own >= _TALL * height and shared >= _COVERS * height:
        return min(off, 0.5)
    flat = own < _THIN * unit and float(part[2] - part[0]) >= _FLAT * own
    most = _OFF_FLAT if flat else _OFF_SMALL if own < _SMALL * height else _OFF
    return off if off <= most else None


def place_of(signs: Floats, part: Floats, unit: float) -> tuple[float, float]:
    """The middle of a line beside a part, and the height of its letters there."""
    height = signs[:, 3] - signs[:, 1]
    letters = signs[(height >= _LETTER[0] * unit) & (height <= _LETTER[1] * unit)]
    if not len(letters):
        return float(signs[:, [1, 3]].mean()), unit
    x = float(part[0] + part[2]) / 2
    near = letters[np.argsort(np.abs(letters[:, [0, 2]].mean(1) - x), kind="stable")[:_LOCAL]]
    size = max(float(np.median(near[:, 3] - near[:, 1])), 0.7 * unit)
    return float(np.median(near[:, [1, 3]].mean(1))), size


def _operand(signs: Floats, unit: float) -> tuple[bool, bool]:
    """Whether a line begins, and whether it ends, with an equals sign."""
    whole = bounds(signs)
    pairs = [bounds(signs[pair]) for pair in equals_signs(signs, unit)]
    begins = any(pair[0] <= whole[0] + 0.2 * unit for pair in pairs)
    return begins, any(pair[2] >= whole[2] - 0.2 * unit for pair in pairs)


def _is_long_bar(signs: Floats, unit: float) -> NDArray[np.bool_]:
    width, height = signs[:, 2] - signs[:, 0], signs[:, 3] - signs[:, 1]
    return np.asarray((width >= _FRACTION[0] * unit) & (width >= 3 * height))


def _is_half(bars: Floats, part: Floats, unit: float) -> bool:
    """Whether a part stands above or below the bar of a fraction."""
    x, y = float(part[0] + part[2]) / 2, float(part[1] + part[3]) / 2
    over = (bars[:, 0] <= x) & (x <= bars[:, 2])
    return bool((over & (np.abs(bars[:, [1, 3]].mean(1) - y) <= _FRACTION[1] * unit)).any())


def cut_joined(lines: list[Line], unit: float) -> list[Line]:
    """The lines, their tall signs no taller than a line where these reach into other lines."""
    done = []
    for number, line in enumerate(lines):
        signs = line.signs.copy()
        for sign in signs:
            middle, height = place_of(line.signs, sign, unit)
            tall = sign[3] - sign[1] > _JOINED * height
            if tall and set(_beside(sign, lines, unit)) - {number}:
                sign[1] = max(sign[1], middle - _REACH * height)
                sign[3] = min(sign[3], middle + _REACH * height)
        done.append(line._replace(signs=signs))
    return done


def continues(left: Floats, right: Floats, unit: float) -> bool:
    """Whether two runs of signs (K, 4) are one line: an equals sign between has two sides."""
    a, b = bounds(left), bounds(right)
    gap = b[0] - a[2]
    if not (_operand(left, unit)[1] or _operand(right, unit)[0]) or gap > _OPERAND * unit:
        return False
    last = left[np.argmax(left[:, 2])]
    middle, height = place_of(right, last, unit)
    other, _ = place_of(left, right[np.argmin(right[:, 0])], unit)
    return bool(gap > -unit and abs(middle - other) <= _OFF * height)
