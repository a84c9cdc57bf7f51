"""Output formats: records -> .tex, .md, .jsonl, .html or stdout, written atomically."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import hmer_cli
from hmer_cli import files
from hmer_cli.console import one_line
from hmer_cli.document.records import PUBLIC, Record, by_line, expression_ids
from hmer_cli.document.review import review
from hmer_cli.errors import UsageError
from hmer_cli.expr.to_latex import split_punctuation, to_latex
from hmer_cli.expr.validity import problems

Format = Callable[[Sequence[Record]], str]

STDOUT = "-"


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
        return self.put(self.format(records).encode("utf-8", "backslashreplace"))

    def put(self, data: bytes) -> bool:
        """Put these bytes there; False where they were there already. Raises OutputError."""
        if self.path is None:
            files.to_stdout(data)
            return True
        return files.replace(self.path, data)


def lines(records: Sequence[Record]) -> str:
    """One line a record: its LaTeX, or a comment that says what failed.

    A terminal is not told of failures again, which stderr has said there.
    """
    watched = sys.stdout is not None and sys.stdout.isatty()
    return "".join(
        f"{_line(record)}\n"
        for record in records
        if not record.dismissed and not (watched and record.status == "failed")
    )


def _line(record: Record) -> str:
    if not record.usable:
        return f"% {_verdict(record)}"
    mark = f" % low {record.confidence:.2f}" if record.status == "low" else ""
    return one_line(record.latex) + mark


def _json(content: object) -> str:
    """As JSON in one line, also for readers that split at U+2028, with what a terminal would obey
    (C1 controls) or hide (marks of direction) as an escape."""
    text = json.dumps(content, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else json.dumps(sign)[1:-1] for sign in text)


def jsonl(records: Sequence[Record]) -> str:
    """One JSON object a line, its keys in the order of PUBLIC; derivations line by line."""
    kept = (record for record in by_line(records) if not record.dismissed)
    return "".join(_json(_public(record)) + "\n" for record in kept)


def _public(record: Record) -> dict[str, object]:
    fields = {name: getattr(record, name) for name in PUBLIC}
    tokens = record.latex == record.label
    others = [
        {
            "latex": other.label if tokens or problems(other.label) else to_latex(other.label),
            "label": other.label,
            "confidence": other.confidence,
        }
        for other in record.alternatives
    ]
    return fields | {"alternatives": others}


_TEX_HEAD = r"""% Handwritten expressions read by hmer {version} ({model}).
% They need amsmath and amssymb, and mathtools where a person typed a command of it.
%
% \input this file in the preamble: \hmer{{ID}} then sets one expression, in text or in a
% formula.
% \input it in the text: it also shows every expression, each by \hmershow{{ID}}, which is yours to
% define beforehand, as is \hmerlow, the mark on what was read with low confidence.
\providecommand{{\hmer}}[1]{{\ensuremath{{%
  \ifcsname hmer@#1\endcsname\csname hmer@#1\endcsname
  \else\mbox{{\ttfamily[no \detokenize{{#1}}]}}\fi}}}}
\providecommand{{\hmershow}}[1]{{%
  \ifcsname hmer@#1@display\endcsname\csname hmer@#1@display\endcsname
  \else\[\hmer{{#1}}\csname hmer@#1@end\endcsname\]\fi}}
\providecommand{{\hmerdisplay}}[2]{{\expandafter\gdef\csname hmer@#1@display\endcsname{{#2}}}}
\providecommand{{\hmerend}}[2]{{\expandafter\gdef\csname hmer@#1@end\endcsname{{#2}}}}
\providecommand{{\hmerlow}}[1]{{{{#1}}\;{{}}^{{\mbox{{\scriptsize[?]}}}}}}
\providecommand{{\hmerinvalid}}{{\mbox{{[not valid \LaTeX]}}}}
\providecommand{{\hmerexpression}}[2]{{%
  \expandafter\gdef\csname hmer@#1\endcsname{{#2}}%
  \expandafter\ifx\csname @nodocument\endcsname\relax\hmershow{{#1}}\fi}}
"""


def tex(records: Sequence[Record]) -> str:
    """A file to ``\\input``, that compiles whatever was read; its head says how to use it."""
    model = one_line(records[0].model) if records else "no model"
    parts = [_TEX_HEAD.format(version=hmer_cli.__version__, model=model)]
    for name, record in _named(records):
        parts.append(f"\n% {_verdict(record)}\n")
        if record.usable:
            parts += _definitions(name, record)
        elif record.status == "low":
            parts.append(f"% {one_line(record.latex)}\n")
            parts.append(f"\\hmerexpression{{{name}}}{{\\hmerinvalid}}\n")
    return "".join(parts)


def _definitions(name: str, record: Record) -> list[str]:
    """Its expression, after how it ends and shows where it is set by itself."""
    latex, end = _sentence(record)
    display = _DISPLAY.fullmatch(latex)
    parts = [f"\\hmerend{{{name}}}{{{end}}}\n"] if end else []
    if display:
        parts.append(f"\\hmerdisplay{{{name}}}{{{latex}}}\n")
        body = _NUMBERING.sub("", display["body"])
        inner = _INNER[display["name"]]
        latex = f"\\begin{{{inner}}}{body}\\end{{{inner}}}" if inner else body.strip()
    marked = latex if record.status == "ok" else f"\\hmerlow{{{latex}}}"
    return [*parts, f"\\hmerexpression{{{name}}}{{{marked}}}\n"]


_INNER = {"align": "aligned", "gather": "gathered", "multline": "gathered", "equation": ""}
"""What stands in a formula instead of an environment that is a display of its own."""

_DISPLAY = re.compile(
    rf"\\begin\{{(?P<name>{'|'.join(_INNER)})(?P<star>\*?)\}}(?P<body>.*)\\end\{{(?P=name)(?P=star)\}}",
    re.DOTALL,
)
_NUMBERING = re.compile(r"\\(?:nonumber|notag|(?:tag\*?|label)\s*\{[^{}]*\})(?![A-Za-z])")


def _sentence(record: Record) -> tuple[str, str]:
    """The LaTeX without the punctuation after it, and that; all of what a person typed."""
    label, end = split_punctuation(record.label)
    if record.correction is not None or not end:
        return record.latex, ""
    return label if record.latex == record.label else to_latex(label), end


def markdown(records: Sequence[Record]) -> str:
    """A heading a source, a display a expression, with its id and what is doubtful about it."""
    parts = []
    source = None
    for name, record in _named(records):
        if record.source != source:
            source = record.source
            parts.append(f"## {_code(source)}\n")
        if record.status == "failed":
            parts.append(f"**failed**: {_code(record.error or '')}\n")
            continue
        latex, end = _sentence(record) if record.usable else (record.latex, "")
        follows = f", followed by {_code(end)}" if end else ""
        parts.append(f"{_code(name)}: {_judged(record)}{follows}\n")
        fence = ("$$", "$$") if record.usable else ("```latex", "```")
        parts.append(f"{fence[0]}\n{latex}\n{fence[1]}\n")
    return "\n".join(parts)


def _named(records: Sequence[Record]) -> list[tuple[str, Record]]:
    """Each expression with its id, which stays the same when another one is dismissed."""
    named = zip(expression_ids(records), records, strict=True)
    return [(name, record) for name, record in named if not record.dismissed]


def _verdict(record: Record) -> str:
    """The provenance of a record and what to think of it, on one line."""
    if record.status == "failed":
        return one_line(_judged(record))
    place = [record.source]
    if record.page is not None:
        place.append(f"page {record.page}")
    if record.region is not None:
        place.append("region " + " ".join(f"{number:g}" for number in record.region))
    return one_line(f"{', '.join(place)}: {_judged(record)}")


def _judged(record: Record) -> str:
    if record.status == "failed":
        return f"failed: {record.error}"
    if record.correction is not None:
        return "corrected by hand"
    judged = f"confidence {record.confidence:.2f}"
    if record.error:
        return f"{judged}, not valid LaTeX: {record.error}"
    return judged if record.status == "ok" else f"{judged}, low: check it"


def _code(text: str) -> str:
    """Text as Markdown code, with a fence longer than any run of backticks in it."""
    text = one_line(text)
    fence = "`"
    while fence in text:
        fence += "`"
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


FORMATS: dict[str, Format] = {".tex": tex, ".md": markdown, ".jsonl": jsonl, ".html": review}

_SHOW_EVIDENCE: frozenset[Format] = frozenset((review,))
