"""A training recipe: what a TOML file in `train/recipes` says, with a default for all of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from hmer_cli.errors import UsageError
from hmer_cli.training.augment.degradation import Degradation
from hmer_cli.training.augment.ink import Spread

KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "array": "a list",
    "object": "a table",
    "bool": "true or false",
}
"""What the kinds of values are called in messages."""


@dataclass(frozen=True)
class Drawing:
    """How examples become images.

    Symbol sizes are pixels and grow from ``small`` to the reader's own size, the share of
    sub-expressions falls from ``parts[0]`` to ``parts[1]``, both until ``grown`` of the run.
    ``zoom`` is the standard deviation of the log of the scale; ``pen`` the width of the line;
    ``degraded`` the share of images that are made to look like scans and photos, ``bilevel`` that
    of those in nothing but black and white, ``moved`` of those with the motion of the pen;
    ``components`` and ``pieces`` are the shares of expressions that graph readers see as images,
    by their connected components and by the strokes of their skeletons. ``degradation`` is what
    happens to degraded ones.
    """

    small: float = 14.0
    parts: tuple[float, float] = (0.7, 0.35)
    grown: float = 0.85
    zoom: float = 0.16
    pen: tuple[float, float] = (1.2, 3.6)
    degraded: float = 0.0
    bilevel: float = 0.0
    moved: float = 0.0
    components: float = 0.0
    pieces: float = 0.0
    degradation: Degradation = field(default_factory=Degradation)

    @property
    def images(self) -> float:
        """The share of expressions that graph readers see as images."""
        return self.components + self.pieces


@dataclass(frozen=True)
class Canvas:
    """The picture of the seed's systems: the whole expression, stretched over one fixed size.

    ``height``, ``width``, ``padding`` and ``pen`` are pixels, ``rotation`` a standard
    deviation in degrees; ``brightness`` and ``contrast`` are how far from 1 their factors go.
    """

    height: int = 64
    width: int = 512
    padding: int = 8
    pen: float = 2.0
    rotation: float = 1.5
    brightness: float = 0.2
    contrast: float = 0.2


@dataclass(frozen=True)
class Recomposition:
    """New expressions laid out from the ink of the training symbols.

    ``share`` of all examples are such, and of the others ``grafted`` have some signs exchanged
    for those of other writers; their labels come from the files ``formulas``, from the
    training labels and from random trees, more symbols from the files ``symbols`` (MathBrush,
    UNIPEN, detexify), all named beside the data; one file may stand without a list.
    ``own`` of the new ones are in our own hand, in ``touching`` signs stand so near that many
    touch. ``alone``: nothing else is learnt from, and the data is the folder of these files.
    ``vocabulary``, named beside the recipe, widens that of the labels. Of
    ``tries`` labels the one with the rarest token is written.
    """

    share: float = 0.0
    grafted: float = 0.0
    tries: int = 1
    own: float = 0.0
    touching: float = 0.0
    alone: bool = False
    formulas: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    vocabulary: str = ""


@dataclass(frozen=True)
class Losses:
    """How much each loss counts beside the others; the chances of smoothing and corruption.

    ``first`` is the CTC loss of the first pass, ``ctc`` that of the second.
    """

    ctc: float = 1.0
    first: float = 0.5
    decoder: float = 1.0
    symbols: float = 2.0
    presence: float = 1.0
    precedence: float = 1.0
    background: float = 0.1
    smoothing: float = 0.1
    corruption: float = 0.1


@dataclass(frozen=True)
class Schedule:
    """The length of the run in images, and how the weights move.

    The run ends after ``images``, or after so many ``minutes`` if that comes first and is not 0.
    ``pixels`` is the size of a batch of each process, of graph readers in nodes, ``pool`` the
    images among which those of like size are sought, ``rate`` AdamW's peak learning rate, reached
    after ``warmup`` steps and left along a cosine; with a ``plateau``, the rate stays and halves
    after so many scores at which the loss on the validation set was not lower. What graph readers
    learn from is shown to them ``shown`` times, each as it was drawn once. ``average`` is the
    decay of the averaged weights, which are the ones kept. The score is taken every ``interval``
    images, on one in ``scored`` of the validation set; ``patience`` scores without a better one end
    the run.
    """

    images: int = 200_000
    minutes: float = 0.0
    interval: int = 15_000
    scored: int = 1
    patience: int = 10
    pixels: int = 160_000
    pool: int = 1536
    rate: float = 6e-4
    warmup: int = 400
    plateau: int = 0
    shown: int = 1
    decay: float = 0.03
    clip: float = 2.0
    average: float = 0.999


@dataclass(frozen=True)
class Own:
    """How data sets given with ``--more`` are learnt from beside the data, to adapt to one writer.

    ``share`` is theirs of all that is learnt from, however few they are; at 0 every sample counts
    alike. One sample in ``held`` is not learnt from but scored, beside the validation set; at 0
    none is.
    """

    share: float = 0.0
    held: int = 0


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run, beside the data.

    ``family`` is the kind of recogniser, one of `hmer_cli.training.registry`, ``model`` what its
    dimensions are.
    ``split``, ``valid`` and ``calibration`` name the parts of the data that are learnt from,
    that choose the best weights, and that confidence is fitted on; the last two may be empty.
    ``symbol`` is the size in pixels at which the trained model is to read: a little more than
    that of training reads better.
    """

    name: str
    family: str = "reader"
    seed: int = 1
    split: str = "train"
    valid: str = "test2014"
    calibration: str = "test2013"
    symbol: float = 24.0
    skipped: float = 0.0
    dropped: float = 0.0
    model: dict[str, Any] = field(default_factory=dict)
    schedule: Schedule = field(default_factory=Schedule)
    drawing: Drawing = field(default_factory=Drawing)
    canvas: Canvas = field(default_factory=Canvas)
    spread: Spread = field(default_factory=Spread)
    own: Own = field(default_factory=Own)
    recomposition: Recomposition = field(default_factory=Recomposition)
    losses: Losses = field(default_factory=Losses)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for the checkpoint and the weights."""
        return asdict(self)


def load(path: Path, changes: Iterable[str] = ()) -> Recipe:
    """The recipe in a TOML file, whose name is the file's, with ``changes`` to it.

    A change is ``TABLE.KEY=VALUE`` or ``KEY=VALUE``, as ``schedule.images=20_000``.

    Raises:
        UsageError: the file is not there or no TOML, or it or a change names something no recipe
            has, or gives it a value of the wrong kind.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "give a recipe, see train/recipes") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no recipe: {error}", "mend the TOML") from error
    for change in changes:
        _change(content, change)
    return parse({"name": path.stem, **content}, str(path))


