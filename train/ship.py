"""Make a weights file the one that ships: python train/ship.py runs/finish/hmer-crohme-1.onnx"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from hmer_cli.read.recogniser import Recogniser
from hmer_cli.read.weights import INDEX, sha256_of

SHIPPED = Path(__file__).parent.parent / "weights"


def ship(weights: Path) -> None:
    """Copy the file to ``weights/`` under its own name and make it the default of the index."""
    name = Recogniser.load(str(weights)).model
    target = SHIPPED / f"{name}.onnx"
    shutil.copyfile(weights, target)
    index = json.loads((SHIPPED / INDEX).read_text(encoding="utf-8"))
    index["default"] = name
    index["weights"][name] = {
        "file": target.name,
        "sha256": sha256_of(target),
        "size": target.stat().st_size,
        "url": None,
        "licence": "CC BY-NC-SA 4.0",
        "note": "trained on CROHME 2016 train; see weights/README.md",
    }
    text = json.dumps(index, indent=2, ensure_ascii=False)
    (SHIPPED / INDEX).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    ship(Path(sys.argv[1]))
