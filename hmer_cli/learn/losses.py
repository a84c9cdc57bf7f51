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


def ctc(frames: Tensor, batch: Batch) -> Tensor:
    """Mean CTC loss a unit (Graves et al., 2006); the batch has frames enough for every label."""
    lengths = torch.tensor([len(label) for label in batch.labels])
    units = [unit for label in batch.labels for unit in label]
    loss = functional.ctc_loss(
        frames.transpose(0, 1),
        torch.tensor(units, device=frames.device),
        torch.full((len(batch.labels),), frames.shape[1]),
        lengths,
        blank=BLANK,
        reduction="sum",
    )
    return loss / lengths.sum()


def decoder(reader: Reader, memory: Tensor, batch: Batch, weights: Losses) -> Tensor:
    """Cross-entropy of the next unit; some of the units before it are replaced at random."""
    device = memory.device
    before = pad([[BLANK, *label] for label in batch.labels], BLANK).to(device)
    after = pad([[*label, BLANK] for label in batch.labels], -100).to(device)
    wrong = torch.rand(before.shape, device=device) < weights.corruption
    wrong[:, 0] = False
    before = torch.where(wrong, torch.randint_like(before, 1, reader.shape.units), before)
    scores = reader.decoder(memory, before)
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


def presence(scores: Tensor, order: Tensor) -> Tensor:
    """Cross-entropy a symbol of where symbols are, over all cells: counts should come out right.

    Scores (B, N); order (B, K), the cells of the symbols. Images without known symbols are out.
    """
    known = (order != UNKNOWN).any(dim=1)
    target = torch.zeros_like(scores)
    rows = torch.arange(len(order), device=order.device)[:, None].expand_as(order)
    there = order != UNKNOWN
    target[rows[there], order[there]] = 1.0
    loss = functional.binary_cross_entropy_with_logits(scores, target, reduction="none")
    return (loss * known[:, None]).sum() / there.sum().clamp(min=1)


def precedence(scores: Tensor, order: Tensor) -> Tensor:
    """Cross-entropy of which of two symbols comes first, over all pairs of an image.

    Scores (B, N, N), log-odds that cell j comes before cell i; order (B, K).
    """
    index = order.clamp(min=0)
    count = order.shape[1]
    rows = scores.gather(1, index[:, :, None].expand(-1, -1, scores.shape[2]))
    pairs = rows.gather(2, index[:, None].expand(-1, count, -1))
    first = torch.ones(count, count, device=scores.device).tril(-1).expand_as(pairs)
    there = order != UNKNOWN
    counts = there[:, :, None] & there[:, None] & (order[:, :, None] != order[:, None])
    loss = functional.binary_cross_entropy_with_logits(pairs, first, reduction="none")
    return (loss * counts).sum() / counts.sum().clamp(min=1)


def losses(reader: Reader, batch: Batch, weights: Losses) -> tuple[Tensor, dict[str, Tensor]]:
    """The total loss of a batch, and its parts for the log."""
    device = next(reader.parameters()).device
    images = torch.from_numpy(batch.images).to(device)
    sizes = torch.from_numpy(batch.sizes).to(device)
    order = torch.from_numpy(batch.order).to(device)
    cells = torch.from_numpy(batch.cells).to(device)
    length = torch.tensor(batch.length, device=device)
    with torch.autocast(device.type, torch.bfloat16):
        found = reader.read(images.to(memory_format=torch.channels_last), sizes, length)
        decoded = decoder(reader, found.memory, batch, weights)
    wrong, named = symbols(found.symbols.float(), cells, weights)
    parts = {
        "ctc": ctc(found.frames, batch),
        "first": ctc(found.first, batch),
        "decoder": decoded,
        "symbols": wrong,
        "presence": presence(found.presence, order),
        "precedence": precedence(found.before, order),
    }
    total = torch.stack([getattr(weights, key) * loss for key, loss in parts.items()]).sum()
    return total, {**{key: loss.detach() for key, loss in parts.items()}, "named": named.detach()}
