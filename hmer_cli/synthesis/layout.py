"""Symbol layout tree -> a box for every symbol, by sampled layout statistics.

Input: a tree, a source of glyphs, a `LayoutStyle`. Output: marks (glyph and box) in the order of
the label; the unit is the x height. Method: recursive box layout as in TeX, with every gap, shift
and scale drawn from normal distributions fitted to the boxes of CROHME's training symbols. Literal
bounds in this module keep symbols from touching; they are conventions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

from hmer_cli.expr.commands import COVERS, GRID_DELIMITERS, OPERATORS
from hmer_cli.expr.node import Node, Tree, placed
from hmer_cli.expr.symbol_classes import LAYOUT_CLASSES, layout_class
from hmer_cli.geometry import Box
from hmer_cli.synthesis.blocks import Block, Mark
from hmer_cli.synthesis.covering import uncovered
from hmer_cli.synthesis.glyph import Glyph, GlyphWriter
from hmer_cli.synthesis.layout_statistics import LayoutStyle, gap
from hmer_cli.synthesis.matrix_cells import arrange
from hmer_cli.synthesis.strokes import stretched

_WIDE_COVERS = frozenset(
    {r"\overline", r"\underline", r"\overrightarrow", r"\overbrace", r"\underbrace"}
)
_UNDER = frozenset({r"\underline", r"\underbrace"})
_BARS = ("|", r"\|")
_NARROW_COVERS = frozenset({r"\dot", r"\ddot"})
_LEAST_GAP, _NEAR_GAP = -0.02, -0.12
"""The least gap between neighbours; that of symbols as near as people's."""  # convention

_OFF, _NEAR_OFF = 0.4, 0.3
"""The least distance of a script's line from that of its base, middle to middle; likewise."""
# convention

_BEYOND = 0.2
"""How far a script reaches beyond its base, above or below, at least."""  # convention

_CLEAR = 0.08
"""The least distance of a limit above or below an operator."""  # convention

_DEEP = -0.6
"""How far a limit beside an integral reaches in between its ends, at most."""  # convention

_FOOT = 0.35
"""How far a lower limit reaches under an integral, which leans, as a share of the width of one."""
# convention

_ALONE = {r"\iint": 0.6, r"\iiint": 0.48}
"""The width of one of several integrals, as a share of that of all."""

_AT_SIDE = 0.75
"""Share of expressions whose integrals have their limits at the side."""  # convention

_BESIDE = 0.1
"""The least gap before a prime."""  # convention

_LEAST_SCALE = 0.36
"""The least scale of nested scripts."""  # convention


def layout(tree: Tree, writer: GlyphWriter, style: LayoutStyle) -> list[Mark]:
    """The marks of all symbols of the tree, in the order of its label.

    The unit is the x height of the main line. Raises KeyError if ``writer`` has no glyph of a
    symbol, ValueError for a tree without symbols.
    """
    block = _Layouter(writer, style).row(tree)
    if not block.marks:
        raise ValueError("nothing to write")
    return block.marks


