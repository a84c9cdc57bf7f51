"""The training loop: one recipe, on CPU or GPU, by one process or several.

Input: a `System` (model, losses, batches) and a plan. Output: checkpoints and a log, a line per
validation. Resumes from the last checkpoint.
"""

from __future__ import annotations

import copy
import math
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

from hmer_cli.console import Say
from hmer_cli.errors import InputError, UsageError
from hmer_cli.expr.tokens import Vocabulary
from hmer_cli.models.session import cores
from hmer_cli.training import checkpoint
from hmer_cli.training.batches.images import mixed
from hmer_cli.training.batches.targets import Targets
from hmer_cli.training.compose.examples import Example
from hmer_cli.training.compose.recompose import Invention
from hmer_cli.training.distributed import ProcessGroup
from hmer_cli.training.recipe import Recipe
from hmer_cli.training.registry import build
from hmer_cli.training.systems.base import LossModule, System, mean_loss, rates

CHECKPOINT = "last.pt"
BEST = "best.pt"
LOG = "log.jsonl"

SAVED = 240.0
"""Seconds after which there is a checkpoint, whether or not a score is due."""

AHEAD = 8
"""Batches that each worker prepares ahead."""


@dataclass
class State:
    """What a run has done so far, in all its processes; all of it is in the checkpoint.

    Attributes:
        step, seen, seconds: steps, images and time so far.
        skipped: steps that were left out because a gradient was not finite.
        infeasible: images whose label needs more CTC frames than they have.
        best, waited: best score on the validation set, and validations since.
        lowest, dull: lowest loss on the validation set, and validations since.
        fall: factor of the learning rate after plateaus.
        resumed: number of times that the run was resumed.
    """

    step: int = 0
    seen: int = 0
    seconds: float = 0.0
    skipped: int = 0
    infeasible: int = 0
    best: float = math.inf
    waited: int = 0
    lowest: float = math.inf
    dull: int = 0
    fall: float = 1.0
    resumed: int = 0


