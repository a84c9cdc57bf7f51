"""Export of the systems of a fixed canvas: a CRNN or Transformer and metadata -> weights file.

Output: the ONNX model (1, 1, H, W) uint8 -> frames (1, T, V), and for a Transformer its memory; the
decoder step is embedded in the metadata (`hmer_cli.recognition.canvas_recogniser`). float32.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from onnx import ModelProto
from torch import nn

from hmer_cli import files
from hmer_cli.models.embedded import packed
from hmer_cli.networks.crnn import Crnn
from hmer_cli.networks.transformer import Transcriber, TranscriberEncoder, TranscriberStep
from hmer_cli.recognition.canvas import CanvasSize
from hmer_cli.recognition.canvas_recogniser import STEP
from hmer_cli.recognition.weights_file import CANVAS, METADATA
from hmer_cli.training.export.onnx import Axes, traced

STEP_AXES: Axes = {
    "past": {2: "B", 4: "P"},
    "units": {0: "B"},
    "logs": {0: "B"},
    "now": {2: "B", 4: "L"},
}


def export_canvas(
    model: nn.Module, metadata: Mapping[str, Any], size: CanvasSize, path: Path
) -> None:
    """Write a `Crnn` or `Transcriber` with its metadata, to which the canvas's size is added."""
    model.eval()
    with _without_fast_path():
        made, found = _parts(model, size)
    held = ("height", "width", "padding", "pen")
    canvas = {key: getattr(size, key) for key in held}
    found[METADATA] = json.dumps({**metadata, CANVAS: canvas}, sort_keys=True)
    for key, value in sorted(found.items()):
        entry = made.metadata_props.add()
        entry.key, entry.value = key, value
    files.replace(path, made.SerializeToString(deterministic=True))


def _parts(model: nn.Module, size: CanvasSize) -> tuple[ModelProto, dict[str, str]]:
    """The model as ONNX, and what is embedded in its metadata."""
    images = torch.full((1, 1, size.height, size.width), 255, dtype=torch.uint8)
    if isinstance(model, Crnn):
        return traced(model, {"images": images}, ["frames"], {}), {}
    assert isinstance(model, Transcriber)
    front = TranscriberEncoder(model)
    made = traced(front, {"images": images}, ["frames", "memory"], {})
    with torch.no_grad():
        _, memory = front(images)
    past = memory.expand(-1, -1, 2, -1, -1, -1)[:, :, :, :, :3]
    given = {"memory": memory, "past": past, "units": torch.tensor([[1], [2]])}
    step = traced(TranscriberStep(model), given, ["logs", "now"], STEP_AXES)
    return made, {STEP: packed(step.SerializeToString(deterministic=True))}


@contextmanager
def _without_fast_path() -> Iterator[None]:
    """PyTorch's fused encoder layer, which has no ONNX counterpart, is not used meanwhile."""
    used = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(used)
