"""What was learnt of mathematics on pages: a network for signs and three ensembles of trees.

The network was trained on ink and knows no page. Each ensemble answers five times: each answer
comes from trees that were grown without one fifth of the pages, so that every page they were grown
on can be judged by trees that never saw it. ``train/signs.py`` trains the network and
``train/regions.py`` grows them.
"""

from __future__ import annotations

import zlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from hmer_cli.errors import MissingError
from hmer_cli.page.sums import Floats

FOLDS = 5
SIGNS = "hmer-signs-1.onnx"
PARTS, CUTS, RUNS = "hmer-parts-1.onnx", "hmer-cuts-1.onnx", "hmer-regions-1.onnx"
FILES = (SIGNS, PARTS, CUTS, RUNS)


class Detector:
    """How likely parts are mathematics, and how likely boxes hold exactly one expression."""

    def __init__(self, folder: Path) -> None:
        """Raises MissingError where the files are not in the folder."""
        self._signs = _session(folder / SIGNS)
        self._parts = _session(folder / PARTS)
        self._cuts = _session(folder / CUTS)
        self._runs = _session(folder / RUNS)

    def kinds(self, sights: Floats) -> Floats:
        """(N, S) sights of ink to (N, K) shares: how likely it is a sign of each kind."""
        (shares,) = self._signs.run(None, {"sights": sights})
        return np.asarray(shares, dtype=np.float32)

    def likely_parts(self, features: Floats, fold: int | None = None) -> Floats:
        """(N, F) features of parts to (N,) shares; ``fold`` is that of a page grown on."""
        return _answer(self._parts, features, fold)

    def likely_cuts(self, features: Floats, fold: int | None = None) -> Floats:
        """(C, F) features of gaps to (C,) shares: how likely one expression ends there."""
        return _answer(self._cuts, features, fold)

    def likely_runs(self, features: Floats, fold: int | None = None) -> Floats:
        """(R, F) features of candidates to (R,) shares; ``fold`` as above."""
        return _answer(self._runs, features, fold)


@cache
def shipped() -> Detector:
    """The detector that travels with hmer. Raises MissingError where it does not."""
    inside = Path(str(files("hmer_cli"))) / "_weights"
    return Detector(inside if inside.is_dir() else Path(__file__).parents[2] / "weights")


def fold_of(data: bytes) -> int:
    """The fold that a page belongs to, by the bytes of its file."""
    return zlib.crc32(data) % FOLDS


def _session(path: Path) -> Any:
    import onnxruntime

    if not path.is_file():
        raise MissingError(f"{path}: the weights that find regions are missing", "install again")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def _answer(session: Any, features: Floats, fold: int | None) -> Floats:
    if not len(features):
        return np.zeros(0, np.float32)
    (raw,) = session.run(None, {"features": features})
    shares = 1 / (1 + np.exp(-np.asarray(raw, dtype=np.float64)))
    chosen = shares.mean(1) if fold is None else shares[:, fold]
    return np.asarray(chosen, dtype=np.float32)
