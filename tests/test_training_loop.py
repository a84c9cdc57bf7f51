"""Training: batches that fit, a loss that falls, a run that goes on where it stopped."""

# ruff: noqa: E402 - torch decides whether the rest can be imported
from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hmer_cli.errors import InputError, MissingError, UsageError
from hmer_cli.expr.tokens import Vocabulary
from hmer_cli.recognition.units import Units
from hmer_cli.training import loop, precision
from hmer_cli.training.augment.ink import Spread
from hmer_cli.training.batches.images import Painter, bucketed, collate, stream
from hmer_cli.training.compose.examples import Example
from hmer_cli.training.compose.recompose import Invention
from hmer_cli.training.loop import BEST, LOG, Trainer
from hmer_cli.training.recipe import Drawing, Recipe, Recomposition, Schedule
from hmer_cli.training.registry import build, load_system
from hmer_cli.training.systems.base import rates

pytestmark = pytest.mark.torch

SMALL = {"stem": 8, "low": 16, "mid": 16, "high": 32, "context": 1, "lstm": 16, "decoder": 1}
PAINTER = Painter(Units(["1", "7", "^", "{", "}"]), Drawing(), Spread())


def digit(name: str, x: float, y: float = 0.0) -> np.ndarray:
    """A one or a seven of 20 by 30 units."""
    ones = [(10, 0), (10, 30)]
    sevens = [(0, 0), (20, 0), (8, 30)]
    return np.array(ones if name == "1" else sevens, np.float32) + np.array([x, y], np.float32)


def number(text: str) -> Example:
    strokes = tuple(digit(name, 30.0 * i) for i, name in enumerate(text))
    places = tuple(range(len(text)))
    return Example(strokes, tuple(text), tuple((i,) for i in places), places)


NUMBERS = [number(f"{n:b}".replace("0", "7")) for n in range(1, 33)]


def recipe(**schedule: object) -> Recipe:
    plan = Schedule(images=200, interval=100, pixels=40_000, pool=64, warmup=5, rate=3e-3)
    return Recipe("small", model=SMALL, schedule=replace(plan, **schedule))


def trained(out: Path, **schedule: object) -> Trainer:
    trainer = Trainer(recipe(**schedule), NUMBERS, NUMBERS[:8], out, lambda line: None)
    trainer.run()
    return trainer


def test_buckets_hold_every_image_once_and_pad_little() -> None:
    rng = np.random.default_rng(1)
    drawn = [PAINTER.paint(NUMBERS[i], 1.0, rng) for i in rng.integers(0, 32, 300)]
    groups = bucketed(drawn, 60_000)
    assert sorted(map(id, (d for group in groups for d in group))) == sorted(map(id, drawn))
    padded = sum(collate(group, {"1": 1, "7": 2}).images.numel() for group in groups)
    assert padded < 1.6 * sum(d.image.size for d in drawn)


def test_a_run_learns_and_leaves_its_weights_and_log(tmp_path: Path) -> None:
    trained(tmp_path, images=600, interval=200)
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert lines[-1]["ctc"] < 0.8 * lines[0]["ctc"]
    assert {"wer", "cer", "exprate", "minutes"} <= lines[-1].keys()
    system, content = load_system(tmp_path / BEST)
    assert content["tokens"] == ["1", "7"]
    with torch.no_grad():
        frames, places, *_ = system.model(torch.zeros(1, 1, 32, 64), torch.tensor([[4, 8]]))
    assert places.shape == (*frames.shape[:2], 2)
    assert frames.exp().sum(dim=2).allclose(torch.ones(frames.shape[:2]), atol=1e-4)


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    first = trained(tmp_path, images=100)
    again = trained(tmp_path, images=200)
    assert again.state.resumed == 1
    assert again.state.seen > first.state.seen
    seen = [json.loads(line)["seen"] for line in (tmp_path / LOG).read_text().splitlines()]
    assert seen == sorted(seen)
    assert seen[0] == first.state.seen


