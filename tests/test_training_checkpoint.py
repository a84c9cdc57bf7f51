"""Runs that are broken off, resumed from damaged files, or begun twice in one folder."""

# ruff: noqa: E402 - torch decides whether the rest can be imported
from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from hmer_cli.commands.train import train
from hmer_cli.errors import InputError, MissingError, OutputError, UsageError
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.inkml import write_inkml
from hmer_cli.metrics.scores import Pair
from hmer_cli.training import checkpoint, delivery
from hmer_cli.training.delivery import RATES, best_score, rates_row
from hmer_cli.training.export.onnx import restore
from hmer_cli.training.loop import BEST, CHECKPOINT, LOG
from hmer_cli.training.registry import load_system

pytestmark = pytest.mark.torch

RECIPE = """
family = "crnn"
valid = "test2014"
calibration = ""
[canvas]
height = 32
width = 64
[schedule]
images = 16
interval = 8
pixels = 16384
"""


def written(folder: Path, labels: str) -> None:
    """A file of ink for each of the labels, a bar each."""
    folder.mkdir(parents=True)
    stroke = np.array([(0, 0), (0, 30)], np.float32)
    for i, label in enumerate(labels):
        ink = Ink((stroke, stroke + np.float32(20)), (), label, label)
        (folder / f"{i}.inkml").write_bytes(write_inkml(ink))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for split in ("TrainINKML", "TestEM2014GT"):
        written(tmp_path / "data" / split, "12121212")
    (tmp_path / "small.toml").write_text(RECIPE)
    return tmp_path / "data"


def ran(data: Path, *changes: str, recipe: str = "small") -> Path:
    """The folder of a run that has ended, or went on."""
    out = data.parent / "run"
    train(data.parent / f"{recipe}.toml", data, out, changes=changes)
    return out


def seen(out: Path) -> list[int]:
    return [line["seen"] for line in map(json.loads, (out / LOG).read_text().splitlines())]


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can grow beyond a thousand bytes meanwhile."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", None])
def test_a_checkpoint_that_cannot_be_read_is_told(data: Path, content: bytes | None) -> None:
    path = ran(data) / CHECKPOINT
    path.write_bytes(path.read_bytes()[:2000] if content is None else content)
    with pytest.raises(MissingError, match=r"last\.pt.*remove it to begin anew"):
        ran(data)


def test_a_checkpoint_of_something_else_is_told(data: Path) -> None:
    path = ran(data) / CHECKPOINT
    checkpoint.write(path, {"weights": torch.zeros(3)})
    with pytest.raises(MissingError, match="such a run"):
        ran(data)


def test_a_run_with_other_tokens_is_not_gone_on_with(data: Path) -> None:
    ran(data)
    for file in (data / "TrainINKML").iterdir():
        file.unlink()
    (data / "TrainINKML").rmdir()
    written(data / "TrainINKML", "34343434")  # as many, so the model is as large
    with pytest.raises(UsageError, match="other tokens"):
        ran(data)


def test_a_run_of_another_recipe_is_not_gone_on_with(data: Path) -> None:
    ran(data)
    (data.parent / "other.toml").write_text(RECIPE)
    with pytest.raises(UsageError, match="another recipe"):
        ran(data, recipe="other")


def test_what_is_best_is_not_lost_where_a_run_is_killed_before_it_is_written(data: Path) -> None:
    out = ran(data)
    best = load_system(out / BEST)[1]["state"]
    ends = checkpoint.read(out / CHECKPOINT, ("state",))["state"]
    (out / BEST).unlink()
    ran(data)
    assert load_system(out / BEST)[1]["state"]["best"] == best["best"] == ends["best"]


