"""Fits the statistics of handwritten layout to the symbols of CROHME's training ink.

    python -m hmer_cli.training.fit.layout crohme.zip

Output: ``hmer_cli/synthesis/layout.json``; derived numbers only.
"""

from __future__ import annotations

import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hmer_cli import synthesis
from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.expr.commands import OPERATORS
from hmer_cli.expr.symbol_classes import LAYOUT_CLASSES, layout_class
from hmer_cli.geometry import union
from hmer_cli.synthesis.font import WORDS, drawings, sample
from hmer_cli.synthesis.layout_statistics import gap
from hmer_cli.training.compose.baselines import Extents, PlacedSymbol, placed_symbols
from hmer_cli.training.compose.examples import Example, examples

Record = tuple[str, float, float]
"""The name of a measure, what it depends on, its value."""

_FEW = 12
"""Fewer values than this make no measure."""


def font_extents() -> dict[str, tuple[float, float]]:
    """Top and bottom of every sign of our own font."""
    boxes = {token: sample(token).box for token in [*drawings(), *WORDS]}
    return {token: (round(box[1], 3), round(box[3], 3)) for token, box in boxes.items()}


def seen_extents(ink: Sequence[Example], start: Extents) -> dict[str, tuple[float, float]]:
    """The median top and bottom of every token in the ink, where there are enough of it."""
    found = defaultdict(list)
    for example in ink:
        for mark in (s for top in placed_symbols(example, start) or () for s in top.walk()):
            if mark.line.unit:
                _, y0, _, y1 = mark.box
                base, unit = mark.line.base, mark.line.unit
                found[mark.node.symbol].append(((y0 - base) / unit, (y1 - base) / unit))
    medians = {t: np.median(v, axis=0).tolist() for t, v in found.items() if len(v) >= _FEW}
    return {**start, **{t: (round(m[0], 3), round(m[1], 3)) for t, m in medians.items()}}


def records(row: Sequence[PlacedSymbol]) -> Iterator[Record]:
    """Everything that can be measured in a row of signs and below it."""
    line = row[0].line
    if line.unit:
        for left, right in pairwise(row):
            between = (right.extent[0] - left.extent[2]) / line.unit
            yield gap(left.node.symbol, right.node.symbol), 0.0, between
        yield from _brackets(row)
    for mark in row:
        yield from _parts(mark)
        for below in mark.rows.values():
            yield from records(below)


def _brackets(row: Sequence[PlacedSymbol]) -> Iterator[Record]:
    """How brackets reach over what they hold."""
    waiting: list[int] = []
    base, unit = row[0].line.base, row[0].line.unit
    for i, mark in enumerate(row):
        kind = LAYOUT_CLASSES.get(mark.node.symbol)
        if kind == "open":
            waiting.append(i)
        elif kind == "close" and waiting:
            first = waiting.pop()
            if first + 1 == i:
                continue
            _, top, _, bottom = union([s.extent for s in row[first + 1 : i]])
            for bracket in (row[first], mark):
                yield "bracket.top", (top - base) / unit, (bracket.box[1] - base) / unit
                yield "bracket.bottom", (bottom - base) / unit, (bracket.box[3] - base) / unit


def _parts(mark: PlacedSymbol) -> Iterator[Record]:
    unit = mark.line.unit
    if not unit:
        return
    for name, row in mark.rows.items():
        if not row:
            continue
        extent = union([s.extent for s in row])
        line = row[0].line
        if name != "inside" and line.unit:
            yield f"size.{_role(mark, name)}", 0.0, math.log(line.unit / unit)
        if name in ("sup", "sub"):
            yield from _script(mark, name, extent, line.base if line.unit else None)
        elif mark.node.symbol in OPERATORS:
            yield from _limit(mark, name, extent)
    if mark.node.symbol == r"\frac" and mark.rows.get("above") and mark.rows.get("below"):
        yield from _fraction(mark)
    if mark.node.symbol == r"\sqrt":
        yield from _root(mark)


def _role(mark: PlacedSymbol, name: str) -> str:
    if mark.node.symbol == r"\frac":
        return {"above": "over", "below": "under"}.get(name, name)
    return "index" if mark.node.symbol == r"\sqrt" and name == "above" else name


def _script(
    mark: PlacedSymbol, name: str, extent: tuple[float, ...], base: float | None
) -> Iterator[Record]:
    unit, own = mark.line.unit, mark.line.base
    kind = layout_class(mark.node.symbol)
    edge = mark.box[1] if name == "sup" else mark.box[3]
    yield f"{name}.gap.{kind}", 0.0, (extent[0] - mark.box[2]) / unit
    if base is not None:
        yield f"{name}.base.{kind}", (edge - own) / unit, (base - own) / unit


