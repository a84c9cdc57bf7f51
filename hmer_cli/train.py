"""``hmer train``: a recipe and labelled ink to weights, curves and a record."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmer_cli import console
from hmer_cli.errors import MissingError, OutputError
from hmer_cli.learn.datasets import Sample, open_dataset
from hmer_cli.learn.recipe import Recipe, load
from hmer_cli.read.weights import resolve

if TYPE_CHECKING:
    from hmer_cli.learn.recompose import Invention

CURVES = "curves.png"
RECORD = "record.md"


def train(recipe: Path, data: Path, out: Path, start: str | None = None) -> Path:
    """Train as the recipe says and return the weights file, ``out/NAME.onnx``.

    ``start`` names weights to begin with instead of chance; a run that is resumed has begun.
    Beside it lie the checkpoints, from which the same command goes on, the log, the curves and
    the record. Raises UsageError for a wrong recipe, InputError where there is nothing to train
    on, OutputError where ``out`` cannot be written, MissingError without ``hmer-cli[train]``.
    """
    plan = load(recipe)
    try:
        from hmer_cli.learn.training import CHECKPOINT, Trainer
    except ModuleNotFoundError as error:
        raise MissingError(
            f"training needs {error.name}", "try: pip install 'hmer-cli[train]'"
        ) from error
    from hmer_cli.learn.examples import examples

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: {error.strerror}", "choose another --out") from error
    samples = open_dataset(str(data), plan.split or None)
    learned = examples(samples)
    valid = examples(open_dataset(str(data), plan.valid)) if plan.valid else []
    console.say(f"{plan.name}: {len(learned)} expressions to train on, {len(valid)} to score")
    invention = invention_of(plan, recipe.parent, data.parent, samples)
    trainer = Trainer(plan, learned, valid, out, console.say, invention)
    if start is not None and not (out / CHECKPOINT).exists():
        trainer.begin_with(resolve(start))
    with console.progress("training", plan.schedule.images) as advance:
        trainer.run(advance)
    begun = f" --from {start}" if start else ""
    return deliver(plan, data, out, f"hmer train {recipe} --data {data} --out {out}{begun}")


def invention_of(
    plan: Recipe, beside_recipe: Path, beside_data: Path, samples: Sequence[Sample]
) -> Invention | None:
    """What makes new expressions, where the recipe asks for them."""
    wanted = plan.recomposition
    if not wanted.share:
        return None
    from hmer_cli.expr.tokens import Vocabulary
    from hmer_cli.learn.examples import inks
    from hmer_cli.learn.recompose import Invention

    learned = inks(samples)
    vocabulary = Vocabulary.of_labels(ink.label or "" for ink in learned)
    if wanted.vocabulary:
        vocabulary = Vocabulary.load(beside_recipe / wanted.vocabulary)
    formulas = beside_data / wanted.formulas if wanted.formulas else None
    symbols = beside_data / wanted.symbols if wanted.symbols else None
    return Invention.build(learned, vocabulary, formulas, symbols)


def deliver(plan: Recipe, data: Path, out: Path, command: str) -> Path:
    """The best checkpoint of a run -> calibrated weights file, curves and record."""
    from hmer_cli.learn.calibration import calibrate
    from hmer_cli.learn.curves import draw_curves
    from hmer_cli.learn.export import export
    from hmer_cli.learn.training import BEST, LOG, load_reader
    from hmer_cli.read.recogniser import Recogniser

    reader, content = load_reader(out / BEST)
    weights = out / f"{plan.name}.onnx"
    metadata = {key: content[key] for key in ("tokens", "shape", "recipe")}
    metadata |= {"name": plan.name, "symbol": plan.symbol, "score": _last(out / LOG)}
    export(reader, metadata, weights)
    if plan.calibration:
        samples = open_dataset(str(data), plan.calibration)
        metadata["calibration"] = calibrate(Recogniser.load(str(weights)), samples)
        export(reader, metadata, weights)
    draw_curves(out / LOG, out / CURVES)
    lines = (
        f"- commit: {_commit()}",
        f"- command: `{command}`",
        f"- machine: {platform.processor() or platform.machine()}",
        f"- last score: `{json.dumps(metadata['score'])}`",
    )
    (out / RECORD).write_text("\n".join(lines) + "\n", encoding="utf-8")
    console.say(f"weights in {weights}")
    return weights


def _last(log: Path) -> dict[str, Any]:
    """The last line of a run's log."""
    line: dict[str, Any] = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    return line


def _commit() -> str:
    """The commit of the source checkout that runs; `-dirty` where files differ from it."""
    here = Path(__file__).parent
    command = ["git", "-C", str(here), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "not a checkout"
