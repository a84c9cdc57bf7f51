"""Training of a layout network: 10 x L1 to the real boxes, 0.2 x LSGAN against a discriminator.

The weights are HMEG's (section 3.5). Deterministic for the same layouts and seed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmer_cli.console import Say
from hmer_cli.errors import InputError
from hmer_cli.networks.hmeg.graphs import UNKNOWN, Graphs
from hmer_cli.networks.hmeg.layout import Discriminator, LayoutNetwork, Shape, parts
from hmer_cli.synthesis.symbol_graph import SymbolGraph
from hmer_cli.training import checkpoint
from hmer_cli.training.hmeg.checkpoint import STEPS, report
from hmer_cli.training.hmeg.layouts import Layout, corners, stacked
from hmer_cli.training.hmeg.views import VIEWS

L1_WEIGHT, DISCRIMINATOR_WEIGHT = 10.0, 0.2

_FEW = 3
"""Least number of layouts with a token that is trained on."""

_POOL = 16
"""Number of random batches out of which layouts of similar length form batches."""


@dataclass(frozen=True)
class Plan:
    """What a run is: everything that makes two runs differ.

    ``view`` names the discriminator's (see `views.VIEWS`), empty for none. ``tries`` is how many
    styles are tried for a layout, of which the one nearest to the truth is trained: 1 is HMEG's
    loss, more keep the styles different (ours).
    """

    shape: Shape = field(default_factory=Shape)
    view: str = ""
    tries: int = 1
    steps: int = 1000
    batch: int = 32
    rate: float = 2e-3
    seed: int = 1


@dataclass(frozen=True)
class LayoutStep:
    """A step of the network: the boxes it made (B, N, 4), the total loss, its parts for the log,
    and the symbols that the discriminator saw."""

    boxes: Tensor
    total: Tensor
    parts: dict[str, float]
    chosen: Tensor | None = None


class LayoutTrainer:
    """A run: the network, its discriminator, their optimisers, and the training loop."""

    def __init__(self, plan: Plan, layouts: Sequence[Layout]) -> None:
        if not layouts:
            raise InputError("there is no segmented ink to learn layouts from", "give CROHME's")
        counts = Counter(t for layout in layouts for t in set(layout.graph.symbols))
        tokens = tuple(sorted(token for token, count in counts.items() if count >= _FEW))
        torch.manual_seed(plan.seed)
        self.plan, self.layouts = plan, layouts
        self.network = LayoutNetwork(tokens, plan.shape)
        self.discriminator = (
            Discriminator(len(tokens) + UNKNOWN + 1, plan.shape.width) if plan.view else None
        )
        self.optimiser = torch.optim.Adam(self.network.parameters(), plan.rate)
        self.discriminator_optimiser = (
            torch.optim.Adam(self.discriminator.parameters(), plan.rate)
            if self.discriminator
            else None
        )
        self.generator = torch.Generator().manual_seed(plan.seed)
        self.done = 0

    def run(self, out: Path, say: Say, interval: int = 250) -> LayoutNetwork:
        """Train to the last step, from the checkpoint in ``out`` if there is one."""
        out.mkdir(parents=True, exist_ok=True)
        self._resume(out / "last.pt")
        begun, sums = time.process_time(), Counter[str]()
        stream = self.batches(np.random.default_rng([self.plan.seed, self.done]))
        while self.done < self.plan.steps:
            sums.update({**self.step(next(stream)), STEPS: 1})
            if self.done % interval == 0 or self.done == self.plan.steps:
                report(out / "log.jsonl", sums, self.done, begun, say)
                self._save(out / "last.pt")
        return self.network.eval()

    def batches(self, rng: np.random.Generator) -> Iterator[list[Layout]]:
        """An endless stream of batches of layouts of similar length."""
        size = self.plan.batch
        while True:
            order = rng.permutation(len(self.layouts))
            for pool in np.array_split(order, max(1, len(order) // (size * _POOL))):
                near = sorted(pool.tolist(), key=lambda i: len(self.layouts[i].boxes))
                starts = rng.permutation(np.arange(0, len(near), size))
                yield from ([self.layouts[i] for i in near[s : s + size]] for s in starts)

    def step(self, layouts: Sequence[Layout]) -> dict[str, float]:
        """One step of the network, then of its discriminator; the losses."""
        graphs = Graphs.of([layout.graph for layout in layouts], self.network.tokens)
        truth = stacked(layouts)
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        predicted = self.losses(graphs, truth)
        descend(self.optimiser, predicted.total, self.network)
        self.done += 1
        return predicted.parts | self.train_discriminator(graphs, truth, predicted)

    def losses(self, graphs: Graphs, truth: Tensor) -> LayoutStep:
        """The boxes that the network predicts for the graphs, and its losses."""
        boxes, near = self.l1_loss(graphs, truth)
        if self.discriminator is None:
            return LayoutStep(boxes, L1_WEIGHT * near, {"l1": near.item()})
        chosen = VIEWS[self.plan.view](graphs, self.generator)
        fooled = ((self.discriminator(graphs, boxes, chosen) - 1) ** 2).mean()
        total = L1_WEIGHT * near + DISCRIMINATOR_WEIGHT * fooled
        return LayoutStep(boxes, total, {"l1": near.item(), "fooled": fooled.item()}, chosen)

    def train_discriminator(
        self, graphs: Graphs, truth: Tensor, predicted: LayoutStep
    ) -> dict[str, float]:
        """One step of the discriminator, if there is one."""
        network, optimiser = self.discriminator, self.discriminator_optimiser
        if network is None or optimiser is None or predicted.chosen is None:
            return {}
        real = ((network(graphs, truth, predicted.chosen) - 1) ** 2).mean()
        made = (network(graphs, predicted.boxes.detach(), predicted.chosen) ** 2).mean()
        descend(optimiser, (real + made) / 2, network)
        return {"critic": (real.item() + made.item()) / 2}

    def l1_loss(self, graphs: Graphs, truth: Tensor) -> tuple[Tensor, Tensor]:
        """The predicted boxes and their L1 distance from the true ones, per symbol.

        The unit of HMEG's boxes is the longer side of the expression. Chained boxes are compared
        twice: by their `parts`, in the usual size of a symbol, and by their places, in the longer
        side.
        """
        styles = self._styles(len(truth))
        with torch.no_grad():
            tried = [self._distance(graphs, truth, style)[1] for style in styles[1:]]
        boxes, distance = self._distance(graphs, truth, styles[0])
        if tried:
            best = torch.stack([distance.detach(), *tried]).argmin(0)
            style = torch.stack(list(styles))[best, torch.arange(len(truth))]
            boxes, distance = self._distance(graphs, truth, style)
        return boxes, distance.mean()

    def _styles(self, count: int) -> Tensor:
        size = (self.plan.tries, count, self.plan.shape.noise)
        return torch.randn(size, generator=self.generator)

    def _distance(self, graphs: Graphs, truth: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        boxes, said = self.network(graphs, style)
        sizes = graphs.mask.sum(1)
        whole = longer(truth, graphs.mask)[:, None, None]
        if not self.plan.shape.chained:
            return boxes, (boxes - truth / whole).abs().sum((1, 2)) / sizes / 4
        off = (said - parts(graphs, truth)).abs() + (boxes - truth).abs() / whole
        return boxes, off.sum((1, 2)) / sizes / 4

    def learning_rate(self) -> float:
        """A short warm-up, then a cosine down to a hundredth."""
        warm = min(1.0, (self.done + 1) / 50)
        fall = 0.505 + 0.495 * float(np.cos(np.pi * self.done / self.plan.steps))
        return self.plan.rate * warm * fall

    def _save(self, path: Path) -> None:
        network, optimiser = self.discriminator, self.discriminator_optimiser
        content = {
            "network": self.network.state_dict(),
            "tokens": self.network.tokens,
            "plan": asdict(self.plan),
            "optimiser": self.optimiser.state_dict(),
            "critic": network.state_dict() if network else None,
            "opponent": optimiser.state_dict() if optimiser else None,
            "generator": self.generator.get_state(),
            "done": self.done,
        }
        checkpoint.write(path, content)

    def _resume(self, path: Path) -> None:
        if not path.exists():
            return
        content = checkpoint.read(path, ("plan", "network", "optimiser"), checkpoint.ANEW)
        if content["plan"] != asdict(self.plan):
            raise InputError(f"{path} is of another plan", "choose another folder")
        self.network.load_state_dict(content["network"])
        self.optimiser.load_state_dict(content["optimiser"])
        if self.discriminator is not None and self.discriminator_optimiser is not None:
            self.discriminator.load_state_dict(content["critic"])
            self.discriminator_optimiser.load_state_dict(content["opponent"])
        self.generator.set_state(content["generator"])
        self.done = content["done"]


def longer(boxes: Tensor, mask: Tensor) -> Tensor:
    """The longer side of each expression; boxes (B, N, 4), mask (B, N) -> (B,)."""
    x, y, w, h = boxes.unbind(-1)
    ends = torch.stack([x + w, -x, y + h / 2, h / 2 - y], dim=-1)
    ends = ends.masked_fill(mask[..., None] == 0, -torch.inf).amax(1)
    return torch.maximum(ends[:, 0] + ends[:, 1], ends[:, 2] + ends[:, 3]).clamp(min=1e-6)


def descend(optimiser: torch.optim.Optimizer, loss: Tensor, model: torch.nn.Module) -> None:
    """One optimiser step; the norm of the gradient is clipped at 5."""
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimiser.step()


@torch.no_grad()
def lay_out(
    network: LayoutNetwork, graph: SymbolGraph, seeds: Sequence[int]
) -> list[NDArray[np.float64]]:
    """A layout of the graph for each style: left, top, right, bottom, (N, 4), in any unit."""
    graphs = Graphs.of([graph] * len(seeds), network.tokens)
    noise = network.shape.noise
    styles = [torch.randn(noise, generator=torch.Generator().manual_seed(s)) for s in seeds]
    boxes, _ = network(graphs, torch.stack(styles))
    return [corners(made) for made in boxes.numpy()]
