"""Results of a finished training run: weights, curves and a record.

Input: the folder of a run with its best checkpoint and log. Output: files beside them. Confidences
are fitted on the recipe's calibration split, or on synthetic expressions
(`hmer_cli.training.export.calibration`).
"""

from __future__ import annotations

import json
import platform
import shlex
import subprocess
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from hmer_cli.console import Say, printable
from hmer_cli.datasets.expressions import Sample, open_dataset, unique_names
from hmer_cli.expr.tokens import join
from hmer_cli.metrics.scores import Pair, score, score_by_length, token_edits
from hmer_cli.training.batches.images import mixed
from hmer_cli.training.batches.pictures import PictureSystem
from hmer_cli.training.checkpoint import read_lines
from hmer_cli.training.compose.examples import examples, sampled_examples
from hmer_cli.training.compose.recompose import Invention
from hmer_cli.training.curves import draw_curves
from hmer_cli.training.distributed import own_device
from hmer_cli.training.export.calibration import GRAPH_CASES, calibrate, generated
from hmer_cli.training.export.canvas import export_canvas
from hmer_cli.training.export.onnx import export, export_graph, language_model
from hmer_cli.training.loop import BEST, LOG
from hmer_cli.training.recipe import Recipe
from hmer_cli.training.registry import load_system
from hmer_cli.training.systems.base import System, read_all
from hmer_cli.training.systems.graph import GraphSystem

CURVES = "curves.png"
RECORD = "record.md"
PREDICTIONS = "predictions.tsv"

WIDTHS = {"greedy": 1, "beam of 10": 10}
"""How wide the beam is in the final scores."""

SHOWN, SHOWN_EVERY = 24, 20
"""The batches that show the ranges of the activations, and how thinly their examples are taken."""

_HALVES = ("short", "long")
RATES = ("WER", "CER", "ExpRate", "<= 1", "<= 2", *(f"WER, {part}" for part in _HALVES))
"""The columns of the table in a record."""


def deliver(
    plan: Recipe,
    data: Path,
    out: Path,
    command: str,
    say: Say,
    invention: Invention | None = None,
) -> Path:
    """The best checkpoint of a run -> weights file, curves and record."""
    system, content = load_system(out / BEST)
    lines = [
        f"- commit: {_commit()}",
        f"- command: `{command}`",
        f"- machine: {platform.processor() or platform.machine()}",
        f"- best score: `{json.dumps(best_score(out / LOG, content))}`",
    ]
    if plan.family == "reader":
        made = _weights(system, content, plan, data, out, invention)
    else:
        made = out / BEST
        if isinstance(system, GraphSystem) and plan.weights.alone:
            made = _graph_weights(system, content, plan, data, out, invention)
        if isinstance(system, PictureSystem):
            made = out / f"{plan.name}.onnx"
            export_canvas(system.model, _metadata(content, plan, out), plan.canvas, made)
        lines += _final(system, plan, data, out)
    draw_curves(out / LOG, out / CURVES)
    (out / RECORD).write_text("\n".join(lines) + "\n", encoding="utf-8")
    say(f"weights in {made}")
    return made


def command_of(
    recipe: Path,
    data: Path,
    out: Path,
    start: str | None,
    changes: Sequence[str],
    more: Sequence[Path],
) -> str:
    """The command line of a run, for its record."""
    command = ["hmer", "train", str(recipe), "--data", str(data), "--out", str(out)]
    command += [part for path in more for part in ("--more", str(path))]
    command += ["--from", start] if start else []
    command += [part for change in changes for part in ("--set", change)]
    return shlex.join(command)


def _weights(
    system: System[Any],
    content: dict[str, Any],
    plan: Recipe,
    data: Path,
    out: Path,
    invention: Invention | None,
) -> Path:
    """The weights file that `Recogniser` reads with, its confidence calibrated."""
    weights = out / f"{plan.name}.onnx"
    metadata = {**_metadata(content, plan, out), "symbol": plan.symbol}
    reader: Any = system.model
    seen = shown(system, plan, data, SHOWN, SHOWN_EVERY, plan.seed, invention)
    if plan.calibration:
        samples = open_dataset(str(data), plan.calibration)
        with TemporaryDirectory() as folder:
            draft = Path(folder) / weights.name
            export(reader, metadata, draft, seen)
            metadata["calibration"] = calibrate(draft, samples)
    export(reader, metadata, weights, seen)
    return weights


