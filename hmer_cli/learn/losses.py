"""The losses of the recogniser and one training step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from hmer_cli.learn.batches import UNKNOWN, Batch
from hmer_cli.learn.recipe import Losses
from hmer_cli.read.model import Reader
from hmer_cli.read.units import BLANK


def pad(labels: Sequence[Sequence[int]], value: int) -> Tensor:
    """Label lists -> (B, L) int64."""
    length = max(map(len, labels))
    return torch.tensor([[*row, *[value] * (length - len(row))] for row in labels])


def ctc(frames: Tensor, batch: Batch, frames_per_column: int) -> Tensor:
    """Mean CTC loss a unit; infinite where a label does not fit, which `draw` rules out."""
    lengths = torch.tensor([len(label) for label in batch.labels])
    loss = functional.ctc_loss(
        frames.transpose(0, 1),
        torch.tensor([unit for label in batch.labels for unit in label]),
        torch.from_numpy(batch.sizes[:, 1] * frames_per_column),
        lengths,
        blank=BLANK,
        reduction="sum",
    )
    return loss / lengths.sum()


def decoder(reader: Reader, memory: Tensor, mask: Tensor, batch: Batch, weights: Losses) -> Tensor:
    """Cross-entropy of the next unit; some of the units before it are replaced at random."""
    device = memory.device
    before = pad([[BLANK, *label] for label in batch.labels], BLANK).to(device)
    after = pad([[*label, BLANK] for label in batch.labels], -100).to(device)
    wrong = torch.rand(before.shape, device=device) < weights.corruption
    wrong[:, 0] = False
    before = torch.where(wrong, torch.randint_like(before, 1, reader.shape.units), before)
    scores = reader.decoder(memory, mask, before)
    return functional.cross_entropy(
        scores.flatten(0, 1), after.flatten(), label_smoothing=weights.smoothing
    )


def symbols(scores: Tensor, cells: Tensor, weights: Losses) -> tuple[Tensor, Tensor]:
    """Cross-entropy over cells, the background weighed down; and the share of symbols named."""
    known = cells != UNKNOWN
    loss = functional.cross_entropy(scores, cells.clamp(min=0), reduction="none")
    here = cells > 0
    weight = torch.where(here, 1.0, weights.background) * known
    named = (scores.argmax(dim=1) == cells)[here].float().mean() if here.any() else weight.sum() * 0
    return (loss * weight).sum() / weight.sum().clamp(min=1), named


def losses(reader: Reader, batch: Batch, weights: Losses) -> tuple[Tensor, dict[str, Tensor]]:
    """The total loss of a batch, and its parts for the log."""
    device = next(reader.parameters()).device
    images = torch.from_numpy(batch.images).to(device)
    sizes = torch.from_numpy(batch.sizes).to(device)
    with torch.autocast(device.type, torch.bfloat16):
        features, memory, mask = reader.encode(images.to(memory_format=torch.channels_last), sizes)
        frames = reader.frames(memory, mask)
        scores = reader.symbols(features)
        decoded = decoder(reader, memory, mask, batch, weights)
    named, accuracy = symbols(scores.float(), torch.from_numpy(batch.cells).to(device), weights)
    parts = {"ctc": ctc(frames.float(), batch, reader.shape.frames_per_column), "decoder": decoded}
    parts["symbols"] = named
    total = weights.ctc * parts["ctc"] + weights.decoder * decoded + weights.symbols * named
    return total, {**{k: v.detach() for k, v in parts.items()}, "named": accuracy.detach()}
