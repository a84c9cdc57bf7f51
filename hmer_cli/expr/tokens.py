"""Tokens of a label, and a vocabulary that maps them to indices.

Input: a label, or a file of one token a line. Output: tokens, a `Vocabulary`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from hmer_cli.errors import InputError


def tokenize(label: str) -> list[str]:
    r"""The tokens of a label: ``"\frac { a } { b }"`` has seven."""
    return label.split()


def join(tokens: Iterable[str]) -> str:
    """The label that has these tokens."""
    return " ".join(tokens)


class Vocabulary:
    """Distinct tokens in a fixed order; a token's index is its place in it."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self.tokens = tuple(tokens)
        self._index = {token: i for i, token in enumerate(self.tokens)}
        if len(self._index) != len(self.tokens):
            twice = next(t for i, t in enumerate(self.tokens) if self._index[t] != i)
            raise InputError(f"token {twice!r} stands twice in the vocabulary", "keep one of them")

    @classmethod
    def of_labels(cls, labels: Iterable[str]) -> Vocabulary:
        """The sorted tokens of these labels, which must be training labels only."""
        return cls(sorted({token for label in labels for token in tokenize(label)}))

    @classmethod
    def load(cls, path: str | Path) -> Vocabulary:
        """The vocabulary in a UTF-8 file of one token a line.

        Raises InputError where the file cannot be read or a line is not one token.
        """
        try:
            lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no text in UTF-8"
            raise InputError(
                f"vocabulary {path} cannot be read ({reason})", "give a file of one token a line"
            ) from error
        for number, line in enumerate(lines, 1):
            if len(line.split()) != 1:
                raise InputError(f"{path}, line {number}: {line!r} is not one token", "mend it")
        return cls(line.strip() for line in lines)

    def save(self, path: str | Path) -> None:
        """Writes one token a line, in order."""
        Path(path).write_text("".join(f"{t}\n" for t in self.tokens), encoding="utf-8")

    def index(self, token: str) -> int:
        """The token's place; raises InputError where it is not in the vocabulary."""
        try:
            return self._index[token]
        except KeyError:
            raise InputError(
                f"token {token!r} is not in the vocabulary", "train on labels that hold it"
            ) from None

    def __getitem__(self, index: int) -> str:
        return self.tokens[index]

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return token in self._index

    def __iter__(self) -> Iterator[str]:
        return iter(self.tokens)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.tokens == other.tokens

    def __hash__(self) -> int:
        return hash(self.tokens)
