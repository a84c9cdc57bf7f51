"""Training of the line reader: CTC over characters (Graves et al., ICML 2006).

Input: batches of features (B, T, FEATURES) with labels. Output: the loss, and greedy readings for
validation. The network is `hmer_cli.networks.line_model`; features and inference are those of
`hmer_cli.recognition.line_reader`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from hmer_cli.errors import UsageError
from hmer_cli.networks.line_model import LineModel, LineShape
from hmer_cli.recognition.ctc import greedy
from hmer_cli.recognition.line_text import SPACE
from hmer_cli.training import checkpoint
from hmer_cli.training.batches.lines import LineBatches, Lines
from hmer_cli.training.compose.examples import Example
from hmer_cli.training.export.lines import restore_lines
from hmer_cli.training.losses import ctc
from hmer_cli.training.recipe import Recipe
from hmer_cli.training.systems.base import Progress, System, described


class LineSystem(System[Lines]):
    """CTC over the points of a line: of its pen strokes, or of the skeleton of its image."""

    model: LineModel

    def __init__(self, recipe: Recipe, tokens: Sequence[str]) -> None:
        super().__init__(recipe, sorted({*tokens, SPACE}))
        with described(recipe, LineShape):
            shape = LineShape(units=len(self.units), **recipe.model)
            self.model = LineModel(shape)
        self.shape = shape.to_dict()
        schedule = recipe.schedule
        self.lines = LineBatches(
            self.units, schedule.pixels, schedule.pool, recipe.drawing.pieces, schedule.shown
        )

    def batches(
        self, examples: Iterable[Example], progress: Progress, rng: np.random.Generator
    ) -> Iterator[Lines]:
        """Batches of lines, parts of lines and formulas, grouped by length."""
        return self.lines.batches(examples, rng)

    def validation_batches(self, examples: Sequence[Example]) -> Iterator[tuple[list[int], Lines]]:
        """Validation batches: every example without augmentation, with its index."""
        return self.lines.validation_batches([self.known(example) for example in examples])

    def losses(self, model: nn.Module, batch: Lines) -> tuple[Tensor, dict[str, Tensor]]:
        """The CTC loss per character."""
        loss = ctc(model(batch.features), batch.labels, batch.lengths, zero_infinity=True)
        return loss, {"ctc": loss}

    def read(self, model: nn.Module, batch: Lines, width: int = 1) -> list[list[str]]:
        """The characters of each line by greedy decoding; ``width`` is ignored."""
        rows = model(batch.features).cpu().numpy()
        return [self.units.decode(greedy(row)) for row in rows]

    def rank(self, rates: Mapping[str, float]) -> float:
        """The share of wrong characters: hardly a line is right as a whole."""
        return rates["wer"]

    def begin_with(self, weights: Path) -> float:
        """Load a weights file, or the averaged weights of a checkpoint.

        Raises UsageError if its characters or dimensions differ, MissingError if it is of another
        kind.
        """
        if weights.suffix == ".pt":
            content = checkpoint.read(weights, ("average", "tokens", "shape"))
            found = content["average"]
        else:
            found, content = restore_lines(weights)
        if content["tokens"] != list(self.units.tokens) or content["shape"] != self.shape:
            raise UsageError(f"{weights} is of another model", "leave --from out")
        self.model.load_state_dict(found)
        return 1.0

    def known(self, example: Example) -> Example:
        """The example without tokens that are not in the units, and without symbols."""
        known = set(self.units.tokens)
        return replace(example, tokens=tuple(t for t in example.tokens if t in known), symbols=())
