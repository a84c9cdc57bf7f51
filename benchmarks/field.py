"""How many files of the kinds people hand in are read right: python benchmarks/field.py FIELD.

FIELD holds ``real/`` with ``truth.json`` (photos, each of one expression or of several lines) and,
made by code of hmer's examples, ``made/`` and ``frame/``, whose names say the examples that are on
them, and ``pdf/``, whose files hold some of the same five examples each, most of them eight. Every
file goes through ``hmer convert``; the truths of the examples are those of ``examples/eqs.tex``.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from hmer_cli.expr.latex import normalise
from hmer_cli.expr.tokens import tokenize
from hmer_cli.metrics.pages import comparable

Record = dict[str, Any]
Tokens = tuple[str, ...]

EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "eqs.tex"
ON_PAGES = ("golden", "euler", "triangle", "circle", "energy")
USUAL = 8
NUMBERS = {"pages12": 36, "crop_first3": 3, "layer_hidden": 4}
NUMBERS |= {"tall3000": 32, "tall8000": 88, "tall14000": 160, "wide1900": 40, "inkannot_hidden": 0}
"""How many formulas a PDF shows where it is not USUAL."""
ROWS = re.compile(r"\\(?:begin|end)\{(?:aligned|cases|matrix)\}")


def main() -> None:
    """Print a table of counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("field", type=Path)
    parser.add_argument("--only", nargs="*", default=["real", "pairs", "frame", "made", "pdf"])
    options = parser.parse_args()
    for name in options.only:
        folder = options.field / ("made/pairs" if name == "pairs" else name)
        counts = {"real": real, "pdf": pdf}.get(name, made)(folder)
        figures = ", ".join(f"{key} {value}" for key, value in counts.items())
        sys.stdout.write(f"{name}: {figures}\n")
        sys.stdout.flush()


def real(folder: Path) -> Counter[str]:
    """Of images of one expression as they come, and of the lines of others."""
    truth = json.loads((folder / "truth.json").read_text())
    found, counts = converted(folder), Counter[str]()
    for name, told in sorted(truth.items()):
        if not told.get("sure", True):
            continue
        records = found[name]
        if told["kind"] == "expression":
            right = len(records) == 1 and whole(records[0]) == normal(told["latex"])
            count(counts, records, right)
        elif told["kind"] == "lines":
            rows = rows_of(records)
            for line in told["lines"]:
                counts["lines"] += 1
                if normal(line) in rows:
                    rows.remove(normal(line))
                    counts["lines right"] += 1
    return counts


def made(folder: Path) -> Counter[str]:
    """Of files named after the examples on them: right where all are read and nothing else."""
    truth, counts = examples(), Counter[str]()
    for name, records in sorted(converted(folder).items()):
        wanted = [truth[word] for word in re.split(r"[_.]", name) if word in truth]
        if wanted:
            count(counts, records, sorted(rows_of(records)) == sorted(wanted))
    return counts


def pdf(folder: Path) -> Counter[str]:
    """Of files with some of ``ON_PAGES``: right where as many as there are were read, no others."""
    truth, counts = examples(), Counter[str]()
    there = {truth[name] for name in ON_PAGES}
    for name, records in sorted(converted(folder).items()):
        wanted = NUMBERS.get(name.partition(".")[0], USUAL)
        rows = [row for row in rows_of(records) if row]
        right = sum(row in there for row in rows)
        counts["formulas"] += wanted
        counts["formulas right"] += min(right, wanted)
        count(counts, records, right == wanted == len(rows))
    return counts


def examples() -> dict[str, Tokens]:
    """The truth of each example, by its name."""
    pattern = r"% (\w+)\.\w+, page.*\n\\gdef\\\w+\{(.*)\}\n"
    found = re.findall(pattern, EXAMPLES.read_text())
    return {name: normal(normalise(latex)) for name, latex in found}


def count(counts: Counter[str], records: list[Record], right: bool) -> None:
    """One more file: right or not, and sure (``ok``) of it or not."""
    sure = any(record["status"] == "ok" for record in records)
    counts["files"] += 1
    counts["right"] += right
    counts["ok"] += sure
    counts["ok and right"] += sure and right


def converted(folder: Path, *options: str) -> dict[str, list[Record]]:
    """The records of every file, by its name; ``options`` are those of ``hmer convert``."""
    command = [sys.executable, "-m", "hmer_cli", "convert", "--no-cache", str(folder), *options]
    code = "from hmer_cli.cli import main; main()"
    command[1:3] = ["-c", code]
    told = subprocess.run([*command, "-o", "-.jsonl"], stdout=subprocess.PIPE, check=False).stdout
    found: dict[str, list[Record]] = defaultdict(list)
    for line in told.splitlines():
        record = json.loads(line)
        found[Path(record["source"]).name].append(record)
    return found


def rows_of(records: list[Record]) -> list[Tokens]:
    """What was read, each row of a derivation by itself."""
    labels = [record.get("label") or record["latex"] for record in records]
    rows = [row for label in labels for row in ROWS.sub(" ", label).split("\\\\")]
    return [normal(row.replace("&", " ")) for row in rows]


def whole(record: Record) -> Tokens:
    """What was read as one expression, without marks of alignment."""
    return normal((record.get("label") or record["latex"]).replace("&", " "))


def normal(label: str) -> Tokens:
    """Its tokens in the form in which labels are compared."""
    return tuple(tokenize(comparable(label)))


if __name__ == "__main__":
    main()
