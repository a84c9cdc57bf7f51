r"""Signs that their neighbours decide: ``( . 7 5 )`` for ``( \cdot 7 5 )``.

Input: a reading. Output: the same with a decimal point for a dot that multiplies nothing, between
what begins a term and a digit; and with ``c`` for ``\subset`` between a digit and a small letter,
as in ``5 c m``: a number has no subsets. Only ``0`` and ``1`` may be sets, as in ``0 \subset m``.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from hmer_cli.recognition.reading import Reading

_BEGINS = frozenset(("", "(", "[", "{", "=", "+", "-", "<", ">", r"\leq", r"\geq"))
_SETS = frozenset((r"\subset", r"\subseteq"))
_TRIVIAL = frozenset("01")
"""Digits that are the trivial module or group where they stand alone."""


def with_decided_signs(reading: Reading, allowed: Container[str] | None = None) -> Reading:
    """The reading with such signs; as it is where there are none. ``allowed`` are the tokens of the
    character set, if there is one."""
    names = [token.token for token in reading.tokens]
    if reading.label.split() != names:
        return reading
    around = ["", "", *names, ""]
    decided = [_decided(*around[i : i + 4]) for i in range(len(names))]
    new = [name for name, old in zip(decided, names, strict=True) if name != old]
    if not new or (allowed is not None and not all(name in allowed for name in new)):
        return reading
    pairs = zip(reading.tokens, decided, strict=True)
    tokens = tuple(replace(token, token=name) for token, name in pairs)
    return replace(reading, label=" ".join(decided), tokens=tokens)


def _decided(first: str, before: str, sign: str, after: str) -> str:
    if sign == r"\cdot" and before in _BEGINS and after.isdigit():
        return "."
    is_number = before.isdigit() and (before not in _TRIVIAL or first.isdigit() or first == ".")
    return "c" if sign in _SETS and is_number and after.islower() and after.isalpha() else sign
