"""The family of graph models: from ink to a recogniser that they are a part of."""

# ruff: noqa: E402 - torch decides whether the rest can be imported
from __future__ import annotations

import json
import sys
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from test_train_verb import RECIPE as READER

from hmer_cli.commands.train import train
from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.errors import MissingError, UsageError
from hmer_cli.ink.ink import Ink, Symbol
from hmer_cli.ink.inkml import read_inkml, write_inkml
from hmer_cli.ink.render import legible_ink_image
from hmer_cli.models.registry import resolve
from hmer_cli.networks.graph_model import DecodeStep, GraphModel, NodeEncoder
from hmer_cli.networks.language_transformer import LanguageTransformer
from hmer_cli.recognition.expression_recogniser import LANGUAGE, TRANSFORMER
from hmer_cli.recognition.graph_decoder import COMPONENT, MOST_NODES, STROKE, GraphDecoder
from hmer_cli.recognition.label_transformer import TOKENS
from hmer_cli.recognition.recogniser import Recogniser
from hmer_cli.recognition.strokes import stroke_features
from hmer_cli.training.average import recompute_batch_norm
from hmer_cli.training.batches.images import UNKNOWN, echoed
from hmer_cli.training.compose.examples import example, examples
from hmer_cli.training.export.onnx import language_transformer, restore
from hmer_cli.training.label_transformer import vocabulary
from hmer_cli.training.language_model import train as train_language
from hmer_cli.training.recipe import Drawing, Recipe, Schedule, load
from hmer_cli.training.registry import build, load_system
from hmer_cli.training.systems.graph import GraphSystem, Running, follow_loss

pytestmark = pytest.mark.torch

RECIPES = Path(__file__).parent.parent / "train" / "recipes"

FEW = {
    "channels": 32,
    "heads": 2,
    "curves": (8, 16),
    "pictures": (4, 8, 8),
    "layers": 2,
    "decoder": 1,
}
RECIPE = """
family = "graph"
split = ""
valid = ""
calibration = ""
[model]
channels = 32
heads = 2
curves = [8, 16]
pictures = [4, 8, 8]
layers = 2
decoder = 1
[drawing]
parts = [0.0, 0.0]
components = 0.5
[schedule]
images = 5000
interval = 2500
pixels = 80
pool = 30
rate = 3e-3
warmup = 20
"""


def sum_of_ones(plus_first: bool = False) -> Ink:
    """1 + 1, its plus written first or in its turn."""
    bar = np.array([(0, 0), (0, 15), (0, 30)], np.float32)
    plus = [np.array([(20, 15), (40, 15)], np.float32), np.array([(30, 5), (30, 25)], np.float32)]
    ones = [bar, bar + np.array([60, 0], np.float32)]
    if plus_first:
        symbols = (Symbol((2,), "1"), Symbol((0, 1), "+"), Symbol((3,), "1"))
        return Ink((*plus, *ones), symbols, "1 + 1", "1 + 1")
    symbols = (Symbol((0,), "1"), Symbol((1, 2), "+"), Symbol((3,), "1"))
    return Ink((ones[0], *plus, ones[1]), symbols, "1 + 1", "1 + 1")


