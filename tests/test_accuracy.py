"""Nobody makes the recogniser worse unseen: a floor under what it reads right of our own hands.

The images and inks are drawn here, by the engine of ``hmer generate`` with fixed seeds and writers,
and read as ``hmer convert`` reads them. They say nothing of how well hands of others are read.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from hmer_cli import Converter
from hmer_cli.ink.inkml import read_inkml, write_inkml
from hmer_cli.metrics.pages import comparable
from hmer_cli.page.load.images import Pixels
from hmer_cli.synthesis.engine import Handwriting, InkEngine

EXAMPLES = Path(__file__).parent.parent / "examples"

LABELS = r"""
x ^ { 2 } + 2 x + 1 = 0
a ^ { 2 } + b ^ { 2 } = c ^ { 2 }
\frac { a + b } { 2 }
y = \sqrt { x - 1 }
f ( x ) = 3 x ^ { 2 }
\sum _ { i = 1 } ^ { n } i
\int _ { 0 } ^ { 1 } x ^ { 2 } d x
\lim _ { n \rightarrow \infty } a _ { n }
x _ { 1 } + x _ { 2 } = - p
\sin ^ { 2 } \theta + \cos ^ { 2 } \theta = 1
E = m c ^ { 2 }
\frac { 1 } { 2 } + \frac { 1 } { 3 } = \frac { 5 } { 6 }
2 ^ { n } \leq n !
\alpha + \beta = \gamma
\log _ { 2 } 8 = 3
v = \frac { d s } { d t }
P ( A ) = 0 . 2 5
( x + y ) ^ { 3 }
| x | < 4
7 \times 8 = 5 6
""".strip().splitlines()

FLOOR = 0.8
"""ExpRate that is asked for: hmer-wide-8 reads 18 of the 20 in each form, this is 16."""


def written(label: str) -> Handwriting:
    seed = zlib.crc32(label.encode())
    return InkEngine().write(label, seed, np.random.default_rng(seed))


def ink(drawn: Handwriting) -> bytes:
    assert drawn.ink is not None
    return write_inkml(drawn.ink)


def image(drawn: Handwriting) -> Pixels:
    return drawn.image


def photo(drawn: Handwriting) -> Pixels:
    """On grey paper with a shadow, slightly turned, with the noise of a camera."""
    rng = np.random.default_rng(len(drawn.label))
    paper = np.pad(drawn.image, 40, constant_values=255)
    height, width = paper.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 2, 1)
    turned = cv2.warpAffine(paper, turn, (width, height), borderValue=(255,))
    lit = turned * np.linspace(0.85, 0.6, width)
    return np.clip(lit + rng.normal(0, 4, lit.shape), 0, 255).astype(np.uint8)


def same(truth: str, label: str) -> bool:
    """Whether limits stand over their sign or beside it is the hand's affair."""
    return comparable(truth) == comparable(label)


@pytest.fixture(scope="module")
def converter() -> Converter:
    return Converter()


@pytest.mark.parametrize("form", [ink, image, photo], ids=lambda form: form.__name__)
def test_our_own_hands_are_read(
    converter: Converter, form: Callable[[Handwriting], object]
) -> None:
    readings = [converter.read(form(written(label))).label for label in LABELS]
    wrong = [pair for pair in zip(LABELS, readings, strict=True) if not same(*pair)]
    assert 1 - len(wrong) / len(LABELS) >= FLOOR, wrong


def test_the_examples_are_read(converter: Converter) -> None:
    paths = sorted(EXAMPLES.glob("*.inkml"))
    truths = [read_inkml(path.read_bytes(), path.name).label or "" for path in paths]
    read = [converter.read(path).label for path in paths]
    assert len(paths) == 5
    assert sum(map(same, truths, read)) >= 4, read
