"""``hmer convert --document``: whole pages, from what is found on them to the files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from handmade import EARLIER, FakeRecogniser, Pixels, encoded

from hmer_cli.commands.convert import convert, outcome
from hmer_cli.document import pipeline, watch
from hmer_cli.document.math_regions import MathRegions
from hmer_cli.document.records import Drawing, TextWord
from hmer_cli.document.transcript import MARK
from hmer_cli.errors import InputError, UsageError
from hmer_cli.geometry import Box
from hmer_cli.ink.render import Readable, image_of
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import Layout, cut_region
from hmer_cli.recognition.reading import Reading, TokenReading

Found = Callable[..., None]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Found:
    """Sets what is found on every page: words, regions of mathematics, and drawings."""

    def find(words: Sequence[TextWord], maths: Sequence[Box] = (), said: str = "",
             drawings: Sequence[Drawing] = (), sure: float = 0.9,
             added: bool = False) -> None:  # fmt: skip
        def mathematics(page: Page, layout: Layout, text: bool = False) -> MathRegions:
            regions = [cut_region(page, page.image, box, 0) for box in maths]
            none = MathRegions.of(regions)
            count = len(maths)
            return MathRegions(
                none.regions, (said,) * count, (sure,) * count, (added,) * count, True,
                tuple(words), drawings=tuple(drawings), doubts=none.doubts,
            )  # fmt: skip

        monkeypatch.setattr(pipeline, "find_mathematics", mathematics)

    return find


def page(*boxes: Box) -> Pixels:
    """A page with a frame for each box."""
    image = np.full((600, 800), 255, np.uint8)
    for x0, y0, x1, y1 in boxes:
        cv2.rectangle(image, (int(x0) + 3, int(y0) + 3), (int(x1) - 3, int(y1) - 3), 0, 3)
    return image


def row(text: str, y: float, line: int) -> list[TextWord]:
    """The words of a line, which is at the left."""
    words, x = [], 20.0
    for word in text.split():
        words.append(TextWord(word, (x, y, x + 10 * len(word), y + 20), line, 0.9))
        x += 10 * len(word) + 10
    return words


def test_regions_that_are_words_stand_where_they_are_written(found: Found) -> None:
    boxes = [(20.0, y, 70.0, y + 20.0) for y in (100, 200, 300)]
    rows = ["first line of the page", "second line of the page", "third line of the page"]
    words = [word for i, text in enumerate(rows) for word in row(text, 50 + 100 * i, i)]
    found(words, boxes, "also")
    Path("n.png").write_bytes(encoded(page(*boxes)))
    convert(["n.png"], ["n.md"], document=True, recogniser=FakeRecogniser("a l s o"))
    told = Path("n.md").read_text().strip().split("\n\n")
    assert told == [MARK, "# n.png", *(part for row in rows for part in (row, "also"))]


def test_regions_that_are_words_are_as_sure_as_the_reader_of_words_is(found: Found) -> None:
    boxes = [(20.0, y, 70.0, y + 20.0) for y in (100, 200)]
    Path("n.png").write_bytes(encoded(page(*boxes)))
    told = []
    for sure in (0.9, 0.2):
        found([], boxes, "because", sure=sure)
        convert(["n.png"], ["n.md"], document=True,
                recogniser=FakeRecogniser("b / c", 0.3))  # fmt: skip
        told.append(Path("n.md").read_text().split()[-1])
    assert told == ["because", r"because\[?\]"]


@pytest.mark.parametrize(
    ("label", "sure", "told"),
    [("n + 1", 0.99, "$n+1$"), ("n + 1", 0.4, r"$n+1$\[?\]"), ("n + 1", 0.1, r"\[?\]"),
     (r"\frac n", 0.9, r"\[?\]"), ("x = n + 1", 0.9, "$x = n+1$")],
)  # fmt: skip
def test_what_the_reader_of_words_takes_for_a_formula_is_in_the_line_whatever_it_reads_as(
    found: Found, label: str, sure: float, told: str
) -> None:
    boxes = [(70.0, 50.0, 140.0, 70.0), (70.0, 150.0, 140.0, 170.0)]
    words = [
        TextWord(text, (x, y, x + 45, y + 20), line, 0.9)
        for line, y in enumerate((50.0, 150.0))
        for text, x in (("take", 20.0), ("steps", 150.0))
    ]
    found(words, boxes, added=True)
    Path("n.png").write_bytes(encoded(page(*boxes)))
    convert(["n.png"], ["n.md"], document=True, recogniser=FakeRecogniser(label, sure))
    parts = Path("n.md").read_text().strip().split("\n\n")
    assert parts[2:] == [f"take {told} steps"] * 2


class InTurn(FakeRecogniser):
    """Reads these labels one after the other, with a box for each token."""

    def __init__(self, *labels: str) -> None:
        super().__init__()
        self.labels = labels

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        """The labels, each over all of its image."""
        found = []
        for label, image in zip(self.labels, images, strict=True):
            high, wide = image_of(image).shape
            names = label.split()
            ends = np.linspace(0, wide, len(names) + 1)
            boxes = [(left, 2.0, right - 2, high - 2.0) for left, right in pairwise(ends.tolist())]
            tokens = [TokenReading(*each) for each in zip(names, [0.9] * 9, boxes, strict=False)]
            found.append(Reading(label, 0.95, tuple(tokens)))
        return found


@pytest.mark.parametrize(
    ("labels", "markdown", "latex"),
    [
        (
            ("7 ) x + 2 = 5", "8 ) 2 x = 4"),
            "7. $x+2 = 5$\n\n8. $2x = 4$",
            "\\item[{7)}] {}$x+2 = 5$\n\\item[{8)}] {}$2x = 4$",
        ),
        (
            (r"\rightarrow x + 2 = 5", "E x : f ( 1 )"),
            "$$\n\\rightarrow \\qquad x+2 = 5\n$$\n\nEx: $f(1)$",
            "\\rightarrow \\qquad x+2 = 5\n\\end{equation*}\n\nEx: $f(1)$",
        ),
        (
            ("f = g ?", r"x = 3 \}"),
            "$$\nf = g \\qquad ?\n$$\n\n$$\nx = 3 \\qquad \\}\n$$",
            "f = g \\qquad ?\n",
        ),
    ],
)
def test_what_is_cut_off_formulas_stands_beside_them(
    found: Found, labels: tuple[str, ...], markdown: str, latex: str
) -> None:
    boxes = [(70.0, 50.0, 310.0, 70.0), (70.0, 250.0, 310.0, 270.0)]
    found([], boxes)
    Path("n.png").write_bytes(encoded(page(*boxes)))
    convert(["n.png"], ["n.md", "n.tex"], document=True, recogniser=InTurn(*labels))
    assert Path("n.md").read_text().split("\n\n", 2)[2].strip() == markdown
    assert latex in Path("n.tex").read_text()


LETTER = row("a letter of words alone", 50, 0)


def test_a_page_of_prose_is_written_and_is_no_failure(
    found: Found, capsys: pytest.CaptureFixture[str]
) -> None:
    found(LETTER)
    Path("n.png").write_bytes(encoded(page()))
    records = convert(["n.png"], ["n.md", "n.jsonl"], document=True, recogniser=FakeRecogniser())
    assert Path("n.md").read_text() == f"{MARK}\n\n# n.png\n\na letter of words alone\n"
    assert outcome(records) is None
    assert '"status": "failed"' in Path("n.jsonl").read_text()  # there is no expression
    assert "0 expressions on 1 page, 0 low, 0 failed" in capsys.readouterr().err


def test_a_page_without_words_and_mathematics_is_a_failure(found: Found) -> None:
    found([])
    Path("n.png").write_bytes(encoded(page()))
    Path("n.md").write_text(EARLIER)
    records = convert(["n.png"], ["n.md"], document=True, recogniser=FakeRecogniser())
    assert isinstance(outcome(records), InputError)
    assert Path("n.md").read_text() == EARLIER


def test_a_document_goes_to_standard_output(
    found: Found, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    found(LETTER)
    Path("n.png").write_bytes(encoded(page()))
    convert(["n.png"], ["-.md"], document=True, recogniser=FakeRecogniser())
    assert (
        capfdbinary.readouterr().out.decode() == f"{MARK}\n\n# n.png\n\na letter of words alone\n"
    )
    convert(["n.png"], ["-.tex"], document=True, recogniser=FakeRecogniser())
    assert b"\\section*{n.png}\n\na letter of" in capfdbinary.readouterr().out


@pytest.mark.parametrize("outs", [["-"], ["n.jsonl"], ["-.csv"], ["ink/"]])
def test_a_document_that_is_not_written_anywhere_is_wrong_usage(outs: list[str]) -> None:
    with pytest.raises(UsageError, match="--document"):
        convert(["n.png"], outs, document=True, recogniser=FakeRecogniser())


def test_what_is_watched_keeps_its_words(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    found(LETTER)
    Path("notes").mkdir()
    documents: list[str] = []

    def write(name: str, width: int) -> None:
        Path("notes", name).write_bytes(encoded(page((20, 100, width, 120))))

    def steps() -> Iterator[None]:
        yield documents.append(Path("n.md").read_text())
        yield write("a.png", 200)
        yield
        yield documents.append(Path("n.md").read_text())
        yield Path("notes", "a.png").unlink()
        yield documents.append(Path("n.md").read_text())
        raise KeyboardInterrupt

    taken = steps()
    monkeypatch.setattr(watch, "pause", lambda: next(taken))
    write("a.png", 100)
    write("b.png", 100)
    convert(["notes"], ["n.md"], document=True, watch=True, recogniser=FakeRecogniser())
    one, other = (f"# {name}.png\n\na letter of words alone\n" for name in "ab")
    both = f"{one}\n{other}"
    assert documents == [f"{MARK}\n\n{each}" for each in (both, both, other)]


def test_a_folder_is_converted_into_a_document_in_it_again_and_again(
    found: Found, capsys: pytest.CaptureFixture[str]
) -> None:
    box = (20.0, 100.0, 220.0, 300.0)
    found(LETTER, drawings=[Drawing(box, box)])
    Path("n.png").write_bytes(encoded(page(box)))
    for _ in range(2):
        records = convert(["."], ["notes.md"], document=True, recogniser=FakeRecogniser())
        assert [record.source for record in records] == ["n.png"]
        drawn = "![drawing](notes-drawings/1.png)"
        told = Path("notes.md").read_text()
        assert told == f"{MARK}\n\n# n.png\n\na letter of words alone\n\n{drawn}\n"
        assert os.listdir("notes-drawings") == ["1.png"]
    convert(["."], ["-.md"], document=True, recogniser=FakeRecogniser())
    out, err = capsys.readouterr()
    assert "drawing" not in out
    assert "1 drawing left out" in err
