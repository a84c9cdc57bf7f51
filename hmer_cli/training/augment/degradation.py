"""Parameters of image degradation in training: probabilities and ranges.

`Degradation` is the table ``[degradation]`` of a recipe.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Degradation:
    """The share of images that each of these happens to, and how far it goes.

    Tuples are ranges: ``change`` of the pen in units of `paper.widened`, ``ink_depth`` the light
    that the ink takes, the depths of what else is on the paper as shares of it, ``softness`` in
    pixels of deviation, ``finer`` in camera pixels per pixel, ``quality`` as JPEG counts it;
    ``room`` is the most paper on a side, in pixels. Remains of other lines (``lined``) and frames
    come only where there is room for them.
    """

    widened: float = 0.5
    pressed: float = 0.35
    pencil: float = 0.15
    skipping: float = 0.15
    ragged: float = 0.3
    faded: float = 0.8
    neighboured: float = 0.1
    bold: float = 0.0
    filled: float = 0.0
    lined: float = 0.0
    cut: float = 0.0
    framed: float = 0.0

    fibrous: float = 0.5
    ruled: float = 0.3
    squared: float = 0.08
    margined: float = 0.03
    bled: float = 0.12
    specked: float = 0.25
    shaded: float = 0.25

    resampled: float = 0.5
    softened: float = 0.65
    moved: float = 0.06
    noisy: float = 0.4
    striped: float = 0.06
    sharpened: float = 0.15
    whitened: float = 0.3
    binarised: float = 0.08
    compressed: float = 0.5

    warped: float = 0.3
    tilted: float = 0.0
    roomy: float = 0.12
    room: int = 20

    change: tuple[float, float] = (-0.3, 0.7)
    ink_depth: tuple[float, float] = (0.4, 0.95)
    rule_depth: tuple[float, float] = (0.1, 0.65)
    square_depth: tuple[float, float] = (0.05, 0.35)
    bleed_depth: tuple[float, float] = (0.05, 0.3)
    softness: tuple[float, float] = (0.4, 0.95)
    finer: tuple[float, float] = (0.6, 1.3)
    quality: tuple[int, int] = (25, 85)

    def scaled(self, factor: float) -> Degradation:
        """All shares times ``factor``; 0 leaves every image as it is."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        for name, value in values.items():
            if isinstance(value, float):
                values[name] = min(1.0, value * factor)
        return Degradation(**values)
