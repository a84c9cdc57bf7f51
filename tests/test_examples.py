"""The examples are what their code draws, say what they mean, and become a document."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from handmade import open_pages
from numpy.typing import NDArray

from hmer_cli.commands.convert import convert
from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import parse, to_tokens
from hmer_cli.expr.validity import problems
from hmer_cli.ink.inkml import read_inkml
from hmer_cli.recognition.reading import Reading

EXAMPLES = Path(__file__).parent.parent / "examples"
DOCS = EXAMPLES.parent / "docs"
INKS = sorted(EXAMPLES.glob("*.inkml"))
IMAGES = sorted(EXAMPLES.glob("*.png"))


class Parrot:
    """A recogniser that reads the same in every image."""

    model = "parrot"

    def read(self, images: list[NDArray[np.uint8]]) -> list[Reading]:
        return [Reading("a ^ { 2 }", 0.9) for _ in images]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    subprocess.run([sys.executable, str(EXAMPLES / "draw.py"), str(folder)], check=True)
    return folder


def test_draw_makes_the_files_that_are_here(drawn: Path) -> None:
    made = [path for path in EXAMPLES.iterdir() if path.suffix in (".inkml", ".png", ".pdf")]
    made += DOCS.glob("*.svg")
    assert sorted(path.name for path in drawn.iterdir()) == sorted(path.name for path in made)


@pytest.mark.parametrize("path", INKS, ids=lambda path: path.stem)
def test_draw_makes_the_same_ink_again(path: Path, drawn: Path) -> None:
    here = read_inkml(path.read_bytes(), path.name)
    again = read_inkml((drawn / path.name).read_bytes(), path.name)
    assert (here.label, here.symbols) == (again.label, again.symbols)
    for ours, theirs in zip(here.strokes, again.strokes, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=0.2)


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.stem)
def test_draw_makes_the_same_image_again(path: Path, drawn: Path) -> None:
    here = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    again = cv2.imread(str(drawn / path.name), cv2.IMREAD_GRAYSCALE)
    assert here is not None
    assert again is not None
    assert here.shape == again.shape
    drift = np.abs(here.astype(int) - again.astype(int)).mean()
    assert drift < 0.05, "the renderer draws otherwise now: run examples/draw.py and commit"


@pytest.mark.parametrize("path", INKS, ids=lambda path: path.stem)
def test_the_ink_says_what_it_means(path: Path) -> None:
    ink = read_inkml(path.read_bytes(), path.name)
    assert ink.label is not None
    assert problems(ink.label) == []
    tokens = tokenize(ink.label)
    assert to_tokens(parse(tokens)) == tokens
    written = {symbol.label for symbol in ink.symbols}
    assert written - {"-"} == set(tokens) - {"{", "}", "^", "_", r"\frac", "-"}
    assert sorted(i for s in ink.symbols for i in s.strokes) == list(range(len(ink.strokes)))


def test_draw_makes_the_same_notes_again(drawn: Path) -> None:
    here, again = (open_pages(folder / "notes.pdf") for folder in (EXAMPLES, drawn))
    for ours, theirs in zip(here, again, strict=True):
        drift = np.abs(ours.image.astype(int) - theirs.image.astype(int)).mean()
        assert drift < 0.05, "the renderer draws otherwise now: run examples/draw.py and commit"


def test_draw_makes_the_same_hands_again(drawn: Path) -> None:
    number = re.compile(r"\d+\.\d+")
    here, again = ((folder / "hands.svg").read_text("utf-8") for folder in (DOCS, drawn))
    assert number.sub("", here) == number.sub("", again)
    ours, theirs = (np.array(number.findall(text), float) for text in (here, again))
    np.testing.assert_allclose(ours, theirs, atol=0.5)


def test_the_notes_have_an_expression_on_each_of_two_pages() -> None:
    pages = list(open_pages(EXAMPLES / "notes.pdf"))
    assert [page.number for page in pages] == [1, 2]
    assert all((page.image < 128).mean() > 0.002 for page in pages)


@pytest.mark.tex
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_builds_the_report_from_what_convert_writes(tmp_path: Path) -> None:
    here = tmp_path / "examples"
    shutil.copytree(EXAMPLES, here)
    convert([str(here)], [str(here / "eqs.tex")], recogniser=Parrot())
    asked_for = re.findall(r"\\hmer\{([a-z0-9-]+)\}", (here / "report.tex").read_text("utf-8"))
    assert asked_for
    assert all(f"{{{name}}}" in (here / "eqs.tex").read_text("utf-8") for name in asked_for)
    subprocess.run(["make", "-C", str(here), "HMER=false"], check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / "build" / "report.pdf").stat().st_size > 10_000


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_uses_the_environment_beside_the_examples_and_none_that_is_active(
    tmp_path: Path,
) -> None:
    here, environment = tmp_path / "examples", tmp_path / ".venv" / "bin"
    shutil.copytree(EXAMPLES, here)
    environment.mkdir(parents=True)
    lines = ("#!/bin/sh", 'echo "$@" >called', "echo half >eqs.tex", "exit 1", "")
    (environment / "hmer").write_text("\n".join(lines))
    (environment / "hmer").chmod(0o755)
    (here / "limit.png").touch()
    command = ["make", "-C", str(here), "eqs.tex"]
    done = subprocess.run(command, env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=False)
    assert done.returncode == 2
    assert "limit.png" in (here / "called").read_text().split()
    assert not (here / "eqs.tex").exists()  # .DELETE_ON_ERROR
