"""Result types of the recogniser: the reading of one expression, its tokens and alternatives.

Made by `hmer_cli.recognition.recogniser`; boxes are in pixels of the image that was given.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TokenReading:
    """One token of a reading.

    Attributes:
        token: its LaTeX.
        confidence: highest probability of its CTC frames, 0 to 1.
        box: x0, y0, x1, y1 in pixels of the image: a typical symbol's size around the centre of
            its frames; for braces and scripts, between the symbols they join.
    """

    token: str
    confidence: float
    box: tuple[float, float, float, float]


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
    ink gives an empty label and confidence 0. ``alternatives`` are the likeliest other labels,
    best first.
    """

    label: str
    confidence: float
    tokens: tuple[TokenReading, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
