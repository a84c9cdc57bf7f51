"""The component network and its training: a transformer over the connected components of a page.

Input: features, neighbours and their geometry, a
`hmer_cli.page.detect.component_graph.ComponentGraph`. Output: for each component the probability of
being mathematics and the box of its expression, for each pair of neighbours the probability of
being in one expression. Each component attends to its sixteen nearest, with their geometry as
relative positions (Shaw, Uszkoreit and Vaswani, NAACL 2018).
"""

from __future__ import annotations

import math
import time
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

from hmer_cli.console import Say
from hmer_cli.errors import InputError
from hmer_cli.page.detect.component_graph import OWN, RELATIONS, ComponentGraph, relations
from hmer_cli.page.detect.symbol_classes import SIDE, SYMBOL_CLASSES
from hmer_cli.training import checkpoint
from hmer_cli.training.detector.examples import Example
from hmer_cli.training.export.onnx import traced
from hmer_cli.training.export.quantise import quantise
from hmer_cli.training.threads import single_threaded

WIDTH, HEADS, LAYERS = 64, 4, 6
RATE, DECAY = 3e-3, 0.02
LEAST = 200  # components of a training step, if a page has as many
LOST = 0.1  # largest share of components that are removed
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
    """Features (N, F), neighbours (N, K) and relations (N, K, R) -> maths (N,), ends (N, 4) and
    same (N, K); the first and the last are logits."""

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
        """See the class."""
        raster = looks[:, : SIDE * SIDE].reshape(-1, 1, SIDE, SIDE)
        x = self.mix(self.look(raster) + self.own(looks[:, SIDE * SIDE :]))
        lie = self.lie(lie)
        for layer in self.layers:
            x = layer(x, near, lie)
        x = self.norm(x)
        pair = self.first(x)[:, None] + functional.embedding(near, self.second(x)) + self.join(lie)
        same = self.same(functional.gelu(pair))[..., 0]
        return self.maths(x)[:, 0], self.ends(x), same


@dataclass(frozen=True)
class TrainingPage:
    """A page of N components with its targets.

    Attributes:
        graph: inputs of the network.
        parts: boxes of the components in letter heights, (N, 4).
        boxes: boxes of their expressions, (N, 4).
        owner: index of the expression of each, (N,), -1 for none.
    """

    graph: ComponentGraph
    parts: NDArray[np.float32]
    boxes: NDArray[np.float32]
    owner: NDArray[np.int64]


def training_page(example: Example, graph: ComponentGraph) -> TrainingPage:
    """Inputs and targets of a page."""
    owner, unit = example.owners(), example.parts.unit
    truth = np.concatenate([example.truth, np.zeros((1, 4))]) / unit
    boxes = (example.parts.boxes / unit).astype(np.float32)
    return TrainingPage(graph, boxes, truth[owner].astype(np.float32), owner)


def loss(network: Network, page: TrainingPage, random: np.random.Generator) -> Tensor:
    """Loss of the network on a page, which is cropped and augmented."""
    page = _cropped(page, random)
    looks, boxes, ends = _changed(page, random)
    near = torch.from_numpy(page.graph.neighbours)
    lie = torch.from_numpy(relations(boxes, page.graph.neighbours))
    maths, away, same = network(torch.from_numpy(looks), near, lie)
    owner = torch.from_numpy(page.owner)
    inside = owner >= 0
    wrong = functional.binary_cross_entropy_with_logits(maths, inside.float())
    near_owner = owner[near]
    other = near != torch.arange(len(near))[:, None]
    counted = other & (inside[:, None] | inside[near])
    if not counted.any():
        return wrong
    joined = ((near_owner == owner[:, None]) & inside[:, None]).float()
    parted = functional.binary_cross_entropy_with_logits(same[counted], joined[counted])
    wanted = torch.from_numpy(ends)[inside]
    return wrong + parted + box_loss(away[inside], wanted)


def box_loss(away: Tensor, wanted: Tensor) -> Tensor:
    """Mean 1 - IoU of boxes, given as distances from one point, plus a smooth L1 loss of logs."""
    distances = torch.exp(away.clamp(-4, 4))
    common = torch.minimum(distances, wanted)
    shared = (common[:, 0] + common[:, 2]) * (common[:, 1] + common[:, 3])
    own = (distances[:, 0] + distances[:, 2]) * (distances[:, 1] + distances[:, 3])
    true = (wanted[:, 0] + wanted[:, 2]) * (wanted[:, 1] + wanted[:, 3])
    iou = shared / (own + true - shared)
    log_error = functional.smooth_l1_loss(away, wanted.log(), beta=0.3)
    return (1 - iou).mean() + log_error


def _cropped(page: TrainingPage, random: np.random.Generator) -> TrainingPage:
    """A random band of half of the components, in half of the cases around mathematics; in half of
    the cases a few components are removed, as if the ink were faint."""
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
    near = place[page.graph.neighbours[kept]]
    near = np.where(near < 0, np.arange(len(kept))[:, None], near)
    graph = ComponentGraph(page.graph.looks[kept], near, page.graph.relations[kept])
    return TrainingPage(graph, page.parts[kept], page.boxes[kept], page.owner[kept])


