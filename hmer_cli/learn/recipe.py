"""A training recipe: what a TOML file in `train/recipes` says, with a default for all of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from hmer_cli.errors import UsageError
from hmer_cli.learn.augment import Spread

Table = TypeVar("Table")


@dataclass(frozen=True)
class Drawing:
    """How examples become images.

    Symbol sizes are pixels and grow from ``small`` to the reader's own size, the share of
    sub-expressions falls from ``parts[0]`` to ``parts[1]``, both until ``grown`` of the run.
    ``zoom`` is the standard deviation of the log of the scale; ``pen`` the width of the line;
    ``degraded`` the share of images that are made to look like scans and photos.
    """

    small: float = 14.0
    parts: tuple[float, float] = (0.7, 0.35)
    grown: float = 0.85
    zoom: float = 0.16
    pen: tuple[float, float] = (1.2, 3.6)
    degraded: float = 0.0


@dataclass(frozen=True)
class Recomposition:
    """New expressions laid out from the ink of the training symbols.

    ``share`` of all examples are such; their labels come from the file ``formulas``, from the
    training labels and from random trees, more symbols from the MathBrush file ``symbols``, both
    named beside the data. ``vocabulary``, named beside the recipe, widens that of the labels.
    """

    share: float = 0.0
    formulas: str = ""
    symbols: str = ""
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

    ``pixels`` is the size of a batch, ``pool`` the images among which those of like size are
    sought, ``rate`` AdamW's peak learning rate, reached after ``warmup`` steps and left along a
    cosine; ``average`` the decay of the averaged weights, which are the ones kept. The score is
    taken every ``interval`` images; ``patience`` scores without a better one end the run.
    """

    images: int = 200_000
    interval: int = 15_000
    patience: int = 10
    pixels: int = 160_000
    pool: int = 1536
    rate: float = 6e-4
    warmup: int = 400
    decay: float = 0.03
    clip: float = 2.0
    average: float = 0.999


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run, beside the data.

    ``split``, ``valid`` and ``calibration`` name the parts of the data that are learnt from,
    that choose the best weights, and that confidence is fitted on; the last two may be empty.
    ``symbol`` is the size in pixels at which the trained model is to read: a little more than
    that of training reads better.
    """

    name: str
    seed: int = 1
    split: str = "train"
    valid: str = "test2014"
    calibration: str = "test2013"
    symbol: float = 24.0
    model: dict[str, Any] = field(default_factory=dict)
    schedule: Schedule = field(default_factory=Schedule)
    drawing: Drawing = field(default_factory=Drawing)
    spread: Spread = field(default_factory=Spread)
    recomposition: Recomposition = field(default_factory=Recomposition)
    losses: Losses = field(default_factory=Losses)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, for the checkpoint and the weights."""
        return asdict(self)


def load(path: Path) -> Recipe:
    """The recipe in a TOML file; its name is the file's.

    Raises:
        UsageError: the file is not there or no TOML, or names something no recipe has.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "give a recipe, see train/recipes") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no recipe: {error}", "mend the TOML") from error
    tables = {
        "schedule": Schedule,
        "drawing": Drawing,
        "spread": Spread,
        "recomposition": Recomposition,
        "losses": Losses,
    }
    for key, table in tables.items():
        content[key] = _table(table, content.get(key, {}), f"{path}: [{key}]")
    return _table(Recipe, {"name": path.stem, **content}, str(path))


def _table(kind: type[Table], content: Mapping[str, Any], where: str) -> Table:
    known = {f.name for f in fields(kind)}  # type: ignore[arg-type]
    for key in content:
        if key not in known:
            raise UsageError(f"{where} has no {key!r}", f"use one of: {', '.join(sorted(known))}")
    plain = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
    return kind(**plain)
