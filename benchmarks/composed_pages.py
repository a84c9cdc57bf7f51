"""How well pages composed of others' ink are read: python benchmarks/composed_pages.py DATA OUT.

DATA is the folder of research data: formulas of the 2014 CROHME test (`crohme.zip`), each page by
one writer where he is known, and lines of the test texts of IAM-OnDB as prose, neither of which the
recogniser or the line reader learnt from. The pages (`notes_page`), every third in two columns, go
to OUT with truths in the form of `notes-truth`: in turn Xournal++, PDF and InkML, with ``--images``
all as PNG, drawn with a pen of varied width. They are read as by ``hmer eval``. ``--fitting`` takes
the writers of the 2013 test and the validation texts instead, on which the confidence of pages is
fitted (`page_trust.py`). Output: what was found and right, how many of what is ``ok`` are wrong,
the calibration error, and the share wrong from each confidence on.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from hmer_cli.commands.eval_pages import evaluate
from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.datasets.lines import WrittenLine, open_lines
from hmer_cli.datasets.pages import PageDataset, open_any
from hmer_cli.ink.ink import Ink, Stroke
from hmer_cli.ink.inkml import write_inkml
from hmer_cli.metrics.calibration import expected_calibration_error
from hmer_cli.metrics.pages import PageScore, ReadExpression, score_pages
from hmer_cli.metrics.tables import percent
from hmer_cli.recognition.lazy import LazyRecogniser
from hmer_cli.training.page_synthesis.handwriting import Hand, Written, hands, words_of
from hmer_cli.training.page_synthesis.notes_page import SIZE, ComposedPage, Composer

DPI = 200
"""Of images, and of the pages of PDFs in their truths."""

PIXELS = DPI / 72
"""The pixels of a point."""

BOUNDS = 0.5, 0.6, 0.7, 0.8, 0.9
"""Confidences from which on one may take what is ``ok``."""

KNOWN = 0.7
"""The share of pages by one writer."""  # convention


def main() -> None:
    """Compose, read and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pages", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--images", action="store_true")
    parser.add_argument("--fitting", action="store_true")
    parser.add_argument("--only-compose", action="store_true")
    given = parser.parse_args()
    pages = composed(given.data, given.pages, given.seed, given.fitting)
    written(pages, given.out, given.images, given.seed)
    if given.only_compose:
        return
    dataset = open_any(str(given.out))
    assert isinstance(dataset, PageDataset)
    print("\n".join(said(evaluate(dataset, LazyRecogniser()).pages)))


def composed(data: Path, count: int, seed: int, fitting: bool) -> Iterator[ComposedPage]:
    """So many pages; the same for the same seed."""
    lines = open_lines(data / "iam-ondb-lines.jsonl.gz", "valid" if fitting else "test")
    texts = defaultdict[str, list[WrittenLine]](list)
    for line in lines:
        texts[line.form].append(line)
    samples = open_dataset(str(data / "crohme.zip"), "test2013" if fitting else "test2014")
    writers = list(hands([sample.ink for sample in samples if sample.ink is not None]))
    for number in range(count):
        yield _page(writers, list(texts.values()), number, seed)


def _page(
    writers: Sequence[Hand], texts: Sequence[Sequence[WrittenLine]], number: int, seed: int
) -> ComposedPage:
    rng = np.random.default_rng((seed, number))
    mixed = writers[-1] if rng.random() >= KNOWN else None
    hand = mixed or writers[int(rng.integers(len(writers) - 1))]
    words: list[Written] = []
    for line in texts[int(rng.integers(len(texts)))]:
        words += words_of(line)
    return Composer(hand, words, 2 if number % 3 == 2 else 1, rng).page()


