"""How far labels derived from InkML alone agree with the field's ``caption.txt``, and why not.

    python train/benchmarks/label_agreement.py ../shared/data/crohme.zip

prints the tables of LABELS.md; ``--list`` names every file that disagrees.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from lxml import etree

from hmer_cli.data.captions import Captions
from hmer_cli.data.store import open_store
from hmer_cli.errors import InputError
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.mathml import label_from_mathml
from hmer_cli.expr.tokens import join, tokenize
from hmer_cli.expr.tree import parse, walk
from hmer_cli.expr.truth import contradicts
from hmer_cli.ink.inkml import read_inkml

SOURCES = ("MathML alone", "LaTeX truth alone", "derived")


@dataclass(frozen=True)
class Case:
    """One captioned ink: its caption, and what each source makes of it."""

    name: str
    split: str
    caption: str
    symbols: tuple[str, ...]
    labels: dict[str, str | None]

    def cause(self, source: str) -> str | None:
        """Why the source disagrees with the caption; None where it agrees."""
        label = self.labels[source]
        if label == self.caption:
            return None
        if label is None:
            return f"no {source.removesuffix(' alone')}, or none that can be read"
        if _plain_dots(label) == _plain_dots(self.caption):
            return r"dots spelled otherwise: `.` for `\cdot`, `. . .` or `\ldots` for `\cdots`"
        if contradicts(label, self.symbols):
            return "other signs than the symbols written"
        if contradicts(self.caption, self.symbols):
            return "the caption has other signs than the symbols written"
        if _signs(label) == _signs(self.caption):
            return "the right signs in order, but a script on the wrong sign or on none"
        return "the right signs in the wrong order, or an index for a radicand"


def _plain_dots(label: str) -> str:
    dots = {r"\cdot": ".", r"\cdots": ". . .", r"\ldots": ". . ."}
    return join(dots.get(token, token) for token in tokenize(label))


def _signs(label: str) -> list[str]:
    return [node.symbol for node in walk(parse(tokenize(_plain_dots(label))))]


def cases(path: str) -> Iterator[Case]:
    """Every captioned InkML file of a CROHME package, in the order of the names."""
    store = open_store(path)
    captions = Captions(store)
    for name in store.inks():
        caption = captions.find(name)
        if caption is None:
            continue
        data = store.read(name)
        try:
            ink = read_inkml(data, name)
        except InputError:
            continue
        split = next(p for p in PurePosixPath(name).parts if p.endswith(("INKML", "GT")))
        latex = _readable(normalise, ink.truth)
        labels = dict(zip(SOURCES, (_mathml(data), latex, ink.label), strict=True))
        symbols = tuple(symbol.label for symbol in ink.symbols)
        yield Case(name, split, " ".join(caption.split()), symbols, labels)


def _mathml(data: bytes) -> str | None:
    root = etree.fromstring(data, etree.XMLParser(recover=True, resolve_entities=False))
    return _readable(label_from_mathml, root.find("{*}annotationXML/{*}math"))


def _readable(read: Callable[[Any], str], source: object) -> str | None:
    try:
        return None if source is None else read(source)
    except InputError:
        return None


def report(found: list[Case], each: bool) -> Iterator[str]:
    """The tables in Markdown."""
    for split in sorted({case.split for case in found}):
        here = [case for case in found if case.split == split]
        yield f"## {split}: {len(here)} captions\n\n| source | equal | share |\n|---|---|---|"
        for source in SOURCES:
            equal = sum(case.cause(source) is None for case in here)
            yield f"| {source} | {equal} | {100 * equal / len(here):.2f} % |"
        for source in SOURCES:
            causes = Counter(cause for case in here if (cause := case.cause(source)))
            yield f"\n{source}, the {causes.total()} others:\n\n| files | cause |\n|---|---|"
            yield from (f"| {count} | {cause} |" for cause, count in causes.most_common())
        for case in here if each else ():
            if case.cause("derived"):
                yield f"\n{case.name}\n  caption {case.caption}\n  derived {case.labels['derived']}"
        yield ""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", help="the CROHME package, folder or zip")
    parser.add_argument("--list", action="store_true", help="name every file that disagrees")
    options = parser.parse_args()
    for line in report(list(cases(options.data)), options.list):
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