def _changed(
    page: TrainingPage, random: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Augmented features, boxes of components and distances to the edges of expressions."""
    scale = np.exp(random.normal(0, 0.08) + random.normal(0, 0.04, 2)).astype(np.float32)
    slope = np.float32(np.tan(np.radians(random.normal(0, 0.7))))
    looks = page.graph.looks.copy()
    raster = looks[:, : SIDE * SIDE]
    raster[:] = _redrawn(raster, random)
    raster += random.normal(0, 0.08, raster.shape).astype(np.float32)
    looks[:, SIDE * SIDE : SIDE * SIDE + 2] += np.log(scale)
    looks[:, SIDE * SIDE + 2 :] += random.normal(0, 0.03, looks[:, SIDE * SIDE + 2 :].shape)
    boxes, around = page.parts * np.tile(scale, 2), page.boxes * np.tile(scale, 2)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    ends = np.concatenate([middle - around[:, :2], around[:, 2:] - middle], 1)
    fall = middle[:, :1] * slope * [0, 1, 0, 1]
    shift = random.normal(0, 0.03, boxes.shape)
    return looks, (boxes + fall + shift).astype(np.float32), np.maximum(ends, 0.05)


def _redrawn(raster: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    """Rasters with thicker or thinner strokes, some shifted by one cell."""
    square = torch.from_numpy(raster.reshape(-1, 1, SIDE, SIDE))
    thick = functional.max_pool2d(square, 3, 1, 1)
    thin = -functional.max_pool2d(-square, 3, 1, 1)
    share = random.uniform(-0.3, 0.3)
    drawn = square + abs(share) * ((thick if share > 0 else thin) - square)
    for axis in (2, 3):
        aside = torch.from_numpy(random.random(len(raster)) < 0.25)
        drawn[aside] = drawn[aside].roll(int(random.choice((-1, 1))), axis)
    return drawn.numpy().reshape(raster.shape)


class Run:
    """Training of one network: model, averaged copy, optimiser, schedule and random state."""

    def __init__(self, pages: Sequence[TrainingPage], steps: int, seed: int) -> None:
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
        checkpoint.write(path, content)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint if there is one. Raises InputError where it is of another run."""
        if not path.is_file():
            return
        content = checkpoint.read(path, ("key", "done", "order"), checkpoint.ANEW)
        if content["key"] != self._key():
            raise InputError(f"{path} is of another run", "remove it, or choose another --out")
        for key in ("network", "average", "learner", "plan"):
            getattr(self, key).load_state_dict(content[key])
        self.done, self.order = content["done"], content["order"]
        self.random.bit_generator.state = content["random"]

    def _key(self) -> list[int]:
        return [len(self.pages), self.steps, self.seed]


@single_threaded()
def train(pages: Sequence[TrainingPage], steps: int, seed: int, path: Path, say: Say) -> Network:
    """A network trained for so many pages, the last of its weights averaged."""
    run = Run(pages, steps, seed)
    run.resume(path)
    sums, started, begun = 0.0, time.process_time(), run.done
    while run.done < steps:
        sums += run.step()
        if run.done % INTERVAL == 0 or run.done == steps:
            run.save(path)
            spent, count = time.process_time() - started, run.done - begun
            say(f"network {seed}: {run.done} of {steps}, loss {sums / count:.3f}, {spent:.0f} s")
            sums, started, begun = 0.0, time.process_time(), run.done
    trained = run.average.module
    assert isinstance(trained, Network)
    return trained.eval()


class Ensemble(nn.Module):
    """The networks of all F folds, outputs stacked: (F, N), (F, N, 4) and (F, N, K)."""

    def __init__(self, networks: Sequence[Network]) -> None:
        super().__init__()
        self.networks = nn.ModuleList(networks)

    def forward(self, looks: Tensor, near: Tensor, lie: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As `Network`, with probabilities instead of logits."""
        found = [network(looks, near, lie) for network in self.networks]
        maths, ends, same = (torch.stack(each) for each in zip(*found, strict=True))
        return torch.sigmoid(maths), ends, torch.sigmoid(same)


def as_onnx(networks: Sequence[Network], graph: ComponentGraph) -> onnx.ModelProto:
    """The networks in one file, their matrices in bytes; they are traced on the page ``graph``."""
    given = {"looks": graph.looks, "neighbours": graph.neighbours, "relations": graph.relations}
    inputs = {name: torch.from_numpy(array) for name, array in given.items()}
    outputs = ("maths", "ends", "same")
    axes = {name: {0: "N"} for name in inputs} | {name: {1: "N"} for name in outputs}
    ensemble = Ensemble(networks).eval()
    model = traced(ensemble, inputs, outputs, axes, folded=True, fused=True)
    quantise(model)
    onnx.checker.check_model(model)
    return model