@pytest.mark.parametrize("plateau", [0, 1])
def test_a_run_made_shorter_than_it_has_seen_ends_with_weights_and_their_score(
    plateau: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVED", -1.0)
    step, steps = Trainer.step, itertools.count()

    def halting(trainer: Trainer, batch: object) -> None:
        if next(steps) == 2:
            raise KeyboardInterrupt
        step(trainer, batch)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "step", halting)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, images=4000, interval=2000, pixels=2000)
    assert not (tmp_path / BEST).exists()
    ended = trained(tmp_path, images=1, plateau=plateau)
    _, content = load_system(tmp_path / BEST)
    (line,) = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert content["state"]["seen"] == line["seen"] == ended.state.seen > 1
    assert "wer" in line


def test_invented_examples_widen_the_vocabulary_and_are_trained_on(tmp_path: Path) -> None:
    vocabulary = Vocabulary(["1", "7", "\\alpha", "+", "\\hat", "{", "}", "^"])
    invention = Invention.build([], vocabulary)
    wanted = Recomposition(share=0.5, grafted=0.5)
    plan = replace(recipe(images=80, interval=40), recomposition=wanted)
    trainer = Trainer(plan, NUMBERS, [], tmp_path, lambda line: None, invention)
    trainer.run()
    assert set(vocabulary.tokens) == set(trainer.system.units.tokens)
    assert trainer.state.skipped == 0
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert np.isfinite([line["ctc"] for line in lines]).all()


def test_training_leaves_out_what_the_recipe_says_and_reading_nothing() -> None:
    torch.manual_seed(0)
    plain = build(recipe(), ["1", "7"]).model.eval()
    thin = build(replace(recipe(), skipped=0.5, dropped=0.5), ["1", "7"]).model.eval()
    thin.load_state_dict(plain.state_dict())
    images, sizes = torch.rand(4, 1, 32, 64), torch.tensor([[4, 8]] * 4)
    with torch.no_grad():
        assert torch.equal(plain(images, sizes)[0], thin(images, sizes)[0])
        features = thin.encoder.train()(images)
        hidden = (features == 0).all(dim=(2, 3)).float().mean()
        assert not torch.equal(features, thin.encoder(images))
    assert 0.3 < hidden < 0.9


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    trained(tmp_path, images=100)
    other = replace(recipe(), model=SMALL | {"high": 48})
    with pytest.raises(UsageError, match="another model"):
        Trainer(other, NUMBERS, [], tmp_path, lambda line: None).run()


def test_steps_with_gradients_that_are_not_finite_are_counted_and_left_out(tmp_path: Path) -> None:
    trainer = Trainer(recipe(), NUMBERS, [], tmp_path, lambda line: None)
    batch = collate([PAINTER.still(number("17"))], {"": 0, "1": 1, "7": 2})
    trainer.step(batch)
    before = [p.clone() for p in trainer.model.parameters()]
    trainer.step(replace(batch, images=batch.images * torch.nan))
    trainer.report()
    assert trainer.state.skipped == 1
    for old, new in zip(before, trainer.model.parameters(), strict=True):
        assert torch.equal(old, new)
    for model in (trainer.model, trainer.average):
        assert all(torch.isfinite(buffer).all() for buffer in model.buffers())


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_the_weights_that_are_kept_are_those_that_were_scored(
    tmp_path: Path, average: float
) -> None:
    trainer = trained(tmp_path, images=120, interval=40, average=average)
    system, content = load_system(tmp_path / BEST)
    kept, scored = system.model.state_dict(), trainer.average.state_dict()
    if content["state"]["seen"] == trainer.state.seen:
        assert all(torch.equal(kept[key], scored[key]) for key in kept)
    if not average:
        own = trainer.model.state_dict()
        assert all(torch.equal(own[key], scored[key]) for key in own)
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    (line,) = [line for line in lines if line["seen"] == content["state"]["seen"]]
    found = rates(system, system.model, NUMBERS[:8], list(system.validation_batches(NUMBERS[:8])))
    assert (round(found["wer"], 4), round(found["exprate"], 4)) == (line["wer"], line["exprate"])


def test_a_run_ends_early_where_the_recipe_says_so_and_it_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stepped(trainer: Trainer, batch: object) -> None:
        trainer.sums = {
            "loss": torch.ones(()),
            "skipped": torch.zeros(()),
            "batches": torch.ones(()),
        }

    monkeypatch.setattr(Trainer, "step", stepped)
    monkeypatch.setattr(
        Trainer, "_validate", lambda t: {"wer": 0.5, "exprate": 0.1} if t.valid else {}
    )

    def lines(name: str, valid: list[Example], patience: int) -> int:
        plan = recipe(images=200, interval=1, patience=patience)
        Trainer(plan, NUMBERS, valid, tmp_path / name, lambda line: None).run()
        return len((tmp_path / name / LOG).read_text().splitlines())

    whole = lines("whole", NUMBERS[:4], 0)
    assert lines("scored", NUMBERS[:4], 2) == 3 < whole
    assert lines("not scored", [], 2) == whole


