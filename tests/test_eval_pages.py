"""hmer eval on pages whose expressions are known: found where they are, and read right?"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from handmade import FakeRecogniser, encoded, paged
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.commands import eval as verb
from hmer_cli.commands.convert import convert
from hmer_cli.commands.eval_pages import PageEvaluation
from hmer_cli.datasets.pages import ExpressionDataset, PageDataset, TrueExpression, open_any
from hmer_cli.errors import InputError, UsageError
from hmer_cli.geometry import Box, shift
from hmer_cli.metrics.pages import ReadExpression, comparable, score_page, score_pages

BOX: Box = (10, 10, 60, 40)
labels = st.lists(st.sampled_from(["x", "+", "1", r"\epsilon", "."]), min_size=1).map(" ".join)


def read(label: str, box: Box = BOX) -> ReadExpression:
    return ReadExpression(box, label, 0.9)


def true(label: str, box: Box = BOX, **changes: object) -> TrueExpression:
    return TrueExpression(box, label, **changes)  # type: ignore[arg-type]


def test_found_and_right_found_and_wrong_and_missed() -> None:
    truths = [true("x"), true("y + 1", shift(BOX, 0, 50)), true("z", shift(BOX, 0, 100))]
    reads = [read("x"), read("y - 1", shift(BOX, 0, 52))]
    total = score_pages([score_page("a", truths, reads)])
    assert (total.display.truth, total.display.found, total.display.right) == (3, 2, 1)
    assert (total.precision, total.right_of_found, total.wer) == (1, 0.5, 0.25)


def test_what_lies_elsewhere_costs_precision_but_not_in_a_box_to_skip() -> None:
    far, near = shift(BOX, 500, 0), (10.0, 10.0, 25.0, 40.0)
    page = score_page("a", [true("x")], [read("x"), read("y", far), read("z", near)])
    assert [one.label for one in page.cut_wrong] == ["z"]
    assert [one.label for one in page.not_mathematics] == ["y"]
    assert score_pages([page]).precision == pytest.approx(1 / 3)
    skipped = score_page("a", [true("x")], [read("x"), read("y", far)], [far])
    assert score_pages([skipped]).precision == 1


@pytest.mark.parametrize(("said", "counted"), [("x", 1), ("y", 0), (None, 0)])
def test_what_nobody_is_sure_of_counts_only_where_it_is_read_right(
    said: str | None, counted: int
) -> None:
    reads = [] if said is None else [read(said)]
    total = score_pages([score_page("a", [true("x", sure=False)], reads)])
    assert total.display.truth == total.display.right == counted
    assert total.cut_wrong == total.not_mathematics == 0


def test_each_box_matches_once_and_the_closest_first() -> None:
    reads = [read("a", shift(BOX, 5, 0)), read("b")]
    page = score_page("a", [true("b")], reads)
    assert page.matches[0].right
    assert [one.label for one in page.cut_wrong] == ["a"]


def test_readings_that_are_low_do_not_count_among_those_that_are_ok() -> None:
    reads = [read("a"), replace(read("b", shift(BOX, 500, 0)), ok=False)]
    total = score_pages([score_page("a", [true("a")], reads)])
    assert (total.precision, total.precision_of_ok, total.right_of_ok) == (0.5, 1, 1)
    low = [replace(each, ok=False) for each in reads]
    assert score_pages([score_page("a", [true("a")], low)]).precision_of_ok is None


def test_a_page_that_cannot_be_read_costs_its_expressions() -> None:
    total = score_pages([score_page("a", [true("x", kind="inline")], [], error="damaged")])
    assert (total.inline.truth, total.inline.recall, total.precision) == (1, 0, None)


@pytest.mark.parametrize(("said", "right"), [("", 0), (",", 0), (".", 1)])
def test_a_sign_of_punctuation_alone_is_not_nothing(said: str, right: int) -> None:
    assert score_pages([score_page("a", [true(".")], [read(said)])]).display.right == right


def test_readings_count_in_canonical_spelling() -> None:
    page = score_page("a", [true("x _ { 1 } ^ { 2 }")], [read("x ^ { 2 } _ { 1 }")])
    assert page.matches[0].right


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (r"\varepsilon", r"\epsilon", True), (r"\bullet", r"\cdot", True),
        (r"\Theta", r"\theta", True), (r"\cdots", r"\ldots", True), (r"\kappa", "K", True),
        ("K", "k", False), (r"\Omega", r"\omega", False), (r"\phi", r"\varphi", False),
        ("o", "0", False), (r"\cdot", r"\cdots", False), (r"\leq", "<", False),
    ],
)  # fmt: skip
def test_signs_that_hands_write_alike_count_as_one_and_no_others(
    one: str, other: str, same: bool
) -> None:
    page = score_page("a", [true(f"x + {one} = y")], [read(f"x + {other} = y")])
    assert page.matches[0].right is same
    assert score_page("a", [true(other)], [read(one)]).matches[0].right is same


@given(labels)
def test_what_hands_cannot_tell_apart_is_the_same(label: str) -> None:
    assert comparable(label) == comparable(label.replace(r"\epsilon", r"\varepsilon"))
    assert comparable(f"{label} .") == comparable(label)


def truth(latex: str = "x ^ { 2 }", box: Box = (38, 28, 83, 93)) -> str:
    return json.dumps({"expressions": [{"box": box, "latex": latex, "kind": "display"}]})


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A PDF of two pages and an image, and truths of them in a folder beside theirs."""
    page = np.full((120, 160), 255, np.uint8)
    for ends in (((40, 30), (80, 90)), ((80, 30), (40, 90))):
        cv2.line(page, *ends, (0,), 3)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.pdf").write_bytes(paged([page, page]))
    (tmp_path / "notes" / "b.png").write_bytes(encoded(page))
    truths = tmp_path / "notes-truth"
    truths.mkdir()
    scale = 200 / 72  # how large the PDF draws the page's pixels
    there = tuple(x * scale for x in (38, 28, 83, 93))
    (truths / "a-p2.json").write_text(truth(box=there))  # type: ignore[arg-type]
    (truths / "b-p1.json").write_text(truth())
    return tmp_path


