"""CRNN and Transformer: they learn, resume, read, and report what cannot be read."""

# ruff: noqa: E402 - torch decides whether the rest can be imported
from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from test_training_loop import NUMBERS, number

from hmer_cli.errors import MissingError, UsageError
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.render import legible_ink_image, render
from hmer_cli.networks import backbones
from hmer_cli.networks.backbones import BACKBONES, IMAGENET, ResNet18
from hmer_cli.networks.transformer import beam
from hmer_cli.recognition.canvas_recogniser import STEP
from hmer_cli.recognition.lazy import LazyRecogniser
from hmer_cli.recognition.recogniser import Recogniser
from hmer_cli.training.batches.pictures import jittered, picture
from hmer_cli.training.compose.examples import ImageExample
from hmer_cli.training.export.canvas import export_canvas
from hmer_cli.training.loop import BEST, LOG, Trainer
from hmer_cli.training.recipe import Canvas, Recipe, Schedule, load
from hmer_cli.training.registry import FAMILIES, build, load_system
from hmer_cli.training.systems.base import read_all
from hmer_cli.training.systems.transformer import TransformerSystem

pytestmark = pytest.mark.torch

RECIPES = Path(__file__).parent.parent / "train" / "recipes"
SEEDS = ("seed-baseline", "seed-resnet18", "seed-vgg16", "transformer")
CANVAS = Canvas(height=32, width=64, padding=2, pen=3.0)
PLAIN = Recipe(
    "small",
    family="crnn",
    model={"lstm": 32},
    canvas=CANVAS,
    schedule=Schedule(
        images=400, interval=200, pixels=16 * 32 * 64, rate=3e-3, warmup=0, average=0.0, plateau=2
    ),
)
SPEAKER = replace(
    PLAIN,
    family="transformer",
    model={"backbone": "plain", "channels": 32, "heads": 2, "encoder": 1, "decoder": 1, "feed": 64},
)


def trained(plan: Recipe, out: Path) -> Trainer:
    trainer = Trainer(plan, NUMBERS, NUMBERS[:8], out, lambda line: None)
    trainer.run()
    return trainer


def lines(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / LOG).read_text().splitlines()]


@pytest.mark.parametrize("plan", [PLAIN, SPEAKER], ids=["crnn", "transformer"])
def test_a_baseline_learns_goes_on_and_reads_from_its_checkpoint(
    plan: Recipe, tmp_path: Path
) -> None:
    trained(plan, tmp_path)
    again = trained(replace(plan, schedule=replace(plan.schedule, images=800)), tmp_path)
    log = lines(tmp_path)
    assert again.state.resumed == 1
    assert log[-1]["seen"] >= 800
    assert log[-1]["loss"] < 0.8 * log[0]["loss"]
    assert {"wer", "cer", "exprate", "valid_loss", "infeasible"} <= log[-1].keys()
    system, _ = load_system(tmp_path / BEST)
    batches = list(system.validation_batches(NUMBERS[:3]))
    for width in (1, 4):
        read = read_all(system, system.model, batches, width)
        assert len(read) == 3
        assert {token for tokens in read for token in tokens} <= {"1", "7"}


@pytest.mark.parametrize("name", SEEDS)
def test_every_seed_recipe_takes_a_step_and_keeps_a_frame_for_every_four_pixels(name: str) -> None:
    plan = load(RECIPES / f"{name}.toml", ["canvas.height=32", "canvas.width=64"])
    system = build(plan, ["1", "7"])
    (_, batch), *_ = system.validation_batches([number("17"), number("711")])
    loss, _ = system.losses(system.model, batch)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(p.grad is not None for p in system.model.parameters())
    if plan.family == "crnn":
        assert system.model(batch.images).shape == (2, 16, len(system.units))


def test_labels_that_do_not_fit_their_frames_are_counted_and_spoil_no_loss(tmp_path: Path) -> None:
    system = build(PLAIN, ["1", "7"])
    long = replace(number("17"), tokens=("1",) * 9)
    (_, batch), *_ = system.validation_batches([number("17"), long])
    assert batch.infeasible == 1
    loss, _ = system.losses(system.model, batch)
    assert torch.isfinite(loss)
    trainer = Trainer(PLAIN, [long], [long], tmp_path, lambda line: None)
    trainer.run()
    assert lines(tmp_path)[-1]["infeasible"] == trainer.state.infeasible == trainer.state.seen
    assert lines(tmp_path)[-1]["exprate"] == 0.0


