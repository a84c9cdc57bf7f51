"""HMEG's layout network: batches of graphs, gradients to the boxes, a loss that falls."""

# ruff: noqa: E402 - torch decides whether the rest can be imported
from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.errors import InputError
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import parse
from hmer_cli.networks.hmeg.graphs import Graphs
from hmer_cli.networks.hmeg.layout import Discriminator, LayoutNetwork, Shape, composed, parts
from hmer_cli.synthesis.engine import InkEngine
from hmer_cli.synthesis.symbol_graph import SymbolGraph
from hmer_cli.training.compose.examples import inks
from hmer_cli.training.hmeg.layout_training import LayoutTrainer, Plan, lay_out, longer
from hmer_cli.training.hmeg.layouts import Layout, corners, layout_of, stacked
from hmer_cli.training.hmeg.views import UNRELATED, everything, less_is_more

pytestmark = pytest.mark.torch

LABELS = [
    "x ^ { 2 } + 1",
    r"\frac { a + b } { c }",
    r"\sqrt { x }",
    "a _ { i } = b",
    r"\sum \limits _ { i = 0 } ^ { n } x _ { i } ^ { 2 } + y - ( a + b ) = z",
]


def graph(label: str) -> SymbolGraph:
    return SymbolGraph.of(parse(tokenize(normalise(label))))


def ours(label: str, seed: int = 0) -> Layout:
    """The layout of what our own hand writes."""
    ink = InkEngine().write(label, seed, np.random.default_rng(seed)).ink
    made = layout_of(ink) if ink else None
    assert made is not None
    return made


LAYOUTS = [ours(label, seed) for label in LABELS for seed in range(3)]
TOKENS = sorted({token for layout in LAYOUTS for token in layout.graph.symbols})


@pytest.fixture(params=[False, True], ids=["hmeg", "chained"])
def network(request: pytest.FixtureRequest) -> LayoutNetwork:
    torch.manual_seed(0)
    return LayoutNetwork(TOKENS, Shape(width=16, chained=request.param)).eval()


def style(count: int) -> torch.Tensor:
    return torch.randn(count, 64, generator=torch.Generator().manual_seed(0))


def test_the_layout_of_an_ink_has_its_boxes_in_the_order_of_the_graph() -> None:
    ink = InkEngine().write(LABELS[0], 3, np.random.default_rng(3)).ink
    assert ink is not None
    layout = layout_of(ink)
    assert layout is not None
    assert layout.graph.symbols == ("x", "2", "+", "1")
    true = np.array([ink.box(symbol.strokes) for symbol in ink.symbols])
    made = corners(layout.boxes)
    scale = (true[1, 0] - true[0, 0]) / (made[1, 0] - made[0, 0])
    shift = [true[0, 0], true[0, [1, 3]].mean()] * 2
    # strokes thinner than the thinnest box apart, it is the same but for place and size
    assert made * scale + shift == pytest.approx(true, abs=0.06 * scale)


def test_an_ink_whose_symbols_are_not_its_label_has_no_layout() -> None:
    ink = InkEngine().write(LABELS[0], 3, np.random.default_rng(3)).ink
    assert ink is not None
    assert layout_of(ink.with_label("x ^ { 2 } + 1 + 1")) is None


def test_a_graph_is_laid_out_the_same_alone_and_beside_longer_ones(network: LayoutNetwork) -> None:
    graphs = [graph(label) for label in LABELS]
    together, _ = network(Graphs.of(graphs, TOKENS), style(len(graphs)))
    for i, one in enumerate(graphs):
        alone, _ = network(Graphs.of([one], TOKENS), style(len(graphs))[i : i + 1])
        size = len(one.symbols)
        assert torch.allclose(together[i, :size], alone[0], atol=1e-5)
        assert not together[i, size:].any()
        assert (alone[0, :, 2:] > 0).all()


def test_boxes_are_the_sum_of_their_parts() -> None:
    graphs = Graphs.of([layout.graph for layout in LAYOUTS], TOKENS)
    boxes = stacked(LAYOUTS)
    said = parts(graphs, boxes)
    assert torch.allclose(composed(graphs, said), boxes, atol=1e-4)
    moved = boxes + torch.tensor([5.0, -3.0, 0, 0]) * graphs.mask[..., None]
    assert torch.allclose(parts(graphs, moved)[:, 1:], said[:, 1:], atol=1e-4)


def test_the_longer_side_is_that_of_the_box_round_all_boxes() -> None:
    graphs = Graphs.of([layout.graph for layout in LAYOUTS], TOKENS)
    for layout, side in zip(LAYOUTS, longer(stacked(LAYOUTS), graphs.mask), strict=True):
        boxes = corners(layout.boxes)
        sides = boxes[:, 2:].max(0) - boxes[:, :2].min(0)
        assert float(side) == pytest.approx(sides.max(), rel=1e-4)