def _graph_weights(
    system: GraphSystem,
    content: dict[str, Any],
    plan: Recipe,
    data: Path,
    out: Path,
    invention: Invention | None,
) -> Path:
    """The weights file that `GraphRecogniser` reads with, its confidence calibrated."""
    weights, wanted = out / f"{plan.name}.onnx", plan.weights
    language = dict(map(language_model, language_files(plan, data)))
    metadata = {**_metadata(content, plan, out), "licence": wanted.licence}
    with TemporaryDirectory() as name:
        folder, samples = Path(name), list[Sample]()
        if plan.calibration:
            samples = open_dataset(str(data), plan.calibration)
        elif wanted.generated and invention is not None:
            seed = plan.seed + 1  # other expressions than at the start of training
            samples = generated(invention, plan.spread, wanted.generated, seed, folder / "ink")
        if samples:
            draft = folder / weights.name
            export_graph(system.model, metadata, draft, language)
            degradation = plan.drawing.degradation
            metadata["calibration"] = calibrate(draft, samples, GRAPH_CASES, degradation)
    export_graph(system.model, metadata, weights, language)
    return weights


def language_files(plan: Recipe, data: Path) -> list[Path]:
    """The files of the language models that the weights file of a graph model is to have."""
    beside = data if plan.recomposition.alone else data.parent
    return [beside / name for name in plan.weights.language if plan.weights.alone]


def _metadata(content: dict[str, Any], plan: Recipe, out: Path) -> dict[str, Any]:
    """What a weights file says of itself, from a checkpoint's content."""
    held = {key: content[key] for key in ("tokens", "shape", "recipe")}
    return {**held, "name": plan.name, "score": best_score(out / LOG, content)}


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
    rng = np.random.default_rng(seed)
    alone = plan.recomposition.alone
    samples = [] if alone else open_dataset(str(data), plan.split or None)[::every]
    learned = examples(samples, system.image_symbol)
    endless = mixed(learned, invention if alone else None, plan.recomposition, rng)
    return list(islice(system.batches(endless, lambda: 1.0, rng), count))


def _final(system: System[Any], plan: Recipe, data: Path, out: Path) -> list[str]:
    """The lines of the record that tell how the best weights read the validation set.

    Every prediction of the beam goes to a file beside the record, the worst first.
    """
    if not plan.valid or plan.own.held:  # one adapted to a writer was scored on what was held out
        return []
    system.model.to(own_device())
    samples = open_dataset(str(data), plan.valid)
    names = dict(zip(map(id, samples), unique_names(samples), strict=True))
    made = sampled_examples(samples, system.image_symbol)
    named = [(names[id(sample)], example) for sample, example in made]
    shown = [example for _, example in named]
    batches = list(system.validation_batches(shown))
    lines = [
        "",
        f"| {plan.valid} | n | {' | '.join(RATES)} | seconds |",
        "|---" * (len(RATES) + 3) + "|",
    ]
    pairs: list[Pair] = []
    for name, width in WIDTHS.items():
        begun = time.perf_counter()
        said = read_all(system, system.model, batches, width)
        seconds = time.perf_counter() - begun
        pairs = [Pair(join(e.tokens), join(s)) for e, s in zip(shown, said, strict=True)]
        lines.append(f"| {name} | {len(pairs)} | {rates_row(pairs)} | {seconds:.0f} |")
    _write_predictions(out / PREDICTIONS, [name for name, _ in named], pairs)
    return lines


def rates_row(pairs: Sequence[Pair]) -> str:
    """The cells of RATES; one is empty where no expression is short, or long."""
    whole, parts = score(pairs), score_by_length(pairs)
    rates = [whole.wer, whole.cer, whole.exprate, whole.exprate1, whole.exprate2]
    cells = [f"{100 * rate:.2f} %" for rate in rates]
    cells += [f"{100 * parts[part].wer:.2f} %" if part in parts else "" for part in _HALVES]
    return " | ".join(cells)


def _write_predictions(path: Path, names: Sequence[str], pairs: Sequence[Pair]) -> None:
    """A table such as `hmer eval --predictions` writes, the worst first."""
    rows = sorted(zip(names, pairs, token_edits(pairs), strict=True), key=lambda row: -row[2])
    lines = ["name\ttruth\tprediction\tedits"]
    lines += [
        f"{printable(name)}\t{pair.truth}\t{pair.prediction}\t{edits}" for name, pair, edits in rows
    ]
    text = "\n".join(lines) + "\n"
    path.write_bytes(text.encode("utf-8", "backslashreplace"))


def best_score(log: Path, content: dict[str, Any]) -> dict[str, Any]:
    """The line of a run's log that tells of a checkpoint's weights."""
    seen = content["state"]["seen"]
    return next((line for line in read_lines(log) if line["seen"] == seen), {"seen": seen})


def _commit() -> str:
    """The commit of the source checkout that runs; `-dirty` where files differ from it."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "not a checkout"
