"""Ids name the ink: pages, names and neighbours change none, and no correction gets lost."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from handmade import FakeRecogniser, cross, encoded, paged
from hypothesis import given, settings
from hypothesis import strategies as st
from test_derivations import FIRST, SECOND, THIRD, line

from hmer_cli.commands.convert import convert
from hmer_cli.document.build_records import records_of
from hmer_cli.document.corrections import Correction, Corrections
from hmer_cli.document.ids import Named, by_line, file_slug, ink_id, named, source_ids
from hmer_cli.document.records import PageRead, Record, RegionReading, Result

LASTING = r"[k-z]{12}[a-j]*"


def record(source: str = "a.png", page: int | None = 1, **changes: object) -> Record:
    fields = {"region": None, "latex": "x", "confidence": 0.9, "status": "ok", "error": None}
    return Record(source, page, **(fields | {"model": "m"} | changes))  # type: ignore[arg-type]


def aliases(*records: Record) -> list[str]:
    return [each.alias for each in named(records)]


def test_aliases_are_made_of_source_page_and_region() -> None:
    records = [record("in/notes.pdf", 2), record("in/notes.pdf", 2), record("-"), record("Übung 1")]
    assert aliases(*records) == ["notes-p2-r1", "notes-p2-r2", "stdin-p1-r1", "Ubung-1-p1-r1"]


def test_sources_of_one_stem_go_by_their_path() -> None:
    records = [record("a/x.png"), record("b/x.png"), record("b/x.jpg"), record("c/y.png")]
    assert aliases(*records) == ["a-x-png-p1-r1", "b-x-png-p1-r1", "b-x-jpg-p1-r1", "y-p1-r1"]


def test_a_name_in_either_form_of_unicode_has_one_alias_and_one_folder_of_drawings() -> None:
    composed, apart = (
        unicodedata.normalize(form, "b/\u0439 \uac00.png") for form in ("NFC", "NFD")
    )
    assert composed != apart
    assert aliases(record(composed)) == aliases(record(apart))
    assert file_slug(composed) == file_slug(apart)
    assert len(set(source_ids([composed, apart]).values())) == 2  # two files, where they are


def test_sources_whose_stems_differ_in_case_alone_go_by_their_path() -> None:
    records = [record("a/Scan.png"), record("b/scan.png"), record("c/scans.png")]
    assert aliases(*records) == ["a-Scan-png-p1-r1", "b-scan-png-p1-r1", "scans-p1-r1"]
    assert len({stem.casefold() for stem in source_ids(["a/x.png", "A/X.png"]).values()}) == 2


SOURCES = st.lists(st.text(min_size=1), min_size=1, max_size=8, unique=True)


@given(SOURCES, st.randoms())
def test_aliases_are_unique_plain_and_free_of_order(sources: list[str], random) -> None:  # type: ignore[no-untyped-def]
    stems = source_ids(sources)
    assert len({stem.casefold() for stem in stems.values()}) == len(sources)
    assert all(re.fullmatch(r"[A-Za-z0-9-]+", stem) for stem in stems.values())
    assert stems == source_ids(random.sample(sources, len(sources)))


@given(st.lists(st.sampled_from(["", "1", "2", "3"]), max_size=40))
def test_ids_are_unique_and_letters_alone(keys: list[str]) -> None:
    ids = [each.id for each in named([record(key=key) for key in keys])]
    assert len(set(ids)) == len(keys)
    assert all(re.fullmatch(LASTING, each) for each in ids)


def test_a_derivation_its_lines_and_where_they_belong() -> None:
    page = PageRead("a.png", 1, Result("m", (FIRST, SECOND, THIRD, line("z", 900, 50))))
    whole, other = named(list(records_of([page], Corrections())))
    assert [each.alias for each in whole.lines] == ["a-p1-r1", "a-p1-r2", "a-p1-r3"]
    assert (whole.alias, other.alias) == ("a-p1-r1", "a-p1-r4")
    assert {each.derivation for each in whole.lines} == {whole.id}
    assert [each.id for each in whole.lines] == [ink_id(e.key) for e in (FIRST, SECOND, THIRD)]
    assert len({whole.id, other.id, *(each.id for each in whole.lines)}) == 5


LINES = st.sampled_from(["f = a", "= b", "= c", "x", "y = 1", "z"])
PAGES = st.lists(st.lists(LINES, max_size=4), min_size=1, max_size=4)


def drawn(labels: list[str], number: int) -> tuple[RegionReading, ...]:
    """Expressions one under the other, whose ink is that of no other page."""
    found = [line(label, 100, 40 * i + 50) for i, label in enumerate(labels)]
    return tuple(replace(each, key=f"{each.key} of {number}") for each in found)


def read(
    pages: list[tuple[RegionReading, ...]], source: str, corrections: Corrections, file: str
) -> list[Named]:
    reads = [
        PageRead(source, number, Result("m", expressions), file)
        for number, expressions in enumerate(pages, 1)
    ]
    records = [each for each in records_of(reads, corrections) if each.status != "failed"]
    return named(records)


def everything(names: list[Named]) -> dict[str, str]:
    """Ink by the id, of derivations as of their lines."""
    both = [*names, *(each for whole in names for each in whole.lines)]
    return {each.id: each.record.key for each in both}


@given(PAGES, st.lists(LINES, min_size=1, max_size=3), st.data())
@settings(max_examples=200)
def test_no_id_and_no_correction_is_lost(
    pages: list[list[str]], more: list[str], data: st.DataObject
) -> None:
    """Two people correct a file; then it gets a page more and another name."""
    before = [drawn(labels, number) for number, labels in enumerate(pages)]
    first = read(before, "a.pdf", Corrections(), "1")
    keys = [each.record.key for each in first]
    people = [
        data.draw(st.dictionaries(st.sampled_from(keys), LINES)) if keys else {} for _ in "ab"
    ]
    typed = [Correction(latex, key, latex=f"{latex} {who}") for who, person in enumerate(people)
             for key, latex in person.items()]  # fmt: skip
    at = data.draw(st.integers(0, len(before)))
    after = [*before[:at], drawn(more, 99), *before[at:]]
    later = read(after, "renamed.pdf", Corrections(typed), "2")
    assert everything(first).items() <= everything(later).items()
    wanted = {each.key: each.typed for each in typed}
    shown = {each.record.key: each.record.latex for each in later}
    assert wanted.items() <= shown.items()
    listed = {each.record.key: each.record.latex for each in by_line(later)}
    assert wanted.items() <= listed.items()


def test_the_correction_of_a_derivation_holds_beside_that_of_a_line() -> None:
    page = PageRead("a.png", 1, Result("m", (FIRST, SECOND)))
    (whole,) = records_of([page], Corrections())
    mine, yours = Correction("x", whole.key), Correction("= e", SECOND.key)
    (kept,) = records_of([page], Corrections([mine, yours]))
    assert kept.latex == "x"


def sheet(number: int) -> np.ndarray:
    """A page with ink of its own."""
    return np.hstack([cross(), np.full((120, 40), 255, np.uint8), cross()[:, : 60 + number]])


@pytest.mark.parametrize("at", [0, 1, 3])
def test_from_files_to_files(tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pages = [sheet(3 * number) for number in range(3)]
    Path("notes.pdf").write_bytes(paged(pages))
    Path("one").mkdir()
    first = convert(["notes.pdf"], ["a.jsonl", "a.html"], recogniser=FakeRecogniser())
    people = []
    for number in (0, 2):
        entry = {"latex": f"x_{number}", "key": first[number].key}
        content = {"hmer": "corrections", "version": 1, "corrections": [entry]}
        people.append(Path(f"{number}.json"))
        people[-1].write_text(json.dumps(content))
    Path("one/renamed.pdf").write_bytes(paged([*pages[:at], sheet(30), *pages[at:]]))
    Path("one/notes.png").write_bytes(encoded(sheet(50)))
    convert(["one"], ["b.jsonl"], corrections=people, recogniser=FakeRecogniser())
    before, after = (
        {fields["id"]: fields for fields in map(json.loads, Path(name).read_text().splitlines())}
        for name in ("a.jsonl", "b.jsonl")
    )
    assert before.keys() < after.keys()
    shown = [after[each]["latex"] for each in before]
    assert shown == ["x_0", "x^2", "x_2"]
    aliases = [fields["alias"] for fields in after.values()]
    assert aliases == ["notes-p1-r1", *(f"renamed-p{n}-r1" for n in range(1, 5))]
    assert f'"id":"{next(iter(before))}"' in Path("a.html").read_text()
