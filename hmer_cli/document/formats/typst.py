""".typ: a module for Typst, from which ``#import`` takes names and which ``#include`` shows.

Input: records. Output: Typst source.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import hmer_cli
from hmer_cli.console import one_line
from hmer_cli.document.formats.wording import expressions, said, sayable, verdict
from hmer_cli.document.records import Record
from hmer_cli.expr.to_typst import to_typst


def typ(records: Sequence[Record]) -> str:
    """Each expression as a variable called as its id; the dictionary ``hmer`` has them by alias."""
    parts = [
        f"// Handwritten expressions read by hmer {hmer_cli.__version__}.\n"
        '// #import "FILE.typ": * gives them by their ids and in hmer.at("ALIAS"); '
        "#include shows all.\n"
    ]
    aliases = []
    for each in expressions(records):
        parts.append(f"\n// {verdict(each.record)}\n")
        if each.record.status != "failed":
            parts.append(f"#let {each.id} = {_content(each.record)}\n#{each.id}\n")
            aliases.append(f'"{each.alias}": {each.id}')
    held = ",\n  ".join(aliases)
    return "".join(parts) + (f"\n#let hmer = (\n  {held},\n)\n" if held else "\n#let hmer = (:)\n")


def _content(record: Record) -> str:
    """The equation; the LaTeX where Typst has no notation for it."""
    math = to_typst(said(record)) if sayable(record) else ""
    return (
        f"$ {math} $" if math else f"raw({json.dumps(one_line(record.latex), ensure_ascii=False)})"
    )