def written(pages: Iterator[ComposedPage], folder: Path, images: bool, seed: int) -> None:
    """Write the pages and their truths into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds = {".png": png} if images else {".xopp": xopp, ".pdf": pdf, ".inkml": inkml}
    for number, page in enumerate(pages):
        ending, make = list(kinds.items())[number % len(kinds)]
        name = f"page-{seed}-{number:02d}"
        (folder / f"{name}{ending}").write_bytes(make(page))
        unit = PIXELS if ending in (".png", ".pdf") else 1.0
        truths = [
            {"box": [round(x * unit, 2) for x in each.box], "latex": each.label,
             "kind": each.kind, "sure": True}
            for each in page.expressions
        ]  # fmt: skip
        size = {"width": round(SIZE[0] * unit), "height": round(SIZE[1] * unit)}
        truth = {"page": 1, **size, "expressions": truths, "skip": []}
        (folder / f"{name}.json").write_text(json.dumps(truth, indent=1))


def xopp(page: ComposedPage) -> bytes:
    """The page as Xournal++ saves it."""
    strokes = "".join(
        f'<stroke tool="pen" color="#000000ff" width="{page.pen:.2f}">{_points(stroke)}</stroke>'
        for stroke in page.strokes
    )
    sheet = f'<page width="{SIZE[0]}" height="{SIZE[1]}"><layer>{strokes}</layer></page>'
    return gzip.compress(f'<?xml version="1.0"?>\n<xournal>{sheet}</xournal>'.encode(), mtime=0)


def _points(stroke: Stroke) -> str:
    both = stroke if len(stroke) > 1 else np.repeat(stroke, 2, 0)
    return " ".join(f"{number:.2f}" for number in both.ravel().tolist())


def pdf(page: ComposedPage) -> bytes:
    """The page as a PDF of stroked paths."""
    paths = [f"{page.pen:.2f} w 1 J 1 j"]
    for stroke in page.strokes:
        points = [f"{x:.2f} {SIZE[1] - y:.2f}" for x, y in stroke.tolist()]
        paths.append(f"{points[0]} m {' '.join(f'{p} l' for p in points[1:] or points)} S")
    content = "\n".join(paths)
    bodies = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {SIZE[0]} {SIZE[1]}]/Contents 4 0 R>>",
        f"<</Length {len(content)}>>stream\n{content}\nendstream",
    ]
    objects = "".join(f"{number} 0 obj\n{body}\nendobj\n" for number, body in enumerate(bodies, 1))
    return f"%PDF-1.7\n{objects}trailer\n<</Root 1 0 R>>\n%%EOF".encode()


def inkml(page: ComposedPage) -> bytes:
    """The strokes alone."""
    return write_inkml(Ink(page.strokes))


def png(page: ComposedPage) -> bytes:
    """The page as an image, its pen a little wider and narrower on the way."""
    scale, shape = 2 * PIXELS, (round(SIZE[1] * PIXELS), round(SIZE[0] * PIXELS))
    canvas = np.full((2 * shape[0], 2 * shape[1]), 255, np.uint8)
    for turn, stroke in enumerate(page.strokes):
        points = (stroke.astype(np.float64) * scale * 16).round().astype(np.int32)
        for at in range(0, max(1, len(points) - 1), 4):
            wide = page.pen * scale * (1 + 0.3 * np.sin(turn + at / 9))
            cv2.polylines(canvas, [_run(points, at)], False, 0, max(1, round(wide)), cv2.LINE_AA, 4)
    image = cv2.resize(canvas, shape[::-1], interpolation=cv2.INTER_AREA)
    return cv2.imencode(".png", image)[1].tobytes()


def _run(points: NDArray[np.int32], at: int) -> NDArray[np.int32]:
    run = points[at : at + 5]
    return run if len(run) > 1 else np.concatenate([run, run + 1])


def said(pages: Sequence[PageScore]) -> Iterator[str]:
    """The figures, in lines of Markdown."""
    total, reads = score_pages(pages), list(answers(pages))
    ok = [right for read, right in reads if read.ok]
    for name, kind in (("displayed", total.display), ("inline", total.inline)):
        yield f"{name}: found {kind.found} of {kind.truth}, right {kind.right}"
    yield f"precision {percent(total.precision)}, {len(pages)} pages"
    right = sum(right for _, right in reads)
    yield f"ok {len(ok)}, of these wrong {ok.count(False)}; right but not ok {right - sum(ok)}"
    confidences = [read.confidence for read, _ in reads]
    error = expected_calibration_error(confidences, [right for _, right in reads])
    yield f"expected calibration error {percent(error)}"
    yield "\n| ok from | answers | wrong |\n|---|---|---|"
    for bound in BOUNDS:
        some = [right for read, right in reads if read.ok and read.confidence >= bound]
        share = some.count(False) / len(some) if some else None
        yield f"| {bound} | {len(some)} | {percent(share)} |"


def answers(pages: Sequence[PageScore]) -> Iterator[tuple[ReadExpression, bool]]:
    """All that was read, and whether it is an expression of the truth, right to the last token."""
    for page in pages:
        yield from ((each.read, each.right) for each in page.matches if each.read is not None)
        yield from ((read, False) for read in (*page.cut_wrong, *page.not_mathematics))


if __name__ == "__main__":
    main()
