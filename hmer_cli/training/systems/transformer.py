"""The Transformer that the seed planned: a picture in, the label out, one unit after the other.

A CNN's map with the code of its places goes through a Transformer encoder; a decoder that attends
to it says the next unit (Vaswani et al., 2017). Shapes as in `hmer_cli.networks.ctc_model`; N cells.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from hmer_cli.errors import UsageError
from hmer_cli.expr.grammar import Prefix
from hmer_cli.networks.backbones import BACKBONES, check
from hmer_cli.networks.layers import place, sinusoid
from hmer_cli.recognition.ctc import extended
from hmer_cli.recognition.units import BLANK, Units
from hmer_cli.training.batches.pictures import Album, Pictures, PictureSystem, normalised
from hmer_cli.training.losses import next_unit
from hmer_cli.training.recipe import Recipe

KeysValues = tuple[Tensor, Tensor]
"""What attention looks at, each (B, heads, N, d)."""


@dataclass(frozen=True)
class TransformerShape:
    """The dimensions of a `Transcriber`; ``longest`` is the most units it ever says."""

    units: int
    backbone: str = "resnet18"
    pretrained: bool = False
    frozen: int = 0
    channels: int = 256
    heads: int = 8
    encoder: int = 2
    decoder: int = 4
    feed: int = 1024
    dropout: float = 0.2
    longest: int = 160


class Attention(nn.Module):
    """Multi-head attention to keys and values that can be kept."""

    def __init__(self, channels: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query = nn.Linear(channels, channels)
        self.key_value = nn.Linear(channels, 2 * channels)
        self.out = nn.Linear(channels, channels)

    def keep(self, x: Tensor) -> KeysValues:
        """(B, N, C) -> its keys and values."""
        b, n, c = x.shape
        k, v = self.key_value(x).view(b, n, 2, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        return k, v

    def forward(self, x: Tensor, kept: KeysValues, causal: bool = False) -> Tensor:
        """x (B, L, C) attends to what was kept."""
        b, n, c = x.shape
        q = self.query(x).view(b, n, self.heads, c // self.heads).transpose(1, 2)
        dropout = self.dropout if self.training else 0.0
        y = functional.scaled_dot_product_attention(q, *kept, dropout_p=dropout, is_causal=causal)
        return self.out(y.transpose(1, 2).reshape(b, n, c))


class Layer(nn.Module):
    """Pre-norm layer of the decoder."""

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        c = shape.channels
        self.own, self.cross = (Attention(c, shape.heads, shape.dropout) for _ in range(2))
        self.own_norm, self.cross_norm, self.feed_norm = (nn.LayerNorm(c) for _ in range(3))
        self.feed = nn.Sequential(
            nn.Linear(c, shape.feed), nn.ReLU(), nn.Dropout(shape.dropout), nn.Linear(shape.feed, c)
        )
        self.drop = nn.Dropout(shape.dropout)

    def forward(
        self, x: Tensor, past: KeysValues | None, map: KeysValues
    ) -> tuple[Tensor, KeysValues]:
        """x (B, L, C) behind what is past (L is then 1) -> the same, and the new past."""
        y = self.own_norm(x)
        kept = self.own.keep(y)
        if past is not None:
            kept = torch.cat([past[0], kept[0]], dim=2), torch.cat([past[1], kept[1]], dim=2)
        x = x + self.drop(self.own(y, kept, causal=past is None))
        x = x + self.drop(self.cross(self.cross_norm(x), map))
        return x + self.drop(self.feed(self.feed_norm(x))), kept


@dataclass
class Said:
    """Where a decoder stands: the map as each layer keeps it, and what each has said so far."""

    maps: list[KeysValues]
    past: list[KeysValues] = field(default_factory=list)
    length: int = 0

    def select(self, rows: Tensor) -> Said:
        """The same for these rows of the batch, in their order."""
        return Said(
            [(k[rows], v[rows]) for k, v in self.maps],
            [(k[rows], v[rows]) for k, v in self.past],
            self.length,
        )


class Transcriber(nn.Module):
    """The whole model."""

    def __init__(self, shape: TransformerShape) -> None:
        super().__init__()
        c = shape.channels
        self.backbone = BACKBONES[shape.backbone]()
        self.enter = nn.Linear(self.backbone.channels, c)
        layer = nn.TransformerEncoderLayer(
            c, shape.heads, shape.feed, shape.dropout, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(
            layer, shape.encoder, nn.LayerNorm(c), enable_nested_tensor=False
        )
        self.embed = nn.Embedding(shape.units, c)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.decoder))
        self.drop = nn.Dropout(shape.dropout)
        self.norm = nn.LayerNorm(c)
        self.out = nn.Linear(c, shape.units)
        nn.init.normal_(self.embed.weight, std=c**-0.5)

    def look(self, images: Tensor) -> Said:
        """Pictures (B, 1, H, W) uint8 -> where the decoder starts."""
        x = self.enter(self.backbone(normalised(images)).permute(0, 2, 3, 1))
        b, h, w, c = x.shape
        memory = self.encoder((x + place(h, w, c, x.device)).flatten(1, 2))
        return Said([layer.cross.keep(memory) for layer in self._layers()])

    def say(self, said: Said, units: Tensor) -> tuple[Tensor, Said]:
        """Units (B, L) -> scores of the next of each (B, L, V), and where that leaves the decoder.

        The first units that are said begin with BLANK, the start; as an answer it is the end.
        """
        c, end = self.embed.embedding_dim, said.length + units.shape[1]
        x = self.embed(units) * math.sqrt(c) + sinusoid(end, c, units.device)[said.length :]
        x = self.drop(x)
        past: list[KeysValues] = []
        for i, layer in enumerate(self._layers()):
            x, kept = layer(x, said.past[i] if said.past else None, said.maps[i])
            past.append(kept)
        return self.out(self.norm(x)).float(), Said(said.maps, past, end)

    def forward(self, images: Tensor, before: Tensor) -> Tensor:
        """Pictures and the units before each -> scores of the next, (B, L + 1, V)."""
        return self.say(self.look(images), before)[0]

    def _layers(self) -> list[Layer]:
        return [layer for layer in self.layers if isinstance(layer, Layer)]


@torch.no_grad()
def greedy(model: Transcriber, images: Tensor, longest: int) -> list[list[int]]:
    """The likeliest next unit again and again, until all have come to their end."""
    said = model.look(images)
    unit = torch.full((len(images), 1), BLANK, device=images.device)
    ended = torch.zeros_like(unit, dtype=torch.bool)
    found = []
    for _ in range(longest):
        scores, said = model.say(said, unit)
        unit = scores.argmax(dim=2).masked_fill(ended, BLANK)
        ended = ended | (unit == BLANK)
        found.append(unit)
        if ended.all():
            break
    return [[u for u in row if u != BLANK] for row in torch.cat(found, dim=1).tolist()]


@dataclass(frozen=True)
class Path:
    """One hypothesis of the beam: its units, log-probability and the grammar's state."""

    units: tuple[int, ...]
    score: float
    state: Prefix


