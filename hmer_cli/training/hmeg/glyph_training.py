"""Training of the glyph network: reconstruction of real symbols (conditional VAE).

Input: textures of symbols. Output: parameters of the decoder; see
`hmer_cli.networks.hmeg.glyphs`.
"""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hmer_cli.console import Say
from hmer_cli.errors import InputError
from hmer_cli.networks.hmeg.glyphs import Decoder, Encoder, Sizes, sized
from hmer_cli.networks.hmeg.graphs import UNKNOWN
from hmer_cli.networks.hmeg.painter import UNIT
from hmer_cli.training.hmeg import checkpoint
from hmer_cli.training.hmeg.checkpoint import STEPS, report
from hmer_cli.training.hmeg.forms import Forms
from hmer_cli.training.hmeg.pictures import Picture, Symbols, chances

PRIORS_EVERY = 200
"""Steps between updates of the priors to the moments of encoded symbols."""

FEW = 3
"""Least number of images with a token that is trained on."""


@dataclass(frozen=True)
class GlyphPlan:
    """What a run is. ``symbols`` is the size of a batch, ``distance`` the weight of the latents'
    distance from noise."""

    sizes: Sizes = field(default_factory=Sizes)
    steps: int = 1400
    symbols: int = 96
    rate: float = 2e-3
    distance: float = 2.0
    seed: int = 1


class GlyphTrainer:
    """A run: decoder and encoder, and the training loop."""

    def __init__(self, plan: GlyphPlan, pictures: Sequence[Picture]) -> None:
        if not pictures:
            raise InputError("there is no segmented ink to learn symbols from", "give CROHME's")
        counts = Counter(t for one in pictures for t in set(one.layout.graph.symbols))
        self.tokens = tuple(sorted(token for token, count in counts.items() if count >= FEW))
        torch.manual_seed(plan.seed)
        self.plan, self.pictures = plan, pictures
        self.decoder = Decoder(len(self.tokens), plan.sizes)
        self.encoder = Encoder(len(self.tokens), plan.sizes)
        self.forms = Forms.of(pictures, self.tokens, plan.sizes.forms, plan.seed)
        self.decoder.prototypes.data[UNKNOWN + 1 :] = self.forms.logits()
        self.mean = copy.deepcopy(self.decoder)
        """The decoder averaged over the last steps: it draws better than any of them."""
        learning = [*self.decoder.parameters(), *self.encoder.parameters()]
        self.optimiser = torch.optim.Adam(learning, plan.rate, betas=(0.9, 0.99))
        self.generator = torch.Generator().manual_seed(plan.seed)
        self.chances = chances(pictures)
        self.done = 0

    def run(self, out: Path, say: Say, interval: int = 100) -> Decoder:
        """Train to the last step, from the checkpoint in ``out`` if there is one."""
        out.mkdir(parents=True, exist_ok=True)
        self.resume(out / "glyphs.pt")
        begun, sums = time.process_time(), Counter[str]()
        while self.done < self.plan.steps:
            rng = np.random.default_rng([self.plan.seed, self.done])
            if self.done % PRIORS_EVERY == 0:
                self.update_priors()
            sums.update({**self.step(self.batch(rng)), STEPS: 1})
            if self.done % interval == 0 or self.done == self.plan.steps:
                report(out / "glyphs.jsonl", sums, self.done, begun, say)
                self.save(out / "glyphs.pt")
        self.update_priors()
        return self.mean.eval()

    def batch(self, rng: np.random.Generator) -> Symbols:
        """Whole expressions, until there are symbols enough."""
        chosen: list[Picture] = []
        while sum(len(one.boxes) for one in chosen) < self.plan.symbols:
            chosen.append(self.pictures[int(rng.choice(len(self.pictures), p=self.chances))])
        return Symbols.of(chosen, self.tokens)

    def step(self, batch: Symbols) -> dict[str, float]:
        """One batch: reconstruction of real symbols; the losses, in nats per symbol."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.rate * self.decay()
        size = sized(batch.boxes, batch.pens, UNIT)
        hands, turns, hand, turn = self.encoder(
            batch.textures, batch.symbols, size, batch.owner, self.generator
        )
        forms = self.forms.nearest(batch.textures, batch.symbols)
        drawn = self.decoder(batch.symbols, forms, size, hand, turn)[:, :1]
        ink = F.binary_cross_entropy_with_logits(drawn, batch.textures, reduction="sum")
        count, usual = len(batch.symbols), self.decoder.usual(batch.symbols, forms)
        ink, distance = ink / count, (turns.distance(usual).sum() + hands.distance().sum()) / count
        warm = self.plan.distance * min(1.0, (self.done + 1) / 500)
        descend(self.optimiser, ink + warm * distance)
        average(self.mean, self.decoder, min(0.995, self.done / (self.done + 10)))
        self.done += 1
        return {"ink": ink.item(), "distance": distance.item()}

    @torch.no_grad()
    def update_priors(self, batches: int = 100) -> None:
        """Set the priors of hands and turns to the moments of the encoded ones.

        Moments of rare forms are shrunk towards those of noise.
        """
        sums = torch.zeros(3, *self.decoder.habits.shape[:2], self.plan.sizes.turn)
        hands = []
        for i in range(batches):
            batch = self.batch(np.random.default_rng([self.plan.seed, self.done, i]))
            size = sized(batch.boxes, batch.pens, UNIT)
            people, turns, _, _ = self.encoder(
                batch.textures, batch.symbols, size, batch.owner, self.generator
            )
            hands.append(people.sample(self.generator))
            at = batch.symbols, self.forms.nearest(batch.textures, batch.symbols)
            square = turns.mean**2 + turns.spread.exp()
            for total, value in zip(
                sums, (torch.ones_like(square), turns.mean, square), strict=True
            ):
                total.index_put_(at, value, accumulate=True)
        count = sums[0] + 1
        mean = sums[1] / count
        spread = ((sums[2] + 1) / count - mean**2).log()
        found = torch.cat(hands)
        for decoder in (self.decoder, self.mean):
            decoder.habits.data = torch.cat([mean, spread], dim=-1)
            decoder.hand_mean.copy_(found.mean(0))
            decoder.hand_axes.copy_(torch.linalg.cholesky(found.T.cov()))

    def decay(self) -> float:
        """Factor of the learning rate: a cosine down to a fiftieth."""
        return 0.51 + 0.49 * float(np.cos(np.pi * self.done / self.plan.steps))

    def save(self, path: Path) -> None:
        """Everything that a run needs to go on."""
        plan = asdict(self.plan)
        checkpoint.save(path, self._parts(), self.tokens, plan, self.done, self.generator)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint if there is one; another number of steps is no other plan."""
        self.done = checkpoint.resume(path, self._parts(), asdict(self.plan), self.generator)

    def _parts(self) -> checkpoint.Parts:
        return {key: getattr(self, key) for key in _PARTS}


_PARTS = ("decoder", "encoder", "mean", "optimiser")


def descend(optimiser: torch.optim.Optimizer, loss: Tensor, most: float = 100.0) -> None:
    """One optimiser step; the norm of each group's gradient is clipped at ``most``."""
    optimiser.zero_grad()
    loss.backward()
    for group in optimiser.param_groups:
        torch.nn.utils.clip_grad_norm_(group["params"], most)
    optimiser.step()


@torch.no_grad()
def average(mean: nn.Module, model: nn.Module, keep: float) -> None:
    """Update the moving average of the parameters of a model."""
    for old, new in zip(mean.parameters(), model.parameters(), strict=True):
        old.lerp_(new, 1 - keep)
