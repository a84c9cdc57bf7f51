"""Shards put together are the undivided run, byte for byte; what is no whole set is refused."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from handmade import FakeRecogniser, cross, encoded, paged
from hypothesis import given, settings
from hypothesis import strategies as st

from hmer_cli.commands.convert import convert, outcome
from hmer_cli.commands.shards import convert_shard, merge
from hmer_cli.errors import HmerError, UsageError
from hmer_cli.ink.render import Readable, image_of
from hmer_cli.recognition.reading import Alternative, Reading, TokenReading

ENDINGS = ("tex", "md", "jsonl", "html")


class Reader(FakeRecogniser):
    """Reads another label and confidence out of each image, whatever else is in the batch."""

    identity = "reads sums of pixels"

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        return [self._read(image_of(image)) for image in images]

    def _read(self, image: np.ndarray) -> Reading:
        if image.shape[1] % 7 == 3:
            raise MemoryError
        confidence = int(image.sum()) % 997 / 997
        label = f"x ^ {{ {image.shape[1] % 10} }}"
        tokens = tuple(TokenReading(t, confidence, (0, 0, 3, 1 / 3)) for t in label.split())
        return Reading(label, confidence, tokens, (Alternative("y", 0.1),))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images with different ink, a PDF, an archive, files of one stem, a copy, two bad files."""
    folder = tmp_path_factory.mktemp("inputs")
    wide = [np.hstack([cross(), cross()[:, : 30 + 10 * i]]) for i in range(9)]
    for i, image in enumerate(wide):
        (folder / f"page{i}.png").write_bytes(encoded(image))
    (folder / "page3.bmp").write_bytes(encoded(cross(), "BMP"))
    (folder / "copy.png").write_bytes((folder / "page0.png").read_bytes())
    (folder / "notes.pdf").write_bytes(paged([cross(), wide[0], np.full((90, 90), 255, np.uint8)]))
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("a.png", encoded(wide[4][20:]))
        archive.writestr("b.png", encoded(wide[5][:, 20:]))
    (folder / "broken.png").write_bytes(b"broken")
    (folder / "blank.png").write_bytes(encoded(np.full((90, 90), 255, np.uint8)))
    return folder


