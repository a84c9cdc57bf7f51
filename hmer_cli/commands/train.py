"""``hmer train``: a recipe and labelled ink -> weights, learning curves and a record."""

from __future__ import annotations

import json
import platform
import shlex
import subprocess
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmer_cli import console
from hmer_cli.datasets.expressions import Sample, open_dataset
from hmer_cli.errors import MissingError, OutputError, UsageError
from hmer_cli.expr.tokens import join
from hmer_cli.models.registry import resolve
from hmer_cli.training.recipe import Recipe, load

if TYPE_CHECKING:
    from hmer_cli.training.compose.recompose import Invention
    from hmer_cli.training.systems.base import System

CURVES = "curves.png"
RECORD = "record.md"
PREDICTIONS = "predictions.tsv"

WIDTHS = {"greedy": 1, "beam of 10": 10}
"""Beam widths of the final scores."""  # convention

SHOWN, SHOWN_EVERY = 24, 20
"""Batches for the calibration of activation ranges, and the stride of their examples."""

RATES = ("WER", "CER", "ExpRate", "<= 1", "<= 2", "WER, short", "WER, long")


def train(
    recipe: Path,
    data: Path,
    out: Path,
    start: str | None = None,
    changes: Sequence[str] = (),
    more: Sequence[Path] = (),
) -> Path:
    """Train as the recipe says, with ``changes`` to it, and return what came of it.

    What is learnt from is the recipe's split of ``data`` and all of the data sets ``more``, but of
    those that have splits, the same; where the recipe says ``alone``, only new expressions, and
    ``data`` is the folder of its formulas and symbols. What is returned is the weights file
    ``out/NAME.onnx``, or for families that have none the checkpoint.
    ``start`` names weights to begin with instead of chance; a run that is resumed has begun.
    Beside it lie the checkpoints, from which the same command goes on, the log, the curves and
    the record. Under torchrun, each of its processes calls this and one of them delivers.
    Raises UsageError for a wrong recipe, InputError where there is nothing to train
    on, OutputError where ``out`` cannot be written, MissingError without ``hmer-cli[train]``.
    """
    plan = load(recipe, changes)
    try:
        from hmer_cli.training.distributed import ProcessGroup
        from hmer_cli.training.loop import BEST, CHECKPOINT, Trainer
    except ModuleNotFoundError as error:
        raise MissingError(
            f"training needs {error.name}", "try: pip install 'hmer-cli[train]'"
        ) from error
    from hmer_cli.training.compose.examples import examples

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: {error.strerror}", "choose another --out") from error
    team = ProcessGroup.join()
    say = console.say if team.leads else _nobody
    alone = plan.recomposition.alone
    samples = [] if alone else open_dataset(str(data), plan.split or None)
    samples += [sample for path in more for sample in _all_of(path, plan.split)]
    learned = examples(samples)
    scored = open_dataset(str(data), plan.valid)[:: plan.schedule.scored] if plan.valid else []
    valid = examples(scored)
    say(f"{plan.name}: {len(learned)} expressions to train on, {len(valid)} to score")
    invention = invention_of(plan, recipe.parent, data if alone else data.parent, samples)
    trainer = Trainer(plan, learned, valid, out, say, invention, team)
    if start is not None and not (out / CHECKPOINT).exists():
        trainer.begin_with(resolve(start))
    with console.progress("training", plan.schedule.images) as advance:
        trainer.run(advance if team.leads else _unwatched)
    team.leave()
    if not team.leads:
        return out / BEST
    command = ["hmer", "train", str(recipe), "--data", str(data), "--out", str(out)]
    command += [part for path in more for part in ("--more", str(path))]
    command += ["--from", start] if start else []
    command += [part for change in changes for part in ("--set", change)]
    return deliver(plan, data, out, shlex.join(command), invention)


def _all_of(path: Path, split: str) -> list[Sample]:
    """The samples of a data set; of a package with tests in it, those of the split."""
    try:
        return open_dataset(str(path))
    except UsageError:
        return open_dataset(str(path), split)


def _nobody(message: str) -> None:
    """What is said by a process that another one speaks for."""


def _unwatched(done: int, found: int) -> None:
    """Progress that another process shows."""


def invention_of(
    plan: Recipe, beside_recipe: Path, beside_data: Path, samples: Sequence[Sample]
) -> Invention | None:
    """What makes new expressions, where the recipe asks for them."""
    wanted = plan.recomposition
    if not (wanted.share or wanted.grafted or wanted.alone):
        return None
    from hmer_cli.expr.tokens import Vocabulary
    from hmer_cli.training.compose.examples import inks
    from hmer_cli.training.compose.recompose import Invention

    learned = inks(samples)
    vocabulary = Vocabulary.of_labels(ink.label or "" for ink in learned)
    if wanted.vocabulary:
        vocabulary = Vocabulary.load(beside_recipe / wanted.vocabulary)
    formulas, symbols = (
        [beside_data / name for name in names] for names in (wanted.formulas, wanted.symbols)
    )
    return Invention.build(learned, vocabulary, formulas, symbols, wanted)


