"""Distillation: what a graph model says of ink teaches it to say of an image of the same ink."""

# ruff: noqa: E402 - torch decides whether the rest can be imported
from __future__ import annotations

from itertools import cycle

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from test_training_graph import FEW, one, sum_of_ones

from hmer_cli.recognition.graph_decoder import COMPONENT, STROKE
from hmer_cli.training.batches.graph import GraphBatch
from hmer_cli.training.batches.targets import IGNORED
from hmer_cli.training.compose.examples import Example, ImageExample, example
from hmer_cli.training.losses import distillation
from hmer_cli.training.recipe import Drawing, Losses, Recipe, Schedule
from hmer_cli.training.systems.graph import GraphSystem

pytestmark = pytest.mark.torch


def system(weight: float, images: float = 1.0) -> GraphSystem:
    """A small graph model that learns by distillation alone."""
    torch.manual_seed(3)
    losses = Losses(decoder=0.0, symbols=0.0, precedence=0.0, distillation=weight)
    drawing = Drawing(components=images, parts=(0.0, 0.0))
    schedule = Schedule(pixels=64, pool=16)
    plan = Recipe(
        "few", family="graph", model=FEW, losses=losses, drawing=drawing, schedule=schedule
    )
    return GraphSystem(plan, ["+", "1"])


def batch_of(system: GraphSystem) -> GraphBatch:
    stream = cycle([example(one(), "1"), example(sum_of_ones(), "1 + 1")])
    return next(system.batches(stream, lambda: 0.0, np.random.default_rng(1)))


def test_an_image_learns_from_its_ink_and_the_ink_does_not_change() -> None:
    taught = system(1.0)
    batch = batch_of(taught)
    assert (batch.front, batch.ink and batch.ink.front) == (COMPONENT, STROKE)
    assert batch.ink is not None and batch.ink.labels.equal(batch.labels)
    optimiser = torch.optim.Adam(taught.model.parameters(), 3e-3)
    told = []
    for _ in range(20):
        total, parts = taught.losses(taught.model, batch)
        assert total.item() == pytest.approx(parts["distillation"].item())
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        told.append(total.item())
    assert told[-1] < told[0] / 2
    assert all(p.grad is None for p in getattr(taught.model, STROKE).parameters())
    assert taught.model.training


@pytest.mark.parametrize(("weight", "images"), [(0.0, 1.0), (1.0, 0.0)])
def test_ink_comes_along_with_images_if_it_is_asked_for(weight: float, images: float) -> None:
    assert batch_of(system(weight, images)).ink is None


def test_images_that_came_without_strokes_are_learnt_beside_those_that_have_them() -> None:
    taught = system(1.0)
    of_ink, pixels = example(one(), "1"), np.zeros((60, 20), np.uint8)
    pixels[10:50, 8:12] = 255
    scanned = Example((), ("1",), image=ImageExample(pixels))
    batch = next(taught.batches(cycle([scanned, of_ink]), lambda: 0.0, np.random.default_rng(1)))
    assert batch.ink is not None
    assert 0 < len(batch.ink.labels) == int(batch.inked.sum()) < len(batch.labels)
    total, _ = taught.losses(taught.model, batch)
    total.backward()
    assert torch.isfinite(total)


def test_the_ink_moves_with_its_batch() -> None:
    moved = batch_of(system(1.0)).to(torch.device("meta"))
    assert moved.ink is not None and moved.ink.boxes.is_meta and moved.ink.looks[0].is_meta


def test_scores_diverge_by_what_the_teacher_holds_more_likely() -> None:
    teacher = torch.tensor([[[[0.5, 0.5], [0.9, 0.1]]]]).log()
    pupil = torch.tensor([[[[0.25, 0.75], [0.1, 0.9]]]]).log()
    after = torch.tensor([[[1, IGNORED]]])
    expected = 0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75)
    assert distillation(pupil, teacher, after).item() == pytest.approx(expected)
    assert distillation(teacher, teacher, after).item() == 0
