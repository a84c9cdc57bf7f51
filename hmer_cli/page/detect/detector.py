"""What was learnt of mathematics on pages: two networks and four kinds of trees.

The network for signs and the trees for rows were trained on ink and know no page. The network for
whole pages and the other trees answer five times: each answer comes from weights or trees that were
made without one fifth of the pages, so that every page they were made from can be judged by others
that never saw it. `hmer_cli.training.detector` makes all of them, as ``train/release.toml`` says.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np

from hmer_cli.errors import MissingError
from hmer_cli.models.session import Session, open_session
from hmer_cli.page.detect.candidate_features import CANDIDATE_COLUMNS
from hmer_cli.page.detect.component_graph import ComponentGraph
from hmer_cli.page.detect.gap_features import GAP_COLUMNS
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.rows import ROW_COLUMNS

FOLDS = 5
SIGNS = "hmer-signs-1.onnx"
CONTEXT = "hmer-context-1.onnx"
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
"""Letter heights around the ink of an expression: nobody leaves more."""


class Detector:
    """How likely parts are mathematics, and how likely boxes hold exactly one expression."""

    def __init__(self, folder: Path, names: Sequence[str] = FILES) -> None:
        """The files of these names alone: training needs each before the next one is there.

        Raises MissingError where one is not in the folder, or is for other features than these.
        """
        self._sessions = {name: _session(folder / name) for name in names}

    def kinds(self, sights: Floats) -> Floats:
        """(N, S) sights of ink to (N, K) shares: how likely it is a sign of each kind."""
        (shares,) = self._sessions[SIGNS].run(None, {"sights": sights})
        return np.asarray(shares, dtype=np.float32)

    def answers(
        self, told: ComponentGraph, fold: int | None = None
    ) -> tuple[Floats, Floats, Floats]:
        """What the network for pages says of N parts: how likely each is mathematics, (N,); where
        its expression ends, (N, 4); how likely its neighbours stand in it, (N, K).

        ``fold`` is that of a page it was trained on.
        """
        given = {
            "looks": told.looks,
            "neighbours": told.neighbours,
            "relations": told.relations,
        }
        every = self._sessions[CONTEXT].run(None, given)
        maths, ends, same = (x.mean(0) if fold is None else x[fold] for x in every)
        return maths, ends, same

    def likely_cuts(self, features: Floats, fold: int | None = None) -> Floats:
        """(C, F) features of gaps to (C,) shares: how likely one expression ends there."""
        return _answer(self._sessions[CUTS], features, fold)

    def likely_runs(self, features: Floats, fold: int | None = None) -> Floats:
        """(R, F) features of candidates to (R,) shares; ``fold`` as above."""
        return _answer(self._sessions[RUNS], features, fold)

    def likely_rows(self, features: Floats) -> Floats:
        """(G, F) features of white gaps to (G,) shares: how likely a row of writing ends there."""
        return _answer(self._sessions[ROWS], features, None)

    def edges(self, features: Floats, fold: int | None = None) -> Floats:
        """(R, F) features of candidates to (R, 4): how far beyond their ink people would draw
        the left, top, right and lower edge, in letter heights."""
        if not len(features):
            return np.zeros((0, 4), np.float32)
        (raw,) = self._sessions[EDGES].run(None, {"features": features})
        every = np.asarray(raw, dtype=np.float32).reshape(-1, FOLDS, 4)
        return np.clip(every.mean(1) if fold is None else every[:, fold], 0, ROOM)


@cache
def shipped() -> Detector:
    """The detector that travels with hmer. Raises MissingError where it does not."""
    inside = Path(str(files("hmer_cli"))) / "_weights"
    return Detector(inside if inside.is_dir() else Path(__file__).parents[3] / "weights")


def fold_of(data: bytes) -> int:
    """The fold that a page belongs to, by the bytes of its file."""
    return zlib.crc32(data) % FOLDS


def _session(path: Path) -> Session:
    if not path.is_file():
        raise MissingError(f"{path}: the weights that find regions are missing", "install again")
    session = open_session(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path)
    if path.name in _COLUMNS:
        _check_columns(session, _COLUMNS[path.name], path)
    return session


def _check_columns(session: Session, columns: Sequence[str], path: Path) -> None:
    """Raises MissingError where trees were grown on other features than are measured here.

    Files without names, as those made before there were any, are told by how many there are.
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
