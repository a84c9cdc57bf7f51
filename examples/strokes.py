"""A stroke font of hmer's own, drawn with random variation.

A glyph is one string: strokes separated by ``|``, points ``x,y`` by blanks, in hundredths of the x
height, y down, baseline at 0. Strokes are Catmull-Rom curves with corners at points marked ``*``.
"""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random

Point = tuple[float, float]
Stroke = list[Point]

AXIS = -52.0
"""Where fraction bars and minus signs lie: half an x above the baseline."""

GLYPHS = {
    "0": "50,-158 16,-134 4,-76 20,-14 50,1 82,-34 88,-92 72,-142 44,-158",
    "1": "16,-126 44,-158* 42,-80 43,0",
    "2": "8,-124 30,-156 62,-150 72,-116 48,-62 4,-3* 22,-10 52,-2 90,-8",
    "3": "8,-142 40,-160 70,-140 62,-104 30,-88* 70,-76 82,-36 50,0 6,-14",
    "4": "26,-156 16,-110 8,-68* 44,-66 86,-70 | 68,-122 62,-60 62,10",
    "5": "26,-150 18,-92* 50,-104 80,-76 76,-28 44,0 6,-14 | 24,-152 54,-152 88,-158",
    "6": "66,-160 32,-122 8,-60 20,-8 50,1 78,-28 66,-66 36,-64 12,-34",
    "a": "72,-82 46,-99 14,-74 6,-30 26,-2 54,-24 73,-88* 69,-30 78,-2 96,-14",
    "b": "10,-168 8,-80 7,-4* 16,-58 44,-84 73,-60 67,-16 36,2 8,-12",
    "c": "72,-84 46,-100 15,-72 8,-28 32,0 74,-18",
    "d": "70,-78 44,-95 12,-68 7,-22 28,-1 55,-24 72,-92 79,-170* 71,-80 73,-14 92,-6",
    "e": "10,-50 44,-52 70,-72 52,-99 20,-80 8,-34 34,-1 80,-20",
    "i": "14,-92 10,-34 20,-2 40,-14 | 22,-130 25,-124",
    "k": "12,-168 11,-80 8,0 | 64,-98 42,-66 14,-46* 38,-30 76,0",
    "l": "6,-50 34,-112 42,-160 28,-168 16,-110 14,-30 28,0 48,-16",
    "m": "4,-84 14,-94 16,-50 13,0* 22,-60 42,-94 55,-74 54,0* 64,-60 84,-94 98,-70 98,-14 114,-6",
    "n": "4,-84 14,-94 16,-50 13,0* 24,-62 48,-95 64,-72 64,-16 82,-4",
    "o": "50,-98 16,-78 10,-28 40,0 72,-30 72,-80 46,-99 40,-94",
    "s": "64,-86 42,-100 20,-80 44,-52 60,-22 36,2 4,-14",
    "x": "6,-88 22,-97 42,-58 62,-8 86,-8 | 84,-97 50,-62 4,2",
    "E": "82,-156 22,-154* 16,-80 14,-2* 50,1 90,-4 | 18,-82 46,-84 72,-86",
    "+": "4,-52 48,-54 94,-55 | 52,-98 48,-52 49,-6",
    "-": "2,-52 46,-55 88,-53",
    "=": "4,-70 48,-73 94,-72 | 8,-36 50,-37 98,-34",
    "(": "40,-180 14,-132 3,-72 11,-4 36,40",
    ")": "2,-180 28,-132 38,-72 29,-6 2,40",
    r"\pm": "4,-78 48,-80 92,-80 | 50,-124 47,-80 48,-38 | 6,-10 50,-12 96,-9",
    r"\pi": "2,-76 16,-94 60,-91 108,-97 | 38,-92 34,-44 18,0 | 74,-94 70,-34 80,-2 100,-14",
    r"\alpha": "98,-96 70,-38 36,-2 9,-28 15,-76 42,-98 68,-58 82,-12 106,-6",
    r"\beta": "2,62 13,-40 22,-130 50,-166 75,-140 60,-102 38,-90* 74,-74 80,-30 52,0 18,-14",
    r"\gamma": "2,-76 20,-98 42,-64 48,0 40,52 28,44 40,-6 64,-58 84,-98",
    r"\theta": "52,-164 18,-124 8,-54 34,0 74,-42 82,-118 56,-163 46,-162 | 12,-82 46,-86 78,-84",
    r"\phi": "50,-96 14,-74 11,-28 46,0 84,-28 84,-74 50,-97 42,-94 | 68,-150 50,-50 32,54",
    r"\infty": "66,-48 44,-20 16,-26 8,-54 26,-80 52,-64 76,-36 102,-22 122,-46 112,-78 66,-48",
    r"\rightarrow": "2,-52 60,-55 128,-52 | 98,-84 129,-54* 100,-24",
    r"\sum": "104,-172 104,-196 50,-200 6,-196* 40,-132 72,-78* 34,-22 2,44* 50,40 112,40 118,16",
    r"\int": "84,-206 66,-224 48,-184 40,-70 34,40 16,74 -4,52",
}


