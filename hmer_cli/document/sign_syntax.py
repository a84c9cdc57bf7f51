r"""Signs that their neighbours decide: ``( . 7 5 )`` for ``( \cdot 7 5 )``.

Input: a reading. Output: the same with a decimal point for a dot that multiplies nothing, between
what begins a term and a digit; and with ``c`` for ``\subset`` after a digit, as in ``5 c m``: a
number has no subsets.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from hmer_cli.recognition.reading import Reading

_BEGINS = frozenset(("", "(", "[", "{", "=", "+", "-", "<", ">", r"\leq", r"\geq"))
_SETS = frozenset((r"\subset", r"\subseteq"))


def with_decided_signs(reading: Reading, allowed: Container[str] | None = None) -> Reading:
    """The reading with such signs; as it is where there are none. ``allowed`` are the tokens of the
    character set, if there is one."""
    names = [token.token for token in reading.tokens]
    if reading.label.split() != names:
        return reading
    before, after = ["", *names[:-1]], [*names[1:], ""]
    decided = [_decided(*each) for each in zip(before, names, after, strict=True)]
    new = [name for name, old in zip(decided, names, strict=True) if name != old]
    if not new or (allowed is not None and not all(name in allowed for name in new)):
        return reading
    pairs = zip(reading.tokens, decided, strict=True)
    tokens = tuple(replace(token, token=name) for token, name in pairs)
    return replace(reading, label=" ".join(decided), tokens=tokens)


def _decided(before: str, sign: str, after: str) -> str:
    if sign == r"\cdot" and before in _BEGINS and after.isdigit():
        return "."
    return "c" if sign in _SETS and before.isdigit() and after.isalpha() else sign
