"""hmer eval on pages: regions are scored, and nothing is read."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageColor

from hmer_cli.commands import eval as verb
from hmer_cli.commands import eval_regions
from hmer_cli.commands.eval_regions import RegionEvaluation, draw_worst
from hmer_cli.datasets.pages import ExpressionDataset, PageDataset, open_any
from hmer_cli.errors import InputError, OutputError, UsageError
from hmer_cli.geometry import Box
from hmer_cli.metrics.overlays import EXCESS, MISSED, RIGHT
from hmer_cli.page.detect import detector
from hmer_cli.page.detect.search import PreparedPage

TRUTH: list[Box] = [(10, 10, 60, 40), (10, 60, 60, 90)]


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """Three pages with two boxes each; one image is damaged."""
    for name in ("a", "b", "c"):
        image = np.full((120, 90), 255, np.uint8)
        cv2.line(image, (15, 15), (50, 35), 0, 3)
        cv2.imwrite(str(tmp_path / f"{name}.png"), image)
        (tmp_path / f"{name}.json").write_text(json.dumps({"formulas": TRUTH}))
    (tmp_path / "c.png").write_bytes((tmp_path / "c.png").read_bytes()[:60])
    return tmp_path


def first_only(page: PreparedPage, fold: int | None) -> list[Box]:
    assert fold is None  # of no page that the detector was trained on
    return TRUTH[:1]


def evaluate(
    pages: str, limit: int | None = None, find: eval_regions.Finder = first_only
) -> RegionEvaluation:
    dataset = open_any(pages, limit=limit)
    assert isinstance(dataset, PageDataset)
    return eval_regions.evaluate(dataset, find)


def test_pages_are_told_from_expressions(
    pages: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "caption.txt").write_text("a\tx\n")
    (other / "notes.json").write_text('{"formulas": "none"}')
    (other / "a.png").write_bytes((pages / "a.png").read_bytes())
    assert isinstance(open_any(str(pages)), PageDataset)
    assert isinstance(open_any(str(other)), ExpressionDataset)


def test_found_boxes_are_scored_and_a_damaged_page_costs_its_boxes(pages: Path) -> None:
    found = evaluate(str(pages), find=first_only)
    scores = json.loads(found.as_json())
    assert (scores["pages"], scores["failed"]) == (3, 1)
    assert scores["scores"][0]["precision"] == 1
    assert scores["scores"][0]["recall"] == pytest.approx(2 / 6)
    assert found.failed == 1


def test_a_damaged_page_ends_the_run_with_one(pages: Path) -> None:
    assert isinstance(verb.outcome(evaluate(str(pages), find=first_only)), InputError)


def test_a_bug_on_one_page_costs_its_boxes_and_ends_the_run_with_70(
    pages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(page: PreparedPage, fold: int | None) -> list[Box]:
        raise ZeroDivisionError("here")

    found = evaluate(str(pages), find=breaks)
    ended = verb.outcome(found)
    assert found.failed == 3 and ended is not None and ended.exit_code == 70
    said = " ".join(capsys.readouterr().err.split())
    assert "a.png: page 1: this is a bug in hmer, ZeroDivisionError: here" in said


def test_pages_of_others_are_searched_as_users_pages_are(
    pages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folds: list[int | None] = []

    def find(page: PreparedPage, fold: int | None) -> list[Box]:
        folds.append(fold)
        return []

    evaluate(str(pages), 1, find)
    page = (pages / "a.png").read_bytes()
    monkeypatch.setattr(detector, "_trained_on", lambda: {zlib.crc32(page)})
    evaluate(str(pages), 1, find)
    assert folds == [None, detector.fold_of(page)]


@pytest.mark.data
def test_the_pages_that_the_detector_was_trained_on_are_known(
    data_file: Callable[[str], Path],
) -> None:
    listed = pytest.importorskip("hmer_cli.training.detector.examples").listed
    kept = Path(detector.__file__).with_name("training_pages.txt").read_text()
    assert listed(data_file("scan-pages.zip")) == kept


def test_a_page_that_its_file_lacks_is_told(
    pages: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pages / "b.json").rename(pages / "a-p2.json")
    found = evaluate(str(pages), find=first_only)
    outcomes = {outcome.name: outcome for outcome in found.outcomes}
    assert not outcomes["a-p2"].found and "has no page 2" in (outcomes["a-p2"].error or "")
    said = " ".join(capsys.readouterr().err.split())
    assert "a.png: has no page 2, of which a-p2.json is; name the truth after a page" in said


def test_boxes_are_drawn_round_the_ink_whatever_its_units(tmp_path: Path) -> None:
    ink = '<ink xmlns="http://www.w3.org/2003/InkML"><trace>{}</trace></ink>'
    trace = "1000 1000, 2000 1500, 3000 1000, 3000 2000, 1000 2000, 1000 1000"
    (tmp_path / "a.inkml").write_text(ink.format(trace))
    (tmp_path / "a.json").write_text(json.dumps({"formulas": [[1000, 1000, 3000, 2000]]}))
    found = evaluate(str(tmp_path), find=lambda page, fold: [])
    draw_worst(open_any(str(tmp_path)), found.outcomes, tmp_path)
    drawn = np.asarray(Image.open(tmp_path / "01-a.png"))
    head = 2 * max(16, drawn.shape[1] // 60)
    missed = (drawn[head:] == ImageColor.getrgb(MISSED)).all(2)
    rows, columns = np.nonzero(missed)
    inked = np.nonzero((drawn[head:].max(2) < 200) & ~missed)
    for edges, strokes in zip((rows, columns), inked, strict=True):
        assert abs(edges.min() - strokes.min()) < 8 and abs(edges.max() - strokes.max()) < 8


def test_a_limit_takes_the_first_by_name(pages: Path) -> None:
    assert [page.name for page in evaluate(str(pages), 2, first_only).outcomes] == ["a", "b"]
    with pytest.raises(UsageError):
        evaluate(str(pages), 0, first_only)


def test_pages_without_boxes_are_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no InkML and no images"):
        evaluate(str(tmp_path))


def test_options_for_reading_are_wrong_usage_on_pages(pages: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        verb.run(str(pages), predictions=str(tmp_path / "p.tsv"))


def test_the_verb_scores_regions_and_writes_json(
    pages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verb.run(str(pages), json_file=str(tmp_path / "scores.json"))
    assert json.loads((tmp_path / "scores.json").read_text())["pages"] == 3
    assert "Regions" in capsys.readouterr().out


def test_the_worst_pages_are_drawn_with_their_boxes(pages: Path, tmp_path: Path) -> None:
    found = evaluate(str(pages), find=first_only)
    draw_worst(open_any(str(pages)), found.outcomes, tmp_path / "new" / "worst")
    assert sorted(path.name for path in (tmp_path / "new" / "worst").iterdir()) == [
        "01-a.png",
        "02-b.png",
    ]
    drawn = np.asarray(Image.open(tmp_path / "new" / "worst" / "01-a.png"))
    assert drawn.shape[1] == 90 and drawn.shape[0] > 120
    colours = {tuple(colour) for colour in drawn.reshape(-1, 3).tolist()}
    assert {ImageColor.getrgb(RIGHT), ImageColor.getrgb(MISSED)} <= colours
    assert ImageColor.getrgb(EXCESS) not in {tuple(c) for c in drawn[40:].reshape(-1, 3).tolist()}


def test_a_file_of_another_program_among_the_worst_pages_stays(pages: Path, tmp_path: Path) -> None:
    found = evaluate(str(pages), find=first_only)
    (tmp_path / "01-a.png").write_bytes(b"a photo")
    with pytest.raises(OutputError, match="not hmer's"):
        draw_worst(open_any(str(pages)), found.outcomes, tmp_path)
    assert (tmp_path / "01-a.png").read_bytes() == b"a photo"


def test_pictures_of_the_worst_are_for_pages_only(tmp_path: Path) -> None:
    (tmp_path / "caption.txt").write_text("a\tx\n")
    with pytest.raises(UsageError, match="no pages"):
        verb.run(str(tmp_path), worst=str(tmp_path / "worst"))


def test_a_folder_that_cannot_be_made_is_refused_before_reading(
    pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eval_regions, "evaluate", lambda _: pytest.fail("pages were read"))
    (tmp_path / "no").write_text("a file")
    with pytest.raises(OutputError, match="no folder can be made there"):
        verb.run(str(pages), worst=str(tmp_path / "no" / "worst"))