def test_less_is_more_sees_a_symbol_its_neighbours_and_five_others_at_most() -> None:
    graphs = Graphs.of([graph(label) for label in LABELS], TOKENS)
    generator = torch.Generator().manual_seed(0)
    firsts = set()
    for _ in range(30):
        for b, row in enumerate(less_is_more(graphs, generator)):
            node, *others = row[row >= 0].tolist()
            size = int(graphs.mask[b].sum())
            near = set(graphs.relations[b, node, :size].nonzero()[:, 0].tolist())
            assert near <= set(others)
            assert node not in others
            assert len(set(others)) == len(others)
            assert max(others) < size
            assert len(others) - len(near) == min(UNRELATED, size - 1 - len(near))
            firsts.add((b, node))
    assert len(firsts) > 20


@pytest.mark.parametrize("view", [everything, less_is_more])
def test_the_discriminator_moves_the_boxes_it_sees_and_no_others(
    network: LayoutNetwork, view: Callable[..., torch.Tensor]
) -> None:
    graphs = Graphs.of([graph(label) for label in LABELS], TOKENS)
    discriminator = Discriminator(len(TOKENS) + 2, width=16)
    chosen = view(graphs, torch.Generator().manual_seed(1))
    boxes, _ = network(graphs, style(len(LABELS)))
    boxes.retain_grad()
    discriminator(graphs, boxes, chosen).sum().backward()
    assert boxes.grad is not None
    moved = boxes.grad.abs().sum(-1) > 0
    for b, row in enumerate(chosen):
        assert set(moved[b].nonzero()[:, 0].tolist()) == set(row[row >= 0].tolist())
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.head.parameters())


def test_the_discriminator_does_not_know_place_and_size() -> None:
    graphs = Graphs.of([layout.graph for layout in LAYOUTS], TOKENS)
    discriminator = Discriminator(len(TOKENS) + 2, width=16)
    boxes = stacked(LAYOUTS)
    chosen = less_is_more(graphs, torch.Generator().manual_seed(1))
    elsewhere = 3 * boxes + torch.tensor([5.0, -3.0, 0, 0])
    assert torch.allclose(
        discriminator(graphs, boxes, chosen), discriminator(graphs, elsewhere, chosen), atol=1e-4
    )


def plan(**changes: object) -> Plan:
    small = Plan(Shape(width=16, layers=2), steps=100, batch=8, rate=5e-3)
    return replace(small, **changes)


def weights(trainer: LayoutTrainer) -> list[float]:
    return [float(p.detach().sum()) for p in trainer.network.parameters()]


@pytest.mark.parametrize("chained", [False, True])
@pytest.mark.parametrize("view", ["", "full", "less"])
def test_training_brings_the_boxes_nearer(view: str, chained: bool, tmp_path: Path) -> None:
    shape = Shape(width=16, layers=2, chained=chained)
    trainer = LayoutTrainer(plan(shape=shape, view=view, tries=2), LAYOUTS)
    graphs = Graphs.of([layout.graph for layout in LAYOUTS], trainer.network.tokens)
    before = trainer.l1_loss(graphs, stacked(LAYOUTS))[1].item()
    trainer.run(tmp_path, lambda line: None, interval=50)
    assert trainer.l1_loss(graphs, stacked(LAYOUTS))[1].item() < 0.7 * before
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 2


def test_a_run_is_told_by_its_seed_and_a_style_by_its_number(tmp_path: Path) -> None:
    runs = [LayoutTrainer(plan(steps=5, view="less", seed=s), LAYOUTS) for s in (1, 1, 2)]
    for i, run in enumerate(runs):
        run.run(tmp_path / str(i), lambda line: None)
    assert weights(runs[0]) == weights(runs[1]) != weights(runs[2])
    network = runs[0].network
    one, other = lay_out(network, graph(LABELS[1]), [7, 8])
    again = lay_out(network, graph(LABELS[1]), [8])[0]
    assert not np.allclose(one, other, atol=1e-6)
    assert np.allclose(other, again, atol=1e-6)


def test_a_finished_run_is_taken_up_and_one_of_another_plan_refused(tmp_path: Path) -> None:
    first = LayoutTrainer(plan(steps=5), LAYOUTS)
    first.run(tmp_path, lambda line: None)
    second = LayoutTrainer(plan(steps=5), LAYOUTS)
    second.run(tmp_path, lambda line: pytest.fail("trained again"))
    assert weights(first) == weights(second)
    with pytest.raises(InputError, match="another plan"):
        LayoutTrainer(plan(steps=6), LAYOUTS).run(tmp_path, lambda line: None)


@pytest.mark.data
def test_the_symbols_of_crohme_have_layouts(data_file: Callable[[str], Path]) -> None:
    found = inks(open_dataset(str(data_file("crohme.zip")), "train", limit=60))
    layouts = [layout for ink in found if (layout := layout_of(ink))]
    assert len(layouts) > 45
    assert all(len(layout.graph.symbols) == len(layout.boxes) for layout in layouts)


def test_the_log_tells_means_over_the_steps_that_there_were(tmp_path: Path) -> None:
    found = []
    for interval in (1, 50):
        folder = tmp_path / str(interval)
        LayoutTrainer(plan(steps=3), LAYOUTS).run(folder, lambda line: None, interval)
        lines = (folder / "log.jsonl").read_text().splitlines()
        found.append(np.mean([json.loads(line)["l1"] for line in lines]))
    assert found[0] == pytest.approx(found[1], abs=1e-3)
