"""The training loop: one recipe, on CPU or GPU, by one process or several.

Input: a `System` (model, losses, batches) and a plan. Output: checkpoints and a log, a line per
validation. Resumes from the last checkpoint.
"""

from __future__ import annotations

import copy
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from hmer_cli.errors import InputError, UsageError
from hmer_cli.expr.tokens import Vocabulary
from hmer_cli.training.batches.images import mixed
from hmer_cli.training.batches.targets import Targets
from hmer_cli.training.compose.examples import Example
from hmer_cli.training.compose.recompose import Invention
from hmer_cli.training.distributed import ProcessGroup
from hmer_cli.training.recipe import Recipe
from hmer_cli.training.registry import build
from hmer_cli.training.systems.base import LossModule, Say, System, mean_loss, read_all

CHECKPOINT = "last.pt"
BEST = "best.pt"
LOG = "log.jsonl"

SAVED = 240.0
"""Seconds after which there is a checkpoint, whether or not a score is due."""

AHEAD = 8
"""Batches that each worker draws ahead."""


@dataclass
class State:
    """What a run has done so far, in all its processes; all of it is in the checkpoint.

    ``skipped`` counts steps left out because a gradient was not finite, ``tight`` images whose
    label did not fit their frames. ``waited`` and ``dull`` are the scores since the ``best`` one
    and since the ``lowest`` loss on the validation set, ``fall`` what is left of the rate.
    """

    step: int = 0
    seen: int = 0
    seconds: float = 0.0
    skipped: int = 0
    tight: int = 0
    best: float = math.inf
    waited: int = 0
    lowest: float = math.inf
    dull: int = 0
    fall: float = 1.0
    resumed: int = 0


class Stream(IterableDataset[Targets]):
    """A system's batches for a DataLoader.

    Each worker of each process has its own seed, and all know the progress of the run.
    """

    def __init__(
        self,
        system: System[Any],
        data: Sequence[Example],
        invention: Invention | None,
        seed: Sequence[int],
    ) -> None:
        self.system, self.data = system, data
        self.invention = invention
        self.progress = torch.zeros(1).share_memory_()
        self.seed = seed

    def __iter__(self) -> Iterator[Targets]:
        info = get_worker_info()
        rng = np.random.default_rng([*self.seed, info.id if info else 0])
        examples = mixed(self.data, self.invention, self.system.recipe.recomposition, rng)
        return self.system.batches(examples, lambda: float(self.progress[0]), rng)


