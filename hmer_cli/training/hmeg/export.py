"""Trained painter and layout network -> one ONNX file, for inference without torch.

Read by `hmer_cli.synthesis.hmeg_engine`.
"""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from hmer_cli import files
from hmer_cli.networks.hmeg.graphs import UNKNOWN, Graphs
from hmer_cli.networks.hmeg.layout import LayoutNetwork
from hmer_cli.networks.hmeg.painter import EDGE, MARGIN, UNIT, Painter
from hmer_cli.synthesis.hmeg_engine import METADATA
from hmer_cli.training.export.onnx import traced
from hmer_cli.training.export.quantise import quantise
from hmer_cli.training.hmeg.forms import Forms
from hmer_cli.training.hmeg.pictures import BENT, PENS

_INPUTS = {
    "symbols": ["N"], "relations": ["N", "N"], "reaches": ["N", "N"], "parents": ["N"],
    "beside": ["N"], "chain": ["N", "N"], "style": [], "placed": ["N"], "pen": [], "forms": ["N"],
    "hand": [], "turns": ["N"], "ys": ["H"], "xs": ["W"],
}  # fmt: skip
"""The inputs and their axes of any length."""


class Hand(nn.Module):
    """Both networks for one expression: a graph and a style -> boxes; placed boxes -> the image.

    The two halves do not depend on each other: boxes are read off first, in the usual size of a
    symbol, and put on a canvas by whoever runs it.
    """

    def __init__(self, tokens: list[str], painter: Painter, network: LayoutNetwork) -> None:
        super().__init__()
        self.painter, self.network = painter, network
        bent = [float(token == BENT) for token in tokens]
        self.bent = nn.Parameter(torch.tensor([0.0] * (UNKNOWN + 1) + bent), requires_grad=False)

    def forward(
        self,
        symbols: Tensor,
        relations: Tensor,
        reaches: Tensor,
        parents: Tensor,
        beside: Tensor,
        chain: Tensor,
        style: Tensor,
        placed: Tensor,
        pen: Tensor,
        forms: Tensor,
        hand: Tensor,
        turns: Tensor,
        ys: Tensor,
        xs: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """As `_INPUTS` says, (N, ...) for N symbols -> boxes (N, 4) and ink (H, W), 0 to 1."""
        graphs = Graphs(
            symbols[None], relations[None], reaches[None], parents[None], beside[None],
            chain[None], torch.ones_like(beside)[None],
        )  # fmt: skip
        boxes, _ = self.network(graphs, style[None])
        turns = self.painter.decoder.usual(symbols, forms).at(turns)
        hands = self.painter.decoder.hand(hand[None]) + torch.zeros_like(turns[:, :1])
        pens = pen + torch.zeros_like(beside)
        textures = self.painter.textures(symbols, forms, placed, pens, hands, turns)
        belongs = torch.ones_like(beside)[None]
        logits = self.painter(textures, placed, self.bent[symbols], belongs, ys, xs)
        return boxes[0], torch.sigmoid(logits)[0, 0]


def common(painter: Painter, tokens: tuple[str, ...], network: LayoutNetwork) -> list[str]:
    """Restrict both networks to their common tokens, in one order; returns these."""
    both = [token for token in tokens if token in network.tokens]
    first = list(range(UNKNOWN + 1))
    rows = [*first, *(UNKNOWN + 1 + tokens.index(t) for t in both)]
    painter.decoder.symbol.weight.data = painter.decoder.symbol.weight.data[rows]
    painter.decoder.prototypes.data = painter.decoder.prototypes.data[rows]
    painter.decoder.habits.data = painter.decoder.habits.data[rows]
    rows = [*first, *(UNKNOWN + 1 + network.tokens.index(t) for t in both)]
    network.trunk.symbol.weight.data = network.trunk.symbol.weight.data[rows]
    network.tokens = tuple(both)
    return both


def export(
    painter: Painter, tokens: tuple[str, ...], forms: Forms, network: LayoutNetwork, path: Path
) -> None:
    """Write the file that `hmer_cli.synthesis.hmeg_engine` reads; `common` changes the networks."""
    both = common(painter, tokens, network)
    rows = [tokens.index(token) for token in both]
    model = _traced(Hand(both, painter, network).eval(), painter, network)
    quantise(model)
    entry = model.metadata_props.add()
    entry.key = METADATA
    said = {
        "tokens": both,
        "forms": forms.share[rows].double().round(decimals=4).tolist(),
        "aspects": forms.aspect[rows].double().round(decimals=3).tolist(),
        "unit": UNIT, "margin": MARGIN, "edge": EDGE, "pens": PENS,
        "style": network.shape.noise, "hand": painter.sizes.hand, "turn": painter.sizes.turn,
    }  # fmt: skip
    entry.value = json.dumps(said, sort_keys=True)
    onnx.checker.check_model(model)
    files.replace(path, model.SerializeToString(deterministic=True))


def _traced(hand: Hand, painter: Painter, network: LayoutNetwork) -> onnx.ModelProto:
    """The graph, for any number of symbols and any canvas."""
    N, sizes = 3, painter.sizes
    pairs = torch.zeros(N, N, dtype=torch.long)
    given = (
        torch.full((N,), UNKNOWN + 1), pairs, pairs, torch.arange(N), torch.zeros(N),
        torch.eye(N), torch.zeros(network.shape.noise), torch.tensor([[0.0, 0, 8, 8]] * N),
        torch.tensor(2.0), torch.zeros(N, dtype=torch.long), torch.zeros(sizes.hand),
        torch.zeros(N, sizes.turn), torch.arange(8) + 0.5, torch.arange(16) + 0.5,
    )  # fmt: skip
    axes = {name: dict(enumerate(free)) for name, free in _INPUTS.items() if free}
    inputs = dict(zip(_INPUTS, given, strict=True))
    axes |= {"boxes": {0: "N"}, "ink": {0: "H", 1: "W"}}
    return traced(hand, inputs, ["boxes", "ink"], axes, fused=True)
