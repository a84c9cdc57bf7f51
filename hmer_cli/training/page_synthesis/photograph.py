"""Photos of pages, made by code, and how many of a page's regions are found on them.

    python train/photos.py ../shared/data/scan-pages.zip --every 24
    python train/photos.py ../shared/data/notes --unseen

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
from numpy.typing import NDArray

from hmer_cli.metrics.regions import pairs
from hmer_cli.metrics.scores import Pair, score
from hmer_cli.page.clean.illumination import clean
from hmer_cli.page.clean.ruled_lines import remove_rules
from hmer_cli.page.detect.detector import fold_of
from hmer_cli.page.detect.overlay import draw_regions
from hmer_cli.page.detect.search import Box, find_boxes, prepare_page
from hmer_cli.page.load.images import Pixels
from hmer_cli.page.load.pages import Page, open_sheets
from hmer_cli.page.load.sources import find_sources
from hmer_cli.training.augment import paper as papers
from hmer_cli.training.augment.camera import compressed, noisy

Matrix = NDArray[np.float64]

PAPERS = ("plain", "ruled", "squared")
OWN = "its own lines"

_LINED = 0.01
"""The share of a page that its printed lines cover, at least."""


def photographed(
    page: Pixels, rng: np.random.Generator, paper: str = "plain"
) -> tuple[Pixels, Matrix]:
    """A photo of the page, and the homography from the page's points to the photo's.

    ``page``: (H, W), dark ink on white. ``paper`` is what it is written on: ruled and squared
    lines are as dark as people's are.
    """
    light = page.astype(np.float32) / 255
    lines = np.ones_like(light)
    if paper == "ruled":
        lines = papers.ruled(lines, rng, float(rng.uniform(0.15, 0.45)))
    elif paper == "squared":
        lines = papers.squared(lines, rng, float(rng.uniform(0.1, 0.3)))
    light = np.minimum(light, lines) * np.float32(rng.uniform(0.85, 1))
    shape, matrix = _view(page.shape, rng)
    table = _table(shape, rng)
    size = shape[::-1]
    shown = cv2.warpPerspective(light, matrix, size, flags=cv2.INTER_CUBIC)
    there = cv2.warpPerspective(np.ones_like(light), matrix, size)
    photo = papers.shaded(np.where(there > 0.5, shown, table).astype(np.float32), rng)
    photo = noisy(papers.blurred(photo, rng.uniform(0.5, 1.0)), rng)
    photo = compressed(photo, int(rng.integers(70, 95)))
    return np.round(255 * np.clip(photo, 0, 1)).astype(np.uint8), matrix


def lined(page: Pixels) -> bool:
    """Whether the page, (H, W), is on paper with lines already."""
    cleaned = clean(page)
    return float((remove_rules(cleaned) != cleaned).mean()) > _LINED


def _view(shape: tuple[int, ...], rng: np.random.Generator) -> tuple[tuple[int, int], Matrix]:
    """The shape of the photo and the way there: from above, but not quite, and turned a little."""
    H, W = shape
    corners = np.array([(0, 0), (W, 0), (W, H), (0, H)], np.float64)
    angle = rng.normal(0, 0.05)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    ends = corners @ turn + rng.uniform(-0.05, 0.05, (4, 2)) * (W, H)
    room = rng.uniform(0.04, 0.2, 4) * max(H, W)
    low = ends.min(axis=0) - room[:2]
    width, height = np.ceil(ends.max(axis=0) - low + room[2:]).astype(int)
    matrix = cv2.getPerspectiveTransform(
        corners.astype(np.float32), (ends - low).astype(np.float32)
    )
    return (int(height), int(width)), np.asarray(matrix, np.float64)


def _table(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Wood, or cloth, darker than paper."""
    grain = papers.field((shape[0], max(1, shape[1] // 40)), rng.uniform(2, 12), rng)
    wood = cv2.resize(grain, shape[::-1], interpolation=cv2.INTER_CUBIC)
    clouds = papers.field(shape, rng.uniform(40, 200), rng)
    return np.clip(rng.uniform(0.15, 0.55) * (1 + 0.08 * wood + 0.05 * clouds), 0.03, 0.7)


def moved(box: Box, matrix: Matrix) -> Box:
    """The box round a box that went through a homography."""
    x0, y0, x1, y1 = box
    corners = np.array([[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]], np.float64)
    ends = cv2.perspectiveTransform(corners, matrix)[0]
    (left, top), (right, foot) = ends.min(axis=0).tolist(), ends.max(axis=0).tolist()
    return left, top, right, foot


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
    ahead = np.linalg.inv(back)
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
