"""Losses of the recognisers: outputs and targets of a batch -> scalars.

CTC (Graves et al., ICML 2006), cross-entropy of the next unit in both directions, of symbols,
their presence and their order. Letters as in `hmer_cli.networks.ctc_model`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from hmer_cli.networks.ctc_model import CtcModel
from hmer_cli.networks.decoder import Decoder, both_directions
from hmer_cli.recognition.units import BLANK
from hmer_cli.training.batches.images import UNKNOWN, Batch
from hmer_cli.training.batches.targets import IGNORED, Targets
from hmer_cli.training.precision import autocast
from hmer_cli.training.recipe import Losses


def ctc(
    frames: Tensor, labels: Tensor, lengths: tuple[int, ...], zero_infinity: bool = False
) -> Tensor:
    """Mean CTC loss a unit (Graves et al., 2006) of frames (B, T, V).

    With ``zero_infinity`` labels that need more frames than there are add nothing, else infinity.
    """
    loss = functional.ctc_loss(
        frames.transpose(0, 1),
        labels,
        torch.full((len(lengths),), frames.shape[1]),
        torch.tensor(lengths),
        blank=BLANK,
        reduction="sum",
        zero_infinity=zero_infinity,
    )
    return loss / sum(lengths)


def decoder(
    model: Decoder, memory: Tensor, bias: Tensor, batch: Targets, weights: Losses
) -> Tensor:
    """Cross-entropy of the next unit, from both ends; units before it are replaced at random."""
    before, after = both_ends(batch, model.embed.num_embeddings, weights.corruption)
    scores = model(memory, bias, before)
    return next_unit(scores.flatten(0, 1), after.flatten(0, 1), weights.smoothing)


def both_ends(batch: Targets, units: int, corruption: float) -> tuple[Tensor, Tensor]:
    """Inputs and targets of a decoder in both directions, (B, 2, L + 1) each.

    Of the inputs a share of ``corruption`` is replaced by random units.
    """
    before = functional.pad(both_directions(batch.labels), (1, 0))
    ends = batch.after.where(batch.after <= 0, functional.pad(before[:, 1, 1:], (0, 1)))
    wrong = torch.rand(before.shape, device=before.device) < corruption
    wrong[..., 0] = False
    random = torch.randint_like(before, 1, units)
    return torch.where(wrong, random, before), torch.stack([batch.after, ends], dim=1)


def next_unit(scores: Tensor, after: Tensor, smoothing: float) -> Tensor:
    """Cross-entropy of scores (B, L + 1, V) against the units that come next."""
    return functional.cross_entropy(
        scores.flatten(0, 1), after.flatten(), ignore_index=IGNORED, label_smoothing=smoothing
    )


def distillation(scores: Tensor, teacher: Tensor, after: Tensor) -> Tensor:
    """Kullback-Leibler divergence a unit of the scores (B, 2, L + 1, V) from those of a teacher.

    Both are log-probabilities (Hinton et al., arXiv 1503.02531); places without a target in
    ``after`` (B, 2, L + 1) are left out.
    """
    known = after != IGNORED
    return functional.kl_div(
        scores[known], teacher[known], reduction="sum", log_target=True
    ) / known.sum().clamp(min=1)


def symbols(scores: Tensor, cells: Tensor, weights: Losses) -> tuple[Tensor, Tensor]:
    """Cross-entropy over cells, the background weighed down; and the share of symbols named."""
    known = cells != UNKNOWN
    loss = functional.cross_entropy(scores, cells.clamp(min=0), reduction="none")
    here = cells > 0
    weight = torch.where(here, 1.0, weights.background) * known
    named = ((scores.argmax(dim=1) == cells) & here).sum() / here.sum().clamp(min=1)
    return (loss * weight).sum() / weight.sum().clamp(min=1), named


def presence(scores: Tensor, order: Tensor) -> Tensor:
    """Cross-entropy a symbol of where symbols are, over all cells: counts should come out right.

    Scores (B, N); order (B, K), the cells of the symbols. Images without known symbols are out.
    """
    known = (order != UNKNOWN).any(dim=1)
    there = order != UNKNOWN
    batch, cells = scores.shape
    nowhere = scores.new_zeros(batch, cells + 1)
    target = nowhere.scatter(1, torch.where(there, order, cells), 1.0)[:, :cells]
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


def losses(reader: CtcModel, batch: Batch, weights: Losses) -> tuple[Tensor, dict[str, Tensor]]:
    """The total loss of a batch on the model's device, and its parts for the log.

    The host runs ahead of a GPU here, but where PyTorch's CTC loss copies its lengths; for that,
    the number of frames stays on the host.
    """
    images = batch.given(reader.shape.channels)
    with autocast(images.device):
        outputs = reader.read(images, batch.sizes, torch.tensor(batch.length))
        decoded = decoder(reader.decoder, outputs.memory, outputs.bias, batch, weights)
    wrong, named = symbols(outputs.symbols.float(), batch.cells, weights)
    parts = {
        "ctc": ctc(outputs.frames, batch.labels, batch.lengths),
        "first": ctc(outputs.first, batch.labels, batch.lengths),
        "decoder": decoded,
        "symbols": wrong,
        "presence": presence(outputs.presence, batch.order),
        "precedence": precedence(outputs.before, batch.order),
    }
    total = torch.stack([getattr(weights, key) * loss for key, loss in parts.items()]).sum()
    return total, {**parts, "named": named}
