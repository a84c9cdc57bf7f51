"""What people typed is found again: by the ink, by its place, and whatever the file is called."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from handmade import FakeRecogniser, cross, encoded, paged
from test_derivations import FIRST, SECOND, THIRD

from hmer_cli.commands.convert import convert, outcome
from hmer_cli.document.build_records import records_of
from hmer_cli.document.corrections import Correction, Corrections
from hmer_cli.document.records import PageRead, Record, RegionReading, Result
from hmer_cli.errors import UsageError
from hmer_cli.recognition.reading import Reading

KEY = "0" * 64
PLACE = {"file": "f" * 64, "page": 2, "box": [10, 10, 110, 60]}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def saved(*entries: object, name: str = "c.json", **changes: object) -> Path:
    content = {"hmer": "corrections", "version": 1, "corrections": entries} | changes
    Path(name).write_text(json.dumps(content))
    return Path(name)


def found(entry: dict[str, object], **place: object) -> str | None:
    where = {"key": "", "file": "f" * 64, "page": 2, "box": (10, 10, 110, 60)} | place
    correction = Corrections.load([saved(entry)]).find(**where)  # type: ignore[arg-type]
    return correction and correction.typed


def evident(*inputs: str, **options: object) -> list[Record]:
    """The records of a run whose output shows what they rest on."""
    return convert([*inputs], ["r.html"], recogniser=FakeRecogniser(), **options)  # type: ignore[arg-type]


def exported(record: Record, latex: str) -> dict[str, object]:
    assert record.evidence
    return {
        "latex": latex,
        "source": record.source,
        "page": record.page,
        "key": record.evidence.key,
    }


def test_a_correction_goes_by_the_ink_wherever_the_file_went() -> None:
    Path("a.png").write_bytes(encoded(cross()))
    (read,) = evident("a.png")
    corrections = [saved(exported(read, r"\frac12"))]
    shifted = np.roll(cross(), (20, 40), (0, 1))
    Path("elsewhere.png").write_bytes(encoded(shifted))
    (corrected,) = evident("elsewhere.png", corrections=corrections)
    assert (corrected.latex, corrected.status) == (r"\frac12", "ok")
    assert corrected.label == r"\frac { 1 } { 2 }"
    assert (corrected.confidence, corrected.correction) == (1.0, corrected.latex)


def test_other_ink_keeps_its_reading() -> None:
    Path("a.png").write_bytes(encoded(cross()))
    (read,) = evident("a.png")
    Path("b.png").write_bytes(encoded(np.fliplr(cross())[:, ::2]))
    (other,) = evident("b.png", corrections=[saved(exported(read, "y"))])
    assert (other.label, other.correction) == ("x ^ { 2 }", None)


@pytest.mark.parametrize(
    ("place", "label"),
    [
        ({}, "y"),
        ({"box": (12, 8, 108, 66)}, "y"),
        ({"box": (60, 10, 160, 60)}, None),
        ({"page": 3}, None),
        ({"file": "e" * 64}, None),
    ],
)
def test_without_its_ink_a_correction_goes_by_its_place(
    place: dict[str, object], label: str | None
) -> None:
    assert found({"latex": "y", "key": KEY, **PLACE}, key="1" * 64, **place) == label


@pytest.mark.parametrize(
    ("typed", "foot", "right", "read"),
    [
        ("y", 64, 103, ("y", "ok", None)),
        ("y", 100, 100, ("y", "low", "corrected when its box was smaller")),
        ("y", 60, 60, ("y", "low", "corrected when its box was larger")),
        ("y", 86, 74, ("y", "low", "corrected when its box was another")),
        ("", 100, 100, ("x", "low", "no mathematics when its box was smaller")),
        ("", 60, 60, ("", "ok", None)),
    ],
)
def test_a_correction_of_a_place_whose_box_is_plainly_another_now_is_in_doubt(
    typed: str, foot: int, right: int, read: tuple[object, ...]
) -> None:
    box = (10.0, 10.0, float(right), float(foot))
    region = RegionReading(box, box, "new ink", Reading("x", 0.9))
    page = PageRead("a.png", 1, Result("fake", (region,)), file="f")
    corrections = Corrections([Correction(typed, "old", "f", 1, (10, 10, 100, 60))])
    (record,) = records_of([page], corrections)
    assert (record.latex, record.status, record.error) == read
    assert record.status == "ok" or record.confidence <= 0.5
    assert corrections.unused() == []


def test_of_two_corrections_at_a_place_the_nearer_one_holds() -> None:
    near = Correction("n", "1", "f", 1, (0, 0, 10, 10))
    far = Correction("f", "2", "f", 1, (4, 0, 14, 10))
    assert Corrections([near, far]).find("", "f", 1, (1, 0, 11, 10)) == near


def test_a_later_file_holds_against_an_earlier_one() -> None:
    first = saved({"latex": "a", "key": KEY}, name="1.json")
    second = saved({"latex": "b", "key": KEY}, name="2.json")
    holds = Corrections.load([first, second]).find(KEY, "", 1, (0, 0, 1, 1))
    assert holds and holds.typed == "b"


def reviewed(name: str = "r.html") -> list[dict[str, object]]:
    """What the script of a review page knows of each expression."""
    data = Path(name).read_text("utf-8").split('id="data">')[1].split("</script>")[0]
    entries: list[dict[str, object]] = json.loads(data)["entries"]
    return entries


@pytest.mark.parametrize("latex", ["y", ""])
def test_the_review_page_knows_what_was_read_without_places_of_tokens(latex: str) -> None:
    Path("a.png").write_bytes(encoded(cross()))
    (read,) = evident("a.png")
    evident("a.png", corrections=[saved(exported(read, latex))])
    (entry,) = reviewed()
    assert (entry["read"], entry["tokens"]) == ("x^2", [])


def test_a_page_on_which_nothing_was_found_is_on_the_review_page_alone() -> None:
    Path("a.pdf").write_bytes(paged([np.full_like(cross(), 255), cross()]))
    records = convert(["a.pdf"], ["o.jsonl", "r.html"], recogniser=FakeRecogniser())
    assert [record.page for record in records] == [2]
    assert len(Path("o.jsonl").read_text().splitlines()) == 1
    entries = reviewed()
    assert [(e["page"], e["status"], e["picture"]) for e in entries] == [
        (1, "empty", 0),
        (2, "ok", 1),
    ]
    assert [e["key"] is None for e in entries] == [True, False]


def test_what_is_dismissed_is_in_no_document_and_no_other_id_changes() -> None:
    wide = np.hstack([cross(), cross()[:, :100]])
    Path("a.pdf").write_bytes(paged([cross(), wide]))
    first, second = evident("a.pdf")
    outs = ["o.tex", "o.jsonl", "o.md"]
    options = {"corrections": [saved(exported(first, ""))], "recogniser": FakeRecogniser()}
    records = convert(["a.pdf"], outs, **options)  # type: ignore[arg-type]
    assert [record.dismissed for record in records] == [True, False]
    tex = Path("o.tex").read_text()
    assert "{a-p2-r1}" in tex and "a-p1" not in tex
    assert "a-p1" not in Path("o.md").read_text()
    assert [json.loads(line)["page"] for line in Path("o.jsonl").read_text().splitlines()] == [2]
    assert second.page == 2


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"latex": r"\frac { a", "key": KEY}, "closes it"),
        ({"latex": r"a \nonsense", "key": KEY}, "token 2 (\\nonsense)"),
        ({"latex": "a"}, '"key"'),
        ({"key": KEY}, '"latex"'),
        ({"latex": "a", "file": "f", "page": 1, "box": [1, 2, 3]}, '"box"'),
        ("a", '"latex"'),
    ],
)
def test_a_bad_correction_is_told_with_its_place_and_stops_no_other(
    entry: object, fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if isinstance(entry, dict):
        entry = {"source": "notes.pdf", "page": 7} | entry
    good = {"latex": "y", "key": "1"}
    loaded = Corrections.load([saved(good, entry)])
    said = capsys.readouterr().err
    assert said.startswith("hmer: c.json: correction 2") and fault in said
    assert said.count("\n") == 1
    assert not isinstance(entry, dict) or "(notes.pdf, page " in said
    assert (kept := loaded.find("1", "", 1, (0, 0, 1, 1))) and kept.typed == "y"
    assert loaded.find(KEY, "", 1, (0, 0, 1, 1)) is None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "line 1"),
        ("[]", "no corrections"),
        ('{"corrections": []}', "no corrections"),
        ('{"hmer": "corrections", "version": 2, "corrections": []}', "version 2"),
    ],
)
def test_a_file_that_is_none_stops_before_anything_is_read(text: str, fault: str) -> None:
    Path("c.json").write_text(text)
    with pytest.raises(UsageError, match=fault):
        convert(["none.png"], ["o.tex"], corrections=[Path("c.json")])


def test_the_documentation_shows_a_file_that_is_one() -> None:
    readme = (Path(__file__).parent.parent / "docs" / "outputs.md").read_text("utf-8")
    Path("c.json").write_text(readme.split("```json\n")[1].split("```")[0], "utf-8")
    shown = Corrections.load([Path("c.json")])
    by_ink = shown.find("9f8e…", "", 1, (0, 0, 1, 1))
    by_place = shown.find("", "04ab…", 1, (82, 90, 310, 165))
    assert by_ink == by_place
    assert by_ink and (by_ink.typed, by_ink.label) == (r"\frac12", r"\frac { 1 } { 2 }")


def test_a_file_that_is_not_there_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        Corrections.load([Path("none.json")])


def test_a_line_that_was_corrected_by_itself_is_joined_to_no_other() -> None:
    page = PageRead("a.png", 1, Result("fake", (FIRST, SECOND, THIRD)))
    (joined,) = records_of([page], Corrections())
    corrections = Corrections([Correction("= c ^ { 2 }", SECOND.key)])
    apart = [record.label for record in records_of([page], corrections)]
    assert joined.latex.startswith(r"\begin{aligned}")
    assert apart == ["f = a + b", "= c ^ { 2 }", r"\leq d"]


def test_of_two_corrections_of_one_place_the_later_one_holds_and_both_hit() -> None:
    """As exported before and after an update, which sees the ink another way."""
    older, newer = (Correction(x, x, "f", 1, (0, 0, 10, 10), where=x) for x in "ab")
    both = Corrections([older, newer])
    assert both.find("new ink", "f", 1, (0, 0, 10, 10)) == newer
    assert both.unused() == []
    both = Corrections([older, newer])
    assert both.find("a", "f", 1, (0, 0, 10, 10)) == older
    assert both.unused() == []


def test_a_line_that_was_corrected_is_in_documents_when_only_its_place_is_known() -> None:
    page = PageRead("a.png", 1, Result("fake", (FIRST, SECOND, THIRD)), file="f")
    corrections = Corrections([Correction("= d", "older ink", "f", 1, SECOND.box)])
    assert [record.label for record in records_of([page], corrections)] == [
        "f = a + b",
        "= d",
        r"\leq d",
    ]


@pytest.mark.parametrize(("part", "typed"), [("whole", ["x = 1"]), ("line", ["x = 1", "= c"])])
def test_a_derivation_or_a_line_that_is_most_of_it_is_corrected_by_its_place(
    part: str, typed: list[str]
) -> None:
    tall = replace(FIRST, box=(100, 0, 300, 65))
    page = PageRead("a.png", 1, Result("fake", (tall, SECOND)), file="f")
    box = tall.box if part == "line" else (100, 0, 300, 105)
    corrections = Corrections([Correction("x = 1", "older ink", "f", 1, box)])
    assert [record.label for record in records_of([page], corrections)] == typed


def test_corrections_that_hit_nothing_are_named_and_the_rest_is_delivered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("a.png").write_bytes(encoded(cross()))
    (read,) = evident("a.png")
    good, idle = exported(read, "y"), {"latex": "z", "key": KEY, "source": "b.png", "page": 3}
    older = saved(exported(read, "w"), name="older.json")
    records = convert(
        ["a.png"], ["o.jsonl"], corrections=[older, saved(good, idle)], recogniser=FakeRecogniser()
    )
    assert [record.latex for record in records] == ["y"]
    assert json.loads(Path("o.jsonl").read_text())["latex"] == "y"
    said = capsys.readouterr().err
    assert "c.json: correction 2 (b.png, page 3) hits nothing" in said
    assert said.count("hits nothing") == 1
    error = outcome(records)
    assert error and error.exit_code == 1


def test_corrections_that_all_hit_are_no_word_worth(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.png").write_bytes(encoded(cross()))
    (read,) = evident("a.png")
    place = {"key": "", "file": read.evidence.file, "box": list(read.evidence.box)}  # type: ignore[union-attr]
    by_place = saved(exported(read, "y") | place)
    records = convert(["a.png"], ["o.md"], corrections=[by_place], recogniser=FakeRecogniser())
    assert outcome(records) is None
    assert "hits nothing" not in capsys.readouterr().err
