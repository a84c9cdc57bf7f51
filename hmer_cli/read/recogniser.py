"""The recogniser on ONNX Runtime: images in, labels with confidence and places out."""

from __future__ import annotations

import base64
import json
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from hmer_cli.errors import MissingError
from hmer_cli.expr.tokens import join
from hmer_cli.ink.render import Seen
from hmer_cli.read import decode
from hmer_cli.read.charset import charset as tokens_of
from hmer_cli.read.looks import BONUS, Look, agreed
from hmer_cli.read.prepare import Prepared, prepare
from hmer_cli.read.reading import Reading, TokenReading
from hmer_cli.read.scale import CELL, SYMBOL
from hmer_cli.read.units import Units
from hmer_cli.read.weights import resolve

METADATA = "hmer"
"""The key under which the weights file holds its vocabulary, geometry, recipe and metrics."""

DECODER = "hmer.decoder"
"""The key under which it holds the decoder, an ONNX model in base64."""

ROOM = (2 * CELL, CELL)
"""Images are padded to multiples of this, height and width."""

SURE = math.log(0.6)
"""A label less likely than this at the first look gets a second, closer one, and the decoder."""

CLOSER = 1.5, 1.15
"""How much larger the second look sees the symbols, at most and at least.

Small symbols beside large brackets need the one; the other is for images that would grow beyond
AMPLE pixels, as time and memory grow with the square of them.
"""

AMPLE = 120_000

WIDTH = 20
"""Hypotheses that the beam keeps of each look."""

NOTHING = Reading("", 0.0)
"""What an image without ink gives."""


class Recogniser:
    """A trained model ready to read.

    ``metadata`` is what the weights file says of itself; ``model`` its name, with that of the
    character set that it is limited to.
    """

    def __init__(
        self,
        session: ort.InferenceSession,
        metadata: dict[str, Any],
        decoder: ort.InferenceSession | None = None,
        charset: str | None = None,
        threads: int | None = None,
    ) -> None:
        self._session, self._decoder = session, decoder
        self._outputs = [output.name for output in session.get_outputs()]
        self._channels: int = session.get_inputs()[0].shape[1]
        self._pool = ThreadPoolExecutor(threads or os.cpu_count() or 1)
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
        rescoring: bool = True,
    ) -> Recogniser:
        """The recogniser with these weights; the default weights where none are named.

        ``threads`` images are read at a time, as many as there are cores if unset; ``charset``,
        a name or a file, limits what it may answer; without ``rescoring`` CTC answers alone.

        Raises:
            MissingError: there are no such weights, or the file holds none.
            UsageError: there is no such character set.
        """
        path = resolve(name_or_path)
        try:
            session = _session(str(path))
            found = session.get_modelmeta().custom_metadata_map
            metadata = json.loads(found[METADATA])
            wanted = rescoring and DECODER in found
            decoder = _session(base64.b64decode(found[DECODER])) if wanted else None
        except Exception as error:  # ONNX Runtime's own errors share no base class
            raise MissingError(
                f"{path} holds no weights of hmer", "see: hmer weights verify"
            ) from error
        return cls(session, metadata, decoder, charset, threads)

    def read(self, images: Sequence[Seen], width: int = WIDTH) -> list[Reading]:
        """One reading an image, in their order.

        Images are (H, W), dark ink on white paper, one expression each; those that know how they
        were written are read better. ``width`` is that of the beam. Each is read by itself, so
        that what it gives depends on nothing else.
        """
        return list(self._pool.map(lambda image: self._reading(image, width), images))

    def _reading(self, image: Seen, width: int) -> Reading:
        """What the first look says where it is sure, else what two looks and the decoder do."""
        look = self._look(image, self._symbol, width)
        if look is None:
            return NOTHING
        best = look.found[0]
        if not best.units or best.score < SURE:
            grown = math.sqrt(AMPLE / look.prepared.pixels.size)
            factor = min(CLOSER[0], max(CLOSER[1], grown))
            closer = self._look(image, self._symbol * factor, width)
            best = agreed([look, closer] if closer else [look], self._decoder)
        if not best.units:
            return NOTHING
        tokens = []
        for unit, place in zip(best.units, decode.align(look.frames, best.units), strict=True):
            box = look.box(place, self._symbol)
            tokens += [TokenReading(t, place.confidence, box) for t in self.units.decode([unit])]
        return Reading(join(t.token for t in tokens), self._confidence(best.score), tuple(tokens))

    def _look(self, image: Seen, symbol: float, width: int) -> Look | None:
        """The image with symbols of this size in pixels; None where there is no ink."""
        prepared = prepare(image, symbol)
        if prepared is None:
            return None
        said = self._run(prepared)
        frames, places = self._limited(said.pop("frames")[0]), said.pop("places")[0]
        found = decode.beam(frames, self.units, width, BONUS)
        return Look(prepared, frames, places, said, found)

    def _run(self, p: Prepared) -> dict[str, NDArray[np.float32]]:
        """All outputs of the model by their names."""
        height, width = p.pixels.shape
        room = -(-height // ROOM[0]) * ROOM[0], -(-width // ROOM[1]) * ROOM[1]
        image = np.zeros((1, self._channels, *room), np.float32)
        image[0, 0, :height, :width] = p.pixels / np.float32(255)
        if p.motion is not None and self._channels > 1:
            image[0, 1:, :height, :width] = p.motion / np.float32(127)
        feed = {"images": image, "sizes": np.array([p.cells], np.int64)}
        return dict(zip(self._outputs, self._session.run(self._outputs, feed), strict=True))

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


def _session(model: str | bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1  # whole images beside each other are twice as fast
    options.enable_cpu_mem_arena = False  # a tenth faster with it, at twice the memory
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
