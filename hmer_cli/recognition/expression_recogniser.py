"""What recognisers of n-best lists have in common: graph models, priors, pages, confidences.

Input: images (H, W) of one expression each, or ink. Output: a `Reading` each. Method: graph models
propose labels, whose scores are added (`hmer_cli.recognition.rescoring`) to their prior
(`hmer_cli.recognition.label_prior`). Where the margin of the best label is small, further models
join; in the end labels with other symbols do (`hmer_cli.recognition.near_labels`). What proposes
labels besides and where their tokens stand is a matter of the subclass.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from hmer_cli.errors import HmerError, MissingError, is_out_of_memory
from hmer_cli.expr.tokens import join
from hmer_cli.geometry import Box
from hmer_cli.ink.render import InkImage, Readable
from hmer_cli.models.embedded import unpacked
from hmer_cli.models.session import Session, cores, open_session
from hmer_cli.recognition.beam_search import is_label
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
from hmer_cli.recognition.prepare import Measured
from hmer_cli.recognition.reading import EMPTY_READING, Reading, TokenReading
from hmer_cli.recognition.rescoring import Label, Pass, Ranked, Scorer, rescore
from hmer_cli.recognition.scorer_sets import GraphModels
from hmer_cli.recognition.thread_pool import ThreadPool
from hmer_cli.recognition.units import Units

LANGUAGE, TRANSFORMER = LANGUAGE_MODELS = "hmer.language", "hmer.transformer"
"""Metadata keys of the language models: a `LanguageModel.packed`, an embedded ONNX model."""

MARGIN = math.log(0.99 / 0.01)
"""The margin (log-odds) below which further models are asked.