def smooth(points: list[Point], step: float = 9.0) -> Stroke:
    """A Catmull-Rom curve through the points, sampled every ``step`` units or so."""
    path = [points[0], *points, points[-1]]
    curve = [points[0]]
    for before, start, end, after in zip(path, path[1:], path[2:], path[3:], strict=False):
        pieces = max(1, round(math.dist(start, end) / step))
        for i in range(1, pieces + 1):
            t = i / pieces
            weights = (
                (-t + 2 * t**2 - t**3) / 2,
                (2 - 5 * t**2 + 3 * t**3) / 2,
                (t + 4 * t**2 - 3 * t**3) / 2,
                (t**3 - t**2) / 2,
            )
            corners = (before, start, end, after)
            x = sum(w * p[0] for w, p in zip(weights, corners, strict=True))
            y = sum(w * p[1] for w, p in zip(weights, corners, strict=True))
            curve.append((x, y))
    return curve


def through(points: list[tuple[Point, bool]]) -> Stroke:
    """The curve through points of which some (``True``) are corners."""
    stroke: Stroke = []
    piece: list[Point] = []
    for point, corner in points:
        piece.append(point)
        if corner and len(piece) > 1:
            stroke += smooth(piece)[bool(stroke) :]
            piece = [point]
    return stroke + (smooth(piece)[bool(stroke) :] if len(piece) > 1 else [])


class StrokeWriter:
    """A writer: a slant and a jitter, drawn from a seed; every glyph is perturbed anew."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.slant = self.random.uniform(0.02, 0.2)
        self.jitter = self.random.uniform(2.0, 3.4)

    def write(self, token: str) -> list[Stroke]:
        """The strokes of one glyph, baseline at 0, its left edge near 0."""
        turn = self.random.gauss(0, 0.03)
        wide, high = self.random.gauss(1, 0.05), self.random.gauss(1, 0.04)
        strokes = []
        for drawn in GLYPHS[token].split("|"):
            marked = [(p.rstrip("*").split(","), p.endswith("*")) for p in drawn.split()]
            points = [((float(x) * wide, float(y) * high), sharp) for (x, y), sharp in marked]
            strokes.append(through([(self.displaced(p, turn), sharp) for p, sharp in points]))
        return strokes

    def line(self, *corners: Point) -> Stroke:
        """One stroke of nearly straight pieces: a fraction bar, a root sign."""
        points = [(self.displaced(corners[0], 0), False)]
        for (x0, y0), (x1, y1) in pairwise(corners):
            middle = (x0 + x1) / 2, (y0 + y1) / 2
            points += [(self.displaced(middle, 0), False), (self.displaced((x1, y1), 0), True)]
        return through(points)

    def displaced(self, point: Point, turn: float) -> Point:
        """The point slanted, rotated and displaced at random."""
        x, y = point
        x, y = x - (self.slant + turn) * y, y + turn * x
        return x + self.random.gauss(0, self.jitter), y + self.random.gauss(0, self.jitter)
