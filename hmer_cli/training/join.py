"""Give a recogniser a graph reader for its decoder, and fit its confidence anew.

python train/join.py hmer-wide-7 runs/graph --name hmer-wide-8 --data ../shared/data/crohme.zip
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hmer_cli import console
from hmer_cli.data.datasets import open_dataset
from hmer_cli.models.registry import resolve
from hmer_cli.networks.graph_model import GraphModel
from hmer_cli.training.export.calibration import calibrate
from hmer_cli.training.export.onnx import graph_models, join, restore
from hmer_cli.training.loop import BEST
from hmer_cli.training.registry import load_system


def main() -> None:
    """Join, calibrate, write ``NAME.onnx`` into the run's folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("weights", help="the recogniser's, a name or a file")
    parser.add_argument("run", type=Path, help="what hmer train train/recipes/graph.toml wrote")
    parser.add_argument("--name", required=True, help="of what comes of them")
    parser.add_argument("--data", type=Path, required=True, help="the CROHME package")
    given = parser.parse_args()
    path, out = resolve(given.weights), given.run / f"{given.name}.onnx"
    _, metadata = restore(path)
    system, content = load_system(given.run / BEST)
    if content["tokens"] != metadata["tokens"]:
        parser.error(f"{given.weights} and {given.run} have other tokens")
    assert isinstance(system.model, GraphModel)
    parts = graph_models(system.model)
    kept = {key: content[key] for key in ("shape", "recipe", "state")}
    metadata |= {"name": given.name, "graph": kept, "calibration": {}}
    join(path, parts, metadata, out)
    if split := metadata["recipe"]["calibration"]:
        samples = open_dataset(str(given.data), split)
        metadata["calibration"] = calibrate(out, samples)
        join(path, parts, metadata, out)
    console.say(f"weights in {out}, {out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
