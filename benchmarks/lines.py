"""How many characters and words of handwritten lines the shipped line reader gets wrong.

python benchmarks/lines.py iam-ondb-lines.jsonl.gz [--every 3] [--weights FILE]

Input: lines as `hmer_cli.datasets.lines` reads them; those of the test split are read with two
passes, as ink and as images. Output: CER and WER of both, and milliseconds per line. Needs the
extra ``train``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hmer_cli.datasets.lines import open_lines
from hmer_cli.models.registry import shipped_dir
from hmer_cli.recognition.line_reader import FILE, LineReader
from hmer_cli.recognition.line_text import characters
from hmer_cli.training.lines import scored


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("lines", type=Path)
    parser.add_argument("--every", type=int, default=1, help="of the lines, one in so many")
    parser.add_argument("--weights", type=Path, default=shipped_dir() / FILE)
    given = parser.parse_args()
    reader = LineReader(given.weights)
    lines = open_lines(given.lines, "test")
    known = [line for line in lines if reader.tokens.issuperset(characters(line.text))]
    print("\n".join(scored(reader, known[:: given.every])))


if __name__ == "__main__":
    main()
