"""The component network: a transformer over the connected components of a page, and its training.

Input are the components' rasters, symbol classes and measures
(`hmer_cli.page.detect.component_graph.ComponentGraph`),
output for each the probability of being mathematics, the box of its expression, and for each pair
of neighbours the probability of standing in one expression. Each component attends to its sixteen
nearest, with their geometry as relative positions (P. Shaw, J. Uszkoreit and A. Vaswani,
Self-Attention with Relative Position Representations, NAACL 2018).
"""

from __future__ import annotations

import io
import math
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from hmer_cli.errors import InputError
from hmer_cli.page.detect.component_graph import OWN, RELATIONS, ComponentGraph, relations
from hmer_cli.page.detect.symbol_classes import SIDE, SYMBOL_CLASSES
from hmer_cli.training.detector.examples import Example
from hmer_cli.training.export.onnx import OPSET, quantise
from hmer_cli.training.systems.base import Say
from hmer_cli.training.threads import single_threaded

WIDTH, HEADS, LAYERS = 64, 4, 6
RATE, DECAY = 3e-3, 0.02
LEAST = 200  # parts in a lesson, if a page has as many
LOST = 0.1  # of the parts of a lesson at most
INTERVAL = 200  # steps from one checkpoint to the next


class Layer(nn.Module):
    """Attention over the neighbours, the mean of the page, and a feed-forward layer."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.ask = nn.Linear(WIDTH, WIDTH)
        self.key, self.value = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.bend, self.carry = nn.Linear(32, HEADS), nn.Linear(32, WIDTH)
        self.out, self.page = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.step = nn.Sequential(
            nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Linear(2 * WIDTH, WIDTH)
        )

    def forward(self, x: Tensor, near: Tensor, lie: Tensor) -> Tensor:
        """``x`` (N, D), ``near`` (N, K), ``lie`` (N, K, 32) to (N, D)."""
        count, each = near.shape
        y = self.before(x)
        ask = self.ask(y).view(count, 1, HEADS, -1)
        key = functional.embedding(near, self.key(y)).view(count, each, HEADS, -1)
        value = functional.embedding(near, self.value(y)) + self.carry(lie)
        heed = (ask * key).sum(-1) / math.sqrt(WIDTH / HEADS) + self.bend(lie)
        heed = torch.softmax(heed, 1)
        taken = (heed[..., None] * value.view(count, each, HEADS, -1)).sum(1).reshape(count, -1)
        x = x + self.out(taken) + self.page(y.mean(0, keepdim=True))
        return x + self.step(self.after(x))


class Network(nn.Module):
    """Looks (N, LOOKS), neighbours (N, K) and relations (N, K, R) to three answers: maths (N,),
    ends (N, 4) and same (N, K); the first and the last before the sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Sequential(
            nn.Conv2d(1, 12, 3, 2, 1),
            nn.GELU(),
            nn.Conv2d(12, 24, 3, 2, 1),
            nn.GELU(),
            nn.Flatten(),
            nn.Linear(24 * 16, WIDTH),
        )
        self.own = nn.Linear(2 + len(SYMBOL_CLASSES) + OWN, WIDTH)
        self.mix = nn.Sequential(nn.GELU(), nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH))
        self.lie = nn.Sequential(nn.Linear(RELATIONS, 32), nn.GELU(), nn.Linear(32, 32), nn.GELU())
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        self.maths, self.ends = nn.Linear(WIDTH, 1), nn.Linear(WIDTH, 4)
        self.first, self.second = nn.Linear(WIDTH, 32), nn.Linear(WIDTH, 32)
        self.join, self.same = nn.Linear(32, 32), nn.Linear(32, 1)

    def forward(self, looks: Tensor, near: Tensor, lie: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Inputs and outputs as the class says."""
        sight = looks[:, : SIDE * SIDE].reshape(-1, 1, SIDE, SIDE)
        x = self.mix(self.look(sight) + self.own(looks[:, SIDE * SIDE :]))
        lie = self.lie(lie)
        for layer in self.layers:
            x = layer(x, near, lie)
        x = self.norm(x)
        pair = self.first(x)[:, None] + functional.embedding(near, self.second(x)) + self.join(lie)
        same = self.same(functional.gelu(pair))[..., 0]
        return self.maths(x)[:, 0], self.ends(x), same


@dataclass(frozen=True)
class Lesson:
    """A page to learn from: its scene, boxes of parts and of their expressions in letter heights,
    (N, 4), and their owners, (N,), -1 for none."""

    told: ComponentGraph
    parts: NDArray[np.float32]
    boxes: NDArray[np.float32]
    owner: NDArray[np.int64]


def lesson(example: Example, told: ComponentGraph) -> Lesson:
    """What the network is to say of a page."""
    owner, unit = example.owners(), example.parts.unit
    truth = np.concatenate([example.truth, np.zeros((1, 4))]) / unit
    boxes = (example.parts.boxes / unit).astype(np.float32)
    return Lesson(told, boxes, truth[owner].astype(np.float32), owner)


def loss(network: Network, page: Lesson, random: np.random.Generator) -> Tensor:
    """How far the network's answers for a page are from the truth; the page a little changed."""
    page = _cropped(page, random)
    looks, boxes, ends = _changed(page, random)
    near = torch.from_numpy(page.told.neighbours)
    lie = torch.from_numpy(relations(boxes, page.told.neighbours))
    maths, away, same = network(torch.from_numpy(looks), near, lie)
    owner = torch.from_numpy(page.owner)
    inside = owner >= 0
    wrong = functional.binary_cross_entropy_with_logits(maths, inside.float())
    near_owner = owner[near]
    other = near != torch.arange(len(near))[:, None]
    judged = other & (inside[:, None] | inside[near])
    if not judged.any():
        return wrong
    joined = ((near_owner == owner[:, None]) & inside[:, None]).float()
    parted = functional.binary_cross_entropy_with_logits(same[judged], joined[judged])
    wanted = torch.from_numpy(ends)[inside]
    return wrong + parted + _apart(away[inside], wanted)


def _apart(away: Tensor, wanted: Tensor) -> Tensor:
    """One less the IoU of boxes, both given as ways from one point, and the ways' own errors."""
    ways = torch.exp(away.clamp(-4, 4))
    common = torch.minimum(ways, wanted)
    shared = (common[:, 0] + common[:, 2]) * (common[:, 1] + common[:, 3])
    own = (ways[:, 0] + ways[:, 2]) * (ways[:, 1] + ways[:, 3])
    true = (wanted[:, 0] + wanted[:, 2]) * (wanted[:, 1] + wanted[:, 3])
    iou = shared / (own + true - shared)
    slip = functional.smooth_l1_loss(away, wanted.log(), beta=0.3)
    return (1 - iou).mean() + slip


def _cropped(page: Lesson, random: np.random.Generator) -> Lesson:
    """Half of the parts, all in one band across the page, as often as not round mathematics; of
    every other page a few are lost, as faint ink is."""
    count = len(page.owner)
    held = np.flatnonzero(page.owner >= 0)
    anchors = held if len(held) and random.random() < 0.5 else np.arange(count)
    height = page.parts[:, 1] + page.parts[:, 3]
    away = np.abs(height - height[random.choice(anchors)])
    kept = np.sort(np.argsort(away)[: max(count // 2, LEAST)])
    lost = LOST * random.random() * (random.random() < 0.5)
    kept = kept[(random.random(len(kept)) >= lost) | (len(kept) < LEAST)]
    place = np.full(count, -1)
    place[kept] = np.arange(len(kept))
    near = place[page.told.neighbours[kept]]
    near = np.where(near < 0, np.arange(len(kept))[:, None], near)
    told = ComponentGraph(page.told.looks[kept], near, page.told.relations[kept])
    return Lesson(told, page.parts[kept], page.boxes[kept], page.owner[kept])


def _changed(
    page: Lesson, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Looks, boxes of parts, and ways to the edges of expressions, as another scan had them."""
    scale = np.exp(random.normal(0, 0.08) + random.normal(0, 0.04, 2)).astype(np.float32)
    slope = np.float32(np.tan(np.radians(random.normal(0, 0.7))))
    looks = page.told.looks.copy()
    sight = looks[:, : SIDE * SIDE]
    sight[:] = _redrawn(sight, random)
    sight += random.normal(0, 0.08, sight.shape).astype(np.float32)
    looks[:, SIDE * SIDE : SIDE * SIDE + 2] += np.log(scale)
    looks[:, SIDE * SIDE + 2 :] += random.normal(0, 0.03, looks[:, SIDE * SIDE + 2 :].shape)
    boxes, around = page.parts * np.tile(scale, 2), page.boxes * np.tile(scale, 2)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    ends = np.concatenate([middle - around[:, :2], around[:, 2:] - middle], 1)
    fall = middle[:, :1] * slope * [0, 1, 0, 1]
    shift = random.normal(0, 0.03, boxes.shape)
    return looks, (boxes + fall + shift).astype(np.float32), np.maximum(ends, 0.05)


def _redrawn(sight: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Rasters of parts as a thicker or a thinner pen had drawn them, some a step aside."""
    square = torch.from_numpy(sight.reshape(-1, 1, SIDE, SIDE))
    thick = functional.max_pool2d(square, 3, 1, 1)
    thin = -functional.max_pool2d(-square, 3, 1, 1)
    share = random.uniform(-0.3, 0.3)
    drawn = square + abs(share) * ((thick if share > 0 else thin) - square)
    for axis in (2, 3):
        aside = torch.from_numpy(random.random(len(sight)) < 0.25)
        drawn[aside] = drawn[aside].roll(int(random.choice((-1, 1))), axis)
    return drawn.numpy().reshape(sight.shape)


class Run:
    """Training of one network: model, averaged copy, optimiser, schedule and random state."""

    def __init__(self, pages: Sequence[Lesson], steps: int, seed: int) -> None:
        torch.manual_seed(seed)
        self.pages, self.steps, self.seed, self.done = pages, steps, seed, 0
        self.random = np.random.default_rng(seed)
        self.network = Network()
        self.average = torch.optim.swa_utils.AveragedModel(
            self.network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.998)
        )
        self.learner = torch.optim.AdamW(
            self.network.parameters(), RATE, (0.9, 0.98), weight_decay=DECAY, fused=True
        )
        self.plan = torch.optim.lr_scheduler.OneCycleLR(self.learner, RATE, steps, pct_start=0.1)
        self.order: list[int] = []

    def step(self) -> float:
        """One page; returns its loss."""
        self.order = self.order or self.random.permutation(len(self.pages)).tolist()
        wrong = loss(self.network, self.pages[self.order.pop()], self.random)
        self.learner.zero_grad()
        wrong.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.learner.step()
        self.plan.step()
        self.average.update_parameters(self.network)
        self.done += 1
        return wrong.item()

    def save(self, path: Path) -> None:
        """Write the checkpoint that `resume` reads."""
        parts = ("network", "average", "learner", "plan")
        content: dict[str, Any] = {key: getattr(self, key).state_dict() for key in parts}
        content |= {"key": self._key(), "done": self.done, "order": self.order}
        content["random"] = self.random.bit_generator.state
        draft = path.with_suffix(".draft")
        torch.save(content, draft)
        draft.replace(path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint if there is one. Raises InputError where it is of another run."""
        if not path.is_file():
            return
        content = torch.load(path, weights_only=True)
        if content["key"] != self._key():
            raise InputError(f"{path} is of another run", "remove it, or choose another --out")
        for key in ("network", "average", "learner", "plan"):
            getattr(self, key).load_state_dict(content[key])
        self.done, self.order = content["done"], content["order"]
        self.random.bit_generator.state = content["random"]

    def _key(self) -> list[int]:
        return [len(self.pages), self.steps, self.seed]


@single_threaded()
def train(pages: Sequence[Lesson], steps: int, seed: int, checkpoint: Path, say: Say) -> Network:
    """A network trained for so many pages, the last of its weights averaged."""
    run = Run(pages, steps, seed)
    run.resume(checkpoint)
    sums, started, begun = 0.0, time.process_time(), run.done
    while run.done < steps:
        sums += run.step()
        if run.done % INTERVAL == 0 or run.done == steps:
            run.save(checkpoint)
            spent, count = time.process_time() - started, run.done - begun
            say(f"network {seed}: {run.done} of {steps}, loss {sums / count:.3f}, {spent:.0f} s")
            sums, started, begun = 0.0, time.process_time(), run.done
    trained = run.average.module
    assert isinstance(trained, Network)
    return trained.eval()


class Together(nn.Module):
    """The networks of all folds, their answers stacked: (F, N), (F, N, 4) and (F, N, K)."""

    def __init__(self, networks: Sequence[Network]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, looks: Tensor, near: Tensor, lie: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As `Network`, but that shares are shares."""
        found = [network(looks, near, lie) for network in self.networks]
        maths, ends, same = (torch.stack(each) for each in zip(*found, strict=True))
        return torch.sigmoid(maths), ends, torch.sigmoid(same)


def as_onnx(networks: Sequence[Network], told: ComponentGraph) -> onnx.ModelProto:
    """The networks in one file, their matrices in bytes; ``told`` is a page to follow them on."""
    given = {"looks": told.looks, "neighbours": told.neighbours, "relations": told.relations}
    answers = ("maths", "ends", "same")
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of sizes it might have fixed
        torch.onnx.export(
            Together(networks).eval(),
            tuple(map(torch.from_numpy, given.values())),
            buffer,  # type: ignore[arg-type]
            input_names=list(given),
            output_names=list(answers),
            dynamic_axes={name: {0: "N"} for name in given} | {name: {1: "N"} for name in answers},
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    quantise(model)
    onnx.checker.check_model(model)
    return model
