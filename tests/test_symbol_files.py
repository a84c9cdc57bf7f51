"""Isolated symbols of UNIPEN and detexify as ink of the symbol bank."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest

from hmer_cli.data.symbol_files import IsolatedSymbol, read_symbols, symbol_token
from hmer_cli.errors import InputError
from hmer_cli.synthesis.font import FontWriter
from hmer_cli.synthesis.layout_statistics import extents
from hmer_cli.training.compose.agreement import agreeing, checked_symbols
from hmer_cli.training.compose.symbol_bank import SymbolBank


def lines_of(path: Path, entries: Iterable[object]) -> Path:
    text = "".join((e if isinstance(e, str) else json.dumps(e)) + "\n" for e in entries)
    path.write_bytes(gzip.compress(text.encode()))
    return path


def flat(token: str, seed: int) -> list[list[int]]:
    """A sign of our own hand as UNIPEN keeps it: its longer side 255, its size lost."""
    glyph = FontWriter(np.random.default_rng(seed)).glyph(token)
    scale = 255 / max(glyph.width, glyph.height)
    points = ((glyph.points - glyph.points.min(axis=0)) * scale).round().astype(int)
    strokes = np.split(points, np.cumsum(glyph.lengths)[:-1])
    return [stroke.ravel().tolist() for stroke in strokes]


def unipen(path: Path, letters: str, count: int) -> Path:
    return lines_of(
        path,
        [
            {"label": letter, "writer": f"w{i % 3}", "strokes": flat(letter, i)}
            for letter in letters
            for i in range(count)
        ],
    )


@pytest.mark.parametrize(
    ("label", "token"),
    [
        ("x", "x"),
        ("'", r"\prime"),
        ("%", r"\%"),
        (r"\to", r"\rightarrow"),
        (r"\dotsb", r"\cdots"),
        (r"\mathcal{L}", r"\mathcal { L }"),
        (r"\mathscr{L}", r"\mathcal { L }"),
        (r"\mathds{1}", r"\mathbb { 1 }"),
        (r"\upomega", r"\omega"),
        (r"\Upomega", r"\Omega"),
        (r"\upsilon", r"\upsilon"),
        (r"\upupsilon", r"\upsilon"),
        (r"\Upsilon", r"\Upsilon"),
        (r"\uparrow", r"\uparrow"),
        (r"\Uparrow", r"\Uparrow"),
        (r"\uplus", r"\uplus"),
        (r"\sqrt{}", r"\sqrt"),
        (r"\capricornus", None),
        ("^", None),
    ],
)
def test_labels_of_the_files_become_tokens(label: str, token: str | None) -> None:
    assert symbol_token(label) == token


def test_symbols_are_read_with_writer_and_source(tmp_path: Path) -> None:
    entries = [
        {"label": "a", "writer": "w1", "strokes": [[0, 0, 5, 5], []]},
        {"label": r"\ae", "mode": "text", "package": "latex2e", "strokes": [[0, 0]]},
        {"label": r"\partial", "mode": "math", "package": "latex2e", "strokes": [[0, 0, 1, 2]]},
    ]
    found = list(read_symbols(lines_of(tmp_path / "s.jsonl.gz", entries)))
    assert [(s.token, s.writer, s.source) for s in found] == [
        ("a", "unipen/w1", "unipen"),
        (r"\partial", "", "detexify"),
    ]
    assert [stroke.tolist() for stroke in found[0].strokes] == [[[0, 0], [5, 5]]]


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        '"x"',
        "{}",
        '{"label": "x", "strokes": []}',
        '{"label": "x", "writer": "w", "strokes": [[1]]}',
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, bad: str) -> None:
    good = {"label": "a", "writer": "w1", "strokes": [[0, 0, 5, 5]]}
    path = lines_of(tmp_path / "s.jsonl.gz", [good, bad])
    with pytest.raises(InputError, match=r"s\.jsonl\.gz, line 2: not an isolated symbol"):
        list(read_symbols(path))


def test_a_file_cut_short_is_told(tmp_path: Path) -> None:
    path = unipen(tmp_path / "s.jsonl.gz", "abc", 20)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"s\.jsonl\.gz, line \d+: not an isolated symbol"):
        list(read_symbols(path))


def test_what_looks_like_nothing_of_its_name_is_left_out() -> None:
    def symbol(drawn: str, token: str, seed: int) -> IsolatedSymbol:
        glyph = FontWriter(np.random.default_rng(seed)).glyph(drawn)
        return IsolatedSymbol(token, tuple(glyph.strokes), "", "unipen")

    right = [symbol(token, token, i) for token in ("W", "8", "+", "T") for i in range(40)]
    wrong = [symbol("8", "W", 99), symbol("W", "+", 98)]
    kept = agreeing([*right, *wrong])
    assert kept[:-2].mean() > 0.98 and not kept[-2:].any()


def test_what_was_found_out_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMER_CACHE", str(tmp_path / "cache"))
    path = unipen(tmp_path / "s.jsonl.gz", "abc", 20)
    first = checked_symbols(path)
    monkeypatch.setattr("hmer_cli.training.compose.agreement.agreeing", lambda symbols: 1 / 0)
    again = checked_symbols(path)
    assert [s.token for s in again] == [s.token for s in first]
    dotted = "hmer_cli.training.compose.agreement._dotted"
    monkeypatch.setattr(dotted, lambda: frozenset("abc"))  # as another font draws them
    with pytest.raises(ZeroDivisionError):
        checked_symbols(path)


def test_isolated_letters_get_size_and_place_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HMER_CACHE", str(tmp_path / "cache"))
    bank = SymbolBank.build([], [unipen(tmp_path / "s.jsonl.gz", "cCpx.", 40)])

    def boxes(token: str) -> np.ndarray:
        shelf = bank.shelf(token)
        assert shelf is not None
        return np.array([glyph.box for glyph in shelf.glyphs])

    for token in "cCpx":
        assert np.median(boxes(token)[:, 1::2], axis=0) == pytest.approx(extents()[token], abs=0.06)
    heights = boxes("c")[:, 3] - boxes("c")[:, 1]
    assert 0.03 < np.log(heights).std() < 0.12
    assert np.ptp(boxes(".")[:, 1::2], axis=1).max() < 0.4


def test_no_source_dominates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMER_CACHE", str(tmp_path / "cache"))
    many = unipen(tmp_path / "many.jsonl.gz", "x", 320)
    few = lines_of(
        tmp_path / "few.jsonl.gz",
        [{"label": "/", "package": "latex2e", "strokes": flat("/", i)} for i in range(20)],
    )
    bank = SymbolBank.build([], [many, few])
    for glyph in list(bank.shelf("/").glyphs):  # type: ignore[union-attr]
        bank.add(glyph, "other/one", "other")
    families = [bank.hand(np.random.default_rng(i)).family for i in range(300)]
    assert 0.1 < families.count("other") / 300 < 0.35


def test_function_names_are_written_by_those_who_wrote_the_letters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HMER_CACHE", str(tmp_path / "cache"))
    bank = SymbolBank.build([], [unipen(tmp_path / "s.jsonl.gz", "ln", 60)])
    counts = set()
    for seed in range(30):
        glyph = bank.hand(np.random.default_rng(seed)).glyph(r"\ln")
        assert glyph.token == r"\ln" and glyph.width < 3 and glyph.height > 1.2
        counts.add(len(glyph.lengths))
    assert len(counts) > 1


@pytest.mark.data
@pytest.mark.slow
def test_the_files_give_ink_of_what_crohme_lacks(data_file: Callable[[str], Path]) -> None:
    files = [data_file("unipen-symbols.jsonl.gz"), data_file("detexify-symbols.jsonl.gz")]
    bank = SymbolBank.build([], files)
    for token in ["c", "C", "q", "Z", r"\partial", r"\hbar", r"\langle", r"\mathcal { L }"]:
        assert bank.count(token) >= 35, token


@pytest.mark.parametrize("name", ["s.jsonl.gz", "s.txt.gz"])
def test_a_file_that_is_not_there_is_told_as_that(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"{name}: cannot be read \(No such file"):
        list(read_symbols(tmp_path / name))
