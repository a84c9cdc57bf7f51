"""Draws the examples: twelve expressions in synthetic handwriting, and one by twelve writers.

    python examples/draw.py [FOLDER]

writes five as ink (InkML), five as images (PNG), two on the pages of a PDF, and a page of notes
(PNG); and one expression by writers of ``hmer generate``, a sheet (SVG) for each engine, which
docs/ shows. Deterministic; no ink of any data set is in them.
"""

from __future__ import annotations

import base64
import io
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hmer_cli.commands.generate import ENGINES, Plan
from hmer_cli.ink.ink import Ink, Symbol
from hmer_cli.ink.inkml import write_inkml
from hmer_cli.ink.render import render
from hmer_cli.ink.svg import paths
from hmer_cli.synthesis.engine import Engine

from lecture import lecture
from strokes import AXIS, Stroke, StrokeWriter

INK = {
    "circle": r"\sin ^ { 2 } \theta + \cos ^ { 2 } \theta = 1",
    "energy": r"E = m c ^ { 2 }",
    "euler": r"e ^ { i \pi } + 1 = 0",
    "golden": r"\phi = \frac { 1 + \sqrt { 5 } } { 2 }",
    "triangle": r"\alpha + \beta + \gamma = \pi",
}
IMAGES = {
    "basel": r"\sum \limits _ { n = 1 } ^ { \infty } \frac { 1 } { n ^ { 2 } }"
    r" = \frac { \pi ^ { 2 } } { 6 }",
    "derivative": r"\frac { d } { d x } x ^ { n } = n x ^ { n - 1 }",
    "integral": r"\int \limits _ { 0 } ^ { 1 } x ^ { 2 } d x = \frac { 1 } { 3 }",
    "limit": r"\lim \limits _ { x \rightarrow 0 } \frac { \sin x } { x } = 1",
    "pythagoras": r"a ^ { 2 } + b ^ { 2 } = c ^ { 2 }",
}
PAGES = {
    "quadratic": r"x = \frac { - b \pm \sqrt { b ^ { 2 } - 4 a c } } { 2 a }",
    "gauss": r"\sum \limits _ { k = 1 } ^ { n } k = \frac { n ( n + 1 ) } { 2 }",
}

SHEETS = {"ink": "hands.svg", "hmeg": "hands-hmeg.svg"}
HANDS = r"\frac { - b \pm \sqrt { b ^ { 2 } - 4 a c } } { 2 a }"

WORDS = {rf"\{word}": word for word in ("sin", "cos", "lim", "log")}
SPACED = {"+", "-", "=", r"\pm", r"\rightarrow"}
SMALL = 0.62
CREATED = time.gmtime(0)


@dataclass
class Drawing:
    """Ink in the making: strokes with the tokens they spell, baseline at y = 0, x from 0."""

    strokes: list[Stroke] = field(default_factory=list)
    symbols: list[tuple[str, list[int]]] = field(default_factory=list)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 of the ink."""
        xs, ys = zip(*(point for stroke in self.strokes for point in stroke), strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    @property
    def width(self) -> float:
        """The width of the ink."""
        return self.box[2] - self.box[0]

    def sign(self, token: str, strokes: list[Stroke]) -> Drawing:
        """Writes one more symbol."""
        first = len(self.strokes)
        self.strokes += strokes
        self.symbols.append((token, list(range(first, len(self.strokes)))))
        return self

    def put(self, other: Drawing, x: float, y: float = 0.0, scale: float = 1.0) -> None:
        """Puts another drawing here: its left edge at x, its baseline at y."""
        left = other.box[0]
        first = len(self.strokes)
        for stroke in other.strokes:
            self.strokes.append([(x + (px - left) * scale, y + py * scale) for px, py in stroke])
        for token, indices in other.symbols:
            self.symbols.append((token, [first + i for i in indices]))


class Writer:
    """Draws a label's tokens from left to right in one style."""

    def __init__(self, label: str, seed: int) -> None:
        self.tokens = label.split()[::-1]
        self.writer = StrokeWriter(seed)

    def row(self) -> Drawing:
        """Everything up to the end of the group."""
        row, end = Drawing(), 0.0
        while self.tokens and self.tokens[-1] != "}":
            token = self.tokens[-1]
            air = self.air(token) if row.strokes else 0.0
            piece = self.scripted(self.piece())
            row.put(piece, end + air, self.writer.random.gauss(0, 2.5))
            end += air + piece.width + (self.writer.random.gauss(20, 3) if token in SPACED else 0)
        return row

    def air(self, token: str) -> float:
        """The gap before a token, in hundredths of an x."""
        wide = 36 if token in SPACED or token in WORDS or token == r"\frac" else 20
        return self.writer.random.gauss(wide, 3)

    def group(self) -> Drawing:
        """What stands between the next two braces."""
        self.tokens.pop()
        inner = self.row()
        self.tokens.pop()
        return inner

    def piece(self) -> Drawing:
        """One token with the groups that belong to it."""
        token = self.tokens.pop()
        if token == r"\frac":
            return self.fraction(self.group(), self.group())
        if token == r"\sqrt":
            return self.root(self.group())
        if token in WORDS:
            return self.word(token)
        return Drawing().sign(token, self.writer.write(token))

    def word(self, token: str) -> Drawing:
        """A function's name, letter by letter, as one symbol."""
        letters = Drawing()
        end = 0.0
        for letter in WORDS[token]:
            piece = Drawing().sign(letter, self.writer.write(letter))
            letters.put(piece, end)
            end += piece.width + 10
        return Drawing().sign(token, letters.strokes)

    def fraction(self, over: Drawing, under: Drawing) -> Drawing:
        """Numerator, bar, denominator: written in this order, as most people do."""
        drawing = Drawing()
        width = max(over.width, under.width) + 36
        drawing.put(over, (width - over.width) / 2, AXIS - 26 - over.box[3])
        drawing.sign("-", [self.writer.line((0, AXIS + 2), (width, AXIS - 2))])
        drawing.put(under, (width - under.width) / 2, AXIS + 28 - under.box[1])
        return drawing

    def root(self, inner: Drawing) -> Drawing:
        """The radical in one stroke, then what stands under it."""
        drawing = Drawing()
        top, foot = inner.box[1] - 24, max(8.0, inner.box[3] + 6)
        tick = (0.0, foot - 50), (16.0, foot - 62), (38.0, foot), (66.0, top)
        drawing.sign(r"\sqrt", [self.writer.line(*tick, (96 + inner.width, top - 3))])
        drawing.put(inner, 80)
        return drawing

    def scripted(self, base: Drawing) -> Drawing:
        """The base with its limits, or with its sub- and superscripts."""
        limits = bool(self.tokens) and self.tokens[-1] == r"\limits"
        if limits:
            self.tokens.pop()
        scripts = {}
        while self.tokens and self.tokens[-1] in ("_", "^"):
            place = self.tokens.pop()
            scripts[place] = self.group()
        return self.around(base, scripts) if limits else self.beside(base, scripts)

    def beside(self, base: Drawing, scripts: dict[str, Drawing]) -> Drawing:
        """Scripts at the right of the base."""
        _, top, right, bottom = base.box
        for place, script in scripts.items():
            y = min(-70.0, top * 0.62) if place == "^" else max(40.0, bottom + 20)
            base.put(script, right - (0 if place == "_" else -6), y, SMALL)
        return base

    def around(self, base: Drawing, scripts: dict[str, Drawing]) -> Drawing:
        """Limits above and below the base."""
        left, top, right, bottom = base.box
        for place, script in scripts.items():
            x = (left + right - script.width * SMALL) / 2
            over, under = script.box[1] * SMALL, script.box[3] * SMALL
            base.put(script, x, top - 22 - under if place == "^" else bottom + 24 - over, SMALL)
        return base


