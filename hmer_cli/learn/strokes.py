"""The family of stroke readers, `hmer_cli.read.stroke_reader`: no image, the pen alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from hmer_cli.errors import InputError, UsageError
from hmer_cli.learn import losses, spans
from hmer_cli.learn.augment import Points, augment
from hmer_cli.learn.batches import UNKNOWN, turned
from hmer_cli.learn.examples import UNTIED, Example
from hmer_cli.learn.recipe import Recipe
from hmer_cli.learn.system import Progress, System
from hmer_cli.learn.tensors import Targets, shifted
from hmer_cli.learn.transfer import symbol_names
from hmer_cli.read.layers import Skip
from hmer_cli.read.scribe import Scribe
from hmer_cli.read.stroke_reader import Saying, StrokeReader, StrokeShape
from hmer_cli.read.strokes import CHANNELS, POINTS, Traces, stroke_size, traced

UNORDERED = 0.3
"""The share of expressions of which nobody says in which order the strokes were written."""


@dataclass(frozen=True)
class Followed:
    """One training expression: traces, label, and of each stroke which sign it belongs to.

    ``places`` (N,) counts the signs in the order of the label, ``names`` (N,) says what they
    are; both UNKNOWN where nobody tells.
    """

    traces: Traces
    ordered: bool
    label: list[int]
    places: list[int]
    names: list[int]

    @property
    def count(self) -> int:
        """The number of strokes."""
        return len(self.places)


@dataclass(frozen=True)
class StrokeBatch(Targets):
    """Tensors ready for the model; see `hmer_cli.read.stroke_reader` for the letters.

    shapes (B, N, CHANNELS, P), boxes (B, N, 4), ordered (B,) and there (B, N) as the model takes
    them; places and names (B, N) int64, see `Followed`.
    """

    shapes: Tensor
    boxes: Tensor
    ordered: Tensor
    there: Tensor
    places: Tensor
    names: Tensor


def collate(followed: Sequence[Followed]) -> StrokeBatch:
    """Pad to the most strokes and the longest label."""
    b, n = len(followed), max(f.count for f in followed)
    shapes = np.zeros((b, n, CHANNELS, POINTS), np.float32)
    boxes = np.zeros((b, n, 4), np.float32)
    there = np.zeros((b, n), bool)
    places, names = np.full((b, n), UNKNOWN, np.int64), np.full((b, n), UNKNOWN, np.int64)
    for i, f in enumerate(followed):
        shapes[i, : f.count], boxes[i, : f.count] = f.traces.shapes, f.traces.boxes
        there[i, : f.count] = True
        places[i, : f.count], names[i, : f.count] = f.places, f.names
    before, after, lengths = shifted([f.label for f in followed])
    arrays = shapes, boxes, np.array([f.ordered for f in followed]), there, places, names
    return StrokeBatch(before, after, lengths, 0, *map(torch.from_numpy, arrays))


def bucketed(followed: Sequence[Followed], strokes: int) -> list[list[Followed]]:
    """Groups of like length whose padded strokes and units are about ``strokes``."""
    groups: list[list[Followed]] = [[]]
    most = 0
    for f in sorted(followed, key=_length):
        most = max(most, _length(f))
        if groups[-1] and (len(groups[-1]) + 1) * most > strokes:
            groups.append([])
            most = _length(f)
        groups[-1].append(f)
    return groups


def _length(followed: Followed) -> int:
    return max(followed.count, len(followed.label))


def follow_loss(scores: Tensor, places: Tensor) -> Tensor:
    """How surely strokes (B, N, N + 1) point at those of the next sign, or at the end.

    The mean of the negative logs over strokes of known signs.
    """
    known = places != UNKNOWN
    last = places == places.amax(dim=1, keepdim=True)
    after = (places[:, None] == places[:, :, None] + 1) & known[:, None]
    right = torch.cat([after, last[..., None]], dim=2)
    counts = known & right.any(dim=2)
    log = scores.log_softmax(dim=2).masked_fill(~right, -1e4).logsumexp(dim=2)
    return -(log * counts).sum() / counts.sum().clamp(min=1)


class Running:
    """A model that runs as its ONNX Runtime session would."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.device = next(model.parameters()).device

    @torch.no_grad()
    def run(self, _: Sequence[str], given: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """What the model says of what it is given, in the order of its arguments."""
        said = self.model(*(torch.from_numpy(x).to(self.device) for x in given.values()))
        return [x.cpu().numpy() for x in (said if isinstance(said, tuple) else (said,))]


class StrokeSystem(System[StrokeBatch]):
    """The decoder learns labels, the strokes which sign they are of and which comes next."""

    model: StrokeReader

    def __init__(self, recipe: Recipe, tokens: Sequence[str]) -> None:
        super().__init__(recipe, tokens)
        self.symbols = {name: i for i, name in enumerate(symbol_names(tokens))}
        try:
            shape = StrokeShape(
                units=len(self.units), symbols=len(self.symbols) - 1, **recipe.model
            )
        except TypeError as error:
            remedy = "see StrokeShape"
            raise UsageError(f"recipe {recipe.name}: [model] {error}", remedy) from error
        self.shape = shape.to_dict()
        self.model = StrokeReader(shape)
        for module in self.model.modules():
            if isinstance(module, Skip):
                module.share = recipe.skipped

    def batches(
        self, examples: Iterable[Example], progress: Progress, rng: np.random.Generator
    ) -> Iterator[StrokeBatch]:
        """Expressions in other hands, bucketed by length; `Schedule.pixels` are strokes here."""
        schedule, drawing = self.recipe.schedule, self.recipe.drawing
        first, last = drawing.parts
        waiting: list[Followed] = []
        for example in examples:
            grown = min(1.0, progress() / drawing.grown)
            if rng.random() < first + (last - first) * grown:
                example = example.part(spans.sample(example.tokens, rng)) or example
            waiting.append(self._varied(example, rng))
            if len(waiting) >= schedule.pool:
                groups = bucketed(waiting, schedule.pixels)
                group = next(g for g in groups if any(f is waiting[0] for f in g))
                chosen = set(map(id, group))
                waiting = [f for f in waiting if id(f) not in chosen]
                yield collate(group)

    def stills(self, examples: Sequence[Example]) -> Iterator[tuple[list[int], StrokeBatch]]:
        """Every example as it was written, in batches, with its place in the sequence."""
        known = [self.known(example) for example in examples]
        for example in known:
            _check(example)
        followed = [self._followed(example, example.strokes, True) for example in known]
        place = {id(f): i for i, f in enumerate(followed)}
        for group in bucketed(followed, self.recipe.schedule.pixels):
            yield [place[id(f)] for f in group], collate(group)

    def losses(self, model: nn.Module, batch: StrokeBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Of the decoder, of what strokes are called and of what follows them."""
        assert isinstance(model, StrokeReader)
        weights = self.recipe.losses
        with torch.autocast(batch.boxes.device.type, torch.bfloat16):
            features, bias = model.look(batch.shapes, batch.boxes, batch.ordered, batch.there)
            names, follows = model.names(features), model.follows(features, bias)
            decoded = losses.decoder(model.decoder, model.seen(features), bias, batch, weights)
        known = batch.names != UNKNOWN
        count = known.sum().clamp(min=1)
        named = functional.cross_entropy(
            names.float().flatten(0, 1),
            batch.names.flatten(),
            ignore_index=UNKNOWN,
            reduction="sum",
        )
        parts = {
            "decoder": decoded,
            "symbols": named / count,
            "precedence": follow_loss(follows.float(), batch.places),
        }
        right = ((names.argmax(dim=2) == batch.names) & known).sum() / count
        total = torch.stack([getattr(weights, key) * loss for key, loss in parts.items()]).sum()
        return total, {**parts, "named": right}

    def read(self, model: nn.Module, batch: StrokeBatch, width: int = 1) -> list[list[str]]:
        """The tokens of each expression; greedily, or by a beam of more than 1."""
        assert isinstance(model, StrokeReader)
        scribe = Scribe(Running(model), Running(Saying(model)))
        said = []
        for shapes, boxes, there in zip(batch.shapes, batch.boxes, batch.there, strict=True):
            traces = Traces(shapes[there].cpu().numpy(), boxes[there].cpu().numpy())
            proposed = scribe.judge(traces).propose(self.units, width)
            said.append(self.units.decode(proposed[0]) if proposed else [])
        return said

    def _varied(self, example: Example, rng: np.random.Generator) -> Followed:
        _check(example)
        low, high = (np.stack([f(s, axis=0) for s in example.strokes]) for f in (np.min, np.max))
        size = stroke_size(low.astype(np.float64), high.astype(np.float64))
        strokes = augment(example.strokes, example.symbols, size, rng, self.recipe.spread)
        return self._followed(example, turned(strokes, rng), bool(rng.random() >= UNORDERED))

    def _followed(self, example: Example, strokes: Sequence[Points], ordered: bool) -> Followed:
        places, names = [UNKNOWN] * len(strokes), [UNKNOWN] * len(strokes)
        for token, place in zip(example.tokens, example.places or (), strict=False):
            if place == UNTIED:
                continue
            for i in example.symbols[place]:
                if places[i] == UNKNOWN:  # of the two tokens of one sign, the first names it
                    places[i], names[i] = place, self.symbols[token]
        label = self.units.encode(example.tokens)
        return Followed(traced(strokes), ordered, label, places, names)


def _check(example: Example) -> None:
    """Raise InputError for what came as an image."""
    if not example.strokes:
        label = " ".join(example.tokens)
        raise InputError(f"{label!r} is an image without strokes", "give stroke readers InkML")
