"""Seeds of a kind -> bytes like them, always the same for the same number."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

_WORDS = re.compile(rb"\\?[A-Za-z_]+|[-+]?\d+\.?\d*|[^\sA-Za-z0-9]")
_HARD = (
    *(b"9" * 400, b"-1e308", b"1e999", b"NaN", b"-Infinity", b"0", b"-1", b"null", b"true"),
    *(b"\0", b"\xff\xfe", b"\xed\xb2\x80", "\u2028é\U0001d54f".encode(), b"'" * 50, b'"'),
    *(b"<", b"&#0;", b"]]>", b"{" * 60, b"[" * 300, b"}" * 60, b"\\", b"%", b"\r\n", b"  " * 200),
)
"""What readers stumble over: numbers without end, wrong encodings, things that nest or open."""


def mutated(seeds: Sequence[bytes], number: int) -> bytes:
    """Bytes made from one of the seeds and words of another; ``number`` says how."""
    chance = random.Random(number)
    data = chance.choice(seeds)
    others = _WORDS.findall(chance.choice(seeds)) or [b"x"]
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        data = (_by_words if chance.random() < 0.75 else _by_bytes)(data, others, chance)
    return data


def _by_words(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """A word, or some in a row, left out, doubled, moved or replaced by another."""
    places = [match.span() for match in _WORDS.finditer(data)] or [(0, len(data))]
    first = chance.randrange(len(places))
    last = min(len(places) - 1, first + chance.choice((0, 0, 0, 1, 3, 20)))
    start, end = places[first][0], places[last][1]
    piece = data[start:end]
    other = chance.choice(places)
    new = chance.choice(
        (
            b"",
            piece + b" " + piece,
            piece * chance.choice((20, 300)),
            data[slice(*other)],
            chance.choice(others),
            chance.choice(others),
            chance.choice(_HARD),
            b" ".join(chance.choices(others, k=chance.randint(1, 12))),
        )
    )
    return data[:start] + new + data[end:]


def _by_bytes(data: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Bits turned over, bytes put in, left out or reversed, the end cut off."""
    start = chance.randint(0, len(data))
    end = min(len(data), start + chance.choice((0, 1, 1, 4, 40)))
    piece = data[start:end]
    new = chance.choice(
        (b"", piece[::-1], chance.randbytes(chance.randint(1, 8)), _flipped(piece, chance))
    )
    return data[:start] + new + (b"" if chance.random() < 0.05 else data[end:])


def _flipped(piece: bytes, chance: random.Random) -> bytes:
    flipped = bytearray(piece)
    if flipped:
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
    return bytes(flipped)
