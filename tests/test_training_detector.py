"""Training of the page detector: conversions that keep their answers, runs that can be resumed."""

# ruff: noqa: E402 - the extra decides whether the rest can be imported
from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightgbm")
pytest.importorskip("onnxmltools")
pytest.importorskip("skl2onnx")

import onnx
from sklearn.neural_network import MLPClassifier

from hmer_cli.errors import InputError, MissingError
from hmer_cli.models.session import open_session
from hmer_cli.page.detect.component_graph import component_graph
from hmer_cli.page.detect.components import find_components
from hmer_cli.page.detect.detector import CUTS, Detector, shipped
from hmer_cli.page.detect.gap_features import GAP_COLUMNS
from hmer_cli.page.detect.symbol_classes import SYMBOL_CLASSES, SYMBOL_FEATURES
from hmer_cli.synthesis.formula_grammar import FormulaGrammar
from hmer_cli.synthesis.pages import write_page
from hmer_cli.training.detector import component_network, symbol_classifier
from hmer_cli.training.detector.boosted_trees import REGRESSION, Trees, as_onnx, grow
from hmer_cli.training.detector.examples import Example

pytestmark = pytest.mark.torch

COLUMNS = ["a", "b", "c"]


def table(rows: int = 400) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    features = random.normal(size=(rows, len(COLUMNS))).astype(np.float32)
    return features, features[:, 0] + features[:, 1] * features[:, 2]


def grown(count: int, other: dict[str, object] | None = None) -> list[Trees]:
    features, target = table()
    truth = target if other else target > 0
    folds = np.arange(len(truth)) % 2
    ones = np.ones(len(truth))
    return [grow(features, truth, ones, folds, fold, count, 1, other) for fold in range(2)]


@pytest.mark.parametrize("other", [None, REGRESSION])
def test_converted_trees_answer_as_lightgbm_does(other: dict[str, object] | None) -> None:
    features, _ = table()
    trees = grown(8, other)
    session = open_session(as_onnx(trees, COLUMNS).SerializeToString())
    (scores,) = session.run(None, {"features": features})
    wanted = np.stack([each.predict(features, raw_score=True) for each in trees], 1)
    assert np.abs(scores - wanted).max() < 1e-5
    assert json.loads(session.get_modelmeta().custom_metadata_map["columns"]) == COLUMNS


def test_a_converted_classifier_answers_as_scikit_learn_does() -> None:
    random = np.random.default_rng(0)
    sights = random.normal(size=(60, SYMBOL_FEATURES)).astype(np.float32)
    kinds = np.arange(60) % len(SYMBOL_CLASSES)
    network = MLPClassifier((8,), max_iter=300, random_state=0).fit(sights, kinds)
    session = open_session(symbol_classifier.as_onnx(network).SerializeToString())
    (shares,) = session.run(None, {"sights": sights})
    assert np.abs(shares - network.predict_proba(sights)).max() < 1e-5


@pytest.mark.parametrize(
    ("columns", "fits"),
    [(GAP_COLUMNS, True), (GAP_COLUMNS[::-1], False), (GAP_COLUMNS[1:], False), ((), True)],
)
def test_trees_for_other_features_are_refused(
    columns: tuple[str, ...], fits: bool, tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    width = len(columns or GAP_COLUMNS)
    features = random.normal(size=(200, width)).astype(np.float32)
    ones, folds = np.ones(200), np.arange(200) % 5
    trees = [grow(features, features[:, 0] > 0, ones, folds, fold, 1, 1) for fold in range(5)]
    model = as_onnx(trees, columns)
    if not columns:  # as files were before features had names
        del model.metadata_props[:]
    (tmp_path / CUTS).write_bytes(gzip.compress(model.SerializeToString()))
    if fits:
        assert Detector(tmp_path, (CUTS,)).likely_cuts(features).shape == (200,)
    else:
        with pytest.raises(MissingError, match="other features"):
            Detector(tmp_path, (CUTS,))


def lessons(count: int) -> list[component_network.TrainingPage]:
    random = np.random.default_rng(0)
    made = []
    for number in range(count):
        page = write_page(lambda: FormulaGrammar().sample(random), number, random)
        example = Example(
            str(number), number, True, find_components(page.image), np.array(page.boxes)
        )
        made.append(
            component_network.training_page(
                example, component_graph(example.parts, shipped().kinds)
            )
        )
    return made


def test_a_network_comes_out_the_same_whether_its_run_was_interrupted_or_not(
    tmp_path: Path,
) -> None:
    pages = lessons(2)
    whole, first = (component_network.Run(pages, 6, 1) for _ in range(2))
    for _ in range(3):
        whole.step(), first.step()
    first.save(tmp_path / "run.pt")
    second = component_network.Run(pages, 6, 1)
    second.resume(tmp_path / "run.pt")
    for _ in range(3):
        whole.step(), second.step()
    ends = zip(whole.average.parameters(), second.average.parameters(), strict=True)
    assert second.done == 6 and all(torch.equal(a, b) for a, b in ends)
    with pytest.raises(InputError, match="another run"):
        component_network.Run(pages, 7, 1).resume(tmp_path / "run.pt")


def test_networks_of_all_folds_become_one_model_of_an_answer_each() -> None:
    (page,) = lessons(1)
    networks = [component_network.Network().eval() for _ in range(2)]
    model = component_network.as_onnx(networks, page.told)
    onnx.checker.check_model(model)
    given = {
        "looks": page.told.looks,
        "neighbours": page.told.neighbours,
        "relations": page.told.relations,
    }
    maths, ends, same = open_session(model.SerializeToString()).run(None, given)
    count, near = page.told.neighbours.shape
    assert (maths.shape, ends.shape, same.shape) == ((2, count), (2, count, 4), (2, count, near))
