"""The interface of a model family: everything of training and validation besides the network.

Input: a recipe and data. Output: batches, losses and readings for `hmer_cli.training.loop`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from hmer_cli.errors import UsageError
from hmer_cli.recognition.units import Units
from hmer_cli.training.batches.targets import Targets
from hmer_cli.training.compose.examples import Example
from hmer_cli.training.recipe import Recipe

Batch = TypeVar("Batch", bound=Targets)

Say = Callable[[str], None]

Progress = Callable[[], float]
"""How far the run is, 0 to 1."""


class System(ABC, Generic[Batch]):
    """What the training loop asks of a family.

    ``model`` is the module that is trained, ``shape`` its dimensions as plain data.
    """

    model: nn.Module
    shape: dict[str, Any]

    partly = False
    """Whether some batches use a part of the model only."""

    def __init__(self, recipe: Recipe, tokens: Sequence[str]) -> None:
        self.recipe = recipe
        self.units = Units(tokens)

    @abstractmethod
    def batches(
        self, examples: Iterable[Example], progress: Progress, rng: np.random.Generator
    ) -> Iterator[Batch]:
        """Training batches, drawn from examples without end; works without the model."""

    @abstractmethod
    def stills(self, examples: Sequence[Example]) -> Iterator[tuple[list[int], Batch]]:
        """Every example as it was written, in batches, with its place in the sequence.

        Tokens that the units do not have are left out of the labels.
        """

    @abstractmethod
    def losses(self, model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The total loss of a batch on the model's device, and its parts for the log."""

    @abstractmethod
    def read(self, model: nn.Module, batch: Batch, width: int = 1) -> list[list[str]]:
        """The tokens of each image; greedily, or by a beam of more than 1."""

    def begin(self, say: Say) -> None:
        """Make ready the model of a run that starts from chance."""

    def begin_with(self, weights: Path) -> float:
        """Take over what fits of a weights file; the share of the parameters that did."""
        raise UsageError(f"the family {self.recipe.family} begins from chance", "leave --from out")

    def known(self, example: Example) -> Example:
        """The example with those of its tokens only that the units have, tied to no symbols."""
        known = set(self.units.tokens)
        tokens = tuple(t for t in example.tokens if t in known)
        image = example.image and replace(example.image, centres=None)
        return replace(example, tokens=tokens, symbols=(), places=None, image=image)


class LossModule(nn.Module):
    """A system's loss as a module, which data-parallel training wraps as a whole."""

    def __init__(self, system: System[Any]) -> None:
        super().__init__()
        self.system, self.model = system, system.model

    def forward(self, batch: Targets) -> tuple[Tensor, dict[str, Tensor]]:
        """A batch -> the total loss and its parts, which carry no gradient."""
        total, parts = self.system.losses(self.model, batch)
        return total, {key: loss.detach() for key, loss in parts.items()}


@torch.no_grad()
def read_all(
    system: System[Any],
    model: nn.Module,
    stills: Sequence[tuple[list[int], Targets]],
    width: int = 1,
) -> list[list[str]]:
    """What a model of the system reads in each of `System.stills`, in the examples' order."""
    model.eval()
    device = next(model.parameters()).device
    said: dict[int, list[str]] = {}
    for places, batch in stills:
        said.update(zip(places, system.read(model, batch.to(device), width), strict=True))
    return [said[place] for place in sorted(said)]


@torch.no_grad()
def mean_loss(
    system: System[Any], model: nn.Module, stills: Sequence[tuple[list[int], Targets]]
) -> float:
    """The mean over the images of `System.stills` of their batches' total loss."""
    model.eval()
    device = next(model.parameters()).device
    losses = [system.losses(model, batch.to(device))[0] * batch.count for _, batch in stills]
    return float(torch.stack(losses).sum()) / max(1, sum(batch.count for _, batch in stills))
