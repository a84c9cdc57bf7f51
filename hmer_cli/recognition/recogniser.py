"""The recogniser on ONNX Runtime.

Input: images (H, W) of one expression each, or ink. Output: a `Reading` each, its label with a
calibrated confidence, token boxes and alternatives. Method: CTC prefix beam search
(`hmer_cli.recognition.ctc`) and beam search of graph models propose labels, whose scores are added
(`hmer_cli.recognition.rescoring`) to their prior (`hmer_cli.recognition.label_prior`). Where the
margin of the best label is small, further models join; in the end labels with other symbols do
(`hmer_cli.recognition.near_labels`).
Confidences are those of `hmer_cli.recognition.confidence`.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmer_cli.errors import HmerError, MissingError, is_out_of_memory
from hmer_cli.expr.tokens import join
from hmer_cli.ink.render import InkImage, Readable
from hmer_cli.models.embedded import unpacked
from hmer_cli.models.registry import resolve
from hmer_cli.models.session import Session, cores, freeing, open_session
from hmer_cli.recognition import ctc
from hmer_cli.recognition.charset import charset as tokens_of
from hmer_cli.recognition.confidence import (
    UNCALIBRATED,
    Calibration,
    alternatives,
    calibration_key,
    confidence,
)
from hmer_cli.recognition.graph_decoder import GraphScorer
from hmer_cli.recognition.label_prior import LabelPrior
from hmer_cli.recognition.label_transformer import LabelTransformer
from hmer_cli.recognition.language_model import LanguageModel
from hmer_cli.recognition.near_labels import nearest, symbols
from hmer_cli.recognition.prepare import Measured, Prepared, measure, prepare
from hmer_cli.recognition.reading import Reading, TokenReading
from hmer_cli.recognition.rescoring import (
    LENGTH_BONUS,
    DecoderScorer,
    Label,
    Pass,
    Ranked,
    Scorer,
    rescore,
)
from hmer_cli.recognition.scale import CELL, SYMBOL
from hmer_cli.recognition.scorer_sets import GraphModels
from hmer_cli.recognition.units import Units
from hmer_cli.recognition.weights_file import CANVAS, WeightsFile, refusing

DECODER = "hmer.decoder"
"""Metadata key of the decoder of a CTC model without graph model, an embedded ONNX model."""

LANGUAGE, TRANSFORMER = LANGUAGE_MODELS = "hmer.language", "hmer.transformer"
"""Metadata keys of the language models: a `LanguageModel.packed`, an embedded ONNX model."""

ROOM = (2 * CELL, CELL)
"""Images are padded to multiples of this, height and width."""

MARGIN = math.log(0.99 / 0.01)
"""The margin (log-odds) below which further models are asked.

