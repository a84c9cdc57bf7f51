"""One training run of the line reader.

Input: a recipe, a file of handwritten lines of text, and packages of formulas. Output: a weights
file with a character n-gram model and a lexicon, curves and a record. Method: CTC over characters
(`hmer_cli.training.systems.lines`), by the training loop of the recogniser.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from hmer_cli.console import Say
from hmer_cli.datasets.lines import WrittenLine, open_lines
from hmer_cli.errors import UsageError
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.render import Readable, legible_ink_image
from hmer_cli.models.embedded import packed
from hmer_cli.models.registry import resolve
from hmer_cli.networks.line_model import LineModel
from hmer_cli.recognition.lexicon import words
from hmer_cli.recognition.line_reader import LineReader
from hmer_cli.recognition.line_text import MATH, characters
from hmer_cli.recognition.ngrams import ORDER, count_ngrams
from hmer_cli.training.batches.lines import image_example
from hmer_cli.training.compose.examples import Example, example, inks
from hmer_cli.training.compose.lines import formula_examples, line_examples
from hmer_cli.training.compose.recompose import invention_of
from hmer_cli.training.curves import draw_curves
from hmer_cli.training.data_parts import all_of
from hmer_cli.training.delivery import CURVES, RECORD, best_score
from hmer_cli.training.distributed import ProcessGroup
from hmer_cli.training.export.lines import export_lines
from hmer_cli.training.loop import BEST, CHECKPOINT, LOG, Trainer
from hmer_cli.training.recipe import Recipe
from hmer_cli.training.registry import load_system
from hmer_cli.training.systems.lines import LineSystem

_UNFOLDED = 256  # convention
"""Examples whose statistics batch normalisation is given."""

_SEEN = 2
"""Least count of a context of the n-gram model."""

_EVERY, _MOST, _ALONE = 2, 3, 12
"""Every second line of the n-gram corpus gets one to three formulas; one in twelve more is a
formula alone."""

_FORMULAS = [
    text.replace("x", MATH)
    for text in ("x", "x", "x", "x", "x,", "x, x", "x, x, x", "x and x", "x is x", "x or x")
]
"""What is inserted in turn: single formulas, and several with a comma or a word between them."""

_LONGEST = 12
"""Maximal length of a formula within words, in tokens."""  # convention


def train_lines(
    plan: Recipe,
    recipe: Path,
    data: Path,
    out: Path,
    say: Say,
    progress: Callable[[str, int], AbstractContextManager[Callable[[int, int], None]]],
    start: str | None,
    more: Sequence[Path],
    group: ProcessGroup,
    command: str,
) -> Path:
    """Train the line reader on the lines in the file ``data`` and the formulas of ``more``.

    A ``recomposition`` of the plan adds formulas that are composed of symbols; its files are beside
    ``data``. Returns the weights file; its record, which tells the ``command``, lies beside it. Of
    a ``group``, the first process delivers. Raises InputError where there is nothing to train on.
    """
    learned = line_examples(open_lines(data, plan.split))
    known = frozenset(c for example in learned for c in example.tokens) | {" "}
    valid = line_examples(open_lines(data, plan.valid), known)[:: plan.schedule.scored]
    valid = [e for line in valid for e in (line, image_example(line))]
    found = formulas(more, plan, recipe.parent, data.parent)
    told = f"{plan.name}: {len(learned)} lines and {len(found)} formulas to train on, "
    say(told + f"{len(valid) // 2} lines to score, as ink and as images")
    trainer = Trainer(plan, [*learned, *found], valid, out, say, group=group)
    if start is not None and not (out / CHECKPOINT).exists():
        trainer.begin_with(resolve(start))
        _unfold_batch_norm(trainer)
    with progress("training", plan.schedule.images) as advance:
        trainer.run(advance if group.leads else lambda done, found: None)
    group.leave()
    return deliver_lines(plan, data, out, command) if group.leads else out / BEST


def _unfold_batch_norm(trainer: Trainer) -> None:
    """Fit batch normalisation, which is folded in weights files, to the data of the run."""
    system = trainer.system
    assert isinstance(system, LineSystem)
    shuffled = np.random.default_rng(trainer.recipe.seed).permutation(len(trainer.data))
    examples = [trainer.data[i] for i in shuffled[:_UNFOLDED]]
    batches = system.validation_batches([e for e in examples if e.strokes])
    system.model.unfold_batch_norm(batch.features for _, batch in batches)
    trainer.average.load_state_dict(system.model.state_dict())


def deliver_lines(plan: Recipe, data: Path, out: Path, command: str) -> Path:
    """The best checkpoint of a run -> its weights file, curves and record.

    The record holds CER and WER on the test split, from ink and from rendered images.
    """
    system, content = load_system(out / BEST)
    assert isinstance(system, LineSystem)
    known = set(content["tokens"])
    texts = with_formulas([line.text for line in open_lines(data, plan.split)])
    labels = [system.units.encode(t) for t in map(characters, texts) if known.issuperset(t)]
    metadata = {key: content[key] for key in ("tokens", "shape", "recipe")}
    metadata |= {
        "name": plan.name,
        "ngrams": packed(json.dumps(count_ngrams(labels, ORDER, _SEEN)).encode()),
        "words": packed(" ".join(sorted(known_words(texts))).encode()),
    }
    path = out / f"{plan.name}.onnx"
    assert isinstance(system.model, LineModel)
    export_lines(system.model, metadata, path)
    unseen = [x for x in open_lines(data, "test") if known.issuperset(characters(x.text))]
    draw_curves(out / LOG, out / CURVES)
    told = [
        f"- command: `{command}`",
        f"- best score: `{json.dumps(best_score(out / LOG, content))}`",
        *scored(LineReader(path), unseen),
    ]
    (out / RECORD).write_text("\n".join(told) + "\n", encoding="utf-8")
    return path


def known_words(texts: Sequence[str]) -> set[str]:
    """The words of the texts and those of mathematics."""
    besides = (Path(__file__).parent / "mathematics_words.txt").read_text(encoding="utf-8")
    return {word for text in (*texts, besides) for word in words(text)}


def with_formulas(texts: Sequence[str]) -> list[str]:
    """The texts, some with MATH inserted at varying places: the corpus itself has no formulas."""
    found = list(texts)
    for i in range(0, len(found), _EVERY):
        words = found[i].split(" ")
        for k in range(1 + i % _MOST):
            place = (i + 5 * k) % (len(words) + 1)
            if not any(MATH in word for word in words[max(0, place - 1) : place + 1]):
                words[place:place] = _FORMULAS[(i // _EVERY + k) % len(_FORMULAS)].split(" ")
        found[i] = " ".join(words)
    return found + [MATH] * (len(found) // _ALONE)


def scored(reader: LineReader, lines: Sequence[WrittenLine]) -> list[str]:
    """Lines of the record: CER, WER and milliseconds per line, from ink and from images."""
    import jiwer

    truths = [line.text for line in lines]
    drawn = [legible_ink_image(Ink(line.strokes)) for line in lines]
    told = []
    for kind in ("ink", "images") if lines else ():
        begun = time.perf_counter()
        seen: Sequence[Readable] = drawn if kind == "ink" else [each.image for each in drawn]
        said = [reader.read(each, second_pass=True).text for each in seen]
        each = 1000 * (time.perf_counter() - begun) / len(lines)
        cer, wer = 100 * jiwer.cer(truths, said), 100 * jiwer.wer(truths, said)
        told.append(
            f"- {len(lines)} unseen lines as {kind}: CER {cer:.2f} %, WER {wer:.2f} %, "
            f"{each:.0f} ms a line"
        )
    return told


def formulas(
    packages: Sequence[Path], plan: Recipe, beside_recipe: Path, beside_data: Path
) -> list[Example]:
    """Examples of the formulas of these data sets, of packages those of the split, of those that
    the plan composes, and of parts of them all, that have at most _LONGEST tokens."""
    rng = np.random.default_rng(len(packages))
    samples = [sample for path in packages for sample in all_of(path, plan.split)]
    every = [example(ink, ink.label or "") for ink in inks(samples)]
    share = plan.recomposition.share
    if share >= 1:
        raise UsageError(
            "recomposition.share: a line reader learns from written formulas, too", "set it below 1"
        )
    if share and (invention := invention_of(plan, beside_recipe, beside_data, samples)):
        count = round(share / (1 - share) * len(every))
        every += [invention.sample(rng) for _ in range(count)]
    return [made for formula in every for made in formula_examples(formula, _LONGEST, rng)]
