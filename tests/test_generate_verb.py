"""``hmer generate``: what lies in the folder, who can read it, and that it never changes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from lxml import etree

from hmer_cli import files
from hmer_cli.commands import eval_regions
from hmer_cli.commands.generate import _workers, generate, outcome
from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.datasets.pages import PageDataset, open_any
from hmer_cli.errors import InputError, OutputError, UsageError
from hmer_cli.expr.node import Tree
from hmer_cli.ink.inkml import read_inkml
from hmer_cli.metrics.pages import ReadExpression, score_page, score_pages
from hmer_cli.synthesis import pages
from hmer_cli.synthesis.engine import inscribe
from hmer_cli.synthesis.glyph import Points
from hmer_cli.synthesis.writer_style import WriterStyle
from hmer_cli.training.compose.examples import examples

LABELS = [r"x ^ { 2 } + \sqrt { y }", r"\frac { a } { b } = \sin \theta"]
RAW = [r"x^2+\sqrt y", r"{a \over b} = \sin\theta"]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_expressions_are_written_in_turn_and_make_a_data_set(tmp_path: Path) -> None:
    made = generate(str(tmp_path), RAW, count=5)
    assert (made.written, made.failed, outcome(made)) == (5, 0, None)
    samples = open_dataset(str(tmp_path))
    assert [sample.label for sample in samples] == [LABELS[i % 2] for i in range(5)]
    assert all(sample.error is None for sample in samples)
    tied = examples(samples)
    assert len(tied) == 5 and all(example.places is not None for example in tied)


def test_every_file_says_the_same(tmp_path: Path) -> None:
    generate(str(tmp_path), RAW)
    ink = read_inkml((tmp_path / "00002.inkml").read_bytes(), "ink")
    assert ink.label == LABELS[1]
    assert [symbol.label for symbol in ink.symbols] == [r"\frac", "a", "b", "=", r"\sin", r"\theta"]
    paths = etree.parse(tmp_path / "00002.svg").findall("{*}g/{*}path")
    assert [path.get("data-token") for path in paths] == [s.label for s in ink.symbols]
    image = cv2.imread(str(tmp_path / "00002.png"), cv2.IMREAD_UNCHANGED)
    boxes = json.loads((tmp_path / "boxes.json").read_text())
    record = boxes["images"][1]
    assert (record["file_name"], record["height"], record["width"]) == ("00002.png", *image.shape)
    names = {category["id"]: category["name"] for category in boxes["categories"]}
    signs = [sign for sign in boxes["annotations"] if sign["image_id"] == 2]
    assert [names[sign["category_id"]] for sign in signs] == [s.label for s in ink.symbols]
    for sign, symbol in zip(signs, ink.symbols, strict=True):
        x, y, width, height = sign["bbox"]
        x0, y0, x1, y1 = ink.box(symbol.strokes)
        assert x <= x0 and y <= y0 and x1 <= x + width and y1 <= y + height
        assert 0 <= x < image.shape[1] and y + height <= image.shape[0]
    gallery = (tmp_path / "gallery.html").read_text()
    assert gallery.count("<svg") == 2 and "http" not in gallery.replace("http://www.w3.org", "")


def test_an_item_depends_on_seed_and_index_alone(tmp_path: Path) -> None:
    generate(str(tmp_path / "one"), count=5, seed=7, jobs=1)
    generate(str(tmp_path / "two"), count=5, seed=7, jobs=2)
    generate(str(tmp_path / "few"), count=2, seed=7)
    generate(str(tmp_path / "other"), count=2, seed=8)
    one, two, few, other = (contents(tmp_path / n) for n in ("one", "two", "few", "other"))
    assert one == two
    for name in ("00002.png", "00002.svg", "00002.inkml"):
        assert few[name] == one[name] != other[name]


def test_many_items_take_the_cores_of_the_job_and_no_more_than_windows_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 96)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {4, 5, 6}, raising=False)
    assert [_workers(total, None) for total in (1, 10, 1000)] == [1, 1, 3]
    assert [_workers(total, 80) for total in (10, 1000)] == [10, 80]
    with monkeypatch.context() as windows:
        windows.setattr(sys, "platform", "win32")
        assert [_workers(total, 80) for total in (10, 1000)] == [10, 61]


def test_a_style_is_one_writer_for_all(tmp_path: Path) -> None:
    def ways(folder: str, style: str | None) -> set[int]:
        """In how many strokes an a is written, which differs between people."""
        generate(str(tmp_path / folder), ["a"], count=6, style=style)
        inks = [path.read_bytes() for path in sorted((tmp_path / folder).glob("*.inkml"))]
        assert len(set(inks)) == 6
        return {len(read_inkml(ink, "a").strokes) for ink in inks}

    assert len(ways("anna", "anna")) == 1
    assert len(ways("all", None)) == 2


def test_bad_lines_are_told_and_stop_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "formulas.txt"
    source.write_text("x^2\n\n\\frac{a}\n\\aleph_0\ny\n", encoding="utf-8")
    made = generate(str(tmp_path / "out"), ["z", "^"], str(source))
    assert (made.written, made.failed) == (3, 3)
    error = outcome(made)
    assert error is not None and error.exit_code == 1
    told = capsys.readouterr().err
    assert (
        "--latex ^" in told
        and "line 3" in told
        and r"line 4: \aleph is not in the stroke font" in told
    )
    captions = (tmp_path / "out" / "caption.txt").read_text("utf-8").splitlines()
    assert captions == ["00001\tz", "00002\tx ^ { 2 }", "00003\ty"]


def test_comments_are_no_expressions(tmp_path: Path) -> None:
    source = tmp_path / "formulas.txt"
    source.write_text("% from the lecture\n  % and more\nx % the first\n100\\%\n", "utf-8")
    made = generate(str(tmp_path / "out"), source=str(source))
    assert (made.written, made.failed) == (2, 0)
    captions = (tmp_path / "out" / "caption.txt").read_text("utf-8").splitlines()
    assert captions == ["00001\tx", "00002\t1 0 0 \\%"]


def test_the_captions_of_a_data_set_are_written_again(tmp_path: Path) -> None:
    generate(str(tmp_path / "first"), RAW)
    generate(str(tmp_path / "again"), source=str(tmp_path / "first" / "caption.txt"))
    first, again = ((tmp_path / name / "caption.txt") for name in ("first", "again"))
    assert again.read_text("utf-8") == first.read_text("utf-8")


def test_names_of_captions_are_no_expressions(tmp_path: Path) -> None:
    (tmp_path / "caption.txt").write_text("a.png x + 1\nb.png\t\n\nc\ty\n", "utf-8")
    made = generate(str(tmp_path / "out"), source=str(tmp_path / "caption.txt"))
    assert (made.written, made.failed) == (2, 0)
    captions = (tmp_path / "out" / "caption.txt").read_text("utf-8").splitlines()
    assert captions == ["00001\tx + 1", "00002\ty"]


@pytest.mark.parametrize("latex", [
    r"\begin{matrix} \end{matrix}", r"\begin{matrix} & \\ & \end{matrix}",
])  # fmt: skip
def test_a_matrix_without_ink_is_told_and_stops_no_other(tmp_path: Path, latex: str) -> None:
    made = generate(str(tmp_path), [latex, "x"])
    assert (made.written, made.failed) == (1, 1)


def test_nothing_to_write_is_an_error_and_makes_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no expression"):
        generate(str(tmp_path / "out"), ["^"])
    with pytest.raises(InputError, match="cannot be read"):
        generate(str(tmp_path / "out"), source=str(tmp_path / "none.txt"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "options", [{"count": 0}, {"seed": -1}, {"engine": "quill"}, {"engine": "hmeg", "page": True}]
)
def test_wrong_options_are_wrong_usage(tmp_path: Path, options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        generate(str(tmp_path / "out"), **options)  # type: ignore[arg-type]


def test_the_painting_engine_leaves_images_boxes_and_labels_and_says_that_it_has_no_ink(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = generate(str(tmp_path), [*RAW, r"\begin{matrix} a \end{matrix}"], engine="hmeg")
    assert (made.written, made.failed) == (2, 1)
    told = capsys.readouterr().err
    assert "no InkML and no SVG" in told and "use --engine ink" in told
    assert sorted(contents(tmp_path)) == [
        "00001.png", "00002.png", "boxes.json", "caption.txt", "gallery.html",
    ]  # fmt: skip
    assert [sample.label for sample in open_dataset(str(tmp_path))] == LABELS
    signs = json.loads((tmp_path / "boxes.json").read_text())["annotations"]
    for sign in signs:
        image = cv2.imread(str(tmp_path / f"{sign['image_id']:05d}.png"), cv2.IMREAD_UNCHANGED)
        x, y, width, height = (round(side) for side in sign["bbox"])
        assert image[y : y + height, x : x + width].min() < 128, "there is ink in every box"
    assert (tmp_path / "gallery.html").read_text().count("<img") == 2


def test_a_painted_item_depends_on_seed_and_index_alone(tmp_path: Path) -> None:
    for folder, count, jobs in (("one", 4, 1), ("two", 4, 2), ("few", 2, 1)):
        generate(str(tmp_path / folder), count=count, seed=7, jobs=jobs, engine="hmeg")
    generate(str(tmp_path / "other"), count=2, seed=8, jobs=1, engine="hmeg")
    one, two, few, other = (contents(tmp_path / n) for n in ("one", "two", "few", "other"))
    assert one == two
    assert few["00002.png"] == one["00002.png"] != other["00002.png"]


def test_a_folder_that_cannot_be_made_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here already")
    with pytest.raises(OutputError):
        generate(str(tmp_path / "file" / "out"), ["x"])


def test_pages_have_boxes_round_their_expressions_and_eval_scores_them(tmp_path: Path) -> None:
    made = generate(str(tmp_path), count=2, page=True, seed=3)
    assert made.written == 2
    assert sorted(contents(tmp_path)) == [
        "00001.json", "00001.png", "00002.json", "00002.png", "gallery.html",
    ]  # fmt: skip
    for name in ("00001", "00002"):
        page = cv2.imread(str(tmp_path / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
        truth = json.loads((tmp_path / f"{name}.json").read_text())
        assert len(truth["expressions"]) > 2
        assert truth["formulas"] == [one["box"] for one in truth["expressions"]]
        boxes = np.array(truth["formulas"])
        for x0, y0, x1, y1 in boxes.round().astype(int):
            assert 0 <= x0 < x1 <= page.shape[1] and 0 <= y0 < y1 <= page.shape[0]
            inside = page[y0:y1, x0:x1] < 128
            assert inside.any()
            edge = np.concatenate([inside[0], inside[-1]])
            assert edge.mean() < 0.1, "the ink of an expression ends inside its box"
    scored = eval_regions.evaluate(open_any(str(tmp_path), limit=1), find=lambda study, fold: [])
    assert len(scored.outcomes) == 1 and scored.failed == 0


def test_readings_of_generated_pages_are_scored_end_to_end(tmp_path: Path) -> None:
    given = [r"\frac { a } { b }", "x + 1"]
    generate(str(tmp_path), [r"\frac ab", "x+1"], count=2, page=True, seed=3)
    dataset = open_any(str(tmp_path))
    assert isinstance(dataset, PageDataset) and dataset.labelled
    for page in dataset.pages:
        assert page.expressions
        assert {one.label for one in page.expressions} <= set(given)
        reads = [ReadExpression(one.box, one.label, 1.0) for one in page.expressions]
        found = score_pages([score_page(page.name, page.expressions, reads[1:])])
        total = found.display.truth + found.inline.truth
        right = found.display.right + found.inline.right
        assert (total, right) == (len(page.expressions), len(page.expressions) - 1)
    kinds = [one.kind for page in dataset.pages for one in page.expressions or ()]
    assert set(kinds) == {"display", "inline"}


def test_expressions_larger_than_a_page_are_told_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    laid_out: list[Tree] = []

    def counted(
        tree: Tree, style: WriterStyle, rng: np.random.Generator
    ) -> tuple[list[Points], tuple[tuple[int, ...], ...], list[str]]:
        laid_out.append(tree)
        return inscribe(tree, style, rng)

    monkeypatch.setattr(pages, "inscribe", counted)
    wide = " + ".join(["x"] * 90)
    made = generate(str(tmp_path / "wide"), [wide], count=2, page=True, seed=3, jobs=1)
    assert (made.written, made.failed) == (2, 1)
    assert len(laid_out) <= 2 * 3
    error = outcome(made)
    assert error is not None and error.exit_code == 1
    told = capsys.readouterr().err
    assert told.count("too large for a page") == 1 and wide in told
    made = generate(str(tmp_path / "both"), ["x", wide], count=2, page=True, seed=3, jobs=1)
    assert (made.written, made.failed) == (2, 1)
    both = open_any(str(tmp_path / "both"))
    assert isinstance(both, PageDataset)
    for page in both.pages:
        assert {one.label for one in page.expressions or ()} == {"x"}
    made = generate(str(tmp_path / "fits"), RAW, count=1, page=True, seed=3, jobs=1)
    assert (made.written, made.failed) == (1, 0)


def test_what_an_earlier_run_left_is_refused_or_cleared_and_nothing_else(tmp_path: Path) -> None:
    generate(str(tmp_path / "few"), RAW, count=2)
    out = tmp_path / "out"
    generate(str(out), RAW, count=5)
    (out / "README").write_text("mine")
    with pytest.raises(OutputError, match=r"00003\.inkml of an earlier run and 8 more.*--force"):
        generate(str(out), RAW, count=2)
    generate(str(out), RAW, count=2, force=True)
    assert contents(out) == {**contents(tmp_path / "few"), "README": b"mine"}
    with pytest.raises(OutputError, match="of an earlier run"):
        generate(str(out), page=True)
    generate(str(out), page=True, force=True)
    assert set(contents(out)) == {"00001.png", "00001.json", "gallery.html", "README"}


def test_force_removes_nothing_from_a_folder_that_is_not_hmers(tmp_path: Path) -> None:
    (tmp_path / "00007.png").write_bytes(b"mine")
    generate(str(tmp_path), RAW, count=2, force=True)
    assert (tmp_path / "00007.png").read_bytes() == b"mine"


def test_a_file_without_expressions_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(InputError, match=r"empty\.txt: no expression in it"):
        generate(str(tmp_path / "out"), source=str(tmp_path / "empty.txt"))


@pytest.mark.parametrize("page", [False, True])
def test_a_run_that_is_broken_off_leaves_no_truths_of_an_earlier_one(
    page: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    generate(str(out), count=3, seed=1, page=page, jobs=1)
    generate(str(other), count=3, seed=2, page=page, jobs=1)
    before, wanted = contents(out), contents(other)
    put, written = files.replace, list[str]()

    def killed_at_the_second_image(path: Path, data: bytes) -> bool:
        done = put(path, data)
        written.append(path.name)
        if path.name == "00002.png":
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(files, "replace", killed_at_the_second_image)
    with pytest.raises(KeyboardInterrupt):
        generate(str(out), count=3, seed=2, page=page, jobs=1)
    assert "caption.txt" not in written
    left = contents(out)
    assert left["00002.png"] == wanted["00002.png"] != before["00002.png"]
    assert not left.keys() & {"caption.txt", "boxes.json", "00002.json"}
    monkeypatch.undo()
    generate(str(out), count=3, seed=2, page=page, jobs=1)
    assert contents(out) == wanted
