"""The recogniser on ONNX Runtime: images in, labels with confidence and places out."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from hmer_cli.errors import MissingError
from hmer_cli.expr.tokens import join
from hmer_cli.read import decode
from hmer_cli.read.charset import charset as tokens_of
from hmer_cli.read.prepare import Prepared, prepare
from hmer_cli.read.reading import Reading, TokenReading
from hmer_cli.read.scale import CELL, SYMBOL
from hmer_cli.read.units import Units
from hmer_cli.read.weights import resolve

METADATA = "hmer"
"""The key under which the weights file holds its vocabulary, geometry, recipe and metrics."""

ROOM = (2 * CELL, 4 * CELL)
"""Images are padded to multiples of this, height and width."""

NOTHING = Reading("", 0.0)
"""What an image without ink gives."""


class Recogniser:
    """A trained model ready to read.

    ``metadata`` is what the weights file says of itself; ``model`` its name, with that of the
    character set that it is limited to.
    """

    def __init__(
        self, session: ort.InferenceSession, metadata: dict[str, Any], charset: str | None = None
    ) -> None:
        self._session = session
        self.metadata = metadata
        self.model: str = metadata["name"] + (f" ({charset})" if charset else "")
        self.units = Units(metadata["tokens"])
        self._kept = None
        if charset is not None:
            known = tokens_of(charset)
            self._kept = np.array([known.issuperset(name.split()) for name in self.units.names])
        self._symbol: float = metadata.get("symbol", SYMBOL)
        self._slope, self._offset = metadata.get("calibration", (1.0, 0.0))

    @classmethod
    def load(
        cls,
        name_or_path: str | None = None,
        threads: int | None = None,
        charset: str | None = None,
    ) -> Recogniser:
        """The recogniser with these weights; the default weights where none are named.

        ``charset``, a name or a file, limits what it may answer.

        Raises:
            MissingError: there are no such weights, or the file holds none.
            UsageError: there is no such character set.
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
        return cls(session, metadata, charset)

    def read(self, images: Sequence[NDArray[np.uint8]], width: int = 10) -> list[Reading]:
        """One reading an image, in their order.

        Images are (H, W), dark ink on white paper, one expression each; ``width`` is that of
        the beam. Each is read by itself, so that what it gives depends on nothing else.
        """
        prepared = (prepare(image, self._symbol) for image in images)
        return [NOTHING if p is None else self._reading(p, width) for p in prepared]

    def _reading(self, p: Prepared, width: int) -> Reading:
        frames, places = self._run(p)
        best = decode.beam(frames, self.units, width)[0]
        tokens = []
        for unit, place in zip(best.units, decode.align(frames, best.units), strict=True):
            x, y = places[place.start : place.end].mean(axis=0) * CELL / p.scale + p.origin
            half = self._symbol / p.scale / 2
            box = (float(x - half), float(y - half), float(x + half), float(y + half))
            tokens += [TokenReading(t, place.confidence, box) for t in self.units.decode([unit])]
        if not tokens:
            return NOTHING
        return Reading(join(t.token for t in tokens), self._confidence(best.score), tuple(tokens))

    def _run(self, p: Prepared) -> tuple[decode.Frames, NDArray[np.float32]]:
        """Frames (T, V) and the place in cells (T, 2) that each looked at."""
        height, width = p.pixels.shape
        image = np.zeros((1, 1, -(-height // ROOM[0]) * ROOM[0], -(-width // ROOM[1]) * ROOM[1]))
        image[0, 0, :height, :width] = p.pixels / 255
        feed = {"images": image.astype(np.float32), "sizes": np.array([p.cells], np.int64)}
        frames, places = self._session.run(["frames", "places"], feed)
        return self._limited(frames[0]), places[0]

    def _limited(self, frames: decode.Frames) -> decode.Frames:
        """The probabilities shared out among the units of the character set."""
        if self._kept is None:
            return frames
        frames = np.where(self._kept, frames, -np.inf)
        most = frames.max(axis=1, keepdims=True)
        total: decode.Frames = np.exp(frames - most).sum(axis=1, keepdims=True)
        return frames - most - np.log(total)

    def _confidence(self, score: float) -> float:
        """The probability that the label is right, from its CTC probability (Platt, 1999)."""
        odds = score - math.log(max(-math.expm1(min(score, -1e-6)), 1e-12))
        return 1 / (1 + math.exp(-(self._slope * odds + self._offset)))
