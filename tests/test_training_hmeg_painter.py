"""HMEG's painter: boxes to masks to images and back to the boxes, and the file that comes out."""

# ruff: noqa: E402 - torch decides whether the rest can be imported
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from hmer_cli.errors import InputError
from hmer_cli.networks.hmeg.glyphs import Sizes
from hmer_cli.networks.hmeg.graphs import Graphs
from hmer_cli.networks.hmeg.layout import Shape
from hmer_cli.networks.hmeg.placement import R, crop, place
from hmer_cli.synthesis.engine import InkEngine
from hmer_cli.synthesis.hmeg_engine import HmegEngine
from hmer_cli.training.hmeg.export import export
from hmer_cli.training.hmeg.glyph_training import GlyphPlan, GlyphTrainer
from hmer_cli.training.hmeg.layout_training import LayoutTrainer, Plan
from hmer_cli.training.hmeg.layouts import stacked
from hmer_cli.training.hmeg.painter_training import PainterPlan, PainterTrainer, real
from hmer_cli.training.hmeg.pictures import Picture, Symbols, picture_of

pytestmark = pytest.mark.torch

LABELS = ["x ^ { 2 } + 1", r"\frac { a + b } { c }", r"\sqrt { x y + 1 }", "a _ { i } = b"]


def picture(label: str, seed: int) -> Picture:
    ink = InkEngine().write(label, seed, np.random.default_rng(seed)).ink
    made = picture_of(ink, 2.0) if ink else None
    assert made is not None
    return made


PICTURES = [picture(label, seed) for label in LABELS for seed in range(4)]
SMALL = GlyphPlan(Sizes(8, 4, 4, 2, 1, (16, 12, 8, 8)), steps=60, symbols=24, distance=0.1)


def trainer(steps: int = 2) -> PainterTrainer:
    glyphs = GlyphTrainer(SMALL, PICTURES)
    shape = Shape(width=16, layers=2, noise=8, chained=True)
    layouts = LayoutTrainer(Plan(shape, view="less", batch=8), [one.layout for one in PICTURES])
    return PainterTrainer(PainterPlan(steps=steps, batch=3), PICTURES, glyphs, layouts)


def axis(length: int) -> torch.Tensor:
    return torch.arange(length) + 0.5


@pytest.mark.parametrize("bent", [0.0, 1.0])
def test_what_is_placed_in_a_box_is_seen_in_it_and_nowhere_else(bent: float) -> None:
    texture = torch.zeros(1, 1, R, R)
    texture[..., 4:12, 20:28] = 1
    boxes, curved = torch.tensor([[10.0, 5.0, 138.0, 69.0]]), torch.tensor([bent])
    canvas = place(texture, boxes, curved, axis(80), axis(160))
    assert (crop(canvas, boxes, curved) - texture).abs().mean() < 0.02
    assert canvas[..., :5, :].sum() == 0 and canvas[..., :10].sum() == 0
    columns = canvas[0, 0].amax(0).nonzero()[:, 0]
    # five eighths of the texture; a radical's hook keeps its width, so its bar has more room
    hook = 0.8 * 64
    left = 10 + (128 * 20 / 32 if not bent else hook + (128 - hook) * (20 / 32 - 0.5) * 2)
    assert columns[0] == pytest.approx(left, abs=5)


@pytest.mark.parametrize("bent", [0.0, 1.0])
def test_the_gradient_of_a_box_is_the_slope_of_what_is_painted(bent: float) -> None:
    generator = torch.Generator().manual_seed(0)
    texture = torch.rand(1, 1, R, R, generator=generator).double()
    wanted = torch.rand(1, 1, 40, 90, generator=generator).double()
    boxes = torch.tensor([[8.3, 6.1, 71.7, 30.9]], dtype=torch.double, requires_grad=True)
    ys, xs = axis(40).double(), axis(90).double()

    def loss(boxes: torch.Tensor) -> torch.Tensor:
        return (place(texture, boxes, torch.tensor([bent]), ys, xs) - wanted).square().sum()

    assert torch.autograd.gradcheck(loss, boxes, eps=1e-5, atol=1e-3)


