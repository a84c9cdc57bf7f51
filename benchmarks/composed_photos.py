"""How well photos of handwritten expressions are read, by the kind of the photo.

python benchmarks/composed_photos.py CROHME.zip LINES.jsonl.gz FOLDER [--number 105] [--seed 1]

Input: ink of the CROHME 2014 test, and lines of IAM-OnDB for the words beside some formulas.
Into FOLDER/photos go the photos that ``photo_scenes.py`` composes, each kind in its turn, and
``truth.json``: per file its ``kind`` (expression or lines), ``latex`` or ``lines``, the ``boxes``
of these, and in ``note`` the kind of the photo; into FOLDER/drawn each expression, black on white.
The same seed makes the same files; what is there already is only read. Both are read by ``hmer
convert``. Output: a Markdown table by kind: photos, of these all right and nothing else read; lines
on them, of these found (a box of IoU 0.5), right, and right as drawings, which is what a perfect
camera would give; what else was read; what is ``ok``, of this right. Last, the calibration error.
"""

from __future__ import annotations

import argparse
import json
import operator
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from field import Record, converted, normal
from photo_scenes import KINDS, SCREENS, Line, Strokes, compose

from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.datasets.lines import open_lines
from hmer_cli.datasets.pages import TrueExpression
from hmer_cli.expr.tokens import tokenize
from hmer_cli.geometry import Box
from hmer_cli.ink.ink import Ink, Stroke
from hmer_cli.ink.render import legible_ink_image
from hmer_cli.metrics.calibration import expected_calibration_error
from hmer_cli.metrics.pages import PageScore, ReadExpression, score_page

TOKENS = range(6, 25)
"""How many tokens the expressions have: longer ones are seldom on one line of a sheet."""

WIDEST, TALLEST = 17.0, 5.0
"""Of an expression, in heights of a sign."""

SEVERAL = {"plain", "ruled", "squared", "desk", "whiteboard", "blackboard", *SCREENS}
"""Kinds of which a third of the photos have two or three lines."""

WORD_GAP = 0.6
"""Of the white between words, in heights of a letter."""

COUNTS = ("photos", "all right", "lines", "found", "right", "drawn right", "else", "ok", "ok right")


@dataclass(frozen=True)
class Expression:
    """An expression of the data set: its name, label, ink, and the ink in heights of a sign."""

    name: str
    label: str
    ink: Ink
    line: Line


