"""Calibration of confidences: Platt scaling on expressions the model was not trained on.

Input: a weights file and labelled samples, which are opened, cleaned and cut as by ``hmer
convert``; every other image is degraded to look like a scan or a photo. Output: for ink and images,
with and without rescoring, the weights of CTC odds and margin in a logistic regression (Platt,
1999). Without a CTC model the odds are those of the graph models' mean score.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import ArrayLike

from hmer_cli.datasets.expressions import Sample, open_dataset, unique_names
from hmer_cli.document.cache import Cache
from hmer_cli.document.cases import to_read
from hmer_cli.document.pipeline import Options, read_pages
from hmer_cli.errors import InputError
from hmer_cli.expr.tokens import join
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.inkml import write_inkml
from hmer_cli.ink.render import Image, Readable, legible_size, render
from hmer_cli.page.load.pages import Page, PageRange
from hmer_cli.page.load.sources import Source
from hmer_cli.page.regions import Region
from hmer_cli.recognition.confidence import calibration_key
from hmer_cli.recognition.expression_recogniser import ExpressionRecogniser
from hmer_cli.recognition.lazy import load
from hmer_cli.recognition.reading import EMPTY_READING, Reading
from hmer_cli.recognition.rescoring import Ranked
from hmer_cli.training.augment.camera import degrade
from hmer_cli.training.augment.degradation import Degradation
from hmer_cli.training.augment.ink import Spread, augment
from hmer_cli.training.batches.images import measure
from hmer_cli.training.compose.recompose import Invention

_CHUNK = 64
"""Images held at a time, to be read side by side."""

_SYMBOL = 26.0
"""Pixels of a typical symbol on images that are degraded."""

Weights = tuple[float, ...]
"""Weights of CTC odds and margin, and the offset."""

GRAPH_CASES = ((True, True), (False, True))
CASES = (*GRAPH_CASES, (True, False), (False, False))
"""Ink or image, with rescoring or without: each has a calibration."""


def calibrate(
    weights: Path,
    samples: Sequence[Sample],
    cases: Collection[tuple[bool, bool]] = CASES,
    degradation: Degradation | None = None,
) -> dict[str, Weights]:
    """Weights that map CTC odds and margin to the log-odds of a label being right, per case.

    The samples must not be training data; ``degradation`` is applied to every other image. Raises
    as `hmer_cli.recognition.lazy.load` does.
    """
    found = {}
    for written, rescoring in cases:
        recogniser = load(weights, rescoring=rescoring)
        assert isinstance(recogniser, ExpressionRecogniser), "others have no n-best lists"
        source_of = Sample.source if written else photographed(degradation or Degradation())
        evidence, right = _evidence(recogniser, samples, source_of)
        if right:
            found[calibration_key(written, rescoring)] = platt(evidence, right)
    return found


def generated(
    invention: Invention, spread: Spread, count: int, seed: int, folder: Path
) -> list[Sample]:
    """So many synthetic expressions, augmented by ``spread``, written to a ``folder`` as InkML.

    The folder is created.
    """
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    for i in range(count):
        example = invention.sample(rng)
        size = measure(example.strokes)
        strokes = augment(example.strokes, example.symbols, size, rng, spread)
        label = join(example.tokens)
        ink = Ink(tuple(np.asarray(s, np.float32) for s in strokes), (), label, label)
        (folder / f"{i:05d}.inkml").write_bytes(write_inkml(ink))
    return open_dataset(str(folder))


def photographed(degradation: Degradation) -> Callable[[Sample], Source]:
    """A function from a sample to its image file; every other rendering of ink is degraded."""
    rng = np.random.default_rng(0)
    worn = False

    def source(sample: Sample) -> Source:
        nonlocal worn
        if sample.ink is None:
            return sample.source()
        worn = not worn
        image: Image = sample.image()
        if worn:
            image = degrade(
                render(sample.ink, size=legible_size(sample.ink, _SYMBOL), pen=1.8),
                rng,
                degradation,
            )
        data = cv2.imencode(".png", image)[1].tobytes()
        return Source(sample.name, sample.name, lambda: data)

    return source


class _RankingReader:
    """A reader that records the ranked labels, in the order of the images."""

    def __init__(self, recogniser: ExpressionRecogniser[Any]) -> None:
        self._recogniser = recogniser
        self.ranked: list[Ranked | None] = []

    @property
    def model(self) -> str:
        return self._recogniser.model

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        self.ranked += self._recogniser.rank(images)
        return [EMPTY_READING] * len(images)


def _evidence(
    recogniser: ExpressionRecogniser[Any],
    samples: Sequence[Sample],
    source_of: Callable[[Sample], Source],
) -> tuple[list[tuple[float, float]], list[bool]]:
    """CTC odds and margin of each best label, and whether it is right.

    Samples that are not read as one image, as systems of equations are not, say nothing of these.
    """
    sources, truths = list[Source](), list[str]()
    for sample, name in zip(samples, unique_names(samples), strict=True):
        try:
            if sample.label:
                sources.append(replace(source_of(sample), name=name))
                truths.append(sample.label)
        except InputError:
            continue
    images: dict[str, int] = {}

    def look(page: Page, regions: Sequence[Region]) -> None:
        images[page.source] = sum(len(to_read(region)) for region in regions)

    reader = _RankingReader(recogniser)
    options = Options(PageRange.parse("1"), "expression", batch=_CHUNK, look=look)
    pages = read_pages(sources, reader, Cache(None, ""), options, lambda done, found: None)
    counts = [0 if page.error else images[page.source] for page in pages]
    assert sum(counts) == len(reader.ranked), "every image is of one page"
    ranked = iter(reader.ranked)
    evidence, right = [], []
    for truth, count in zip(truths, counts, strict=True):
        best, *others = [next(ranked) for _ in range(count)] or [None]
        if best is not None and not others:
            evidence.append((best.odds, best.margin))
            right.append(join(recogniser.units.decode(best.units)) == truth)
    return evidence, right


def platt(evidence: ArrayLike, right: Sequence[bool], steps: int = 50) -> Weights:
    """Logistic regression on ``evidence`` (N, K) by Newton's method, with the targets of Platt.

    These (Platt, 1999) are drawn in from 0 and 1 by the counts, so that it converges on any data;
    the result (K + 1,) ends with the offset.
    """
    x = np.asarray(evidence, float)
    x = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    y = np.asarray(right, bool)
    high, low = (y.sum() + 1) / (y.sum() + 2), 1 / ((~y).sum() + 2)
    target = np.where(y, high, low)
    weights = np.zeros(x.shape[1])
    weights[-1] = np.log((y.sum() + 1) / ((~y).sum() + 1))
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        curve = (x * (p * (1 - p))[:, None]).T @ x + 1e-6 * np.eye(x.shape[1])
        weights = weights - np.linalg.solve(curve, x.T @ (p - target))
    return tuple(weights.tolist())
