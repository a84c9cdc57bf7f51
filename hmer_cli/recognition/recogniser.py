"""The recogniser on ONNX Runtime.

Input: images (H, W) of one expression each, or ink. Output: a `Reading` each, its label with a
calibrated confidence, token boxes and alternatives. Method: CTC prefix beam search
(`hmer_cli.recognition.ctc`) and the graph models of
`hmer_cli.recognition.expression_recogniser` propose labels. Confidences are those of
`hmer_cli.recognition.confidence`.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmer_cli.geometry import Box
from hmer_cli.ink.render import Readable
from hmer_cli.models.registry import resolve
from hmer_cli.models.session import Session, freeing
from hmer_cli.recognition import ctc
from hmer_cli.recognition.expression_recogniser import ExpressionRecogniser, open_embedded
from hmer_cli.recognition.prepare import Measured, Prepared, measure, prepare
from hmer_cli.recognition.rescoring import (
    LENGTH_BONUS,
    DecoderScorer,
    Label,
    Pass,
    Ranked,
    rescore,
)
from hmer_cli.recognition.scale import CELL, SYMBOL
from hmer_cli.recognition.scorer_sets import GraphModels
from hmer_cli.recognition.weights_file import CANVAS, WeightsFile, refusing

DECODER = "hmer.decoder"
"""Metadata key of the decoder of a CTC model without graph model, an embedded ONNX model."""

ROOM = (2 * CELL, CELL)
"""Images are padded to multiples of this, height and width."""

SECOND_PASS_SCALES = 1.5, 1.15
"""Scale of the second pass relative to the first: maximum and minimum.

