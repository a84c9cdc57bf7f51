"""Labelled ink -> training examples: each token with the strokes that write it.

Input: `Ink` with a label and symbols. Output: an `Example`, or None where they do not match.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmer_cli.data.coco import Symbols
from hmer_cli.datasets.expressions import Sample
from hmer_cli.errors import InputError
from hmer_cli.expr.commands import UNWRITTEN
from hmer_cli.expr.tokens import tokenize
from hmer_cli.ink.ink import Ink, Symbol
from hmer_cli.recognition.prepare import Prepared, prepare
from hmer_cli.recognition.scale import SYMBOL
from hmer_cli.training.compose import subexpressions

Points = NDArray[np.float32]

UNTIED = -1
"""A token that no symbol stands for, as braces are."""

_ALIASES = {
    "\\frac": {"-"},
    "\\cdot": {"."},
    "\\ldots": {"\\dots", "."},
    "\\cdots": {"\\dots", "."},
    "\\leq": {"\\le"},
    "\\geq": {"\\ge"},
    "\\neq": {"\\ne"},
    "\\rightarrow": {"\\to"},
    "<": {"\\lt"},
    ">": {"\\gt"},
    "\\prime": {"'", "COMMA", ","},
}
"""Other names of a symbol in the files."""


Centres = list[tuple[float, float, str]]
"""y, x (pixels) and token of each symbol, in the order of the label."""


@dataclass(frozen=True)
class ImageExample:
    """Handwriting that came as an image: (H, W), ink bright on black, at the scale of the family
    that learns from it.

    ``centres`` are its symbols, None if unknown.
    """

    pixels: NDArray[np.uint8]
    centres: Centres | None = None


@dataclass(frozen=True)
class Example:
    """Strokes with the tokens they write; ``places`` says which symbol each token stands for.

    ``symbols`` are tuples of indices into the strokes. ``places`` is None where tokens and
    symbols could not be tied: such an example still trains CTC, but not the symbols.

    Where handwriting came as an ``image`` there are no strokes.
    """

    strokes: tuple[Points, ...]
    tokens: tuple[str, ...]
    symbols: tuple[tuple[int, ...], ...] = ()
    places: tuple[int, ...] | None = None
    image: ImageExample | None = None

    def part(self, span: subexpressions.Span) -> Example | None:
        """The sub-expression of these tokens; None where not all of its ink is known."""
        if self.places is None:
            return None
        chosen = self.places[slice(*span)]
        tokens = self.tokens[slice(*span)]
        kept = sorted({p for p in chosen if p != UNTIED})
        if not kept or any(
            p == UNTIED and written
            for p, written in zip(chosen, written_tokens(tokens), strict=True)
        ):
            return None
        strokes = sorted({i for p in kept for i in self.symbols[p]})
        new = {old: i for i, old in enumerate(strokes)}
        return Example(
            tuple(self.strokes[i] for i in strokes),
            tokens,
            tuple(tuple(new[i] for i in self.symbols[p]) for p in kept),
            tuple(kept.index(p) if p != UNTIED else UNTIED for p in chosen),
        )


def written_tokens(tokens: Sequence[str]) -> list[bool]:
    """Which tokens leave ink: not braces, scripts and the brackets of a root's index."""
    written = [token not in UNWRITTEN for token in tokens]
    for i, token in enumerate(tokens[:-1]):
        if token == "\\sqrt" and tokens[i + 1] == "[":
            end = subexpressions.closing(tokens, i + 1, ("[", "]")) - 1
            written[i + 1] = written[end] = False
    return written


def tie(tokens: Sequence[str], symbols: Sequence[Symbol]) -> tuple[int, ...] | None:
    """The symbol of each token, UNTIED for tokens without ink; None where they do not agree.

    ``symbols`` are in the order of the label.
    """
    places = [UNTIED] * len(tokens)
    written = [i for i, here in enumerate(written_tokens(tokens)) if here]
    if len(written) != len(symbols):
        return None
    for place, (i, symbol) in enumerate(zip(written, symbols, strict=True)):
        names = {tokens[i], *_ALIASES.get(tokens[i], ())}
        if symbol.label not in names and f"\\{symbol.label}" not in names:
            return None
        places[i] = place
    return tuple(places)


def example(ink: Ink, label: str) -> Example:
    """The example that a labelled ink makes."""
    tokens = tuple(tokenize(label))
    return Example(
        ink.strokes, tokens, tuple(s.strokes for s in ink.symbols), tie(tokens, ink.symbols)
    )


def inks(samples: Iterable[Sample]) -> list[Ink]:
    """The inks, with their labels, of all samples that can be read and have both."""
    found = []
    for sample in samples:
        try:
            ink = sample.ink
        except InputError:
            continue
        if ink is not None and sample.label:
            found.append(ink.with_label(sample.label))
    return found


def examples(samples: Iterable[Sample], symbol: float = SYMBOL) -> list[Example]:
    """The examples of all samples that can be read, have a label and show something.

    ``symbol`` is the size in pixels of a typical symbol in images, the `System.image_symbol` of
    the family that learns from them.
    """
    return [made for _, made in sampled_examples(samples, symbol)]


def sampled_examples(
    samples: Iterable[Sample], symbol: float = SYMBOL
) -> Iterator[tuple[Sample, Example]]:
    """The same, each with its sample."""
    for sample in samples:
        try:
            ink = sample.ink
            seen = None if ink else prepare(sample.image(), symbol)
        except InputError:
            continue
        if ink is not None and sample.label:
            yield sample, example(ink, sample.label)
        elif seen is not None and sample.label:
            yield sample, _of_image(seen, tuple(tokenize(sample.label)), sample.symbols)


def _of_image(seen: Prepared, tokens: tuple[str, ...], signs: Symbols) -> Example:
    """The example that an image makes whose symbols have these boxes in it."""
    centres: Centres | None = None
    if tie(tokens, [Symbol((), token) for token, _ in signs]) is not None:
        boxes = np.array([box for _, box in signs]).reshape(-1, 2, 2)
        places = (boxes.mean(axis=1) - seen.origin) * seen.scale
        written = [
            token for token, here in zip(tokens, written_tokens(tokens), strict=True) if here
        ]
        centres = [(y, x, token) for (x, y), token in zip(places.tolist(), written, strict=True)]
    return Example((), tokens, image=ImageExample(seen.pixels, centres))
