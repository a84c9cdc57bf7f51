"""Ink put into the files that note apps write, for the tests that read it back."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Iterable, Sequence

import numpy as np

from hmer_cli.ink.ink import Ink, Stroke
from hmer_cli.ink.notes import kind_of
from hmer_cli.synthesis.engine import InkEngine

SIZE = 600, 800
"""Of the pages, in points."""


def written(label: str, seed: int = 3) -> Ink:
    """An expression by hmer's own hand, 60 points from the corner of a page."""
    ink = InkEngine().write(label, seed, np.random.default_rng(seed)).ink
    assert ink is not None
    return moved(ink, 60, 60, 0.5)


def moved(ink: Ink, x: float, y: float, scale: float = 1.0) -> Ink:
    """The ink with its corner at a place, without its symbols."""
    x0, y0, _, _ = ink.box()
    shift = np.array([x, y]) - np.array([x0, y0]) * scale
    return Ink(tuple((s * scale + shift).astype(np.float32) for s in ink.strokes))


LABEL = r"\frac { a + 1 } { b ^ { 2 } } = x"
INK = written(LABEL)


def boxes(ink: Ink) -> list[list[float]]:
    """The box of each stroke, to a tenth."""
    return [np.concatenate([s.min(0), s.max(0)]).round(1).tolist() for s in ink.strokes]


def read(data: bytes) -> list[Ink]:
    """The ink of each page of a file of notes."""
    kind = kind_of(data)
    assert kind is not None
    return kind.read(data, "x")


def assert_same(found: Ink, ink: Ink = INK, tolerance: float = 0.06) -> None:
    """Whether strokes begin, end and reach where those of the other ink do."""
    assert len(found.strokes) == len(ink.strokes)
    for one, other in zip(found.strokes, ink.strokes, strict=True):
        assert np.abs(one[[0, -1]] - other[[0, -1]]).max() <= tolerance
        assert np.abs(one.min(0) - other.min(0)).max() <= tolerance
        assert np.abs(one.max(0) - other.max(0)).max() <= tolerance


def xournal(pages: Sequence[Ink], extra: str = "") -> bytes:
    """A plain file of Xournal++; ``extra`` goes on the first page."""
    text = "".join(
        f'<page width="600" height="800"><layer>{extra if number == 0 else ""}'
        f"{''.join(map(_xournal_stroke, ink.strokes))}</layer></page>"
        for number, ink in enumerate(pages)
    )
    return f'<?xml version="1.0"?>\n<xournal fileversion="4">{text}</xournal>'.encode()


def xopp(pages: Sequence[Ink], extra: str = "") -> bytes:
    """The same as Xournal++ saves it."""
    return gzip.compress(xournal(pages, extra), mtime=0)


def xopp_package(pages: Sequence[Ink]) -> bytes:
    """The same with its backgrounds."""
    return zipped({"mimetype": b"application/xournal++", "META-INF/version": b"current=5",
                   "thumbnails/thumbnail.png": b"", "content.xml": xournal(pages)})  # fmt: skip


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def remarkable(ink: Ink, text: str = "", white: int = 0, hidden: bool = False) -> bytes:
    """A page as a reMarkable tablet writes it, by rmscene; ``text`` is typed on it, the last
    strokes are ``white``, the layer may be ``hidden``."""
    from rmscene import scene_items as items
    from rmscene import scene_stream as stream
    from rmscene.crdt_sequence import CrdtSequenceItem
    from rmscene.tagged_block_common import CrdtId, LwwValue

    blocks = list(stream.simple_text_document(text))
    for block in blocks:
        if hidden and isinstance(block, stream.TreeNodeBlock):
            block.group.visible = LwwValue(CrdtId(0, 1), False)
    for number, stroke in enumerate(ink.strokes):
        points = [items.Point(x, y, 0, 0, 8, 100) for x, y in stroke.tolist()]
        pale = number >= len(ink.strokes) - white
        colour = items.PenColor.WHITE if pale else items.PenColor.BLACK
        line = items.Line(colour, items.Pen.FINELINER_2, points, 1.0, 0.0)
        left = CrdtId(1, 19 + number) if number else CrdtId(0, 0)
        item = CrdtSequenceItem(CrdtId(1, 20 + number), left, CrdtId(0, 0), 0, line)
        blocks.append(stream.SceneLineItemBlock(CrdtId(0, 11), item))
    buffer = io.BytesIO()
    stream.write_blocks(buffer, blocks)
    return buffer.getvalue()


