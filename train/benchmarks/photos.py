"""Share of a page's regions that are found again on synthetic photographs of the page.

    python train/benchmarks/photos.py ../shared/data/scan-pages.zip --every 24
    python train/benchmarks/photos.py ../shared/data/notes --unseen

Each page becomes a photo of a sheet on a table: seen aslant, unevenly lit, part of it in the
shade, soft and noisy. Every third page is put on ruled, every third on squared paper, but for those
that have lines already: nobody's paper is ruled twice. The regions that hmer finds on
the photo are laid over those it finds on the page itself; a region is kept where the two share
half of what they cover (IoU of 0.5). Pages are judged by what never saw them: those of
``scan-pages.zip`` by the networks and trees of their fold, ``--unseen`` ones by all together, as
``hmer convert`` judges them. ``--out FOLDER`` leaves the photos there, and what hmer saw;
``--read`` lays what is read of the kept regions on the photos beside what is read on the pages:
cut out where hmer finds them on the photo, and where it finds them on the page.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from hmer_cli.geometry import Box
from hmer_cli.metrics.regions import pairs
from hmer_cli.metrics.scores import Pair, score
from hmer_cli.page.detect.detector import fold_of
from hmer_cli.page.detect.overlay import draw_regions
from hmer_cli.page.detect.search import find_boxes, prepare_page
from hmer_cli.page.load.images import Pixels
from hmer_cli.page.load.pages import Page, open_sheets
from hmer_cli.page.load.sources import find_sources
from hmer_cli.training.page_synthesis.photograph import PAPERS, Matrix, lined, moved, photographed

OWN = "its own lines"


class Cuts(NamedTuple):
    """A region's image on the page, on the photo, and on the photo in the page's box."""

    page: Pixels
    photo: Pixels
    as_on_page: Pixels


@dataclass(frozen=True)
class Kept:
    """What a photo keeps of its page: ``found`` regions for ``there`` on the page, and those that
    are the same."""

    there: int
    found: int
    same: list[Cuts]


def regions_kept(
    page: Page, photo: Pixels, matrix: Matrix, fold: int | None, out: Path | None = None
) -> Kept:
    """The regions of the page beside those of its photo.

    Trees that saw the page itself would know it better than its photo: ``fold`` is the page's, if
    they learnt from it.
    """
    before, seen = prepare_page(page), Page.of("photo", 1, photo)
    after = prepare_page(seen)
    wanted, boxes = find_boxes(before, fold=fold), find_boxes(after, fold=fold)
    level = np.eye(3) if seen.to_source is None else seen.to_source
    back = np.linalg.inv(matrix) @ level  # in one go: a box round a slanted box is too large
    found = [moved(box, back) for box in boxes]
    if out is not None:
        cv2.imwrite(f"{out}-page.png", draw_regions(page, wanted))
        cv2.imwrite(f"{out}-photo.png", photo)
        cv2.imwrite(f"{out}-seen.png", draw_regions(seen, boxes))
    ahead = np.asarray(np.linalg.inv(back), np.float64)
    same = [
        Cuts(
            _cut(before.image, wanted[j]),
            _cut(after.image, boxes[i]),
            _cut(after.image, moved(wanted[j], ahead)),
        )
        for i, j in pairs(found, wanted, 0.5)
    ]
    return Kept(len(wanted), len(found), same)


def _cut(image: Pixels, box: Box) -> Pixels:
    x0, y0, x1, y1 = box
    return image[max(int(y0), 0) : math.ceil(y1), max(int(x0), 0) : math.ceil(x1)]


def read_alike(same: Sequence[Cuts]) -> Iterator[str]:
    """How what is read on photos differs from what is read on their pages, in words."""
    from hmer_cli.recognition.recogniser import Recogniser

    recogniser = Recogniser.load()
    read = [[each.label for each in recogniser.read(cuts)] for cuts in zip(*same, strict=True)]
    truth, *said = read
    for cut, labels in zip(("their own", "the page's"), said, strict=True):
        scores = score([Pair(*each) for each in zip(truth, labels, strict=True) if each[0]])
        yield f"read alike in {cut} boxes: {scores.exprate:.1%} of {scores.n}, WER {scores.wer:.1%}"


def main(arguments: Sequence[str]) -> None:
    """What the command at the top says."""
    parser = argparse.ArgumentParser(description="Regions kept on photos of pages.")
    parser.add_argument("pages", nargs="+", help="images, PDFs, folders or zip archives of pages")
    parser.add_argument("--every", type=int, default=1, help="take only every Nth page")
    parser.add_argument("--unseen", action="store_true", help="nothing was learnt from the pages")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a folder for the photos and what hmer saw")
    parser.add_argument("--read", action="store_true", help="read the regions that are kept, too")
    options = parser.parse_args(arguments)
    kept = dict.fromkeys((*PAPERS, OWN), 0)
    count, found = dict.fromkeys(kept, 0), 0
    same: list[Cuts] = []
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
    for index, (page, learnt) in enumerate(_pages(options.pages, options.every)):
        rng = np.random.default_rng([options.seed, index])
        paper = OWN if lined(page.image) else PAPERS[index % len(PAPERS)]
        photo, matrix = photographed(page.image, rng, paper)
        out = options.out / f"{index:03d}" if options.out else None
        fold = None if options.unseen else learnt
        seen = regions_kept(page, photo, matrix, fold, out)
        kept[paper] += len(seen.same)
        count[paper] += seen.there
        found += seen.found
        same += seen.same
        sys.stdout.write(
            f"{page.source} p{page.number} {paper}: {len(seen.same)} of {seen.there}\n"
        )
        sys.stdout.flush()
    for paper in kept:
        sys.stdout.write(f"{paper}: {kept[paper]} of {count[paper]}\n")
    share = sum(kept.values()) / max(sum(count.values()), 1)
    sys.stdout.write(f"kept: {share:.1%} of {sum(count.values())} regions; found: {found}\n")
    for line in read_alike(same) if options.read and same else ():
        sys.stdout.write(f"{line}\n")


def _pages(inputs: Sequence[str], every: int) -> Iterator[tuple[Page, int]]:
    """Every Nth page with its fold."""
    sheets = (
        (sheet, fold_of(data))
        for source in find_sources(inputs)
        for data in [source.read()]
        for sheet in open_sheets(source)
    )
    for sheet, fold in islice(sheets, 0, None, every):
        yield sheet.draw(), fold


if __name__ == "__main__":
    main(sys.argv[1:])
