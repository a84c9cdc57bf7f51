r"""Train the decoder of a reader alone, on what all the rest of it sees, which stays as it is.

    python train/decoder.py train/recipes/wide.toml runs/average \
        --data ../shared/data/crohme.zip --minutes 60 --out runs/decoder

A step of the decoder costs a tenth of one of everything, and it has much to learn when CTC has not.
What was seen of an image is kept and learnt from again, with other units replaced. The weights
file is made as hmer train makes it; the score in it is that of the run, as CTC is untouched.
"""

from __future__ import annotations

import argparse
import copy
import math
import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from hmer_cli.learn.batches import Batch, Painter, mixed
from hmer_cli.learn.datasets import open_dataset
from hmer_cli.learn.examples import examples
from hmer_cli.learn.families import load_system
from hmer_cli.learn.losses import decoder
from hmer_cli.learn.recipe import Recipe, load
from hmer_cli.learn.training import BEST, LOG
from hmer_cli.read.decoder import Given
from hmer_cli.read.model import Reader
from hmer_cli.train import deliver, invention_of

EVERY, KEPT = 3, 800
"""One step in so many looks at a new batch; so many that were looked at are kept."""

SKIPPED, DROPPED = 0.03, 0.02
"""Left out of the reader, so that it reads training images about as badly as those of the test."""

BRANCHES = 0.05
"""Left out of the decoder."""

SMOOTHING, DECAY, CLIP, WARMUP, AVERAGE = 0.02, 0.01, 1.0, 200, 0.999

Seen = tuple[Given, Batch]


def main() -> None:
    """Load, learn, deliver."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("recipe", type=Path)
    parser.add_argument("run", type=Path, help="a folder that hmer train or average.py wrote")
    parser.add_argument("--data", type=Path, required=True, help="the CROHME package")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    plan = load(given.recipe)
    system, content = load_system(given.run / BEST)
    rng = np.random.default_rng(plan.seed)
    torch.manual_seed(plan.seed)
    batches = drawn(system, plan, given.recipe.parent, given.data, rng)
    train(system.model, remembered(system.model, batches, rng), plan, given.minutes, given.rate)
    given.out.mkdir(parents=True, exist_ok=True)
    torch.save({**content, "average": system.model.state_dict()}, given.out / BEST)
    shutil.copyfile(given.run / LOG, given.out / LOG)
    deliver(plan, given.data, given.out, shlex.join(["python", *sys.argv]))


def drawn(
    system: Any, plan: Recipe, beside_recipe: Path, data: Path, rng: np.random.Generator
) -> Iterator[Batch]:
    """Training batches as the recipe draws them at its end."""
    samples = open_dataset(str(data), plan.split or None)
    invention = invention_of(plan, beside_recipe, data.parent, samples)
    system.painter = Painter(system.units, plan.drawing, plan.spread)
    endless = mixed(examples(samples), invention, plan.recomposition, rng)
    batches: Iterator[Batch] = system.batches(endless, lambda: 1.0, rng)
    return batches


def remembered(
    reader: Reader, batches: Iterator[Batch], rng: np.random.Generator
) -> Iterator[Seen]:
    """What the reader sees of the batches, each several times, in no order."""
    kept: list[Seen] = []
    step = 0
    while True:
        if step % EVERY == 0:
            batch = next(batches)
            new = look(reader, batch), batch
            if len(kept) < KEPT:
                kept.append(new)
            else:
                kept[rng.integers(KEPT)] = new
            yield new
        else:
            yield kept[rng.integers(len(kept))]
        step += 1


@torch.no_grad()
def look(reader: Reader, batch: Batch) -> Given:
    """What the reader, a little of it left out, gives the decoder."""
    reader.eval()
    reader.thin_out(SKIPPED, DROPPED)
    for module in (reader.encoder, reader.context, reader.second):
        for part in module.modules():
            part.training = not isinstance(part, nn.BatchNorm2d)
    images = batch.images.float().div_(255).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        return reader.read(images, batch.sizes).given


def train(reader: Reader, seen: Iterator[Seen], plan: Recipe, minutes: float, rate: float) -> None:
    """Move the decoder's weights for so long; those of the reader become their running mean."""
    learning = reader.decoder
    average = copy.deepcopy(learning)
    weights = replace(plan.losses, smoothing=SMOOTHING)
    optimiser = torch.optim.AdamW(learning.parameters(), rate, (0.9, 0.98), weight_decay=DECAY)
    begun, step, total = time.monotonic(), 0, 0.0
    while (done := (time.monotonic() - begun) / (60 * minutes)) < 1:
        given, batch = next(seen)
        for group in optimiser.param_groups:
            warm = min(1.0, (step + 1) / WARMUP)
            group["lr"] = rate * warm * 0.5 * (1 + math.cos(math.pi * done))
        reader.thin_out(BRANCHES, 0.0)
        learning.train()
        with torch.autocast("cpu", torch.bfloat16):
            loss = decoder(reader, given, batch, weights)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(learning.parameters(), CLIP)
        optimiser.step()
        keep = min(AVERAGE, (1 + step) / (10 + step))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(learning.parameters()), 1 - keep)
        step, total = step + 1, total + float(loss)
        if step % 500 == 0:
            sys.stderr.write(f"step {step}, {done:.0%}, loss {total / 500:.3f}\n")
            total = 0.0
    learning.load_state_dict(average.state_dict())
    reader.thin_out(0.0, 0.0)
    reader.eval()


if __name__ == "__main__":
    main()
