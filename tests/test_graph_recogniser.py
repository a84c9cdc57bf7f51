"""Weights files of a graph model alone: written by a recipe, read by the product."""

# ruff: noqa: E402 - torch decides whether the rest can be imported
from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from test_train_alone import ALONE, data  # noqa: F401 - a fixture
from test_training_graph import RECIPE, one, sum_of_ones

from hmer_cli.commands.convert import convert
from hmer_cli.commands.eval import run
from hmer_cli.commands.train import train
from hmer_cli.errors import InputError, MissingError, UsageError
from hmer_cli.geometry import union
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.inkml import write_inkml
from hmer_cli.ink.render import InkImage, legible_ink_image
from hmer_cli.recognition.graph_decoder import MOST_NODES
from hmer_cli.recognition.graph_recogniser import GraphRecogniser, attended
from hmer_cli.recognition.lazy import LazyRecogniser, load
from hmer_cli.recognition.reading import EMPTY_READING
from hmer_cli.training import ship
from hmer_cli.training.export.onnx import restore, restore_graph
from hmer_cli.training.language_model import train as train_language
from hmer_cli.training.registry import load_system

pytestmark = pytest.mark.torch

FILE = '[weights]\nalone = true\nlicence = "CC0"\nlanguage = ["language.txt"]\n'


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that was trained on 1 and 1 + 1, as ink and as images."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "ink").mkdir()
    for i, ink in enumerate([sum_of_ones(), one()] * 2):
        (folder / "ink" / f"{i}.inkml").write_bytes(write_inkml(ink))
    labels = [("1", "+", "1"), ("1",)]
    (folder / "language.txt").write_text(train_language(labels).packed())
    (folder / "tiny.toml").write_text(RECIPE + FILE)
    return train(folder / "tiny.toml", folder / "ink", folder / "run")


@pytest.fixture(scope="module")
def recogniser(weights: Path) -> LazyRecogniser:
    return LazyRecogniser(str(weights))


def shown() -> list[InkImage]:
    return [legible_ink_image(ink) for ink in (sum_of_ones(), one(), sum_of_ones(True))]


def test_a_run_ends_with_a_file_that_reads_ink_and_images(
    weights: Path, recogniser: LazyRecogniser
) -> None:
    assert weights.name == "tiny.onnx" and recogniser.model == "tiny"
    wanted = [written.ink.label for written in shown()]
    for images in (shown(), [written.image for written in shown()]):
        readings = recogniser.read(images)
        assert [reading.label for reading in readings] == wanted
        assert readings == [recogniser.read([image])[0] for image in images]
        assert recogniser.read_pages([[], images[:1]]) == [[], readings[:1]]
    loaded = load(weights)
    assert isinstance(loaded, GraphRecogniser)
    assert loaded.metadata["licence"] == "CC0" and loaded._language is not None


def test_every_token_has_a_confidence_and_all_ink_a_token(recogniser: LazyRecogniser) -> None:
    for written in shown():
        points, half = np.concatenate(list(written.strokes)), written.pen / 2
        ink = (*(points.min(axis=0) - half), *(points.max(axis=0) + half))
        for image in (written, written.image):
            (reading,) = recogniser.read([image])
            assert [token.token for token in reading.tokens] == reading.label.split()
            chances = [reading.confidence, *(each.confidence for each in reading.alternatives)]
            assert chances == sorted(chances, reverse=True) and 0 < sum(chances) <= 1
            assert all(0.3 < token.confidence <= 1 for token in reading.tokens)
            covered = union([token.box for token in reading.tokens])
            assert covered == pytest.approx(ink, abs=2)


def test_a_node_belongs_to_the_written_unit_that_attends_to_it_most() -> None:
    boxes = np.array([(0, 0, 1, 1), (2, 0, 3, 1), (4, 0, 5, 1)], float)
    attention = np.array([(0.5, 0.3, 0.2), (0.0, 0.9, 0.1), (0.1, 0.0, 0.3)])
    written = np.array([True, False, True])
    assert attended(attention, boxes, written).tolist() == [
        [0, 0, 3, 1],  # the brace does not compete
        [2, 0, 3, 1],
        [4, 0, 5, 1],
    ]
    assert attended(attention[1:2], boxes, np.array([False])).tolist() == [[2, 0, 3, 1]]


def test_a_character_set_restricts_what_is_read(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "ones.txt").write_text("1\n")
    limited = LazyRecogniser(str(weights), str(tmp_path / "ones.txt"))
    for image in (shown()[0], shown()[0].image):
        (reading,) = limited.read([image])
        labels = [reading.label, *(each.label for each in reading.alternatives)]
        assert set(" ".join(labels).split()) == {"1"}
        assert all(0 <= token.confidence <= 1 for token in reading.tokens)