def json_strokes(ink: Ink) -> bytes:
    """As a web canvas gives it."""
    strokes = [[{"x": x, "y": y} for x, y in stroke.tolist()] for stroke in ink.strokes]
    return json.dumps({"strokes": strokes}).encode()


def pdf(paths: str, before: str = "", page: str = "", objects: Iterable[str] = ()) -> bytes:
    """A PDF of one page with this content; ``objects`` are numbered from 5 on."""
    content = f"{before}{paths}"
    bodies = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 {SIZE[0]} {SIZE[1]}]/Contents 4 0 R{page}>>",
        f"<</Length {len(content)}>>stream\n{content}\nendstream",
        *objects,
    ]
    parts = [f"{number} 0 obj\n{body}\nendobj\n" for number, body in enumerate(bodies, start=1)]
    return ("%PDF-1.7\n" + "".join(parts) + "trailer\n<</Root 1 0 R>>\n%%EOF").encode()


def lines(ink: Ink) -> str:
    """The ink as stroked paths of a page, y up."""
    return "1.4 w 1 J 1 j\n" + "".join(f"{_moves(stroke)} S\n" for stroke in ink.strokes)


def outlines(ink: Ink, pen: float = 1.4) -> str:
    """The ink as filled outlines of a round pen."""
    return "".join(f"{_moves(outline(stroke, pen))} h f\n" for stroke in ink.strokes)


def outline(stroke: Stroke, pen: float) -> Stroke:
    """One side of a stroke, its end, the other side and its beginning."""
    points = stroke.astype(np.float64)
    along = np.concatenate([[0], np.hypot(*np.diff(points, axis=0).T).cumsum()])
    places = np.linspace(0, along[-1], max(1, int(along[-1] / 0.5) + 1))
    points = np.stack([np.interp(places, along, points[:, axis]) for axis in (0, 1)], axis=1)
    if len(points) == 1:
        return points + pen / 2 * _circle(np.linspace(0, 2 * np.pi, 16, endpoint=False))
    way = np.diff(points, axis=0)
    angle = np.unwrap(np.arctan2(way[:, 1], way[:, 0]))
    there = _side(points, angle, pen)
    back = _side(points[::-1], angle[::-1] + np.pi, pen)
    return np.concatenate([there, _cap(points[-1], angle[-1], pen), back,
                           _cap(points[0], angle[0] + np.pi, pen)])  # fmt: skip


def _side(points: Stroke, angle: Stroke, pen: float) -> Stroke:
    """The points moved to the side: each at the end of its first piece and the start of its next,
    as naive outliners do."""
    normal = _circle(angle - np.pi / 2) * pen / 2
    pairs = np.stack([points[:-1] + normal, points[1:] + normal], axis=1)
    return pairs.reshape(-1, 2)


def _cap(point: Stroke, angle: float, pen: float) -> Stroke:
    return point + pen / 2 * _circle(angle + np.linspace(-np.pi / 2, np.pi / 2, 8)[1:-1])


def _circle(angles: Stroke) -> Stroke:
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def ink_annotation(ink: Ink, pen: float = 1.4) -> tuple[str, list[str]]:
    """The page entry and the object of an ink annotation, without an appearance."""
    rows = "".join(
        f"[{' '.join(f'{x:.3f} {SIZE[1] - y:.3f}' for x, y in stroke.tolist())}]"
        for stroke in ink.strokes
    )
    body = (f"<</Type/Annot/Subtype/Ink/Rect[0 0 {SIZE[0]} {SIZE[1]}]/C[0 0 0]/F 4"
            f"/BS<</W {pen}>>/InkList[{rows}]>>")  # fmt: skip
    return "/Annots[5 0 R]", [body]


def _xournal_stroke(stroke: Stroke) -> str:
    numbers = " ".join(f"{x:.8g} {y:.8g}" for x, y in stroke.tolist())  # as Xournal++ writes them
    return f'<stroke tool="pen" color="#000000ff" width="1.41">{numbers}</stroke>'


def _moves(stroke: Stroke) -> str:
    points = [f"{x:.4f} {SIZE[1] - y:.4f}" for x, y in np.asarray(stroke).tolist()]
    points = points * 2 if len(points) == 1 else points
    return f"{points[0]} m " + " ".join(f"{point} l" for point in points[1:])