def test_a_picture_fills_its_canvas_and_jitter_keeps_the_ink_on_it() -> None:
    rng = np.random.default_rng(1)
    for text in ("1", "17", "1717171717"):
        image = picture(number(text), CANVAS)
        assert image.shape == (32, 64)
        assert image.max() > 200
        columns = np.flatnonzero((image < 128).any(axis=0))
        assert columns.min() < 16 and columns.max() > 48
        jolted = jittered(number(text), CANVAS, rng)
        assert jolted.shape == image.shape
        assert not np.array_equal(jolted, image)


def test_a_thick_line_of_an_image_is_as_thin_in_its_picture_as_ink_is() -> None:
    canvas = Canvas(height=64, width=512)
    for text, pen in itertools.product(("17", "7171717"), (2.0, 6.0)):
        ink = number(text)
        size = 40 * len(text)
        pixels = 255 - render(Ink(ink.strokes), size=size, padding=6, pen=pen)
        shown = replace(ink, strokes=(), places=None, image=ImageExample(pixels))
        drawn, traced = (255.0 - picture(one, canvas) for one in (ink, shown))
        assert 0.5 < traced.mean() / drawn.mean() < 2
        assert traced.max() > 200


def test_steps_of_the_decoder_say_what_one_pass_over_the_label_says() -> None:
    torch.manual_seed(1)
    system = TransformerSystem(SPEAKER, ["1", "7"])
    model = system.model.eval()
    (_, batch), *_ = system.validation_batches([number("17"), number("71")])
    with torch.no_grad():
        whole, _ = model(batch.images, batch.before)
        state, _ = model.encode(batch.images)
        for i in range(batch.before.shape[1]):
            scores, state = model.decode_step(state, batch.before[:, i : i + 1])
            assert scores[:, 0].allclose(whole[:, i], atol=1e-4)


def test_every_label_of_a_beam_is_one_of_the_grammar() -> None:
    torch.manual_seed(3)
    system = TransformerSystem(SPEAKER, ["1", "7", "{", "}", "^"])
    (_, batch), *_ = system.validation_batches(NUMBERS[:6])
    for units in beam(system.model.eval(), batch.images, system.units, 8, 8):
        assert valid(system, units)


def valid(system: TransformerSystem, units: list[int]) -> bool:
    from hmer_cli.expr.grammar import Prefix

    state: Prefix | None = Prefix()
    for token in system.units.decode(units):
        state = state.extend(token) if state else None
    return state is not None and state.complete


@pytest.mark.parametrize("plan", [PLAIN, SPEAKER], ids=["crnn", "transformer"])
def test_the_weights_file_reads_ink_as_the_checkpoint_reads_its_picture(
    plan: Recipe, tmp_path: Path
) -> None:
    torch.manual_seed(2)
    system = build(plan, ["1", "7", "{", "}", "^"])
    path = tmp_path / "small.onnx"
    metadata = {"name": "small", "tokens": list(system.units.tokens)}
    export_canvas(system.model.eval(), metadata, plan.canvas, path)
    reader = LazyRecogniser(str(path))
    assert reader.model == "small"
    batches = list(system.validation_batches(NUMBERS[:6]))
    wanted = read_all(system, system.model, batches, width=10)
    inks = [legible_ink_image(Ink(example.strokes)) for example in NUMBERS[:6]]
    found = reader.read(inks)
    agree = [" ".join(one) == other.label for one, other in zip(wanted, found, strict=True)]
    assert sum(agree) >= 5  # of the checkpoint in bfloat16
    assert all(0 <= each.confidence <= 1 for each in found)
    assert reader.read([np.full((40, 90), 255, np.uint8)])[0].label == ""
    with pytest.raises(MissingError, match="holds no recogniser of expressions"):
        Recogniser.load(str(path))