def one() -> Ink:
    return Ink((np.array([(0, 0), (1, 30)], np.float32),), (Symbol((0,), "1"),), "1", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ink")
    for i, ink in enumerate([sum_of_ones(), one(), sum_of_ones(), one()]):
        (folder / f"{i}.inkml").write_bytes(write_inkml(ink))
    return folder


def test_ink_of_more_nodes_than_are_read_is_not_learnt_from(folder: Path) -> None:
    schedule = Schedule(images=1, pixels=32, pool=16)
    system = GraphSystem(Recipe("few", family="graph", model=FEW, schedule=schedule), ["1"])
    dots = tuple(np.array([(9 * i, 0), (9 * i + 5, 5)], np.float32) for i in range(MOST_NODES + 1))
    crowd = Ink(dots, (Symbol(tuple(range(len(dots))), "1"),), "1", "1")
    stream = cycle([example(ink, "1") for ink in (one(), crowd)])
    batches = system.batches(stream, lambda: 0.0, np.random.default_rng(0))
    assert max(batch.boxes.shape[1] for batch in islice(batches, 20)) == 1


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_half_of_the_validation_set_is_seen_as_images(share: float) -> None:
    drawing, schedule = Drawing(components=share), Schedule(pixels=32)
    plan = Recipe("few", family="graph", model=FEW, drawing=drawing, schedule=schedule)
    system = GraphSystem(plan, ["+", "1"])
    inks = [example(sum_of_ones(), "1 + 1") for _ in range(6)]
    fronts = {
        place: batch.front for places, batch in system.validation_batches(inks) for place in places
    }
    assert [fronts[place] for place in range(6)] == [COMPONENT, STROKE] * 3


def test_batch_norm_of_graph_models_is_recomputed() -> None:
    plan = Recipe("few", family="graph", model=FEW, drawing=Drawing(components=1.0))
    system = GraphSystem(plan, ["+", "1"])
    norms = [m for m in system.model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    before = [norm.running_mean.clone() for norm in norms]
    batches = system.validation_batches([example(sum_of_ones(), "1 + 1")] * 2)
    recompute_batch_norm(system, [batch for _, batch in batches])
    assert norms and not any(map(torch.equal, before, (norm.running_mean for norm in norms)))


def test_ink_to_a_graph_model_that_proposes_and_scores(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "graph.toml").write_text(RECIPE)
    (tmp_path / "wide.toml").write_text(READER)
    checkpoint = train(tmp_path / "graph.toml", folder, tmp_path / "graph")
    system, _ = load_system(checkpoint)
    assert isinstance(system, GraphSystem)
    inks = [sum_of_ones(), one(), sum_of_ones(plus_first=True)]
    for width in (1, 3):
        for places, batch in system.validation_batches(
            [example(ink, ink.label or "") for ink in inks]
        ):
            said = [" ".join(tokens) for tokens in system.read(system.model, batch, width)]
            assert said == [inks[place].label for place in places]

    weights = train(tmp_path / "wide.toml", folder, tmp_path / "wide")
    from hmer_cli.training import join

    language = tmp_path / "language.txt"
    language.write_text(train_language([tuple((ink.label or "").split()) for ink in inks]).packed())
    given = [str(weights), str(tmp_path / "graph"), "--name", "both", "--data", str(folder)]
    transformer = tmp_path / "transformer.onnx"
    tokens = vocabulary([("1", "+"), ("1", "+")])
    model = LanguageTransformer(len(tokens), c=16, depth=1)
    transformer.write_bytes(language_transformer(model, {TOKENS: json.dumps(tokens)}))
    given += ["--language", str(language), str(transformer)]
    monkeypatch.setattr(sys, "argv", ["join.py", *given])
    join.main()
    both = Recogniser.load(str(tmp_path / "graph" / "both.onnx"))
    assert both.model == "both"
    assert {LANGUAGE, TRANSFORMER} <= both._embedded.keys()
    for ink in inks:
        image = legible_ink_image(ink)
        *_, scorers = both._graphs.cascade(image)
        assert len(scorers) == 2
        for scorer in scorers:
            best, *_ = scorer.propose(both.units)
            assert " ".join(both.units.decode(best)) == ink.label
    again, metadata = restore(tmp_path / "graph" / "both.onnx")
    left_out = restore(weights)[0].keys() - again.keys()
    assert left_out and all(name.startswith("decoder.") for name in left_out)
    assert metadata["graph"]["shape"]["channels"] == FEW["channels"]

    further = build(system.recipe, ["+", "1", "2"])
    assert further.begin_with(tmp_path / "graph" / "both.onnx") > 0.9
    kept, learnt = further.model.state_dict(), system.model.state_dict()
    for name in ("names.bias", "component.picture.0.1.running_mean", "relations.out.bias"):
        assert torch.equal(kept[name][: len(learnt[name])], learnt[name])
    with pytest.raises(MissingError, match="no graph model"):
        further.begin_with(weights)


def test_a_stroke_points_at_every_stroke_of_the_next_sign() -> None:
    places = torch.tensor([[0, 1, 1, 2, UNKNOWN]])
    scores = torch.full((1, 5, 6), -20.0)
    scores[0, 0, [1, 2]] = scores[0, [1, 2], 3] = scores[0, 3, 5] = 20.0
    assert follow_loss(scores, places) < 1e-3
    scores[0, 4] = torch.randn(6)  # nobody knows what follows a stroke of no sign
    assert follow_loss(scores, places) < 1e-3
    scores[0, 0] = -scores[0, 0]
    assert follow_loss(scores, places) > 5


def test_strokes_know_their_signs_in_whatever_order_they_were_written() -> None:
    system = build(Recipe("few", family="graph", model=FEW), ["+", "1"])
    assert isinstance(system, GraphSystem)
    for ink, places in ((sum_of_ones(), [0, 1, 1, 2]), (sum_of_ones(True), [1, 1, 0, 2])):
        nodes = system.sampler.still(example(ink, "1 + 1"))
        assert nodes.places.tolist() == places
        assert [system.symbols["+"] == name for name in nodes.names] == [p == 1 for p in places]
        ((_, batch),) = system.validation_batches([example(ink, "1 + 1")])
        assert batch.there.all() and batch.ordered.all()


def test_a_component_is_of_the_sign_whose_strokes_it_is_of_unless_signs_touch() -> None:
    system = build(Recipe("few", family="graph", model=FEW), ["+", "1"])
    assert isinstance(system, GraphSystem)
    apart = system.sampler.still(example(sum_of_ones(), "1 + 1"), as_image=True)
    assert apart.places.tolist() == [0, 1, 2] and not apart.ordered
    assert [system.symbols["+"] == name for name in apart.names] == [False, True, False]
    through = np.array([(-5, 15), (40, 15)], np.float32)  # the plus runs into the first 1
    ink = sum_of_ones()
    strokes = (ink.strokes[0], through, *ink.strokes[2:])
    touching = system.sampler.still(example(replace(ink, strokes=strokes), "1 + 1"), as_image=True)
    assert touching.places.tolist() == [UNKNOWN, 2]


def test_labels_without_known_symbols_train_the_decoder_all_the_same() -> None:
    system = build(Recipe("few", family="graph", model=FEW), ["+", "1"])
    ink = sum_of_ones()
    unknown = example(Ink(ink.strokes, (), "1 + 1", "1 + 1"), "1 + 1")
    ((_, batch),) = system.validation_batches([unknown])
    total, parts = system.losses(system.model, batch)
    assert torch.isfinite(total)
    assert parts["symbols"] == parts["precedence"] == 0 < parts["decoder"]


def test_images_are_learnt_from_as_they_are(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "graph.toml").write_text(RECIPE.replace("images = 5000", "images = 100"))
    (tmp_path / "images").mkdir()
    for name, ink in (("one", one()), ("sum", sum_of_ones())):
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), legible_ink_image(ink).image)
    (tmp_path / "images" / "caption.txt").write_text("one\t1\nsum\t1 + 1\n")
    checkpoint = train(tmp_path / "graph.toml", tmp_path / "images", tmp_path / "run")
    system, _ = load_system(checkpoint)
    shown = examples(open_dataset(str(tmp_path / "images")))
    ((_, batch),) = system.validation_batches(shown)
    assert batch.front == "component" and sorted(batch.lengths) == [1, 3]


