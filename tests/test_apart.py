"""Outputs among the inputs: what hmer wrote is neither read again nor replaced by mistake."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from zipfile import ZipFile

import pytest
from handmade import EARLIER, INKML, FakeRecogniser, cross, encoded

from hmer_cli.commands import convert_on_ray as on_ray
from hmer_cli.commands.convert import convert
from hmer_cli.commands.shards import convert_shard
from hmer_cli.document.formats import FORMATS, Output
from hmer_cli.document.pipeline import Options
from hmer_cli.document.records import PageRead
from hmer_cli.errors import UsageError
from hmer_cli.files import signed
from hmer_cli.page.load.sources import Source, find_sources
from hmer_cli.ray_data import Job

PNG = encoded(cross())
WRITTEN = [ending for ending in FORMATS if not Output.parse(f"o{ending}").is_readable]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("a.png").write_bytes(PNG)
    Path("b.inkml").write_text(INKML)
    return tmp_path


def run(*inputs: str, outs: tuple[str, ...] = ("o.jsonl",), debug: str | None = None) -> list[str]:
    """The sources of the records."""
    seen = Path(debug) if debug else None
    document = any(out.endswith(".md") for out in outs)
    records = convert(inputs, outs, debug=seen, document=document, recogniser=FakeRecogniser())
    return [record.source for record in records]


def everything() -> list[str]:
    """What a shell makes of ``*``."""
    return sorted(name for name in os.listdir(".") if not name.startswith("."))


def refusal(*inputs: str) -> str:
    (record,) = convert(inputs, ["o.jsonl"], recogniser=FakeRecogniser())
    return record.error or ""


def test_a_second_run_on_all_that_a_shell_finds_reads_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    outs = "notes.md", "eqs.jsonl", "ink/"
    for _ in range(2):
        assert run(*everything(), outs=outs, debug="seen") == ["a.png", "b.inkml"]
    said = capsys.readouterr().err
    for name in ("notes.md", "eqs.jsonl", "ink", "seen"):
        assert f"hmer: {name}: an output of this run, passed over\n" in said


def test_outputs_of_another_run_are_told_by_what_is_in_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("a.png", "b.inkml", outs=(*(f"o{ending}" for ending in WRITTEN if ending != ".md"), "ink/"))
    convert(["a.png"], ["x.md"], recogniser=FakeRecogniser())
    run("a.png", debug="seen")
    assert run(*everything(), outs=("p.csv",)) == ["a.png", "b.inkml"]
    said = capsys.readouterr().err
    for name in [*(f"o{each}" for each in WRITTEN if each != ".md"), "x.md", "ink", "seen"]:
        assert f"hmer: {name}: " in said


def test_ray_passes_over_the_outputs_that_a_local_run_passes_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run("a.png", "b.inkml", outs=("eqs.jsonl", "ink/"))
    convert(["a.png"], ["x.md"], recogniser=FakeRecogniser())
    seen: list[str] = []

    def read_sources(sources: Sequence[Source], *_: object) -> list[PageRead]:
        seen.extend(source.name for source in sources)
        return []

    monkeypatch.setattr(on_ray, "connected", lambda *_: nullcontext(None))
    monkeypatch.setattr(on_ray, "read_sources", read_sources)
    job = Job(FakeRecogniser, Options())
    on_ray.convert_on_ray(everything(), ["p.csv"], job=job)
    assert seen == [source.name for source in find_sources(everything())] == ["a.png", "b.inkml"]


def test_labelled_handwriting_in_a_folder_is_told_and_read_where_it_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("in").mkdir()
    os.rename("a.png", "in/a.png")
    run("in/a.png", outs=("in/ink/",), debug="in/seen")
    assert run("in") == ["in/a.png"]
    assert "in/ink: labelled handwriting of hmer, passed over" in capsys.readouterr().err
    assert run("in/*") == ["in/a.png"]
    assert run("in/ink") == run("in/in*") == ["in/ink/a-p1-r1.png"]


def test_labelled_handwriting_among_other_inputs_is_told_and_read_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("a.png", outs=("ink/",))
    assert run("b.inkml", "ink/") == ["b.inkml"]
    said = capsys.readouterr().err
    assert (
        "ink/: labelled handwriting of hmer, passed over; name the folder alone to read it" in said
    )
    assert run("ink/") == ["ink/a-p1-r1.png"]


@pytest.mark.parametrize("name", [".DS_Store", "desktop.ini", "Thumbs.db"])
def test_what_a_system_puts_into_folders_makes_no_output_an_input(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    outs = "notes.md", "ink/"
    run(*everything(), outs=outs, debug="seen")
    for made in ("ink", "seen"):
        (Path(made) / name).write_bytes(b"1")
    assert run(*everything(), outs=outs, debug="seen") == ["a.png", "b.inkml"]
    assert run(*everything()) == run(".") == ["a.png", "b.inkml"]
    assert "ink: labelled handwriting of hmer, passed over" in capsys.readouterr().err
    assert run("ink") == ["ink/a-p1-r1.png", "ink/b-p1-r1.inkml"]


def test_a_file_of_ones_own_beside_labelled_handwriting_is_read_and_that_is_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("a.png", "b.inkml", outs=("ink/",))
    Path("ink/own.png").write_bytes(PNG)
    for inputs in (["a.png", "ink"], ["a.png", "ink/*"], ["*.png", "*/*"], ["a.png", "i*/*.*"]):
        assert run(*inputs) == ["a.png", "ink/own.png"]
        told = "hmer: ink: labelled handwriting of hmer, passed over; name the folder alone"
        assert capsys.readouterr().err.count(told) == 1
    made = ["ink/a-p1-r1.png", "ink/b-p1-r1.inkml"]
    assert run("ink") == [*made, "ink/own.png"]
    assert run("ink/b-p1-r1.inkml") == made[1:]


@pytest.mark.parametrize("shell", [False, True])
def test_a_pattern_that_looks_into_labelled_handwriting_reads_it_where_it_is_alone(
    shell: bool,
) -> None:
    def expanded(*patterns: str) -> list[str]:
        found = [sorted(glob.glob(each, recursive=True)) for each in patterns]
        return [*chain(*found)] if shell else [*patterns]

    run("a.png", "b.inkml", outs=("ink/",))
    made = ["ink/a-p1-r1.png", "ink/b-p1-r1.inkml"]
    assert run(*expanded("**")) == run(*expanded("*", "*/*")) == ["a.png", "b.inkml"]
    assert run(*expanded("*.inkml", "*/*.inkml")) == ["b.inkml"]
    assert run(*expanded("ink/*")) == run(*expanded("ink/*.png", "ink/*.inkml")) == made


def test_pictures_of_pages_that_a_shell_finds_are_passed_over_in_a_line_a_folder(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("x-drawings").mkdir()
    for place in ("x-drawings/1.png", "x-drawings/2.png"):
        Path(place).write_bytes(signed(PNG, "drawing"))
    run("a.png", debug="seen")
    found = sorted(glob.glob("*.png") + glob.glob("*/*"))
    assert found == ["a.png", "seen/a-p1.png", "x-drawings/1.png", "x-drawings/2.png"]
    assert run(*found) == ["a.png"]
    said = capsys.readouterr().err
    for folder in ("seen", "x-drawings"):
        assert said.count(f"hmer: {folder}: pictures that hmer made of pages, passed over\n") == 1
    assert run("x-drawings/1.png") == ["x-drawings/1.png"]


def test_labelled_handwriting_in_an_archive_is_passed_over_beside_pages(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run("a.png", outs=("ink/",))
    for name, members in {"all.zip": ("a.png", "ink"), "ink.zip": ("ink",)}.items():
        with ZipFile(name, "w") as archive:
            for member in members:
                for path in [member, *glob.glob(f"{member}/*")]:
                    archive.write(path)
    assert run("all.zip") == ["all.zip/a.png"]
    assert "all.zip/ink: labelled handwriting of hmer, passed over" in capsys.readouterr().err
    assert run("ink.zip") == ["ink.zip/ink/a-p1-r1.png"]


@pytest.mark.parametrize("inputs", [["ink/a.png"], ["ink/sub/a.png"], ["."], ["ink"], ["ink/*"]])
def test_a_folder_for_handwriting_that_holds_an_input_is_refused(inputs: list[str]) -> None:
    Path("ink/sub").mkdir(parents=True)
    for name in ("ink/a.png", "ink/sub/a.png"):
        Path(name).write_bytes(PNG)
    with pytest.raises(UsageError, match=r"ink: .*; name a (folder|place) apart from the inputs"):
        run(*inputs, outs=("ink/",))
    assert sorted(os.listdir("ink")) == ["a.png", "sub"]


def test_a_page_is_not_replaced_whatever_its_ending() -> None:
    os.rename("a.png", "a.tex")
    with pytest.raises(UsageError, match=r"a\.tex: is the input a\.tex"):
        run("a.tex", outs=("a.tex",))
    os.rename("a.tex", "a.jsonl")
    with pytest.raises(UsageError, match=r"a\.jsonl: is the input"):
        convert_shard(["a.jsonl"], ["a.jsonl"], "1/2", recogniser=FakeRecogniser())
    assert Path("a.jsonl").read_bytes() == PNG


def test_outputs_alone_are_no_inputs() -> None:
    Path("o.md").write_text(EARLIER)
    with pytest.raises(UsageError, match=r"o\.md: is an output of this run"):
        run("o.md", outs=("o.md",))
    assert Path("o.md").read_text() == EARLIER


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("c.json", '{"hmer": "corrections", "version": 1}', "corrections; .*--corrections"),
        ("s.jsonl", '{"hmer": "shard", "version": 1}', "results of a shard; .*hmer merge"),
        ("hmer-files.json", '{"hmer": "labelled handwriting"}', "name the folder"),
        ("caption.txt", "a.png\tx", "labels of images; name their folder"),
        ("w.onnx", "\b\7", "weights; .*--model"),
        ("r.toml", "[model]", "a recipe; give it to hmer train"),
        ("n.tex", r"\documentclass{article}", "LaTeX, which hmer writes and does not read"),
        ("n.md", "# Notes", "Markdown, which hmer writes and does not read"),
        ("n.html", "<!doctype html><html></html>", "a web page"),
        ("n.html", "<div><svg xmlns='http://www.w3.org/2000/svg'/></div>", "drawings as SVG"),
        ("n.svg", "<!-- a -->\n<!DOCTYPE HTML>\n<meta><svg/>", "a web page.*drawings as SVG"),
        ("n", "<HTML><body><svg><path d='M0 0H9'/></svg>", "a web page.*drawings as SVG"),
    ],
)
def test_what_is_no_page_says_where_it_belongs(name: str, text: str, what: str) -> None:
    Path(name).write_text(text)
    assert re.match(rf"{re.escape(name)}: .*{what}", refusal(name))


@pytest.mark.parametrize("ending", [each for each in WRITTEN if each != ".docx"])
def test_each_output_named_alone_says_what_it_is(ending: str) -> None:
    convert(["a.png"], [f"x{ending}"], recogniser=FakeRecogniser())
    told = refusal(f"x{ending}")
    assert "of hmer" in told or "review page" in told
    Path(f"x{ending}").write_bytes(PNG)
    assert refusal(f"x{ending}") == ""


def test_a_linked_folder_is_told_and_read_where_it_is_named(tmp_path: Path) -> None:
    said: list[str] = []
    Path("in").mkdir()
    Path("far").mkdir()
    os.rename("a.png", "far/a.png")
    os.rename("b.inkml", "in/b.inkml")
    try:
        os.symlink("../far", "in/far")
        os.symlink(".", "in/round")
        os.symlink("nowhere", "in/lost.png")
    except OSError:
        pytest.skip("no links on this system")

    def names(*inputs: str) -> list[str]:
        return [source.name for source in find_sources(inputs, said.append)]

    assert names("in") == ["in/b.inkml", "in/lost.png"]
    assert said == ["in: 2 linked folders passed over (in/far, in/round); name what is to be read"]
    assert names("in/far") == ["in/far/a.png"]
    assert names("in/**/*.png") == ["in/far/a.png", "in/lost.png"]
    assert names("in/**/*.inkml") == ["in/b.inkml"]
    assert "in/lost.png: a link to nowhere, which is not there" in refusal("in/lost.png")


def test_json_that_lists_strokes_is_read() -> None:
    Path("s.json").write_text(json.dumps({"strokes": [[[0, 0], [10, 40]], [[10, 0], [0, 40]]]}))
    assert refusal("s.json") == ""
