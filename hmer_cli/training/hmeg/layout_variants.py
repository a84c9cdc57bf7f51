"""Ablation of HMEG's layout network beside the layout of our ink engine.

    python -m hmer_cli.training.hmeg.layout_variants ../shared/data/crohme.zip --out runs/layouts

Trains on all but a tenth of the writers of CROHME's training set and measures on the others (see
hmer_cli/metrics/layouts.py); prints the table of RECORDS.md and draws layouts.png. Networks that
exist are only measured.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.expr.tokens import join
from hmer_cli.expr.tree import to_tokens
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.render import draw, fit
from hmer_cli.metrics.layouts import diversity, edges, overlap, relations_held
from hmer_cli.networks.hmeg.layout import Shape
from hmer_cli.synthesis.blocks import Mark
from hmer_cli.synthesis.font import FontWriter, knows
from hmer_cli.synthesis.layout import layout
from hmer_cli.synthesis.layout_statistics import LayoutStyle, learnt
from hmer_cli.synthesis.strokes import fill
from hmer_cli.synthesis.symbol_graph import Relation, SymbolGraph
from hmer_cli.training.compose.examples import inks
from hmer_cli.training.hmeg.layout_training import LayoutTrainer, Plan, lay_out
from hmer_cli.training.hmeg.layouts import Layout, corners, held_out, layouts_of
from hmer_cli.training.messages import say

Boxes = NDArray[np.float64]
Maker = Callable[[SymbolGraph, Sequence[int]], list[Boxes]]
"""A graph and seeds -> boxes for each seed."""

OURS = Shape(chained=True)
RUNS = {
    "hmeg": Plan(),
    "hmeg-less": Plan(view="less"),
    "chained": Plan(OURS),
    "chained-less": Plan(OURS, view="less"),
    "hmeg-full": Plan(view="full"),
    "chained-less-4": Plan(OURS, view="less", tries=4),
}
SEEDS = range(8)
WIDTH, HEIGHT, PADDING, GAP = 300, 90, 5, 4
ROWS = 14


def main() -> None:
    """Train, measure, draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", help="the CROHME package, folder or zip")
    parser.add_argument("--out", type=Path, default=Path("runs/layouts"))
    parser.add_argument("--runs", nargs="+", default=list(RUNS), choices=list(RUNS))
    parser.add_argument("--steps", type=int, default=Plan.steps)
    given = parser.parse_args()
    torch.set_num_threads(1)
    found = layouts_of(inks(open_dataset(given.data, "train")))
    learned = [one for one in found if not held_out(one.writer)]
    unseen = [one for one in found if held_out(one.writer) and writable(one.graph)]
    say(f"{len(learned)} layouts to learn from, {len(unseen)} to measure on")
    makers: dict[str, Maker] = {"statistical": statistical}
    for name in given.runs:
        say(name)
        plan = replace(RUNS[name], steps=given.steps)
        network = LayoutTrainer(plan, learned).run(given.out / name, say)
        makers[name] = partial(lay_out, network)
    for line in table(unseen, makers):
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"\n{people(found)}\n")
    png = cv2.imencode(".png", sheet(unseen, makers))[1].tobytes()
    (given.out / "layouts.png").write_bytes(png)


def writable(graph: SymbolGraph) -> bool:
    """Whether our font has every sign of the graph."""
    return all(token in (r"\frac", r"\sqrt") or knows(token) for token in graph.symbols)


def statistical(graph: SymbolGraph, seeds: Sequence[int]) -> list[Boxes]:
    """Our own layout, in our own font, by a writer for each seed."""
    made = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        marks = layout(graph.tree(), FontWriter(rng), LayoutStyle(learnt(), rng))
        made.append(np.array([mark.box for mark in marks], float))
    return made


def table(unseen: Sequence[Layout], makers: dict[str, Maker]) -> Iterator[str]:
    """One row per layout method; real boxes first."""
    yield "| layout | relations | expressions | Right | Sup, Sub | others | IoU | diversity |"
    yield "|---|---|---|---|---|---|---|---|"
    yield row("people", unseen, lambda one: [corners(one.boxes)])
    for name, make in makers.items():
        yield row(name, unseen, partial(_many, make))


