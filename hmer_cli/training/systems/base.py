"""The interface of a model family: everything of training and validation besides the network.

Input: a recipe and data. Output: batches, losses and readings for `hmer_cli.training.loop`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from hmer_cli.console import Say, one_line
from hmer_cli.errors import UsageError
from hmer_cli.recognition.scale import SYMBOL
from hmer_cli.recognition.units import Units
from hmer_cli.training.batches.targets import Targets
from hmer_cli.training.compose.examples import Example
from hmer_cli.training.recipe import Recipe

Batch = TypeVar("Batch", bound=Targets)

Progress = Callable[[], float]
"""Progress of the run, 0 to 1."""


class System(ABC, Generic[Batch]):
    """A model family: its network, batches, losses and decoding.

    Attributes:
        model: the module that is trained.
        shape: its dimensions as plain data, stored in checkpoints.
    """

    model: nn.Module
    shape: dict[str, Any]

    image_symbol: float = SYMBOL
    """Pixels of a typical symbol in handwriting that comes as an image, as in reading."""

    finds_unused = False
    """Whether some batches use only a part of the parameters (``find_unused_parameters``)."""

    draws_loss = False
    """Whether the loss on the validation set is computed, for the curves."""

    def __init__(self, recipe: Recipe, tokens: Sequence[str]) -> None:
        self.recipe = recipe
        self.units = Units(tokens)

    @abstractmethod
    def batches(
        self, examples: Iterable[Example], progress: Progress, rng: np.random.Generator
    ) -> Iterator[Batch]:
        """Training batches from an endless stream of examples; does not use the model."""

    @abstractmethod
    def validation_batches(self, examples: Sequence[Example]) -> Iterator[tuple[list[int], Batch]]:
        """Validation batches: every example without augmentation, with its index.

        Tokens outside the vocabulary are left out of the labels.
        """

    @abstractmethod
    def losses(self, model: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The total loss of a batch on the model's device, and its parts for the log."""

    @abstractmethod
    def read(self, model: nn.Module, batch: Batch, width: int = 1) -> list[list[str]]:
        """The tokens of each image; greedily, or by a beam of more than 1."""

    def rank(self, rates: Mapping[str, float]) -> float:
        """How good weights are by their rates on the validation set; less is better.

        By both, as towards the end of a run ExpRate may rise where WER does.
        """
        return rates["wer"] - rates["exprate"]

    def begin(self, say: Say) -> None:
        """Initialise the model of a run that starts from random weights."""

    def begin_with(self, weights: Path) -> float:
        """Copy the parameters of a weights file that fit; returns their share."""
        raise UsageError(
            f"the family {self.recipe.family} starts from random weights", "leave --from out"
        )

    def known(self, example: Example) -> Example:
        """The example without tokens outside the vocabulary, and without symbols."""
        known = set(self.units.tokens)
        tokens = tuple(t for t in example.tokens if t in known)
        image = example.image and replace(example.image, centres=None)
        return replace(example, tokens=tokens, symbols=(), places=None, image=image)


@contextmanager
def described(recipe: Recipe, shape: type) -> Iterator[None]:
    """A network is built in here, of the dimensions in the recipe; raises UsageError."""
    try:
        yield
    except (TypeError, ValueError, ArithmeticError, RuntimeError, AssertionError) as error:
        what = f"recipe {recipe.name}: [model] {error or 'has wrong dimensions'}"
        raise UsageError(one_line(what), f"see {shape.__name__}") from error


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
    batches: Sequence[tuple[list[int], Targets]],
    width: int = 1,
) -> list[list[str]]:
    """Decoded tokens of all `System.validation_batches`, in the order of the examples."""
    model.eval()
    device = next(model.parameters()).device
    decoded: dict[int, list[str]] = {}
    for places, batch in batches:
        decoded.update(zip(places, system.read(model, batch.to(device), width), strict=True))
    return [decoded[place] for place in sorted(decoded)]


def rates(
    system: System[Any],
    model: nn.Module,
    examples: Sequence[Example],
    batches: Sequence[tuple[list[int], Targets]],
) -> dict[str, float]:
    """WER, CER and ExpRate of examples, of which ``batches`` are made, decoded greedily."""
    import jiwer

    truths = [" ".join(example.tokens) for example in examples]
    read = [" ".join(tokens) for tokens in read_all(system, model, batches)]
    right = [truth == label for truth, label in zip(truths, read, strict=True)]
    return {
        "wer": jiwer.wer(truths, read),
        "cer": jiwer.cer(truths, read),
        "exprate": float(np.mean(right)),
    }


@torch.no_grad()
def mean_loss(
    system: System[Any], model: nn.Module, batches: Sequence[tuple[list[int], Targets]]
) -> float:
    """The mean over the images of `System.validation_batches` of their batches' total loss."""
    model.eval()
    device = next(model.parameters()).device
    losses = [system.losses(model, batch.to(device))[0] * batch.count for _, batch in batches]
    return float(torch.stack(losses).sum()) / max(1, sum(batch.count for _, batch in batches))
