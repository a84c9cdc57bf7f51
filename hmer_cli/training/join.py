r"""Joins a CTC model, a graph model and language models to one weights file, and calibrates it.

Input: a weights file and the folder of a graph run. Output: a weights file.

    python -m hmer_cli.training.join hmer-wide-13 runs/pieces --beside --name mine \
        --data ../shared/data/crohme.zip
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.errors import UsageError
from hmer_cli.models.registry import resolve
from hmer_cli.networks.graph_model import GraphModel
from hmer_cli.recognition.units import Units
from hmer_cli.training.export import onnx
from hmer_cli.training.export.calibration import CASES, calibrate
from hmer_cli.training.export.transfer import symbol_names, transfer
from hmer_cli.training.loop import BEST
from hmer_cli.training.messages import say
from hmer_cli.training.recipe import parse
from hmer_cli.training.registry import load_system


def main() -> None:
    """Join, calibrate, write ``NAME.onnx`` into the run's folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("weights", help="the recogniser's, a name or a file")
    parser.add_argument("run", type=Path, help="what hmer train train/recipes/graph.toml wrote")
    parser.add_argument("--name", required=True, help="of what comes of them")
    parser.add_argument("--data", type=Path, required=True, help="the CROHME package")
    parser.add_argument("--beside", action="store_true", help="keep its first graph model")
    written = "what training.language_model and training.label_transformer wrote"
    parser.add_argument("--language", type=Path, nargs="+", default=[], help=written)
    given = parser.parse_args()
    out = given.run / f"{given.name}.onnx"
    weights = resolve(given.weights)
    join(weights, given.run, given.name, given.data, out, given.beside, given.language)
    say(f"weights in {out}, {out.stat().st_size / 1e6:.1f} MB")


def join(
    weights: Path,
    run: Path,
    name: str,
    data: Path,
    out: Path,
    beside: bool = False,
    language: Sequence[Path] = (),
) -> None:
    """Write the recogniser of ``weights`` with the graph model of ``run`` to ``out``.

    With ``beside`` the first graph model of the recogniser stays, and the other is its second, of
    most weight; without, it takes the place of the first, and a second one stays.
    The ``language`` models, packed n-grams or ONNX, replace those of the recogniser.
    Raises UsageError where the two have other tokens, or where the run has no graph model.
    """
    _, metadata = onnx.restore(weights)
    system, content = load_system(run / BEST)
    if not isinstance(system.model, GraphModel):
        raise UsageError(f"{run} holds no graph model", "name a run of train/recipes/graph.toml")
    if set(metadata["tokens"]) - set(content["tokens"]):
        remedy = "train the graph model with a vocabulary that holds the recogniser's"
        raise UsageError(f"{weights} has tokens that {run} has not", remedy)
    model = limited(system.model, content["tokens"], metadata["tokens"])
    parts = onnx.graph_models(model)
    kept = {key: content[key] for key in ("shape", "recipe", "state")}
    metadata["name"] = name
    metadata["calibration"] = metadata["calibration"] if beside else {}
    metadata |= {"graph2" if beside else "graph": kept}
    models = dict(onnx.language_model(path) for path in language)
    if split := metadata["recipe"]["calibration"]:
        # Beside the model that it has, the CTC model alone reads as before.
        cases = [(True, True), (False, True)] if beside and not models else CASES
        degradation = parse(content["recipe"], str(run)).drawing.degradation
        samples = open_dataset(str(data), split)
        with TemporaryDirectory() as folder:
            draft = Path(folder) / out.name
            onnx.join(weights, parts, metadata, draft, beside, models)
            metadata["calibration"] |= calibrate(draft, samples, cases, degradation)
    onnx.join(weights, parts, metadata, out, beside, models)


def limited(model: GraphModel, old: Sequence[str], tokens: Sequence[str]) -> GraphModel:
    """The model with those of its ``old`` tokens alone that the recogniser knows, in its order."""
    units, symbols = len(Units(tokens)), len(symbol_names(tokens)) - 1
    known = GraphModel(replace(model.shape, units=units, symbols=symbols))
    transfer(model.state_dict(), old, known, tokens)
    return known


if __name__ == "__main__":
    main()
