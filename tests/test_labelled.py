"""Notes become labelled handwriting: ``--out DIR/``, corrections, and what training takes of it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from handmade import open_pages
from inkfiles import lines, moved, pdf, written, xopp

from hmer_cli.commands.convert import convert
from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.document.labelled import LabelledFolder
from hmer_cli.errors import OutputError, UsageError
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.inkml import read_inkml
from hmer_cli.ink.render import Readable, image_of, legible_ink_image
from hmer_cli.recognition.reading import Reading, TokenReading
from hmer_cli.training.recipe import Own

INK = written(r"a + b = c")


class Sure:
    """Reads everything as ``x = 1``, with this confidence."""

    model = "sure"

    def __init__(self, confidence: float = 0.9) -> None:
        self.confidence = confidence

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        return [Reading("x = 1", self.confidence) for _ in images]


class InTokens:
    """Reads everything as one label, whose tokens stand apart over the width of the image."""

    model = identity = "in tokens"

    def __init__(self, label: str) -> None:
        self.label = label

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        return [self._read(image_of(image).shape[1]) for image in images]

    def _read(self, width: int) -> Reading:
        names = self.label.split()
        step = width / len(names)
        tokens = [
            TokenReading(name, 0.9, (i * step, 0.0, (i + 0.2) * step, step / 2))
            for i, name in enumerate(names)
        ]
        return Reading(self.label, 0.9, tuple(tokens))


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.xopp"
    path.write_bytes(xopp([INK]))
    return path


def written_to(folder: Path, *inputs: Path, sure: float = 0.9, corrections: Path | None = None):  # type: ignore[no-untyped-def]
    given = [corrections] if corrections else []
    return convert(
        [str(path) for path in inputs],
        [f"{folder}/"],
        corrections=given,
        recogniser=Sure(sure),
    )


def test_each_expression_is_inkml_with_its_label_and_its_own_strokes(
    tmp_path: Path, notes: Path
) -> None:
    written_to(tmp_path / "ink", notes)
    (file,) = (tmp_path / "ink").glob("*.inkml")
    ink = read_inkml(file.read_bytes(), file.name)
    assert (ink.label, ink.truth) == ("x = 1", "x = 1")
    assert [s.shape for s in ink.strokes] == [s.shape for s in INK.strokes]
    assert ink.box() == pytest.approx(INK.box(), abs=0.01)


def test_ink_of_a_pdf_page_is_in_the_units_of_its_regions(tmp_path: Path) -> None:
    path = tmp_path / "x.pdf"
    path.write_bytes(pdf(lines(INK)))
    (record,) = written_to(tmp_path / "ink", path)
    (sample,) = open_dataset(str(tmp_path / "ink"))
    assert sample.ink is not None and len(sample.ink.strokes) == len(INK.strokes)
    assert sample.ink.box() == pytest.approx(record.region, abs=4)


def test_images_are_cut_out_with_a_caption_beside_ink(tmp_path: Path, notes: Path) -> None:
    picture = tmp_path / "x.png"
    cv2.imwrite(str(picture), legible_ink_image(INK).image)
    written_to(tmp_path / "out", picture, notes)
    samples = open_dataset(str(tmp_path / "out"))
    assert [sample.label for sample in samples] == ["x = 1"] * 2
    assert [sample.ink is None for sample in samples] == [False, True]
    assert all(np.ptp(sample.image()) > 128 for sample in samples)


def test_nothing_is_learnt_from_what_is_doubtful_until_it_is_corrected(
    tmp_path: Path, notes: Path
) -> None:
    folder = tmp_path / "ink"
    written_to(folder, notes, sure=0.2)
    (sample,) = open_dataset(str(folder))
    assert sample.label == "" and sample.ink is not None
    assert sample.ink.annotations["reading"] == "x = 1"
    corrections = tmp_path / "corrections.json"
    corrections.write_text(json.dumps(_corrections(notes, "a+b=c")))
    written_to(folder, notes, sure=0.2, corrections=corrections)
    (sample,) = open_dataset(str(folder))
    assert sample.label == "a + b = c"
    corrections.write_text(json.dumps(_corrections(notes, "")))
    picture = tmp_path / "x.png"
    cv2.imwrite(str(picture), legible_ink_image(written("x ^ { 2 }")).image)
    written_to(folder, notes, picture, corrections=corrections)
    assert not list(folder.glob("*.inkml"))  # no mathematics after all: what was there is gone
    assert list(folder.glob("*.png"))


def _corrections(notes: Path, latex: str) -> dict[str, object]:
    from hmer_cli.page.regions import find_regions

    (page,) = open_pages(notes)
    (region,) = find_regions(page)
    entry = {"key": region.key, "latex": latex}
    return {"hmer": "corrections", "version": 1, "corrections": [entry]}


def test_a_label_is_one_line_where_a_correction_was_typed_in_two(tmp_path: Path) -> None:
    picture = tmp_path / "x.png"
    cv2.imwrite(str(picture), legible_ink_image(INK).image)
    corrections = tmp_path / "corrections.json"
    corrections.write_text(json.dumps(_corrections(picture, "\\overset{\\frown}{AB}\n+ c")))
    written_to(tmp_path / "out", picture, corrections=corrections)
    (sample,) = open_dataset(str(tmp_path / "out"))
    assert sample.label.endswith("+ c")


def test_files_of_others_are_neither_replaced_nor_removed(tmp_path: Path, notes: Path) -> None:
    folder = tmp_path / "ink"
    folder.mkdir()
    (folder / "other.inkml").write_text("mine")
    written_to(folder, notes)
    assert (folder / "other.inkml").read_text() == "mine"
    other = tmp_path / "other.xopp"
    other.write_bytes(xopp([moved(INK, 5, 5)]))
    (folder / "other-p1-r1.inkml").write_text("mine")
    with pytest.raises(OutputError, match="not hmer's"):
        written_to(folder, other)
    assert (folder / "other-p1-r1.inkml").read_text() == "mine"
    with pytest.raises(UsageError, match="the input"):
        written_to(tmp_path / "ink" / "deeper", folder)


def test_lines_of_a_writer_have_their_share_and_some_are_held_out() -> None:
    pytest.importorskip("torch")
    from hmer_cli.training.compose.examples import Example
    from hmer_cli.training.recogniser import with_own

    base = [Example((), ("a",))] * 60
    own = [Example((), (str(i),)) for i in range(12)]
    learned, held = with_own(base, own, Own(share=0.4, held=6))
    assert [e.tokens for e in held] == [("5",), ("11",)]
    mine = [e for e in learned if e.tokens != ("a",)]
    assert len(mine) == 40 and not {e.tokens for e in mine} & {e.tokens for e in held}
    learned, held = with_own(base, own, Own())
    assert (len(learned), held) == (72, [])


@pytest.mark.parametrize("share", [1.0, 1.5, -0.1, float("nan")])
def test_a_share_of_all_or_more_is_wrong_usage(share: float) -> None:
    pytest.importorskip("torch")
    from hmer_cli.training.recogniser import with_own

    with pytest.raises(UsageError, match=r"own\.share .* below 1"):
        with_own([], [], Own(share=share))


def test_a_page_of_several_lines_gives_a_file_each(tmp_path: Path) -> None:
    page = Ink(tuple(s for y in (60, 160, 260) for s in moved(INK, 60, y).strokes))
    path = tmp_path / "page.xopp"
    path.write_bytes(xopp([page]))
    written_to(tmp_path / "ink", path)
    samples = open_dataset(str(tmp_path / "ink"))
    counts = [len(sample.ink.strokes) for sample in samples if sample.ink is not None]
    assert counts == [len(INK.strokes)] * 3


@pytest.mark.parametrize(
    ("label", "labels"),
    [
        ("a = 1", ["a = 1"] * 2),
        ("a = 1 , b = 2", []),  # which strokes are whose is not known
        ("a = 1 )", []),  # the bracket is of the text, and its ink is there
    ],
)
def test_a_folder_of_ink_changes_no_other_output_and_no_later_run(
    tmp_path: Path, label: str, labels: list[str]
) -> None:
    page = Ink(tuple(s for y in (60, 260) for s in moved(INK, 60, y).strokes))
    path = tmp_path / "page.xopp"
    path.write_bytes(xopp([page]))

    def converted(*outs: str, cache: Path | None = None) -> str:
        names = [str(tmp_path / "o.jsonl"), *outs]
        convert([str(path)], names, cache=cache, recogniser=InTokens(label))
        return (tmp_path / "o.jsonl").read_text()

    plain = converted()
    count = 2 * (label.count(",") + 1)
    assert plain.count('"id"') == count
    assert converted(f"{tmp_path}/ink/", cache=tmp_path / "cache") == plain
    assert converted(cache=tmp_path / "cache") == plain
    found = open_dataset(str(tmp_path / "ink")) if labels else []
    assert [sample.label for sample in found] == labels
    assert len(list((tmp_path / "ink").glob("*.inkml"))) == len(labels)


def test_a_list_that_others_made_costs_no_folder(tmp_path: Path) -> None:
    folder = tmp_path / "ink"
    (folder / "sub").mkdir(parents=True)
    for name in ("old.png", "own.png"):
        (folder / name).write_bytes(b"1")
    listed = ["..", ".", "", "sub", "old.png", "gone.png", "a\0b", "../x", "\ud800"]
    (folder / "hmer-files.json").write_text(json.dumps({"files": listed}))
    assert LabelledFolder(folder).write([])
    assert sorted(os.listdir(folder)) == ["hmer-files.json", "own.png", "sub"]
    assert json.loads((folder / "hmer-files.json").read_text())["files"] == []
