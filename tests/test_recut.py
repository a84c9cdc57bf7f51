"""Regions that a person cut are read in place of hmer's, wherever the page went."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from handmade import FakeRecogniser, cross, encoded, paged
from test_derivations import FIRST, SECOND, THIRD

from hmer_cli.commands.convert import convert, outcome
from hmer_cli.commands.shards import convert_shard, merge
from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.document.aligned import joined
from hmer_cli.document.corrections import Corrections
from hmer_cli.document.records import Record, RegionReading, Result, TextWord
from hmer_cli.document.recut import Anchor, NewRegion, Recut
from hmer_cli.geometry import Box
from hmer_cli.recognition.reading import Reading

PAIR = np.hstack([cross(), cross()[:, 20:]])
"""Two crosses in a row: one region for hmer, at 40 and 180 from the left."""
LEFT, RIGHT = [30, 20, 95, 105], [170, 20, 240, 105]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(*inputs: str, **options: object) -> list[Record]:
    return convert(inputs, ["r.html"], recogniser=FakeRecogniser(), **options)  # type: ignore[arg-type]


def recut(record: Record, *regions: object, **changes: object) -> Path:
    """A file with a correction that puts these regions in place of that of the record."""
    evidence = record.evidence
    assert evidence
    entry = {
        "regions": regions,
        "replaces": [{"key": evidence.key, "box": list(evidence.box)}],
        "source": record.source, "page": record.page, "file": evidence.file,
    } | changes  # fmt: skip
    content = {"hmer": "corrections", "version": 1, "corrections": [entry]}
    Path("c.json").write_text(json.dumps(content))
    return Path("c.json")


def boxes(records: list[Record]) -> list[tuple[int, ...]]:
    return [tuple(round(number / 10) for number in record.region or ()) for record in records]


@pytest.fixture
def pair() -> Record:
    Path("a.png").write_bytes(encoded(PAIR))
    (record,) = read("a.png")
    return record


def test_a_split_region_is_read_as_two_and_what_was_typed_is_taken(pair: Record) -> None:
    corrections = [recut(pair, {"box": RIGHT, "latex": r"\frac12"}, {"box": LEFT})]
    left, right = read("a.png", corrections=corrections)
    assert boxes([left, right]) == [(4, 3, 8, 9), (18, 3, 22, 9)]
    assert (left.label, left.correction) == ("x ^ { 2 }", None)
    assert (right.latex, right.status, right.confidence) == (r"\frac12", "ok", 1.0)


def test_two_regions_are_merged_again(pair: Record) -> None:
    halves = read("a.png", corrections=[recut(pair, {"box": LEFT}, {"box": RIGHT})])
    found = [{"key": h.evidence.key, "box": list(h.evidence.box)} for h in halves if h.evidence]
    split = Path("c.json").rename("split.json")
    merge = recut(halves[0], {"box": [20, 10, 250, 110]}, replaces=found)
    (whole,) = read("a.png", corrections=[split, merge])
    assert boxes([whole]) == boxes([pair])


def test_a_region_that_was_missed_is_added_in_its_place(pair: Record) -> None:
    (first,) = read("a.png", corrections=[recut(pair, {"box": LEFT})])
    only_left = Path("c.json").rename("left.json")
    drawn = recut(first, {"box": RIGHT}, replaces=[])
    records = read("a.png", corrections=[only_left, drawn])
    assert boxes(records) == [(4, 3, 8, 9), (18, 3, 22, 9)]


def test_a_second_run_takes_what_was_read_from_the_cache(pair: Record, tmp_path: Path) -> None:
    class Reader(FakeRecogniser):
        identity = "fake"

    corrections = [recut(pair, {"box": LEFT}, {"box": RIGHT})]
    first, second = Reader(), Reader()
    options = {"corrections": corrections, "cache": tmp_path / "cache"}
    one = convert(["a.png"], ["a.md"], recogniser=first, **options)  # type: ignore[arg-type]
    two = convert(["a.png"], ["b.md"], recogniser=second, **options)  # type: ignore[arg-type]
    assert one == two
    assert Path("a.md").read_bytes() == Path("b.md").read_bytes()
    assert len(two) == 2 and sum(first.batches) == 3 and second.batches == []


def test_regions_that_were_cut_anew_are_labelled_handwriting_too(
    pair: Record, tmp_path: Path
) -> None:
    class Reader(FakeRecogniser):
        identity = "fake"

    given = {
        "corrections": [recut(pair, {"box": RIGHT, "latex": r"\frac12"}, {"box": LEFT})],
        "cache": tmp_path / "cache",
    }
    convert(["a.png"], ["a.md"], recogniser=Reader(), **given)  # type: ignore[arg-type]
    convert(["a.png"], ["ink/"], recogniser=Reader(), **given)  # type: ignore[arg-type]
    found = open_dataset("ink")
    assert sorted(sample.label for sample in found) == [r"\frac { 1 } { 2 }", "x ^ { 2 }"]


def test_a_region_without_ink_is_a_failure_that_is_named(
    pair: Record, capsys: pytest.CaptureFixture[str]
) -> None:
    corrections = [recut(pair, {"box": [100, 5, 150, 20]}, {"box": LEFT})]
    records = read("a.png", corrections=corrections)
    assert sorted(record.status for record in records) == ["failed", "ok"]
    assert "nothing was read on page 1" in capsys.readouterr().err


def test_the_page_is_found_by_its_ink_when_the_file_has_changed() -> None:
    tall = np.vstack([cross(), cross()[10:], cross()[40:]])
    Path("a.pdf").write_bytes(paged([PAIR, tall]))
    pair, *_ = read("a.pdf")
    at_200_dpi = [{"box": [number * 200 / 72 for number in box]} for box in (LEFT, RIGHT)]
    corrections = [recut(pair, *at_200_dpi)]
    Path("b.pdf").write_bytes(paged([tall, PAIR]))
    records = read("b.pdf", corrections=corrections)
    moved = [record for record in records if record.page == 2]
    assert outcome(records) is None
    assert len(moved) == 2
    Path("c.pdf").write_bytes(paged([tall, cross(150)]))
    other = read("c.pdf", corrections=corrections)
    assert outcome(other) is not None
    assert len(other) < len(records)


def test_regions_that_were_cut_move_with_the_ink_of_their_page(pair: Record) -> None:
    corrections = [recut(pair, {"box": RIGHT, "latex": "y"}, {"box": LEFT})]
    page = np.full((300, 500), 255, np.uint8)
    page[30:150, 70:370] = PAIR
    Path("moved.png").write_bytes(encoded(page))
    records = read("moved.png", corrections=corrections)
    assert boxes(records) == [(11, 6, 15, 12), (25, 6, 29, 12)]
    assert [record.correction for record in records] == [None, "y"]


@pytest.mark.parametrize("said", ["x=1", ""])
@pytest.mark.parametrize("box", [[20, 10, 250, 110], [20, 10, 205, 110]])  # of all ink, of less
def test_of_a_correction_and_a_recut_of_its_region_the_later_one_holds(
    pair: Record, box: list[int], said: str
) -> None:
    evidence = pair.evidence
    assert evidence
    place = {"box": list(evidence.box), "file": evidence.file, "page": pair.page}
    entry = {"latex": said, "key": evidence.key, **place}
    content = {"hmer": "corrections", "version": 1, "corrections": [entry]}
    Path("old.json").write_text(json.dumps(content))
    new = recut(pair, {"box": box, "latex": "x=12"})
    records = read("a.png", corrections=[Path("old.json"), new])
    assert [record.latex for record in records] == ["x=12"]
    assert outcome(records) is None
    (record,) = read("a.png", corrections=[new, Path("old.json")])
    assert record.correction == said


@pytest.mark.parametrize("placed", [True, False])
@pytest.mark.parametrize("typed", ["", "x=1"])
def test_a_region_that_was_cut_to_be_read_is_mathematics_again(
    pair: Record, typed: str, placed: bool
) -> None:
    evidence = pair.evidence
    assert evidence
    entry: dict[str, object] = {"latex": typed, "key": evidence.key}
    if placed:
        entry |= {"box": list(evidence.box), "file": evidence.file, "page": pair.page}
    content = {"hmer": "corrections", "version": 1, "corrections": [entry]}
    Path("old.json").write_text(json.dumps(content))
    new = recut(pair, {"box": [20, 10, 250, 110]}, replaces=[])
    (record,) = read("a.png", corrections=[Path("old.json"), new])
    assert (record.latex, record.correction) == (typed or "x^2", typed or None)
    assert outcome([record]) is None
    (record,) = read("a.png", corrections=[new, Path("old.json")])
    assert record.correction == typed


def test_a_correction_of_a_region_that_a_later_file_splits_is_done_with(pair: Record) -> None:
    evidence = pair.evidence
    assert evidence
    entry = {"latex": "y", "key": evidence.key}
    content = {"hmer": "corrections", "version": 1, "corrections": [entry]}
    Path("old.json").write_text(json.dumps(content))
    records = read("a.png", corrections=[Path("old.json"), recut(pair, {"box": LEFT})])
    assert [record.correction for record in records] == [None]
    assert outcome(records) is None


def region(name: str, top: float) -> RegionReading:
    box = (10.0, top, 100.0, top + 30)
    return RegionReading(box, box, name, Reading("x", 0.9))


def anchored(*readings: RegionReading) -> tuple[Anchor, ...]:
    return tuple(Anchor(each.key, each.box) for each in readings)


def typed_on(page: list[RegionReading], *recuts: Recut) -> list[str | None]:
    """What was typed for each of the regions of another file after these recuts, from above."""

    def drawn(boxes: Sequence[Box]) -> list[RegionReading]:
        return [RegionReading(box, box, f"in {box}", Reading("z", 0.5)) for box in boxes]

    corrections = Corrections(recuts)
    result, typed, _ = corrections.recut("new file", 2, Result("fake", tuple(page)), drawn)
    return [typed.get(each.box) for each in result.expressions]


def test_recuts_of_one_page_are_found_by_what_others_of_them_replace() -> None:
    a, b, c = page = [region("a", 10), region("b", 100), region("c", 200)]
    recuts = [
        Recut("old", 1, (NewRegion((10, 10, 120, 40), "A"),), anchored(a), anchored(b, c)),
        Recut("old", 1, (NewRegion((10, 100, 120, 130), "B"),), anchored(b), anchored(a, c)),
    ]
    assert typed_on(page, *recuts) == ["A", "B", None]


def test_a_recut_beside_a_derivation_one_line_of_which_stood_alone_is_found() -> None:
    """As that line had been corrected or cut, the reviewer saw the others as a derivation."""
    missed = NewRegion((400, 30, 500, 60), "A")
    near = anchored(joined([SECOND, THIRD]))
    recut = Recut("old", 1, (missed,), near=near)
    assert typed_on([FIRST, SECOND, THIRD], recut).count("A") == 1


@pytest.mark.parametrize(
    ("label", "typed", "kept"),
    [("n + 1", None, ["let"]), ("", None, ["let", "n + 1", ""]), ("", "n+1", ["let"])],
)
def test_what_a_region_that_was_drawn_says_is_in_the_document_once(
    label: str, typed: str | None, kept: list[str]
) -> None:
    drawn: Box = (300, 0, 400, 40)
    text = (
        TextWord("let", (100, 0, 190, 40), 0, 0.9),
        TextWord("n + 1", (310, 5, 395, 38), 0, 0.8, "math"),
        TextWord("", (380, 2, 410, 38), 0, 0.0, "unread"),
    )
    reading = RegionReading((200, 0, 420, 40), drawn, "new", Reading(label, 0.9))
    corrections = Corrections([Recut("f", 1, (NewRegion(drawn, typed),))])
    page = Result("fake", (), (2, 0, 0, 0, 1, 0, 0, 0, 1), text)
    result, *_ = corrections.recut("f", 1, page, lambda boxes: [reading])
    assert [word.text for word in result.text] == kept


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"regions": []}, "changes nothing"),
        ({"regions": [{"box": [1, 2, 3]}]}, '"box"'),
        ({"regions": [{"box": [5, 5, 5, 9]}]}, '"box"'),
        ({"regions": [{"box": [1, 2, 3, 4], "latex": 5}]}, '"latex"'),
        ({"regions": [{"box": [1, 2, 3, 4], "latex": r"\frac{a"}]}, "closes it"),
        ({"regions": [{"box": [1, 2, 3, 4], "latex": r"\left.\right."}]}, "says nothing"),
        ({"regions": 3}, '"regions"'),
        ({"regions": [{"box": [1, 2, 3, 4]}], "replaces": [{"key": 3}]}, '"key"'),
    ],
)
def test_a_bad_recut_is_named_and_stops_nothing(
    entry: dict[str, object], fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = {"file": "f", "page": 1, "source": "a.png"} | entry
    content = {"hmer": "corrections", "version": 1, "corrections": [entry]}
    Path("c.json").write_text(json.dumps(content))
    assert not Corrections.load([Path("c.json")]).recuts
    said = capsys.readouterr().err
    assert said.startswith("hmer: c.json: correction 1 (a.png, page 1)") and fault in said


def test_shards_put_together_say_that_regions_cannot_be_cut_anew(
    pair: Record, capsys: pytest.CaptureFixture[str]
) -> None:
    corrections = [recut(pair, {"box": LEFT})]
    convert_shard(["a.png"], ["s.jsonl"], "1/1", recogniser=FakeRecogniser())
    records = merge(["o.jsonl"], [Path("s.jsonl")], corrections=corrections)
    assert len(records) == 1
    assert "(a.png, page 1) needs the pages again: give it to hmer convert" in (
        capsys.readouterr().err
    )
