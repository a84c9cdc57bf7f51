"""Online ink: ordered strokes of (x, y) points, with their segmentation into symbols if known.

y points down; units are the device's. Immutable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import Box

Stroke = NDArray[np.float32]
"""One pen-down movement: float32 of shape (N, 2), columns x and y, y pointing down."""


@dataclass(frozen=True)
class Symbol:
    """One written symbol: indices into the ink's strokes, its token, the id of its MathML node."""

    strokes: tuple[int, ...]
    label: str
    id: str = ""


@dataclass(frozen=True)
class LeftOut:
    """Something in a file beside the strokes that is not read: ``what`` it is, as in `text`, and
    its ``box`` in the units of the ink, None where that is not known. ``doubtful``: it may be a
    part of what is written near by."""

    what: str
    box: Box | None = None
    doubtful: bool = True


@dataclass(frozen=True)
class Ink:
    """Strokes (N, 2) in writing order, y down, in device units.

    ``symbols`` are in the order of the label as far as the file gives it. ``label`` is the
    normalised label (None if unknown), ``truth`` the LaTeX annotation of the file, unchanged.
    ``left_out`` is what else the file shows that may belong to the expression.
    """

    strokes: tuple[Stroke, ...]
    symbols: tuple[Symbol, ...] = ()
    label: str | None = None
    truth: str | None = None
    name: str = ""
    annotations: dict[str, str] = field(default_factory=dict)
    left_out: tuple[LeftOut, ...] = ()

    def box(self, strokes: Sequence[int] | None = None) -> Box:
        """The bounding box of the ink, or of the strokes with these indices.

        Raises ValueError if there are none.
        """
        chosen = self.strokes if strokes is None else [self.strokes[i] for i in strokes]
        points = np.concatenate(list(chosen))
        (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)

    def with_label(self, label: str | None) -> Ink:
        """The same ink under another label."""
        return replace(self, label=label)
