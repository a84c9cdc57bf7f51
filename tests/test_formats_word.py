"""Expressions in Word's format, read back by pandoc."""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree
from test_convert import pandoc
from test_expr_to_latex import TYPED
from test_formats import ODD, _here, made, read, valid

from hmer_cli.document.ids import named
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.to_latex import to_latex
from hmer_cli.expr.to_mathml import to_mathml
from hmer_cli.expr.to_omml import to_omml
from hmer_cli.expr.validity import problems

__all__ = ["_here"]

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

# What pandoc reads the same characters and constructs of Word as.
SAME = {r"\vec": r"\overrightarrow", r"\bar": r"\overline", r"\emptyset": r"\varnothing"}
SAME |= {r"\setminus": r"\smallsetminus"}


def from_word(labels: list[str]) -> list[str]:
    """The labels after a way through Word's format and pandoc."""
    made(".docx", read(labels))
    shown = pandoc("o.docx", "-t", "markdown", "--wrap=none")
    found = re.findall(r"(?s)\$\$(.*?)\$\$", shown.replace("\u200b", ""))
    return [normalise(each).replace(r"& \end", r"\end") for each in found]


def as_word(label: str) -> str:
    for ours, theirs in SAME.items():
        label = label.replace(ours, theirs)
    return label


def test_word_says_what_was_read() -> None:
    other = "log", "mod", "aligned"  # which pandoc says in other words
    labels = [normalise(latex) for latex in TYPED if not any(each in latex for each in other)]
    assert from_word(labels) == [as_word(label) for label in labels]


@pytest.mark.data
def test_word_says_what_textbooks_say(data_file: Callable[[str], Path]) -> None:
    lines = data_file("formulas-textbooks.txt").read_text("utf-8").splitlines()
    labels = [normalise(line) for line in random.Random(2).sample(lines, 400)]
    labels = [label for label in labels if not problems(label) and "brace " not in label]
    pairs = zip(from_word(labels), map(as_word, labels), strict=True)
    assert [pair for pair in pairs if pair[0] != pair[1]] == []


@pytest.mark.parametrize(
    ("sign", "place"), [("int", "subSup"), ("oint", "subSup"), ("sum", "undOvr")]
)
def test_limits_stand_where_latex_sets_them(sign: str, place: str) -> None:
    label = rf"\{sign} \limits _ {{ 0 }} ^ {{ 1 }} x"
    assert f'<m:limLoc m:val="{place}"/>' in to_omml(label)
    tag = "munderover" if place == "undOvr" else "msubsup"
    assert f"<{tag}>" in to_mathml(label)
    assert "limits" not in to_latex(label)


def test_word_takes_every_sign() -> None:
    archive = zipfile.ZipFile(io.BytesIO(made(".docx", [*read(valid()), *ODD])))
    root = etree.fromstring(archive.read("word/document.xml"))
    marks = {mark.get(f"{WORD}name") for mark in root.iter(f"{WORD}bookmarkStart")}
    assert {each.id for each in named(read(valid()))} < marks
    shown = "".join(root.itertext())
    assert r"\boxed{x}" in shown and r"\frac { <" in shown and "failed: bad" in shown
    pandoc("o.docx", "-o", "o.json")
