"""Colours as CSS, Xournal++ and web canvases write them -> red, green, blue and alpha.

Input: text. Output: a `Colour`, or None for what is no colour (`none`, a gradient, a typing error).
Names and ``#rgb[a]``, ``#rrggbb[aa]``, ``rgb()``, ``rgba()``, ``hsl()`` and ``hsla()`` are
understood, with commas or spaces (CSS Color 4, sections 4 to 7).
"""

from __future__ import annotations

import colorsys
import re
from typing import NamedTuple

from PIL import ImageColor

CONTRAST = 32 / 255
"""Of a channel: what differs less from the paper cannot be seen; that of ``page/regions.py``."""
OPAQUE = 0.6
"""What lets more through is a highlighter."""  # convention

_HEX = re.compile(r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})")
_CALL = re.compile(r"(rgb|hsl)a?\(([^()]{1,80})\)")
_NUMBER = re.compile(r"[-+]?(?:\d{1,9}\.?\d{0,9}|\.\d{1,9})")


class Colour(NamedTuple):
    """Red, green, blue and alpha, 0 to 1 each."""

    red: float
    green: float
    blue: float
    alpha: float = 1.0

    def differs(self, other: Colour) -> bool:
        """Whether one can be seen on the other."""
        return max(abs(a - b) for a, b in zip(self[:3], other[:3], strict=True)) >= CONTRAST


BLACK, WHITE = Colour(0, 0, 0), Colour(1, 1, 1)
UNKNOWN = Colour(0.5, 0.5, 0.5)
"""That of a gradient or a pattern: seen on white and on black."""


def colour_of(text: str) -> Colour | None:
    """The colour that a text names; None where it names none."""
    plain = text.strip().lower()
    if plain == "transparent":
        return Colour(0, 0, 0, 0)
    if plain in ImageColor.colormap:
        return Colour(*(level / 255 for level in ImageColor.getrgb(plain)))
    if match := _HEX.fullmatch(plain):
        return _of_digits(match[1])
    if match := _CALL.fullmatch(plain):
        return _of_call(match[1], match[2])
    return None


def _of_digits(digits: str) -> Colour:
    if len(digits) < 6:
        digits = "".join(2 * digit for digit in digits)
    return Colour(*(int(digits[at : at + 2], 16) / 255 for at in range(0, len(digits), 2)))


def _of_call(kind: str, arguments: str) -> Colour | None:
    parts = re.split(r"[\s,/]+", arguments.strip())
    found = [_NUMBER.match(part) for part in parts]
    if not 3 <= len(parts) <= 4 or None in found:
        return None
    values = [float(match[0]) for match in found if match is not None]
    shares = [v / 100 if part.endswith("%") else v for v, part in zip(values, parts, strict=True)]
    alpha = min(max(shares[3], 0.0), 1.0) if len(shares) > 3 else 1.0
    if kind == "hsl":
        hue, full, light = values[0] / 360 % 1, values[1] / 100, values[2] / 100
        rgb = colorsys.hls_to_rgb(hue, min(max(light, 0), 1), min(max(full, 0), 1))
        return Colour(*rgb, alpha)
    channels = [s if p.endswith("%") else s / 255 for s, p in zip(shares, parts, strict=True)][:3]
    red, green, blue = (min(max(channel, 0.0), 1.0) for channel in channels)
    return Colour(red, green, blue, alpha)