def _many(make: Maker, one: Layout) -> list[Boxes]:
    return make(one.graph, SEEDS)


def people(found: Sequence[Layout]) -> str:
    """How far writers are apart, on what many of them wrote."""
    writers: dict[tuple[tuple[str, ...], bytes], dict[str, Layout]] = defaultdict(dict)
    for one in found:
        key = (one.graph.symbols, one.graph.relations.tobytes())
        writers[key].setdefault(one.writer, one)
    many = [
        list(by.values())[:8] for key, by in writers.items() if len(by) >= 8 and len(key[0]) > 2
    ]
    spreads = [diversity([corners(one.boxes) for one in ones]) for ones in many]
    return f"{len(many)} expressions by 8 people each: diversity {np.mean(spreads):.3f}"


def row(name: str, unseen: Sequence[Layout], made: Callable[[Layout], list[Boxes]]) -> str:
    """Shares of relations and of whole expressions that hold, mean IoU and diversity."""
    held: list[tuple[int, bool]] = []
    whole, ious, spreads = [], [], []
    for one in unseen:
        samples = made(one)
        kinds = [min(int(relation), 4) for _, relation, _ in edges(one.graph)]
        for boxes in samples:
            shown = relations_held(one.graph, boxes)
            held += zip(kinds, shown, strict=True)
            whole.append(all(shown))
            ious.append(overlap(boxes, corners(one.boxes)))
        spreads.append(diversity(samples))
    kind, shown = np.array(held).T
    groups = (kind > 0, kind == 1, (kind == 2) | (kind == 3), kind == 4)
    shares = [f"{shown[group].mean():.1%}" for group in groups]
    shares.insert(1, f"{np.mean(whole):.1%}")
    return f"| {name} | {' | '.join(shares)} | {np.mean(ious):.3f} | {np.mean(spreads):.3f} |"


def sheet(unseen: Sequence[Layout], makers: dict[str, Maker]) -> NDArray[np.uint8]:
    """Expressions in rows, layouts in columns: real boxes, then each method's, in our font."""
    order = sorted(unseen, key=lambda one: len(one.boxes))
    picked = [order[i] for i in np.linspace(len(order) // 3, len(order) - 1, ROWS).astype(int)]
    rows = []
    for one in picked:
        say(join(to_tokens(one.graph.tree())))
        ways = [corners(one.boxes), *(make(one.graph, [1])[0] for make in makers.values())]
        rows.append(np.hstack([cell(one.graph, boxes) for boxes in ways]))
    return np.vstack(rows)


def cell(graph: SymbolGraph, boxes: Boxes) -> NDArray[np.uint8]:
    """The boxes filled with our font, dark on white."""
    hand = FontWriter(np.random.default_rng(0))
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-3)
    inside = {
        first: second for first, relation, second in edges(graph) if relation is Relation.INSIDE
    }
    marks = [
        Mark(token, hand.glyph(token, float(w / h)), tuple(box))
        for token, box, (w, h) in zip(graph.symbols, boxes.tolist(), sides.tolist(), strict=True)
    ]
    for i, mark in enumerate(marks):
        if mark.token == r"\sqrt":
            mark.knee = float(np.clip(boxes[inside[i], 0], mark.box[0], mark.box[2]))
    strokes, _ = fill(marks)
    x0, y0, x1, y1 = Ink(tuple(strokes)).box()
    room = 2 * PADDING
    scale = min((WIDTH - room) / (x1 - x0 + 1e-6), (HEIGHT - room) / (y1 - y0 + 1e-6))
    ink = fit(Ink(tuple(strokes)), max(x1 - x0, y1 - y0) * scale + room, PADDING)
    image = draw(ink.strokes, (HEIGHT, WIDTH), 1.6)
    framed = cv2.copyMakeBorder(image, 0, GAP, 0, GAP, cv2.BORDER_CONSTANT, value=170)
    return np.asarray(framed, np.uint8)


if __name__ == "__main__":
    main()
