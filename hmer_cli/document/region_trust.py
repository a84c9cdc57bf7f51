"""How sure the reading of a region of a page is, by how the region was found.

Input: the regions of a page, those that the search had found, and the parts of its ink. Output: the
`Surroundings` of each region; the readings, with a lower confidence where something speaks against
the region's ends. The recogniser's confidence is that of a region that is cut as it should be; what
stands beside it, what was done to it and how its label begins and ends tell how likely that is.
Method: logistic regression with the recogniser's log-odds as offset: each evidence takes its weight
from them, and a region without any keeps its confidence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from hmer_cli.document.bracket_depths import depths
from hmer_cli.document.records import RegionReading, Result, Surroundings
from hmer_cli.geometry import Box, inside_of
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.regions import Region

WEIGHTS: Mapping[str, float] = {
    "changed": -0.50,
    "loose": -1.76,
    "dash": -1.84,
    "open": -2.93,
}
"""What each evidence adds to the log-odds that a reading is right; see `evidence`. Fitted by
``python benchmarks/page_trust.py DATA OUT`` on 48 composed pages, that of a dash lessened there by
how much oftener a minus begins other formulas; figures in train/PAGES.md."""

_SIGN = 0.35  # letter heights: smaller ink is a dot or a comma
_LEVEL = 0.4  # of the lower one's height: what two in one line share
_TOUCHING, _FAR = 0.5, 2.0  # letter heights that ink beside may reach in, and may be away
_NEVER_FIRST = frozenset((".", ",", "!", "/", ")", "]", "^", "_", r"\cdot"))
_NEVER_LAST = frozenset(("=", "(", "[", "/", r"\cdot"))
_SURE = 1e-4  # least probability, and greatest from one # convention


def surroundings_of(
    regions: Sequence[Region], searched: Sequence[Region], parts: Floats, unit: float
) -> tuple[Surroundings, ...]:
    """What is about each region, in their order; boxes of parts (N, 4) and letters in pixels."""
    places = [region.place for region in regions]
    free = parts[~inside_of(parts, places)]
    sides = (free[:, 2:] - free[:, :2]).max(1)
    free = free[sides >= _SIGN * unit]
    known = {region.place for region in searched}
    own = [parts[inside_of(parts, [place])] for place in places]
    return tuple(
        _about(place, place not in known, mine, free, unit)
        for place, mine in zip(places, own, strict=True)
    )


def _about(box: Box, changed: bool, own: Floats, free: Floats, unit: float) -> Surroundings:
    shared = np.minimum(free[:, 3], box[3]) - np.maximum(free[:, 1], box[1])
    level = shared >= _LEVEL * np.minimum(free[:, 3] - free[:, 1], box[3] - box[1])
    line = free[level]
    loose = any(_is_loose(own[:, ::2] * side, line[:, ::2] * side, unit) for side in (1, -1))
    return Surroundings(changed, loose)


def _is_loose(own: Floats, beside: Floats, unit: float) -> bool:
    """Whether the last sign of some parts, from where to where (N, 2), is no nearer to the others
    than to the ink beside them that follows."""
    own, beside = np.sort(own, 1), np.sort(beside, 1)
    own = own[np.argsort(own[:, 0])]
    reach = np.maximum.accumulate(own[:, 1])
    inner = (own[1:, 0] - reach[:-1])[own[1:, 0] > reach[:-1]]
    if not len(inner):
        return False
    beyond = beside[beside[:, 0] >= reach[-1] - _TOUCHING * unit, 0]
    outer = max(0.0, float(beyond.min(initial=np.inf) - reach[-1]))
    return outer <= min(float(inner[-1]), _FAR * unit)


def evidence(reading: RegionReading) -> dict[str, float]:
    """What speaks against the ends of a region, by the names of `WEIGHTS`."""
    found = reading.surroundings
    assert found is not None
    tokens = reading.reading.label.split() or [""]
    levels = depths(tokens)
    return {
        "changed": float(found.changed),
        "loose": float(found.loose),
        "dash": float(tokens[:1] == ["-"]),
        "open": float(min(levels, default=0) < 0 or levels[-1:] != [0] or _is_rest(tokens)),
    }


def _is_rest(tokens: Sequence[str]) -> bool:
    """Whether a label begins or ends with what stands between others."""
    return tokens[0] in _NEVER_FIRST or tokens[-1] in _NEVER_LAST


def trusted(result: Result) -> Result:
    """The result of a page with the confidence of its readings as sure as their regions are."""
    return replace(result, expressions=tuple(map(_trusted, result.expressions)))


def _trusted(expression: RegionReading) -> RegionReading:
    reading = expression.reading
    if expression.surroundings is None or not reading.confidence > 0:
        return expression
    told = sum(WEIGHTS[name] * value for name, value in evidence(expression).items())
    sure = round(lowered(reading.confidence, told), 4)
    share = sure / reading.confidence
    others = tuple(
        replace(each, confidence=round(each.confidence * share, 4)) for each in reading.alternatives
    )
    about = replace(expression.surroundings, confidence=reading.confidence)
    reading = replace(reading, confidence=sure, alternatives=others)
    return replace(expression, reading=reading, surroundings=about)


def lowered(confidence: float, told: float) -> float:
    """The probability whose log-odds are so much higher."""
    sure = min(max(confidence, _SURE), 1 - _SURE)
    return 1 / (1 + math.exp(-math.log(sure / (1 - sure)) - told))