def main() -> None:
    """Compose, read, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("crohme", type=Path)
    parser.add_argument("words", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--number", type=int, default=5 * len(KINDS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", default="1")
    given = parser.parse_args()
    if not (given.folder / "photos" / "truth.json").exists():
        write(given.crohme, given.words, given.folder, given.number, given.seed)
    report(given.folder, given.jobs)


def write(crohme: Path, words: Path, folder: Path, number: int, seed: int) -> None:
    """The photos, the drawings and the truth."""
    rng = np.random.default_rng(seed)
    inks = expressions(crohme, rng)
    texts = [line.strokes for line in open_lines(words, "test")]
    truth: dict[str, Any] = {}
    for part in ("photos", "drawn"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for index in range(number):
        kind = KINDS[index % len(KINDS)]
        count = 1
        if kind == "several" or (kind in SEVERAL and rng.random() < 1 / 3):
            count = int(rng.integers(2, 5 if kind == "several" else 4))
        chosen = [next(inks) for _ in range(count)]
        lines = [each.line for each in chosen]
        if kind == "words":
            lines.insert(0, Line(first_words(texts[rng.integers(len(texts))], rng), read=False))
        photo = compose(kind, lines, [next(inks).line, next(inks).line], rng)
        name = f"{index:03d}-{kind.replace(', ', '-').replace(' ', '-')}"
        name += ".jpg" if photo.quality else ".png"
        options = [cv2.IMWRITE_JPEG_QUALITY, photo.quality] if photo.quality else []
        cv2.imwrite(str(folder / "photos" / name), photo.pixels, options)
        labels = [each.label for each in chosen]
        told: dict[str, Any] = {"kind": "expression", "latex": labels[0]}
        if count > 1:
            told = {"kind": "lines", "lines": labels}
        boxes = [[round(float(edge), 1) for edge in box] for box in photo.boxes]
        for each in chosen:
            drawing = str(folder / "drawn" / f"{each.name}.png")
            cv2.imwrite(drawing, legible_ink_image(each.ink).image)
        drawn = [f"{each.name}.png" for each in chosen]
        truth[name] = {**told, "sure": True, "note": kind, "boxes": boxes, "drawn": drawn}
    (folder / "photos" / "truth.json").write_text(json.dumps(truth, indent=1), "utf-8")


def expressions(crohme: Path, rng: np.random.Generator) -> Iterator[Expression]:
    """The expressions of fitting sizes, no one twice, in random order."""
    samples = open_dataset(str(crohme), "test2014")
    for index in rng.permutation(len(samples)):
        sample = samples[index]
        if sample.ink is None or len(tokenize(sample.label)) not in TOKENS:
            continue
        line = Line(of_height_one(sample.ink.strokes))
        width, height = line.size
        if width <= WIDEST and height <= TALLEST:
            yield Expression(sample.name, sample.label, sample.ink, line)


def of_height_one(strokes: Sequence[Stroke]) -> Strokes:
    """Strokes whose larger extents are 1 in the median."""
    extents = [float(np.ptp(stroke, axis=0).max()) for stroke in strokes]
    scale = float(np.median([extent for extent in extents if extent] or [1.0]))
    return [np.asarray(stroke, np.float64) / scale for stroke in strokes]


def first_words(strokes: Sequence[Stroke], rng: np.random.Generator) -> Strokes:
    """One to three words from the beginning of a line, parted where the white is widest."""
    ordered = sorted(of_height_one(strokes), key=lambda stroke: float(stroke[:, 0].min()))
    ends = np.maximum.accumulate([stroke[:, 0].max() for stroke in ordered])
    gaps = [float(after[:, 0].min()) - end for after, end in zip(ordered[1:], ends, strict=False)]
    cuts = [index + 1 for index, gap in enumerate(gaps) if gap > WORD_GAP]
    if not cuts:
        return ordered
    return ordered[: cuts[min(len(cuts) - 1, int(rng.integers(3)))]]


def report(folder: Path, jobs: str) -> None:
    """Print the table of what is read, and the calibration error."""
    truth = json.loads((folder / "photos" / "truth.json").read_text("utf-8"))
    read = converted(folder / "photos", "-j", jobs)
    alone = converted(folder / "drawn", "-j", jobs)
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in (*KINDS, "all")}
    answers: list[tuple[float, bool]] = []
    for name, told in truth.items():
        labels = told.get("lines") or [told["latex"]]
        page = scored(name, labels, told["boxes"], read[name])
        drawn = [[normal(each["label"]) for each in alone[drawing]] for drawing in told["drawn"]]
        count = counted(page)
        count["drawn right"] = sum(map(operator.eq, drawn, ([normal(each)] for each in labels)))
        for kind in (told["note"], "all"):
            counts[kind].update(count)
        answers += readings(page)
    print(f"| photo | {' | '.join(COUNTS)} |\n|{'---|' * (len(COUNTS) + 1)}")
    for kind, count in counts.items():
        print(f"| {kind} | {' | '.join(str(count[name]) for name in COUNTS)} |")
    confidences, right = [each for each, _ in answers], [each for _, each in answers]
    error = expected_calibration_error(confidences, right)
    print(f"\n{len(answers)} readings, calibration error {100 * error:.1f} %")


def scored(name: str, labels: list[str], boxes: list[Box], records: list[Record]) -> PageScore:
    """The readings of a photo beside its lines."""
    truths = [TrueExpression(box, label) for box, label in zip(boxes, labels, strict=True)]
    reads = [
        ReadExpression(each["region"], each["label"], each["confidence"], each["status"] == "ok")
        for each in records
        if each["region"] and each["label"]
    ]
    return score_page(name, truths, reads)


def counted(page: PageScore) -> Counter[str]:
    """The counts of one photo."""
    found = [match for match in page.matches if match.read is not None]
    others = [*page.cut_wrong, *page.not_mathematics]
    sure = [match for match in found if match.read is not None and match.read.ok]
    right = sum(match.right for match in found)
    return Counter({
        "photos": 1,
        "all right": int(right == len(page.matches) and not others),
        "lines": len(page.matches),
        "found": len(found),
        "right": right,
        "else": len(others),
        "ok": len(sure) + sum(each.ok for each in others),
        "ok right": sum(match.right for match in sure),
    })  # fmt: skip


def readings(page: PageScore) -> list[tuple[float, bool]]:
    """The confidence of each reading, and whether it is right."""
    found = [(match.read.confidence, match.right) for match in page.matches if match.read]
    others = [*page.cut_wrong, *page.not_mathematics]
    return found + [(each.confidence, False) for each in others]


if __name__ == "__main__":
    main()