def test_a_folder_of_pages_may_have_a_dot_in_its_name(notes: Path) -> None:
    (notes / "notes").rename(notes / "lecture.2024")
    truths = (notes / "notes-truth").rename(notes / "lecture.2024-truth")
    found = open_any(str(truths))
    assert isinstance(found, PageDataset)
    assert [page.name for page in found.pages] == ["a-p2", "b-p1"]


def test_pages_are_found_beside_in_the_folder_named_after_or_where_the_option_says(
    notes: Path,
) -> None:
    found = open_any(str(notes / "notes-truth"))
    assert isinstance(found, PageDataset)
    assert [(page.name, page.number) for page in found.pages] == [("a-p2", 2), ("b-p1", 1)]
    (notes / "notes").rename(notes / "elsewhere")
    with pytest.raises(InputError, match="--pages"):
        open_any(str(notes / "notes-truth"))
    moved = open_any(str(notes / "notes-truth"), pages=str(notes / "elsewhere"))
    assert isinstance(moved, PageDataset) and len(moved.pages) == 2
    (notes / "notes-truth" / "b-p1.json").rename(notes / "elsewhere" / "b.json")
    beside = open_any(str(notes / "elsewhere"))
    assert isinstance(beside, PageDataset)
    assert [page.name for page in beside.pages] == ["b"]


