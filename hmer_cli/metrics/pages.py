r"""End-to-end metrics of pages: recall and precision of expressions, and their recognition.

Input: true and read expressions (box, label) of each page. Output: an `EndToEnd` of recall,
precision, share read right and WER. Method: greedy one-to-one matching by IoU >= 0.5, the largest
first. Readings mostly inside a box of ``skip`` are ignored; so are uncertain truths that were
missed or misread. Labels are compared token by token in canonical spelling, after mapping symbols
that look alike in handwriting to one, without spacing and final punctuation.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hmer_cli.console import one_line
from hmer_cli.datasets.expressions import as_label
from hmer_cli.datasets.pages import Kind, TrueExpression
from hmer_cli.expr.tokens import join, tokenize
from hmer_cli.geometry import Box, inside
from hmer_cli.metrics.regions import THRESHOLDS, PageOutcome, pairs, worst
from hmer_cli.metrics.scores import Pair, token_edits
from hmer_cli.metrics.tables import Table, error_table, percent

EQUIVALENT = {
    r"\varepsilon": r"\epsilon",
    r"\bullet": r"\cdot",
    r"\Theta": r"\theta",
    r"\dots": r"\ldots",
    r"\cdots": r"\ldots",
    r"\kappa": "K",
    r"\text": r"\mathrm",
}
"""Tokens that look alike in handwriting: each is mapped to what stands behind it."""

_UNWRITTEN = frozenset((r"\limits", r"\left", r"\right", r"\displaystyle"))
_PUNCTUATION = frozenset(".,;")
_MOSTLY = 0.5  # convention: of a box that lies in another


@dataclass(frozen=True)
class ReadExpression:
    """An expression read at a box of a page; the label may be empty. ``ok`` is its status."""

    box: Box
    label: str
    confidence: float
    ok: bool = True


@dataclass(frozen=True)
class Match:
    """A scored true expression and its reading; None if it was not found."""

    truth: TrueExpression
    read: ReadExpression | None
    edits: int

    @property
    def right(self) -> bool:
        """Whether it was found and every token is right."""
        return self.read is not None and not self.edits


@dataclass(frozen=True)
class PageScore:
    """One page: its scored true expressions, and the false positives.

    ``cut_wrong`` mostly contain or lie in a true expression, ``not_mathematics`` lie elsewhere.
    ``error`` is the reason if the page could not be read; ``is_bug``: it is one of hmer's own.
    """

    name: str
    matches: tuple[Match, ...]
    cut_wrong: tuple[ReadExpression, ...] = ()
    not_mathematics: tuple[ReadExpression, ...] = ()
    error: str | None = None
    is_bug: bool = False

    @property
    def regions(self) -> PageOutcome:
        """The boxes alone."""
        found = [match.read.box for match in self.matches if match.read is not None]
        found += [read.box for read in (*self.cut_wrong, *self.not_mathematics)]
        truth = [match.truth.box for match in self.matches]
        return PageOutcome(self.name, found, truth, self.error, self.is_bug)


@dataclass(frozen=True)
class KindScore:
    """Counts of true expressions of a kind, of those found, and of those read right."""

    truth: int
    found: int
    right: int

    @property
    def recall(self) -> float | None:
        """The share that was found; None if there are none."""
        return self.found / self.truth if self.truth else None

    @property
    def right_share(self) -> float | None:
        """The share of all true expressions that was found and read right."""
        return self.right / self.truth if self.truth else None


@dataclass(frozen=True)
class EndToEnd:
    """The scores of a set of pages; shares are 0 to 1, None if undefined (0 / 0).

    ``ok`` counts the readings of that status, ``ok_found`` and ``ok_right`` those of them that
    match a true expression, and that are right.
    """

    display: KindScore
    inline: KindScore
    cut_wrong: int
    not_mathematics: int
    edits: int
    tokens: int
    ok: int = 0
    ok_found: int = 0
    ok_right: int = 0

    @property
    def found(self) -> int:
        """True expressions that were found."""
        return self.display.found + self.inline.found

    @property
    def precision(self) -> float | None:
        """The share of readings that match a true expression."""
        read = self.found + self.cut_wrong + self.not_mathematics
        return self.found / read if read else None

    @property
    def precision_of_ok(self) -> float | None:
        """The same share of the readings whose status is ok."""
        return self.ok_found / self.ok if self.ok else None

    @property
    def right_of_ok(self) -> float | None:
        """The share of the readings whose status is ok that are right to the last token."""
        return self.ok_right / self.ok if self.ok else None

    @property
    def right_of_found(self) -> float | None:
        """The share of the found expressions with every token right."""
        return (self.display.right + self.inline.right) / self.found if self.found else None

    @property
    def wer(self) -> float | None:
        """WER of the found expressions: token edits over the tokens of their truths."""
        return self.edits / self.tokens if self.tokens else None


def comparable(label: str) -> str:
    """The label in the normal form in which labels are compared."""
    tokens = [EQUIVALENT.get(token, token) for token in tokenize(as_label(label))]
    tokens = [token for token in tokens if token not in _UNWRITTEN]
    while len(tokens) > 1 and tokens[-1] in _PUNCTUATION:
        tokens.pop()
    return join(tokens)


def score_page(
    name: str,
    truths: Sequence[TrueExpression],
    reads: Sequence[ReadExpression],
    skip: Sequence[Box] = (),
    error: str | None = None,
) -> PageScore:
    """Match the readings of a page to its true expressions; boxes in the same pixels."""
    matched = pairs([read.box for read in reads], [one.box for one in truths], THRESHOLDS[0])
    found = {true: reads[read] for read, true in matched}
    matches = []
    for index, truth in enumerate(truths):
        match = _match(truth, found.get(index))
        if truth.sure or match.right:
            matches.append(match)
    rest = [read for i, read in enumerate(reads) if i not in dict(matched)]
    rest = [read for read in rest if not any(inside(read.box, s) > _MOSTLY for s in skip)]
    cut = [read for read in rest if any(_meets(read.box, truth.box) for truth in truths)]
    other = [read for read in rest if read not in cut]
    return PageScore(name, tuple(matches), tuple(cut), tuple(other), error)


def _match(truth: TrueExpression, read: ReadExpression | None) -> Match:
    prediction = read.label if read is not None else ""
    pair = Pair(comparable(truth.label), comparable(prediction))
    (edits,) = token_edits([pair])
    return Match(truth, read, edits if pair.truth and pair.prediction else max(edits, 1))


def _meets(box: Box, other: Box) -> bool:
    return inside(box, other) > _MOSTLY or inside(other, box) > _MOSTLY


def score_pages(pages: Sequence[PageScore]) -> EndToEnd:
    """The scores over all expressions of all pages."""
    matches = [match for page in pages for match in page.matches]
    found = [match for match in matches if match.read is not None]
    ok = [match for match in found if match.read is not None and match.read.ok]
    wrong = [read for page in pages for read in (*page.cut_wrong, *page.not_mathematics)]
    return EndToEnd(
        display=_of_kind(matches, "display"),
        inline=_of_kind(matches, "inline"),
        cut_wrong=sum(len(page.cut_wrong) for page in pages),
        not_mathematics=sum(len(page.not_mathematics) for page in pages),
        edits=sum(match.edits for match in found),
        tokens=sum(len(tokenize(comparable(match.truth.label))) for match in found),
        ok=len(ok) + sum(read.ok for read in wrong),
        ok_found=len(ok),
        ok_right=sum(match.right for match in ok),
    )


def _of_kind(matches: Sequence[Match], kind: Kind) -> KindScore:
    some = [match for match in matches if match.truth.kind == kind]
    found = sum(match.read is not None for match in some)
    return KindScore(len(some), found, sum(match.right for match in some))


def as_json(pages: Sequence[PageScore], dataset: str, model: str, seconds: float) -> str:
    """The scores and, page by page, what was found and read, as a JSON object."""
    total = score_pages(pages)
    content = {
        "dataset": dataset,
        "model": model,
        "pages": len(pages),
        "failed": sum(page.error is not None for page in pages),
        **_scores(total),
        "by_page": [
            {"name": page.name, "error": page.error, **_scores(score_pages([page]))}
            for page in pages
        ],
        "seconds": round(seconds, 3),
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _scores(total: EndToEnd) -> dict[str, Any]:
    kinds = {"display": total.display, "inline": total.inline}
    return {
        **{
            name: asdict(kind)
            | {"recall": _round(kind.recall), "right_share": _round(kind.right_share)}
            for name, kind in kinds.items()
        },
        "precision": _round(total.precision),
        "precision_of_ok": _round(total.precision_of_ok),
        "right_of_ok": _round(total.right_of_ok),
        "right_of_found": _round(total.right_of_found),
        "wer": _round(total.wer),
        "cut_wrong": total.cut_wrong,
        "not_mathematics": total.not_mathematics,
    }


def _round(share: float | None) -> float | None:
    return None if share is None else round(share, 6)


def as_tsv(pages: Sequence[PageScore]) -> str:
    """One line a true expression under a line of column names."""
    lines = ["page\tkind\ttruth\tprediction\tedits\tconfidence"]
    for page in pages:
        for match in page.matches:
            read = match.read
            label, confidence = ("", "") if read is None else _cells(read)
            cells = (
                one_line(page.name),
                match.truth.kind,
                match.truth.label,
                label,
                str(match.edits),
            )
            lines.append("\t".join((*cells, confidence)))
    return "".join(f"{line}\n" for line in lines)


def _cells(read: ReadExpression) -> tuple[str, str]:
    return join(tokenize(read.label)), f"{read.confidence:.4f}"


def as_tables(pages: Sequence[PageScore], model: str, seconds: float) -> list[Table]:
    """Tables of the scores, of the pages with most wrong boxes, and of the worst readings."""
    total = score_pages(pages)
    kinds = (total.display, total.inline)
    rows = [
        ("expressions in the truth", *(str(kind.truth) for kind in kinds)),
        ("found", *(str(kind.found) for kind in kinds)),
        ("recall", *(percent(kind.recall) for kind in kinds)),
        ("found and right to the last token", *(str(kind.right) for kind in kinds)),
        ("right end to end", *(percent(kind.right_share) for kind in kinds)),
    ]
    both = [
        ("pages", str(len(pages))),
        ("precision", percent(total.precision)),
        ("precision of those that are ok", percent(total.precision_of_ok)),
        ("right of those that are ok", percent(total.right_of_ok)),
        ("read, but cut wrong", str(total.cut_wrong)),
        ("read, but no mathematics", str(total.not_mathematics)),
        ("right of the found", percent(total.right_of_found)),
        ("WER of the found", percent(total.wer)),
        ("seconds a page", f"{seconds / max(1, len(pages)):.2f}"),
    ]
    bad = worst([page.regions for page in pages])
    places = [
        (p.name, str(len(p.truth)), str(len(p.found)), str(p.hits(THRESHOLDS[0]))) for p in bad
    ]
    misread = [
        (page.name, m.truth.label, m.read.label, m.edits)
        for page in pages
        for m in page.matches
        if m.read is not None and m.edits
    ]
    return [
        Table(f"End to end, {model}", ("score", "display", "inline"), tuple(rows)),
        Table("Both kinds", ("score", "value"), tuple(both)),
        Table("Worst pages", ("page", "true", "read", "right place"), tuple(places)),
        error_table(sorted(misread, key=lambda row: (-row[3], row[0]))),
    ]
