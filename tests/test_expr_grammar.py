"""The grammar a token at a time: it lets every label through and nothing that is not LaTeX."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.expr.grammar import Prefix
from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.validity import problems

TOKENS = tokenize(
    r"x 2 + = ( ) [ ] { } ^ _ & \\ \frac \sqrt \sum \lim \limits \sin \hat \mathbb "
    r"\begin{bmatrix} \end{bmatrix} \begin{cases} \end{cases} \overset \binom"
)


def walk(tokens: list[str]) -> Prefix | None:
    prefix: Prefix | None = Prefix()
    for token in tokens:
        prefix = prefix.extend(token) if prefix else None
    return prefix


@pytest.mark.parametrize(
    "label",
    [
        r"\frac { a } { b }",
        r"x _ { i } ^ { 2 }",
        r"\sqrt [ 3 ] { x ^ { 2 } }",
        r"\sum \limits _ { i = 0 } ^ { n } i",
        r"[ 0 , 1 ]",
        r"\begin{bmatrix} a & b \\ c & d \end{bmatrix} x",
        r"\begin{bmatrix} a & b & c \end{bmatrix} x",
        r"\begin{aligned} & = b \\ a & \end{aligned}",
        r"\begin{matrix} & \\ & a \\ \end{matrix}",
        r"\hat { x } ^ { 2 }",
        r"\overset { d } { = } _ { 2 } x",
        r"\binom { n } { k } ^ { 2 }",
        r"\underbrace { a + b } _ { 2 }",
        "",
    ],
)
def test_a_label_is_let_through_to_its_end(label: str) -> None:
    prefix = walk(tokenize(label))
    assert prefix is not None
    assert prefix.complete
    assert prefix.closing() == []


@pytest.mark.parametrize(
    "label",
    [
        "}",
        "x ^ 2",
        r"\frac a",
        "x ^ { 2 } ^ { 3 }",
        r"x \limits _ { 2 }",
        r"\frac { a } x",
        "&",
        r"\sqrt [ 3 ] x",
        r"\overset { d } { x y",
        r"\overset { d } { \frac",
        r"\overset { d } x",
        r"\notacommand",
        "x ^ { }",
        r"\frac { } { 2 }",
        "_ { 2 }",
        "x _ { ^ { 2 } }",
        r"\begin{bmatrix} a }",
        r"\begin{cases} a & b \\ c & d & e",
        r"\begin{cases} _ { a } & b",
        r"\begin{cases} a & ^ { 2 }",
        r"\begin{cases} a \\ _ { 2 }",
        r"\begin{matrix} \end{matrix}",
        r"\begin{matrix} & \\ \end{matrix}",
    ],
)
def test_what_no_label_begins_with_is_refused(label: str) -> None:
    assert walk(tokenize(label)) is None


@given(st.lists(st.sampled_from(TOKENS), max_size=40))
def test_whatever_is_let_through_and_closed_is_valid(wanted: list[str]) -> None:
    prefix, label = Prefix(), []
    for token in wanted:
        after = prefix.extend(token)
        if after is not None:
            prefix = after
            label.append(token)
    label += prefix.closing()
    found = [p for p in problems(" ".join(label)) if "columns" not in p.message]
    assert found == []


@pytest.mark.data
def test_every_caption_of_the_field_is_let_through(data_file: Callable[[str], Path]) -> None:
    import zipfile

    with zipfile.ZipFile(data_file("crohme.zip")) as package:
        captions = [name for name in package.namelist() if name.endswith("caption.txt")]
        lines = [line for name in captions for line in package.read(name).decode().splitlines()]
    refused = []
    for line in lines:
        prefix = walk(tokenize(line.split("\t")[1]))
        if prefix is None or not prefix.complete:
            refused.append(line)
    assert len(lines) > 9000
    assert refused == []
