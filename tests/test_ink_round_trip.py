"""What ``hmer generate`` wrote, put into a file of any kind of ink, reads as its InkML does.

``HMER_ROUND_TRIP=200`` makes the slow tests as long as that; else 60 expressions of each kind.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from handmade import open_pages
from inkfiles import (
    ink_annotation,
    json_strokes,
    lines,
    moved,
    outlines,
    pdf,
    remarkable,
    written,
    xopp,
)

from hmer_cli import Converter
from hmer_cli.commands.generate import generate
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.inkml import read_inkml, write_inkml
from hmer_cli.ink.svg import svg
from hmer_cli.page import regions
from hmer_cli.page.detect import network_features

COUNT = int(os.environ.get("HMER_ROUND_TRIP", "60"))


def _annotated(ink: Ink) -> bytes:
    entry, objects = ink_annotation(ink)
    return pdf("", page=entry, objects=objects)


KINDS: dict[str, Callable[[Ink], bytes]] = {
    "xopp": lambda ink: xopp([ink]),
    "rm": remarkable,
    "svg": lambda ink: svg(ink, (800, 600), 1.4).encode(),
    "json": json_strokes,
    "inkml": write_inkml,
    "pdf": lambda ink: pdf(lines(ink)),
    "annotation": _annotated,
}
MANY = {**KINDS, "outlines": lambda ink: pdf(outlines(ink))}
"""Outlines are no exact record of a stroke: a few may be read in another way."""


def on_page(ink: Ink) -> Ink:
    """The ink at the size of handwriting, on a page of 600 by 800 points."""
    x0, y0, x1, y1 = ink.box()
    size = float(np.median([np.ptp(stroke, axis=0).max() for stroke in ink.strokes]))
    return moved(ink, 60, 60, min(14 / size, 480 / (x1 - x0), 680 / (y1 - y0)))


CONVERTER = Converter(jobs=1)


def readings(data: bytes, name: str) -> list[tuple[str, str]]:
    """LaTeX and status of all that is found in a file."""
    pages = CONVERTER.pages(data, name=name)
    return [(each.latex, each.status) for page in pages for each in page.expressions]


Expected = list[tuple[Ink, list[tuple[str, str]]]]


@pytest.fixture(scope="module")
def expressions(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Expected]:
    """So many generated expressions, each with what hmer reads in its InkML; read once."""

    @cache
    def read(count: int) -> Expected:
        folder = tmp_path_factory.mktemp("generated")
        generate(str(folder), count=count, seed=5, jobs=1)
        found = []
        for path in sorted(folder.glob("*.inkml")):
            data = path.read_bytes()
            found.append((read_inkml(data, path.name), readings(data, path.name)))
        return found

    return read


def differences(expected: Expected, make: Callable[[Ink], bytes]) -> list[str]:
    """The expressions that read otherwise in another kind of file."""
    found = []
    for ink, before in expected:
        after = readings(make(on_page(ink)), "x")
        if [latex for latex, _ in after] != [latex for latex, _ in before]:
            found.append(f"{ink.name}: {before} {after}")
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_ink_reads_alike_from_every_kind_of_file(
    kind: str, expressions: Callable[[int], Expected]
) -> None:
    if kind == "rm":
        pytest.importorskip("rmscene")
    assert differences(expressions(4), KINDS[kind]) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", MANY)
def test_of_many_expressions_98_in_100_read_alike(
    kind: str, expressions: Callable[[int], Expected]
) -> None:
    if kind == "rm":
        pytest.importorskip("rmscene")
    found = differences(expressions(COUNT), MANY[kind])
    assert len(found) <= 0.02 * COUNT, "\n".join(found)


def test_the_work_for_a_page_grows_as_its_ink(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice as many lines: twice as many candidates, each of which hears as few parts as before."""
    measure = network_features._block_features
    heard: list[int] = []
    told: list[int] = []

    def counted(views, links, parts, near, boxes, room):  # type: ignore[no-untyped-def]
        heard.append(len(near) * len(boxes))
        told.append(len(boxes))
        return measure(views, links, parts, near, boxes, room)

    monkeypatch.setattr(network_features, "_block_features", counted)
    line = written(r"\frac { a + 1 } { b ^ { 2 } } = x + y + z + 8 - \alpha")
    work = []
    for rows in (10, 20):
        heard.clear()
        told.clear()
        page = Ink(tuple(s for row in range(rows) for s in moved(line, 60, 60 + 70 * row).strokes))
        (tmp_path / "page.inkml").write_bytes(write_inkml(page))
        (opened,) = open_pages(str(tmp_path / "page.inkml"))
        assert len(regions.find_regions(opened)) >= rows
        work.append((sum(told), sum(heard)))
    (few, first), (many, second) = work
    assert 1.5 * few < many < 2.5 * few
    assert second < 2.6 * first
