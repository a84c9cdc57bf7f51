"""Trains HMEG's painter: glyphs, layouts, then whole images end to end; writes one ONNX file.

    python -m hmer_cli.training.hmeg.run ../shared/data/crohme.zip --out runs/painter

Trains on all but a tenth of the writers of CROHME's training set. An interrupted run resumes.
Pictures of symbols and images are drawn during training.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from hmer_cli.console import Say
from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.networks.hmeg.glyphs import sized
from hmer_cli.networks.hmeg.graphs import Graphs
from hmer_cli.networks.hmeg.layout import Shape
from hmer_cli.networks.hmeg.painter import UNIT
from hmer_cli.training.compose.examples import inks
from hmer_cli.training.hmeg.export import export
from hmer_cli.training.hmeg.glyph_training import GlyphPlan, GlyphTrainer
from hmer_cli.training.hmeg.layout_training import LayoutTrainer, Plan
from hmer_cli.training.hmeg.layouts import held_out, layouts_of, stacked
from hmer_cli.training.hmeg.painter_training import PainterPlan, PainterTrainer, real
from hmer_cli.training.hmeg.pictures import Picture, Symbols, pictures_of
from hmer_cli.training.messages import say
from hmer_cli.training.threads import single_threaded

LARGEST = 24, 128, 480
"""Largest expressions of the training data: symbols, height and width in pixels."""

LAYOUTS = Plan(Shape(chained=True), view="less", tries=4)
"""``chained-less-4`` of layout_variants.py, the most diverse of the layout networks."""

NAME = "hmer-hand-1"


def main() -> None:
    """Train, draw, export."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", help="the CROHME package, folder or zip")
    parser.add_argument("--out", type=Path, default=Path("runs/painter"))
    parser.add_argument("--every", type=int, default=1, help="paint from every so many-th")
    parser.add_argument("--glyph-steps", type=int, default=GlyphPlan.steps)
    parser.add_argument("--layout-steps", type=int, default=LAYOUTS.steps)
    parser.add_argument("--steps", type=int, default=PainterPlan.steps)
    given = parser.parse_args()
    plan = HandPlan(given.every, given.glyph_steps, given.layout_steps, given.steps)
    train_hand(given.data, given.out, plan, say)


@dataclass(frozen=True)
class HandPlan:
    """Length of a run: every how many-th image is painted, and the steps of each network."""

    every: int = 1
    glyph_steps: int = GlyphPlan.steps
    layout_steps: int = LAYOUTS.steps
    steps: int = PainterPlan.steps


@single_threaded()
def train_hand(data: str, out: Path, plan: HandPlan, say: Say) -> Path:
    """The file that ``hmer generate --engine hmeg`` writes with, from the ink of ``data``."""
    every = inks(open_dataset(data, "train"))
    found = pictures_of(every[:: plan.every], LARGEST)
    learned = [one for one in found if not held_out(one.layout.writer)]
    say(f"{len(learned)} of {len(found)} pictures to learn from")
    glyphs = GlyphTrainer(GlyphPlan(steps=plan.glyph_steps), learned)
    glyphs.run(out, drawing(out / "glyphs.png", lambda: glyph_sheet(glyphs, learned), say))
    settings = replace(LAYOUTS, steps=plan.layout_steps)
    layouts = LayoutTrainer(settings, [a for a in layouts_of(every) if not held_out(a.writer)])
    layouts.run(out / "layouts", say)
    painter = PainterTrainer(PainterPlan(steps=plan.steps), learned, glyphs, layouts)
    painter.run(out, drawing(out / "painter.png", lambda: sheet(painter, learned), say))
    made = out / f"{NAME}.onnx"
    export(painter.mean, glyphs.tokens, glyphs.forms, layouts.network, made)
    return made


def drawing(path: Path, draw: Callable[[], NDArray[np.uint8]], say: Say) -> Say:
    """Reports progress and draws samples."""

    def told(line: str) -> None:
        say(line)
        path.write_bytes(cv2.imencode(".png", draw())[1].tobytes())

    return told


@torch.no_grad()
def glyph_sheet(trainer: GlyphTrainer, pictures: Sequence[Picture]) -> NDArray[np.uint8]:
    """Rows: real symbols, their forms, their reconstructions, and four random writers."""
    batch = Symbols.of(pictures[5:21], trainer.tokens)
    size = sized(batch.boxes, batch.pens, UNIT)
    noise = torch.Generator().manual_seed(0)
    _, _, hand, turn = trainer.encoder(batch.textures, batch.symbols, size, batch.owner, noise)
    forms = trainer.forms.nearest(batch.textures, batch.symbols)

    def drawn(forms: Tensor, hand: Tensor, turn: Tensor) -> Tensor:
        return torch.sigmoid(trainer.mean(batch.symbols, forms, size, hand, turn)[:, :1])

    flat = trainer.forms.means[batch.symbols - 2, forms][:, None]
    rows, sizes = [batch.textures, flat, drawn(forms, hand, turn)], trainer.plan.sizes
    for _ in range(4):
        hand = trainer.mean.hand(0.7 * torch.randn(1, sizes.hand, generator=noise))
        hand = hand.expand(len(size), -1)
        forms = trainer.forms.sample(batch.symbols, size, noise)
        turn = torch.randn(len(size), sizes.turn, generator=noise)
        turn = trainer.mean.usual(batch.symbols, forms).at(0.7 * turn)
        rows.append(drawn(forms, hand, turn))
    ink = np.vstack([np.hstack([np.pad(t[0].numpy(), 2) for t in row[:36]]) for row in rows])
    return np.asarray(255 * (1 - ink), np.uint8)


@torch.no_grad()
def sheet(trainer: PainterTrainer, pictures: Sequence[Picture]) -> NDArray[np.uint8]:
    """Columns: real images, and the same expressions generated twice."""
    chosen = sorted(pictures[40:400:40], key=lambda one: one.shape[1])
    batch = Symbols.of(chosen, trainer.glyphs.tokens)
    graphs = Graphs.of([one.layout.graph for one in chosen], trainer.network.tokens)
    columns = [real(chosen)]
    for _ in range(2):
        boxes, _ = trainer.layouts.l1_loss(graphs, stacked([one.layout for one in chosen]))
        columns.append(trainer.generated(batch, graphs, boxes)[0])
    tall = max(column.shape[2] for column in columns)
    ink = [F.pad(c, (0, 8, 0, tall - c.shape[2]))[:, 0].flatten(0, 1).numpy() for c in columns]
    return np.asarray(255 * (1 - np.hstack(ink)), np.uint8)


if __name__ == "__main__":
    main()