def ink(name: str, label: str) -> Ink:
    """One expression as ink, in a style of its own."""
    drawn = Writer(label, seed=len(label)).row()
    strokes = tuple(np.round(np.array(s), 1).astype(np.float32) for s in drawn.strokes)
    symbols = tuple(Symbol(tuple(indices), token) for token, indices in drawn.symbols)
    return Ink(strokes, symbols, label, f"${label}$", name)


def page(expression: Ink) -> Image.Image:
    """A sheet of A5 across at 150 dots an inch with the expression in its middle."""
    sheet = Image.new("L", (1240, 874), 255)
    drawn = Image.fromarray(render(expression, size=900, pen=4.0))
    sheet.paste(drawn, ((sheet.width - drawn.width) // 2, (sheet.height - drawn.height) // 2))
    return sheet


def hands(engine: Engine, columns: int = 3, width: int = 390, height: int = 200) -> str:
    """A sheet of what ``hmer generate --latex HANDS --count 12`` writes, as SVG."""
    rows, air = 12 // columns, 30
    sheet = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {columns * width} {rows * height}">'
        f'\n<rect width="100%" height="100%" fill="#fff"/>\n'
    ]
    for index in range(12):
        rng, style = Plan(Path(), seed=0).start(index)
        written = engine.write(HANDS, style, rng)
        h, w = written.image.shape
        scale = min((width - air) / w, (height - air) / h)
        x = (index % columns + 0.5) * width - w * scale / 2
        y = (index // columns + 0.5) * height - h * scale / 2
        drawn = paths(written.ink, written.pen) if written.ink else picture(written.image)
        sheet.append(
            f'<g transform="translate({x:.1f} {y:.1f}) scale({scale:.3f})">\n{drawn}</g>\n'
        )
    return "".join([*sheet, "</svg>\n"])


def picture(pixels: NDArray[np.uint8]) -> str:
    """An image as an element of an SVG."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", optimize=True)
    data = base64.b64encode(file.getvalue()).decode()
    height, width = pixels.shape
    return f'<image width="{width}" height="{height}" href="data:image/png;base64,{data}"/>\n'


def main(folder: Path, sheets: Path) -> None:
    """Writes all examples into the folder, and those that only pages show into ``sheets``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, label in INK.items():
        (folder / f"{name}.inkml").write_bytes(write_inkml(ink(name, label)))
    for name, label in IMAGES.items():
        image = render(ink(name, label), size=480, padding=16, pen=3.0)
        Image.fromarray(image).save(folder / f"{name}.png")
    Image.fromarray(lecture()).quantize(16).save(folder / "lecture.png", optimize=True)
    for name, make in ENGINES.items():
        (sheets / SHEETS[name]).write_text(hands(make()), encoding="utf-8")
    first, *rest = (page(ink(name, label)) for name, label in PAGES.items())
    first.save(
        folder / "notes.pdf",
        save_all=True,
        append_images=rest,
        resolution=150,
        creationDate=CREATED,
        modDate=CREATED,
    )


if __name__ == "__main__":
    here = Path(__file__).parent
    given = [Path(sys.argv[1])] * 2 if len(sys.argv) > 1 else [here, here.parent / "docs"]
    main(*given)
