"""Result types of the recogniser: the reading of one expression, its tokens and alternatives.

Made by `hmer_cli.recognition.expression_recogniser`; boxes are in pixels of the given image.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hmer_cli.geometry import Box


@dataclass(frozen=True)
class TokenReading:
    """One token of a reading.

    Attributes:
        token: its LaTeX.
        confidence: highest probability of its CTC frames, 0 to 1; without CTC, that of its unit by
            the graph models, given the other units.
        box: in pixels of the image: a typical symbol's size around the centre of its frames; for
            braces and scripts, between the symbols they join. Without CTC, round the strokes or
            components that the graph model attends to.
    """

    token: str
    confidence: float
    box: Box


@dataclass(frozen=True)
class Alternative:
    """Another reading of an expression.

    Attributes:
        label: its tokens, separated by spaces.
        confidence: the probability that it is the right one, 0 to 1.
    """

    label: str
    confidence: float


@dataclass(frozen=True)
class Reading:
    """The label read from one image, space-separated tokens in the field's spelling.

    ``confidence`` (0 to 1) is the probability that the whole label is right; an image without
    ink gives an empty label and confidence 0. ``tokens`` are those of the label, in its order; none
    where the recogniser does not place them. ``alternatives`` are the likeliest other labels, best
    first.
    """

    label: str
    confidence: float
    tokens: tuple[TokenReading, ...] = ()
    alternatives: tuple[Alternative, ...] = ()


def distinct(label: str, others: Iterable[Alternative]) -> tuple[Alternative, ...]:
    """The alternatives to this label that are other labels, of equal ones the first."""
    found: dict[str, Alternative] = {}
    for other in others:
        if other.label != label:
            found.setdefault(other.label, other)
    return tuple(found.values())


EMPTY_READING = Reading("", 0.0)
"""The reading of an image without ink."""
