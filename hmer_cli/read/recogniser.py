"""The recogniser on ONNX Runtime: images in, labels with confidence and places out."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from hmer_cli.errors import MissingError
from hmer_cli.expr.tokens import join
from hmer_cli.read import decode
from hmer_cli.read.prepare import Prepared, prepare
from hmer_cli.read.reading import Reading, TokenReading
from hmer_cli.read.scale import CELL
from hmer_cli.read.units import Units
from hmer_cli.read.weights import resolve

METADATA = "hmer"
"""The key under which the weights file holds its vocabulary, geometry, recipe and metrics."""

ROOM = (16, 32)
"""Images are padded to multiples of this, so that few shapes are met and batches are equal."""


class Recogniser:
    """A trained model ready to read.

    ``metadata`` is what the weights file says of itself; ``model`` its name.
    """

    def __init__(self, session: ort.InferenceSession, metadata: dict[str, Any]) -> None:
        self._session = session
        self.metadata = metadata
        self.model: str = metadata["name"]
        self.units = Units(metadata["tokens"])
        self._slope, self._offset = metadata.get("calibration", (1.0, 0.0))

    @classmethod
    def load(cls, name_or_path: str | None = None, threads: int | None = None) -> Recogniser:
        """The recogniser with these weights; the default weights where none are named.

        Raises:
            MissingError: there are no such weights, or the file holds none.
        """
        path = resolve(name_or_path)
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads or 0
        options.enable_cpu_mem_arena = False
        try:
            session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            metadata = json.loads(session.get_modelmeta().custom_metadata_map[METADATA])
        except Exception as error:  # ONNX Runtime's own errors share no base class
            raise MissingError(
                f"{path} holds no weights of hmer", "see: hmer weights verify"
            ) from error
        return cls(session, metadata)

    def read(
        self, images: Sequence[NDArray[np.uint8]], batch_size: int = 16, width: int = 10
    ) -> list[Reading]:
        """One reading an image, in their order.

        Images are (H, W), dark ink on white paper, one expression each; ``width`` is that of
        the beam. What an image gives does not depend on the others beside it.
        """
        prepared = [prepare(image) for image in images]
        shelves: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i, p in enumerate(prepared):
            if p is not None:
                shelves[_room(p)].append(i)
        readings = [Reading("", 0.0)] * len(images)
        for shape, members in sorted(shelves.items()):
            for start in range(0, len(members), batch_size):
                batch = members[start : start + batch_size]
                chosen = [p for i in batch if (p := prepared[i]) is not None]
                for i, p, frames in zip(batch, chosen, self._run(chosen, shape), strict=True):
                    readings[i] = self._reading(p, frames, width)
        return readings

    def _run(self, batch: Sequence[Prepared], shape: tuple[int, int]) -> list[decode.Frames]:
        images = np.zeros((len(batch), 1, *shape), np.float32)
        for image, p in zip(images, batch, strict=True):
            height, width = p.pixels.shape
            image[0, :height, :width] = p.pixels / np.float32(255)
        sizes = np.array([p.cells for p in batch], np.int64)
        (frames,) = self._session.run(["frames"], {"images": images, "sizes": sizes})
        per_column = frames.shape[1] * CELL // shape[1]
        return [
            row[: columns * per_column] for row, (_, columns) in zip(frames, sizes, strict=True)
        ]

    def _reading(self, p: Prepared, frames: decode.Frames, width: int) -> Reading:
        best = decode.beam(frames, self.units, width)[0]
        pixels = p.pixels.shape[1] / len(frames) / p.scale
        height = p.pixels.shape[0] / p.scale
        tokens = []
        for unit, place in zip(best.units, decode.align(frames, best.units), strict=True):
            x0, x1 = (place.start * pixels + p.origin[0], place.end * pixels + p.origin[0])
            box = (x0, p.origin[1], x1, p.origin[1] + height)
            tokens += [TokenReading(t, place.confidence, box) for t in self.units.decode([unit])]
        if not tokens:
            return Reading("", 0.0)
        return Reading(join(t.token for t in tokens), self._confidence(best.score), tuple(tokens))

    def _confidence(self, score: float) -> float:
        """The probability that the label is right, from its CTC probability (Platt, 1999)."""
        odds = score - math.log(max(-math.expm1(min(score, -1e-6)), 1e-12))
        return 1 / (1 + math.exp(-(self._slope * odds + self._offset)))


def _room(p: Prepared) -> tuple[int, int]:
    height, width = (
        -(-side // room) * room for side, room in zip(p.pixels.shape, ROOM, strict=True)
    )
    return height, width
