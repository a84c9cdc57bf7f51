"""The page detector on ONNX Runtime: two networks and four ensembles of boosted trees.

Input: features of components, gaps, candidates and rows. Output: probabilities and margins. The
symbol classifier and the trees for rows were trained on ink, not on pages. The component network
and the other trees have one output per fold of five-fold cross-validation, each made without one
fifth of the pages, so that pages used in training can be scored by models that never saw them.
Made by `hmer_cli.training.detector`, as ``train/release.toml`` says.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from hmer_cli.errors import MissingError
from hmer_cli.models.registry import shipped_dir
from hmer_cli.models.session import Session, open_session
from hmer_cli.page.detect.candidate_features import CANDIDATE_COLUMNS
from hmer_cli.page.detect.component_graph import ComponentGraph
from hmer_cli.page.detect.gap_features import GAP_COLUMNS
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.rows import ROW_COLUMNS

FOLDS = 5
SIGNS = "hmer-signs-1.onnx"
CONTEXT = "hmer-context-1.onnx.gz"
CUTS, RUNS, EDGES, ROWS = (
    f"hmer-{name}-1.onnx.gz" for name in ("cuts", "regions", "edges", "rows")
)
FILES = (SIGNS, CONTEXT, CUTS, RUNS, EDGES, ROWS)

_COLUMNS = {
    CUTS: GAP_COLUMNS,
    RUNS: CANDIDATE_COLUMNS,
    EDGES: CANDIDATE_COLUMNS,
    ROWS: ROW_COLUMNS,
}

ROOM = 1.5
"""Largest margin of a box around its ink, in letter heights; annotated boxes have less."""


class Detector:
    """The sessions of the page detector; shapes use N components, C gaps, R candidates."""

    def __init__(self, folder: Path, names: Sequence[str] = FILES) -> None:
        """Load the files of these names; training loads each before the next one exists.

        Raises MissingError if one is missing, or was made for other features.
        """
        self._sessions = {name: _session(folder / name) for name in names}

    def kinds(self, sights: Floats) -> Floats:
        """Symbol features (N, S) -> probabilities (N, K) of the symbol classes."""
        (shares,) = self._sessions[SIGNS].run(None, {"sights": sights})
        return np.asarray(shares, dtype=np.float32)

    def answers(
        self, graph: ComponentGraph, fold: int | None = None
    ) -> tuple[Floats, Floats, Floats]:
        """Outputs of the component network; see `component_graph.predict`.

        These are probabilities of being mathematics (N,), distances to the edges of the expression
        (N, 4) and link probabilities (N, K). ``fold`` is that of a page used in training, by
        default the mean of all folds is taken.
        """
        given = {
            "looks": graph.looks,
            "neighbours": graph.neighbours,
            "relations": graph.relations,
        }
        every = self._sessions[CONTEXT].run(None, given)
        maths, ends, same = (x.mean(0) if fold is None else x[fold] for x in every)
        return maths, ends, same

    def likely_cuts(self, features: Floats, fold: int | None = None) -> Floats:
        """Gap features (C, F) -> probabilities (C,) that an expression ends there."""
        return _answer(self._sessions[CUTS], features, fold)

    def likely_runs(self, features: Floats, fold: int | None = None) -> Floats:
        """Candidate features (R, F) -> probabilities (R,) of being exactly one expression."""
        return _answer(self._sessions[RUNS], features, fold)

    def likely_rows(self, features: Floats) -> Floats:
        """Features of white gaps (G, F) -> probabilities (G,) that a row of writing ends there."""
        return _answer(self._sessions[ROWS], features, None)

    def edges(self, features: Floats, fold: int | None = None) -> Floats:
        """Candidate features (R, F) -> margins (R, 4) of the annotated box around the ink.

        Left, top, right and lower margin, in letter heights.
        """
        if not len(features):
            return np.zeros((0, 4), np.float32)
        (raw,) = self._sessions[EDGES].run(None, {"features": features})
        every = np.asarray(raw, dtype=np.float32).reshape(-1, FOLDS, 4)
        return np.clip(every.mean(1) if fold is None else every[:, fold], 0, ROOM)


@cache
def shipped() -> Detector:
    """The installed detector. Raises MissingError if its files are missing."""
    return Detector(shipped_dir())


def fold_of(data: bytes) -> int:
    """The fold that a page of a training set belongs to, by the bytes of its file."""
    return zlib.crc32(data) % FOLDS


def fold_of_training_page(data: bytes) -> int | None:
    """The fold of a page that the installed detector was trained on; None of any other page."""
    return fold_of(data) if zlib.crc32(data) in _trained_on() else None


@cache
def _trained_on() -> frozenset[int]:
    """The CRC-32 of the files of these pages; `hmer_cli.training.detector.examples.listed`."""
    listed = Path(__file__).with_name("training_pages.txt").read_text("ascii")
    return frozenset(int(line, 16) for line in listed.split())


def _session(path: Path) -> Session:
    if not path.is_file():
        remedy = "install hmer again, or read single expressions: --layout expression"
        raise MissingError(f"{path}: the weights that find regions are missing", remedy)
    session = open_session(path)
    if path.name in _COLUMNS:
        _check_columns(session, _COLUMNS[path.name], path)
    return session


def _check_columns(session: Session, columns: Sequence[str], path: Path) -> None:
    """Raise MissingError if the trees were trained on other features than those computed here.

    Of files without names of columns, only the number of features is compared.
    """
    known = session.get_modelmeta().custom_metadata_map.get("columns")
    count = session.get_inputs()[0].shape[1]
    if count != len(columns) or (known and json.loads(known) != list(columns)):
        raise MissingError(
            f"{path}: made for other features than this hmer measures ({count}, {len(columns)})",
            "install again, or make them anew: hmer train --release train/release.toml",
        )


def _answer(session: Session, features: Floats, fold: int | None) -> Floats:
    if not len(features):
        return np.zeros(0, np.float32)
    (raw,) = session.run(None, {"features": features})
    shares = 1 / (1 + np.exp(-np.asarray(raw, dtype=np.float64)))
    chosen = shares.mean(1) if fold is None else shares[:, fold]
    return np.asarray(chosen, dtype=np.float32)
