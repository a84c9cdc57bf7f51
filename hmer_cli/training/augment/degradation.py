"""Parameters of image degradation in training: probabilities and ranges.

`Degradation` is the table ``[degradation]`` of a recipe.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated

from msgspec import Meta

from hmer_cli.training.quantities import Amount, Natural, Positive, Share, check_ranges

Percent = Annotated[int, Meta(ge=0, le=100)]


@dataclass(frozen=True)
class Degradation:
    """The share of images that each of these happens to, and how far it goes.

    Tuples are ranges: ``change`` of the pen in units of `paper.widened`, ``ink_depth`` the light
    that the ink takes, the depths of what else is on the paper as shares of it, ``softness`` in
    pixels of deviation, ``finer`` in camera pixels per pixel, ``quality`` as JPEG counts it;
    ``room`` is the most paper on a side, in pixels. Remains of other lines (``lined``) and frames
    come only where there is room for them.
    """

    widened: Share = 0.5
    pressed: Share = 0.35
    pencil: Share = 0.15
    skipping: Share = 0.15
    ragged: Share = 0.3
    faded: Share = 0.8
    neighboured: Share = 0.1
    bold: Share = 0.0
    filled: Share = 0.0
    lined: Share = 0.0
    cut: Share = 0.0
    framed: Share = 0.0

    fibrous: Share = 0.5
    ruled: Share = 0.3
    squared: Share = 0.08
    margined: Share = 0.03
    bled: Share = 0.12
    specked: Share = 0.25
    shaded: Share = 0.25

    resampled: Share = 0.5
    softened: Share = 0.65
    moved: Share = 0.06
    noisy: Share = 0.4
    striped: Share = 0.06
    sharpened: Share = 0.15
    whitened: Share = 0.3
    binarised: Share = 0.08
    compressed: Share = 0.5

    warped: Share = 0.3
    tilted: Share = 0.0
    roomy: Share = 0.12
    room: Natural = 20

    change: tuple[float, float] = (-0.3, 0.7)
    ink_depth: tuple[Share, Share] = (0.4, 0.95)
    rule_depth: tuple[Share, Share] = (0.1, 0.65)
    square_depth: tuple[Share, Share] = (0.05, 0.35)
    bleed_depth: tuple[Share, Share] = (0.05, 0.3)
    softness: tuple[Amount, Amount] = (0.4, 0.95)
    finer: tuple[Positive, Positive] = (0.6, 1.3)
    quality: tuple[Percent, Percent] = (25, 85)

    def __post_init__(self) -> None:
        check_ranges(vars(self))

    def scaled(self, factor: float) -> Degradation:
        """All shares times ``factor``; 0 leaves every image as it is."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, value in values.items():
            if isinstance(value, float):
                values[name] = min(1.0, value * factor)
        return Degradation(**values)
