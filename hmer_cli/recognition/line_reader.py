"""The line reader: ink or an image of a line -> its text, with formulas among the words marked.

Method: features of the pen's way, or of the skeleton of the ink (`line_features`), a recurrent
network, CTC beam search with character n-grams and a lexicon. Where that is in doubt, a second pass
over features at another scale may follow, whose CTC scores are averaged with those of the first.
Where there is a formula, the text has `MATH`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmer_cli.errors import MissingError
from hmer_cli.ink.ink import Stroke
from hmer_cli.ink.render import InkImage, Readable
from hmer_cli.ink.skeleton import skeleton
from hmer_cli.models.embedded import unpacked
from hmer_cli.models.registry import shipped_dir
from hmer_cli.models.session import Session, open_session
from hmer_cli.recognition.ctc import Frames, align, greedy, likelihood
from hmer_cli.recognition.lexicon import Lexicon
from hmer_cli.recognition.line_features import placed_features
from hmer_cli.recognition.line_text import MATH, SPACE, text_of
from hmer_cli.recognition.ngrams import LanguageScore, Ngrams, search
from hmer_cli.recognition.prepare import CTC_LIMITS, Limits, measure, prepare
from hmer_cli.recognition.units import Units
from hmer_cli.recognition.weights_file import METADATA

FILE = "hmer-lines-3.onnx.gz"

STRIDE = 4
"""Points for each frame."""

_WEIGHT, _BONUS = 0.3, 0.5
"""Of the n-grams beside CTC, and of each character; chosen on the lines that choose the weights."""

_ZOOM = 1.2
"""Scale of the features of the second pass; chosen on the same lines: 1.1 to 1.3 are alike."""

_SURE = 0.9
"""Share of the best hypothesis of the first pass above which there is no second; the same."""

_SYMBOL = 64
"""Pixels of a typical symbol, of whose ink the skeleton is taken; chosen on the same lines: 22
pixels leave 18.8 % of the characters wrong, 34 15.9 %, 64 13.9 %, 96 13.8 %."""

_LIMITS = Limits(4800, 1024, 500_000)  # convention
"""Of three in five of these lines the symbols would be smaller within those of the CTC model; a
skeleton takes memory and time in proportion."""

_FINE = 16  # pixels: lines of smaller symbols keep to the limits of the CTC model; convention

_INK = 127
"""What is brighter is ink."""


@dataclass(frozen=True)
class LineWord:
    """A word or a formula of a line, whose text is then `MATH`.

    ``left`` and ``right`` are about where it stands, in pixels of the image or units of the ink:
    where its first and last letters are, of a formula where the spaces before and after it are.
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

    @property
    def tokens(self) -> frozenset[str]:
        """The characters that it knows, `SPACE` and `MATH`."""
        return frozenset(self._units.tokens)

    @cached_property
    def _language(self) -> LanguageScore | None:
        """None for files without n-grams, which are decoded greedily."""
        table, words = (self._metadata.get(key) for key in ("ngrams", "words"))
        if table is None:
            return None
        ngrams = Ngrams(json.loads(unpacked(table)), len(self._units))
        lexicon = Lexicon(unpacked(words).decode().split(), self._units.names) if words else None
        return LanguageScore(ngrams, _WEIGHT, _BONUS, lexicon)

    def read(self, line: Readable, second_pass: bool = False) -> LineReading:
        """The text of an image (H, W), dark ink on white, or of ink with its strokes.

        With ``second_pass`` lines in doubt are read at another scale, too, which takes twice the
        time and leaves a tenth less of the characters wrong.
        """
        if isinstance(line, InkImage):
            return self.read_strokes(line.ink.strokes, second_pass=second_pass)
        measured = measure(line)
        fine = measured is not None and measured.size >= _FINE
        seen = prepare(line, _SYMBOL, measured, _LIMITS if fine else CTC_LIMITS)
        found = skeleton((seen.pixels > _INK).astype(np.uint8)) if seen else None
        if seen is None or found is None:
            return LineReading(())
        origin = np.array(seen.origin, np.float32)
        placed = [stroke / np.float32(seen.scale) + origin for stroke in found.strokes]
        return self.read_strokes(placed, ordered=False, second_pass=second_pass)

    def read_strokes(
        self, strokes: Sequence[Stroke], ordered: bool = True, second_pass: bool = False
    ) -> LineReading:
        """The text of strokes (N, 2), y down, in the order of writing or not."""
        if not strokes:
            return LineReading(())

        def frames(zoom: float) -> tuple[Frames, NDArray[np.float64]]:
            features, x = placed_features(strokes, skeleton=not ordered, zoom=zoom)
            (found,) = self._session.run(None, {"features": features[None]})
            return np.asarray(found)[0], x

        first, x = frames(1.0)
        label = self._label(first, (lambda: frames(_ZOOM)[0]) if second_pass else None)
        return LineReading(tuple(self._words(label, first, x)))

    def _label(self, first: Frames, again: Callable[[], Frames] | None = None) -> tuple[int, ...]:
        """The label of the frames; in doubt, with those of a second pass, if there is one."""
        if self._language is None:
            return greedy(first)
        found = search(first, self._language)
        share = 1 / np.exp([each.score - found[0].score for each in found]).sum()
        if again is None or share > _SURE:
            return found[0].units
        second = again()
        both = {each.units: each.language for each in [*found, *search(second, self._language)]}
        labels = sorted(both)
        scores = (likelihood(first, labels) + likelihood(second, labels)) / 2
        return labels[int((scores + [both[label] for label in labels]).argmax())]

    def _words(
        self, label: tuple[int, ...], frames: Frames, x: NDArray[np.float64]
    ) -> list[LineWord]:
        words: list[LineWord] = []
        held: list[tuple[str, float, float]] = []
        begin = float(x.min())
        for unit, place in zip(label, align(frames, label), strict=True):
            token = self._units.names[unit]
            at = float(np.median(x[STRIDE * place.start : STRIDE * place.end]))
            if token == SPACE:
                words += _word(held, begin, at)
                held, begin = [], at
            else:
                held.append((token, at, place.confidence))
        return words + _word(held, begin, float(x.max()))


def _word(held: Sequence[tuple[str, float, float]], begin: float, end: float) -> list[LineWord]:
    """The word of these tokens with their places, between two spaces."""
    if not held:
        return []
    text = text_of(token for token, *_ in held)
    places = [at for _, at, _ in held]
    ends = (begin, end) if MATH in text else places
    return [LineWord(text, min(ends), max(ends), float(np.mean([sure for *_, sure in held])))]


@cache
def shipped_lines() -> LineReader | None:
    """The line reader that travels with hmer; None where it does not."""
    path = shipped_dir() / FILE
    return LineReader(path) if path.is_file() else None
