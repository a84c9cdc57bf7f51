"""The symbol bank: ink of many hands in the units of the lines it was written in."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hmer_cli.data.mathbrush import read_symbols
from hmer_cli.errors import InputError
from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.tree import parse
from hmer_cli.ink.ink import Ink, Symbol
from hmer_cli.synthesis.font import FontWriter
from hmer_cli.synthesis.layout import layout
from hmer_cli.synthesis.layout_statistics import LayoutStyle, extents, learnt
from hmer_cli.synthesis.strokes import fill
from hmer_cli.training.compose.baselines import placed_symbols
from hmer_cli.training.compose.examples import example
from hmer_cli.training.compose.symbol_bank import SymbolBank, origin
from hmer_cli.training.fit.layout import fit, measures


def written(label: str, seed: int = 0, unit: float = 100.0, writer: str = "anna") -> Ink:
    rng = np.random.default_rng(seed)
    marks = layout(parse(tokenize(label)), FontWriter(rng), LayoutStyle(learnt(), rng))
    strokes, members = fill(marks, unit)
    symbols = tuple(Symbol(m, mark.token) for m, mark in zip(members, marks, strict=True))
    notes = {"writer": writer, "copyright": "ours"}
    return Ink(tuple(s + np.float32(500) for s in strokes), symbols, label, annotations=notes)


LABEL = r"b x + \frac { a } { x ^ { 2 } }"


@pytest.mark.parametrize("unit", [3.0, 40.0, 900.0])
def test_ink_of_any_scale_is_measured_by_the_line_it_stands_in(unit: float) -> None:
    bank = SymbolBank.build([written(LABEL, seed, unit) for seed in range(6)])
    heights = [bank.hand(np.random.default_rng(i)).glyph("x").height for i in range(20)]
    assert np.median(heights) == pytest.approx(1.0, abs=0.2)
    assert bank.count("x") == 12 and bank.count("2") == 6


def test_lines_have_their_baseline_where_the_letters_stand() -> None:
    ink = written("a x m n", unit=50.0)
    row = placed_symbols(example(ink, "a x m n"), extents())
    assert row is not None
    assert row[0].line.unit == pytest.approx(50, rel=0.15)
    assert row[0].line.base == pytest.approx(np.median([s.box[3] for s in row]), abs=10)


def test_an_expression_is_written_in_one_hand_as_far_as_its_ink_goes() -> None:
    slim, wide = written(LABEL, 1, writer="slim"), written(LABEL, 2, writer="wide")
    slim = replace(slim, strokes=tuple(s * np.float32([0.3, 1]) for s in slim.strokes))
    bank = SymbolBank.build([wide, slim] * 40)
    own = 0
    for seed in range(40):
        hand = bank.hand(np.random.default_rng(seed))
        glyph = hand.glyph("a")
        own += (glyph.width < 0.5) == (hand.writer == "ours/slim")
    assert own >= 30


def test_some_hands_write_x_as_others_write_n() -> None:
    bank = SymbolBank.build([written("x + n", seed) for seed in range(60)])
    n = {glyph.points.tobytes() for glyph in bank.shelf("n").glyphs}  # type: ignore[union-attr]
    hands = [bank.hand(np.random.default_rng(seed)) for seed in range(400)]
    drawn = [[hand.glyph("x") for _ in range(3)] for hand in hands]
    assert all(glyph.token == "x" for glyphs in drawn for glyph in glyphs)
    alike = [sum(glyph.points.tobytes() in n for glyph in glyphs) for glyphs in drawn]
    assert 5 <= sum(count > 1 for count in alike) <= 40


def test_some_hands_write_tan_in_two_letters() -> None:
    bank = SymbolBank.build([written("t a n g", seed) for seed in range(60)])
    hands = [bank.hand(np.random.default_rng(seed)) for seed in range(200)]
    widths: dict[bool, list[float]] = {True: [], False: []}
    for hand in hands:
        glyph = hand.glyph(r"\tan")
        assert glyph.token == r"\tan"
        widths[hand.names.get(r"\tan") == "tg"].append(glyph.width)
    assert 5 <= len(widths[True]) <= 40
    assert np.median(widths[True]) < 0.85 * np.median(widths[False])


def test_what_the_bank_has_not_the_font_writes() -> None:
    bank = SymbolBank.build([written("x + y")])
    assert bank.can_write(r"\nabla") and not bank.can_write(r"\aleph")
    assert bank.tokens == ["+", "x", "y"]
    assert bank.hand(np.random.default_rng(0)).glyph(r"\nabla").token == r"\nabla"
    assert SymbolBank().hand(np.random.default_rng(0)).glyph("x").token == "x"


def test_the_glyph_with_the_fittest_shape_is_taken() -> None:
    bank = SymbolBank.build([written(rf"\sqrt {{ {'x ' * n} }}", n) for n in range(1, 9)] * 10)

    def mean(aspect: float) -> float:
        hands = [bank.hand(np.random.default_rng(i)) for i in range(20)]
        glyphs = [hand.glyph(r"\sqrt", aspect) for hand in hands]
        return float(np.mean([glyph.width / glyph.height for glyph in glyphs]))

    assert mean(6.0) > 1.5 * mean(1.0)


def test_the_writer_is_who_the_file_names() -> None:
    notes = {"UI": '"200923-1251-32.ink"'}
    assert origin(Ink((), annotations=notes)) == ("crohme/200923-1251", "crohme")
    assert origin(written("x")) == ("ours/anna", "ours")


def test_a_label_that_the_ink_contradicts_gives_no_glyphs() -> None:
    assert SymbolBank.build([written("x + y").with_label("x + y + z")]).tokens == []


def archive(folder: Path, text: str) -> Path:
    path = folder / "symbols.txt.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_mathbrush_symbols_are_read_by_their_code_points(tmp_path: Path) -> None:
    ink = "SCG_INK\n1\n3\n0 0\n5 5\n0 10\n"
    path = archive(tmp_path, f"MBDB1\n3b4\n{ink}\n2260\n{ink}\n3b5\n{ink}\n7b\n{ink}")
    read = dict(read_symbols(path))
    assert list(read) == [r"\delta", r"\neq", r"\varepsilon", r"\{"]
    assert read[r"\delta"][0].tolist() == [[0, 0], [5, 5], [0, 10]]
    assert SymbolBank.build([], [path]).count(r"\delta") == 1


@pytest.mark.parametrize(
    "text", ["", "MBDB2\n", "MBDB1\n3b4\nSCG_INK\n1\n3\n0 x\n", "MBDB1\n3b4\n1"]
)
def test_what_is_no_file_of_symbols_is_told_in_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"symbols.txt.gz: not a file"):
        list(read_symbols(archive(tmp_path, text)))


def test_measures_are_a_line_with_spreads_between_and_within_expressions() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        habit = rng.normal(0, 0.5)
        xs = rng.uniform(0, 4, 5)
        found.append([("rise", x, 2 + 0.5 * x + habit + rng.normal(0, 0.2)) for x in xs])
    assert measures(found)["rise"] == pytest.approx([2, 0.5, 0.5, 0.2], abs=0.1)


def test_the_fit_finds_what_the_layout_was_drawn_from() -> None:
    label = r"x ^ { a } + \frac { n } { m } + c ^ { k }"
    ink = [example(written(label, seed), label) for seed in range(150)]
    table = fit(ink)
    assert '"size.sup"' in table and '"over.gap"' in table
    learned = json.loads(table)["measures"]
    assert learned["size.sup"][0] == pytest.approx(learnt()["size.sup"].offset, abs=0.25)
    assert learned["over.gap"][0] == pytest.approx(learnt()["over.gap"].offset, abs=0.25)


@pytest.mark.data
def test_mathbrush_has_what_crohme_lacks(data_file: Callable[[str], Path]) -> None:
    bank = SymbolBank.build([], [data_file("mathbrush-symbols.txt.gz")])
    for token in [*"DJKOQUWZ", r"\delta", r"\rho", r"\tau", r"\psi", r"\Omega"]:
        assert bank.count(token) >= 5, token


def test_signs_that_were_cut_wrongly_give_no_ink(tmp_path: Path) -> None:
    """In UNIPEN some signs are several on one another, with a dot at the lower left."""
    plus = [[[0, 50], [100, 50]], [[50, 0], [50, 100]]]
    dots = [[[2, 160], [4, 161]], [[3, 160], [4, 160]]]
    other = [[[200, 0], [180, 60], [260, 60]], [[240, 20], [240, 100]], *dots]
    inks = [("+", plus), ("+", other), ("i", [[[0, 40], [0, 100]], [[0, 0], [1, 2]]])]
    lines = [
        {
            "label": label,
            "writer": f"x/{n}",
            "strokes": [[v for p in s for v in p] for s in strokes],
        }
        for n in range(20)
        for label, strokes in inks
    ]
    path = tmp_path / "symbols.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode()))
    bank = SymbolBank.build([], [path])
    assert (bank.count("+"), bank.count("i")) == (20, 20)
