"""Tokens, the symbol layout tree and what makes a label valid."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from trees import TREES

from hmer_cli.errors import InputError
from hmer_cli.expr.commands import (
    COVERS,
    FONTS,
    FUNCTIONS,
    GRIDS,
    KNOWN,
    OPERATORS,
    SIGNS,
    STRUCTURE,
    SYMBOLS,
)
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.spellings import SYNONYMS
from hmer_cli.expr.tokens import Vocabulary, join, tokenize
from hmer_cli.expr.tree import LabelError, Node, Tree, parse, stack_limits, to_tokens, walk
from hmer_cli.expr.validity import problems

# Strategies of trees within trees print at length; nothing is wrong with them.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")


@given(TREES)
@settings(max_examples=300, deadline=None)
def test_a_tree_survives_its_spelling(tree: Tree) -> None:
    tokens = to_tokens(tree)
    assert parse(tokens, strict=True) == tree
    assert problems(join(tokens)) == []


@given(TREES)
@settings(max_examples=200, deadline=None)
def test_normalising_a_spelled_tree_only_stacks_limits(tree: Tree) -> None:
    once = normalise(join(to_tokens(tree)))
    assert normalise(once) == once
    assert parse(tokenize(once)) == stack_limits(tree)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x ^ { 2 } _ { i }", "x _ { i } ^ { 2 }"),
        ("{ x } ^ 2", "x ^ { 2 }"),
        (r"\frac 1 2", r"\frac { 1 } { { 2 } }"),
        ("x { } ^ { 2 }", "x ^ { 2 }"),
        (r"\sum \limits x", r"\sum x"),
        (r"\overset { n } { \sum }", r"\sum \limits ^ { n }"),
    ],
)
def test_two_spellings_of_one_layout_have_equal_trees(one: str, other: str) -> None:
    assert parse(tokenize(one)) == parse(tokenize(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x _ { 2 }", "x ^ { 2 }"),
        (r"\sum _ { i } x", r"\sum \limits _ { i } x"),
        (r"\sqrt { x } y", r"\sqrt { x y }"),
        ("x _ { y _ { z } }", "x _ { y z }"),
    ],
)
def test_another_layout_is_another_tree(one: str, other: str) -> None:
    assert parse(tokenize(one)) != parse(tokenize(other))


def test_the_relations_of_a_label() -> None:
    (root,) = parse(tokenize(r"\sqrt [ 3 ] { \frac { a } { b } _ { i } ^ { 2 } }"))
    (fraction,) = root.inside
    assert root.symbol == r"\sqrt"
    assert root.above == (Node("3"),)
    assert fraction == Node(
        r"\frac", above=(Node("a"),), below=(Node("b"),), sub=(Node("i"),), sup=(Node("2"),)
    )
    assert [n.symbol for n in walk((root,))] == [r"\sqrt", "3", r"\frac", "a", "b", "i", "2"]


def test_a_node_refuses_relations_it_cannot_have() -> None:
    with pytest.raises(ValueError, match="cannot have"):
        Node("x", inside=(Node("y"),))


@pytest.mark.parametrize(
    ("label", "position", "message"),
    [
        (r"\frac { a } b", 3, "{ expected"),
        ("x ^", 1, "{ expected"),
        ("x ^ { 2 } ^ { 3 }", 5, "double superscript"),
        ("x _ { 2 } ^ { 3 } _ { 4 }", 9, "double subscript"),
        ("( x }", 2, "closes nothing"),
        ("{ x", 0, "no } closes it"),
        (r"\sqrt [ 3 { x }", 1, "no ] closes it"),
        (r"x \limits _ { 2 }", 1, "must follow an operator"),
        ("a & b", 1, "stands in no matrix"),
        (r"\begin{matrix} a & b", 0, r"no \end{matrix} closes it"),
        (r"\begin{cases} a & b & c \end{cases}", 4, "more than 2 columns"),
        (r"\foo x", 0, "not a command"),
        (r"x \left( y", 1, "not a command"),
        ("x 12", 1, "more than one token"),
        ("x é", 1, "not a sign"),
        ("{ " * 17 + "} " * 17, 16, "nested more than 16 deep"),
    ],
)
def test_a_problem_says_what_is_wrong_where(label: str, position: int, message: str) -> None:
    (problem, *_) = problems(label)
    assert problem.position == position
    assert message in problem.message


def test_a_sign_has_one_spelling() -> None:
    assert KNOWN.isdisjoint(SYNONYMS)


def test_every_unknown_token_is_a_problem() -> None:
    assert [problem.position for problem in problems(r"\foo x \baz")] == [0, 2]


def test_a_label_error_is_bad_input_that_names_the_token() -> None:
    with pytest.raises(InputError, match=r"token 3 \(}\): closes nothing"):
        parse(tokenize("( x }"))


def test_a_vocabulary_keeps_its_order_in_a_file(tmp_path: Path) -> None:
    vocabulary = Vocabulary.of_labels([r"\frac { a } { b }", "x _ { a }"])
    vocabulary.save(tmp_path / "vocabulary.txt")
    again = Vocabulary.load(tmp_path / "vocabulary.txt")
    (tmp_path / "marked.txt").write_bytes(
        b"\xef\xbb\xbf" + (tmp_path / "vocabulary.txt").read_bytes()
    )
    assert Vocabulary.load(tmp_path / "marked.txt") == again
    assert again == vocabulary
    assert list(again) == sorted({r"\frac", "{", "}", "a", "b", "x", "_"})
    assert [again.index(token) for token in again] == list(range(len(again)))
    assert "a" in again
    assert "q" not in again


@pytest.mark.parametrize("text", ["a\nb\na\n", "a\n\nb\n", "a b\n"])
def test_a_broken_vocabulary_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "vocabulary.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        Vocabulary.load(path)


def test_an_unknown_token_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'q'"):
        Vocabulary(["a"]).index("q")


def _every_command() -> list[str]:
    """Labels that use every token there is, where it could break TeX."""
    labels = [f"{s} _ {{ {s} }} ^ {{ {s} }} \\frac {{ {s} }} {{ {s} }}" for s in sorted(SYMBOLS)]
    labels += [f"{s} \\limits _ {{ 1 }} ^ {{ 2 }}" for s in sorted(OPERATORS)]
    labels += [f"{c} {{ X {c} {{ A B }} }} _ {{ 2 }}" for c in sorted(COVERS | FONTS)]
    labels += [rf"\{c} {{ [ ] }}" for c in ("sqrt", "sqrt [ { [ ] } ]", "binom { n }")]
    for name, columns in GRIDS.items():
        row = " & ".join("x" * columns)
        labels += [rf"\begin{{{name}}} {row} \\ [ 2 ] & \\ \end{{{name}}} ^ {{ 2 }}"]
    return labels


def _random_valid(count: int) -> list[str]:
    """Random token salad, as a recogniser may write it, so far as it is valid."""
    rng = random.Random(2)
    common = r"{ } { } { } ^ _ x \sum \limits [ ] \sqrt \frac \lim \hat \prime \overset".split()
    pool = [*common * 4, *sorted(STRUCTURE), *sorted(SIGNS | FUNCTIONS)]
    salad = (join(rng.choices(pool, k=rng.randint(2, 9))) for _ in range(60_000))
    return [label for label in salad if "{" in label and not problems(label)][:count]


@pytest.mark.tex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex not found")
def test_what_is_valid_compiles(tmp_path: Path) -> None:
    labels = [*_every_command(), *_random_valid(200)]
    assert [label for label in labels if problems(label)] == []
    boxes = "\n".join(rf"\setbox0\hbox{{$\displaystyle {label} $}}" for label in labels)
    (tmp_path / "labels.tex").write_text(
        "\\documentclass{article}\\usepackage{amsmath,amssymb}\\begin{document}\n"
        f"{boxes}\nx\\end{{document}}\n"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "labels.tex"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-800:]


def test_text_that_is_no_label_is_refused_not_crashed_on() -> None:
    with pytest.raises(LabelError):
        normalise("{" * 5000)
