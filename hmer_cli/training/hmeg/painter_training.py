"""Joint training of the painter and the layout network, end to end.

Two images per step and expression: real boxes and encoded latents must reconstruct the real image;
predicted boxes and random latents must pass HMEG's patch and symbol discriminators. The losses of
the second image reach the layout network through its boxes.
"""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from hmer_cli.console import Say
from hmer_cli.networks.hmeg.glyphs import sized
from hmer_cli.networks.hmeg.graphs import Graphs
from hmer_cli.networks.hmeg.painter import (
    UNIT,
    Painter,
    PatchDiscriminator,
    SymbolDiscriminator,
    centres,
    on_canvas,
)
from hmer_cli.networks.hmeg.placement import crop
from hmer_cli.training.hmeg import checkpoint
from hmer_cli.training.hmeg.checkpoint import STEPS, report
from hmer_cli.training.hmeg.glyph_training import GlyphTrainer, average, descend
from hmer_cli.training.hmeg.layout_training import LayoutTrainer
from hmer_cli.training.hmeg.layouts import stacked
from hmer_cli.training.hmeg.pictures import Picture, Symbols

_POOL = 8
"""Number of random batches out of which expressions of similar width form batches."""


@dataclass(frozen=True)
class PainterPlan:
    """What a run is.

    ``ink`` to ``distance`` are the weights of the losses beside those of the layout network: of
    reconstructed images (nats a symbol), of their features in the patch discriminator, of generated
    images against the patch and the symbol discriminator, of the symbols' classes, and of the
    distance of the latents from noise.
    """

    steps: int = 1200
    batch: int = 4
    rate: float = 1e-3
    layout_rate: float = 2e-4
    critic_rate: float = 4e-4
    ink: float = 0.1
    seen: float = 1.0
    patch: float = 0.5
    symbol: float = 0.5
    name: float = 0.3
    distance: float = 0.2
    seed: int = 1


