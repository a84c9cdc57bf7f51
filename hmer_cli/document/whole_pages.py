"""Documents of whole pages: what pages hold besides their expressions, until it is written.

Input: pages as they are read, then records. Output: Markdown or LaTeX (`transcript`) with the words
of the pages, and their drawings beside it (`drawings`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from hmer_cli import console
from hmer_cli.document import transcript
from hmer_cli.document.drawings import pictures_of, save
from hmer_cli.document.formats import Format, Output
from hmer_cli.document.formats.latex import tex
from hmer_cli.document.formats.text import markdown
from hmer_cli.document.records import PageRead, Record, TextWord, count
from hmer_cli.errors import UsageError
from hmer_cli.geometry import Box, quarters_of

_Place = tuple[str, int | None]
_Held = TypeVar("_Held")

_FORMATS: dict[Format, transcript.Format] = {markdown: transcript.markdown, tex: transcript.latex}
"""Format of expressions -> that of whole pages."""


@dataclass(frozen=True)
class WholePages:
    """The words and the drawings of pages, and how they lie, by source and number; and the
    ``documents`` that are written from them."""

    text: dict[_Place, Sequence[TextWord]] = field(default_factory=dict)
    drawings: dict[_Place, Sequence[tuple[Box, bytes]]] = field(default_factory=dict)
    turns: dict[_Place, int] = field(default_factory=dict)
    documents: list[Path | None] = field(default_factory=list)

    def forget(self, sources: Iterable[str]) -> None:
        """Drop the pages of these sources, which are read again."""
        gone = set(sources)
        for held in (self.text, self.drawings, self.turns):
            for place in [place for place in held if place[0] in gone]:
                del held[place]

    def add(self, page: PageRead) -> None:
        """Keep what is on a page besides expressions."""
        if page.number is None:
            return
        self.text[page.source, page.number] = page.result.text
        self.turns[page.source, page.number] = quarters_of(page.result.to_source)
        if pictures := pictures_of(page):
            self.drawings[page.source, page.number] = pictures

    def of(self, records: Sequence[Record]) -> WholePages:
        """The pages of the sources that have records, in their order."""
        order = {source: at for at, source in enumerate(dict.fromkeys(r.source for r in records))}
        return WholePages(
            _ordered(self.text, order),
            _ordered(self.drawings, order),
            _ordered(self.turns, order),
        )


def _ordered(held: Mapping[_Place, _Held], order: Mapping[str, int]) -> dict[_Place, _Held]:
    places = [place for place in held if place[0] in order]
    return {place: held[place] for place in sorted(places, key=lambda place: order[place[0]])}


@dataclass(frozen=True)
class Document(Output):
    """One ``--out`` that is a document of whole pages."""

    whole: WholePages

    def is_empty(self, records: Sequence[Record]) -> bool:
        """Whether neither expressions nor words were read."""
        words = (word for some in self.whole.of(records).text.values() for word in some)
        return super().is_empty(records) and not any(word.is_read for word in words)


def as_document(output: Output, whole: WholePages) -> Output:
    """The output as one that writes ``whole`` pages; logs stay what they are.

    Raises UsageError for other documents than Markdown and LaTeX.
    """
    shown = _FORMATS.get(output.format)
    if shown is not None:
        whole.documents.append(output.path)
        return Document(output.path, _whole(output, shown, whole), whole)
    if output.is_log:
        return output
    raise UsageError(f"--document: {output.path} cannot be one", "end it in .md or .tex")


def _whole(output: Output, shown: transcript.Format, whole: WholePages) -> Format:
    def made(records: Sequence[Record]) -> str:
        kept = whole.of(records)
        if output.path is not None:
            drawn = save(output.path, kept.drawings, whole.documents)
            return shown(records, kept.text, drawn, kept.turns)
        if number := sum(map(len, kept.drawings.values())):
            console.say(f"{count(number, 'drawing')} left out on standard output; name a file")
        return shown(records, kept.text, {}, kept.turns)

    return made