def test_a_picture_holds_its_symbols_in_their_boxes() -> None:
    for one in PICTURES:
        image = torch.from_numpy(one.image())[None, None]
        batch = Symbols.of([one], sorted(set(one.layout.graph.symbols)))
        seen = crop(image.expand(len(one.boxes), -1, -1, -1), batch.boxes, batch.bent)
        # a box also holds what overlaps it, so there is at least the symbol's own ink
        assert (seen.mean((1, 2, 3)) > 0.8 * batch.textures.mean((1, 2, 3))).all()
        assert (batch.textures.amax((1, 2, 3)) > 0.3).all()


def test_an_image_loss_reaches_the_boxes_and_the_layout_network() -> None:
    run = trainer()
    batch = Symbols.of(PICTURES, run.glyphs.tokens)
    graphs = Graphs.of([one.layout.graph for one in PICTURES], run.network.tokens)
    boxes, _ = run.layouts.l1_loss(graphs, stacked([one.layout for one in PICTURES]))
    boxes.retain_grad()
    made, _, _ = run.generated(batch, graphs, boxes)
    # of pixels alone: no discriminator, no crop, no loss of boxes
    made.square().sum().backward()
    assert boxes.grad is not None
    reached = boxes.grad.abs() > 0
    real_symbols = graphs.mask > 0
    assert reached[real_symbols].any(-1).all(), "every symbol's box feels the image"
    assert not reached[~real_symbols].any()
    for name, parameter in run.network.named_parameters():
        if "head" in name or "trunk.symbol" in name or "trunk.extra" in name:
            assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_every_image_loss_alone_moves_a_box() -> None:
    run = trainer()
    batch = Symbols.of(PICTURES[:3], run.glyphs.tokens)
    graphs = Graphs.of([one.layout.graph for one in PICTURES[:3]], run.network.tokens)
    run.done = 1000
    for weight in ("patch", "symbol", "name"):
        others = {name: 0.0 for name in ("patch", "symbol", "name") if name != weight}
        run.plan = replace(PainterPlan(), **others)
        boxes = stacked([one.layout for one in PICTURES[:3]]).requires_grad_()
        total, _ = run.adversarial_loss(batch, *run.generated(batch, graphs, boxes))
        total.backward()
        assert boxes.grad is not None and boxes.grad.abs().sum() > 0, weight


def test_glyphs_are_learnt_and_a_run_goes_on(tmp_path: Path) -> None:
    lines: list[str] = []
    GlyphTrainer(SMALL, PICTURES).run(tmp_path, lines.append, interval=30)
    ink = [float(line.split()[1].rstrip(",")) for line in lines]
    assert len(ink) == 2 and ink[1] < ink[0]
    more = GlyphTrainer(replace(SMALL, steps=65), PICTURES)
    more.run(tmp_path, lines.append, interval=5)
    assert more.done == 65 and len(lines) == 3
    with pytest.raises(InputError, match="another plan"):
        GlyphTrainer(replace(SMALL, rate=1.0), PICTURES).run(tmp_path, lines.append)


def test_the_painter_begins_with_the_glyphs_and_a_run_goes_on(tmp_path: Path) -> None:
    first = trainer()
    batch = Symbols.of(PICTURES[:2], first.glyphs.tokens)
    loss, told = first.reconstruction_loss(batch, real(PICTURES[:2]))
    assert torch.isfinite(loss) and told["ink"] > 0
    first.run(tmp_path, lambda line: None)
    second = trainer(steps=3)
    second.run(tmp_path, lambda line: None)
    assert second.done == 3
    before, after = (
        [p.detach().clone() for p in run.network.parameters()] for run in (first, second)
    )
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_the_file_lays_out_and_paints_as_the_networks_do(tmp_path: Path) -> None:
    run = trainer()
    path = tmp_path / "hand.onnx"
    export(run.mean, run.glyphs.tokens, run.glyphs.forms, run.network, path)
    engine = HmegEngine(path)
    done = engine.write(r"\frac { a + b } { \sqrt { c } }", 3, np.random.default_rng(1))
    assert [token for token, _ in done.boxes] == [r"\frac", "a", "+", "b", r"\sqrt", "c"]
    height, width = done.image.shape
    for _, (x0, y0, x1, y1) in done.boxes:
        assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
        inside = done.image[round(y0) : round(y1), round(x0) : round(x1)]
        assert inside.min() < 200, "there is ink in every box"
    assert done.image[0].min() > 250
    with pytest.raises(InputError, match="ink"):
        engine.check("x + z")