def test_ctc_alone_reads_a_transformer_as_if_it_had_no_decoder(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    torch.manual_seed(2)
    system = build(SPEAKER, ["1", "7", "{", "}", "^"])
    whole, bare = tmp_path / "whole.onnx", tmp_path / "bare.onnx"
    metadata = {"name": "small", "tokens": list(system.units.tokens)}
    export_canvas(system.model.eval(), metadata, SPEAKER.canvas, whole)
    model = onnx.load(whole)
    kept = [each for each in model.metadata_props if each.key != STEP]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    onnx.save(model, bare)
    inks = [legible_ink_image(Ink(example.strokes)) for example in NUMBERS[:6]]
    alone = LazyRecogniser(str(whole), rescoring=False)
    assert alone.read(inks) == LazyRecogniser(str(bare)).read(inks)
    assert alone.read(inks) != LazyRecogniser(str(whole)).read(inks)
    assert alone.model == "small (CTC alone)"


@pytest.mark.parametrize("name", IMAGENET)
def test_pretrained_weights_are_read_from_the_cache_folder_and_frozen(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torch.manual_seed(4)
    source = BACKBONES[name]().state_dict()
    kept = {key: value for key, value in source.items() if not key.endswith("_extra_state")}
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save({**kept, "fc.weight": torch.zeros(3)}, folder / IMAGENET[name])
    plan = load(RECIPES / f"seed-{name}.toml", ["model.frozen=1"])
    system = build(plan, ["1", "7"])
    said: list[str] = []
    system.begin(said.append)
    assert not said
    begun = system.model.backbone.state_dict()
    assert all(torch.equal(begun[key], value) for key, value in kept.items())
    learning = [p.requires_grad for p in system.model.backbone.parameters()]
    assert not learning[0] and learning[-1]


def test_without_pretrained_weights_one_line_says_so_and_nothing_is_frozen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(url: str, progress: bool) -> None:
        raise OSError("Network is unreachable")

    monkeypatch.setattr(backbones, "load_state_dict_from_url", away)
    plan = load(RECIPES / "seed-resnet18.toml")
    system = build(plan, ["1", "7"])
    said: list[str] = []
    system.begin(said.append)
    assert len(said) == 1
    assert "no pretrained weights for resnet18" in said[0]
    assert system.model.backbone.frozen == 0


def test_frozen_layers_stay_as_they_are_also_when_a_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backbones, "load_pretrained", lambda backbone, name: None)
    model = {"backbone": "resnet18", "pretrained": True, "frozen": 2, "lstm": 8}
    schedule = replace(PLAIN.schedule, images=32, interval=32)
    plan = replace(PLAIN, model=model, schedule=schedule)
    torch.manual_seed(plan.seed)
    begun = build(plan, ["1", "7"]).model.state_dict()
    trained(plan, tmp_path)

    def missing(backbone: object, name: str) -> None:
        raise MissingError("gone")

    monkeypatch.setattr(backbones, "load_pretrained", missing)
    after = trained(replace(plan, schedule=replace(schedule, images=64)), tmp_path)
    ended = after.model.state_dict()
    for name in ("conv1.weight", "bn1.running_mean", "layer1.0.conv1.weight"):
        assert torch.equal(ended[f"backbone.{name}"], begun[f"backbone.{name}"])
    for name in ("layer2.0.conv1.weight", "layer2.0.bn1.running_mean"):
        assert not torch.equal(ended[f"backbone.{name}"], begun[f"backbone.{name}"])


def test_a_pretrained_backbone_takes_its_weights_by_name() -> None:
    source, target = ResNet18(), ResNet18()
    weights = source.state_dict() | {"fc.weight": torch.zeros(3)}
    target.take(weights)
    assert torch.equal(target.conv1.weight, source.conv1.weight)
    del weights["conv1.weight"]
    with pytest.raises(KeyError, match=r"conv1\.weight"):
        target.take(weights)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"family": "crmn"}, "crmn"),
        ({"model": {"backbone": "vgg19"}}, "vgg19"),
        ({"model": {"lsmt": 3}}, "lsmt"),
        ({"canvas": replace(CANVAS, height=40)}, "canvas"),
    ],
)
def test_a_wrong_family_or_dimension_is_refused_and_told(
    change: dict[str, object], fault: str
) -> None:
    with pytest.raises(UsageError, match=fault):
        build(replace(PLAIN, **change), ["1"])


def test_recipes_are_told_every_family_and_backbone() -> None:
    plans = [load(RECIPES / f"{name}.toml") for name in SEEDS]
    assert {plan.family for plan in plans} | {"reader", "graph", "lines"} == set(FAMILIES)
    assert {plan.model["backbone"] for plan in plans} == set(BACKBONES)
    assert len({(plan.canvas, plan.schedule.pixels) for plan in plans}) == 1
