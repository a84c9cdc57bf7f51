"""Two models on one data set: their difference, its interval, and who alone was right."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmer_cli.commands.compare import run
from hmer_cli.datasets.expressions import as_label
from hmer_cli.datasets.pages import TrueExpression
from hmer_cli.errors import InputError
from hmer_cli.metrics import comparison, evaluation
from hmer_cli.metrics.comparison import Comparison, compare
from hmer_cli.metrics.evaluation import Outcome, evaluate_outcomes
from hmer_cli.metrics.label_graph import label_graph
from hmer_cli.metrics.pages import as_tsv, score_page
from hmer_cli.metrics.scores import Pair
from hmer_cli.recognition.reading import Reading


def side(right: set[int], n: int = 200) -> dict[str, Pair]:
    return {f"{i:03}": Pair("x ^ { 2 }", "x ^ { 2 }" if i in right else "x 2") for i in range(n)}


def test_a_better_model_is_told_from_chance() -> None:
    found = compare(side(set(range(100))), side(set(range(150))))
    rate, shape, wer = found.differences
    assert (rate.first, rate.second) == (0.5, 0.75)
    assert 0.18 < rate.low < 0.25 < rate.high < 0.32
    assert shape.high > 0 > wer.high
    assert (found.only_first, found.only_second) == (0, 50)
    assert found.p_value == pytest.approx(2 / 2**50)


def test_the_same_predictions_do_not_differ() -> None:
    found = compare(side({1, 2}), side({1, 2}))
    assert [(each.low, each.high) for each in found.differences] == [(0, 0)] * 3
    assert found.p_value == 1


@pytest.mark.parametrize("chunk", [1, 999, 1_000_000, 10**9])
def test_the_intervals_do_not_depend_on_how_many_resamples_are_held(
    chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "CHUNK", chunk)
    monkeypatch.setattr(comparison, "RESAMPLES", 500)
    drawn = np.random.default_rng(3).integers(0, 7, (500, 7), np.int32)
    parts = list(comparison._resamples(7, 3))
    assert np.array_equal(np.concatenate(parts), drawn)
    assert max(part.size for part in parts) <= max(chunk, 7)
    wer = compare(side({1}, 7), side({1, 2, 3}, 7), seed=3).differences[2]
    change = np.array([0, 0, -3, -3, 0, 0, 0])[drawn].sum(1) / (7 * 5)
    assert (wer.low, wer.high) == pytest.approx(tuple(np.quantile(change, (0.025, 0.975))))


@pytest.mark.parametrize(("b", "c", "p"), [(10, 2, 0.0385742), (5, 5, 1), (520, 500, 0.5519226)])
def test_mcnemars_test(b: int, c: int, p: float) -> None:
    assert Comparison(2000, (), b, c).p_value == pytest.approx(p, rel=1e-5)


@given(st.integers(0, 800), st.integers(0, 800))
def test_mcnemars_test_is_exact_however_many_differ(b: int, c: int) -> None:
    tail = Fraction(sum(math.comb(b + c, k) for k in range(min(b, c) + 1)), 2 ** (b + c))
    assert Comparison(2000, (), b, c).p_value == float(min(Fraction(1), 2 * tail))


def test_files_of_predictions_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = "name\ttruth\tprediction\tedits\tconfidence\n"
    files = [tmp_path / "a.tsv", tmp_path / "b.tsv"]
    files[0].write_text(head + 'q1\tx "\tx "\t0\t0.9\nq2\ty\tx\t1\t0.2\n')
    files[1].write_text(head + 'q1\tx "\tx\t1\t0.9\nq2\ty\tx\t1\t0.2\n')
    assert run(*files).only_first == 1
    assert "McNemar" in capsys.readouterr().out
    files[1].write_text(head + "q3\ty\tx\t1\t0.2\n")
    with pytest.raises(InputError, match=r"a.tsv: lacks 1 expression of the other, as q3"):
        run(*files)
    files[1].write_text(head + "q2\ty\tx\t1\t0.2\n")
    with pytest.raises(InputError, match=r"b.tsv: lacks 1 expression of the other, as q1"):
        run(*files)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("nothing", "its first line names no name and no truth and no prediction"),
        ("name,truth,prediction\nq1,x,x\n", "names no name"),
        ("name\tprediction\nq1\tx\n", "its first line names no truth"),
        ("name\ttruth\tprediction\nq1\tx\n", "a line has fewer columns than the first, as q1"),
        ("name\ttruth\tprediction\nq1\tx\tx\t+ 1\n", "more columns than the first, as q1"),
        ("name\ttruth\tprediction\tprediction\nq1\tx\tx\ty\n", "line names prediction twice"),
    ],
)
def test_what_is_no_table_of_predictions_says_why(
    tmp_path: Path, content: str, reason: str
) -> None:
    file = tmp_path / "a.tsv"
    file.write_text(content)
    with pytest.raises(InputError, match=f"{reason}.*; write them with hmer eval --predictions"):
        run(file, file)


def test_predictions_of_pages_are_not_compared(tmp_path: Path) -> None:
    file = tmp_path / "p.tsv"
    file.write_text(as_tsv([score_page("a", [TrueExpression((0, 0, 9, 9), "x")], [])]))
    said = f"{file}: holds predictions of pages, which are not compared; compare those of single"
    with pytest.raises(InputError, match=said):
        run(file, file)


def test_predictions_of_another_tool_count_in_any_spelling(tmp_path: Path) -> None:
    files = [tmp_path / "a.tsv", tmp_path / "b.tsv"]
    files[0].write_text("name\ttruth\tprediction\nq1\tx ^ { 2 }\tx ^ { 2 }\n")
    spelled = b"\xef\xbb\xbfname\ttruth\tprediction\r\nq1\tx^2\t{x}^{2}\r\n"  # by Excel
    files[1].write_bytes(spelled)
    rate, *_ = run(*files).differences
    assert (rate.first, rate.second) == (1, 1)


@pytest.mark.parametrize(
    ("truth", "spelled"),
    [
        ("x ^ { 2 }", "x ^ 2"),
        ("a _ { 1 } ^ { 2 }", "a ^ { 2 } _ { 1 }"),
        (r"\frac { 1 } { 2 }", r"\frac 1 2"),
        (r"\frac { 1 } {", r"\frac { 1 } {"),  # no LaTeX
        ("", ""),
    ],
)
def test_a_prediction_of_known_tokens_counts_in_any_spelling(
    tmp_path: Path, truth: str, spelled: str
) -> None:
    files = [tmp_path / "a.tsv", tmp_path / "b.tsv"]
    for file, said in zip(files, (truth, spelled), strict=True):
        file.write_text(f"name\ttruth\tprediction\nq1\t{truth or 'x'}\t{said}\n")
    rate, *_ = run(*files).differences
    assert rate.first == rate.second == float(bool(truth))


@pytest.mark.parametrize("caption", [r"\begin{matrix}a", r"\underset sin", r"é \frac { x }"])
def test_a_caption_that_is_no_latex_has_one_length(tmp_path: Path, caption: str) -> None:
    """Evaluated and compared, the same WER."""
    outcome = Outcome("q1", as_label(caption), Reading("y", 0.5))
    found = evaluate_outcomes(
        [outcome], dataset="d", split=None, model="m", unlabelled=0, seconds=0
    )
    file = tmp_path / "a.tsv"
    file.write_text(evaluation.as_tsv(found), encoding="utf-8")
    *_, wer = run(file, file).differences
    assert wer.first == found.scores.wer


def test_a_label_graph_has_a_line_a_symbol_and_a_relation() -> None:
    graph = label_graph(r"\frac { a } { b } , x _ { i } ^ { 2 }", "q 1")
    assert graph.splitlines() == [
        "# IUD, q 1",
        "# Made by hmer",
        "# Objects(7):",
        "O, O, -, 1.0, O",
        "O, OAbove, a, 1.0, OAbove",
        "O, OBelow, b, 1.0, OBelow",
        "O, OR, COMMA, 1.0, OR",
        "O, ORR, x, 1.0, ORR",
        "O, ORRSub, i, 1.0, ORRSub",
        "O, ORRSup, 2, 1.0, ORRSup",
        "",
        "# Relations from SLT(6):",
        "R, O, OAbove, Above, 1.0",
        "R, O, OBelow, Below, 1.0",
        "R, O, OR, Right, 1.0",
        "R, OR, ORR, Right, 1.0",
        "R, ORR, ORRSub, Sub, 1.0",
        "R, ORR, ORRSup, Sup, 1.0",
    ]
    assert label_graph(r"\frac { a", "q").count("O,") == 0


def test_a_pattern_is_the_one_file_that_it_matches(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a1.tsv", "b1.tsv", "b2.tsv"):
        (tmp_path / name).write_text("name\ttruth\tprediction\nx\ta\ta\n")
    run(tmp_path / "a*.tsv", tmp_path / "b1.tsv")
    assert "ExpRate" in capsys.readouterr().out
    with pytest.raises(InputError, match=r"b\*\.tsv: 2 files, as .*b2\.tsv; name one"):
        run(tmp_path / "a1.tsv", tmp_path / "b*.tsv")