The maximum suits small symbols beside large brackets. The minimum applies to images that would
exceed SECOND_PASS_PIXELS, since time and memory grow with the square of the pixels.
"""

SECOND_PASS_PIXELS = 120_000

CERTAINTY_SCALE = 0.7
"""Scale of `Recogniser.certainty` relative to the first pass; takes half the time."""

BEAM_WIDTH = 20
"""Hypotheses of the CTC prefix beam search; with 10, fewer alternatives are right."""


class Recogniser(ExpressionRecogniser[Pass]):
    """A loaded weights file of a CTC model, with graph models or without."""

    def __init__(
        self,
        session: Session,
        metadata: dict[str, Any],
        embedded: Mapping[str, str],
        charset: str | None = None,
        threads: int | None = None,
    ) -> None:
        self._session = session
        self._outputs = [output.name for output in session.get_outputs()]
        self._channels: int = session.get_inputs()[0].shape[1]
        if not isinstance(self._channels, int) or CANVAS in metadata:
            raise ValueError("a model of lines, or of whole canvases")
        self._large = threading.Lock()  # one at a time, for the memory that they take
        self._symbol: float = metadata.get("symbol", SYMBOL)
        graphs = GraphModels(embedded, open_embedded)
        super().__init__(metadata, embedded, graphs, BEAM_WIDTH, charset, threads)

    @classmethod
    def load(
        cls,
        name_or_path: str | None = None,
        threads: int | None = None,
        charset: str | None = None,
        rescoring: bool = True,
    ) -> Recogniser:
        """Load weights by name or path; the default weights if None.

        ``threads`` is the number of images recognised in parallel, by default that of cores.
        ``charset`` (a name or a file) restricts labels to its tokens. Without ``rescoring`` only
        the CTC model is used.

        Raises:
            MissingError: there are no such weights, or the file holds none.
            UsageError: there is no such character set.
        """
        path = resolve(name_or_path)
        with refusing(path):
            return cls.of(WeightsFile.open(path), threads, charset, rescoring)

    @classmethod
    def of(
        cls,
        file: WeightsFile,
        threads: int | None = None,
        charset: str | None = None,
        rescoring: bool = True,
    ) -> Recogniser:
        """The same of an opened file; raises what its content raises."""
        embedded = file.embedded if rescoring else {}
        return cls(file.session, file.metadata, embedded, charset, threads)

    def _certainty(self, image: Readable) -> float:
        """The mean log-probability of the best CTC path."""
        prepared = prepare(image, CERTAINTY_SCALE * self._symbol)
        if prepared is None:
            return -math.inf
        return float(self._run(prepared)["frames"][0].max(axis=1).mean())

    def _places(self, evidence: Pass, label: Label) -> list[tuple[float, Box]]:
        """The best probability of a unit's frames, and a box round their centre."""
        places = ctc.align(evidence.frames, label)
        return [(place.confidence, evidence.box(place)) for place in places]

    def _searched(self, image: Readable, width: int) -> tuple[Pass | None, Ranked | None]:
        """The first pass, and the n-best list; None without ink.

        A file without graph model has a second pass with its decoder.
        """
        measured = measure(image)
        first = self._pass(image, self._symbol, width, measured)
        if first is None:
            return None, None
        passes = [first]
        _, best = self._by_graphs(image, measured, passes, draft=first.found[0].units)
        if best is not None:
            return first, best
        best = rescore(passes, prior=self._prior)
        if self._sure(best):
            return first, best
        passes += self._second_pass(image, first, width, measured)
        scorers = self._decoder_scorers(passes)
        best = rescore(passes, scorers, prior=self._careful_prior)
        return first, self._repaired(best, passes, scorers)

    def _second_pass(
        self, image: Readable, first: Pass, width: int, measured: Measured | None
    ) -> list[Pass]:
        """A pass at a larger scale, if there is ink."""
        largest, smallest = SECOND_PASS_SCALES
        scale = math.sqrt(SECOND_PASS_PIXELS / first.prepared.pixels.size)
        symbol = self._symbol * min(largest, max(smallest, scale))
        second = self._pass(image, symbol, width, measured)
        return [second] if second else []

    @cached_property
    def _decoder(self) -> Session | None:
        """Loaded on first use."""
        text = self._embedded.get(DECODER)
        return open_embedded(text) if text else None

    def _decoder_scorers(self, passes: Sequence[Pass]) -> list[DecoderScorer]:
        return [DecoderScorer(self._decoder, passes)] if self._decoder else []

    def _pass(
        self, image: Readable, symbol: float, width: int, measured: Measured | None = None
    ) -> Pass | None:
        """One pass with symbols scaled to ``symbol`` pixels; None without ink."""
        prepared = prepare(image, symbol, measured)
        if prepared is None:
            return None
        outputs = self._run(prepared)
        frames, places = self._restricted(outputs.pop("frames")[0]), outputs.pop("places")[0]
        found = ctc.beam(frames, self.units, width, LENGTH_BONUS)
        return Pass(prepared, frames, places, outputs, found)

    def _run(self, p: Prepared) -> dict[str, NDArray[np.float32]]:
        """All outputs of the model by their names."""
        height, width = p.pixels.shape
        room = -(-height // ROOM[0]) * ROOM[0], -(-width // ROOM[1]) * ROOM[1]
        image = np.zeros((1, self._channels, *room), np.float32)
        image[0, 0, :height, :width] = p.pixels / np.float32(255)
        if p.motion is not None and self._channels > 1:
            image[0, 1:, :height, :width] = p.motion / np.float32(127)
        feed = {"images": image, "sizes": np.array([p.cells], np.int64)}
        large = p.pixels.size > SECOND_PASS_PIXELS
        with self._large if large else nullcontext():
            found = self._session.run(self._outputs, feed, freeing() if large else None)
        return dict(zip(self._outputs, found, strict=True))

    def _restricted(self, frames: ctc.Frames) -> ctc.Frames:
        """The probabilities (T, V), renormalised over the units of the character set."""
        if self._allowed is None:
            return frames
        frames = np.where(self._allowed, frames, -np.inf)
        most = frames.max(axis=1, keepdims=True)
        total: ctc.Frames = np.exp(frames - most).sum(axis=1, keepdims=True)
        return frames - most - np.log(total)
