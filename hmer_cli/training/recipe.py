"""Training recipes: TOML files in ``train/recipes``, with a default for every key.

Input: a file and changes (``key=value``). Output: a `Recipe`, validated by msgspec. Raises
UsageError for unknown keys and wrong types.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta

from hmer_cli.errors import UsageError
from hmer_cli.recognition.canvas import CanvasSize
from hmer_cli.training.augment.degradation import Degradation
from hmer_cli.training.augment.ink import Spread
from hmer_cli.training.quantities import (
    Amount,
    Count,
    Natural,
    Positive,
    Share,
    check_ranges,
)

KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "array": "a list",
    "object": "a table",
    "bool": "true or false",
}
"""Names of the types of values in messages."""


@dataclass(frozen=True)
class Drawing:
    """How examples are rendered.

    Attributes:
        small: symbol size in pixels at the start of the run; it grows to that of the model.
        parts: share of sub-expressions at the start, and after ``grown``.
        grown: share of the run until both have reached their final values.
        zoom: standard deviation of the log of the scale.
        pen: range of pen widths, in pixels.
        degraded: share of images that are degraded like scans and photos.
        bilevel: share of images in black and white.
        moved: share of images with pen motion channels.
        components: share of expressions for graph models as images, by connected components.
        pieces: the same, by strokes of their skeletons.
        degradation: parameters of the degradation.
    """

    small: Positive = 14.0
    parts: tuple[Share, Share] = (0.7, 0.35)
    grown: Positive = 0.85
    zoom: Amount = 0.16
    pen: tuple[Positive, Positive] = (1.2, 3.6)
    degraded: Share = 0.0
    bilevel: Share = 0.0
    moved: Share = 0.0
    components: Share = 0.0
    pieces: Share = 0.0
    degradation: Degradation = field(default_factory=Degradation)

    def __post_init__(self) -> None:
        check_ranges({"pen": self.pen})

    @property
    def images(self) -> float:
        """Share of expressions that are images for graph models."""
        return self.components + self.pieces


@dataclass(frozen=True)
class Canvas(CanvasSize):
    """The image of CRNN and Transformer: the whole expression, stretched to one fixed size.

    Augmented as by Monawwar and Chung (2025): ``rotation`` is a standard deviation in degrees;
    ``brightness`` and ``contrast`` the largest deviations of factors from 1.
    """

    rotation: Amount = 1.5
    brightness: Share = 0.2
    contrast: Share = 0.2


@dataclass(frozen=True)
class Recomposition:
    """New expressions laid out from the ink of the training symbols.

    Attributes:
        share: share of synthetic examples.
        grafted: share of the others in which symbols are substituted.
        tries: number of labels of which the one with the rarest token is written.
        own: share of synthetic examples in the stroke font.
        touching: share of synthetic examples in which symbols stand so near that many touch.
        habits: whether a synthetic example is by one hand, in the order in which people write, its
            scripts and limits as near as theirs.
        labels: shares of spans of formulas, of training labels with other symbols, of random trees
            and of exercises among the labels that are written.
        alone: train on synthetic examples only; the data is then the folder of the files below.
        formulas: files of LaTeX, beside the data; labels also come from training labels and
            random trees.
        symbols: files of isolated symbols, beside the data (MathBrush, UNIPEN, detexify).
        vocabulary: file beside the recipe that extends the vocabulary of the labels.
    """

    share: Share = 0.0
    grafted: Share = 0.0
    tries: Count = 1
    own: Share = 0.0
    touching: Share = 0.0
    habits: bool = False
    labels: tuple[Share, Share, Share, Share] = (0.35, 0.2, 0.15, 0.3)
    alone: bool = False
    formulas: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    vocabulary: str = ""


@dataclass(frozen=True)
class Losses:
    """Weights of the losses; label smoothing; probability of corrupted units in the decoder.

    ``first`` is the CTC loss of the first pass, ``ctc`` that of the second; ``background`` the
    weight of cells without a symbol; ``distillation``, of graph models, that of what the model
    itself says of the same expression as ink, which it learns to say of its image.
    """

    ctc: Amount = 1.0
    first: Amount = 0.5
    decoder: Amount = 1.0
    distillation: Amount = 0.0
    symbols: Amount = 2.0
    presence: Amount = 1.0
    precedence: Amount = 1.0
    background: Amount = 0.1
    smoothing: Share = 0.1
    corruption: Share = 0.1


@dataclass(frozen=True)
class Schedule:
    """Length of the run, batches and optimiser.

    Attributes:
        images: images after which the run ends.
        minutes: the same in minutes, whichever comes first; 0 for no limit.
        interval: images between validations.
        scored: every Nth example of the validation set is used.
        patience: validations without a better score after which the run ends; 0 for none, as the
            last weights of a cosine are mostly the best, however long their score stood still.
        pixels: padded pixels of a batch of each process; nodes or units for graph models.
        pool: number of images out of which similar ones form a batch.
        rate: peak learning rate of AdamW, decayed along a cosine.
        warmup: steps of linear warm-up.
        plateau: if not 0, the rate is halved after this number of validations without a lower loss.
        shown: how often graph models are trained on an augmented example (data echoing).
        decay: weight decay.
        clip: largest norm of the gradient.
        average: decay of the moving average of the weights, which is what is kept.
    """

    images: Count = 200_000
    minutes: Amount = 0.0
    interval: Count = 15_000
    scored: Count = 1
    patience: Natural = 0
    pixels: Count = 160_000
    pool: Count = 1536
    rate: Positive = 6e-4
    warmup: Natural = 400
    plateau: Natural = 0
    shown: Count = 1
    decay: Amount = 0.03
    clip: Positive = 2.0
    average: Share = 0.999


@dataclass(frozen=True)
class Own:
    """How data sets given with ``--more`` are learnt from beside the data, to adapt to one writer.

    ``share`` is theirs of all that is learnt from, however few they are; at 0 every sample counts
    alike. One sample in ``held`` is not learnt from but scored, beside the validation set; at 0
    none is.
    """

    share: float = 0.0
    held: Natural = 0


@dataclass(frozen=True)
class Export:
    """The weights file of a graph model; that of other families is made whatever this says.

    Attributes:
        alone: whether there is one, which is read without a CTC model; without, the run ends with
            its checkpoint, for `hmer_cli.training.join`.
        licence: of the weights, recorded in their metadata.
        language: files beside the data, of `hmer_cli.training.language_model` and
            `hmer_cli.training.label_transformer`, which are embedded.
        generated: number of synthetic expressions on which the confidence is calibrated, where the
            recipe names no split for that.
    """

    alone: bool = False
    licence: str = ""
    language: tuple[str, ...] = ()
    generated: Natural = 0


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a run besides the data.

    Attributes:
        name: of the weights.
        family: model family, one of `hmer_cli.training.registry`.
        seed: of the random numbers.
        split, valid, calibration: parts of the data for training, for the choice of the best
            weights and for confidences; the last two may be empty.
        symbol: symbol size in pixels at inference; slightly more than in training is best.
        skipped: drop path rate of residual blocks.
        dropped: spatial dropout rate.
        model: dimensions of the network.
    """

    name: Annotated[str, Meta(pattern=r"^[^/\\\x00-\x1f]{1,100}$")]
    family: str = "reader"
    seed: Natural = 1
    split: str = "train"
    valid: str = "test2014"
    calibration: str = "test2013"
    symbol: Positive = 24.0
    skipped: Share = 0.0
    dropped: Share = 0.0
    model: dict[str, Any] = field(default_factory=dict)
    schedule: Schedule = field(default_factory=Schedule)
    drawing: Drawing = field(default_factory=Drawing)
    canvas: Canvas = field(default_factory=Canvas)
    spread: Spread = field(default_factory=Spread)
    own: Own = field(default_factory=Own)
    recomposition: Recomposition = field(default_factory=Recomposition)
    losses: Losses = field(default_factory=Losses)
    weights: Export = field(default_factory=Export)

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
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "give a recipe, see train/recipes") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no recipe: {error}", "mend the TOML") from error
    for change in changes:
        _change(content, change)
    return parse({"name": path.stem, **content}, str(path))


def parse(content: Mapping[str, Any], where: str) -> Recipe:
    """The recipe that plain data holds, as from TOML or `Recipe.to_dict`; raises UsageError."""
    try:
        return msgspec.convert(_checked(Recipe, content, where), Recipe)
    except msgspec.ValidationError as error:
        told, _, place = str(error).partition(" - at `$.")
        for kind, words in KINDS.items():
            told = told.replace(f"`{kind}`", words)
        told = re.sub(" matching regex .*", r" of 1 to 100 characters without / and \\", told)
        raise UsageError(f"{where}: {place.rstrip('`')}: {told}", "mend the value") from error


def _change(content: dict[str, Any], change: str) -> None:
    """Apply ``TABLE.KEY=VALUE``; the value is TOML, or else a string."""
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