def deliver(
    plan: Recipe, data: Path, out: Path, command: str, invention: Invention | None = None
) -> Path:
    """The best checkpoint of a run -> calibrated weights file or final scores, curves, record."""
    from hmer_cli.training.curves import draw_curves
    from hmer_cli.training.loop import BEST, LOG
    from hmer_cli.training.registry import load_system

    system, content = load_system(out / BEST)
    lines = [
        f"- commit: {_commit()}",
        f"- command: `{command}`",
        f"- machine: {platform.processor() or platform.machine()}",
        f"- best score: `{json.dumps(_score(out / LOG, content))}`",
    ]
    if plan.family == "reader":
        made = _weights(system, content, plan, data, out, invention)
    else:
        made = out / BEST
        lines += _final(system, plan, data, out)
    draw_curves(out / LOG, out / CURVES)
    (out / RECORD).write_text("\n".join(lines) + "\n", encoding="utf-8")
    console.say(f"weights in {made}")
    return made


def _weights(
    system: System[Any],
    content: dict[str, Any],
    plan: Recipe,
    data: Path,
    out: Path,
    invention: Invention | None,
) -> Path:
    """The weights file that `Recogniser` reads with, its confidence calibrated."""
    from hmer_cli.training.export.calibration import calibrate
    from hmer_cli.training.export.onnx import export
    from hmer_cli.training.loop import LOG

    weights = out / f"{plan.name}.onnx"
    metadata = {key: content[key] for key in ("tokens", "shape", "recipe")}
    metadata |= {"name": plan.name, "symbol": plan.symbol, "score": _score(out / LOG, content)}
    reader: Any = system.model
    seen = shown(system, plan, data, SHOWN, SHOWN_EVERY, plan.seed, invention)
    export(reader, metadata, weights, seen)
    if plan.calibration:
        samples = open_dataset(str(data), plan.calibration)
        metadata["calibration"] = calibrate(weights, samples)
        export(reader, metadata, weights, seen)
    return weights


def shown(
    system: System[Any],
    plan: Recipe,
    data: Path,
    count: int,
    every: int,
    seed: int,
    invention: Invention | None = None,
) -> list[Any]:
    """So many training batches as at the end of a run, of one expression in ``every``.

    Where nothing but new expressions is learnt from, of those of the ``invention``.
    """
    import numpy as np

    from hmer_cli.training.batches.images import mixed
    from hmer_cli.training.compose.examples import examples

    rng = np.random.default_rng(seed)
    alone = plan.recomposition.alone
    samples = [] if alone else open_dataset(str(data), plan.split or None)[::every]
    endless = mixed(examples(samples), invention if alone else None, plan.recomposition, rng)
    return list(islice(system.batches(endless, lambda: 1.0, rng), count))


def _final(system: System[Any], plan: Recipe, data: Path, out: Path) -> list[str]:
    """The lines of the record that tell how the best weights read the validation set.

    Every prediction of the beam goes to a file beside the record, the worst first.
    """
    from hmer_cli.metrics.scores import Pair, score, score_by_length, token_edits
    from hmer_cli.training.compose.examples import examples
    from hmer_cli.training.distributed import own_device
    from hmer_cli.training.systems.base import read_all

    if not plan.valid:
        return []
    system.model.to(own_device())
    shown = examples(open_dataset(str(data), plan.valid))
    stills = list(system.stills(shown))
    lines = [
        "",
        f"| {plan.valid} | n | {' | '.join(RATES)} | seconds |",
        "|---" * (len(RATES) + 3) + "|",
    ]
    pairs: list[Pair] = []
    for name, width in WIDTHS.items():
        begun = time.perf_counter()
        said = read_all(system, system.model, stills, width)
        seconds = time.perf_counter() - begun
        pairs = [Pair(join(e.tokens), join(s)) for e, s in zip(shown, said, strict=True)]
        whole, parts = score(pairs), score_by_length(pairs)
        rates = [whole.wer, whole.cer, whole.exprate, whole.exprate1, whole.exprate2]
        rates += [parts[part].wer for part in ("short", "long") if part in parts]
        cells = " | ".join(f"{100 * rate:.2f} %" for rate in rates)
        lines.append(f"| {name} | {whole.n} | {cells} | {seconds:.0f} |")
    rows = sorted(zip(token_edits(pairs), pairs, strict=True), key=lambda row: -row[0])
    table = "".join(f"{pair.truth}\t{pair.prediction}\t{edits}\n" for edits, pair in rows)
    (out / PREDICTIONS).write_text(f"truth\tprediction\tedits\n{table}", encoding="utf-8")
    return lines


def _score(log: Path, content: dict[str, Any]) -> dict[str, Any]:
    """The line of a run's log that tells of a checkpoint's weights."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    found: dict[str, Any] = next(line for line in lines if line["seen"] == content["state"]["seen"])
    return found


def _commit() -> str:
    """The commit of the source checkout that runs; `-dirty` where files differ from it."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "not a checkout"
