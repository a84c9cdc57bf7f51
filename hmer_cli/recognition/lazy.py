"""The Reader protocol, and a recogniser that loads its weights on first use.

Input: name and options of the weights; output: readings of images, as of
`hmer_cli.recognition.recogniser.Recogniser`. It can be pickled and is safe in threads; those that
were unpickled in one process share what they load.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from hmer_cli.errors import MissingError, UsageError
from hmer_cli.ink.render import Readable
from hmer_cli.models.registry import resolve, sha256_of
from hmer_cli.recognition.charset import charset as tokens_of
from hmer_cli.recognition.reading import Reading

if TYPE_CHECKING:
    from hmer_cli.recognition.canvas_recogniser import CanvasRecogniser
    from hmer_cli.recognition.expression_recogniser import ExpressionRecogniser

    AnyRecogniser = ExpressionRecogniser[Any] | CanvasRecogniser

_SHARED = 2  # weights that a process keeps for those that are unpickled there # convention
_LOADING = Lock()  # lest its threads load the same at once


class Reader(Protocol):
    """The interface of a recogniser that the pipeline depends on."""

    @property
    def model(self) -> str:
        """The name of the weights."""
        ...

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        """One reading per image, in their order."""
        ...


@runtime_checkable
class TellsCertainty(Protocol):
    """A reader that can also compare the orientations of a page; other readers turn no page."""

    def certainty(self, images: Sequence[Readable]) -> list[float]:
        """How clear each image is, a mean log-probability, at a fifth of the cost of reading."""
        ...


@runtime_checkable
class ReadsPages(Protocol):
    """A reader to whom the expressions of a page tell of each other; others read each alone."""

    def read_pages(self, pages: Sequence[Sequence[Readable]]) -> list[list[Reading]]:
        """The readings of the images of each page, in their order."""
        ...


@runtime_checkable
class HasCharset(Protocol):
    """A reader that may be restricted to a character set; others have all tokens."""

    @property
    def charset(self) -> frozenset[str] | None:
        """Its tokens; None for all."""
        ...


def allowed_tokens(reader: Reader) -> frozenset[str] | None:
    """The tokens of the reader's character set; None where it has none."""
    return reader.charset if isinstance(reader, HasCharset) else None


class LazyRecogniser:
    """The recogniser with these weights and character set, loaded on first use.

    Without ``rescoring`` only the CTC model is used; ``threads`` read at a time, one a core if
    unset. The constructor raises MissingError for unknown weights and UsageError for an unknown
    character set.
    """

    def __init__(
        self,
        model: str | None = None,
        charset: str | None = None,
        rescoring: bool = True,
        threads: int | None = None,
    ) -> None:
        self._path = resolve(model).absolute()  # the current folder may be another at the first use
        self._lock = Lock()
        self._loaded: AnyRecogniser | None = None
        self._shares = False
        self._rescoring = rescoring
        self._threads = threads
        self._charset = charset
        self._tokens = sorted(tokens_of(charset)) if charset is not None else None

    @cached_property
    def identity(self) -> str:
        """SHA-256 of the weights, and the options: equal identities give equal readings.

        Raises MissingError where they are gone.
        """
        rescoring = "" if self._rescoring else " CTC alone"
        weights = _digest(self._path, _stamp(self._path))
        return f"{weights} {self._charset} {self._tokens}{rescoring}"

    @property
    def charset(self) -> frozenset[str] | None:
        """The tokens of the character set; None for all."""
        return None if self._tokens is None else frozenset(self._tokens)

    @property
    def model(self) -> str:
        """The name of the weights."""
        return self._recogniser.model + ("" if self._rescoring else " (CTC alone)")

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        """One reading an image, in their order."""
        return self._recogniser.read(images)

    def read_pages(self, pages: Sequence[Sequence[Readable]]) -> list[list[Reading]]:
        """The readings of the images of each page, in their order."""
        return self._recogniser.read_pages(pages)

    def certainty(self, images: Sequence[Readable]) -> list[float]:
        """How clear each image is, a mean log-probability."""
        return self._recogniser.certainty(images)

    @property
    def _recogniser(self) -> AnyRecogniser:
        """Loaded once, under a lock."""
        with self._lock:
            if self._loaded is None:
                stamp, options = _stamp(self._path), (self._rescoring, self._threads)
                if self._shares:
                    tokens = tuple(self._tokens or ())
                    with _LOADING:
                        self._loaded = _shared(self._path, stamp, tokens, self._charset, *options)
                else:
                    self._loaded = load(self._path, self._charset, *options)
            return self._loaded

    def __getstate__(self) -> dict[str, Any]:
        """All but the loaded weights, and what they are: they may be others there."""
        kept = {name: value for name, value in self.__dict__.items() if name != "identity"}
        return {**kept, "_lock": None, "_loaded": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Not loaded, with a new lock: a pool of processes sends a copy with each task."""
        self.__dict__.update(state, _lock=Lock(), _shares=True)


@lru_cache(maxsize=_SHARED)
def _shared(
    path: Path,
    stamp: tuple[int, int],
    tokens: tuple[str, ...],
    charset: str | None,
    rescoring: bool,
    threads: int | None,
) -> AnyRecogniser:
    """As `load`; of equal arguments one a process."""
    return load(path, charset, rescoring, threads)


@lru_cache(maxsize=_SHARED)
def _digest(path: Path, stamp: tuple[int, int]) -> str:
    return sha256_of(path)


def _stamp(path: Path) -> tuple[int, int]:
    """The time and the size of the file, which tell whether it was replaced. Raises
    MissingError."""
    try:
        found = path.stat()
    except OSError as error:
        what = f"the weights {path} cannot be read ({error.strerror})"
        raise MissingError(what, "put them back, or give others") from error
    return found.st_mtime_ns, found.st_size


def load(
    path: Path,
    charset: str | None = None,
    rescoring: bool = True,
    threads: int | None = None,
) -> AnyRecogniser:
    """The recogniser in a weights file; its options are those of `LazyRecogniser`.

    Raises MissingError where the file holds none, UsageError where it has no CTC model but nothing
    else is wanted.
    """
    from hmer_cli.recognition.canvas_recogniser import CanvasRecogniser
    from hmer_cli.recognition.graph_recogniser import GraphRecogniser
    from hmer_cli.recognition.recogniser import Recogniser
    from hmer_cli.recognition.weights_file import CANVAS, GRAPH_ALONE, WeightsFile, refusing

    with refusing(path):
        file = WeightsFile.open(path)
        if CANVAS in file.metadata:
            return CanvasRecogniser(file, charset, threads, rescoring)
        if GRAPH_ALONE in file.metadata:
            if not rescoring:
                raise UsageError(f"{path} has no CTC model", "leave --ctc out")
            return GraphRecogniser(file, charset, threads)
        return Recogniser.of(file, threads, charset, rescoring)
