r"""Ink that a reading passes over: ``x ^ { \prime }`` for ``x!``, ``\pi _ { 4 }`` for ``\pi / 4``.

Input: what was seen of a region, an image (H, W) or ink, and its reading with token boxes in the
same pixels. Output: the reading with

- ``!`` for a prime or a raised one with a dot right below it;
- ``/`` for a subscript where a slash, by a stroke of its own, stands between the two;
- no prime at the end that stands apart, as a quotation mark does.

No model reads the first two surely, as CROHME's writers hardly ever wrote them.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.ink.render import InkImage, Readable
from hmer_cli.recognition.reading import Reading, TokenReading

Points = NDArray[np.floating]
"""Those of a stroke, or the pixels of a component, (P, 2)."""

Boxes = NDArray[np.float64]
"""Boxes x0, y0, x1, y1, (N, 4), or one of them."""

_INK = 160  # gray levels: what is darker
_FUNCTIONS = frozenset("fgh")  # of which there is no factorial, but a derivative
_BRACES = frozenset(("{", "}"))
_RAISED = frozenset((r"\prime", "1", "!", "l", "|"))  # as a bar with a dot below is read
# In sizes of a typical symbol; chosen on notes-truth.
_DOT, _BAR = 0.3, 0.5  # largest side of a dot, least height of a bar
_STEEP = 1.5  # times as high as wide: a bar
_FOOT = 0.1  # so high is the foot of a bar
_BELOW, _ASIDE = (-0.05, 1.0), 0.35  # from there to its dot, down and to a side
_NEAR = 0.6, 1.2  # from a token to its ink, to a side and up or down
_SLASH, _SLOPE = 0.55, (1.0, 4.5)  # least height of a slash; so many times as high as wide
_STRAIGHT = 0.93  # of its length: from end to end
_BETWEEN = 0.3, 0.8  # of the way from the sign before to the one below: where a slash is
_RIGHT, _DEEPER = 0.1, (0.12, 0.6)  # left of the middle of the sign before, at most; lower than it
_APART = 0.8  # a prime that stands farther behind the rest is a quotation mark


def with_overlooked(
    seen: Readable, reading: Reading, allowed: Container[str] | None = None
) -> Reading:
    """The reading with such signs; as it is where there are none. ``allowed`` are the tokens of
    the character set, if there is one."""
    tokens = list(reading.tokens)
    names = [token.token for token in tokens]
    if reading.label.split() != names or not _has_scripts(reading.label, seen):
        return reading
    size = median(max(t.box[2] - t.box[0], t.box[3] - t.box[1]) for t in tokens)
    drawn = _strokes(seen)
    if not drawn:
        return reading
    boxes = np.array([[*each.min(0), *each.max(0)] for each in drawn], np.float64)
    found = _without_quotation_mark(tokens, boxes, size)
    if allowed is None or "!" in allowed:
        found = _with_factorials(found, _exclamations(drawn, boxes, size), size)
    if isinstance(seen, InkImage) and (allowed is None or "/" in allowed):
        found = _with_slashes(found, drawn, boxes, size)
    if found == tokens:
        return reading
    return replace(reading, label=" ".join(t.token for t in found), tokens=tuple(found))


def _has_scripts(label: str, seen: Readable) -> bool:
    """Whether a label has a script that may be none."""
    raised = any(f"^ {{ {sign} }}" in label for sign in _RAISED)
    return raised or (isinstance(seen, InkImage) and "_" in label)


def _strokes(seen: Readable) -> list[Points]:
    if isinstance(seen, InkImage):
        return list(seen.strokes)
    ink = (seen < _INK).astype(np.uint8)
    count, labels = cv2.connectedComponents(ink, connectivity=8)
    rows, columns = np.nonzero(labels)
    order = np.argsort(labels[rows, columns], kind="stable")
    points = np.stack([columns, rows], 1)[order].astype(np.float32)
    ends = np.cumsum(np.bincount(labels[rows, columns], minlength=count)[1:])
    return [each for each in np.split(points, ends[:-1]) if len(each)]


def _exclamations(drawn: Sequence[Points], boxes: Boxes, size: float) -> Boxes:
    """The middles (N, 2) of the steep bars with a dot right below them."""
    wide, high = (boxes[:, 2:] - boxes[:, :2]).T
    dots = boxes[np.maximum(wide, high) <= _DOT * size]
    found = []
    for i in np.flatnonzero((high >= _BAR * size) & (high >= _STEEP * wide)).tolist():
        bar, end = drawn[i], boxes[i, 3]
        foot = float(bar[bar[:, 1] >= end - _FOOT * size, 0].mean())
        down, aside = dots[:, 1] - end, np.abs(dots[:, [0, 2]].mean(1) - foot)
        below = (down >= _BELOW[0] * size) & (down <= _BELOW[1] * size)
        if (below & (aside <= _ASIDE * size)).any():
            found.append(boxes[i].reshape(2, 2).mean(0))
    return np.array(found).reshape(-1, 2)


def _with_factorials(tokens: list[TokenReading], places: Boxes, size: float) -> list[TokenReading]:
    """The tokens with ``!`` for each raised bar at one of the places (N, 2)."""
    done: list[TokenReading] = []
    for token in tokens:
        done.append(token)
        if _is_script(done, "^") and done[-2].token in _RAISED:
            base = done[-5].token
            counts = (base.isalnum() and base not in _FUNCTIONS) or base == ")"
            away = np.abs(places - _middle(done[-2]))
            if counts and (away <= np.array(_NEAR) * size).all(1).any():
                done[-4:] = [replace(done[-2], token="!")]
    return done


def _is_script(tokens: Sequence[TokenReading], how: str) -> bool:
    """Whether tokens end with a script of one sign, behind another."""
    names = [token.token for token in tokens[-4:]]
    return len(tokens) > 4 and names[:2] == [how, "{"] and names[3] == "}"


def _with_slashes(
    tokens: list[TokenReading], drawn: Sequence[Points], boxes: Boxes, size: float
) -> list[TokenReading]:
    """The tokens with a slash for each subscript of one sign that stands behind one."""
    slashes = [box for each, box in zip(drawn, boxes, strict=True) if _is_slash(each, size)]
    done: list[TokenReading] = []
    for token in tokens:
        done.append(token)
        if not _is_script(done, "_"):
            continue
        sign = done[-2]
        before = next((each for each in done[-5::-1] if each.token not in _BRACES), done[-5])
        if before.token == "/":  # it has no script
            done[-4:] = [sign]
        elif any(_stands_between(each, before, sign, boxes, size) for each in slashes):
            done[-4:] = [replace(done[-4], token="/"), sign]
    return done


def _is_slash(stroke: Points, size: float) -> bool:
    """Whether a stroke is straight and goes up to the right."""
    if len(stroke) < 2:
        return False
    wide, high = (stroke.max(0) - stroke.min(0)).tolist()
    if high < _SLASH * size or not _SLOPE[0] <= high / max(wide, 1e-6) <= _SLOPE[1]:
        return False
    across, down = (stroke[-1] - stroke[0]).tolist()
    length = float(np.hypot(*np.diff(stroke, axis=0).T).sum())
    return across * down < 0 and float(np.hypot(across, down)) >= _STRAIGHT * length


def _stands_between(
    slash: Boxes, before: TokenReading, sign: TokenReading, boxes: Boxes, size: float
) -> bool:
    """Whether a slash stands between a token and the sign below it, and reaches below the first,
    whose strokes are those around its middle."""
    left, right = _middle(before)[0], _middle(sign)[0]
    x0, _, x1, foot = slash.tolist()
    middle = (x0 + x1) / 2
    at = (middle - left) / max(right - left, 1e-6)
    if right <= left or not _BETWEEN[0] <= at <= _BETWEEN[1] or x0 < left - _RIGHT * size:
        return False
    x = boxes[:, [0, 2]].mean(1)
    own = boxes[(np.abs(x - left) <= size / 2) & (x < middle)]
    deeper = foot - own[:, 3].max(initial=-np.inf)
    return bool(_DEEPER[0] * size <= deeper <= _DEEPER[1] * size)


def _without_quotation_mark(
    tokens: list[TokenReading], boxes: Boxes, size: float
) -> list[TokenReading]:
    """The tokens without a prime at the end that stands apart from all other ink."""
    if [token.token for token in tokens[-4:]] != ["^", "{", r"\prime", "}"] or len(boxes) < 3:
        return tokens
    last = boxes[:, 2].argmax()
    apart = boxes[last, 0] - np.delete(boxes, last, 0)[:, 2].max()
    away = np.abs(boxes[last].reshape(2, 2).mean(0) - _middle(tokens[-2]))
    is_prime = bool((away <= np.array(_NEAR) * size).all())
    return tokens[:-4] if is_prime and apart >= _APART * size else tokens


def _middle(token: TokenReading) -> tuple[float, float]:
    x0, y0, x1, y1 = token.box
    return (x0 + x1) / 2, (y0 + y1) / 2
