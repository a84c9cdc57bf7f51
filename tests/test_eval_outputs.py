"""The outputs of hmer eval: tables, JSON, TSV and label graphs, and what they may replace."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from test_eval import Parrot, images, parrot

from hmer_cli.commands import eval as verb
from hmer_cli.errors import OutputError, UsageError
from hmer_cli.ink.render import Readable
from hmer_cli.recognition.reading import Reading

__all__ = ["images"]


def test_an_output_that_fails_leaves_the_others(
    images: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores, table = tmp_path / "s.json", tmp_path / "p.tsv"

    class Meanwhile(Parrot):
        def read(self, images: Sequence[Readable]) -> list[Reading]:
            scores.write_text("mine")  # by another program, after it was checked
            return super().read(images)

    with pytest.raises(OutputError, match=r"s\.json"):
        verb.run(
            str(images(a="x")), json_file=str(scores), predictions=str(table),
            lg=str(tmp_path / "lg"), recogniser=Meanwhile(parrot("x").readings),
        )  # fmt: skip
    assert scores.read_text() == "mine"
    assert table.read_text().count("\n") == 2
    assert (tmp_path / "lg" / "truth" / "a.lg").is_file()
    assert "ExpRate" in capsys.readouterr().out


def test_the_same_run_writes_the_same_bytes(images: Callable[..., Path], tmp_path: Path) -> None:
    folder = images(a="x", b="y", c="z")
    written = []
    for _ in range(2):
        out = tmp_path / "predictions.tsv"
        verb.run(str(folder), predictions=str(out), recogniser=parrot("x", "z", "y"))
        written.append(out.read_bytes())
    assert written[0] == written[1]


def test_the_tables_are_data_on_stdout(
    images: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    verb.run(str(images(a=r"\alpha", b="y")), recogniser=parrot("a", "y"))
    said = capsys.readouterr()
    assert said.err == ""
    for part in ("parrot-1", "ExpRate", "50.00 %", r"\alpha", "short", "By length"):
        assert part in said.out


def test_scores_on_stdout_have_it_for_themselves(
    images: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    verb.run(str(images(a="x")), json_file="-", recogniser=parrot("x"))
    said = capsys.readouterr()
    assert json.loads(said.out)["exprate"] == 1
    assert "ExpRate" in said.err


def test_each_label_graph_has_a_file_of_its_own_and_those_of_other_runs_are_told(
    images: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = images(**{"c d": "2", "c:d": "3", "c_d-2": "4"})
    lg = tmp_path / "lg"
    verb.run(str(folder), lg=str(lg), recogniser=parrot("2", "3", "4"))
    graphs = [path.read_text().splitlines() for path in sorted((lg / "truth").iterdir())]
    assert sorted(lines[3].split(", ")[2] for lines in graphs) == ["2", "3", "4"]
    assert "graphs of other runs" not in capsys.readouterr().err
    verb.run(str(folder), limit=1, lg=str(lg), recogniser=parrot("2"))
    assert "truth holds 2 graphs of other runs" in " ".join(capsys.readouterr().err.split())


def test_two_outputs_in_one_file_are_wrong_usage(
    images: Callable[..., Path], tmp_path: Path
) -> None:
    folder = str(images(a="x"))
    (tmp_path / "link").symlink_to(tmp_path / "out")
    for one, other in ((tmp_path / "out", tmp_path / "link"), ("-", "-")):
        with pytest.raises(UsageError, match="cannot hold scores and predictions"):
            verb.run(folder, json_file=str(one), predictions=str(other), recogniser=parrot("x"))


@pytest.mark.parametrize("option", ["json_file", "predictions", "lg"])
def test_an_output_that_cannot_be_written_is_refused_before_reading(
    images: Callable[..., Path], tmp_path: Path, option: str
) -> None:
    reader = parrot("x")
    (tmp_path / "no").write_text("a file")
    with pytest.raises(OutputError) as caught:
        verb.run(
            str(images(a="x")),
            recogniser=reader,
            **{option: str(tmp_path / "no" / "such" / "file")},  # type: ignore[arg-type]
        )
    assert caught.value.exit_code == 5
    assert reader.calls == []


@pytest.mark.parametrize("option", ["json_file", "predictions"])
@pytest.mark.parametrize(
    "content", ["mine", '{"dataset": 1}', "name\ttruth\tprediction\na\tx\tx\n"]
)
def test_a_file_of_others_is_not_replaced(
    images: Callable[..., Path], tmp_path: Path, option: str, content: str
) -> None:
    reader, out = parrot("x"), tmp_path / "scores"
    out.write_text(content)
    with pytest.raises(OutputError, match="scores: is there, and not hmer's"):
        verb.run(str(images(a="x")), recogniser=reader, **{option: str(out)})  # type: ignore[arg-type]
    assert (out.read_text(), reader.calls) == (content, [])


def test_scores_and_predictions_are_replaced_by_later_ones(
    images: Callable[..., Path], tmp_path: Path
) -> None:
    folder, outs = str(images(a="x")), [str(tmp_path / name) for name in ("one", "two")]
    for scores, table in (outs, outs[::-1]):
        verb.run(folder, json_file=scores, predictions=table, recogniser=parrot("x"))
    assert json.loads((tmp_path / "two").read_text())["model"] == "parrot-1"


def test_a_run_that_breaks_leaves_the_older_output(
    images: Callable[..., Path], tmp_path: Path
) -> None:
    class Breaks(Parrot):
        def read(self, images: Sequence[Readable]) -> list[Reading]:
            raise KeyboardInterrupt

    folder, out = images(a="x"), tmp_path / "out.json"
    out.write_text(older := '{\n  "dataset": "images",\n  "split": null\n}\n')
    with pytest.raises(KeyboardInterrupt):
        verb.run(str(folder), json_file=str(out), recogniser=Breaks([]))
    assert out.read_text() == older
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["out.json"]


def test_label_graphs_of_truths_and_predictions(
    images: Callable[..., Path], tmp_path: Path
) -> None:
    folder = images(a="x", b="x ^ { 2 }", **{"c d": "2", "c_d": "3"})
    verb.run(str(folder), lg=str(tmp_path / "lg"), recogniser=parrot("x", "y", "2", "3"))
    names = sorted(path.name for path in (tmp_path / "lg" / "truth").iterdir())
    assert names == ["a.lg", "b.lg", "c_d-2.lg", "c_d.lg"]
    texts = [(tmp_path / "lg" / side / "b.lg").read_text() for side in ("truth", "prediction")]
    assert "R, O, OSup, Sup, 1.0" in texts[0]
    assert "O, O, y, 1.0, O" in texts[1]


def test_label_graphs_of_others_stay(
    images: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, graphs = images(a="x", b="y"), tmp_path / "lg"
    verb.run(str(folder), lg=str(graphs), recogniser=parrot("x", "x"))
    (graphs / "truth" / "b.lg").write_text("# IUD, b\nO, b, y, 1.0, 1\n")
    capsys.readouterr()
    with pytest.raises(OutputError, match=r"truth/b\.lg: is there, and not hmer's"):
        verb.run(str(folder), lg=str(graphs), recogniser=parrot("y", "y"))
    assert "ExpRate" in capsys.readouterr().out
    assert (graphs / "truth" / "b.lg").read_text().endswith("1\n")
    assert "x, 1.0" in (graphs / "prediction" / "a.lg").read_text()
