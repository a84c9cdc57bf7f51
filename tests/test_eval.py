"""hmer eval, on small data sets made here and a recogniser that reads what it is told to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from hmer_cli.commands import compare
from hmer_cli.commands import eval as verb
from hmer_cli.datasets.pages import open_any
from hmer_cli.errors import InputError, UsageError
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.inkml import write_inkml
from hmer_cli.ink.render import InkImage, Readable
from hmer_cli.metrics.evaluation import Evaluation
from hmer_cli.recognition.reading import Alternative, Reading

Image = NDArray[np.uint8]


class Parrot:
    """Says the given readings one after the other, and notes the images it was shown."""

    model = "parrot-1"

    def __init__(self, readings: Iterable[Reading]) -> None:
        self.readings = iter(readings)
        self.calls: list[list[Readable]] = []

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        self.calls.append(list(images))
        return [next(self.readings) for _ in images]


def evaluate(path: str, split: str | None, limit: int | None, reader: Parrot) -> Evaluation:
    return verb.evaluate(open_any(path, split, limit), reader, split)  # type: ignore[arg-type]


def parrot(*labels: str) -> Parrot:
    return Parrot(Reading(label, 0.9 - 0.1 * n) for n, label in enumerate(labels))


@pytest.fixture
def images(tmp_path: Path) -> Callable[..., Path]:
    """Makes a folder of images with a caption.txt, from names and their labels."""

    def make(**labels: str) -> Path:
        folder = tmp_path / "images"
        folder.mkdir()
        for n, name in enumerate(labels):
            page = np.full((40, 60), 255, np.uint8)
            page[10:20, 10 : 20 + n] = 0
            cv2.imwrite(str(folder / f"{name}.png"), page)
        captions = "".join(f"{name}\t{label}\n" for name, label in labels.items())
        (folder / "caption.txt").write_text(captions)
        return folder

    return make


def ink(label: str | None) -> Ink:
    stroke = np.array([[0, 0], [10, 10], [20, 0]], np.float32)
    return Ink((stroke, stroke + 15), label=label, truth=label)


def read_json(path: Path) -> dict[str, object]:
    found = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def test_a_right_alternative_counts_among_the_best(images: Callable[..., Path]) -> None:
    others = (Alternative("y", 0.2), Alternative("z", 0.1))
    readings = [Reading("x", 0.7, (), others)] * 3
    found = evaluate(str(images(a="x", b="z", c="w")), None, None, Parrot(readings))
    assert found.scores.exprate == pytest.approx(1 / 3)
    assert found.among_best == pytest.approx(2 / 3)


def test_a_perfect_reader(images: Callable[..., Path]) -> None:
    found = evaluate(str(images(a="x", b="x ^ { 2 }")), None, None, parrot("x", "x ^ { 2 }"))
    assert (found.scores.exprate, found.scores.wer, found.scores.cer) == (1, 0, 0)
    assert found.wrong_caught is None
    assert verb.outcome(found) is None


def test_the_json_holds_what_scripts_depend_on(images: Callable[..., Path], tmp_path: Path) -> None:
    folder, out = images(a="x", b="x + 1", c="2"), tmp_path / "scores.json"
    verb.run(str(folder), json_file=str(out), recogniser=parrot("x", "x 1", ""))
    found = read_json(out)
    assert found["n"] == 3
    assert found["wer"] == pytest.approx(2 / 5)
    assert found["cer"] == pytest.approx(3 / 7, abs=1e-6)
    assert found["exprate"] == pytest.approx(1 / 3, abs=1e-6)
    assert found["exprate1"] == found["exprate2"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["structure_exprate"] == pytest.approx(1 / 3, abs=1e-6)
    assert found["by_length"]["short"]["n"] == 3  # type: ignore[index]
    assert found["model"] == "parrot-1"
    assert found["empty"] == 1
    assert isinstance(found["seconds"], float)
    assert {"truth": "+", "prediction": "", "count": 1} in found["confusions"]  # type: ignore[operator]


def test_the_predictions_are_one_line_an_expression(
    images: Callable[..., Path], tmp_path: Path
) -> None:
    folder, out = images(a="x", b="$x^{2}$"), tmp_path / "predictions.tsv"
    verb.run(str(folder), predictions=str(out), recogniser=parrot("x", "x\t1 "))
    assert out.read_text(encoding="utf-8") == (
        "name\ttruth\tprediction\tedits\tconfidence\traw\n"
        "a\tx\tx\t0\t0.9000\tx\n"
        "b\tx ^ { 2 }\tx 1\t4\t0.8000\t$x^{2}$\n"
    )


def test_eval_and_compare_have_one_exprate_however_a_reading_is_spelt(
    images: Callable[..., Path], tmp_path: Path
) -> None:
    folder, out = images(a="x_1^2", b=r"\frac12", c="z"), tmp_path / "p.tsv"
    others = (Alternative("{ z }", 0.1),)
    read = (Reading("x ^ { 2 } _ { 1 }", 0.9), Reading(r"\frac 1 2", 0.8), Reading("y", 0.7))
    reader = Parrot([*read[:2], replace(read[2], alternatives=others)])
    found = verb.run(str(folder), predictions=str(out), lg=str(tmp_path / "lg"), recogniser=reader)
    assert isinstance(found, Evaluation)
    assert (found.scores.exprate, found.among_best) == (pytest.approx(2 / 3), 1)
    assert compare.run(out, out).differences[0].first == pytest.approx(2 / 3)
    assert "a\tx _ { 1 } ^ { 2 }\tx _ { 1 } ^ { 2 }\t0\t" in out.read_text()


def test_a_bug_on_an_image_ends_with_70(images: Callable[..., Path]) -> None:
    class Breaks(Parrot):
        def read(self, images: Sequence[Readable]) -> list[Reading]:
            raise ZeroDivisionError

    found = evaluate(str(images(a="x", b="y")), None, None, Breaks([]))
    ended = verb.outcome(found)
    assert found.failed == 2 and ended is not None and ended.exit_code == 70


def test_a_file_that_cannot_be_read_counts_as_wrong(
    images: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = images(a="x", b="y", c="z"), tmp_path / "predictions.tsv"
    (folder / "b.png").write_bytes((folder / "b.png").read_bytes()[:40])
    found = verb.run(str(folder), predictions=str(out), recogniser=parrot("x", "z"))
    assert found.scores.n == 3
    assert found.scores.exprate == pytest.approx(2 / 3)
    assert found.scores.wer == pytest.approx(1 / 3)
    assert found.failed == 1
    assert "b\ty\t\t1\t0.0000\ty\n" in out.read_text(encoding="utf-8")
    assert "b" in capsys.readouterr().err
    ended = verb.outcome(found)
    assert ended is not None
    assert ended.exit_code == 1


def test_ink_is_drawn_dark_on_white(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.inkml").write_bytes(write_inkml(ink("x")))
    reader = parrot("x")
    found = evaluate(str(tmp_path / "set"), None, None, reader)
    assert found.scores.exprate == 1
    ((written,),) = reader.calls
    assert isinstance(written, InkImage)
    assert len(written.strokes) == len(ink("x").strokes)
    image = written.image
    assert image.dtype == np.uint8
    assert image.min() == 0
    assert np.median(image) == 255


def test_an_unreadable_ink_file_is_not_dropped(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.inkml").write_bytes(write_inkml(ink("x")))
    (tmp_path / "set" / "b.inkml").write_bytes(b"")
    found = evaluate(str(tmp_path / "set"), None, None, parrot("x"))
    assert (found.scores.n, found.failed, found.scores.exprate) == (2, 1, 0.5)


def test_ink_without_truth_is_counted_apart(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.inkml").write_bytes(write_inkml(ink("x")))
    (tmp_path / "set" / "b.inkml").write_bytes(write_inkml(ink(None)))
    found = evaluate(str(tmp_path / "set"), None, None, parrot("x"))
    assert (found.scores.n, found.unlabelled, found.scores.exprate) == (1, 1, 1)


def test_a_data_set_without_a_label_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.inkml").write_bytes(write_inkml(ink(None)))
    with pytest.raises(InputError) as caught:
        evaluate(str(tmp_path / "set"), None, None, parrot())
    assert caught.value.remedy


def test_the_limit_takes_the_first_by_name(images: Callable[..., Path]) -> None:
    found = evaluate(str(images(c="z", a="x", b="y")), None, 2, parrot("x", "y"))
    assert [outcome.name for outcome in found.outcomes] == ["a", "b"]


def test_memory_holds_one_chunk_of_images(
    images: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verb, "CHUNK", 2)
    reader = parrot(*"vwxyz")
    found = evaluate(str(images(a="v", b="w", c="x", d="y", e="z")), None, None, reader)
    assert [len(call) for call in reader.calls] == [2, 2, 1]
    assert found.scores.exprate == 1


def test_expressions_of_one_name_are_told_apart_by_their_files(tmp_path: Path) -> None:
    for folder, label in (("one", "x"), ("two", "y")):
        (tmp_path / "set" / folder).mkdir(parents=True)
        (tmp_path / "set" / folder / "a.inkml").write_bytes(write_inkml(ink(label)))
    tables = [tmp_path / "first.tsv", tmp_path / "second.tsv"]
    for table, labels in zip(tables, (("x", "y"), ("x", "x")), strict=True):
        verb.run(str(tmp_path / "set"), predictions=str(table), recogniser=parrot(*labels))
    names = [line.split("\t")[0] for line in tables[0].read_text().splitlines()[1:]]
    assert names == ["one/a.inkml", "two/a.inkml"]
    assert compare.run(*tables).only_first == 1


@pytest.mark.parametrize("dataset", ["", "no/such/set.zip"])
def test_a_data_set_that_is_not_there(tmp_path: Path, dataset: str) -> None:
    with pytest.raises((InputError, UsageError)) as caught:
        evaluate(str(tmp_path / dataset), None, None, parrot())
    assert caught.value.remedy


def test_wrong_options(images: Callable[..., Path]) -> None:
    folder = str(images(a="x"))
    with pytest.raises(UsageError, match="test2099"):
        evaluate(folder, "test2099", None, parrot())


@pytest.mark.data
def test_the_first_hundred_of_the_2014_test(data_file: Callable[[str], Path]) -> None:
    found = evaluate(
        str(data_file("crohme.zip")), "test2014", 100, Parrot(Reading("x", 0.5) for _ in range(100))
    )
    assert (found.scores.n, found.failed, found.unlabelled) == (100, 0, 0)
    assert all(outcome.truth for outcome in found.outcomes)
    assert 0 < found.scores.wer <= 1


def test_a_sample_is_the_same_for_one_seed(images: Callable[..., Path], tmp_path: Path) -> None:
    folder = images(**dict.fromkeys("abcdefgh", "x"))

    def names(seed: int) -> list[str]:
        found = verb.run(str(folder), sample=3, seed=seed, recogniser=parrot("x", "x", "x"))
        return [outcome.name for outcome in found.outcomes]

    assert names(1) == names(1) == sorted(names(1))
    assert len({tuple(names(seed)) for seed in range(5)}) > 1
