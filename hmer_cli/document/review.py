"""The review page: records -> one HTML file that shows, finds, corrects and exports.

One self-contained file, made of ``templates/review.html.j2`` by Jinja2 with autoescape. Its content
security policy allows one script, one style and the embedded pictures, and no network.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from itertools import groupby
from typing import Any

from markupsafe import Markup

from hmer_cli import __version__
from hmer_cli.console import one_line
from hmer_cli.document.ids import Named, named
from hmer_cli.document.records import Evidence, Picture, Record
from hmer_cli.expr.parser import LabelError
from hmer_cli.expr.to_latex import to_latex
from hmer_cli.expr.to_mathml import to_mathml
from hmer_cli.expr.tokens import join
from hmer_cli.expr.typing_table import typing_table
from hmer_cli.expr.validity import problems
from hmer_cli.geometry import Box
from hmer_cli.html import render_page

_SCRIPTS = (
    "mathml.js",
    "sound.js",
    "state.js",
    "cards.js",
    "pointing.js",
    "listing.js",
    "editing.js",
    "export.js",
    "events.js",
    "sheet.js",
    "gestures.js",
    "regions.js",
    "start.js",
)
_EMPTY = "empty"  # as the script has it, too
_AIR = 6  # pixels of the page round a crop
_SHEET = 1000  # pixels of the screen that a page would take across, were it shown beside its crops


def review(records: Sequence[Record]) -> str:
    """The page; records without evidence are listed, but cannot be corrected."""
    records = _with_pages_beside(records)
    names = named(records)
    shown = _Pictures(records)
    style = _template("review.css")
    script = "".join(map(_template, _SCRIPTS))
    entries = [_entry(each, shown) for each in names]
    data = {"entries": entries, "pages": shown.pages, "grammar": typing_table()}
    encoded = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", r"\u003c")
    return render_page(
        "document",
        "review.html.j2",
        policy=_policy(style, script),
        version=__version__,
        title=f"Review of {_count(len({record.source for record in records}), 'file')}",
        style=Markup(style),
        cards=_cards(names, shown),
        pictures=shown.images(),
        data=Markup(encoded),
        script=Markup(script),
    )


def _with_pages_beside(records: Sequence[Record]) -> list[Record]:
    """The records, and those of the pages on which nothing was found, each in its place."""
    found: list[Record] = []
    for _, group in groupby(records, key=lambda record: record.source):
        those = list(group)
        beside = [page for record in those for page in record.beside]
        found += sorted([*those, *beside], key=lambda record: record.page or 0)
    return found


class _Pictures:
    """The pictures of all pages, each once, numbered in their order."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._first: dict[tuple[str, int | None], tuple[Evidence, Record]] = {}
        for record in records:
            if record.evidence is not None:
                self._first.setdefault((record.source, record.page), (record.evidence, record))
        self._numbers = {place: i for i, place in enumerate(self._first)}

    @property
    def pages(self) -> list[dict[str, Any]]:
        """Name, place and size of each page and the recuts applied to it, for the script."""
        return [
            {
                "name": _where(record),
                "source": _text(record.source),
                "page": record.page,
                "file": evidence.file,
                "width": evidence.picture.width,
                "height": evidence.picture.height,
                "recuts": evidence.recuts,
            }
            for evidence, record in self._first.values()
        ]

    def number(self, record: Record) -> int | None:
        """That of the record's page; None where it has no picture."""
        return self._numbers.get((record.source, record.page)) if record.evidence else None

    def images(self) -> list[dict[str, Any]]:
        """Size and data URI of each picture, in the order of their numbers."""
        found = (evidence.picture for evidence, _ in self._first.values())
        return [{"width": p.width, "height": p.height, "uri": _data_uri(p.load())} for p in found]


def _data_uri(picture: bytes) -> str:
    return "data:image/webp;base64," + base64.b64encode(picture).decode()


def _entry(each: Named, shown: _Pictures) -> dict[str, Any]:
    """What the script must know of a record; in pixels of its page and hundredths of confidence."""
    record = each.record
    evidence = record.evidence
    return {
        "id": each.id,
        "alias": each.alias,
        "source": _text(record.source),
        "page": record.page,
        "latex": record.latex if record.correction is None else record.correction,
        "label": record.label,
        "was": _was(record),
        "read": to_latex(_was(record)),
        "alternatives": [_typed(other.label) for other in record.alternatives],
        "confidence": record.confidence,
        "status": _status(record),
        "error": record.error,
        "corrected": record.correction is not None,
        "meant": _meant(evidence) if evidence else None,
        "key": (evidence.key or None) if evidence else None,
        "file": evidence.file if evidence else None,
        "picture": shown.number(record),
        "box": [round(number) for number in evidence.box] if evidence else None,
        "lines": [
            [round(number) for number in line.evidence.box]
            for line in record.lines
            if line.evidence
        ],
        "tokens": [
            [round(token.confidence, 2), *(round(number) for number in token.box)]
            for token in (evidence.tokens if evidence else ())
        ],
    }


