"""Training of graph models, `hmer_cli.networks.graph_model`, over strokes, components or pieces.

Losses: decoder in both directions, class and successor of the nodes; if the recipe has
``losses.distillation``, what the model says of the strokes teaches it on an image of them
(Hinton et al., arXiv 1503.02531).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from hmer_cli.errors import UsageError
from hmer_cli.networks.graph_model import FRONTS, DecodeStep, GraphModel, GraphShape, NodeEncoder
from hmer_cli.networks.layers import set_drop_rates
from hmer_cli.recognition.components import SYMBOL, Components
from hmer_cli.recognition.graph_decoder import COMPONENT, MOST_NODES, PIECE, STROKE, GraphDecoder
from hmer_cli.recognition.pieces import Pieces
from hmer_cli.recognition.strokes import StrokeFeatures
from hmer_cli.training import checkpoint, losses
from hmer_cli.training.batches.graph import GraphBatch, Nodes, NodeSampler, bucketed, collate
from hmer_cli.training.batches.images import UNKNOWN, chosen, echoed, pooled
from hmer_cli.training.compose.examples import Example
from hmer_cli.training.export.onnx import restore_graph
from hmer_cli.training.export.transfer import symbol_names, transfer, with_pieces
from hmer_cli.training.precision import autocast
from hmer_cli.training.recipe import Recipe
from hmer_cli.training.systems.base import Progress, System, described

APART = 2000
"""Expressions between two uses of one; more than wait for a batch."""

KINDS: dict[str, type[StrokeFeatures] | type[Components] | type[Pieces]] = {
    STROKE: StrokeFeatures,
    COMPONENT: Components,
    PIECE: Pieces,
}
"""Node types by encoder."""


class GraphSystem(System[GraphBatch]):
    """Trains the decoder on labels, and the nodes on their symbol and its successor."""

    model: GraphModel
    image_symbol = SYMBOL
    finds_unused = True

    def __init__(self, recipe: Recipe, tokens: Sequence[str]) -> None:
        super().__init__(recipe, tokens)
        self.symbols = {name: i for i, name in enumerate(symbol_names(tokens))}
        with described(recipe, GraphShape):
            shape = GraphShape(units=len(self.units), symbols=len(self.symbols) - 1, **recipe.model)
            if unknown := set(shape.fronts) - FRONTS.keys():
                remedy = f"choose of {', '.join(FRONTS)}"
                told = ", ".join(sorted(map(str, unknown)))
                raise UsageError(f"recipe {recipe.name}: no fronts {told}", remedy)
            self.model = GraphModel(shape)
        self.shape = shape.to_dict()
        self.sampler = NodeSampler(
            self.units,
            self.symbols,
            recipe.drawing,
            recipe.spread,
            inks=recipe.losses.distillation > 0,
        )
        set_drop_rates(self.model, recipe.skipped, recipe.dropped)

    def begin_with(self, weights: Path) -> float:
        """Copy the parameters of a weights file or checkpoint that fit; returns their share."""
        if weights.suffix == ".pt":
            content = checkpoint.read(weights, ("average", "tokens"))
            found, tokens = content["average"], content["tokens"]
        else:
            fronts = self.model.shape.fronts
            found, metadata = restore_graph(weights, PIECE if PIECE in fronts else STROKE)
            tokens = metadata["tokens"]
        return transfer(with_pieces(found), tokens, self.model, self.units.tokens)

    def batches(
        self, examples: Iterable[Example], progress: Progress, rng: np.random.Generator
    ) -> Iterator[GraphBatch]:
        """Augmented expressions, bucketed by length; `Schedule.pixels` are nodes here."""
        schedule, drawing = self.recipe.schedule, self.recipe.drawing

        def augmented() -> Iterator[Nodes]:
            for example in examples:
                nodes = self.sampler.augmented(chosen(example, drawing, progress(), rng), rng)
                if nodes is not None and nodes.count <= MOST_NODES:
                    yield nodes

        nodes = echoed(augmented(), schedule.shown, APART)
        groups = pooled(nodes, schedule.pool, lambda waiting: bucketed(waiting, schedule.pixels))
        return map(collate, groups)

    def validation_batches(
        self, examples: Sequence[Example]
    ) -> Iterator[tuple[list[int], GraphBatch]]:
        """Validation batches: every example without augmentation, with its index.

        If the model is also trained on images, every other example is one.
        """
        found = []
        for i, example in enumerate(map(self.known, examples)):
            as_image = bool(self.recipe.drawing.images) and i % 2 == 0
            found.append(self.sampler.still(example, as_image))
        place = {id(nodes): i for i, nodes in enumerate(found)}
        for group in bucketed(found, self.recipe.schedule.pixels):
            yield [place[id(nodes)] for nodes in group], collate(group)

    def losses(self, model: nn.Module, batch: GraphBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Losses of the decoder, of the symbol of each node and of its successor."""
        assert isinstance(model, GraphModel)
        weights = self.recipe.losses
        with autocast(batch.boxes.device):
            x = nodes_of(model, batch)
            features, bias = model.encode(x, batch.boxes, batch.ordered, batch.there)
            names, follows = model.names(features), model.follows(features, bias)
            before, after = losses.both_ends(batch, len(self.units), weights.corruption)
            scores = model.decoder(model.decoder_memory(features), bias, before)
        known = batch.names != UNKNOWN
        count = known.sum().clamp(min=1)
        named = functional.cross_entropy(
            names.float().flatten(0, 1),
            batch.names.flatten(),
            ignore_index=UNKNOWN,
            reduction="sum",
        )
        decoded = losses.next_unit(scores.flatten(0, 1), after.flatten(0, 1), weights.smoothing)
        parts = {
            "decoder": decoded,
            "symbols": named / count,
            "precedence": follow_loss(follows.float(), batch.places),
        }
        if batch.ink is not None:
            some = batch.inked
            teacher = scores_of_ink(model, batch.ink, before[some])
            parts["distillation"] = losses.distillation(scores[some], teacher, after[some])
        right = ((names.argmax(dim=2) == batch.names) & known).sum() / count
        total = torch.stack([getattr(weights, key) * loss for key, loss in parts.items()]).sum()
        return total, {**parts, "named": right}

    def read(self, model: nn.Module, batch: GraphBatch, width: int = 1) -> list[list[str]]:
        """The tokens of each image; greedily, or by a beam of more than 1."""
        assert isinstance(model, GraphModel)
        fronts = {batch.front: Running(NodeEncoder(model, batch.front))}
        graph_decoder = GraphDecoder(fronts, Running(model), Running(DecodeStep(model)))
        counts = batch.there.sum(dim=1).tolist()
        decoded = []
        inputs = [x.split(counts) for x in (*batch.looks, batch.boxes[batch.there])]
        for arrays in zip(*inputs, strict=True):
            nodes = KINDS[batch.front](*(x.cpu().numpy() for x in arrays))
            proposed = graph_decoder.scorer(nodes).propose(self.units, width)
            decoded.append(self.units.decode(proposed[0]) if proposed else [])
        return decoded


