"""Targets of training images: frames, centres, boxes, the motion of the pen."""

# ruff: noqa: E402 - torch decides whether the rest can be imported
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from test_training_loop import PAINTER, SMALL, number, recipe

from hmer_cli.commands.generate import generate
from hmer_cli.data.coco import BOXES
from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.errors import InputError, UsageError
from hmer_cli.recognition.units import frames_needed
from hmer_cli.training.batches.images import UNKNOWN, collate
from hmer_cli.training.compose.examples import examples
from hmer_cli.training.recipe import Drawing
from hmer_cli.training.registry import build

pytestmark = pytest.mark.torch


def test_there_are_frames_enough_for_every_label_and_tight_ones_are_counted() -> None:
    drawn = PAINTER.still(number("17"))
    nested = replace(drawn, label=PAINTER.units.encode(["1", *["^", "{"] * 12, *["}"] * 12]))
    assert not drawn.infeasible
    assert nested.infeasible
    batch = collate([drawn, nested], {"1": 1, "7": 2})
    assert batch.infeasible == 1
    assert batch.length >= max(frames_needed(label) for label in batch.labels)


def test_the_centre_of_each_symbol_is_marked_and_its_neighbourhood_left_open() -> None:
    drawn = PAINTER.still(number("17"))
    batch = collate([drawn], {"1": 1, "7": 2})
    (cells,) = batch.cells.numpy()
    assert sorted(cells[cells > 0]) == [1, 2]
    y, x = (int(n[0]) for n in np.nonzero(cells == 2))
    assert batch.cells[0, y, x + 1] == UNKNOWN
    width = cells.shape[1]
    assert [cells[n // width, n % width] for n in batch.order[0]] == [1, 2]
    ink = batch.images[0, 0, 8 * y : 8 * y + 8, 8 * x - 8 : 8 * x + 16]
    assert ink.max() > 127


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder as a user may have it: images, captions and boxes, but no ink."""
    generate(str(tmp_path), [r"\frac { 1 } { 7 7 }", "7 ^ { 1 1 }"], jobs=1)
    for path in [*tmp_path.glob("*.inkml"), *tmp_path.glob("*.svg")]:
        path.unlink()
    return tmp_path


def test_boxes_of_images_say_where_each_symbol_is(images: Path) -> None:
    fraction, power = examples(open_dataset(str(images)))
    assert fraction.strokes == () and fraction.part((2, 3)) is None
    assert fraction.image and power.image and fraction.image.centres and power.image.centres
    assert [token for _, _, token in fraction.image.centres] == ["\\frac", "1", "7", "7"]
    (bar, _, _), (one, _, _), *sevens = fraction.image.centres
    assert one < bar < min(y for y, _, _ in sevens)
    assert power.image.centres[0][0] > power.image.centres[1][0]
    rng = np.random.default_rng(0)
    for drawn in (PAINTER.still(power), *(PAINTER.paint(power, p, rng) for p in (0.1, 0.5, 1.0))):
        assert PAINTER.units.decode(drawn.label) == ["7", "^", "{", "1", "1", "}"]
        for y, x, _ in drawn.centres or ():
            assert drawn.image[:, max(0, int(x) - 4) : int(x) + 5].max() > 127
            assert drawn.image[max(0, int(y) - 4) : int(y) + 5].max() > 127
        assert len(drawn.centres or ()) == 3


def test_images_without_boxes_teach_their_label_alone(images: Path) -> None:
    (images / BOXES).unlink()
    (_, example) = examples(open_dataset(str(images)))
    assert example.image and example.image.centres is None
    batch = collate([PAINTER.still(example)], {"1": 1, "7": 2})
    assert (batch.cells == UNKNOWN).all() and batch.count == 1


def test_images_with_signs_that_a_reader_does_not_know_can_be_scored(images: Path) -> None:
    system = build(recipe(), ["1", "7"])
    batches = list(system.validation_batches(examples(open_dataset(str(images)))))
    assert sorted(place for places, _ in batches for place in places) == [0, 1]


def test_boxes_that_are_no_coco_are_told(images: Path) -> None:
    (images / BOXES).write_text('{"images": []}')
    with pytest.raises(InputError, match=r"boxes\.json: no boxes in the form of COCO"):
        examples(open_dataset(str(images)))
    assert all(sample.error is None for sample in open_dataset(str(images)))


def test_clean_ink_alone_comes_with_the_motion_of_the_pen() -> None:
    rng = np.random.default_rng(0)
    for plan, known in (Drawing(moved=1.0), True), (Drawing(bilevel=1.0, moved=1.0), False):
        drawn = [replace(PAINTER, drawing=plan).paint(number("17"), 1.0, rng) for _ in range(8)]
        assert {each.motion is not None for each in drawn} == {known}
        given = collate(drawn, {"1": 1, "7": 2}).given(5)
        assert given.shape[1] == 5 and given.abs().max() <= 1
        assert bool(given[:, 1:].any()) == known


def test_a_number_of_channels_that_there_is_not_is_told() -> None:
    plan = replace(recipe(), model={**SMALL, "channels": 3})
    with pytest.raises(UsageError, match=r"3 channels.*1 for images alone, 5 with the motion"):
        build(plan, ["1", "7"])


@pytest.mark.parametrize("look", [Drawing(degraded=1.0), Drawing(bilevel=1.0)])
def test_centres_follow_the_ink_when_images_look_like_photos_or_are_bilevel(look: Drawing) -> None:
    rng = np.random.default_rng(3)
    worn = replace(PAINTER, drawing=look)
    near = []
    for _ in range(30):
        drawn = worn.paint(number("17"), 1.0, rng)
        for y, x, _ in drawn.centres or ():
            window = drawn.image[max(0, int(y) - 8) : int(y) + 8, max(0, int(x) - 8) : int(x) + 8]
            near.append(window.max() > 100)
    assert len(near) == 60
    assert np.mean(near) > 0.9
