"""Output formats: records -> files or stdout, written atomically; one module a kind of format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hmer_cli import files
from hmer_cli.document.formats.latex import tex
from hmer_cli.document.formats.text import jsonl, lines, markdown
from hmer_cli.document.records import Record
from hmer_cli.document.review import review
from hmer_cli.errors import UsageError

Format = Callable[[Sequence[Record]], str | bytes]

STDOUT = "-"

FORMATS: dict[str, Format] = {".tex": tex, ".md": markdown, ".jsonl": jsonl, ".html": review}
"""Ending -> format."""

_SHOW_EVIDENCE: frozenset[Format] = frozenset((review,))


@dataclass(frozen=True)
class Output:
    """One ``--out``: a file, or stdout where ``path`` is None, and the format to write there."""

    path: Path | None
    format: Format

    @classmethod
    def parse(cls, text: str) -> Output:
        """By the ending; ``-`` is stdout, and ``-.jsonl`` is that format on stdout.

        Raises UsageError for an ending without a format.
        """
        if text == STDOUT:
            return cls(None, lines)
        stdout = text.startswith("-.")
        ending = text[1:] if stdout else Path(text).suffix
        if ending.lower() not in FORMATS:
            raise UsageError(
                f"--out {text}: no output format ends so", f"end it in {', '.join(FORMATS)}"
            )
        return cls(None if stdout else files.real_path(text), FORMATS[ending.lower()])

    @property
    def is_log(self) -> bool:
        """Whether this output says how the run went, and so is wanted even when all failed."""
        return self.path is None or self.format is jsonl

    @property
    def shows_evidence(self) -> bool:
        """Whether this output shows what the records rest on, and so needs their evidence."""
        return self.format in _SHOW_EVIDENCE

    def check(self) -> None:
        """Try now what must work after the long reading. Raises OutputError."""
        if self.path is not None:
            files.check(self.path)

    def write(self, records: Sequence[Record]) -> bool:
        """Put the records there; False where they were there already. Raises OutputError."""
        # A lone surrogate of an undecodable file name comes out as its \udcXX escape.
        data = self.format(records).encode("utf-8", "backslashreplace")
        if self.path is None:
            files.to_stdout(data)
            return True
        return files.replace(self.path, data)
