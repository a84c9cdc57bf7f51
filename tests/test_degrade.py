"""Renders made to look like scans and photos: readable, reproducible, with targets in place."""

from __future__ import annotations

from dataclasses import fields, replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.ink.render import draw
from hmer_cli.training.augment import paper
from hmer_cli.training.augment.camera import DEFAULT, Degradation, Pixels, Warp, degrade, prepared

NONE = DEFAULT.scaled(0)
SHARES = [f.name for f in fields(Degradation) if isinstance(f.default, float)]
GEOMETRY = {"warped", "tilted", "roomy"}


def written(seed: int = 0, shape: tuple[int, int] = (80, 240)) -> Pixels:
    """Loops and bars of about 22 pixels, as symbols are."""
    rng = np.random.default_rng(seed)
    H, W = shape
    t = np.linspace(0, 5.5, 24)
    strokes = []
    for x in np.arange(18, W - 18, 28):
        y, w, h = rng.uniform(20, H - 20), rng.uniform(4, 10), rng.uniform(6, 12)
        strokes.append(np.stack([x + w * np.cos(t), y + h * np.sin(t)], axis=1).astype(np.float32))
        bar = np.array([[x - 9, y], [x + 9, y + rng.uniform(-6, 6)]], np.float32)
        strokes.append(bar)
    return draw(strokes, shape, float(rng.uniform(1.6, 3.2)))


def only(*names: str) -> Degradation:
    return replace(NONE, **dict.fromkeys(names, 1.0))


