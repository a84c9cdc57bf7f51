"""Puts a weights file into ``weights/`` of the checkout, and enters it into the index there.

python -m hmer_cli.training.ship runs/wide/hmer-wide-1.onnx --note "trained on CROHME 2016 train"
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
from pathlib import Path

from hmer_cli import files
from hmer_cli.models.registry import INDEX, sha256_of
from hmer_cli.recognition.lazy import load

SHIPPED = Path(__file__).resolve().parents[2] / "weights"

LICENCE = "CC BY-NC-SA 4.0"
"""Of weights whose metadata name none: CROHME's, which they are made from."""


def main() -> None:
    """Ship the file that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("weights", type=Path)
    parser.add_argument("--beside", action="store_true", help="the default of the index stays")
    parser.add_argument("--note", required=True, help="what the index says of it")
    given = parser.parse_args()
    ship(given.weights, given.note, default=not given.beside)


def ship(weights: Path, note: str, default: bool = True) -> None:
    """The file in ``weights/`` under its own name, with the licence of its metadata.

    The default is not compressed, as it would take each run a quarter of a second to open.
    """
    recogniser = load(weights)
    plain, compressed = (SHIPPED / f"{recogniser.model}.onnx{end}" for end in ("", ".gz"))
    if default:
        target, other = plain, compressed
        shutil.copyfile(weights, target)
    else:
        target, other = compressed, plain
        target.write_bytes(gzip.compress(weights.read_bytes(), mtime=0))
    other.unlink(missing_ok=True)
    enter(target, note, default, recogniser.metadata.get("licence") or LICENCE, True)


def enter(
    file: Path, note: str, default: bool = False, licence: str = LICENCE, recogniser: bool = False
) -> None:
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
        "licence": licence,
        "note": note,
        "recogniser": recogniser,
    }
    text = json.dumps(index, indent=2, ensure_ascii=False)
    files.replace(SHIPPED / INDEX, f"{text}\n".encode())


if __name__ == "__main__":
    main()
