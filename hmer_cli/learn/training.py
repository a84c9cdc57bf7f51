"""The training loop: one recipe, one visible loop, on CPU or GPU."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from hmer_cli.errors import InputError, UsageError
from hmer_cli.expr.tokens import Vocabulary
from hmer_cli.learn.batches import Batch, Invent, Painter, bucketed, collate, mixed, stream
from hmer_cli.learn.examples import Example
from hmer_cli.learn.losses import losses
from hmer_cli.learn.recipe import Recipe
from hmer_cli.learn.recompose import Invention
from hmer_cli.learn.transfer import symbol_names, transfer
from hmer_cli.read.decode import greedy
from hmer_cli.read.model import Reader, Shape
from hmer_cli.read.units import Units

CHECKPOINT = "last.pt"
BEST = "best.pt"
LOG = "log.jsonl"

Say = Callable[[str], None]


@dataclass
class State:
    """What a run has done so far; all of it is in the checkpoint.

    ``skipped`` counts steps left out because a gradient was not finite, ``tight`` images whose
    label did not fit the frames of their symbols, so that they were given more.
    """

    step: int = 0
    seen: int = 0
    seconds: float = 0.0
    skipped: int = 0
    tight: int = 0
    best: float = math.inf
    waited: int = 0
    resumed: int = 0
    sums: dict[str, Tensor] = field(default_factory=dict)


class Stream(IterableDataset[Batch]):
    """`stream` for a DataLoader; each worker has its own seed, and all know the progress."""

    def __init__(
        self,
        painter: Painter,
        data: Sequence[Example],
        invent: Invent | None,
        symbols: dict[str, int],
        recipe: Recipe,
    ) -> None:
        self.painter, self.data, self.invent = painter, data, invent
        self.symbols, self.recipe = symbols, recipe
        self.progress = torch.zeros(1).share_memory_()
        self.seed = recipe.seed

    def __iter__(self) -> Iterator[Batch]:
        info = get_worker_info()
        rng = np.random.default_rng([self.seed, info.id if info else 0])
        schedule = self.recipe.schedule
        return stream(
            self.painter,
            mixed(self.data, self.invent, self.recipe.recomposition.share, rng),
            self.symbols,
            lambda: float(self.progress[0]),
            rng,
            schedule.pixels,
            schedule.pool,
        )


class Trainer:
    """A run: the reader, its averaged copy, the optimiser, and the loop that moves them."""

    def __init__(
        self,
        recipe: Recipe,
        data: Sequence[Example],
        valid: Sequence[Example],
        out: Path,
        say: Say,
        invention: Invention | None = None,
    ) -> None:
        if not data:
            raise InputError("there is no labelled ink to train on", "give a CROHME package")
        self.recipe, self.out, self.say = recipe, out, say
        tokens = Vocabulary.of_labels(" ".join(e.tokens) for e in data).tokens
        if invention is not None:
            tokens = tuple(sorted({*tokens, *invention.vocabulary.tokens}))
        self.units = Units(tokens)
        self.symbols = {name: i for i, name in enumerate(symbol_names(tokens))}
        try:
            shape = Shape(units=len(self.units), symbols=len(self.symbols) - 1, **recipe.model)
        except TypeError as error:
            raise UsageError(f"recipe {recipe.name}: [model] {error}", "see Shape") from error
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(recipe.seed)
        self.reader = self._new(shape)
        self.average = self._new(shape)
        self.average.load_state_dict(self.reader.state_dict())
        self.optimiser = self._optimiser()
        self.painter = Painter(self.units, recipe.drawing, recipe.spread)
        self.data = data
        self.invent = invention.sample if invention is not None else None
        self.valid = valid
        self.state = State()

    def begin_with(self, weights: Path) -> None:
        """Start from what a weights file holds, as far as it fits."""
        share = transfer(weights, self.reader, self.units.tokens)
        self.average.load_state_dict(self.reader.state_dict())
        self.say(f"{share:.0%} of the parameters come from {weights}")

    def _new(self, shape: Shape) -> Reader:
        reader = Reader(shape).to(self.device)
        return reader.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def _optimiser(self) -> torch.optim.Optimizer:
        """AdamW; biases, norms and other vectors do not decay."""
        schedule = self.recipe.schedule
        matrices = [p for p in self.reader.parameters() if p.ndim > 1]
        vectors = [p for p in self.reader.parameters() if p.ndim <= 1]
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
        self.resume()
        source = Stream(self.painter, self.data, self.invent, self.symbols, self.recipe)
        source.seed = self.recipe.seed + state.resumed
        workers = (os.cpu_count() or 1) if self.device.type == "cuda" else 0
        loader = iter(DataLoader(source, batch_size=None, num_workers=workers))
        advance(state.seen, 0)
        due = (state.seen // schedule.interval + 1) * schedule.interval
        last = time.monotonic()
        while state.seen < schedule.images and state.waited < schedule.patience:
            source.progress[0] = state.seen / schedule.images
            batch = next(loader)
            self.step(batch)
            advance(len(batch.labels), 0)
            now = time.monotonic()
            state.seconds += now - last
            last = now
            if state.seen >= due or state.seen >= schedule.images:
                due += schedule.interval
                self.report()
                self.save()
                last = time.monotonic()
        return state

    def step(self, batch: Batch) -> None:
        """One batch: losses, gradients, weights, their average."""
        schedule, state = self.recipe.schedule, self.state
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        total, parts = losses(self.reader, batch, self.recipe.losses)
        self.optimiser.zero_grad()
        total.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.reader.parameters(), schedule.clip)
        if torch.isfinite(norm):
            self.optimiser.step()
            self._follow(min(schedule.average, (1 + state.step) / (10 + state.step)))
        else:
            state.skipped += 1
        state.step += 1
        state.seen += len(batch.labels)
        state.tight += batch.tight
        for key, value in {**parts, "batches": torch.ones(())}.items():
            state.sums[key] = state.sums.get(key, 0.0) + value  # a float would wait for the GPU

    def rate(self) -> float:
        """Linear warm-up, then a cosine down to nothing."""
        schedule = self.recipe.schedule
        warm = min(1.0, (self.state.step + 1) / schedule.warmup)
        fall = 0.5 * (1 + math.cos(math.pi * min(1.0, self.state.seen / schedule.images)))
        return max(schedule.rate * warm * fall, 1e-7)

    @torch.no_grad()
    def _follow(self, keep: float) -> None:
        """The averaged weights move a little towards the current ones."""
        torch._foreach_lerp_(
            list(self.average.parameters()), list(self.reader.parameters()), 1 - keep
        )
        for old, new in zip(self.average.buffers(), self.reader.buffers(), strict=True):
            old.copy_(new)

    @torch.no_grad()
    def read(self, examples: Sequence[Example]) -> list[tuple[list[str], list[str]]]:
        """Truth and greedy prediction of every example, by the averaged weights."""
        self.average.eval()
        known = set(self.units.tokens)
        results = []
        drawn = [
            self.painter.still(Example(e.strokes, tuple(t for t in e.tokens if t in known)))
            for e in examples
        ]
        truth = {id(d): list(e.tokens) for d, e in zip(drawn, examples, strict=True)}
        for group in bucketed(drawn, self.recipe.schedule.pixels):
            batch = collate(group, self.symbols)
            with torch.autocast(self.device.type, torch.bfloat16):
                frames, _ = self.average(
                    torch.from_numpy(batch.images).to(self.device),
                    torch.from_numpy(batch.sizes).to(self.device),
                )
            for d, row in zip(group, frames.float().cpu().numpy(), strict=True):
                results.append((truth[id(d)], self.units.decode(greedy(row))))
        return results

    def report(self) -> None:
        """Score the validation set, append a line to the log, keep the weights if they are best."""
        import jiwer

        state, sums = self.state, self.state.sums
        pairs = self.read(self.valid) if self.valid else []
        count = float(sums.pop("batches"))
        line: dict[str, Any] = {
            "seen": state.seen,
            "step": state.step,
            "minutes": round(state.seconds / 60, 1),
            "rate": round(self.rate(), 7),
            **{key: round(float(value) / count, 4) for key, value in sums.items()},
        }
        if pairs:
            truths, said = [" ".join(t) for t, _ in pairs], [" ".join(s) for _, s in pairs]
            line["wer"] = round(jiwer.wer(truths, said), 4)
            line["cer"] = round(jiwer.cer(truths, said), 4)
            line["exprate"] = round(float(np.mean([t == s for t, s in pairs])), 4)
        state.sums = {}
        score = line.get("wer", line["ctc"])
        state.waited = 0 if score < state.best else state.waited + 1
        with (self.out / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        left = state.seconds / state.seen * (self.recipe.schedule.images - state.seen)
        self.say(f"{_told(line)}; {left / 60:.0f} min to go")
        if score < state.best:
            state.best = score
            self._write(BEST)

    def save(self) -> None:
        """Write the checkpoint that `resume` reads."""
        self._write(
            CHECKPOINT, reader=self.reader.state_dict(), optimiser=self.optimiser.state_dict()
        )

    def _write(self, name: str, **more: Any) -> None:
        content = {
            "average": self.average.state_dict(),
            "shape": self.reader.shape.to_dict(),
            "tokens": list(self.units.tokens),
            "recipe": self.recipe.to_dict(),
            "state": vars(self.state) | {"sums": {}},
            **more,
        }
        part = self.out / f".{name}.part"
        torch.save(content, part)
        os.replace(part, self.out / name)

    def resume(self) -> None:
        """Go on from the checkpoint in the output folder, if there is one."""
        path = self.out / CHECKPOINT
        if not path.exists():
            return
        content = torch.load(path, map_location=self.device, weights_only=True)
        if content["shape"] != self.reader.shape.to_dict():
            raise UsageError(f"{path} is of another model", "choose another --out")
        self.reader.load_state_dict(content["reader"])
        self.average.load_state_dict(content["average"])
        self.optimiser.load_state_dict(content["optimiser"])
        vars(self.state).update(content["state"])
        self.state.resumed += 1
        self.say(f"resumed at {self.state.seen} images")


def _told(line: dict[str, Any]) -> str:
    kept = ("seen", "ctc", "decoder", "named", "wer", "exprate", "minutes")
    return ", ".join(f"{key} {line[key]}" for key in kept if key in line)


def load_reader(path: Path) -> tuple[Reader, dict[str, Any]]:
    """The averaged reader in a checkpoint, and all else that it says."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    reader = Reader(Shape(**content["shape"]))
    reader.load_state_dict(content["average"])
    return reader.eval(), content
