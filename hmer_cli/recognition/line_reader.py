"""The line reader: ink or an image of a line -> its text, with formulas among the words marked.

Method: features of the pen's way, or of the skeleton of the ink (`line_features`), a recurrent
network, CTC beam search with character n-grams and a lexicon. Where there is a formula, the text
has `MATH`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmer_cli.errors import MissingError
from hmer_cli.ink.ink import Stroke
from hmer_cli.ink.render import InkImage, Readable, image_of
from hmer_cli.models.embedded import unpacked
from hmer_cli.models.registry import shipped_dir
from hmer_cli.models.session import Session, open_session
from hmer_cli.recognition.ctc import align, greedy
from hmer_cli.recognition.lexicon import Lexicon
from hmer_cli.recognition.line_features import placed_features
from hmer_cli.recognition.line_text import MATH, SPACE, text_of
from hmer_cli.recognition.ngrams import Ngrams, search
from hmer_cli.recognition.prepare import prepare
from hmer_cli.recognition.skeleton import skeleton
from hmer_cli.recognition.units import Units

FILE = "hmer-lines-1.onnx"
METADATA = "hmer"

STRIDE = 4
"""Points for each frame."""

_WEIGHT, _BONUS = 0.3, 0.5
"""Of the n-grams beside CTC, and of each character; chosen on the lines that choose the weights."""

_SYMBOL = 64
"""Pixels of a typical symbol, of whose ink the skeleton is taken; chosen on the same lines: 22
pixels leave 18.8 % of the characters wrong, 34 15.9 %, 64 13.9 %, 96 13.8 %."""

_INK = 127
"""What is brighter is ink."""


@dataclass(frozen=True)
class LineWord:
    """A word or a formula of a line, whose text is then `MATH`.

    ``left`` and ``right`` are about where it stands, in pixels of the image or units of the ink;
    ``confidence`` is the mean of the probabilities of its characters.
    """

    text: str
    left: float
    right: float
    confidence: float

    @property
    def is_math(self) -> bool:
        """Whether a formula stands here."""
        return MATH in self.text


@dataclass(frozen=True)
class LineReading:
    """What the line says, from left to right."""

    words: tuple[LineWord, ...]

    @property
    def text(self) -> str:
        """The words with spaces between them."""
        return " ".join(word.text for word in self.words)


class LineReader:
    """Reads lines of text, one by one."""

    def __init__(self, path: Path) -> None:
        """Loaded on first use. Raises MissingError where the weights are not there."""
        if not path.is_file():
            raise MissingError(f"{path}: the weights that read words are missing", "install again")
        self._path = path

    @cached_property
    def _session(self) -> Session:
        return open_session(self._path)

    @cached_property
    def _metadata(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self._session.get_modelmeta().custom_metadata_map[METADATA]
        )
        return found

    @cached_property
    def _units(self) -> Units:
        return Units(self._metadata["tokens"])

    @cached_property
    def _ngrams(self) -> Ngrams | None:
        table = self._metadata.get("ngrams")
        return None if table is None else Ngrams(json.loads(unpacked(table)), len(self._units))

    @cached_property
    def _lexicon(self) -> Lexicon | None:
        """The words of the training texts; files without are read with n-grams alone."""
        words = self._metadata.get("words")
        return (
            None if words is None else Lexicon(unpacked(words).decode().split(), self._units.names)
        )

    def read(self, line: Readable) -> LineReading:
        """The text of an image (H, W), dark ink on white, or of ink with its strokes."""
        if isinstance(line, InkImage):
            return self.read_strokes(line.ink.strokes)
        seen = prepare(image_of(line), _SYMBOL)
        found = skeleton((seen.pixels > _INK).astype(np.uint8)) if seen else None
        if seen is None or found is None:
            return LineReading(())
        origin = np.array(seen.origin, np.float32)
        placed = [stroke / np.float32(seen.scale) + origin for stroke in found.strokes]
        return self.read_strokes(placed, ordered=False)

    def read_strokes(self, strokes: Sequence[Stroke], ordered: bool = True) -> LineReading:
        """The text of strokes (N, 2), y down, in the order of writing or not."""
        if not strokes:
            return LineReading(())
        features, x = placed_features(strokes, skeleton=not ordered)
        (frames,) = self._session.run(None, {"features": features[None]})
        return LineReading(tuple(self._words(np.asarray(frames)[0], x)))

    def _label(self, frames: NDArray[np.float32]) -> tuple[int, ...]:
        if self._ngrams is None:
            return greedy(frames)
        return search(frames, self._ngrams, _WEIGHT, _BONUS, self._lexicon)

    def _words(self, frames: NDArray[np.float32], x: NDArray[np.float64]) -> list[LineWord]:
        label = self._label(frames)
        words: list[LineWord] = []
        held: list[tuple[str, float, float]] = []
        for unit, place in zip(label, align(frames, label), strict=True):
            token = self._units.names[unit]
            if token == SPACE:
                words += _word(held)
                held = []
            else:
                here = x[STRIDE * place.start : STRIDE * place.end]
                held.append((token, float(np.median(here)), place.confidence))
        return words + _word(held)


def _word(held: Sequence[tuple[str, float, float]]) -> list[LineWord]:
    if not held:
        return []
    places = [x for _, x, _ in held]
    sure = float(np.mean([p for *_, p in held]))
    return [LineWord(text_of(t for t, *_ in held), min(places), max(places), sure)]


@cache
def shipped_lines() -> LineReader | None:
    """The line reader that travels with hmer; None where it does not."""
    path = shipped_dir() / FILE
    return LineReader(path) if path.is_file() else None