def of_pieces() -> Recipe:
    model = FEW | {"fronts": ("stroke", "piece")}
    return Recipe("few", family="graph", model=model, drawing=Drawing(pieces=0.5))


def test_a_piece_is_of_the_sign_whose_ink_it_is_though_signs_touch() -> None:
    system = build(of_pieces(), ["+", "1"])
    assert isinstance(system, GraphSystem)
    through = np.array([(-5, 15), (40, 15)], np.float32)  # the plus runs through the first 1
    ink = sum_of_ones()
    strokes = (ink.strokes[0], through, *ink.strokes[2:])
    touching = system.sampler.still(example(replace(ink, strokes=strokes), "1 + 1"), as_image=True)
    assert touching.front == "piece" and not touching.ordered
    assert sorted(touching.places.tolist()) == [0, 1, 1, 2]
    plus = touching.places == 1
    assert (touching.names[plus] == system.symbols["+"]).all()
    assert (touching.names[~plus] == system.symbols["1"]).all()


def test_a_piece_that_nobody_wrote_is_called_nothing() -> None:
    system = build(of_pieces(), ["1"])
    assert isinstance(system, GraphSystem)
    shown = example(one(), "1")
    bar = np.array([(10, 10), (10, 40)], np.float32)
    where = np.full((60, 60), -1, np.int32)
    where[5:45, 9:12], where[50:53, 30:50] = 0, 1
    places, names = system.sampler._symbols_of_pieces(shown, [bar], where)
    assert places.tolist() == [0, UNKNOWN] and names.tolist() == [system.symbols["1"], 0]