def test_a_resumed_run_tells_every_validation_once(data: Path) -> None:
    out = ran(data)
    before = (out / LOG).read_text()
    lost = json.dumps({"seen": 24, "wer": 0.5, "exprate": 0.0})
    (out / LOG).write_text(before + lost + '\n{"seen": 3')  # killed, and the disk was full
    ran(data, "schedule.images=24")
    assert seen(out) == [8, 16, 24]
    assert (out / LOG).read_text().startswith(before)
    assert json.loads((out / LOG).read_text().splitlines()[-1])["wer"] != 0.5


def test_a_run_that_begins_anew_has_a_log_of_its_own(data: Path) -> None:
    out = ran(data)
    (out / CHECKPOINT).unlink()
    ran(data)
    assert seen(out) == [8, 16]
    assert best_score(out / LOG, load_system(out / BEST)[1])["seen"] in (8, 16)


def test_a_folder_is_trained_into_by_one_run_at_a_time(data: Path) -> None:
    out = data.parent / "run"
    out.mkdir()
    with checkpoint.claimed(out), pytest.raises(UsageError, match="another run is training"):
        ran(data)
    assert not list(out.iterdir())
    ran(data)


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    path, log = tmp_path / CHECKPOINT, tmp_path / LOG
    checkpoint.write(path, {"done": 1})
    checkpoint.add_line(log, {"seen": 1})
    with full_disk():
        with pytest.raises(OutputError, match=r"last\.pt"):
            checkpoint.write(path, {"done": 2, "weights": torch.zeros(1000)})
        with pytest.raises(OutputError, match=r"log\.jsonl"):
            checkpoint.add_line(log, {"seen": 2, "told": "x" * 2000})
    assert checkpoint.read(path, ("done",)) == {"done": 1}
    assert checkpoint.read_lines(log) == [{"seen": 1}]
    assert {p.name for p in tmp_path.iterdir()} == {CHECKPOINT, LOG}


def test_splits_that_the_weights_need_in_the_end_are_looked_for_at_the_start(data: Path) -> None:
    with pytest.raises(UsageError, match="no split test2013"):
        ran(data, "family=reader", "calibration=test2013")
    with pytest.raises(UsageError, match="calibrated on what is learnt"):
        ran(data, "family=reader", "calibration=train")
    with pytest.raises(InputError, match=r"nosuch\.txt is missing"):
        ran(data, "family=graph", "weights.alone=true", "weights.language=nosuch.txt")
    assert not list((data.parent / "run").iterdir())


def test_data_that_cannot_be_learnt_from_is_counted(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "TrainINKML" / "9.inkml").write_text("")
    ran(data)
    told = capsys.readouterr().err
    assert "8 expressions to train on, 8 to score; 1 cannot be read or have no label" in told


def test_weights_stand_in_the_folder_when_they_are_calibrated(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_off(weights: Path, samples: object) -> dict[str, object]:
        assert weights.is_file()
        raise KeyboardInterrupt

    monkeypatch.setattr(delivery, "calibrate", broken_off)
    written(data / "TestINKMLGT", "1212")
    changes = [
        "family=reader",
        "calibration=test2013",
        "schedule.pool=8",
        "drawing.parts=[0.0, 0.0]",
    ]
    changes.append(
        "model={stem=8, low=16, mid=16, high=32, context=1, lstm=16, decoder=1, second=1}"
    )
    with pytest.raises(KeyboardInterrupt):
        ran(data, *changes)
    assert not list((data.parent / "run").glob("*.onnx"))
    monkeypatch.setattr(delivery, "calibrate", lambda weights, samples: {"ink": (1.0, 2.0, 3.0)})
    out = ran(data, *changes)
    assert restore(out / "small.onnx")[1]["calibration"] == {"ink": [1.0, 2.0, 3.0]}


@pytest.mark.parametrize(("count", "empty"), [(1, "WER, long"), (99, "WER, short")])
def test_a_record_has_each_rate_in_its_column(count: int, empty: str) -> None:
    label = " ".join("x" * count)
    cells = rates_row([Pair(label, label)]).split(" | ")
    assert [name for name, cell in zip(RATES, cells, strict=True) if not cell] == [empty]