def recall(image: Pixels, result: Pixels) -> float:
    """The share of the dark ink that the reader sees lit within a pixel."""
    dark = image < 100
    near = cv2.dilate((prepared(result) > 100).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return float((near & dark).sum() / dark.sum())


@given(st.integers(0, 2**32), st.integers(1, 90), st.integers(1, 400))
def test_no_strength_leaves_every_image_as_it_is(seed: int, height: int, width: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)
    rng = np.random.default_rng(seed)
    assert np.array_equal(degrade(image, rng, NONE), image)
    assert np.array_equal(Warp.sample(image.shape, rng, NONE).image(image), image)


@pytest.mark.parametrize("name", sorted(set(SHARES) - GEOMETRY))
def test_each_kind_of_damage_can_be_had_alone(name: str) -> None:
    # Neighbours need room around the writing to reach into.
    image = np.pad(written(), 20, constant_values=255)
    results = [degrade(image, np.random.default_rng(seed), only(name)) for seed in range(5)]
    assert all(r.shape == image.shape and r.dtype == np.uint8 for r in results)
    assert any(not np.array_equal(r, image) for r in results)
    assert min(recall(image, r) for r in results) > 0.8


@pytest.mark.parametrize("shape", [(1, 1), (3, 400), (200, 2), (1100, 40), (30, 2100)])
def test_any_shape_is_kept(shape: tuple[int, int]) -> None:
    blank = np.full(shape, 255, np.uint8)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        assert degrade(blank, rng, DEFAULT.scaled(2)).shape == shape
        assert prepared(blank).shape == shape


def test_the_same_state_gives_the_same_image_and_another_another() -> None:
    image = written()
    first, again, other = (degrade(image, np.random.default_rng(s)) for s in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_writing_stays_readable() -> None:
    shares = []
    for seed in range(300):
        image = written(seed)
        shares.append(recall(image, degrade(image, np.random.default_rng(seed))))
    assert np.mean(shares) > 0.98
    assert np.mean(np.array(shares) < 0.8) < 0.01


def test_bare_paper_shows_no_ink() -> None:
    """Grain, light, noise and compression are no writing, but for a few images."""
    bare = replace(DEFAULT, ruled=0.0, squared=0.0, margined=0.0, specked=0.0)
    blank = np.full((80, 240), 255, np.uint8)
    lit = [
        (prepared(degrade(blank, np.random.default_rng(seed), bare)) > 127).mean()
        for seed in range(200)
    ]
    assert np.mean(np.array(lit) > 0.001) < 0.1
    assert np.mean(lit) < 0.005


def test_little_is_seen_that_is_no_ink_of_the_writing() -> None:
    extra = []
    for seed in range(200):
        image = written(seed)
        lit = prepared(degrade(image, np.random.default_rng(seed))) > 127
        ink = cv2.dilate((image < 200).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        extra.append((lit & ~ink).sum() / (image < 128).sum())
    assert np.mean(extra) < 0.08
    assert np.median(extra) < 0.01


def test_shadows_are_not_seen() -> None:
    image = written()
    for seed in range(20):
        shaded = degrade(image, np.random.default_rng(seed), only("shaded"))
        assert recall(image, shaded) > 0.97


def test_the_reader_sees_clean_ink_bright_on_black() -> None:
    image = written()
    view = prepared(image)
    assert (view[image == 0] == 255).all()
    assert (view[image == 255] == 0).all()


@pytest.mark.parametrize("seed", range(12))
def test_points_follow_the_warp(seed: int) -> None:
    """A dot drawn at a point lies, in the warped image, where the warp sends the point."""
    rng = np.random.default_rng(seed)
    points = np.array([[20, 15], [150, 22], [270, 70], [60, 60]], np.float32)
    warp = Warp.sample((85, 290), rng, only("warped", "roomy"))
    for point, end in zip(points, warp.points(points), strict=True):
        dot = draw([point[None]], (85, 290), 5.0)
        moments = cv2.moments(255 - warp.image(dot))
        centre = np.array([moments["m10"], moments["m01"]]) / moments["m00"] + 0.5
        assert np.abs(centre - end).max() < 0.3


@given(st.integers(0, 2**32))
def test_a_warp_can_be_undone_and_loses_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    H, W = (int(n) for n in rng.integers((20, 20), (300, 900)))
    warp = Warp.sample((H, W), rng, only("warped", "roomy"))
    points = rng.uniform(0, 1, (50, 2)) * (W, H)
    ends = warp.points(points)
    assert np.abs(warp.origins(ends) - points).max() < 0.05
    assert (ends >= 0).all() and (ends <= warp.shape[::-1]).all()


def test_writing_keeps_its_shape_under_a_warp() -> None:
    """Taken back through the warp, the ink lies where it was."""
    image = written()
    for seed in range(20):
        warp = Warp.sample(image.shape, np.random.default_rng(seed), only("warped"))
        result = warp.image(image)
        ys, xs = np.nonzero(image < 60)
        x, y = np.floor(warp.points(np.column_stack([xs, ys]) + 0.5)).astype(int).T
        assert (result[y, x] < 160).mean() > 0.97


def test_a_range_may_be_one_value() -> None:
    image = written()
    plan = replace(only("compressed"), quality=(50, 50))
    results = [degrade(image, np.random.default_rng(seed), plan) for seed in range(3)]
    assert all(np.array_equal(r, results[0]) for r in results)
    assert not np.array_equal(results[0], image)


def test_cropping_takes_no_sign_of_the_label_away() -> None:
    ink = np.zeros((80, 100), np.float32)
    ink[30:60, 20:80] = 1
    signs = np.s_[20:23, 20:80], np.s_[64:66, 60:62], np.s_[30:60, 12:14]  # bar, full stop, bracket
    for sign in signs:
        ink[sign] = 1
    cropped = [paper.cut(ink, np.random.default_rng(seed)) for seed in range(60)]
    assert any(each.sum() < ink.sum() for each in cropped)
    assert all(each[sign].max() == 1 for each in cropped for sign in signs)


def test_cropping_leaves_a_nine_its_stem_and_a_zero_closed() -> None:
    t = np.linspace(0, 2 * np.pi, 40)
    ring = np.stack([40 + 7 * np.cos(t), 30 + 7 * np.sin(t)], axis=1).astype(np.float32)
    stem = np.array([[47, 23], [46, 55]], np.float32)
    for strokes in ([ring], [ring, stem]):
        ink = np.asarray(1 - draw(strokes, (80, 90), 2.2) / np.float32(255), np.float32)
        cropped = [paper.cut(ink, np.random.default_rng(seed)) for seed in range(60)]
        assert min(float(each.sum() / ink.sum()) for each in cropped) > 0.85
