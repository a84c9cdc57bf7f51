"""Filter of mislabelled isolated symbols: nearest neighbours among all of them.

Input: symbols with labels. Output: which of them agree. Method: a histogram of stroke directions on
a coarse grid (as in online character recognition, Bai and Huo, ICDAR 2005); of the nearest
neighbours of a symbol, at least one must have its label or one that is written alike. Symbols with
a stray dot, which wrongly cut files have beside several signs on one another, are left out.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hmer_cli.data.symbol_files import IsolatedSymbol, read_symbols
from hmer_cli.ink.ink import Stroke
from hmer_cli.models.registry import cache_dir
from hmer_cli.synthesis.font import drawings, knows

_SHAPE = 6, 6, 4
"""Rows, columns and directions of the histogram."""

_POINTS = 48
"""Points along the ink that enter the histogram."""

_NEAREST = 12
"""Number of neighbours of which one must agree. On UNIPEN, 8 % of symbols have none."""

_SMALL, _FAR = 0.12, 0.3
"""A stray dot is smaller than the first share of the symbol's larger side, and further from the
rest than the second."""  # seen on UNIPEN, convention

_DOT = 0.2
"""The largest dot of a drawing of the font, as a share of its larger side."""

_EACH = 200
"""Symbols of a token that serve as neighbours; more change only the time."""

_CHUNK = 1024
_AXES = 48
"""Principal components that are kept of the histograms."""

_ALIKE = (
    "0 O o",
    "1 l I | i /",
    r", ' \prime ) 1",
    ". , - \\cdot",
    "2 z Z",
    "5 s S",
    "6 b",
    "9 g q",
    r"u v U V \vee",
    r"n \cap",
    r"x X \times",
    r"\phi \varphi \Phi",
    r"\epsilon \varepsilon \in E",
    r"\theta \Theta",
    r"< \langle",
    r"> \rangle",
    r"( [ c C",
    r") ]",
    r"\sigma 6",
    r"\Sigma \sum",
    r"\Pi \prod",
)
"""Tokens that look alike in isolation; so do both cases of some letters."""


def checked_symbols(path: Path) -> list[IsolatedSymbol]:
    """The symbols of a file that agree with their neighbours; the result is cached.

    The cache lies beside downloaded weights, by the checksum of the file and of this method.
    Raises InputError where the file is not one of isolated symbols.
    """
    symbols = list(read_symbols(path))
    rules = _SHAPE, _POINTS, _NEAREST, _EACH, _AXES, _ALIKE, _SMALL, _FAR, sorted(_dotted())
    settings = repr(rules).encode()
    key = hashlib.sha256(path.read_bytes() + settings + str(len(symbols)).encode()).hexdigest()
    folder = cache_dir()
    if folder is None:
        kept = agreeing(symbols)
        return [symbol for symbol, good in zip(symbols, kept, strict=True) if good]
    cached = folder / "symbols" / f"{key[:24]}.npy"
    try:
        kept = np.load(cached, allow_pickle=False)
    except (OSError, ValueError):
        kept = agreeing(symbols)
        _store(cached, kept)
    return [symbol for symbol, good in zip(symbols, kept, strict=True) if good]


def _store(path: Path, kept: NDArray[np.bool_]) -> None:
    """Write the cache if possible; safe for concurrent processes."""
    part = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(part, kept)
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)


def agreeing(symbols: Sequence[IsolatedSymbol]) -> NDArray[np.bool_]:
    """Whether one of the nearest neighbours of each symbol (N,) has its token, and it no stray dot.

    Tokens with only a few samples are judged by their dots alone.
    """
    clean = np.array([not has_stray_dot(symbol) for symbol in symbols], bool)
    if len(symbols) <= _NEAREST:
        return clean
    features = _compressed(np.stack([histogram(symbol.strokes) for symbol in symbols]))
    names = sorted({symbol.token for symbol in symbols})
    numbers = {name: i for i, name in enumerate(names)}
    own = np.array([numbers[symbol.token] for symbol in symbols])
    alike = np.array([[_alike(a, b) for b in names] for a in names])
    chosen = _references(own)
    counts = np.bincount(own, minlength=len(names))
    found = counts[own] <= _NEAREST
    squares = (features[chosen] ** 2).sum(axis=1)
    place = np.full(len(own), -1)
    place[chosen] = np.arange(len(chosen))
    for start in range(0, len(own), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(own)))
        distances = squares - 2 * features[rows] @ features[chosen].T
        itself = place[rows] >= 0
        distances[np.flatnonzero(itself), place[rows][itself]] = np.inf
        nearest = np.argpartition(distances, _NEAREST, axis=1)[:, :_NEAREST]
        found[rows] |= alike[own[rows, None], own[chosen][nearest]].any(axis=1)
    return found & clean


def has_stray_dot(symbol: IsolatedSymbol) -> bool:
    """Whether a dot stands apart from the rest of a symbol that is written without one."""
    if len(symbol.strokes) < 2 or not knows(symbol.token) or symbol.token in _dotted():
        return False
    side = max(float(np.ptp(np.concatenate(symbol.strokes), axis=0).max()), 1e-6)
    small = [np.ptp(stroke, axis=0).max() < _SMALL * side for stroke in symbol.strokes]
    dots = [stroke for stroke, dot in zip(symbol.strokes, small, strict=True) if dot]
    others = [stroke for stroke, dot in zip(symbol.strokes, small, strict=True) if not dot]
    if not dots or not others:
        return False
    ink = np.concatenate(others)
    return any(np.hypot(*(ink - dot.mean(axis=0)).T).min() > _FAR * side for dot in dots)


@cache
def _dotted() -> frozenset[str]:
    """The tokens that the font draws with a dot, or of dots; the circles of a % may be dots."""
    return frozenset({r"\%"}).union(
        token
        for token, ways in drawings().items()
        for glyph in (way.glyph(token) for way in ways)
        if any(
            np.ptp(stroke, axis=0).max() < _DOT * max(glyph.width, glyph.height)
            for stroke in glyph.strokes
        )
    )


def histogram(strokes: Sequence[Stroke]) -> NDArray[np.float32]:
    """Histogram of stroke directions per cell, (6 * 6 * 4,), independent of size."""
    middles, steps = zip(*(_pieces(stroke) for stroke in strokes), strict=True)
    points, moves = np.concatenate(middles), np.concatenate(steps)
    low, high = points.min(axis=0), points.max(axis=0)
    side = max(float((high - low).max()), 1e-6)
    x, y = (((points - (low + high) / 2) / side + 0.5) * (_SHAPE[0] - 1)).T
    turn = np.arctan2(moves[:, 1], moves[:, 0]) % np.pi * _SHAPE[2] / np.pi
    length = np.hypot(*moves.T) / side
    cells, shares = [], []
    for corner in product((0, 1), repeat=3):
        share, index = length, np.zeros(len(length), np.int64)
        for value, step, size in zip((y, x, turn), corner, _SHAPE, strict=True):
            base = np.floor(value)
            share = share * np.abs(1 - step - (value - base))
            index = index * size + (base.astype(np.int64) + step) % size
        cells.append(index)
        shares.append(share)
    size = int(np.prod(_SHAPE))
    flat = np.sqrt(np.bincount(np.concatenate(cells), np.concatenate(shares), size))
    return np.asarray(flat / max(float(np.linalg.norm(flat)), 1e-6), np.float32)


def _pieces(stroke: Stroke) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The middles and moves of even pieces of a stroke; a dot is one short piece."""
    if len(stroke) < 2:
        return stroke, np.full((len(stroke), 2), 0.5, np.float32)
    path = np.concatenate([[0.0], np.hypot(*np.diff(stroke, axis=0).T).cumsum()])
    at = np.linspace(0, path[-1], max(3, _POINTS // 2))
    points = np.stack([np.interp(at, path, axis) for axis in stroke.T], axis=1).astype(np.float32)
    return (points[1:] + points[:-1]) / np.float32(2), np.diff(points, axis=0)


def _compressed(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The features (N, K) in their principal components (N, 48)."""
    centred = features - features.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    return np.asarray(centred @ axes[:, -_AXES:], np.float32)


def _references(own: NDArray[np.int64]) -> NDArray[np.int64]:
    """The symbols that serve as neighbours: of each token the same number, spread evenly."""
    found = []
    for token in np.unique(own):
        those = np.flatnonzero(own == token)
        found.append(those[:: max(1, -(-len(those) // _EACH))])
    return np.sort(np.concatenate(found))


def _alike(one: str, other: str) -> bool:
    if one.lower() == other.lower():
        return True
    return any(one in group and other in group for group in map(str.split, _ALIKE))
