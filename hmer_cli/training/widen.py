r"""A CTC model for a larger vocabulary, without training.

    python -m hmer_cli.training.widen runs/average/hmer-wide-5.onnx train/recipes/wide-2.toml \
        --data ../shared/data/crohme.zip --out runs/wide-270.onnx

Input: a weights file, and a recipe whose vocabulary holds its tokens and more. Output: a weights
file of the CTC model alone. Method: new tokens are scored as tokens of like ink
(`hmer_cli.training.export.transfer.LIKE`); graph models that know them, joined to it by
`hmer_cli.training.join`, tell the two apart.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hmer_cli.errors import UsageError
from hmer_cli.expr.tokens import Vocabulary
from hmer_cli.models.registry import resolve
from hmer_cli.training.delivery import SHOWN, SHOWN_EVERY, shown
from hmer_cli.training.export import onnx
from hmer_cli.training.messages import say
from hmer_cli.training.recipe import load
from hmer_cli.training.systems.ctc import CtcSystem

_KEPT = ("symbol", "score", "calibration")


def main() -> None:
    """Widen, write the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("weights", help="the recogniser's, a name or a file")
    parser.add_argument("recipe", type=Path, help="its [recomposition] names the vocabulary")
    parser.add_argument("--data", type=Path, required=True, help="the CROHME package")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    given = parser.parse_args()
    widen(resolve(given.weights), given.recipe, given.data, given.out)
    say(f"weights in {given.out}, {given.out.stat().st_size / 1e6:.1f} MB")


def widen(weights: Path, recipe: Path, data: Path, out: Path) -> None:
    """Write the CTC model of ``weights`` with the vocabulary of ``recipe`` to ``out``.

    Raises UsageError where the recipe has no vocabulary, or lacks a token that the model knows.
    """
    plan = load(recipe)
    _, metadata = onnx.restore(weights)
    named = plan.recomposition.vocabulary
    tokens = sorted(Vocabulary.load(recipe.parent / named).tokens) if named else []
    if set(metadata["tokens"]) - set(tokens):
        raise UsageError(f"{recipe} lacks tokens of {weights}", "name a larger vocabulary")
    system = CtcSystem(plan, tokens)
    system.begin_with(weights)
    kept = {key: metadata[key] for key in _KEPT if key in metadata}
    kept |= {"name": plan.name, "tokens": tokens, "shape": system.shape}
    kept["recipe"] = metadata["recipe"]
    onnx.export(system.model, kept, out, shown(system, plan, data, SHOWN, SHOWN_EVERY, plan.seed))


if __name__ == "__main__":
    main()
