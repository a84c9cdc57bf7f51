"""Training of the Transformer language model: formulas and training labels -> an ONNX model.

python -m hmer_cli.training.label_transformer --data ../shared/data --out transformer.onnx

Method: see `hmer_cli.networks.language_transformer`; AdamW with a cosine schedule over a given
time. The labels are those of `hmer_cli.training.language_model`, and each expression of CROHME
train once more.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from hmer_cli import files
from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.errors import UsageError
from hmer_cli.expr.tokens import tokenize
from hmer_cli.networks.language_transformer import LanguageTransformer
from hmer_cli.networks.layers import set_drop_rates
from hmer_cli.recognition.label_transformer import TOKENS
from hmer_cli.recognition.language_model import END, START, UNKNOWN
from hmer_cli.training import checkpoint
from hmer_cli.training.export.onnx import language_transformer
from hmer_cli.training.language_model import COMMON, Gram, corpus
from hmer_cli.training.messages import say
from hmer_cli.training.precision import autocast

LONGEST = 160  # convention; none of the labels is longer
BATCH = 2500  # convention
"""Tokens a batch."""

RATE, WARMUP = 2e-3, 200  # convention
DROPPED = 0.1  # convention
"""The share of stochastic depth."""

HELD = 40  # convention
"""Without CROHME, one label in so many is held out, with all its copies."""

EVERY = 400
"""Steps between reports."""

_REMEDY = "name parameters of a model of the same tokens, or leave --from out"

START_ID, END_ID, UNKNOWN_ID = range(3)


def main() -> None:
    """Train on both files of formulas and on CROHME's training labels; write the model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--from", dest="start", type=Path, help="parameters to begin with, a .pt")
    parser.add_argument("--alone", action="store_true", help="on the files of formulas alone")
    given = parser.parse_args()
    formulas = [given.data / name for name in ("formulas-textbooks.txt", "formulas.txt")]
    crohme = None if given.alone else given.data / "crohme.zip"
    run(formulas, crohme, given.out, given.minutes, given.seed, given.start)
    say(f"{given.out}, {given.out.stat().st_size} bytes")


def run(
    formulas: Sequence[Path],
    crohme: Path | None,
    out: Path,
    minutes: float,
    seed: int,
    start: Path | None = None,
) -> float:
    """Write the model trained on formulas and on CROHME train; its mean loss a token on the labels
    of test2014 that are none of these.

    Without CROHME, one label in HELD is held out. The parameters go to a file beside ``out`` with
    the ending .pt; ``start`` is such a file of the same tokens, to begin with.
    """
    labels = corpus(formulas, crohme)
    if crohme is None:
        held = list(dict.fromkeys(labels))[::HELD]
        labels = _apart(labels, held)
    else:
        labels += [tuple(tokenize(s.label)) for s in open_dataset(str(crohme), "train") if s.label]
        held = [tuple(tokenize(s.label)) for s in open_dataset(str(crohme), "test2014") if s.label]
        held = _apart(held, labels)
    tokens = vocabulary(labels)
    path = out.with_suffix(".pt")
    torch.manual_seed(seed)
    model = LanguageTransformer(len(tokens))
    if start is not None:
        try:
            model.load_state_dict(checkpoint.read(start, model.state_dict(), _REMEDY))
        except RuntimeError as error:  # of another size
            raise UsageError(f"{start} is of a model of other tokens", _REMEDY) from error
    found = train(model, encoded(labels, tokens), encoded(held, tokens), minutes, seed)
    checkpoint.write(path, model.state_dict())
    files.replace(out, language_transformer(model, {TOKENS: json.dumps(tokens)}))
    return found


def _apart(labels: Sequence[Gram], others: Iterable[Gram]) -> list[Gram]:
    """The labels without those that are among others."""
    known = set(others)
    return [label for label in labels if label not in known]


def vocabulary(labels: Sequence[Gram]) -> list[str]:
    """All tokens that occur at least COMMON times, behind START, END and UNKNOWN."""
    counts = Counter(token for label in labels for token in label)
    return [START, END, UNKNOWN, *sorted(t for t, count in counts.items() if count >= COMMON)]


def encoded(labels: Sequence[Gram], tokens: Sequence[str]) -> list[list[int]]:
    """Labels as indices, from the start to the end."""
    index = {token: i for i, token in enumerate(tokens)}
    return [
        [START_ID, *(index.get(token, UNKNOWN_ID) for token in label[: LONGEST - 2]), END_ID]
        for label in labels
    ]


def train(
    model: LanguageTransformer,
    rows: Sequence[list[int]],
    held: Sequence[list[int]],
    minutes: float,
    seed: int = 0,
) -> float:
    """Train for a time. The mean loss a token of the ``held`` labels, also reported on the way."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    set_drop_rates(model, DROPPED, 0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.02, betas=(0.9, 0.98))
    begun, losses = time.monotonic(), list[float]()
    model.train()
    while (share := (time.monotonic() - begun) / (60 * minutes)) < 1:
        for batch in _batches(rows, rng):
            share = (time.monotonic() - begun) / (60 * minutes)
            if share >= 1:
                break
            rate = min(1, (len(losses) + 1) / WARMUP) * (1 + math.cos(math.pi * share)) / 2
            optimizer.param_groups[0]["lr"] = RATE * rate
            with autocast(torch.device("cpu")):
                found = loss(model, batch)
            optimizer.zero_grad()
            found.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(found.item())
            if len(losses) % EVERY == 0:
                _report(model, held, losses, share * minutes)
    return _report(model, held, losses, minutes)


def loss(model: LanguageTransformer, rows: Sequence[list[int]]) -> Tensor:
    """The mean negative log-probability of the tokens of these rows."""
    width = max(map(len, rows))
    filled = torch.full((len(rows), width), -1)
    for to, row in zip(filled, rows, strict=True):
        to[: len(row)] = torch.tensor(row)
    n = width - 1
    places = torch.arange(n).expand(len(rows), n)
    seen = torch.ones(1, n, n, dtype=torch.bool).tril()
    logs = model(filled[:, :-1].clamp(min=0), places, seen)
    return nn.functional.nll_loss(logs.flatten(0, 1), filled[:, 1:].flatten(), ignore_index=-1)


def _batches(rows: Sequence[list[int]], rng: random.Random) -> Iterator[list[list[int]]]:
    """All rows once, in batches of similar length and random order."""
    order = sorted(rows, key=lambda row: len(row) + 4 * rng.random())
    batches: list[list[list[int]]] = [[]]
    for row in order:
        if len(batches[-1]) * len(row) > BATCH:
            batches.append([])
        batches[-1].append(row)
    rng.shuffle(batches)
    yield from batches


def _report(
    model: LanguageTransformer, held: Sequence[list[int]], losses: Sequence[float], minutes: float
) -> float:
    model.eval()
    with torch.no_grad():
        parts = [held[i : i + 64] for i in range(0, len(held), 64)]
        tokens = [sum(len(row) - 1 for row in part) for part in parts]
        each = [loss(model, part).item() for part in parts]
    found = float(np.average(each, weights=tokens)) if held else math.nan
    model.train()
    recent = np.mean(losses[-EVERY:]) if losses else math.nan
    say(f"{len(losses)} steps, {minutes:.1f} min, loss {recent:.3f}, held out {found:.4f}")
    return found


if __name__ == "__main__":
    main()
