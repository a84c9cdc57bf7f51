"""The recogniser on ONNX Runtime: images in, labels with confidence and places out."""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmer_cli.errors import INTERRUPTED, HmerError, MissingError, is_out_of_memory
from hmer_cli.expr.brackets import unpaired
from hmer_cli.expr.tokens import join
from hmer_cli.ink.render import InkImage, Readable
from hmer_cli.models.embedded import unpacked
from hmer_cli.models.registry import resolve
from hmer_cli.models.session import Session, open_session
from hmer_cli.recognition import ctc
from hmer_cli.recognition.charset import charset as tokens_of
from hmer_cli.recognition.graph_decoder import GraphScorer
from hmer_cli.recognition.prepare import Prepared, prepare
from hmer_cli.recognition.reading import Alternative, Reading, TokenReading
from hmer_cli.recognition.rescoring import LENGTH_BONUS, DecoderScorer, Label, Pass, Ranked, rescore
from hmer_cli.recognition.scale import CELL, SYMBOL
from hmer_cli.recognition.scorer_sets import (
    IMAGE,
    IMAGE_UNSURE,
    INK,
    INK_UNSURE,
    SCORERS,
    GraphReaders,
)
from hmer_cli.recognition.units import Units

METADATA = "hmer"
"""The key under which the weights file holds its vocabulary, geometry, recipe and metrics."""

DECODER = "hmer.decoder"
"""The key under which it holds the decoder, a `packed` model."""

ROOM = (2 * CELL, CELL)
"""Images are padded to multiples of this, height and width."""

SURE, SURE_OF_STROKES = (math.log(p / (1 - p)) for p in (0.8, 0.99))
"""Where no label leads by so much at the first look, there is a second, closer one.

More is asked of a lead by strokes, as the components of ink have their say only after it.
"""

CLOSER = 1.5, 1.15
"""How much larger the second look sees the symbols, at most and at least.

Small symbols beside large brackets need the one; the other is for images that would grow beyond
AMPLE pixels, as time and memory grow with the square of them.
"""

AMPLE = 120_000

ROUGH = 0.7
"""How much smaller symbols are where only the certainty of CTC is asked: half the time."""

WIDTH = 20
"""Hypotheses that the beam keeps of each look."""

UNPAIRED = 8.0  # chosen on CROHME test2014 and scanned crops
"""What a label loses for each bracket without a partner; its log-probability counts beside it."""

FRANK = 1.0, 0.0, 0.0
"""How much the odds of CTC, the lead and their offset count for a confidence not yet calibrated."""

ALTERNATIVES = 4  # convention: five labels in all
"""Other labels than the best one that a reading holds, at most."""

AMONG_OTHERS, SPREAD = 0.45, 4.0  # chosen on CROHME test2013, ink and images
"""How often one of the others is right where the best is not; what their scores are divided by."""

NOTHING = Reading("", 0.0)
"""What an image without ink gives."""