def _meant(evidence: Evidence) -> dict[str, Any] | None:
    """What was corrected, where that was another region; exported until a person says of this one
    that it is right."""
    if evidence.meant is None:
        return None
    key, box = evidence.meant
    return {"key": key, "box": box}


def _typed(label: str) -> str:
    """As a person types it; as it is where it is not LaTeX."""
    return label if problems(label) else to_latex(label)


def _cards(names: Sequence[Named], shown: _Pictures) -> list[dict[str, Any]]:
    """What the template shows of each record; a new ``heading`` where a page begins."""
    cards = []
    heading = ""
    for each in names:
        card = _card(each, shown)
        card["heading"] = card["where"] != heading
        heading = card["where"]
        cards.append(card)
    return cards


def _card(each: Named, shown: _Pictures) -> dict[str, Any]:
    record = each.record
    evidence = record.evidence
    label = record.label or _was(record)
    latex = record.latex or to_latex(label)
    state, badge = _state(record)
    return {
        "id": each.id,
        "alias": each.alias,
        "where": _where(record),
        "page": _page(record),
        "state": state,
        "badge": badge,
        "sure": None if record.status == "failed" else _sure(record),
        "crop": _crop(evidence, shown.number(record)) if evidence else None,
        "region": bool(evidence and evidence.key),
        "checkable": bool(latex) and (record.correction is None or _status(record) == "low"),
        "math": Markup(_math(label)),  # MathML of our own, escaped where it was made
        "error": _text(record.error or ""),
        "latex": latex,
    }


def _state(record: Record) -> tuple[str, str]:
    """The classes of the card, and what its badge says."""
    if record.dismissed:
        return "changed gone", "not mathematics"
    status = _status(record)
    if record.correction is None:
        return status, status
    if status == "low":
        return status, f"corrected, {status}"
    return "changed", "checked" if record.label == _was(record) else "corrected"


def _status(record: Record) -> str:
    """That of the record; of a page that has nothing and need not have, another."""
    return _EMPTY if record.status == "failed" and not record.has_failed else record.status


def _sure(record: Record) -> str:
    if record.correction is not None:
        return "by hand"
    percent = round(100 * record.confidence)
    return f"{percent} % sure" if percent else "under 1 % sure"


def _crop(evidence: Evidence, number: int | None) -> dict[str, Any]:
    """The region on its page; the picture itself is elsewhere, once for all."""
    page = evidence.picture
    x0, y0, x1, y1 = _aired(evidence.box, page)
    scale = min(1.0, _SHEET / page.width)
    return {
        "view": f"{x0} {y0} {x1 - x0} {y1 - y0}",
        "width": round((x1 - x0) * scale),
        "height": round((y1 - y0) * scale),
        "picture": number,
    }


def _aired(box: Box, page: Picture) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = (round(number) for number in box)
    return (
        max(0, x0 - _AIR),
        max(0, y0 - _AIR),
        min(page.width, x1 + _AIR),
        min(page.height, y1 + _AIR),
    )


def _math(label: str) -> str:
    """As MathML; nothing where the label is not LaTeX, which the record's error then says."""
    try:
        return to_mathml(label)
    except LabelError:
        return ""


def _was(record: Record) -> str:
    """What was read, whatever a person said since; its tokens where they are known."""
    evidence = record.evidence
    if evidence is None:
        return record.label
    return join(token.token for token in evidence.tokens) or evidence.label


def _where(record: Record) -> str:
    source = _text(record.source)
    return source if record.page is None else f"{source}, {_page(record)}"


def _page(record: Record) -> str:
    return f"page {record.page}"


def _text(text: str) -> str:
    """As a browser can show it: names of files may hold control characters and lone surrogates."""
    return one_line(text).encode("utf-8", "backslashreplace").decode()


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _template(name: str) -> str:
    return (resources.files("hmer_cli.document") / "templates" / name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; img-src data:; style-src {_digest(style)}; "
        f"script-src {_digest(script)}; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    """As a content security policy names what stands inside the page."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