@torch.no_grad()
def scores_of_ink(model: GraphModel, ink: GraphBatch, before: Tensor) -> Tensor:
    """Log-probabilities (B, 2, L + 1, V) of a batch of strokes, by the model as it reads."""
    training = model.training
    model.eval()
    with autocast(ink.boxes.device):
        x = nodes_of(model, ink)
        features, bias = model.encode(x, ink.boxes, ink.ordered, ink.there)
        scores: Tensor = model.decoder(model.decoder_memory(features), bias, before)
    model.train(training)
    return scores


def nodes_of(model: GraphModel, batch: GraphBatch) -> Tensor:
    """Encoded nodes of a batch, (B, N, C), 0 beyond their number."""
    front = getattr(model, batch.front)
    found = front(*(x[None] for x in (*batch.looks, batch.boxes[batch.there])))[0]
    x = found.new_zeros(*batch.there.shape, found.shape[1])
    x[batch.there] = found
    return x


def follow_loss(scores: Tensor, places: Tensor) -> Tensor:
    """Negative log-likelihood of the successor of each node, by scores (B, N, N + 1).

    The successor is any node of the next symbol, or the end; the mean is over known symbols.
    """
    known = places != UNKNOWN
    last = places == places.amax(dim=1, keepdim=True)
    after = (places[:, None] == places[:, :, None] + 1) & known[:, None]
    right = torch.cat([after, last[..., None]], dim=2)
    counts = known & right.any(dim=2)
    log = scores.log_softmax(dim=2).masked_fill(~right, -1e4).logsumexp(dim=2)
    return -(log * counts).sum() / counts.sum().clamp(min=1)


class Running:
    """A PyTorch model with the interface of an ONNX Runtime session."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.device = next(model.parameters()).device

    @torch.no_grad()
    def run(self, _: Sequence[str], given: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """Outputs of the model; ``given`` is in the order of its arguments."""
        outputs = self.model(*(torch.from_numpy(x).to(self.device) for x in given.values()))
        return [x.cpu().numpy() for x in (outputs if isinstance(outputs, tuple) else (outputs,))]