Three in five images of CROHME test2014 are above, and seven in ten inks. With 0.9 for 0.99 it is
four in five images, and as many are right, but ``\\langle`` and ``\\overline``, rare in CROHME,
were no longer read in any hand.
"""

REPAIRED = 12  # convention
"""Labels with more paired brackets that are proposed in place of one with unpaired brackets."""

Evidence = TypeVar("Evidence")
"""What a subclass keeps of the search for the best label, to find its tokens in the image."""


class ExpressionRecogniser(ABC, Generic[Evidence]):
    """A loaded weights file.

    ``metadata`` is the JSON object of the file; ``model`` its name, followed by that of the
    character set, if any; ``embedded`` the other entries of the file. ``graphs`` are its graph
    models, ``width`` is the default of the beam search, ``threads`` the number of images read in
    parallel.
    """

    def __init__(
        self,
        metadata: dict[str, Any],
        embedded: Mapping[str, str],
        graphs: GraphModels,
        width: int,
        charset: str | None = None,
        threads: int | None = None,
    ) -> None:
        self._embedded, self._graphs, self._width = embedded, graphs, width
        self._pool = ThreadPool(threads or cores())
        self.metadata = metadata
        self.model: str = metadata["name"] + (f" ({charset})" if charset else "")
        self.units = Units(metadata["tokens"])
        self._allowed = None
        self._tokens = set(self.units.tokens)
        if charset is not None:
            known = tokens_of(charset)
            self._tokens &= set(known)
            self._allowed = np.array([known.issuperset(name.split()) for name in self.units.names])
        self._calibration: Calibration = metadata.get("calibration", {})

    def read(self, images: Sequence[Readable], width: int | None = None) -> list[Reading]:
        """One reading per image, in their order.

        Images are (H, W) uint8, dark ink on white paper, one expression each, or `InkImage` with
        strokes, which are recognised better. ``width`` is that of the beam search. Images do not
        influence each other's readings.
        """
        return list(self._pool.map(lambda image: self._reading(image, width), images))

    def read_pages(self, pages: Sequence[Sequence[Readable]]) -> list[list[Reading]]:
        """The readings of the images of each page, which influence each other.

        The n-best list of each image is ranked anew by the language model with the symbols of the
        other readings of its page.
        """
        images = [image for page in pages for image in page]
        ranked = iter(list(self._pool.map(lambda image: self._ranked(image, self._width), images)))
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

    def rank(self, images: Sequence[Readable], width: int | None = None) -> list[Ranked | None]:
        """The best label of each image with its scores; None for an image without ink."""
        found = self._pool.map(lambda image: self._ranked(image, width or self._width), images)
        return [ranked for _, ranked in found]

    def certainty(self, images: Sequence[Readable]) -> list[float]:
        """How clear each image is, a mean log-probability; -inf without ink."""
        return list(self._pool.map(self._certainty, images))

    @abstractmethod
    def _certainty(self, image: Readable) -> float:
        """That of one image."""

    @abstractmethod
    def _searched(self, image: Readable, width: int) -> tuple[Evidence | None, Ranked | None]:
        """The n-best list of an image, and what `_places` needs; None without ink."""

    @abstractmethod
    def _places(self, evidence: Evidence, label: Label) -> list[tuple[float, Box]]:
        """The confidence and the box of each unit of a label."""

    def _reading(self, image: Readable, width: int | None) -> Reading:
        return self._told(image, *self._ranked(image, width or self._width))

    def _ranked(self, image: Readable, width: int) -> tuple[Evidence | None, Ranked | None]:
        """The same as of `_searched`, each label in its canonical spelling."""
        evidence, best = self._searched(image, width)
        return evidence, self._prior.spelt(best) if best else None

    def _told(self, image: Readable, evidence: Evidence | None, best: Ranked | None) -> Reading:
        if evidence is None or best is None or not best.units:
            return EMPTY_READING
        tokens = []
        for unit, place in zip(best.units, self._places(evidence, best.units), strict=True):
            tokens += [TokenReading(token, *place) for token in self.units.decode([unit])]
        sure = self._confidence(best, isinstance(image, InkImage))
        label = join(t.token for t in tokens)
        return Reading(label, sure, tuple(tokens), alternatives(best, self.units, sure))

    def _by_graphs(
        self,
        image: Readable,
        measured: Measured | None = None,
        passes: Sequence[Pass] = (),
        draft: Label = (),
        width: int | None = None,
    ) -> tuple[list[GraphScorer], Ranked | None]:
        """The graph models that were asked, and the n-best list; None if there are none.

        They join in stages until the margin is large. The first search begins with the ``draft``.
        """
        graphs, proposed = list[GraphScorer](), list[Label]()
        best = None
        beam = {"width": width} if width else {}
        for graphs in self._graphs.cascade(image, measured):
            begin = () if best else draft  # where it was unsure, all is searched
            proposed += graphs[-1].propose(self.units, allowed=self._allowed, draft=begin, **beam)
            best = rescore(passes, graphs, proposed, self._prior)
            if self._sure(best):
                return graphs, self._with_near(best, passes, graphs, self._prior)
        if best is None:
            return graphs, None
        best = rescore(passes, graphs, proposed, self._careful_prior)
        best = self._repaired(best, passes, graphs, proposed)
        return graphs, self._with_near(best, passes, graphs, self._careful_prior)

    def _sure(self, best: Ranked) -> bool:
        """Whether no further model is asked; of a label without competitors nothing is known."""
        leads = len(best.candidates) > 1 and best.margin >= MARGIN
        return leads and not self._prior.repaired(best)

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
        first = passes[0].likelihood(repaired) if passes else scorers[0](repaired)
        also = [repaired[i] for i in first.argsort()[::-1][:REPAIRED]]
        return rescore(passes, scorers, [*proposed, *also], self._careful_prior)

    def _with_near(
        self, best: Ranked, passes: Sequence[Pass], graphs: Sequence[GraphScorer], prior: LabelPrior
    ) -> Ranked:
        """The labels ranked anew with those near the best one, as far as they are likely."""
        if not best.units:
            return best
        choices = sum(each.weight * each.choices(best.units) for each in graphs)
        valid = partial(is_label, units=self.units)
        near = nearest(best.units, np.asarray(choices), self._symbols, self._prior, valid)
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
        transformer = LabelTransformer(open_embedded(text))
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

    def _confidence(self, best: Ranked, ink: bool) -> float:
        """The probability that the best label is right."""
        key = calibration_key(ink, bool(self._embedded))
        return confidence(best, self._calibration.get(key, UNCALIBRATED))


def open_embedded(text: str) -> Session:
    """A session of an embedded model. Raises MissingError if it is damaged."""
    try:
        return open_session(unpacked(text))
    except HmerError:
        raise
    except Exception as error:  # base64, zlib, ONNX Runtime
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        raise _damaged(error) from error


def _damaged(error: Exception) -> MissingError:
    reason = type(error).__name__
    return MissingError(f"the weights are damaged ({reason})", "see: hmer weights verify")
