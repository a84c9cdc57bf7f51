"""Training curves as one picture.

Input: the log of a run. Output: a PNG of loss and scores over images.
"""

from __future__ import annotations

import os
from pathlib import Path

from hmer_cli.models.registry import cache_dir
from hmer_cli.training.checkpoint import read_lines

PANELS = {
    "loss a unit": ("ctc", "decoder", "symbols", "valid_loss"),
    "error rate": ("wer", "cer"),
    "share right": ("exprate", "named"),
}
"""What is drawn together: keys of the log's lines."""


def draw_curves(log: Path, picture: Path) -> None:
    """Draw the log of a run (JSON lines) against the images seen, as PNG."""
    if (cache := cache_dir()) is not None:  # matplotlib keeps its list of fonts there
        os.environ.setdefault("MPLCONFIGDIR", str(cache / "matplotlib"))
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = read_lines(log)
    figure = Figure(figsize=(12, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (title, keys) in zip(figure.subplots(1, len(PANELS)), PANELS.items(), strict=True):
        for key in keys:
            points = [(line["seen"] / 1000, line[key]) for line in lines if key in line]
            if points:
                axes.plot(*zip(*points, strict=True), label=key, marker=".")
        axes.set_title(title)
        axes.set_xlabel("thousand images")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend()
    figure.savefig(picture, dpi=110)
