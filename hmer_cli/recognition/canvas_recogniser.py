"""Recognisers of a whole expression on a fixed canvas, on ONNX Runtime.

Input: images (H, W) or ink. Output: a `Reading` each. These are the CRNNs of Monawwar and Chung
(2025), read by CTC prefix beam search, and the Transformer, whose beam search proposes labels that
the CTC head of its encoder then scores, too (Watanabe et al., IEEE JSTSP 2017). Their networks are
`hmer_cli.networks.crnn` and `hmer_cli.networks.transformer`. Confidences are not calibrated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hmer_cli.expr.tokens import join
from hmer_cli.expr.tree import canonical
from hmer_cli.ink.render import Image, Readable
from hmer_cli.models.embedded import unpacked
from hmer_cli.models.session import Session, cores, open_session
from hmer_cli.recognition import ctc
from hmer_cli.recognition.beam_search import Step, beam_search
from hmer_cli.recognition.canvas import CanvasSize, on_canvas
from hmer_cli.recognition.charset import charset as tokens_of
from hmer_cli.recognition.reading import Alternative, Reading
from hmer_cli.recognition.rescoring import UNFIT, Label
from hmer_cli.recognition.thread_pool import ThreadPool
from hmer_cli.recognition.units import Units
from hmer_cli.recognition.weights_file import CANVAS, WeightsFile

STEP = "hmer.step"
"""Metadata key of the decoder step of a Transformer, an embedded ONNX model."""

BEAM_WIDTH = 10  # of Monawwar and Chung (2025)

ALTERNATIVES = 4  # convention, as in `hmer_cli.recognition.confidence`

CTC_WEIGHT = 0.3  # of Watanabe et al. (2017), 0.1 to 0.5 there
"""Weight of the CTC head in the score of a label of the Transformer; the decoder has the rest."""

LONGEST = 160
"""Maximal length in units of a label of the Transformer."""

Scored = tuple[Label, float]
"""The units of a label, and the log of its probability."""


class CanvasRecogniser:
    """A loaded weights file; see `hmer_cli.recognition.recogniser.Recogniser`.

    Without ``rescoring`` the decoder of a Transformer is not used, only its CTC head.
    """

    def __init__(
        self,
        file: WeightsFile,
        charset: str | None = None,
        threads: int | None = None,
        rescoring: bool = True,
    ) -> None:
        metadata = file.metadata
        step = file.embedded.get(STEP) if rescoring else None
        self._session = file.session
        self._step = open_session(unpacked(step)) if step else None
        self._pool = ThreadPool(threads or cores())
        self.metadata = metadata
        self.model: str = metadata["name"] + (f" ({charset})" if charset else "")
        self.units = Units(metadata["tokens"])
        self._size = CanvasSize(**metadata[CANVAS])
        self._barred = np.zeros(len(self.units), bool)
        if charset is not None:
            known = tokens_of(charset)
            self._barred[:] = [not known.issuperset(name.split()) for name in self.units.names]
        names = zip(self.units.names, self._barred, strict=True)
        self._allowed = {token for name, barred in names if not barred for token in name.split()}

    def read(self, images: Sequence[Readable], width: int = BEAM_WIDTH) -> list[Reading]:
        """One reading per image, in their order; ``width`` is that of the beam."""
        return list(self._pool.map(lambda image: self._reading(image, width), images))

    def read_pages(self, pages: Sequence[Sequence[Readable]]) -> list[list[Reading]]:
        """The readings of the images of each page, which do not influence each other."""
        return [self.read(page) for page in pages]

    def certainty(self, images: Sequence[Readable]) -> list[float]:
        """The mean log-probability of the best CTC path of each image; -inf without ink."""
        return [self._certainty(on_canvas(image, self._size)) for image in images]

    def _certainty(self, image: Image | None) -> float:
        return -math.inf if image is None else float(self._run(image)[0].max(axis=1).mean())

    def _reading(self, readable: Readable, width: int) -> Reading:
        image = on_canvas(readable, self._size)
        if image is None:
            return Reading("", 0.0)
        (best, score), *others = self._found(image, width)
        label, sure = self._label(best), min(1.0, math.exp(score))
        seen = {label: sure}
        for units, behind in others:
            seen.setdefault(self._label(units), min(sure, math.exp(behind)))
        listed = [Alternative(*each) for each in list(seen.items())[1 : ALTERNATIVES + 1]]
        return Reading(label, sure, alternatives=tuple(listed))

    def _label(self, units: Label) -> str:
        return join(canonical(self.units.decode(units), self._allowed))

    def _found(self, image: Image, width: int) -> list[Scored]:
        """The likeliest labels, best first; the empty label only where it is the best."""
        frames, *memory = self._run(image)
        if self._step is None:
            beams = ctc.beam(frames, self.units, width)
            found = [(each.units, each.score) for each in beams]
        else:
            step = _steps(self._step, memory[0], self._barred)
            found = transcribe(step, frames, self.units, width)
        return [*found[:1], *(each for each in found[1:] if each[0])]

    def _run(self, image: Image) -> list[NDArray[np.float32]]:
        """Frames (T, V), and the memory (layers, 2, 1, heads, N, d) of a Transformer."""
        frames, *memory = self._session.run(None, {"images": image[None, None]})
        return [np.where(self._barred, np.float32(-np.inf), frames[0]), *memory]


def transcribe(
    step: Step, frames: ctc.Frames, units: Units, width: int, longest: int = LONGEST
) -> list[Scored]:
    """Labels of the Transformer's beam search, ranked with the CTC head's ``frames`` (T, V).

    A search without any complete label gives its best prefix, with its groups closed.
    """
    complete, prefixes = beam_search(step, units, width, longest, count=width)
    if not complete:
        closing = (units.index(token) for token in prefixes[0].state.closing())
        return [((*prefixes[0].units, *closing), prefixes[0].score)]
    heard = np.maximum(ctc.likelihood(frames, [path.units for path in complete]), UNFIT)
    scored = [
        (path.units, (1 - CTC_WEIGHT) * path.score + CTC_WEIGHT * float(other))
        for path, other in zip(complete, heard, strict=True)
    ]
    return sorted(scored, key=lambda each: -each[1])


def _steps(session: Session, memory: NDArray[np.float32], barred: NDArray[np.bool_]) -> Step:
    """The decoder of one image, which keeps keys and values of the units before."""
    layers, both, _, heads, _, d = memory.shape
    past = np.zeros((layers, both, 1, heads, 0, d), np.float32)

    def step(last: Sequence[int], parents: Sequence[int]) -> NDArray[np.float32]:
        nonlocal past
        given = {"memory": memory, "past": past[:, :, list(parents)]}
        logs: NDArray[np.float32]
        logs, past = session.run(["logs", "now"], {**given, "units": np.array(last)[:, None]})
        return np.where(barred, np.float32(-np.inf), logs)

    return step