class _Layouter:
    def __init__(self, writer: GlyphWriter, style: LayoutStyle) -> None:
        self.writer = writer
        self.style = style
        self.scale = 1.0
        self.least = _NEAR_GAP if style.near else _LEAST_GAP

    @cached_property
    def at_side(self) -> bool:
        """Whether all integrals have their limits at the side, not over and under them."""
        return bool(self.style.rng.random() < _AT_SIDE)

    def row(self, tree: Tree) -> Block:
        """Symbols from left to right; brackets last, as their height depends on their content."""
        partner = _pairs(tree)
        blocks: list[Block | None] = [
            None if i in partner else self.node(node) for i, node in enumerate(tree)
        ]
        for end in sorted(i for i in partner if partner[i] < i):
            start = partner[end]
            held = [b for b in blocks[start + 1 : end] if b and b.marks]
            for i in (start, end):
                blocks[i] = self.node(tree[i], self.reach(held))
        return self.joined(tree, [block for block in blocks if block is not None])

    def joined(self, tree: Tree, blocks: Sequence[Block]) -> Block:
        """Concatenate the blocks of a row's nodes with sampled gaps."""
        out = Block()
        last = ""
        for node, block in zip(tree, blocks, strict=True):
            if not block.marks:
                continue
            space = self.style.space(gap(last, node.symbol), self.least) if out.marks else 0.0
            x = out.box[2] + space - block.box[0]
            out.add(block, uncovered(out, block, x) if out.marks else x)
            last = node.symbol
        return out

    def reach(self, held: Sequence[Block]) -> tuple[float, float] | None:
        """Top and bottom of the brackets around these blocks."""
        if not held:
            return None
        top = min(block.box[1] for block in held)
        bottom = max(block.box[3] for block in held)
        high, low = self.style.draw("bracket.top", top), self.style.draw("bracket.bottom", bottom)
        return min(high, top + 0.2), max(low, bottom - 0.2)

    def part(self, tree: Tree, role: str) -> tuple[Block, float]:
        """A script, limit or part of a fraction in its own unit, and its scale."""
        most = 1.15 if role in ("over", "under") else 0.95
        size = min(math.exp(self.style.draw(f"size.{role}")), most)
        size = max(size, _LEAST_SCALE / self.scale)
        self.scale *= size
        block = self.row(tree)
        self.scale /= size
        return block, size

    def node(self, node: Node, reach: tuple[float, float] | None = None) -> Block:
        """A symbol with its scripts and arguments; baseline at 0, left edge anywhere."""
        if node.symbol == r"\frac":
            block = self.fraction(node)
        elif node.symbol == r"\binom":
            block = self.binomial(node)
        elif node.symbol == r"\sqrt":
            block = self.root(node)
        elif node.symbol in COVERS:
            block = self.cover(node)
        elif node.cells:
            block = self.grid(node)
        elif node.symbol:
            block = self.sign(node.symbol, reach)
        else:
            block = Block()
        return self.scripts(node, block)

    def sign(self, token: str, reach: tuple[float, float] | None) -> Block:
        """One glyph unscaled, or stretched to the top and bottom ``reach``."""
        if reach is None:
            glyph = self.writer.glyph(token)
            return Block.of(glyph, glyph.box)
        top, bottom = reach
        glyph = self.writer.glyph(token, 0.35 / (bottom - top))
        stretch = (bottom - top) / max(glyph.height, 0.3)
        width = min(glyph.width * stretch**0.5, 1.0)
        return Block.of(glyph, (0.0, top, width, bottom))

    def scripts(self, node: Node, block: Block) -> Block:
        """The block with its limits and scripts."""
        above, below = node.above, node.below
        sub, sup = node.sub, node.sup
        if node.symbol in OPERATORS and (above or below):
            integral = "int" in node.symbol
            if integral and self.style.near:
                self.limits(block, above, below, "int")
            elif integral and self.at_side:
                sub, sup = below + sub, above + sup
            else:
                self.limits(block, above, below)
        elif node.symbol == r"\overbrace":
            sup = self.limits(block, sup, ())
        elif node.symbol == r"\underbrace":
            sub = self.limits(block, (), sub)
        if placed(node):
            self.place(block, above, below)
        base = block.box if block.marks else (0.0, -1.0, 0.0, 0.0)
        for name, tree in (("sub", sub), ("sup", sup)):
            if tree:
                self.script(block, base, name, tree, node.symbol)
        return block

    def script(self, block: Block, base: Box, name: str, tree: Tree, token: str) -> None:
        """Add one script to the block, whose base symbol has this token and the box ``base``."""
        part, size = self.part(tree, name)
        if not part.marks:
            return
        edge = base[1] if name == "sup" else base[3]
        kind = layout_class(token)
        kind = kind if f"{name}.gap.{kind}" in self.style.measures else "letter"
        space = self.style.space(f"{name}.gap.{kind}", self.least)
        if "int" in token and name == "sub":
            space -= _foot(token, base)
        kind = kind if f"{name}.base.{kind}" in self.style.measures else "letter"
        y = self.style.draw(f"{name}.base.{kind}", edge)
        if all(node.symbol == r"\prime" for node in tree):  # it hangs at the top of its base
            top = min(base[1] + 0.1, -1.35)
            y = top + float(self.style.rng.normal(0, 0.1)) - part.middle * size
            space = max(space, _BESIDE)
        elif self.style.near and name == "sup":
            beyond = base[1] - _BEYOND - part.box[1] * size
            y = min(y, beyond, (size - 1) / 2 - _NEAR_OFF)
        elif self.style.near:
            beyond = base[3] + _BEYOND - part.box[3] * size
            y = max(y, beyond, (size - 1) / 2 + _NEAR_OFF)
        elif name == "sup":  # a superscript ends above the middle of its base, a subscript below it
            y = min(y, (base[1] + base[3]) / 2 - 0.1 - part.box[3] * size, (size - 1) / 2 - _OFF)
        else:
            y = max(y, (base[1] + base[3]) / 2 + 0.1 - part.box[1] * size, (size - 1) / 2 + _OFF)
        x = base[2] + space - part.box[0] * size
        block.add(part, uncovered(block, part, x, y, size), y, size)

    def place(self, block: Block, above: Tree, below: Tree) -> None:
        r"""Rows over and under a symbol that is no operator (``\overset``), spelled before it."""
        own = len(block.marks)
        self.limits(block, above, ())
        self.limits(block, (), below)
        block.marks = block.marks[own:] + block.marks[:own]

    def limits(self, block: Block, above: Tree, below: Tree, kind: str = "stack") -> Tree:
        """Add rows over and under an operator or a brace, the lower one first.

        Of the ``kind`` "int" they may also stand right of its ends. Returns an empty tree: what is
        placed here is no script any more.
        """
        base = block.box
        for name, tree in (("below", below), ("above", above)):
            part, size = self.part(tree, name) if tree else (Block(), 1.0)
            if not part.marks:
                continue
            distance = self.style.draw(f"{name}.gap.{kind}")
            x = (base[0] + base[2]) / 2 + self.style.draw(f"{name}.shift.{kind}")
            if kind == "int" and distance < _CLEAR:
                distance = max(distance, _DEEP)
                foot = _foot(block.marks[0].token, base) if name == "below" else -_CLEAR
                x = max(x, base[2] - foot + (part.centre - part.box[0]) * size)
            else:
                distance = max(distance, _CLEAR)
            y = base[3] + distance - part.box[1] * size
            if name == "above":
                y = base[1] - distance - part.box[3] * size
            x -= part.centre * size
            block.add(part, uncovered(block, part, x, y, size) if kind == "int" else x, y, size)
        return ()

    def binomial(self, node: Node) -> Block:
        """Two rows in round brackets; both brackets are one symbol."""
        inner = Block()
        axis = self.style.draw("bar.axis")
        for name, tree in (("over", node.above), ("under", node.below)):
            part, size = self.part(tree, name)
            distance = max(0.6 * self.style.draw(f"{name}.gap"), 0.12)
            y = axis + distance - part.box[1] * size
            if name == "over":
                y = axis - distance - part.box[3] * size
            inner.add(part, -part.centre * size, y, size)
        box = inner.box if inner.marks else (0.0, -1.6, 0.6, 0.4)
        reach = box[1] - 0.15, box[3] + 0.15
        space = max(float(self.style.rng.normal(0.15, 0.06)), 0.04)
        left, right = (self.sign(bracket, reach) for bracket in "()")
        out = Block()
        out.add(left, box[0] - space - left.box[2])
        out.add(right, box[2] + space - right.box[0])
        strokes = [stroke for mark in out.marks for stroke in stretched(mark)]
        glyph = Glyph.of(node.symbol, strokes)
        block = Block.of(glyph, glyph.box)
        block.add(inner)
        return block

    def fraction(self, node: Node) -> Block:
        """Numerator, bar and denominator; the bar lies on the axis."""
        (over, over_size), (under, under_size) = (
            self.part(node.above, "over"),
            self.part(node.below, "under"),
        )
        widest = max(over.width * over_size, under.width * under_size, 0.5)
        half = widest / 2 + max(self.style.draw("bar.overhang"), -0.05 * widest)
        axis = self.style.draw("bar.axis")
        glyph = self.writer.glyph(r"\frac", half / 0.05)
        rise = min(glyph.height * min(2 * half / max(glyph.width, 0.2), 2.0), 0.3) / 2
        block = Block.of(glyph, (-half, axis - rise, half, axis + rise))
        for name, part, size in (("over", over, over_size), ("under", under, under_size)):
            if part.marks:
                distance = max(self.style.draw(f"{name}.gap"), rise + 0.06)
                shift = _within(self.style.draw(f"{name}.shift"), half - part.width * size / 2)
                y = axis + distance - part.box[1] * size
                if name == "over":
                    y = axis - distance - part.box[3] * size
                block.add(part, shift - part.centre * size, y, size)
        return block

    def root(self, node: Node) -> Block:
        """The radical around its content, with the index above its hook."""
        inside = self.row(node.inside)
        index, size = self.part(node.above, "index") if node.above else (Block(), 1.0)
        if not inside.marks:
            inside = Block(box=(0.0, -1.0, 0.6, 0.0))
        top = inside.box[1] - max(0.8 * self.style.draw("root.top"), 0.2)
        bottom = inside.box[3] - self.style.draw("root.bottom")
        right = inside.width + 0.08 + max(0.8 * self.style.draw("root.right"), 0.1)
        height = bottom - top
        hook = min(max(self.style.draw("root.hook", height) - 0.15, 0.5), 0.9 * height + 0.3)
        glyph = self.writer.glyph(r"\sqrt", (hook + right) / height)
        block = Block.of(glyph, (0.0, top, hook + right, bottom))
        block.marks[0].knee = hook
        if index.marks:
            x = min(self.style.draw("index.x", height), hook)
            y = min(self.style.draw("index.y", height), 0.45 * height)
            block.add(index, x - index.box[2] * size, top + y - index.box[3] * size, size)
        block.add(inside, hook + 0.2 - inside.box[0])
        return block

    def cover(self, node: Node) -> Block:
        """An accent or a line over (or under) its content."""
        inside = self.row(node.inside)
        glyph = self.writer.glyph(node.symbol)
        width, height = glyph.width, glyph.height
        x0, top, x1, bottom = inside.box if inside.marks else (0.0, -1.0, 0.6, 0.0)
        if node.symbol in _WIDE_COVERS:
            width = x1 - x0 + float(self.style.rng.normal(0.15, 0.12))
        elif node.symbol not in _NARROW_COVERS:
            width = max(width, 0.75 * (x1 - x0))
        height = min(height, 0.8)
        distance = max(float(self.style.rng.normal(0.25, 0.09)), 0.08)
        left = (x0 + x1 - width) / 2 + float(self.style.rng.normal(0.05, 0.06))
        y = bottom + distance if node.symbol in _UNDER else top - distance - height
        block = Block.of(glyph, (left, y, left + width, y + height))
        if glyph.knee is not None:  # the head of an arrow is as long over any number of letters
            block.marks[0].knee = left + max(width - (glyph.box[2] - glyph.knee), width / 2)
        block.add(inside)
        return block

    def grid(self, node: Node) -> Block:
        """A matrix: its cells in rows and columns between stretched delimiters."""
        cells = [[self.row(cell) for cell in row] for row in node.cells]
        inner = Block()
        for cell, x, y in arrange(
            [[cell.box for cell in row] for row in cells], self.style, node.symbol[7:-1]
        ):
            inner.add(cells[cell[0]][cell[1]], x, y)
        before, after = GRID_DELIMITERS[node.symbol[7:-1]]
        _, top, _, bottom = inner.box
        reach = top - 0.15, bottom + 0.15
        block = Block()
        for token, part in ((before, None), ("", inner), (after, None)):
            piece = part or (self.sign(token, reach) if token else Block())
            space = max(float(self.style.rng.normal(0.3, 0.1)), 0.1) if block.marks else 0.0
            block.add(piece, block.box[2] + space - piece.box[0])
        return block


def _pairs(tree: Tree) -> dict[int, int]:
    """Index of a bracket -> index of its partner, both ways; a bar between brackets, as in
    ``P ( A | B )``, has none."""
    partner: dict[int, int] = {}
    waiting: list[int] = []
    for i, node in enumerate(tree):
        kind = LAYOUT_CLASSES.get(node.symbol)
        if node.symbol in _BARS:
            kind = "close" if waiting and tree[waiting[-1]].symbol == node.symbol else "open"
        elif kind == "close" and any(tree[k].symbol not in _BARS for k in waiting):
            while tree[waiting[-1]].symbol in _BARS:
                waiting.pop()
        if kind == "open":
            waiting.append(i)
        elif kind == "close" and waiting:
            start = waiting.pop()
            partner[start], partner[i] = i, start
    return partner


def _foot(token: str, base: Box) -> float:
    """How far a lower limit reaches under the last of the integrals with this box."""
    return _FOOT * _ALONE.get(token, 1.0) * (base[2] - base[0])


def _within(value: float, limit: float) -> float:
    limit = max(limit, 0.05)
    return min(max(value, -limit), limit)
