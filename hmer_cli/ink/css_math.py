"""Functions of CSS in lengths: ``calc()``, ``min()``, ``max()``, ``clamp()``, ``abs()``.

Input: the text of a value, and how long a unit is. Output: its length. Method: recursive descent
over the grammar of CSS Values 4, section 10; operands are lengths or plain numbers. Raises
ValueError for what is not valid, or not understood.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NamedTuple

from hmer_cli.ink.svg_path import NUMBER

_TOKEN = re.compile(
    rf"(?>\s*)(?:(?P<number>(?>{NUMBER}))(?P<unit>[A-Za-z]{{1,5}}|%)?+"
    r"|(?P<name>[A-Za-z]{0,9})(?P<open>\()|(?P<constant>pi|e)\b|(?P<sign>(?<=\s)[-+](?=\s)|[*/,)]))"
)
_FUNCTION = re.compile(r"\s*+[A-Za-z]{1,9}\(")
_CONSTANTS = {"pi": math.pi, "e": math.e}
_MAX_DEPTH = 32


class _Amount(NamedTuple):
    """A number, or a length in user units."""

    value: float
    is_length: bool


def is_function(text: str) -> bool:
    """Whether a value is a function of CSS, understood or not."""
    return _FUNCTION.match(text) is not None


def evaluate(text: str, unit: Callable[[str], float]) -> float:
    """The value of a text that is a function; ``unit`` gives the length of a unit, or of ``%``."""
    reader = _Reader(text, unit)
    found = reader.operand()
    if reader.token is not None or not math.isfinite(found.value):
        raise ValueError(text[:40])
    return found.value


class _Reader:
    """One value, from its start; ``token`` is the one that is not read yet, None at the end."""

    def __init__(self, text: str, unit: Callable[[str], float]) -> None:
        self._text, self._unit = text.rstrip().lower(), unit
        self._at = self._depth = 0
        self.token = self._next()

    def operand(self) -> _Amount:
        """A number, a length, a constant, or what stands in brackets or a function."""
        token = self._taken()
        if token["number"] is not None:
            name = token["unit"]
            value = float(token["number"])
            return _Amount(value * self._unit(name), True) if name else _Amount(value, False)
        if token["constant"] is not None:
            return _Amount(_CONSTANTS[token["constant"]], False)
        if token["open"] is None:
            raise ValueError(self._text[:40])
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError("nested too deep")
        arguments = [self._sum()]
        while (sign := self._taken()["sign"]) == ",":
            arguments.append(self._sum())
        if sign != ")":
            raise ValueError(self._text[:40])
        self._depth -= 1
        return _called(token["name"], arguments)

    def _sum(self) -> _Amount:
        total = self._product()
        while self._sign() in ("+", "-"):
            sign = self._taken()["sign"]
            other = self._product()
            if total.is_length != other.is_length:
                raise ValueError("a number beside a length")
            value = other.value if sign == "+" else -other.value
            total = _Amount(total.value + value, total.is_length)
        return total

    def _product(self) -> _Amount:
        total = self.operand()
        while self._sign() in ("*", "/"):
            divides = self._taken()["sign"] == "/"
            other = self.operand()
            if other.is_length and (divides or total.is_length):
                raise ValueError("no length")
            if divides and not other.value:
                raise ValueError("divided by zero")
            value = total.value / other.value if divides else total.value * other.value
            total = _Amount(value, total.is_length or other.is_length)
        return total

    def _sign(self) -> str | None:
        return self.token["sign"] if self.token is not None else None

    def _taken(self) -> re.Match[str]:
        """The next token. Raises ValueError at the end."""
        token = self.token
        if token is None:
            raise ValueError(self._text[:40])
        self.token = self._next()
        return token

    def _next(self) -> re.Match[str] | None:
        if self._at >= len(self._text):
            return None
        token = _TOKEN.match(self._text, self._at)
        if token is None:
            raise ValueError(self._text[:40])
        self._at = token.end()
        return token


def _called(name: str, arguments: list[_Amount]) -> _Amount:
    """The value of a function, of ``calc()`` where it has no name."""
    if len({each.is_length for each in arguments}) > 1:
        raise ValueError("a number beside a length")
    values = [each.value for each in arguments]
    if any(map(math.isnan, values)):  # whether max() returned it would depend on their order
        values = [math.nan] * len(values)
    if name in ("", "calc", "abs") and len(values) == 1:
        value = abs(values[0]) if name == "abs" else values[0]
    elif name in ("min", "max"):
        value = min(values) if name == "min" else max(values)
    elif name == "clamp" and len(values) == 3:
        value = max(values[0], min(values[1], values[2]))
    else:
        raise ValueError(name)
    return _Amount(value, arguments[0].is_length)