def test_a_reader_of_components_becomes_one_of_pieces_that_the_product_reads_with(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = RECIPE.replace("images = 5000", "images = 200")
    (tmp_path / "graph.toml").write_text(few)
    (tmp_path / "wide.toml").write_text(READER)
    from hmer_cli.training import join

    weights = train(tmp_path / "wide.toml", folder, tmp_path / "wide")
    train(tmp_path / "graph.toml", folder, tmp_path / "graph")
    given = [str(weights), str(tmp_path / "graph"), "--name", "old", "--data", str(folder)]
    monkeypatch.setattr(sys, "argv", ["join.py", *given])
    join.main()
    old = tmp_path / "graph" / "old.onnx"

    cut = few.replace("components = 0.5", "pieces = 0.5")
    cut = cut.replace("[model]", '[model]\nfronts = ["stroke", "piece"]')
    (tmp_path / "pieces.toml").write_text(cut.replace("images = 200", "images = 4000"))
    assert build(load(tmp_path / "pieces.toml"), ["+", "1"]).begin_with(old) > 0.99
    (tmp_path / "more.txt").write_text("+\n1\n2\n")  # tokens that the recogniser has not
    wider = "[recomposition]\ngrafted = 0.01\nvocabulary = 'more.txt'\n[schedule]\nshown = 2"
    cut = (tmp_path / "pieces.toml").read_text().replace("[schedule]", wider)
    (tmp_path / "pieces.toml").write_text(cut)
    train(tmp_path / "pieces.toml", folder, tmp_path / "pieces", start=str(old))
    given = [str(old), str(tmp_path / "pieces"), "--name", "new", "--data", str(folder)]
    monkeypatch.setattr(sys, "argv", ["join.py", *given])
    join.main()
    again = build(load(tmp_path / "pieces.toml"), ["+", "1", "2"])
    assert again.begin_with(tmp_path / "pieces" / "last.pt") == 1
    new = Recogniser.load(str(tmp_path / "pieces" / "new.onnx"))
    for ink in (sum_of_ones(), one()):
        image = legible_ink_image(ink).image
        ((scorer,),) = new._graphs.cascade(image)
        best, *_ = scorer.propose(new.units)
        assert " ".join(new.units.decode(best)) == ink.label
    given = [*given[:2], "--name", "two", "--data", str(folder), "--beside"]
    monkeypatch.setattr(sys, "argv", ["join.py", *given])
    join.main()
    two = Recogniser.load(str(tmp_path / "pieces" / "two.onnx"))
    image = legible_ink_image(sum_of_ones())
    stages = list(two._graphs.cascade(image.image))
    first, further, closer = (each.graph_decoder for each in stages[-1])
    assert first is closer and first is not further
    assert [len(stage) for stage in stages] == [1, 2, 3]
    # Two views of one model weigh as much as the first alone before.
    assert stages[-1][0].weight + stages[-1][2].weight == stages[0][0].weight
    *_, scorers = two._graphs.cascade(image)
    assert [each.graph_decoder for each in scorers] == [first, further, further]
    assert [reading.label for reading in two.read([image.image])] == [sum_of_ones().label]
    given = [str(tmp_path / "pieces" / "two.onnx"), str(tmp_path / "graph"), *given[2:-1]]
    monkeypatch.setattr(sys, "argv", ["join.py", *given])
    join.main()  # in the place of the first: the second stays
    three = Recogniser.load(str(tmp_path / "graph" / "two.onnx"))
    *_, scorers = three._graphs.cascade(image)
    decoders = [each.graph_decoder for each in scorers]
    assert len(set(map(id, decoders))) == 2


def test_what_is_drawn_once_is_shown_again_after_others() -> None:
    shown = list(islice(echoed(iter(range(100)), 3, apart=5), 60))
    first = shown.index(3)
    again = shown.index(3, first + 1)
    assert again > first + 5 and shown.count(3) == 3
    assert list(islice(echoed(iter(range(9)), 1, apart=2), 9)) == list(range(9))


def test_a_front_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="wheel"):
        build(Recipe("few", family="graph", model=FEW | {"fronts": ("wheel",)}), ["1"])


def test_a_shape_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match=r"\[model\]"):
        build(Recipe("few", family="graph", model={"depth": 3}), ["1"])


def test_the_shipped_recipes_are_of_graphs() -> None:
    for name, largest in (("graph", 4.7e6), ("pieces", 5.2e6)):
        system = build(load(RECIPES / f"{name}.toml"), ["+", "1"])
        assert isinstance(system, GraphSystem)
        assert sum(p.numel() for p in system.model.parameters()) < largest


def test_one_hand_is_learnt_by_the_graph_model_that_counts_most_for_ink() -> None:
    weights = resolve(None)
    recogniser = Recogniser.load(str(weights))
    system = build(load(RECIPES / "adapt.toml"), recogniser.units.tokens)
    assert system.begin_with(weights) > 0.999
    model = system.model.eval()
    assert isinstance(model, GraphModel)
    fronts = {STROKE: Running(NodeEncoder(model, STROKE))}
    started = GraphDecoder(fronts, Running(model), Running(DecodeStep(model)))
    path = RECIPES.parents[1] / "examples" / "energy.inkml"
    ink = read_inkml(path.read_bytes(), path.name)
    *_, scorers = recogniser._graphs.cascade(legible_ink_image(ink))
    most = max(scorers, key=lambda scorer: scorer.weight)
    mine = started.scorer(stroke_features(ink.strokes))
    labels = most.propose(recogniser.units)
    assert mine.propose(recogniser.units)[0] == labels[0]
    # Matrices of shipped weights are in INT8.
    assert mine(labels) == pytest.approx(most(labels), abs=0.5)
    off = np.abs(mine(labels) - most(labels)).max()
    others = [scorer for scorer in scorers if scorer is not most]
    assert others and all(np.abs(mine(labels) - x(labels)).max() > off for x in others)
