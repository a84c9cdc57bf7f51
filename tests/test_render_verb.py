"""``hmer render``: what lies in the folder afterwards."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from hmer_cli.commands.render import outcome, render_inputs
from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.errors import OutputError, UsageError

TALL = b'<ink><annotation type="truth">$\\frac{a}{2}$</annotation><trace>1 1, 5 99</trace></ink>'
BARE = b"<ink><trace>1 2, 90 40</trace></ink>"


def fill(folder: Path, files: dict[str, bytes]) -> str:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return str(folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_images_and_captions_are_a_data_set_again(tmp_path: Path) -> None:
    files = {"a b/\u6570\u5b66 1.inkml": TALL, "caption.txt": b"2\tx_1\n", "2.inkml": TALL}
    out = tmp_path / "new" / "out"
    done = render_inputs([fill(tmp_path / "in", files)], str(out), size=100, padding=5)
    assert (done.drawn, done.failed, outcome(done)) == (2, 0, None)
    captions = "2\tx _ { 1 }\n\u6570\u5b66 1\t\\frac { a } { 2 }\n"
    assert (out / "caption.txt").read_text("utf-8") == captions
    labels = {sample.name: sample.label for sample in open_dataset(str(out))}
    assert labels == {"2": "x _ { 1 }", "\u6570\u5b66 1": r"\frac { a } { 2 }"}
    assert cv2.imread(str(out / "2.png"), cv2.IMREAD_UNCHANGED).shape == (100, 14)


def test_bad_inputs_are_told_and_stop_no_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = fill(tmp_path / "in", {"1.inkml": b"", "2.inkml": TALL, "sub/3.inkml": b"<ink/>"})
    (tmp_path / "none").mkdir()
    done = render_inputs(
        [str(tmp_path / "no"), str(tmp_path / "none"), folder], str(tmp_path / "o")
    )
    assert (done.drawn, done.failed) == (1, 4)
    assert sorted(contents(tmp_path / "o")) == ["2.png", "caption.txt"]
    error = outcome(done)
    assert error is not None
    assert error.exit_code == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert len(told.err.splitlines()) == 4
    for words in ("no such file", "no InkML in it", "1.inkml: the file is empty", "no ink in it"):
        assert words in told.err


def test_one_file_given_twice_is_drawn_once_but_two_of_a_name_twice(tmp_path: Path) -> None:
    folder = fill(tmp_path / "in", {"x/a.inkml": TALL, "y/A.inkml": BARE, "z/a.inkml": TALL})
    again = os.path.join(folder, "x", "..", "x", "a.inkml")
    done = render_inputs([folder, again, folder], str(tmp_path / "out"))
    assert done.drawn == 3
    assert sorted(contents(tmp_path / "out")) == ["A-2.png", "a-3.png", "a.png", "caption.txt"]
    captions = (tmp_path / "out" / "caption.txt").read_text("utf-8")
    assert [line.split("\t")[0] for line in captions.splitlines()] == ["a", "a-3"]


def test_same_inputs_write_the_same_bytes_and_touch_nothing(tmp_path: Path) -> None:
    folder = fill(tmp_path / "in", {"1.inkml": TALL, "2.inkml": BARE})
    out = tmp_path / "out"
    render_inputs([folder], str(out))
    before, times = contents(out), {path: path.stat().st_mtime_ns for path in out.iterdir()}
    render_inputs([folder], str(out))
    assert contents(out) == before
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == times
    render_inputs([folder], str(out), pen=3.5)
    assert contents(out)["1.png"] != before["1.png"]


def test_run_without_any_ink_leaves_what_was_there(tmp_path: Path) -> None:
    out = tmp_path / "out"
    render_inputs([fill(tmp_path / "in", {"1.inkml": TALL})], str(out))
    before = contents(out)
    render_inputs([str(tmp_path / "gone")], str(out))
    assert contents(out) == before


@pytest.mark.parametrize(
    "options",
    [
        {"size": 16},
        {"size": 10**6},
        {"padding": -1},
        {"padding": 2049},
        {"pen": 0},
        {"pen": float("nan")},
    ],
)
def test_options_that_make_no_image_are_wrong_usage(
    tmp_path: Path, options: dict[str, float]
) -> None:
    with pytest.raises(UsageError):
        render_inputs([], str(tmp_path / "out"), **options)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("ink", [TALL, b"<ink><trace>0 0</trace><trace>3 9</trace></ink>"])
def test_the_ink_is_as_large_and_the_same_way_up_whatever_its_padding(
    ink: bytes, tmp_path: Path
) -> None:
    given = fill(tmp_path / "in", {"1.inkml": ink})
    images = []
    for padding in (8, 40, 2048):
        out = tmp_path / str(padding)
        render_inputs([given], str(out), padding=padding)
        image = cv2.imread(str(out / "1.png"), cv2.IMREAD_GRAYSCALE)
        height, width = (side - padding + 8 for side in image.shape)
        images.append(image[padding - 8 : height, padding - 8 : width].astype(float))
    assert all(np.abs(image - images[0]).mean() < 1 for image in images)


def test_folder_that_cannot_be_made_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here already")
    with pytest.raises(OutputError, match="no folder can be made"):
        render_inputs([fill(tmp_path / "in", {"1.inkml": TALL})], str(tmp_path / "file" / "out"))
    (tmp_path / "out" / "1.png").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"1\.png: cannot be written"):
        render_inputs([str(tmp_path / "in")], str(tmp_path / "out"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["1.png"]


def test_images_of_ink_that_is_gone_are_refused_or_cleared_and_nothing_else(tmp_path: Path) -> None:
    folder = fill(tmp_path / "in", {"1.inkml": TALL, "2.inkml": TALL})
    out = tmp_path / "out"
    render_inputs([folder], str(out))
    (tmp_path / "in" / "1.inkml").rename(tmp_path / "in" / "3.inkml")
    (out / "mine.png").write_bytes(b"mine")
    (out / "caption.txt").write_text((out / "caption.txt").read_text() + "mine\tx\n")
    with pytest.raises(OutputError, match=r"1\.png of an earlier run.*--force"):
        render_inputs([folder], str(out))
    render_inputs([folder], str(out), force=True)
    assert sorted(contents(out)) == ["2.png", "3.png", "caption.txt", "mine.png"]
    lines = (out / "caption.txt").read_text("utf-8").splitlines()
    assert [line.split("\t")[0] for line in lines] == ["mine", "2", "3"]