class Trainer:
    """A run: the model, its averaged copy, the optimiser, and the loop that moves them."""

    def __init__(
        self,
        recipe: Recipe,
        data: Sequence[Example],
        valid: Sequence[Example],
        out: Path,
        say: Say,
        invention: Invention | None = None,
        team: ProcessGroup | None = None,
    ) -> None:
        if not data and invention is None:
            raise InputError("there is no labelled ink to train on", "give a CROHME package")
        self.recipe, self.out, self.say = recipe, out, say
        self.team = team or ProcessGroup.join()
        if self.team.device.type == "cuda":
            torch.set_float32_matmul_precision("high")
        tokens = Vocabulary.of_labels(" ".join(e.tokens) for e in data).tokens
        if invention is not None:
            tokens = tuple(sorted({*tokens, *invention.vocabulary.tokens}))
        torch.manual_seed(recipe.seed)
        self.system = build(recipe, tokens)
        self.model = self.system.model
        self.model.to(self.team.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.model)
        self.optimiser = self._optimiser()
        self.data, self.invention, self.valid = data, invention, valid
        self.stills: list[tuple[list[int], Targets]] = []
        self.state = State()
        self.sums: dict[str, Tensor] = {}
        self.lesson: torch.nn.Module = LossModule(self.system)

    def begin_with(self, weights: Path) -> None:
        """Start from what a weights file holds, as far as it fits."""
        share = self.system.begin_with(weights)
        self.say(f"{share:.0%} of the parameters come from {weights}")

    def _optimiser(self) -> torch.optim.Optimizer:
        """AdamW; biases, norms and other vectors do not decay."""
        schedule = self.recipe.schedule
        matrices = [p for p in self.model.parameters() if p.ndim > 1]
        vectors = [p for p in self.model.parameters() if p.ndim <= 1]
        groups = [
            {"params": matrices, "weight_decay": schedule.decay},
            {"params": vectors, "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=schedule.rate, betas=(0.9, 0.98), fused=True)

    def run(self, advance: Callable[[int, int], None] = lambda done, found: None) -> State:
        """Train to the end of the schedule, from the last checkpoint if there is one.

        ``advance`` is told the images of every step.
        """
        schedule, state = self.recipe.schedule, self.state
        self.out.mkdir(parents=True, exist_ok=True)
        self.start()
        source = self.source()
        loader = self._loader(source)
        advance(state.seen, 0)
        due = (state.seen // schedule.interval + 1) * schedule.interval
        begun = time.monotonic() - state.seconds
        saved = state.seconds
        while self.progress() < 1 and state.waited < schedule.patience:
            source.progress[0] = self.progress()
            batch = next(loader)
            self.step(batch)
            images, tight = self.team.total(batch.count, batch.tight)
            (state.seconds,) = self.team.leading(time.monotonic() - begun)
            state.seen += int(images)
            state.tight += int(tight)
            advance(int(images), 0)
            if state.seen >= due or self.progress() >= 1:
                due = (state.seen // schedule.interval + 1) * schedule.interval
                self.report()
                self.save()
                saved = state.seconds
            elif state.seconds > saved + SAVED:
                self.save()
                saved = state.seconds
        return state

    def start(self) -> None:
        """Go on from the checkpoint if there is one; then let the processes train together."""
        if not self.resume():
            self.system.begin(self.say)
            self._follow(keep=0.0)
        torch.manual_seed(self.recipe.seed + 1000 * self.state.resumed + self.team.rank)
        self.lesson = self.team.wrap(self.lesson, self.system.partly)

    def source(self) -> Stream:
        """What this process learns from: no two of them, nor a run resumed, see the same."""
        seed = (self.recipe.seed + self.state.resumed, self.team.rank)
        return Stream(self.system, self.data, self.invention, seed)

    def _loader(self, source: Stream) -> Iterator[Targets]:
        """Batches drawn by all other cores beside a GPU, else between the steps.

        Where several processes train on CPUs, each has a worker that draws while it waits for them.
        """
        on_cpu = self.team.device.type == "cpu"
        if on_cpu and self.team.size == 1:
            return iter(DataLoader(source, batch_size=None))
        workers = 1 if on_cpu else max(1, (os.cpu_count() or 1) // self.team.size - 1)
        return iter(
            DataLoader(
                source,
                batch_size=None,
                num_workers=workers,
                prefetch_factor=AHEAD,
                pin_memory=not on_cpu,
                worker_init_fn=_alone,
            )
        )

    def step(self, batch: Targets) -> None:
        """One batch: losses, gradients, weights, their average.

        No number is fetched from the GPU. Where a gradient is not finite, in any process, the
        optimiser leaves the step out in all of them: it is told so on the device, as a GradScaler
        tells it.
        """
        schedule, state = self.recipe.schedule, self.state
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        total, parts = self.lesson(batch.to(self.team.device))
        self.optimiser.zero_grad()
        total.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), schedule.clip)
        skipped = (~torch.isfinite(norm)).float()
        self.optimiser.found_inf = skipped  # type: ignore[attr-defined]
        self.optimiser.step()
        self._follow(min(schedule.average, (1 + state.step) / (10 + state.step)))
        state.step += 1
        shown = {"loss": total.detach(), **parts, "skipped": skipped, "batches": torch.ones(())}
        for key, value in shown.items():
            self.sums[key] = self.sums.get(key, 0.0) + value

    def progress(self) -> float:
        """How far the run is, 0 to 1: in images, or in minutes where those come to an end first."""
        schedule, state = self.recipe.schedule, self.state
        timed = state.seconds / (60 * schedule.minutes) if schedule.minutes else 0.0
        return min(1.0, max(state.seen / schedule.images, timed))

    def rate(self) -> float:
        """Linear warm-up, then a cosine down to nothing, or what the plateaus have left of it."""
        schedule = self.recipe.schedule
        warm = min(1.0, (self.state.step + 1) / max(1, schedule.warmup))
        fall = 0.5 * (1 + math.cos(math.pi * self.progress()))
        return max(schedule.rate * warm * (self.state.fall if schedule.plateau else fall), 1e-7)

    @torch.no_grad()
    def _follow(self, keep: float) -> None:
        """The averaged weights move a little towards the current ones; what counts is copied."""
        averaged, current = self.average.parameters(), self.model.parameters()
        torch._foreach_lerp_(list(averaged), list(current), 1 - keep)
        for old, new in zip(self.average.buffers(), self.model.buffers(), strict=True):
            old.copy_(new)

    def report(self) -> None:
        """Score the validation set, append a line to the log, keep the weights if they are best.

        One process does it, and all of them know how it went.
        """
        state = self.state
        state.skipped += int(self.sums.pop("skipped"))
        if self.team.leads:
            self._score()
        counts = self.team.leading(state.waited, state.dull)
        state.waited, state.dull = map(int, counts)
        state.best, state.lowest, state.fall = self.team.leading(
            state.best, state.lowest, state.fall
        )
        self.sums = {}

    def _score(self) -> None:
        state, schedule = self.state, self.recipe.schedule
        count = float(self.sums.pop("batches"))
        line: dict[str, Any] = {
            "seen": state.seen,
            "step": state.step,
            "minutes": round(state.seconds / 60, 1),
            "rate": round(self.rate(), 7),
            **{key: round(float(value) / count, 4) for key, value in self.sums.items()},
            **self._examine(),
            "skipped": state.skipped,
            "tight": state.tight,
        }
        with (self.out / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        left = state.seconds * (1 / max(self.progress(), 1e-6) - 1)
        self.say(f"{_told(line)}; {left / 60:.0f} min to go")
        if schedule.plateau:
            low = line.get("valid_loss", line["loss"])
            state.dull = 0 if low < state.lowest else state.dull + 1
            state.lowest = min(low, state.lowest)
            if state.dull and state.dull % schedule.plateau == 0:
                state.fall /= 2
        # Both: towards the end of a run ExpRate may rise where WER does.
        score = line["wer"] - line["exprate"] if "wer" in line else line["loss"]
        state.waited = 0 if score < state.best else state.waited + 1
        if score < state.best:
            state.best = score
            self._write(BEST)

    def _examine(self) -> dict[str, float]:
        """How well the averaged weights read the validation set, greedily."""
        import jiwer

        if not self.valid:
            return {}
        self.stills = self.stills or list(self.system.stills(self.valid))
        truths = [" ".join(example.tokens) for example in self.valid]
        said = [" ".join(tokens) for tokens in read_all(self.system, self.average, self.stills)]
        found = {
            "wer": jiwer.wer(truths, said),
            "cer": jiwer.cer(truths, said),
            "exprate": float(np.mean([t == s for t, s in zip(truths, said, strict=True)])),
        }
        if self.recipe.schedule.plateau:
            found["valid_loss"] = mean_loss(self.system, self.average, self.stills)
        return {key: round(value, 4) for key, value in found.items()}

    def save(self) -> None:
        """Write the checkpoint that `resume` reads."""
        if self.team.leads:
            self._write(
                CHECKPOINT, reader=self.model.state_dict(), optimiser=self.optimiser.state_dict()
            )

    def _write(self, name: str, **more: Any) -> None:
        content = {
            "average": self.average.state_dict(),
            "shape": self.system.shape,
            "tokens": list(self.system.units.tokens),
            "recipe": self.recipe.to_dict(),
            "state": vars(self.state),
            **more,
        }
        part = self.out / f".{name}.part"
        torch.save(content, part)
        os.replace(part, self.out / name)

    def resume(self) -> bool:
        """Go on from the checkpoint in the output folder; whether there is one."""
        path = self.out / CHECKPOINT
        if not path.exists():
            return False
        content = torch.load(path, map_location=self.team.device, weights_only=True)
        if content["shape"] != self.system.shape:
            raise UsageError(f"{path} is of another model", "choose another --out")
        self.model.load_state_dict(content["reader"])
        self.average.load_state_dict(content["average"])
        self.optimiser.load_state_dict(content["optimiser"])
        known = {f.name for f in fields(State)}
        vars(self.state).update({k: v for k, v in content["state"].items() if k in known})
        self.state.resumed += 1
        self.say(f"resumed at {self.state.seen} images")
        return True


def _alone(worker: int) -> None:
    """Every worker is a process of its own: more threads would only be in each other's way."""
    cv2.setNumThreads(1)


def _told(line: dict[str, Any]) -> str:
    kept = ("seen", "loss", "ctc", "decoder", "named", "wer", "exprate", "minutes")
    return ", ".join(f"{key} {line[key]}" for key in kept if key in line)
