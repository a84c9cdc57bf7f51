"""Give a recogniser a graph reader for its decoder, and fit its confidence anew.

python train/join.py hmer-wide-7 runs/graph --name hmer-wide-8 --data ../shared/data/crohme.zip

With --beside it comes beside the graph reader that the recogniser has, and sees images alone.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hmer_cli import console
from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.models.registry import resolve
from hmer_cli.networks.graph_model import GraphModel
from hmer_cli.recognition.scorer_sets import SCORERS, two_readers
from hmer_cli.recognition.units import Units
from hmer_cli.training.export.calibration import BASES, calibrate
from hmer_cli.training.export.onnx import graph_models, join, restore
from hmer_cli.training.export.transfer import symbol_names, transfer
from hmer_cli.training.loop import BEST
from hmer_cli.training.recipe import parse
from hmer_cli.training.registry import load_system


def main() -> None:
    """Join, calibrate, write ``NAME.onnx`` into the run's folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("weights", help="the recogniser's, a name or a file")
    parser.add_argument("run", type=Path, help="what hmer train train/recipes/graph.toml wrote")
    parser.add_argument("--name", required=True, help="of what comes of them")
    parser.add_argument("--beside", action="store_true", help="keep the graph reader it has")
    parser.add_argument("--data", type=Path, required=True, help="the CROHME package")
    given = parser.parse_args()
    path, out = resolve(given.weights), given.run / f"{given.name}.onnx"
    _, metadata = restore(path)
    system, content = load_system(given.run / BEST)
    if set(metadata["tokens"]) - set(content["tokens"]):
        parser.error(f"{given.weights} has tokens that {given.run} has not")
    assert isinstance(system.model, GraphModel)
    reader = limited(system.model, content["tokens"], metadata["tokens"])
    parts = graph_models(reader)
    kept = {key: content[key] for key in ("shape", "recipe", "state")}
    metadata["name"] = given.name
    metadata["calibration"] = metadata["calibration"] if given.beside else {}
    metadata |= {"graph2": kept, SCORERS: two_readers()} if given.beside else {"graph": kept}
    join(path, parts, metadata, out, given.beside)
    if split := metadata["recipe"]["calibration"]:
        samples = open_dataset(str(given.data), split)
        # Beside the reader that it has, nothing else is read otherwise than before.
        bases = [(False, True)] if given.beside else BASES
        degradation = parse(content["recipe"], str(given.run)).drawing.degradation
        metadata["calibration"] |= calibrate(out, samples, bases, degradation)
        join(path, parts, metadata, out, given.beside)
    console.say(f"weights in {out}, {out.stat().st_size / 1e6:.1f} MB")


def limited(reader: GraphModel, old: Sequence[str], tokens: Sequence[str]) -> GraphModel:
    """The reader with those of its ``old`` tokens alone that the recogniser knows, in its order."""
    units, symbols = len(Units(tokens)), len(symbol_names(tokens)) - 1
    known = GraphModel(replace(reader.shape, units=units, symbols=symbols))
    transfer(reader.state_dict(), old, known, tokens)
    return known


if __name__ == "__main__":
    main()