class Stream(IterableDataset[Targets]):
    """A system's batches for a DataLoader.

    Each worker of each process has its own seed; the progress of the run is shared memory.
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
        group: ProcessGroup | None = None,
    ) -> None:
        if not data and invention is None:
            raise InputError("there is no labelled ink to train on", "give a CROHME package")
        self.recipe, self.out, self.say = recipe, out, say
        self.group = group or ProcessGroup.join()
        if self.group.device.type == "cuda":
            torch.set_float32_matmul_precision("high")
        tokens = Vocabulary.of_labels(" ".join(e.tokens) for e in data).tokens
        if invention is not None:
            tokens = tuple(sorted({*tokens, *invention.vocabulary.tokens}))
        torch.manual_seed(recipe.seed)
        self.system = build(recipe, tokens)
        self.model = self.system.model
        self.model.to(self.group.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.model)
        self.optimiser = self._optimiser()
        self.data, self.invention, self.valid = data, invention, valid
        self.validation: list[tuple[list[int], Targets]] = []
        self.state = State()
        self.sums: dict[str, Tensor] = {}
        self.kept = math.inf
        """The score of the weights in the file BEST."""
        self.loss_module: torch.nn.Module = LossModule(self.system)

    def begin_with(self, weights: Path) -> None:
        """Initialise from a weights file, as far as its parameters fit.

        Raises UsageError where none does, MissingError where the file holds no weights.
        """
        share = self.system.begin_with(weights)
        if not share:
            what = f"{weights} is of another kind of model, of which nothing can be taken"
            raise UsageError(what, "leave --from out, or name other weights")
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

        ``advance`` is called with the number of images after every step.
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
        while self.progress() < 1 and not 0 < schedule.patience <= state.waited:
            source.progress[0] = self.progress()
            batch = next(loader)
            self.step(batch)
            images, infeasible = self.group.total(batch.count, batch.infeasible)
            (state.seconds,) = self.group.leading(time.monotonic() - begun)
            state.seen += int(images)
            state.infeasible += int(infeasible)
            advance(int(images), 0)
            if state.seen >= due or self.progress() >= 1:
                due = (state.seen // schedule.interval + 1) * schedule.interval
                self.report()
                self.save()
                saved = state.seconds
            elif state.seconds > saved + SAVED:
                self.save()
                saved = state.seconds
        if self._unscored():
            self.report()
            self.save()
        return state

    def _unscored(self) -> bool:
        """Whether there is no score of the weights that the run ends with: the schedule of a run
        that goes on may have been made so short that nothing was left to do."""
        log = self.out / LOG
        lines = checkpoint.read_lines(log) if self.group.leads and log.is_file() else []
        last = lines[-1]["seen"] if lines else 0
        return bool(self.group.leading(last < self.state.seen)[0])

    def start(self) -> None:
        """Resume from the checkpoint if there is one; wrap the loss for data-parallel training."""
        if not self.resume():
            self.system.begin(self.say)
            self._update_average(keep=0.0)
        torch.manual_seed(self.recipe.seed + 1000 * self.state.resumed + self.group.rank)
        self.loss_module = self.group.wrap(self.loss_module, self.system.finds_unused)

    def source(self) -> Stream:
        """The data of this process, with a seed of its own, also after resuming."""
        seed = (self.recipe.seed + self.state.resumed, self.group.rank)
        return Stream(self.system, self.data, self.invention, seed)

    def _loader(self, source: Stream) -> Iterator[Targets]:
        """Batches by worker processes on all other cores beside a GPU, else between the steps.

        With several processes on CPUs, each has one worker.
        """
        on_cpu = self.group.device.type == "cpu"
        if on_cpu and self.group.size == 1:
            return iter(DataLoader(source, batch_size=None))
        workers = 1 if on_cpu else max(1, cores() // self.group.size - 1)
        return iter(
            DataLoader(
                source,
                batch_size=None,
                num_workers=workers,
                prefetch_factor=AHEAD,
                pin_memory=not on_cpu,
                worker_init_fn=_use_one_thread,
            )
        )

    def step(self, batch: Targets) -> None:
        """One batch: losses, gradients, weights, their average.

        Nothing is copied from the GPU. If a gradient is not finite in any process, the optimiser
        skips the step in all of them, by the mechanism of GradScaler (``found_inf``).
        """
        schedule, state = self.recipe.schedule, self.state
        for parameters in self.optimiser.param_groups:
            parameters["lr"] = self.rate()
        total, parts = self.loss_module(batch.to(self.group.device))
        self.optimiser.zero_grad()
        total.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), schedule.clip)
        skipped = (~torch.isfinite(norm)).float()
        self.optimiser.found_inf = skipped  # type: ignore[attr-defined]
        self.optimiser.step()
        self._update_average(min(schedule.average, (1 + state.step) / (10 + state.step)))
        state.step += 1
        shown = {"loss": total.detach(), **parts, "skipped": skipped, "batches": torch.ones(())}
        for key, value in shown.items():
            self.sums[key] = self.sums.get(key, 0.0) + value

    def progress(self) -> float:
        """Progress of the run, 0 to 1, in images or in minutes, whichever ends first."""
        schedule, state = self.recipe.schedule, self.state
        timed = state.seconds / (60 * schedule.minutes) if schedule.minutes else 0.0
        return min(1.0, max(state.seen / schedule.images, timed))

    def rate(self) -> float:
        """Learning rate: linear warm-up, then cosine decay, or halving on plateaus."""
        schedule = self.recipe.schedule
        warm = min(1.0, (self.state.step + 1) / max(1, schedule.warmup))
        fall = 0.5 * (1 + math.cos(math.pi * self.progress()))
        return max(schedule.rate * warm * (self.state.fall if schedule.plateau else fall), 1e-7)

    @torch.no_grad()
    def _update_average(self, keep: float) -> None:
        """Exponential moving average of the parameters; buffers are copied, but stay what they were
        where a batch that is left out, whose values are not finite, has changed them."""
        averaged, current = self.average.parameters(), self.model.parameters()
        torch._foreach_lerp_(list(averaged), list(current), 1 - keep)
        for old, new in zip(self.average.buffers(), self.model.buffers(), strict=True):
            new.copy_(torch.where(torch.isfinite(new), new, old))
            old.copy_(new)

    def report(self) -> None:
        """Score the validation set, append a line to the log, keep the weights if they are best.

        The first process does so and broadcasts the result.
        """
        state = self.state
        state.skipped += int(self.sums.pop("skipped", 0))
        if self.group.leads:
            self._score()
        counts = self.group.leading(state.waited, state.dull)
        state.waited, state.dull = map(int, counts)
        state.best, state.lowest, state.fall = self.group.leading(
            state.best, state.lowest, state.fall
        )
        self.sums = {}

    def _score(self) -> None:
        state, schedule = self.state, self.recipe.schedule
        count = float(self.sums.pop("batches", 1))
        line: dict[str, Any] = {
            "seen": state.seen,
            "step": state.step,
            "minutes": round(state.seconds / 60, 1),
            "rate": round(self.rate(), 7),
            **{key: round(float(value) / count, 4) for key, value in self.sums.items()},
            **self._validate(),
            "skipped": state.skipped,
            "infeasible": state.infeasible,
        }
        checkpoint.add_line(self.out / LOG, line)
        left = state.seconds * (1 / max(self.progress(), 1e-6) - 1)
        self.say(f"{_summary(line)}; {left / 60:.0f} min to go")
        if schedule.plateau:
            low = line.get("valid_loss", line.get("loss", math.inf))
            state.dull = 0 if low < state.lowest else state.dull + 1
            state.lowest = min(low, state.lowest)
            if state.dull and state.dull % schedule.plateau == 0:
                state.fall /= 2
        # Without a validation set the last weights are the best: single lines of the training loss
        # say less.
        score = self.system.rank(line) if "wer" in line else -state.seen
        state.waited = 0 if score < state.best else state.waited + 1
        state.best = min(score, state.best)

    def _validate(self) -> dict[str, float]:
        """Scores of the averaged weights on the validation set, decoded greedily."""
        if not self.valid:
            return {}
        self.validation = self.validation or list(self.system.validation_batches(self.valid))
        found = rates(self.system, self.average, self.valid, self.validation)
        if self.recipe.schedule.plateau or self.system.draws_loss:
            found["valid_loss"] = mean_loss(self.system, self.average, self.validation)
        return {key: round(value, 4) for key, value in found.items()}

    def save(self) -> None:
        """Write the checkpoint that `resume` reads, and then the best weights if these are."""
        if self.group.leads:
            self._write(
                CHECKPOINT, reader=self.model.state_dict(), optimiser=self.optimiser.state_dict()
            )
            self._keep_best()

    def _keep_best(self) -> None:
        """Write BEST unless it is there; a run that was killed before that does so on resuming."""
        if self.state.best < self.kept:
            self._write(BEST)
            self.kept = self.state.best

    def _write(self, name: str, **more: Any) -> None:
        content = {
            "average": self.average.state_dict(),
            "shape": self.system.shape,
            "tokens": list(self.system.units.tokens),
            "recipe": self.recipe.to_dict(),
            "state": vars(self.state),
            **more,
        }
        checkpoint.write(self.out / name, content)

    def resume(self) -> bool:
        """Load the checkpoint in the output folder; returns whether there is one.

        What the log says of later images is dropped. Raises UsageError where it is of another run,
        MissingError where it cannot be read.
        """
        path = self.out / CHECKPOINT
        if not path.exists():
            if self.group.leads:
                checkpoint.cut_log(self.out / LOG, 0)
            return False
        keys = ("reader", "average", "optimiser", "state", "shape", "tokens", "recipe")
        content = checkpoint.read(path, keys, checkpoint.ANEW, self.group.device)
        same = content["shape"] == self.system.shape, content["recipe"]["name"] == self.recipe.name
        if not all(same) or content["tokens"] != list(self.system.units.tokens):
            what = "another recipe" if same[0] else "another model"
            what = "other tokens" if all(same) else what
            raise UsageError(f"{path} is of {what}", checkpoint.ANEW)
        self.model.load_state_dict(content["reader"])
        self.average.load_state_dict(content["average"])
        self.optimiser.load_state_dict(content["optimiser"])
        known = {f.name for f in fields(State)}
        vars(self.state).update({k: v for k, v in content["state"].items() if k in known})
        self.state.resumed += 1
        if self.group.leads:
            checkpoint.cut_log(self.out / LOG, self.state.seen)
            self.kept = checkpoint.score_of(self.out / BEST)
            self._keep_best()
        self.say(f"resumed at {self.state.seen} images")
        return True


def _use_one_thread(worker: int) -> None:
    """One OpenCV thread per worker process."""
    cv2.setNumThreads(1)


def _summary(line: dict[str, Any]) -> str:
    kept = ("seen", "loss", "ctc", "decoder", "named", "wer", "exprate", "minutes")
    return ", ".join(f"{key} {line[key]}" for key in kept if key in line)