def parse(content: Mapping[str, Any], where: str) -> Recipe:
    """The recipe that plain data holds, as from TOML or `Recipe.to_dict`; raises UsageError."""
    import msgspec

    try:
        return msgspec.convert(_checked(Recipe, content, where), Recipe)
    except msgspec.ValidationError as error:
        told, _, place = str(error).partition(" - at `$.")
        for kind, words in KINDS.items():
            told = told.replace(f"`{kind}`", words)
        raise UsageError(f"{where}: {place.rstrip('`')}: {told}", "mend the value") from error


def _change(content: dict[str, Any], change: str) -> None:
    """Set what ``TABLE.KEY=VALUE`` says; the value is TOML, or else text as it stands."""
    key, equals, text = change.partition("=")
    *tables, last = (part.strip() for part in key.split("."))
    if not equals or not last:
        raise UsageError(f"--set {change!r} sets nothing", "write it as schedule.images=20000")
    for table in tables:
        content = content.setdefault(table, {})
        if not isinstance(content, dict):
            raise UsageError(f"--set {change!r}: {table} is no table", "see train/recipes")
    try:
        content[last] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        content[last] = text.strip()


def _checked(table: type[Any], content: Any, where: str) -> dict[str, Any]:
    """The content where all keys are those of the table, which msgspec passes over otherwise.

    2e6 becomes a whole number where the table has one. Raises UsageError.
    """
    if not isinstance(content, Mapping):
        raise UsageError(f"{where} is no table", "give it keys and values")
    kinds, checked = get_type_hints(table), dict[str, Any]()
    for key, value in content.items():
        if key not in kinds:
            raise UsageError(f"{where} has no {key!r}", f"use one of: {', '.join(sorted(kinds))}")
        if is_dataclass(kinds[key]):
            value = _checked(kinds[key], value, f"{where}: [{key}]")
        elif kinds[key] is int and isinstance(value, float) and value.is_integer():
            value = int(value)
        elif kinds[key] == tuple[str, ...] and isinstance(value, str):
            value = [value] if value else []
        checked[key] = value
    return checked