class Recogniser:
    """A trained model ready to read.

    ``metadata`` is what the weights file says of itself; ``model`` its name, with that of the
    character set that it is limited to.
    """

    def __init__(
        self,
        session: Session,
        metadata: dict[str, Any],
        judges: Mapping[str, str],
        charset: str | None = None,
        threads: int | None = None,
    ) -> None:
        self._session, self._judges = session, judges
        self._outputs = [output.name for output in session.get_outputs()]
        self._channels: int = session.get_inputs()[0].shape[1]
        self._pool = ThreadPoolExecutor(threads or os.cpu_count() or 1)
        self._large = threading.Lock()  # one at a time, for the memory that they take
        self.metadata = metadata
        self.model: str = metadata["name"] + (f" ({charset})" if charset else "")
        self.units = Units(metadata["tokens"])
        self._kept = None
        if charset is not None:
            known = tokens_of(charset)
            self._kept = np.array([known.issuperset(name.split()) for name in self.units.names])
        self._symbol: float = metadata.get("symbol", SYMBOL)
        self._graphs = GraphReaders(judges, _embedded, metadata.get(SCORERS))
        self._calibration: Mapping[str, Sequence[float]] = metadata.get("calibration", {})

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
            judges = {key: text for key, text in found.items() if rescoring and key != METADATA}
            return cls(session, metadata, judges, charset, threads)
        except HmerError:
            raise
        except Exception as error:  # ONNX Runtime's own errors share no base class
            if INTERRUPTED.is_set():
                raise KeyboardInterrupt from error
            if is_out_of_memory(error):
                raise MemoryError(str(error)) from error
            raise MissingError(
                f"{path} holds no weights of hmer", "see: hmer weights verify"
            ) from error

    def read(self, images: Sequence[Readable], width: int = WIDTH) -> list[Reading]:
        """One reading an image, in their order.

        Images are (H, W), dark ink on white paper, one expression each; those that know how they
        were written are read better. ``width`` is that of the beam. Each is read by itself, so
        that what it gives depends on nothing else.
        """
        return list(self._pool.map(lambda image: self._reading(image, width), images))

    def choose(self, images: Sequence[Readable], width: int = WIDTH) -> list[Ranked | None]:
        """The label chosen for each image and what speaks for it; None where there is no ink."""
        found = self._pool.map(lambda image: self._chosen(image, width), images)
        return [choice for _, choice in found]

    def certainty(self, images: Sequence[Readable]) -> list[float]:
        """The mean log-probability of CTC's best path over each; -inf where there is no ink."""
        return list(self._pool.map(self._certainty, images))

    def _certainty(self, image: Readable) -> float:
        prepared = prepare(image, ROUGH * self._symbol)
        if prepared is None:
            return -math.inf
        return float(self._run(prepared)["frames"][0].max(axis=1).mean())

    def _reading(self, image: Readable, width: int) -> Reading:
        look, best = self._chosen(image, width)
        if look is None or best is None or not best.units:
            return NOTHING
        tokens = []
        for unit, place in zip(best.units, ctc.align(look.frames, best.units), strict=True):
            box = look.box(place, self._symbol)
            tokens += [TokenReading(t, place.confidence, box) for t in self.units.decode([unit])]
        sure = self._confidence(best, isinstance(image, InkImage))
        label = join(t.token for t in tokens)
        return Reading(label, sure, tuple(tokens), self._alternatives(label, best, sure))

    def _alternatives(self, label: str, best: Ranked, sure: float) -> tuple[Alternative, ...]:
        """The likeliest other labels, which share what probability the best one leaves."""
        behind: dict[str, float] = {}
        for units, score in best.others:  # of two spellings in units, the likelier one
            behind.setdefault(join(self.units.decode(units)), score)
        behind.pop(label, None)
        if not behind:
            return ()
        shares = np.exp(np.array(list(behind.values())) / SPREAD)
        shares *= (1 - sure) * AMONG_OTHERS / shares.sum()
        found = zip(behind, shares.tolist(), strict=True)
        return tuple(Alternative(other, min(share, sure)) for other, share in found)[:ALTERNATIVES]

    def _chosen(self, image: Readable, width: int) -> tuple[Pass | None, Ranked | None]:
        """The first look, and what it and the graph reader say where they are sure.

        Else what they say with a closer look, and with further judges; without a graph reader, the
        decoder judges then.
        """
        look = self._look(image, self._symbol, width)
        if look is None:
            return None, None
        strokes = self._graphs.scorers(image, INK) if isinstance(image, InkImage) else []
        judges = strokes or self._graphs.scorers(image, IMAGE)
        proposed = self._proposed(judges)
        best = rescore([look], judges, proposed, self._prior)
        if best.units and best.margin >= (SURE_OF_STROKES if strokes else SURE):
            return look, best
        further = self._graphs.scorers(image, INK_UNSURE if strokes else IMAGE_UNSURE)
        judges, proposed = judges + further, proposed + self._proposed(further)
        grown = math.sqrt(AMPLE / look.prepared.pixels.size)
        factor = min(CLOSER[0], max(CLOSER[1], grown))
        closer = self._look(image, self._symbol * factor, width)
        looks = [look, closer] if closer else [look]
        return look, rescore(looks, judges or self._decoder_judges(looks), proposed, self._prior)

    def _prior(self, labels: Sequence[Label]) -> NDArray[np.float64]:
        return np.array([-UNPAIRED * unpaired(self.units.decode(label)) for label in labels])

    def _proposed(self, judges: Sequence[GraphScorer]) -> list[Label]:
        return [x for judge in judges for x in judge.propose(self.units, allowed=self._kept)]

    @cached_property
    def _decoder(self) -> Session | None:
        """Loaded when it is first asked: who does not need it starts sooner."""
        text = self._judges.get(DECODER)
        return _embedded(text) if text else None

    def _decoder_judges(self, looks: Sequence[Pass]) -> list[DecoderScorer]:
        return [DecoderScorer(self._decoder, looks)] if self._decoder else []

    def _look(self, image: Readable, symbol: float, width: int) -> Pass | None:
        """The image with symbols of this size in pixels; None where there is no ink."""
        prepared = prepare(image, symbol)
        if prepared is None:
            return None
        said = self._run(prepared)
        frames, places = self._limited(said.pop("frames")[0]), said.pop("places")[0]
        found = ctc.beam(frames, self.units, width, LENGTH_BONUS)
        return Pass(prepared, frames, places, said, found)

    def _run(self, p: Prepared) -> dict[str, NDArray[np.float32]]:
        """All outputs of the model by their names."""
        height, width = p.pixels.shape
        room = -(-height // ROOM[0]) * ROOM[0], -(-width // ROOM[1]) * ROOM[1]
        image = np.zeros((1, self._channels, *room), np.float32)
        image[0, 0, :height, :width] = p.pixels / np.float32(255)
        if p.motion is not None and self._channels > 1:
            image[0, 1:, :height, :width] = p.motion / np.float32(127)
        feed = {"images": image, "sizes": np.array([p.cells], np.int64)}
        with self._large if p.pixels.size > AMPLE else nullcontext():
            found = self._session.run(self._outputs, feed)
        return dict(zip(self._outputs, found, strict=True))

    def _limited(self, frames: ctc.Frames) -> ctc.Frames:
        """The probabilities shared out among the units of the character set."""
        if self._kept is None:
            return frames
        frames = np.where(self._kept, frames, -np.inf)
        most = frames.max(axis=1, keepdims=True)
        total: ctc.Frames = np.exp(frames - most).sum(axis=1, keepdims=True)
        return frames - most - np.log(total)

    def _confidence(self, choice: Ranked, written: bool) -> float:
        """The probability that the label is right (Platt, 1999)."""
        odds, lead, offset = self._calibration.get(basis(written, bool(self._judges)), FRANK)
        return 1 / (1 + math.exp(-(odds * choice.odds + lead * choice.margin + offset)))


def basis(written: bool, rescoring: bool) -> str:
    """What an answer rests on, by its name in the metadata: each has a calibration of its own."""
    return ("ink" if written else "image") + ("" if rescoring else ", CTC alone")


def _embedded(text: str) -> Session:
    """A session for a `packed` model. Raises MissingError where it is damaged."""
    try:
        return _session(unpacked(text))
    except HmerError:
        raise
    except Exception as error:  # base64, zlib, ONNX Runtime
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        raise MissingError(
            f"the weights are damaged ({type(error).__name__})", "see: hmer weights verify"
        ) from error


def _session(model: str | bytes) -> Session:
    return open_session(model, arena=False)
