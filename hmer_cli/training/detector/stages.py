"""Stages of a release that make the page detector, one file each, and measure it.

Networks and trees are made once a fold, each without the pages of that fold; the next stage is
trained on what they predict for these pages, and `evaluation` is five-fold cross-validation.
"""

from __future__ import annotations

import gzip
import json
import pickle
import re
from collections.abc import Callable, Iterator

import numpy as np
import onnx

from hmer_cli import files
from hmer_cli.data.store import IMAGES, open_store, stem
from hmer_cli.metrics.regions import PageOutcome, score
from hmer_cli.page.detect.candidate_features import CANDIDATE_COLUMNS
from hmer_cli.page.detect.component_graph import component_graph
from hmer_cli.page.detect.detector import CONTEXT, CUTS, FOLDS, SIGNS, Detector, fold_of
from hmer_cli.page.detect.gap_features import GAP_COLUMNS
from hmer_cli.page.detect.search import find_boxes, prepare_page
from hmer_cli.page.load.images import decode
from hmer_cli.page.load.pages import Page
from hmer_cli.training.detector import component_network, row_trees, symbol_classifier, tables
from hmer_cli.training.detector.boosted_trees import REGRESSION, Trees, as_onnx, grow
from hmer_cli.training.detector.examples import Array, Example, scans, synthetic
from hmer_cli.training.release import Job, Scores

SECOND_LOOKS = re.compile(r"-photo-[1-9]$|^english-notes-\d*[124578]$")
"""Pages for the networks alone: with all of them the tables of the trees would take gigabytes."""

PAGES = "pages"
"""The folder of pages in that of their stage."""


def symbols(job: Job) -> Scores:
    """The symbol classifier."""
    found = symbol_classifier.train(job.data["crohme"], job.data.get("symbols"), job.stage.seed)
    model, accuracy = found
    _write(job, model)
    return {"accuracy": accuracy}


def pages(job: Job) -> Scores:
    """Scans, photos of them and synthetic pages, kept as pickles; the output lists them."""
    options, folder = job.stage.options, job.folder / PAGES
    folder.mkdir(exist_ok=True)
    counts = options["prose"], options["lectures"]
    lines, annotated = [], 0
    for source in (
        scans(job.data["pages"], options.get("every", 1), options["photos"], folder),
        synthetic(
            job.data["crohme"],
            job.data.get("symbols"),
            job.data["formulas"],
            job.fonts,
            counts,
            folder,
        ),
    ):
        for page in source:
            if len(page.parts):
                lines.append({"name": page.name, "fold": page.fold, "parts": len(page.parts)})
                annotated += page.annotated
                if len(lines) % 50 == 0:
                    job.say(f"{job.stage.name}: {len(lines)} pages")
    job.output.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return {"pages": len(lines), "annotated": annotated}


def component_networks(job: Job) -> Scores:
    """One component network a fold, all in one file."""
    known = Detector(job.weights, (SIGNS,))
    every = []
    for page in _pages(job):
        every.append(
            (
                page.fold,
                component_network.training_page(page, component_graph(page.parts, known.kinds)),
            )
        )
    networks = []
    for fold in range(FOLDS):
        others = [page for held, page in every if held != fold]
        seed, checkpoint = job.stage.seed + fold, job.folder / f"network-{fold}.pt"
        steps = job.stage.options["steps"]
        networks.append(component_network.train(others, steps, seed, checkpoint, job.say))
    _write(job, component_network.as_onnx(networks, every[0][1].graph))
    return {}


def trees(job: Job) -> Scores:
    """The boosted trees of one ``target``: gaps, candidates or edges, one ensemble a fold."""
    target, count = job.stage.options["target"], job.stage.options["trees"]
    names = {"gaps": (SIGNS, CONTEXT)}.get(target, (SIGNS, CONTEXT, CUTS))
    known, table = Detector(job.weights, names), _TABLES[target]
    rows, folds = [], []
    for number, case in enumerate(tables.cases(_pages(job, SECOND_LOOKS), known), 1):
        found = table(case, known)
        if len(found[1]):
            rows.append(found)
            folds.append(np.full(len(found[1]), case.page.fold))
        if number % 50 == 0:
            job.say(f"{job.stage.name}: {number} pages")
    features, truth, weights = (np.concatenate(each) for each in zip(*rows, strict=True))
    grown = _grown(features, truth, weights, np.concatenate(folds), count, job.threads)
    columns = GAP_COLUMNS if target == "gaps" else CANDIDATE_COLUMNS
    _write(job, as_onnx(grown, columns))
    return {"rows": len(truth)}


def _grown(
    features: Array, truth: Array, weights: Array, folds: Array, count: int, threads: int
) -> list[Trees]:
    """One ensemble a fold, or where the target is (N, 4), four a fold: an edge each."""
    if truth.ndim == 1:
        targets, other = [truth], None
    else:
        targets, other = list(truth.T), REGRESSION
    return [
        grow(features, target, weights, folds, fold, count, threads, other)
        for fold in range(FOLDS)
        for target in targets
    ]


_TABLES: dict[str, Callable[[tables.Case, Detector], tables.Table]] = {
    "gaps": tables.gaps,
    "candidates": tables.candidates,
    "edges": tables.edges,
}


def rows(job: Job) -> Scores:
    """The trees that tell where a row of writing ends, one ensemble a fold."""
    plan = row_trees.RowPlan(**job.stage.options)
    model, scores = row_trees.train(job.data["crohme"], plan, job.stage.seed, job.threads)
    _write(job, model)
    return scores


def evaluation(job: Job) -> Scores:
    """Precision, recall and F1 of the regions of annotated pages, as ``hmer eval`` has them."""
    known, store, outcomes = Detector(job.weights), open_store(str(job.data["pages"])), []
    images = {stem(file): file for file in store.ending(*IMAGES)}
    named = [(stem(name.removesuffix(".json")), name) for name in sorted(store.ending(".json"))]
    for page, name in named[:: job.stage.options.get("every", 1)]:
        if page in images:
            data, truth = store.read(images[page]), json.loads(store.read(name))["formulas"]
            whole = Page.of(page, 1, decode(data, page))
            found = find_boxes(prepare_page(whole), known, fold_of(data))
            outcomes.append(PageOutcome(page, [whole.in_source(box) for box in found], truth))
    scores: Scores = {}
    for at in score(outcomes):
        for rate in ("precision", "recall", "f1"):
            scores[f"{rate}_{round(100 * at.threshold)}"] = round(getattr(at, rate) or 0.0, 4)
    job.output.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
    return scores


def _pages(job: Job, without: re.Pattern[str] | None = None) -> Iterator[Example]:
    """The pages of the stage ``pages``, in its order, but those whose names match."""
    (listed,) = (path for path in job.outputs.values() if path.suffix == ".jsonl")
    for line in listed.read_text(encoding="utf-8").splitlines():
        name = json.loads(line)["name"]
        if without is None or not without.search(name):
            yield pickle.loads((listed.parent / PAGES / name).read_bytes())


def _write(job: Job, model: onnx.ModelProto) -> None:
    content = model.SerializeToString(deterministic=True)
    if job.output.suffix == ".gz":  # trees shrink to a fifth
        content = gzip.compress(content, mtime=0)
    files.replace(job.output, content)