def test_every_parameter_has_a_part_in_the_loss_as_data_parallel_training_asks(
    tmp_path: Path,
) -> None:
    trainer = Trainer(recipe(), NUMBERS, [], tmp_path, lambda line: None)
    batch = collate([PAINTER.still(replace(number("17"), places=None))], {"": 0, "1": 1, "7": 2})
    total, _ = trainer.loss_module(batch)
    total.backward()
    assert all(p.grad is not None for p in trainer.model.parameters())


def test_nothing_to_train_on_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no labelled ink"):
        Trainer(recipe(), [], [], tmp_path, lambda line: None)


def test_weights_of_which_nothing_can_be_taken_are_refused(tmp_path: Path) -> None:
    crnn = replace(recipe(images=20, interval=20), family="crnn", model={"lstm": 16})
    Trainer(crnn, NUMBERS, [], tmp_path / "crnn", lambda line: None).run()
    trained(tmp_path / "reader", images=20)
    for plan in (recipe(), replace(recipe(), family="graph", model={})):
        trainer = Trainer(plan, NUMBERS, [], tmp_path / "new", lambda line: None)
        with pytest.raises(UsageError, match="another kind of model"):
            trainer.begin_with(tmp_path / "crnn" / BEST)
    told: list[str] = []
    Trainer(recipe(), NUMBERS, [], tmp_path / "new", told.append).begin_with(
        tmp_path / "reader" / BEST
    )
    assert told[0].startswith("100% of the parameters")
    (tmp_path / "foreign.pt").write_bytes(b"nothing of hmer")
    for family in ("reader", "graph", "lines"):
        trainer = Trainer(
            replace(recipe(), family=family, model={}), NUMBERS, [], tmp_path, told.append
        )
        with pytest.raises(MissingError, match=r"foreign\.pt holds no checkpoint"):
            trainer.begin_with(tmp_path / "foreign.pt")


def test_a_run_that_is_out_of_time_ends_its_schedule_and_scores(tmp_path: Path) -> None:
    trainer = trained(tmp_path, images=10**9, interval=10**9, minutes=1 / 60)
    assert trainer.state.seconds >= 1
    assert trainer.progress() == 1
    assert trainer.rate() == pytest.approx(1e-7)
    assert (tmp_path / BEST).exists()
    assert len((tmp_path / LOG).read_text().splitlines()) == 1


def test_the_rate_halves_at_a_plateau_of_the_validation_loss(tmp_path: Path) -> None:
    trainer = trained(tmp_path, images=80, interval=20, plateau=1, rate=0.0)
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    losses = [line["valid_loss"] for line in lines]
    dull = sum(now >= min(losses[:i]) for i, now in enumerate(losses) if i)
    assert trainer.state.fall == 0.5**dull


def test_batches_come_steadily_and_no_image_waits_long() -> None:
    rng = np.random.default_rng(1)
    drawn: list[float] = []

    def examples() -> Iterator[Example]:
        for i in itertools.count():
            drawn.append(i)
            yield NUMBERS[i % len(NUMBERS)]

    batches = stream(PAINTER, examples(), {"": 0, "1": 1, "7": 2}, lambda: 1.0, rng, 40_000, 64)
    begun = []
    sizes = []
    for batch in itertools.islice(batches, 40):
        begun.append(len(drawn))
        sizes.append(batch.count)
    assert begun[0] == 64
    assert all(
        after - before == size for before, after, size in zip(begun, begun[1:], sizes, strict=False)
    )


@pytest.mark.parametrize("known", [{"avx512_bf16": True}, {"amx_bf16": True}, {"avx2": True}])
def test_bfloat16_only_where_the_processor_computes_in_it(
    known: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known, raising=False)
    precision._has_bfloat16.cache_clear()
    a = torch.ones(4, 4)
    with precision.autocast(a.device):
        assert ((a @ a).dtype == torch.bfloat16) == ("avx2" not in known)
    precision._has_bfloat16.cache_clear()
