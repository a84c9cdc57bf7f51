"""``hmer train``: a recipe and labelled ink -> weights, learning curves and a record.

Input: a TOML recipe and data sets. Output: a folder; see `hmer_cli.training.recogniser`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hmer_cli import console
from hmer_cli.errors import MissingError
from hmer_cli.files import make_folder
from hmer_cli.training.recipe import load


def train(
    recipe: Path,
    data: Path,
    out: Path,
    start: str | None = None,
    changes: Sequence[str] = (),
    more: Sequence[Path] = (),
) -> Path:
    """Train as the recipe says, with ``changes`` to it, and return what came of it.

    What is learnt from is the recipe's split of ``data`` and all of the data sets ``more``, but of
    those that have splits, the same; where the recipe says ``alone``, only new expressions, and
    ``data`` is the folder of its formulas and symbols. What is returned is the weights file
    ``out/NAME.onnx``, or for graph models that are to join a CTC model the checkpoint.
    ``start`` names weights to begin with instead of chance; a run that is resumed has begun.
    Beside it lie the checkpoints, from which the same command goes on, the log, the curves and
    the record. Under torchrun, each of its processes calls this and one of them delivers.
    Raises UsageError for a wrong recipe, InputError where there is nothing to train
    on, OutputError where ``out`` cannot be written, MissingError without ``hmer-cli[train]``.
    """
    try:
        plan = load(recipe, changes)
        from hmer_cli.training.recogniser import train_recogniser
    except ModuleNotFoundError as error:
        raise MissingError(
            f"training needs {error.name}", 'try: pip install "hmer-cli[train]"'
        ) from error
    make_folder(out)
    return train_recogniser(
        plan, recipe, data, out, console.say, console.progress, start, changes, more
    )