def test_pages_of_one_name_in_two_folders_are_two(tmp_path: Path) -> None:
    for folder, latex in (("one", "x"), ("two", "y")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.png").write_bytes(encoded(np.full((9, 9), 255, np.uint8)))
        (tmp_path / folder / "1.json").write_text(truth(latex))
    found = open_any(str(tmp_path))
    assert isinstance(found, PageDataset)
    assert [page.name for page in found.pages] == ["one/1", "two/1"]
    for page, latex in zip(found.pages, "xy", strict=True):
        assert page.expressions is not None and page.expressions[0].label == latex
        assert page.source.name.endswith(f"{page.name}.png")


def test_truths_are_labels_however_they_are_spelled(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(encoded(np.full((9, 9), 255, np.uint8)))
    (tmp_path / "1.json").write_text(truth(r"\frac{a}{b}\not\sim x^2"))
    found = open_any(str(tmp_path))
    assert isinstance(found, PageDataset) and found.pages[0].expressions is not None
    label = r"\frac { a } { b } \nsim x ^ { 2 }"
    assert [each.label for each in found.pages[0].expressions] == [label]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "Display"},
        {"latex": None},
        {"latex": 1},
        {"latex": ""},
        {"latex": "$ $"},
        {"box": [1, 2, 3]},
        {"box": "1234"},
    ],
)
def test_a_truth_with_a_bad_field_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    content = json.loads(truth())
    content["expressions"][0].update(change)
    (tmp_path / "1.png").write_bytes(encoded(np.full((9, 9), 255, np.uint8)))
    (tmp_path / "1.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"1\.json: a truth of a page with a bad field"):
        open_any(str(tmp_path))


BROKEN = {
    truth()[:-1] + ",}": "b.json: no JSON, line 1; mend it, or move it away",
    truth()[:-2] + ", null]}": "b.json: a truth of a page with a bad field",
    '{"expressions": ["x"]}': "b.json: a truth of a page with a bad field",
    '{"formulas": [null]}': "b.json: a truth of a page with a bad field",
    '{"formulas": [[1, 2, 30, 40]]}': "b.json: boxes without labels, which other pages have",
    truth() + " " * (16 << 20): "b.json: larger than 16 MiB",
}


def page_and_truth(folder: Path, name: str, content: str) -> None:
    (folder / f"{name}.png").write_bytes(encoded(np.full((9, 9), 255, np.uint8)))
    (folder / f"{name}.json").write_text(content)


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("content", BROKEN, ids=lambda text: text[-30:].strip())
def test_a_broken_truth_is_not_left_out(tmp_path: Path, content: str, alone: bool) -> None:
    page_and_truth(tmp_path, "b", content)
    if not alone:
        page_and_truth(tmp_path, "a", truth())
    elif "boxes" in BROKEN[content]:
        return
    with pytest.raises(InputError, match=re.escape(BROKEN[content])):
        open_any(str(tmp_path))


def test_what_is_no_truth_of_a_page_is_passed_over(tmp_path: Path) -> None:
    page_and_truth(tmp_path, "a", truth())
    page_and_truth(tmp_path, "blank", '{"formulas": []}')
    page_and_truth(tmp_path, "other", '{"formulas": "none"}')
    for n, content in enumerate(BROKEN):
        if "boxes" not in BROKEN[content] and "null]" not in content:
            (tmp_path / f"beside-no-page-{n}.json").write_text(content)
    found = open_any(str(tmp_path))
    assert isinstance(found, PageDataset) and found.labelled
    assert [page.name for page in found.pages] == ["a", "blank"]
    (tmp_path / "caption.txt").write_text("a\tx\n")
    for name in ("a", "blank"):
        (tmp_path / f"{name}.json").write_text("{broken")
    assert isinstance(open_any(str(tmp_path)), ExpressionDataset)


def test_endings_may_be_capitals(tmp_path: Path) -> None:
    page_and_truth(tmp_path, "B", truth())
    (tmp_path / "B.json").rename(tmp_path / "B.JSON")
    (tmp_path / "B.png").rename(tmp_path / "B.PNG")
    found = open_any(str(tmp_path))
    assert isinstance(found, PageDataset)
    assert [page.name for page in found.pages] == ["B"]


def test_two_truths_of_a_page_are_refused(notes: Path) -> None:
    (notes / "notes-truth" / "b.json").write_text(truth())
    said = r"b\.png: page 1 has two truths; move away b-p1\.json or b\.json"
    with pytest.raises(InputError, match=said):
        open_any(str(notes / "notes-truth"))


def test_a_page_that_its_file_lacks_is_told_and_costs_its_expressions(
    notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a-p9", "b-p2"):
        (notes / "notes-truth" / f"{name}.json").write_text(truth())
    found = verb.run(str(notes / "notes-truth"), recogniser=FakeRecogniser())
    assert (len(found.outcomes), found.failed) == (4, 2)
    said = " ".join(capsys.readouterr().err.split())
    assert "a.pdf: has no page 9, of which a-p9.json is; name the truth after a page" in said
    assert "b.png: has no page 2, of which b-p2.json is" in said


def test_a_bug_on_a_page_ends_with_70(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("hmer_cli.document.pipeline.find_mathematics", breaks)
    found = verb.run(str(notes / "notes-truth"), recogniser=FakeRecogniser())
    ended = verb.outcome(found)
    assert found.failed == 2 and ended is not None and ended.exit_code == 70


def test_pages_are_scored_end_to_end(notes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scores = notes / "scores.json"
    found = verb.run(
        str(notes / "notes-truth"), json_file=str(scores), worst=str(notes / "worst"),
        predictions=str(notes / "p.tsv"), recogniser=FakeRecogniser(),
    )  # fmt: skip
    assert isinstance(found, PageEvaluation)
    content = json.loads(scores.read_text())
    assert content["pages"] == 2 and content["failed"] == 0
    assert content["display"]["right"] == content["display"]["truth"] == 2
    assert content["precision"] == 1 and content["wer"] == 0
    assert [page["name"] for page in content["by_page"]] == ["a-p2", "b-p1"]
    assert "End to end, fake-1" in capsys.readouterr().out
    assert (notes / "p.tsv").read_text().splitlines()[1].startswith("a-p2\tdisplay\tx ^ { 2 }\t")


def test_a_damaged_page_is_told_and_costs_its_expressions(
    notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (notes / "notes" / "b.png").write_bytes(b"\x89PNG broken")
    found = verb.run(str(notes / "notes-truth"), recogniser=FakeRecogniser())
    assert found.failed == 1
    assert isinstance(verb.outcome(found), InputError)
    assert "b.png" in capsys.readouterr().err


def test_a_truth_without_its_page_is_told_and_costs_its_expressions(
    notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (notes / "notes" / "b.png").unlink()
    found = verb.run(str(notes / "notes-truth"), recogniser=FakeRecogniser())
    assert (len(found.outcomes), found.failed) == (2, 1)
    assert "b-p1: a truth without its page" in capsys.readouterr().err


def test_the_option_for_pages_is_wrong_usage_without_them(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(np.zeros((9, 9), np.uint8)))
    (tmp_path / "caption.txt").write_text("a\tx\n")
    with pytest.raises(UsageError, match="no pages"):
        open_any(str(tmp_path), pages=str(tmp_path))


@pytest.mark.data
@pytest.mark.slow
def test_the_score_is_that_of_the_tool_that_comes_with_the_truth(
    data_file: Callable[[str], Path], data: Path, tmp_path: Path
) -> None:
    truths, tool = data_file("notes-truth"), data.parent / "tools" / "page_truth.py"
    if not tool.is_file():
        pytest.skip(f"not found: {tool}")
    convert([str(data_file("notes"))], [str(tmp_path / "r.jsonl")])
    found = verb.run(str(truths))
    assert isinstance(found, PageEvaluation)
    total = score_pages(found.pages)
    command = [sys.executable, str(tool), str(tmp_path / "r.jsonl"), str(truths)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for part in (
        f"display: found {total.display.found}/{total.display.truth}, right {total.display.right} ",
        f"inline: found {total.inline.found}/{total.inline.truth}, right {total.inline.right};",
        f"precision {total.precision:.3f}; of the found right {total.right_of_found:.3f}",
        f"WER {total.wer:.3f}",
    ):
        assert part in said
