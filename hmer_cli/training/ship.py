"""Copies a weights file into ``weights/`` of the checkout and enters it into the index.

python -m hmer_cli.training.ship runs/wide/hmer-wide-1.onnx
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from hmer_cli.models.registry import INDEX, sha256_of
from hmer_cli.recognition.recogniser import Recogniser

SHIPPED = Path(__file__).resolve().parents[2] / "weights"


def ship(weights: Path) -> None:
    """Copy the file to ``weights/`` under its own name and make it the default of the index."""
    name = Recogniser.load(str(weights)).model
    target = SHIPPED / f"{name}.onnx"
    shutil.copyfile(weights, target)
    enter(target, "trained on CROHME 2016 train; see weights/README.md", default=True)


def enter(file: Path, note: str, default: bool = False) -> None:
    """Enter a file of ``weights/`` into the index under its name without endings."""
    name = file.name.partition(".")[0]
    index = json.loads((SHIPPED / INDEX).read_text(encoding="utf-8"))
    if default:
        index["default"] = name
    index["weights"][name] = {
        "file": file.name,
        "sha256": sha256_of(file),
        "size": file.stat().st_size,
        "url": None,
        "licence": "CC BY-NC-SA 4.0",
        "note": note,
    }
    text = json.dumps(index, indent=2, ensure_ascii=False)
    (SHIPPED / INDEX).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    ship(Path(sys.argv[1]))