@torch.no_grad()
def beam(
    model: Transcriber, images: Tensor, units: Units, width: int, longest: int
) -> list[list[int]]:
    """The likeliest label of each image that the grammar of labels allows, by beam search."""
    said = model.look(images)
    found = []
    for i in range(len(images)):
        start = said.select(torch.tensor([i], device=images.device))
        found.append(list(_search(model, start, units, width, longest).units))
    return found


def _search(model: Transcriber, said: Said, units: Units, width: int, longest: int) -> Path:
    """Width paths at a time; it ends when none of them can still pass the best complete one."""
    device = said.maps[0][0].device
    paths, last = [Path((), 0.0, Prefix())], [BLANK]
    best: Path | None = None
    for _ in range(longest):
        scores, said = model.say(said, torch.tensor(last, device=device)[:, None])
        rows = scores[:, -1].log_softmax(dim=1)
        likely, names = (t.tolist() for t in rows.topk(min(width + 1, len(units)), dim=1))
        grown: list[tuple[Path, int]] = []
        for row, path in enumerate(paths):
            for score, unit in zip(likely[row], names[row], strict=True):
                total = path.score + score
                if unit == BLANK:
                    if path.state.complete and (best is None or total > best.score):
                        best = Path(path.units, total, path.state)
                elif (state := extended(path.state, units.names[unit])) is not None:
                    grown.append((Path((*path.units, unit), total, state), row))
        grown.sort(key=lambda entry: -entry[0].score)
        grown = [e for e in grown[:width] if best is None or e[0].score > best.score]
        if not grown:
            break
        paths, last = [path for path, _ in grown], [path.units[-1] for path, _ in grown]
        said = said.select(torch.tensor([row for _, row in grown], device=device))
    return best or _closed(paths[0], units)


def _closed(path: Path, units: Units) -> Path:
    """The path with its open groups closed."""
    end = tuple(units.index(token) for token in path.state.closing())
    return Path(path.units + end, path.score, path.state)


class TransformerSystem(PictureSystem):
    """Cross-entropy of the next unit."""

    model: Transcriber
    dimensions: TransformerShape

    def __init__(self, recipe: Recipe, tokens: Sequence[str]) -> None:
        super().__init__(recipe, tokens)
        try:
            self.dimensions = TransformerShape(units=len(self.units), **recipe.model)
        except TypeError as error:
            remedy = "see TransformerShape"
            raise UsageError(f"recipe {recipe.name}: [model] {error}", remedy) from error
        check(self.dimensions.backbone, recipe.canvas.height, recipe.canvas.width)
        self.shape = asdict(self.dimensions)
        self.model = Transcriber(self.dimensions)
        self.album = Album(self.units, recipe.canvas, None, recipe.schedule.pixels)

    def losses(self, model: nn.Module, batch: Pictures) -> tuple[Tensor, dict[str, Tensor]]:
        """Cross-entropy of the next unit, all units before it being right."""
        with torch.autocast(batch.images.device.type, torch.bfloat16):
            scores = model(batch.images, batch.before)
        loss = next_unit(scores, batch.after, self.recipe.losses.smoothing)
        return loss, {"decoder": loss}

    def read(self, model: nn.Module, batch: Pictures, width: int = 1) -> list[list[str]]:
        """The tokens of each image; greedily, or by a beam of more than 1."""
        assert isinstance(model, Transcriber)
        longest = self.dimensions.longest
        with torch.autocast(batch.images.device.type, torch.bfloat16):
            if width == 1:
                said = greedy(model, batch.images, longest)
            else:
                said = beam(model, batch.images, self.units, width, longest)
        return [self.units.decode(units) for units in said]