def _limit(mark: PlacedSymbol, name: str, extent: tuple[float, ...]) -> Iterator[Record]:
    x0, y0, x1, y1 = mark.box
    unit = mark.line.unit
    symbol = "int" if mark.node.symbol == r"\int" else "stack"
    distance = y0 - extent[3] if name == "above" else extent[1] - y1
    yield f"{name}.gap.{symbol}", 0.0, distance / unit
    yield f"{name}.shift.{symbol}", 0.0, (extent[0] + extent[2] - x0 - x1) / 2 / unit


def _fraction(mark: PlacedSymbol) -> Iterator[Record]:
    x0, y0, x1, y1 = mark.box
    middle, unit = (y0 + y1) / 2, mark.line.unit
    over = union([s.extent for s in mark.rows["above"]])
    under = union([s.extent for s in mark.rows["below"]])
    widest = max(over[2] - over[0], under[2] - under[0])
    yield "bar.overhang", 0.0, (x1 - x0 - widest) / 2 / unit
    yield "bar.axis", 0.0, (middle - mark.line.base) / unit
    yield "over.gap", 0.0, (middle - over[3]) / unit
    yield "under.gap", 0.0, (under[1] - middle) / unit
    yield "over.shift", 0.0, (over[0] + over[2] - x0 - x1) / 2 / unit
    yield "under.shift", 0.0, (under[0] + under[2] - x0 - x1) / 2 / unit


def _root(mark: PlacedSymbol) -> Iterator[Record]:
    x0, y0, x1, y1 = mark.box
    unit = mark.line.unit
    inside = union([s.extent for s in mark.rows["inside"]])
    yield "root.top", 0.0, (inside[1] - y0) / unit
    yield "root.right", 0.0, (x1 - inside[2]) / unit
    yield "root.bottom", 0.0, (inside[3] - y1) / unit
    yield "root.hook", (y1 - y0) / unit, (inside[0] - x0) / unit
    if mark.rows.get("above"):
        index = union([s.extent for s in mark.rows["above"]])
        yield "index.x", (y1 - y0) / unit, (index[2] - x0) / unit
        yield "index.y", (y1 - y0) / unit, (index[3] - y0) / unit


def measures(found: Sequence[Iterable[Record]]) -> dict[str, list[float]]:
    """Offset, slope, deviation between and within expressions of every measure; one iterable of
    records an expression."""
    values: dict[str, list[tuple[int, float, float]]] = defaultdict(list)
    for number, rows in enumerate(found):
        for name, x, y in rows:
            values[name].append((number, x, y))
    return {
        name: [round(v, 4) for v in _measure(np.array(rows))]
        for name, rows in sorted(values.items())
        if len(rows) >= _FEW
    }


def _measure(rows: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """A line through the values, with outliers (wrong annotations) left out, and the spreads."""
    keep = np.ones(len(rows), bool)
    for _ in range(4):
        _, x, y = rows[keep].T
        slope = float(np.cov(x, y)[0, 1] / x.var()) if x.var() > 1e-6 else 0.0
        offset = float(np.median(y - slope * x))
        rest = rows[:, 2] - offset - slope * rows[:, 1]
        spread = 1.4826 * float(np.median(np.abs(rest[keep] - np.median(rest[keep]))))
        keep = np.abs(rest) < max(3 * spread, 1e-6)
    offset += float(rest[keep].mean())
    rest = rest[keep] - rest[keep].mean()
    within = _within(rows[keep, 0], rest)
    between = math.sqrt(max(float(rest.var()) - within**2, 0.0))
    return offset, slope, between, within


def _within(groups: NDArray[np.float64], rest: NDArray[np.float64]) -> float:
    """The deviation inside the groups; half of the variance where no group has two values."""
    _, group, count = np.unique(groups, return_inverse=True, return_counts=True)
    centred = rest - (np.bincount(group, rest) / count)[group]
    free = len(rest) - len(count)
    return math.sqrt(float((centred**2).sum()) / free) if free >= _FEW else float(rest.std()) / 1.41


def main(dataset: str) -> None:
    """Fits the layout and writes it beside the code that uses it."""
    ink = examples(open_dataset(dataset, "train"))
    table = fit(ink)
    path = Path(synthesis.__file__).with_name("layout.json")
    path.write_text(table, encoding="utf-8")


def fit(ink: Sequence[Example]) -> str:
    """The JSON of extents and measures."""
    extents = seen_extents(ink, font_extents())
    looks = (placed_symbols(example, extents) for example in ink)
    found = measures([list(records(row)) for row in looks if row])
    return _table({"extents": extents, "measures": found})


def _table(content: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """JSON with one row a line."""
    parts = [
        f"{json.dumps(name)}: {{\n"
        + ",\n".join(f"{json.dumps(key)}: {json.dumps(list(row))}" for key, row in rows.items())
        + "\n}"
        for name, rows in content.items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main(sys.argv[1])
