"""The kinds of stages of a release, by the name of their key ``kind``.

Input: the settings of a stage and the outputs of earlier ones. Output: a file, and its scores.
"""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

from hmer_cli import files
from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.errors import InputError
from hmer_cli.training import label_transformer, language_model
from hmer_cli.training.average import average
from hmer_cli.training.compose.examples import examples, inks
from hmer_cli.training.compose.symbol_bank import SymbolBank
from hmer_cli.training.delivery import best_score
from hmer_cli.training.detector import stages as detector
from hmer_cli.training.fit import font, layout
from hmer_cli.training.hmeg.run import HandPlan, train_hand
from hmer_cli.training.join import join
from hmer_cli.training.loop import BEST, LOG
from hmer_cli.training.recipe import load
from hmer_cli.training.recogniser import train_recogniser
from hmer_cli.training.registry import load_system
from hmer_cli.training.release import Job, Run, Scores

RATES = ("wer", "exprate")


def recogniser(job: Job) -> Scores:
    """A run of the stage's recipe, begun with the weights of the stage it comes from, if any."""
    stage = job.stage
    start = next((str(path) for path in job.outputs.values()), None)
    recipe, changes = job.beside / stage.recipe, _changes(job)
    named = load(recipe, changes).recomposition.symbols
    there = [file for file in named if file not in job.absent]
    if len(there) < len(named):
        changes.append(f"recomposition.symbols={json.dumps(there)}")
    made = train_recogniser(
        load(recipe, changes),
        recipe,
        job.data["crohme"],
        job.folder,
        job.say,
        job.progress,
        start,
        changes,
    )
    return _delivered(job, made)


def lines(job: Job) -> Scores:
    """The reader of lines of text, which also sees the formulas of CROHME between words."""
    recipe, changes = job.beside / job.stage.recipe, _changes(job)
    made = train_recogniser(
        load(recipe, changes),
        recipe,
        job.data["lines"],
        job.folder,
        job.say,
        job.progress,
        changes=changes,
        more=[job.data["crohme"]],
    )
    return _delivered(job, made)


def mean(job: Job) -> Scores:
    """The mean of the weights of the stages it comes from; one named twice counts twice."""
    runs = [job.folders[name] for name in job.stage.source]
    recipe, changes = job.beside / job.stage.recipe, _changes(job)
    plan, data = load(recipe, changes), job.data["crohme"]
    return _delivered(job, average(plan, recipe, runs, data, job.folder, job.say, changes))


def joined(job: Job) -> Scores:
    """The recogniser of the first stage with the graph model of the second, in one file.

    With the option ``beside``, the graph model of the first stage is kept. The language models are
    those of further stages, if any.
    """
    first, second, *further = job.stage.source
    join(
        job.outputs[first],
        job.folders[second],
        Path(job.stage.output).stem,
        job.data["crohme"],
        job.output,
        bool(job.stage.options.get("beside")),
        [job.outputs[name] for name in further],
    )
    return {}


def language(job: Job) -> Scores:
    """The n-gram language model of labels, packed."""
    formulas = [job.data[name] for name in ("textbooks", "formulas")]
    model = language_model.train(language_model.corpus(formulas, job.data["crohme"]))
    job.output.write_text(model.packed(), encoding="ascii")
    return {}


def transformer(job: Job) -> Scores:
    """The Transformer language model of labels."""
    formulas = [job.data[name] for name in ("textbooks", "formulas")]
    minutes, seed = job.stage.options["minutes"], job.stage.seed
    loss = label_transformer.run(formulas, job.data["crohme"], job.output, minutes, seed)
    return {"loss": round(loss, 4)}


def hand(job: Job) -> Scores:
    """HMEG's networks, in the file that ``hmer generate --engine hmeg`` writes with."""
    made = train_hand(str(job.data["crohme"]), job.folder, HandPlan(**job.stage.options), job.say)
    return _delivered(job, made, scored=False)


def layout_statistics(job: Job) -> Scores:
    """Fit layout statistics to ink: ``layout.json`` of the ink engine."""
    found = layout.fit(examples(open_dataset(str(job.data["crohme"]), "train")))
    job.output.write_text(found, encoding="utf-8")
    return {}


def glyph_statistics(job: Job) -> Scores:
    """Fit the frequencies of glyph variants: ``glyph_variants.json`` of the ink engine."""
    bank = SymbolBank.build(inks(open_dataset(str(job.data["crohme"]), "train")))
    job.output.write_text(font.table(font.fit(bank)), encoding="utf-8")
    return {}


KINDS: dict[str, Run] = {
    "recogniser": recogniser,
    "lines": lines,
    "average": mean,
    "language-model": language,
    "label-transformer": transformer,
    "join": joined,
    "hand": hand,
    "layout-statistics": layout_statistics,
    "glyph-statistics": glyph_statistics,
    "symbol-classifier": detector.symbols,
    "pages": detector.pages,
    "component-network": detector.component_networks,
    "boosted-trees": detector.trees,
    "row-trees": detector.rows,
    "detector-evaluation": detector.evaluation,
}


def _changes(job: Job) -> list[str]:
    """The changes to the recipe, among them the name that the weights are to have."""
    name = Path(job.stage.output.removesuffix(".gz")).stem
    return [f"name={name}", f"seed={job.stage.seed}", *job.stage.set]


def _delivered(job: Job, made: Path, scored: bool = True) -> Scores:
    """The scores of a run whose file is where the stage has it."""
    if job.output.name == f"{made.name}.gz":
        files.replace(job.output, gzip.compress(made.read_bytes(), mtime=0))
    elif made != job.output:
        if made.suffix != job.output.suffix:
            raise InputError(f"{job.stage.name} makes {made.name}, not {job.stage.output}")
        shutil.copyfile(made, job.output)
    if not scored:
        return {}
    _, content = load_system(job.folder / BEST)
    line = best_score(job.folder / LOG, content)
    return {name: line[name] for name in RATES if name in line}
