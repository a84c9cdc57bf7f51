"""Data-parallel training: two processes under torchrun learn one model, and one of them speaks."""

# ruff: noqa: E402 - torch decides whether the rest can be imported
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from test_train_verb import written
from test_training_baselines import PLAIN
from test_training_loop import NUMBERS

from hmer_cli.training.distributed import ProcessGroup
from hmer_cli.training.loop import BEST, CHECKPOINT, LOG, Stream, Trainer

pytestmark = pytest.mark.torch

STEPS = """
import sys
from dataclasses import replace
from pathlib import Path
import torch
from test_training_baselines import PLAIN
from test_training_loop import NUMBERS
from hmer_cli.training.loop import Trainer

out = Path(sys.argv[1])
trainer = Trainer(PLAIN, NUMBERS, [], out, lambda line: None)
trainer.start()
batches = iter(trainer.source())
trainer.step(next(batches))
first = {k: v.clone() for k, v in trainer.model.named_parameters()}
batch = next(batches)
if trainer.group.rank == 1:
    batch = replace(batch, images=batch.images * torch.nan)
trainer.step(batch)
skipped = {k: v.clone() for k, v in trainer.model.named_parameters()}
for _ in range(3):
    trainer.step(next(batches))
state = {"first": first, "skipped": skipped, "last": dict(trainer.model.named_parameters())}
torch.save(state, out / f"{trainer.group.rank}.pt")
trainer.group.leave()
"""

TINY = """
family = "crnn"
split = ""
valid = ""
[canvas]
height = 32
width = 64
[model]
lstm = 16
[schedule]
images = 64
interval = 32
pixels = 16_384
rate = 1e-3
average = 0.0
"""


def torchrun(*command: str) -> subprocess.CompletedProcess[str]:
    """Two processes on this machine."""
    start = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    tests = Path(__file__).parent
    path = os.pathsep.join([str(tests.parent), str(tests), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, *start, *command],
        env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_two_processes_take_the_same_steps_and_leave_the_same_ones_out(tmp_path: Path) -> None:
    (tmp_path / "steps.py").write_text(STEPS)
    torchrun(str(tmp_path / "steps.py"), str(tmp_path))
    one, two = (torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1))
    for when, weights in one.items():
        assert all(torch.equal(value, two[when][name]) for name, value in weights.items())
    assert all(torch.equal(value, one["skipped"][name]) for name, value in one["first"].items())
    changed = [not torch.equal(value, one["last"][name]) for name, value in one["first"].items()]
    assert all(changed)
    expected = stepped_alone(tmp_path)
    # Adam's first steps are one rate long; where the gradient is nothing, as of a bias before a
    # norm, rounding decides their sign.
    apart = torch.cat([(v - expected[name]).abs().flatten() for name, v in one["first"].items()])
    assert apart.mean() < 0.05 * PLAIN.schedule.rate


def stepped_alone(out: Path) -> dict[str, torch.Tensor]:
    """What one process makes of the mean gradient of both processes' first batches."""
    trainer = Trainer(PLAIN, NUMBERS, [], out, lambda line: None, group=ProcessGroup())
    for rank in (0, 1):
        batch = next(iter(Stream(trainer.system, NUMBERS, None, (PLAIN.seed, rank))))
        loss, _ = trainer.loss_module(batch)
        (loss / 2).backward()
    torch.nn.utils.clip_grad_norm_(trainer.model.parameters(), PLAIN.schedule.clip)
    for group in trainer.optimiser.param_groups:
        group["lr"] = PLAIN.schedule.rate
    trainer.optimiser.step()
    return dict(trainer.model.named_parameters())


@pytest.mark.slow
def test_a_run_of_two_processes_delivers_once_and_one_process_can_go_on(tmp_path: Path) -> None:
    written(tmp_path / "ink")
    (tmp_path / "tiny.toml").write_text(TINY)
    out = tmp_path / "run"
    train = ["-m", "hmer_cli.cli", "train", str(tmp_path / "tiny.toml")]
    train += ["--data", str(tmp_path / "ink"), "--out", str(out)]
    done = torchrun(*train)
    assert done.stderr.count("expressions to train on") == 1
    assert {BEST, CHECKPOINT, LOG, "curves.png", "record.md"} <= {p.name for p in out.iterdir()}
    lines = [json.loads(line) for line in (out / LOG).read_text().splitlines()]
    assert [line["seen"] for line in lines] == [32, 64]
    assert [line["step"] for line in lines] == [2, 4]
    alone = [sys.executable, *train, "--set", "schedule.images=96"]
    more = subprocess.run(alone, capture_output=True, text=True, check=False)
    assert more.returncode == 0, more.stderr
    assert "resumed at 64 images" in more.stderr
    assert json.loads((out / LOG).read_text().splitlines()[-1])["seen"] == 96