class PainterTrainer:
    """A run: painter and layout network, their discriminators, and the training loop.

    Begins with a `GlyphTrainer`'s decoder and encoder and a `LayoutTrainer`'s two networks.
    """

    def __init__(
        self,
        plan: PainterPlan,
        pictures: Sequence[Picture],
        glyphs: GlyphTrainer,
        layouts: LayoutTrainer,
    ) -> None:
        torch.manual_seed(plan.seed)
        self.plan, self.pictures, self.glyphs, self.layouts = plan, pictures, glyphs, layouts
        count = len(glyphs.tokens)
        self.painter = Painter(count, glyphs.plan.sizes)
        self.painter.decoder.load_state_dict(glyphs.mean.state_dict())
        self.mean = copy.deepcopy(self.painter)
        self.encoder, self.network = glyphs.encoder, layouts.network
        self.patches, self.symbols = PatchDiscriminator(), SymbolDiscriminator(count)
        groups: list[dict[str, Any]] = [
            {"params": [*self.painter.parameters(), *self.encoder.parameters()]},
            {"params": list(self.network.parameters()), "lr": plan.layout_rate},
        ]
        self.optimiser = torch.optim.Adam(groups, plan.rate, betas=(0.7, 0.99))
        discriminators = [*self.patches.parameters(), *self.symbols.parameters()]
        self.discriminator_optimiser = torch.optim.Adam(
            discriminators, plan.critic_rate, betas=(0.5, 0.99)
        )
        self.generator = torch.Generator().manual_seed(plan.seed)
        self.done = 0

    def run(self, out: Path, say: Say, interval: int = 50) -> None:
        """Train to the last step, from the checkpoint in ``out`` if there is one."""
        out.mkdir(parents=True, exist_ok=True)
        self.resume(out / "painter.pt")
        begun, sums = time.process_time(), Counter[str]()
        while self.done < self.plan.steps:
            rng = np.random.default_rng([self.plan.seed, self.done])
            sums.update({**self.step(self.batch(rng)), STEPS: 1})
            if self.done % interval == 0 or self.done == self.plan.steps:
                report(out / "painter.jsonl", sums, self.done, begun, say)
                self.save(out / "painter.pt")

    def batch(self, rng: np.random.Generator) -> list[Picture]:
        """Pictures of about the same width."""
        size = self.plan.batch
        drawn = rng.choice(len(self.pictures), size * _POOL, p=self.glyphs.chances)
        near = sorted(drawn.tolist(), key=lambda i: self.pictures[i].shape[1])
        start = int(rng.integers(_POOL)) * size
        return [self.pictures[i] for i in near[start : start + size]]

    def step(self, pictures: Sequence[Picture]) -> dict[str, float]:
        """One step of painter, encoder and layout network, then of all discriminators."""
        pace = 0.52 + 0.48 * float(np.cos(np.pi * self.done / self.plan.steps))
        for group, rate in zip(
            self.optimiser.param_groups, (self.plan.rate, self.plan.layout_rate), strict=True
        ):
            group["lr"] = rate * pace
        batch = Symbols.of(pictures, self.glyphs.tokens)
        graphs = Graphs.of([one.layout.graph for one in pictures], self.network.tokens)
        truth = stacked([one.layout for one in pictures])
        images = real(pictures)
        copied, parts = self.reconstruction_loss(batch, images)
        layout = self.layouts.losses(graphs, truth)
        made, crops, size = self.generated(batch, graphs, layout.boxes)
        fooled, more = self.adversarial_loss(batch, made, crops, size)
        descend(self.optimiser, copied + fooled + layout.total, most=20.0)
        average(self.mean, self.painter, min(0.99, self.done / (self.done + 10)))
        parts |= more | {"l1": layout.parts["l1"]}
        made, crops, size = made.detach(), crops.detach(), size.detach()
        parts |= self.train_discriminators(batch, images, made, crops, size)
        self.layouts.train_discriminator(graphs, truth, layout)
        self.done += 1
        return parts

    def reconstruction_loss(
        self, batch: Symbols, images: Tensor
    ) -> tuple[Tensor, dict[str, float]]:
        """Reconstruction loss of real images, in real boxes."""
        size = sized(batch.boxes, batch.pens, UNIT)
        hands, turns, hand, turn = self.encoder(
            batch.textures, batch.symbols, size, batch.owner, self.generator
        )
        forms = self.glyphs.forms.nearest(batch.textures, batch.symbols)
        textures = self.painter.textures(batch.symbols, forms, batch.boxes, batch.pens, hand, turn)
        logits = self.paint(batch, textures, batch.boxes, images)
        count, usual = len(batch.symbols), self.painter.decoder.usual(batch.symbols, forms)
        ink = F.binary_cross_entropy_with_logits(logits, images, reduction="sum") / count
        distance = (turns.distance(usual).sum() + hands.distance().sum()) / count
        pairs = zip(self.patches(torch.sigmoid(logits))[1], self.patches(images)[1], strict=True)
        seen = torch.stack([(a - b.detach()).abs().mean() for a, b in pairs]).sum()
        plan = self.plan
        total = plan.ink * ink + plan.distance * distance + plan.seen * seen
        return total, {"ink": ink.item(), "distance": distance.item(), "seen": seen.item()}

    def generated(
        self, batch: Symbols, graphs: Graphs, boxes: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Images in predicted boxes (B, N, 4) with random latents; the symbols in them,
        (N, 1, R, R), and their sizes. Gradients reach the boxes through all three."""
        placed, shape = on_canvas(boxes, graphs.mask, batch.pens)
        sizes = self.glyphs.plan.sizes
        noise = torch.randn(len(graphs.mask), sizes.hand, generator=self.generator)
        hand = self.painter.decoder.hand(noise)[batch.owner]
        size = sized(placed, batch.pens, UNIT)
        forms = self.glyphs.forms.sample(batch.symbols, size, self.generator)
        turn = self.painter.decoder.usual(batch.symbols, forms).sample(self.generator)
        textures = self.painter.textures(batch.symbols, forms, placed, batch.pens, hand, turn)
        blank = torch.zeros(len(graphs.mask), 1, *shape)
        made = torch.sigmoid(self.paint(batch, textures, placed, blank))
        return made, crop(made[batch.owner], placed, batch.bent), size

    def paint(self, batch: Symbols, textures: Tensor, boxes: Tensor, like: Tensor) -> Tensor:
        """Logits of ink on canvases of the shape of ``like``."""
        ys, xs = centres((like.shape[2], like.shape[3]))
        belongs = F.one_hot(batch.owner, len(like)).T.float()
        return self.painter(textures, boxes, batch.bent, belongs, ys, xs)

    def adversarial_loss(
        self, batch: Symbols, made: Tensor, crops: Tensor, size: Tensor
    ) -> tuple[Tensor, dict[str, float]]:
        """Loss of generated images against both discriminators."""
        patch = ((self.patches(made)[0] - 1) ** 2).mean()
        score, names = self.symbols(crops, batch.symbols, size)
        symbol, name = ((score - 1) ** 2).mean(), F.cross_entropy(names, batch.symbols)
        ease, plan = min(1.0, self.done / 150), self.plan
        total = ease * (plan.patch * patch + plan.symbol * symbol + plan.name * name)
        return total, {"patch": patch.item(), "symbol": symbol.item(), "name": name.item()}

    def train_discriminators(
        self, batch: Symbols, images: Tensor, made: Tensor, crops: Tensor, size: Tensor
    ) -> dict[str, float]:
        """One step of the discriminators: least squares, and classes of real symbols."""
        patch = ((self.patches(images)[0] - 1) ** 2).mean() + (self.patches(made)[0] ** 2).mean()
        true = crop(images[batch.owner], batch.boxes, batch.bent)
        score, names = self.symbols(true, batch.symbols, sized(batch.boxes, batch.pens, UNIT))
        false, _ = self.symbols(crops, batch.symbols, size)
        symbol = ((score - 1) ** 2).mean() + (false**2).mean()
        total = (patch + symbol) / 2 + F.cross_entropy(names, batch.symbols)
        descend(self.discriminator_optimiser, total)
        right = (names.argmax(-1) == batch.symbols).float().mean()
        losses = {"patch critic": patch.item() / 2, "symbol critic": symbol.item() / 2}
        return {**losses, "right": right.item()}

    def save(self, path: Path) -> None:
        """Everything that a run needs to go on."""
        plan = asdict(self.plan)
        checkpoint.save(path, self._parts(), self.glyphs.tokens, plan, self.done, self.generator)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint if there is one; another number of steps is no other plan."""
        self.done = checkpoint.resume(path, self._parts(), asdict(self.plan), self.generator)

    def _parts(self) -> checkpoint.Parts:
        parts: dict[str, torch.nn.Module | torch.optim.Optimizer] = {
            "painter": self.painter,
            "mean": self.mean,
            "encoder": self.encoder,
            "network": self.network,
            "patches": self.patches,
            "symbols": self.symbols,
            "optimiser": self.optimiser,
            "opponent": self.discriminator_optimiser,
        }
        network, optimiser = self.layouts.discriminator, self.layouts.discriminator_optimiser
        if network is not None and optimiser is not None:
            parts |= {"layouts": network, "layout opponent": optimiser}
        return parts


def real(pictures: Sequence[Picture]) -> Tensor:
    """Real images, padded to one size, (B, 1, H, W), 0 to 1."""
    shapes = np.array([one.shape for one in pictures]).max(0)
    images = np.stack([one.image((int(shapes[0]), int(shapes[1]))) for one in pictures])
    return torch.from_numpy(images)[:, None]
