"""Output formats: records -> files or stdout, written atomically; one module per kind of format.

`FORMATS` maps file name endings to functions; `Output` parses ``--out`` and writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from hmer_cli import files
from hmer_cli.document.formats.latex import tex
from hmer_cli.document.formats.page_xml import page_zip
from hmer_cli.document.formats.pdf import has_pdf, searchable_pdf
from hmer_cli.document.formats.svg import svg
from hmer_cli.document.formats.text import csv, jsonl, lines, markdown
from hmer_cli.document.formats.typst import typ
from hmer_cli.document.formats.web import fragment, mathml
from hmer_cli.document.formats.word import docx
from hmer_cli.document.records import Record
from hmer_cli.document.review import review
from hmer_cli.errors import MissingError, UsageError
from hmer_cli.page.load.written import may_replace

Format = Callable[[Sequence[Record]], str | bytes]

STDOUT = "-"

FORMATS: dict[str, Format] = {
    ".tex": tex,
    ".md": markdown,
    ".jsonl": jsonl,
    ".csv": csv,
    ".docx": docx,
    ".typ": typ,
    ".mathml": mathml,
    ".svg": svg,
    ".page.zip": page_zip,
    ".pdf": searchable_pdf,
    ".fragment.html": fragment,
    ".html": review,
}
"""Ending -> format; the first that fits counts."""

_SHOW_EVIDENCE: frozenset[Format] = frozenset((review, page_zip, searchable_pdf))

_READABLE: frozenset[Format] = frozenset((svg, page_zip, searchable_pdf))

_NEEDS: dict[Format, tuple[str, str]] = {
    svg: ("ziamath", "svg"),
    searchable_pdf: ("pikepdf", "pdf"),
}
"""Format -> the library that it needs, and the extra of hmer that installs it."""


@dataclass(frozen=True)
class Output:
    """One ``--out``: a file, or stdout where ``path`` is None, and the format to write there."""

    path: Path | None
    format: Format

    @classmethod
    def parse(cls, text: str, folders: bool = False) -> Output:
        """By the ending; ``-`` is stdout, and ``-.jsonl`` is that format on stdout. ``folders``:
        whether the caller takes folders, too, for what an error says.

        Raises UsageError for an ending without a format.
        """
        if text == STDOUT:
            return cls(None, lines)
        stdout = text.startswith("-.")
        name = text[1:] if stdout else f"x{Path(text).name}"
        ending = next((each for each in FORMATS if name.lower().endswith(each)), None)
        if ending is None:
            ends = f"end it in {', '.join(FORMATS)}"
            remedy = f"{ends}, or in / for labelled handwriting" if folders else ends
            raise UsageError(f"{text}: no output format ends so", remedy)
        return cls(None if stdout else files.real_path(text), FORMATS[ending])

    @property
    def is_log(self) -> bool:
        """Whether this output says how the run went, and so is wanted even when all failed."""
        return self.path is None or self.format is jsonl

    @property
    def shows_evidence(self) -> bool:
        """Whether this output shows what the records rest on, and so needs their evidence."""
        return self.format in _SHOW_EVIDENCE

    @property
    def is_readable(self) -> bool:
        """Whether hmer would take the file for one that is to be read, or part of one."""
        return self.format in _READABLE

    def is_empty(self, records: Sequence[Record]) -> bool:
        """Whether the records give nothing to write; a page of an image that has nothing but what
        was dismissed is none to show."""
        if all(record.status == "failed" for record in records):
            return True
        shown = any(record.shown and not record.dismissed for record in records)
        if shown or self.format not in (page_zip, searchable_pdf):
            return False
        return self.format is page_zip or not has_pdf(records)

    def check(self) -> None:
        """Try now what must work after the long reading, and that no file is lost which hmer did
        not write. Raises OutputError, MissingError."""
        library, extra = _NEEDS.get(self.format, ("", ""))
        if library and find_spec(library) is None:
            raise MissingError(
                f"{self.path or extra}: this format needs {library}, which is not installed",
                f'pip install "hmer-cli[{extra}]"',
            )
        if self.path is not None:
            files.check(self.path)
            if not may_replace(self.path):
                raise files.foreign(self.path)

    def write(self, records: Sequence[Record]) -> bool:
        """Put the records there; False where they were there already. Raises OutputError, also
        where somebody put a file there since `check`."""
        # A lone surrogate of an undecodable file name comes out as its \udcXX escape.
        made = self.format(records)
        data = made if isinstance(made, bytes) else made.encode("utf-8", "backslashreplace")
        if self.path is None:
            files.to_stdout(data)
            return True
        return files.replace_if(self.path, data, may_replace)