Three in five images of CROHME test2014 are above, and seven in ten inks. With 0.9 for 0.99 it is
four in five images, and as many are right, but ``\\langle`` and ``\\overline``, rare in CROHME,
were no longer read in any hand.
"""

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

REPAIRED = 12  # convention
"""Labels with more paired brackets that are proposed in place of one with unpaired brackets."""

EMPTY_READING = Reading("", 0.0)
"""The reading of an image without ink."""


class Recogniser:
    """A loaded weights file.

    ``metadata`` is the JSON object of the file; ``model`` its name, followed by that of the
    character set, if any.
    """

    def __init__(
        self,
        session: Session,
        metadata: dict[str, Any],
        embedded: Mapping[str, str],
        charset: str | None = None,
        threads: int | None = None,
    ) -> None:
        self._session, self._embedded = session, embedded
        self._outputs = [output.name for output in session.get_outputs()]
        self._channels: int = session.get_inputs()[0].shape[1]
        if not isinstance(self._channels, int) or CANVAS in metadata:
            raise ValueError("a model of lines, or of whole canvases")
        self._pool = ThreadPoolExecutor(threads or cores())
        self._large = threading.Lock()  # one at a time, for the memory that they take
        self.metadata = metadata
        self.model: str = metadata["name"] + (f" ({charset})" if charset else "")
        self.units = Units(metadata["tokens"])
        self._allowed = None
        self._tokens = set(self.units.tokens)
        if charset is not None:
            known = tokens_of(charset)
            self._tokens &= set(known)
            self._allowed = np.array([known.issuperset(name.split()) for name in self.units.names])
        self._symbol: float = metadata.get("symbol", SYMBOL)
        self._graphs = GraphModels(embedded, _open_embedded)
        self._calibration: Calibration = metadata.get("calibration", {})

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

    def read(self, images: Sequence[Readable], width: int = BEAM_WIDTH) -> list[Reading]:
        """One reading per image, in their order.

        Images are (H, W) uint8, dark ink on white paper, one expression each, or `InkImage` with
        strokes, which are recognised better. ``width`` is that of the CTC beam. Images do not
        influence each other's readings.
        """
        return list(self._pool.map(lambda image: self._reading(image, width), images))

    def read_pages(self, pages: Sequence[Sequence[Readable]]) -> list[list[Reading]]:
        """The readings of the images of each page, which influence each other.

        The n-best list of each image is ranked anew by the language model with the symbols of the
        other readings of its page.
        """
        images = [image for page in pages for image in page]
        ranked = iter(list(self._pool.map(lambda image: self._ranked(image, BEAM_WIDTH), images)))
        readings = []
        for page in pages:
            found = [next(ranked) for _ in page]
            sure = [
                self._confidence(best, isinstance(image, InkImage)) if best else 0.0
                for image, (_, best) in zip(page, found, strict=True)
            ]
            lists = self._prior.on_page([best for _, best in found], sure)
            firsts = [first for first, _ in found]
            readings.append([self._told(*each) for each in zip(page, firsts, lists, strict=True)])
        return readings

    def rank(self, images: Sequence[Readable], width: int = BEAM_WIDTH) -> list[Ranked | None]:
        """The best label of each image with its scores; None for an image without ink."""
        found = self._pool.map(lambda image: self._ranked(image, width), images)
        return [ranked for _, ranked in found]

    def certainty(self, images: Sequence[Readable]) -> list[float]:
        """The mean log-probability of the best CTC path of each image; -inf without ink."""
        return list(self._pool.map(self._certainty, images))

    def _certainty(self, image: Readable) -> float:
        prepared = prepare(image, CERTAINTY_SCALE * self._symbol)
        if prepared is None:
            return -math.inf
        return float(self._run(prepared)["frames"][0].max(axis=1).mean())

    def _reading(self, image: Readable, width: int) -> Reading:
        return self._told(image, *self._ranked(image, width))

    def _told(self, image: Readable, first: Pass | None, best: Ranked | None) -> Reading:
        if first is None or best is None or not best.units:
            return EMPTY_READING
        tokens = []
        for unit, place in zip(best.units, ctc.align(first.frames, best.units), strict=True):
            box = first.box(place, self._symbol)
            tokens += [TokenReading(t, place.confidence, box) for t in self.units.decode([unit])]
        sure = self._confidence(best, isinstance(image, InkImage))
        label = join(t.token for t in tokens)
        return Reading(label, sure, tuple(tokens), alternatives(best, self.units, sure))

    def _ranked(self, image: Readable, width: int) -> tuple[Pass | None, Ranked | None]:
        """The first pass, and the best label; None without ink."""
        first, best = self._searched(image, width)
        return first, self._prior.argued(best) if best else None

    def _searched(self, image: Readable, width: int) -> tuple[Pass | None, Ranked | None]:
        """The same before functions are given their arguments.

        Graph models join in stages until the margin is large. A file without graph model has a
        second pass with its decoder.
        """
        measured = measure(image)
        first = self._pass(image, self._symbol, width, measured)
        if first is None:
            return None, None
        passes, graphs, proposed = [first], list[GraphScorer](), list[Label]()
        best = None
        for graphs in self._graphs.cascade(image, measured):
            draft = () if best else first.found[0].units  # where it was unsure, all is searched
            proposed += graphs[-1].propose(self.units, allowed=self._allowed, draft=draft)
            best = rescore(passes, graphs, proposed, self._prior)
            if self._sure(best):
                return first, self._with_near(best, passes, graphs, self._prior)
        if best is not None:
            best = rescore(passes, graphs, proposed, self._careful_prior)
            best = self._repaired(best, passes, graphs, proposed)
            return first, self._with_near(best, passes, graphs, self._careful_prior)
        best = rescore(passes, prior=self._prior)
        if self._sure(best):
            return first, best
        passes += self._second_pass(image, first, width, measured)
        scorers = self._decoder_scorers(passes)
        best = rescore(passes, scorers, prior=self._careful_prior)
        return first, self._repaired(best, passes, scorers)

    def _sure(self, best: Ranked) -> bool:
        """Whether no further model is asked; of a label without competitors nothing is known."""
        leads = len(best.candidates) > 1 and best.margin >= MARGIN
        return leads and not self._prior.repaired(best)

    def _second_pass(
        self, image: Readable, first: Pass, width: int, measured: Measured | None
    ) -> list[Pass]:
        """A pass at a larger scale, if there is ink."""
        largest, smallest = SECOND_PASS_SCALES
        scale = math.sqrt(SECOND_PASS_PIXELS / first.prepared.pixels.size)
        symbol = self._symbol * min(largest, max(smallest, scale))
        second = self._pass(image, symbol, width, measured)
        return [second] if second else []

    def _repaired(
        self,
        best: Ranked,
        passes: Sequence[Pass],
        scorers: Sequence[Scorer],
        proposed: Sequence[Label] = (),
    ) -> Ranked:
        """The labels ranked anew if the best has unpaired brackets: those near it join."""
        repaired = self._prior.repaired(best)
        if not repaired:
            return best
        likely = ctc.likelihood(passes[0].frames, repaired).argsort()[::-1][:REPAIRED]
        also = [repaired[i] for i in likely]
        return rescore(passes, scorers, [*proposed, *also], self._careful_prior)

    def _with_near(
        self, best: Ranked, passes: Sequence[Pass], graphs: Sequence[GraphScorer], prior: LabelPrior
    ) -> Ranked:
        """The labels ranked anew with those near the best one, as far as they are likely."""
        if not best.units:
            return best
        choices = sum(each.weight * each.choices(best.units) for each in graphs)
        near = nearest(best.units, np.asarray(choices), self._symbols, self._prior)
        listed = [each.units for each in best.candidates]
        return rescore(passes, graphs, [*listed, *near], prior) if near else best

    @cached_property
    def _symbols(self) -> NDArray[np.bool_]:
        """Which of the units are one symbol that a label may hold."""
        known = symbols(self.units)
        return known if self._allowed is None else known & self._allowed

    @cached_property
    def _prior(self) -> LabelPrior:
        return LabelPrior(self.units, self._language, self._tokens)

    @cached_property
    def _careful_prior(self) -> LabelPrior:
        """With the Transformer, which takes longer, for what is unsure."""
        text = self._embedded.get(TRANSFORMER)
        if text is None:
            return self._prior
        transformer = LabelTransformer(_open_embedded(text))
        return LabelPrior(self.units, self._language, self._tokens, transformer)

    @cached_property
    def _language(self) -> LanguageModel | None:
        text = self._embedded.get(LANGUAGE)
        if text is None:
            return None
        try:
            return LanguageModel.unpacked(text)
        except Exception as error:  # base64, zlib, zipfile, NumPy
            raise _damaged(error) from error

    @cached_property
    def _decoder(self) -> Session | None:
        """Loaded on first use."""
        text = self._embedded.get(DECODER)
        return _open_embedded(text) if text else None

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

    def _confidence(self, best: Ranked, ink: bool) -> float:
        """The probability that the best label is right."""
        key = calibration_key(ink, bool(self._embedded))
        return confidence(best, self._calibration.get(key, UNCALIBRATED))


def _open_embedded(text: str) -> Session:
    """A session of an embedded model. Raises MissingError if it is damaged."""
    try:
        return _session(unpacked(text))
    except HmerError:
        raise
    except Exception as error:  # base64, zlib, ONNX Runtime
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        raise _damaged(error) from error


def _damaged(error: Exception) -> MissingError:
    reason = type(error).__name__
    return MissingError(f"the weights are damaged ({reason})", "see: hmer weights verify")


def _session(model: str | bytes) -> Session:
    return open_session(model)