def test_paper_without_ink_gives_nothing(recogniser: LazyRecogniser) -> None:
    blank = np.full((40, 90), 255, np.uint8)
    assert recogniser.read([blank]) == [EMPTY_READING]
    assert recogniser.read_pages([[blank], []]) == [[EMPTY_READING], []]
    assert recogniser.certainty([blank, shown()[0].image])[0] == -np.inf


def test_more_nodes_than_the_model_knows_give_nothing_sure(recogniser: LazyRecogniser) -> None:
    dots = tuple(
        np.array([(12 * (i % 30), 12 * (i // 30)), (12 * (i % 30) + 6, 12 * (i // 30))], np.float32)
        for i in range(MOST_NODES + 1)
    )
    crowd = legible_ink_image(Ink(dots))
    assert recogniser.read([crowd, crowd.image]) == [EMPTY_READING] * 2
    # Many strokes that touch are few components: they are read as an image.
    (scribble,) = recogniser.read([replace(shown()[1], strokes=shown()[1].strokes * 300)])
    assert scribble.label == "1"


def test_the_image_that_lies_upright_is_the_clearest(recogniser: LazyRecogniser) -> None:
    image = shown()[0].image
    upright, *turned = recogniser.certainty([np.rot90(image, q) for q in (0, 1, 3)])
    assert max(turned) < upright < 0


@pytest.mark.parametrize("part", ['"tokens"', "hmer.graph.say", "hmer.graph.stroke", ""])
def test_damaged_weights_are_missing_weights(part: str, weights: Path, tmp_path: Path) -> None:
    content = bytearray(weights.read_bytes())
    if part:
        at = content.index(part.encode())
        content[at + (2 if part.startswith('"') else len(part) + 500)] ^= 1
    else:
        del content[len(content) // 2 :]
    (tmp_path / "damaged.onnx").write_bytes(content)
    with pytest.raises(MissingError, match=r"holds no recogniser|damaged"):
        LazyRecogniser(str(tmp_path / "damaged.onnx")).read([shown()[0]])


def test_the_commands_read_with_it(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "sum.inkml").write_bytes(write_inkml(sum_of_ones()))
    (record,) = convert([str(tmp_path / "sum.inkml")], (), model=str(weights), jobs=1)
    assert (record.label, record.model) == ("1 + 1", "tiny")
    scores = tmp_path / "scores.json"
    run(str(tmp_path), model=str(weights), json_file=str(scores))
    assert json.loads(scores.read_text())["exprate"] == 1


def test_ctc_alone_is_not_to_be_had_of_it(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "sum.inkml").write_bytes(write_inkml(sum_of_ones()))
    with pytest.raises(UsageError, match=r"no CTC model.*--ctc"):
        run(str(tmp_path), model=str(weights), ctc=True)


def test_further_training_begins_with_it_and_ctc_does_not(weights: Path) -> None:
    system, _ = load_system(weights.parent / "best.pt")
    assert system.begin_with(weights) > 0.99
    found, metadata = restore_graph(weights, "stroke")
    assert metadata["tokens"] == ["+", "1"]
    learnt = system.model.state_dict()
    for name in ("names.bias", "relations.out.bias", "decoder.direction"):
        assert torch.equal(found[name], learnt[name])
    with pytest.raises(MissingError, match="no CTC model"):
        restore(weights)


def test_it_is_shipped_beside_the_default_with_its_licence(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "index.json").write_text('{"default": "other", "weights": {}}')
    monkeypatch.setattr(ship, "SHIPPED", tmp_path)
    ship.ship(weights, "tiny weights", default=False)
    index = json.loads((tmp_path / "index.json").read_text())
    entry = index["weights"]["tiny"]
    assert (index["default"], entry["licence"], entry["note"]) == (
        "other",
        "CC0",
        "tiny weights",
    )
    shipped = tmp_path / entry["file"]
    assert entry["recogniser"] and shipped.name == "tiny.onnx.gz"
    (read,), (own,) = (LazyRecogniser(str(path)).read([shown()[0]]) for path in (shipped, weights))
    assert read == own
    assert restore_graph(shipped, "stroke")[1] == restore_graph(weights, "stroke")[1]


def test_synthetic_expressions_calibrate_where_there_is_no_split(
    tmp_path: Path,
    data: Path,  # noqa: F811
) -> None:
    head, schedule, rest = RECIPE.partition("[schedule]")
    rest = rest.replace("images = 5000", "images = 60").replace("interval = 2500", "interval = 30")
    file = "[weights]\nalone = true\ngenerated = 12\n"
    (tmp_path / "toy.toml").write_text(head + ALONE + file + schedule + rest)
    made = train(tmp_path / "toy.toml", data, tmp_path / "run")
    calibration = load(made).metadata["calibration"]
    assert calibration.keys() == {"ink", "image"}
    assert all(len(found) == 3 and np.isfinite(found).all() for found in calibration.values())
    changes = ["weights.language=['no.txt']"]
    with pytest.raises(InputError, match=r"no\.txt"):
        train(tmp_path / "toy.toml", data, tmp_path / "run", changes=changes)
