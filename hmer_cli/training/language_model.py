"""Training of the language model: formulas and training labels -> n-grams.

python -m hmer_cli.training.language_model --data ../shared/data --out language.txt

Method: interpolated modified Kneser-Ney (Chen and Goodman, 1999); n-grams that occur rarely are
then left out and the back-off weights computed anew, so that the probabilities after each history
still add up to 1.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.errors import InputError
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.tokens import Vocabulary, tokenize
from hmer_cli.expr.tree import LabelError
from hmer_cli.recognition.language_model import (
    END,
    ORDER,
    START,
    STEPS,
    UNKNOWN,
    LanguageModel,
    NGrams,
    hashes,
)
from hmer_cli.synthesis.exercises import Exercises
from hmer_cli.training.messages import say

FEWEST = (1, 1, 1, 2, 2)  # chosen on the size: see train/RECORDS.md
"""How often n-grams of 1, 2, ... tokens occur at least to be kept."""

REPEATED = 3  # convention
"""A label counts so often at most: the writers of a data set copy the same formulas."""

EXERCISES = 12_000  # convention: a fifth of the labels
"""Labels of the grammar of exercises."""

COMMON = 2  # convention
"""Tokens that occur less often are UNKNOWN."""

NEVER = 1e-7
"""The probability of a token that follows nothing."""

Gram = tuple[str, ...]


def main() -> None:
    """Train on both files of formulas and on CROHME's training labels; write the packed model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--alone", action="store_true", help="on the files of formulas alone")
    parser.add_argument("--fewest", type=int, nargs=ORDER, default=FEWEST, help="see FEWEST")
    given = parser.parse_args()
    files = [given.data / name for name in ("formulas-textbooks.txt", "formulas.txt")]
    labels = corpus(files, None if given.alone else given.data / "crohme.zip")
    model = train(labels, fewest=given.fewest)
    given.out.write_text(model.packed(), encoding="ascii")
    say(f"{[len(grams.keys) for grams in model.orders]} n-grams, {given.out.stat().st_size} bytes")


def corpus(formulas: Iterable[Path], crohme: Path | None) -> list[Gram]:
    """The labels of all formulas, and of the training expressions; what is no label is left out.

    Raises InputError where a file cannot be read.
    """
    found: list[Gram] = []
    for path in formulas:
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: {error}", "give a file of formulas") from error
        for line in lines:
            try:
                found.append(tuple(tokenize(normalise(line))))
            except LabelError:
                continue
    if crohme is not None:
        found += [tuple(tokenize(s.label)) for s in open_dataset(str(crohme), "train") if s.label]
    counts = Counter(filter(None, found))
    found = [label for label, count in counts.items() for _ in range(min(count, REPEATED))]
    return [*found, *_exercises({token for label in found for token in label})]


def _exercises(tokens: Iterable[str]) -> Iterator[Gram]:
    """What schools and first years write and no formula of a paper is: units, sums, systems."""
    grammar, rng = Exercises(Vocabulary(sorted(tokens))), np.random.default_rng(0)
    for _ in range(EXERCISES):
        yield tuple(tokenize(grammar.sample(rng)))


def train(
    labels: Sequence[Gram], order: int = ORDER, fewest: Sequence[int] = FEWEST
) -> LanguageModel:
    """The model of these labels."""
    occurring = Counter(token for label in labels for token in label)
    known = {token for token, count in occurring.items() if count >= COMMON}
    counts = _counts([[t if t in known else UNKNOWN for t in label] for label in labels], order)
    tokens = (START, END, UNKNOWN, *sorted(known))
    smoothed = _smoothed(counts, len(tokens) - 1)
    kept = [
        {gram: p for gram, p in smoothed[n].items() if counts[n][gram] >= fewest[n]}
        for n in range(order)
    ]
    unseen = 1 - sum(kept[0].values())
    kept[0].setdefault((UNKNOWN,), max(unseen, NEVER))
    for n in range(1, order):  # histories of what begins a label
        kept[n - 1][(START,) * n] = NEVER
    return _indexed(tokens, kept)


def _counts(labels: Iterable[Sequence[str]], order: int) -> list[Counter[Gram]]:
    """How often each n-gram occurs, for the longest; for others after how many tokens it does."""
    longest: Counter[Gram] = Counter()
    for label in labels:
        row = (START,) * (order - 1) + (*label, END)
        longest.update(row[i : i + order] for i in range(len(row) - order + 1))
    counts = [longest]
    while len(counts) < order:
        counts.append(Counter(gram[1:] for gram in counts[-1]))
    return counts[::-1]


def _smoothed(counts: Sequence[Counter[Gram]], size: int) -> list[dict[Gram, float]]:
    """The probability of each n-gram's last token after the others."""
    found: list[dict[Gram, float]] = []
    for n, grams in enumerate(counts, 1):
        total: Counter[Gram] = Counter()
        kinds: dict[Gram, list[int]] = defaultdict(lambda: [0, 0, 0])
        for gram, count in grams.items():
            total[gram[:-1]] += count
            kinds[gram[:-1]][min(3, count) - 1] += 1
        discount = _discounts(grams)
        shorter = found[-1] if found else {}
        probabilities = {}
        for gram, count in grams.items():
            history = gram[:-1]
            left = sum(d * k for d, k in zip(discount, kinds[history], strict=True))
            lower = shorter[gram[1:]] if n > 1 else 1 / size
            share = count - discount[min(3, count) - 1] + left * lower
            probabilities[gram] = share / total[history]
        found.append(probabilities)
    return found


def _discounts(grams: Counter[Gram]) -> list[float]:
    """What is taken from counts of 1, of 2 and of more."""
    of = Counter(min(5, count) for count in grams.values())
    y = of[1] / max(1, of[1] + 2 * of[2])
    return [max(0.1, j - (j + 1) * y * of[j + 1] / max(1, of[j])) for j in (1, 2, 3)]


def _indexed(tokens: Sequence[str], kept: Sequence[Mapping[Gram, float]]) -> LanguageModel:
    """The model with the back-off weights that these n-grams leave."""
    index = {token: i for i, token in enumerate(tokens)}
    orders: list[NGrams] = []
    for n, grams in enumerate(kept, 1):
        weights = _backoffs(kept[n], kept, n) if n < len(kept) else {}
        names = list(grams)
        ids = np.array([[index[token] for token in gram] for gram in names], np.uint64)
        keys, first = np.unique(hashes(ids.reshape(-1, n)), return_index=True)
        cost = np.array([-math.log(grams[gram]) for gram in names])[first]
        backoff = np.array([-math.log(weights.get(gram, 1.0)) for gram in names])[first]
        orders.append(NGrams(keys, *(_stepped(x) for x in (cost, backoff))))
    return LanguageModel(tuple(tokens), tuple(orders))


def _backoffs(
    longer: Mapping[Gram, float], kept: Sequence[Mapping[Gram, float]], n: int
) -> dict[Gram, float]:
    """The weight of shorter n-grams after each history of ``n`` tokens."""
    given: dict[Gram, float] = defaultdict(float)
    covered: dict[Gram, float] = defaultdict(float)
    for gram, p in longer.items():
        given[gram[:-1]] += p
        covered[gram[:-1]] += kept[n - 1].get(gram[1:], 0.0)
    return {
        history: min(1.0, max(1 - p, 1e-4) / max(1 - covered[history], 1e-4))
        for history, p in given.items()
    }


def _stepped(costs: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.clip(np.round(costs * STEPS), 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