@pytest.fixture(scope="module")
def whole(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the undivided run writes."""
    folder = tmp_path_factory.mktemp("whole")
    outs = [str(folder / f"all.{ending}") for ending in ENDINGS]
    records = convert(arguments(inputs), outs, recogniser=Reader())
    assert {record.status for record in records} == {"ok", "low", "failed"}
    return folder


def arguments(inputs: Path) -> list[str]:
    return [str(inputs / "page5.png"), str(inputs), str(inputs / "nowhere.png")]


def shards(inputs: Path, folder: Path, of: int, *, pictures: bool = True) -> list[Path]:
    paths = [folder / f"{i}-{of}.jsonl" for i in range(1, of + 1)]
    cache = inputs.with_name(f"{inputs.name}-cache")  # so that each page is read once in all
    for i, path in enumerate(paths, 1):
        options = {"pictures": pictures, "recogniser": Reader(), "cache": cache}
        convert_shard(arguments(inputs), [str(path)], f"{i}/{of}", **options)  # type: ignore[arg-type]
    return paths


@pytest.fixture(scope="module")
def first_three(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return shards(inputs, tmp_path_factory.mktemp("three"), 3)


@pytest.fixture
def three(first_three: list[Path], tmp_path: Path) -> list[Path]:
    """Files of all three shards, to do with as a test likes."""
    return [Path(shutil.copy(path, tmp_path)) for path in first_three]


@settings(max_examples=8)
@given(of=st.integers(1, 20), data=st.data())
def test_shards_in_any_order_make_the_undivided_run(
    of: int,
    data: st.DataObject,
    inputs: Path,
    whole: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("shards")
    paths = data.draw(st.permutations(shards(inputs, folder, of)))
    for ending in ENDINGS:
        merge([str(folder / f"merged.{ending}")], paths)
        assert (folder / f"merged.{ending}").read_bytes() == (whole / f"all.{ending}").read_bytes()


def test_the_content_alone_says_to_which_shard_a_file_belongs(inputs: Path, tmp_path: Path) -> None:
    def sources(folder: Path) -> list[set[int]]:
        found = []
        for i in range(1, 4):
            convert_shard([str(folder)], [str(tmp_path / "s.jsonl")], f"{i}/3", recogniser=Reader())
            head, *rows = map(json.loads, (tmp_path / "s.jsonl").read_text().splitlines())
            assert (head["shard"], head["of"], head["pages"]) == (i, 3, len(rows))
            found.append({row["file"] for row in rows if row["file"]})
        return found

    renamed = tmp_path / "renamed"
    renamed.mkdir()
    for i, path in enumerate(sorted(inputs.iterdir(), reverse=True)):
        shutil.copy(path, renamed / f"{i}{path.suffix}")
    before = sources(inputs)
    assert sources(renamed) == before
    assert sum(map(len, before)) == len(set.union(*before))


def test_the_result_says_what_failed_as_the_whole_run_does(
    inputs: Path, three: list[Path], tmp_path: Path
) -> None:
    undivided = outcome(convert(arguments(inputs), [str(tmp_path / "w.md")], recogniser=Reader()))
    put_together = outcome(merge([str(tmp_path / "o.md")], three))
    assert undivided and put_together
    assert (str(put_together), put_together.exit_code) == (str(undivided), undivided.exit_code)


def test_corrections_and_spelling_are_applied_in_the_end(
    inputs: Path, three: list[Path], tmp_path: Path
) -> None:
    html = tmp_path / "r.html"
    records = convert([str(inputs / "page1.png")], [str(html)], recogniser=Reader())
    entry = {"latex": r"\beta", "key": records[0].evidence.key}  # type: ignore[union-attr]
    saved = tmp_path / "c.json"
    saved.write_text(json.dumps({"hmer": "corrections", "version": 1, "corrections": [entry]}))
    for spelling in ("typed", "tokens"):
        options = {"corrections": [saved], "spelling": spelling}
        convert(arguments(inputs), [str(tmp_path / "w.jsonl")], recogniser=Reader(), **options)  # type: ignore[arg-type]
        merge([str(tmp_path / "m.jsonl")], three, **options)  # type: ignore[arg-type]
        assert (tmp_path / "m.jsonl").read_bytes() == (tmp_path / "w.jsonl").read_bytes()
    assert r"\beta" in (tmp_path / "m.jsonl").read_text()


def refused(out: Path, paths: Sequence[Path]) -> str:
    before = out.read_bytes() if out.exists() else None
    with pytest.raises(UsageError) as caught:
        merge([str(out)], paths)
    assert (out.read_bytes() if out.exists() else None) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_or_doubled_shard_is_named(three: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "o.tex"
    assert "shard 2/3 is missing" in refused(out, [three[0], three[2]])
    assert "shard 1/3 and 2/3 are missing" in refused(out, three[2:])
    assert "both shard 1/3" in refused(out, [*three, three[0]])


def test_shards_of_another_division_or_other_inputs_do_not_fit(
    inputs: Path, three: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "o.tex"
    (halves := tmp_path / "halves").mkdir()
    assert "shard 1/2" in refused(out, [*three, shards(inputs, halves, 2)[0]])
    options = {"recogniser": Reader()}
    convert_shard([str(inputs / "notes.pdf")], [str(three[1])], "2/3", **options)  # type: ignore[arg-type]
    assert "other inputs" in refused(out, three)
    convert_shard(arguments(inputs), [str(three[1])], "2/3", layout="page", **options)  # type: ignore[arg-type]
    assert "options" in refused(out, three)


NO_POPPLER = pytest.mark.skipif(
    shutil.which("pdftoppm") is None, reason="pdftoppm is not installed"
)


@pytest.mark.parametrize("changed", ["pages", "reader", pytest.param("renderer", marks=NO_POPPLER)])
def test_shards_with_other_options_do_not_fit(changed: str, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(paged([cross(), cross(140)]))
    other = Reader()
    other.identity = "another" if changed == "reader" else Reader.identity
    more: dict[str, Any] = {"pages": {"pages": "2"}, "renderer": {"pdf_renderer": "poppler"}}
    paths = [tmp_path / "1.jsonl", tmp_path / "2.jsonl"]
    given = [str(tmp_path / "a.pdf")]
    convert_shard(given, [str(paths[0])], "1/2", recogniser=Reader())
    convert_shard(given, [str(paths[1])], "2/2", recogniser=other, **more.get(changed, {}))
    assert "options" in refused(tmp_path / "o.tex", paths)


def test_a_file_that_changed_between_the_runs_is_noticed(
    inputs: Path, three: list[Path], tmp_path: Path
) -> None:
    changed = tmp_path / "inputs"
    shutil.copytree(inputs, changed)
    folder = tmp_path / "changed"
    folder.mkdir()
    before = shards(changed, folder, 3)
    (changed / "page2.png").write_bytes(encoded(np.flipud(cross(140)[:100])))
    later = tmp_path / "later"
    later.mkdir()
    after = shards(changed, later, 3)
    moved = [i for i in range(3) if places(before[i]) != places(after[i])]
    assert len(moved) == 2
    mixed = [(after if i == moved[0] else before)[i] for i in range(3)]
    assert "did a file change" in refused(tmp_path / "o.tex", mixed)


def places(path: Path) -> list[int]:
    return json.loads(path.read_text().splitlines()[0])["places"]


@pytest.mark.parametrize("text", ["", "{}", "[]\n", '{"hmer": "shard"}\n', "\xff", "{" * 9999])
def test_what_is_no_shard_is_named(text: str, three: list[Path], tmp_path: Path) -> None:
    three[1].write_text(text, "latin-1")
    assert refused(tmp_path / "o.tex", three).startswith(str(three[1]))


def test_a_shard_that_was_cut_short_is_named(three: list[Path], tmp_path: Path) -> None:
    for keep in (-1, 1):
        lines = three[0].read_text().splitlines(keepends=True)
        three[0].write_text("".join(lines[:keep]))
        assert "pages are there" in refused(tmp_path / "o.tex", three)


def test_a_shard_of_a_newer_hmer_is_told_as_one(three: list[Path], tmp_path: Path) -> None:
    head = json.loads(three[0].read_text().splitlines()[0])
    for changed in ({**head, "version": 2}, {"hmer": "shard", "version": 7, "rows": "é"}):
        three[0].write_text(json.dumps(changed, ensure_ascii=False) + "\n<binary>\n", "utf-8")
        assert "made by a newer hmer" in refused(tmp_path / "o.tex", three)
    assert "name the output first" in refused(three[0], three[1:])


def test_a_shard_of_many_inputs_is_known_by_its_beginning(three: list[Path]) -> None:
    head, *rows = three[0].read_text().splitlines(keepends=True)
    long = json.loads(head)
    long["places"] = list(range(10_000))
    three[0].write_text(json.dumps(long) + "\n" + "".join(rows))
    assert "name the output first" in refused(three[0], three[1:])


def test_no_shard_is_taken_for_the_output(three: list[Path]) -> None:
    assert "name the output first" in refused(three[0], three[1:])


def test_what_shows_pages_needs_their_pictures(inputs: Path, tmp_path: Path) -> None:
    paths = shards(inputs, tmp_path, 2, pictures=False)
    for name in ("o.html", "o.page.zip"):
        said = refused(tmp_path / name, paths)
        assert "--pictures" in said and name in said
    assert merge([str(tmp_path / "o.md")], paths)


@pytest.mark.parametrize(
    "wrong", ["0/3", "4/3", "3", "a/b", "1/0", "-1/3", "1/3/3", "1/100001", f"1/{'9' * 5000}"]
)
def test_a_part_that_is_none_is_wrong_usage(wrong: str, inputs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="1/4"):
        convert_shard([str(inputs)], [str(tmp_path / "s.jsonl")], wrong, recogniser=Reader())


def test_shards_are_written_as_results_of_files_only(inputs: Path, tmp_path: Path) -> None:
    for arguments_, out in (([str(inputs)], "s.tex"), (["-"], "s.jsonl"), ([], "s.jsonl")):
        with pytest.raises(HmerError):
            convert_shard(arguments_, [str(tmp_path / out)], "1/2", recogniser=Reader())
