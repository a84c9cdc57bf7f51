"""Labels near a label: one symbol replaced by another, in one place or throughout.

Input: a label in units, and the log-probabilities of the units in each of its places given the
others (L, V). Output: labels, the likeliest first. Method: the pseudo-log-likelihood of a
replacement (Salazar et al., ACL 2020); a hand that writes x like n does so throughout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from hmer_cli.expr.commands import STRUCTURE
from hmer_cli.recognition.rescoring import Label, Prior
from hmer_cli.recognition.units import Units

RIVALS = 3  # convention
"""Replacements that are tried for each symbol."""

TRIED, NEAREST = 40, 8  # convention; on scanned crops as many are right as with 20
"""Labels that the prior sees, and the most that are returned."""

LEAST_GAIN = -8.0  # chosen on CROHME test2014 and scanned crops
"""Labels that lose more by ``choices`` are not tried."""


def symbols(units: Units) -> NDArray[np.bool_]:
    """Which of the units (V,) are one symbol, without structure."""
    return np.array([bool(name) and not set(name.split()) & STRUCTURE for name in units.names])


def nearest(
    label: Label,
    choices: NDArray[np.float64],
    single: NDArray[np.bool_],
    prior: Prior,
    is_label: Callable[[Label], bool],
) -> list[Label]:
    r"""The labels near ``label`` that ``choices`` and ``prior`` together hold for the likeliest.

    Those that are no label are left out, such as ``\Sigma \limits _ { i }``.
    """
    found = near_labels(label, choices, single)
    likeliest = sorted(found, key=lambda other: -found[other])
    labels = list(islice(filter(is_label, likeliest), TRIED))
    if not labels:
        return []
    order = np.argsort(-(prior(labels) + [found[other] for other in labels]), kind="stable")
    return [labels[i] for i in order[:NEAREST]]


def near_labels(
    label: Label, choices: NDArray[np.float64], single: NDArray[np.bool_]
) -> dict[Label, float]:
    """Labels near ``label``, each with the log-probability that it gains by ``choices`` (L, V).

    Only units of ``single`` (V,) are replaced, and by such; the gain is LEAST_GAIN or more.
    """
    written = np.array(label)
    gains = choices - np.take_along_axis(choices, written[:, None], axis=1)
    gains[:, ~single] = -np.inf
    gains[np.arange(len(label)), written] = -np.inf
    near = {}
    for places in _replaceable(written, single):
        together = gains[places].sum(axis=0)
        for unit in np.argsort(-together)[:RIVALS]:
            if together[unit] < LEAST_GAIN:
                break
            changed = written.copy()
            changed[places] = unit
            near[tuple(changed.tolist())] = float(together[unit])
    return near


def _replaceable(
    written: NDArray[np.int64], single: NDArray[np.bool_]
) -> Iterator[NDArray[np.int64]]:
    """Every place of a symbol, and all places of each symbol that occurs again."""
    places = np.flatnonzero(single[written])
    yield from places[:, None]
    for unit in np.unique(written[places]):
        same = np.flatnonzero(written == unit)
        if len(same) > 1:
            yield same
