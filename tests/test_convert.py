"""Inputs to records to outputs: what the files hold, in which order, and when they change."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from handmade import EARLIER, INKML, FakeRecogniser, cross, encoded, paged
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hmer_cli.commands.convert import convert
from hmer_cli.document.formats import Output
from hmer_cli.document.formats.latex import tex
from hmer_cli.document.formats.text import jsonl, lines, markdown
from hmer_cli.document.ids import named
from hmer_cli.document.records import Record, spelt_in_tokens
from hmer_cli.errors import OutputError, UsageError
from hmer_cli.expr.latex import normalise
from hmer_cli.recognition.reading import Alternative
from hmer_cli.recognition.thread_pool import Gate

FIELDS = ["id", "alias", "derivation", "source", "page", "region", "latex", "label", "confidence"]
FIELDS += ["status", "error", "model", "alternatives", "tokens"]
BAD = r"\frac { 0 } %"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def record(source: str = "a.png", page: int | None = 1, **changes: object) -> Record:
    fields = {
        "region": (1, 2, 3, 4),
        "latex": "x ^ { 2 }",
        "confidence": 0.9,
        "status": "ok",
        "error": None,
        "model": "fake-1",
    }
    return Record(source, page, **(fields | changes))  # type: ignore[arg-type]


def failed(source: str, page: int | None = None) -> Record:
    return record(source, page, region=None, latex="", confidence=0.0, status="failed", error="bad")


def test_records_say_what_was_read_where() -> None:
    Path("a.png").write_bytes(encoded(cross()))
    Path("b.pdf").write_bytes(paged([cross(), cross()]))
    convert(["a.png", "b.pdf", "none.png"], ["eqs.jsonl"], recogniser=FakeRecogniser())
    records = [json.loads(line) for line in Path("eqs.jsonl").read_text().splitlines()]
    assert [list(r) for r in records] == [FIELDS] * 4
    assert [(r["source"], r["page"]) for r in records] == [
        ("a.png", 1),
        ("b.pdf", 1),
        ("b.pdf", 2),
        ("none.png", None),
    ]
    first, last = records[0], records[-1]
    assert all(abs(a - b) <= 2 for a, b in zip(first["region"], (38, 28, 83, 93), strict=True))
    assert (first["latex"], first["label"]) == ("x^2", "x ^ { 2 }")
    assert (first["confidence"], first["status"], first["error"]) == (0.9, "ok", None)
    assert (last["region"], last["latex"], last["status"]) == (None, "", "failed")
    assert "no such file" in last["error"]


@pytest.mark.parametrize(
    ("label", "confidence", "status"),
    [
        ("x ^ { 2 }", 0.9, "ok"),
        ("x", 0.5, "ok"),
        ("x", 0.49, "low"),
        (r"\frac { a }", 0.9, "low"),
        ("", 0, "failed"),
    ],
)
def test_status_follows_confidence_and_validity(label: str, confidence: float, status: str) -> None:
    Path("a.png").write_bytes(encoded(cross()))
    (only,) = convert(["a.png"], ["o.jsonl"], recogniser=FakeRecogniser(label, confidence))
    assert only.status == status
    assert (only.error is None) == (status == "ok" or label == "x")


def test_the_same_bytes_for_any_number_of_jobs() -> None:
    for i in range(70):
        Path(f"{i:02}.png").write_bytes(encoded(cross(width=120 + i)))
    Path("35.pdf").write_bytes(paged([cross()] * 5))
    Path("36.png").write_bytes(b"broken")
    written, batches = set(), set()
    for jobs in (1, 2, 7):
        recogniser = FakeRecogniser()
        convert(["."], ["../o.jsonl", "../o.tex", "../o.md"], jobs=jobs, recogniser=recogniser)
        written.add(b"".join(Path(f"../o.{e}").read_bytes() for e in ("jsonl", "tex", "md")))
        batches.add(tuple(recogniser.batches))
    assert len(written) == 1
    assert len(batches) == 1  # a batch of other neighbours may round otherwise


def test_the_same_input_twice_is_converted_once(capsys: pytest.CaptureFixture[str]) -> None:
    Path("notes").mkdir()
    Path("notes/a.png").write_bytes(encoded(cross()))
    os.symlink("notes/a.png", "link.png")
    again = [str(Path.cwd() / "notes/a.png"), "notes", "./notes/../notes/a.png", "link.png"]
    records = convert(["notes/a.png", *again], ["o.tex"], recogniser=FakeRecogniser())
    assert [r.source for r in records] == ["notes/a.png"]
    assert capsys.readouterr().err.count("converted once") == len(again)


def test_an_unchanged_output_is_not_touched() -> None:
    Path("a.png").write_bytes(encoded(cross()))
    outs = ["o.tex", "o.md", "o.jsonl"]
    convert(["a.png"], outs, recogniser=FakeRecogniser())
    before = [os.stat(out) for out in outs]
    convert(["a.png"], outs, recogniser=FakeRecogniser())
    after = [os.stat(out) for out in outs]
    assert [(s.st_ino, s.st_mtime_ns) for s in before] == [(s.st_ino, s.st_mtime_ns) for s in after]
    convert(["a.png"], outs, recogniser=FakeRecogniser("y"))
    assert all("y" in Path(out).read_text() for out in outs)
    assert sorted(os.listdir()) == ["a.png", *sorted(outs)]


def test_an_output_keeps_its_mode_and_the_link_to_it() -> None:
    Path("a.png").write_bytes(encoded(cross()))
    Path("kept").mkdir()
    Path("kept/o.tex").write_text(EARLIER)
    os.chmod("kept/o.tex", 0o640)
    os.symlink("kept/o.tex", "o.tex")
    convert(["a.png"], ["o.tex"], recogniser=FakeRecogniser())
    assert Path("o.tex").is_symlink()
    assert os.stat("kept/o.tex").st_mode & 0o777 == 0o640
    assert "x^2" in Path("kept/o.tex").read_text()


def test_when_nothing_is_read_documents_stay_and_the_log_tells() -> None:
    for name in ("o.tex", "o.md", "o.jsonl"):
        Path(name).write_text(EARLIER)
    convert(["none.png"], ["o.tex", "o.md", "o.jsonl"], recogniser=FakeRecogniser())
    assert Path("o.tex").read_text() == Path("o.md").read_text() == EARLIER
    assert json.loads(Path("o.jsonl").read_text())["status"] == "failed"


def test_stdout_gets_one_line_an_expression(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    Path("a.png").write_bytes(encoded(cross()))
    convert(["a.png", "no\nne.png", "a.png"], recogniser=FakeRecogniser())
    out = capfdbinary.readouterr().out
    assert out == b"x^2\n% failed: no ne.png: no such file or folder; check the path\n"


@pytest.mark.parametrize("name", ["eqs", "eqs.odt", "eqs.png", "-.doc", "tex"])
def test_an_ending_without_a_format_is_wrong_usage(name: str) -> None:
    with pytest.raises(UsageError, match=r"\.tex, \.md, \.jsonl"):
        Output.parse(name)


SOURCES = st.lists(st.text(min_size=1), min_size=1, max_size=8, unique=True)


@given(SOURCES)
def test_no_source_name_breaks_out_of_its_comment_or_line(sources: list[str]) -> None:
    records = [record(s) for s in sources] + [failed(s, 2) for s in sources]
    for line in tex(records).splitlines()[len(tex([]).splitlines()) :]:
        assert line == "" or line.startswith(("% ", r"\gdef", r"\hmerexpression{"))
    assert [json.loads(line)["source"] for line in jsonl(records).split("\n")[:-1]] == sources * 2
    assert markdown(records).count("$$\nx ^ { 2 }\n$$") == len(sources)


DOCUMENT = r"""\documentclass{article}
\usepackage{amsmath,amssymb}
%s
\begin{document}
%s
\end{document}
"""


def typeset(preamble: str, body: str) -> str:
    """The text of the document as pdflatex sets it; any error of LaTeX fails the test."""
    for tool in ("pdflatex", "pdftotext"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    Path("doc.tex").write_text(DOCUMENT % (preamble, body))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "doc.tex"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    text = subprocess.run(["pdftotext", "doc.pdf", "-"], capture_output=True, text=True, check=True)
    return text.stdout


@pytest.fixture
def eqs() -> None:
    records = [
        record("first.png", latex="1 2 3", key="1"),
        record("low.png", latex=r"\sqrt { 4 5 6 }", confidence=0.1, status="low"),
        record("فصل 3.png", latex="7 8 9"),
        record("invalid.png", latex=BAD, label=BAD, status="low", error="not closed"),
        failed("gone\n%.png"),
    ]
    Output.parse("eqs.tex").write(records)


@pytest.mark.usefixtures("eqs")
def test_the_tex_file_shows_every_expression_where_it_is_input() -> None:
    text = typeset("", r"All: \input{eqs}")
    for seen in ("123", "456", "789", "not valid"):
        assert seen in text


@pytest.mark.usefixtures("eqs")
def test_one_expression_is_taken_by_its_id() -> None:
    uses = r"A \hmer{first-p1-r1}, $a+\hmer{low-p1-r1}$ and \[\hmer{invalid-p1-r1}\]"
    text = typeset(r"\input{eqs}", uses)
    for seen in ("123", "456", "not valid"):
        assert seen in text
    assert "789" not in text
    assert "no a_b" in typeset(r"\input{eqs}", r"\hmer{a_b}")


@pytest.mark.usefixtures("eqs")
def test_it_is_taken_by_its_lasting_id_and_a_missing_one_is_warned_of() -> None:
    name = named([record("first.png", key="1")])[0].id
    text = typeset(r"\input{eqs}", rf"\hmer{{{name}}}, \hmer{{qqqq}}, \section{{\hmer{{{name}}}}}")
    assert text.count("123") == 2
    warning = "Package hmer Warning: There is no expression qqqq"
    assert warning in Path("doc.log").read_text().replace("\n", "")


def pandoc(*arguments: str) -> str:
    """What pandoc makes of the arguments; a warning of it fails the test."""
    program = shutil.which("pandoc")
    if program is None:
        program = pytest.importorskip("pypandoc").get_pandoc_path()
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.usefixtures("eqs")
def test_pandoc_converts_the_file_and_documents_with_it() -> None:
    name = named([record("first.png", key="1")])[0].id
    shown = pandoc("eqs.tex", "-t", "markdown")
    assert shown.count("$$") == 2 * 4 and "hmer" not in shown
    for place in (r"\input{eqs}", ""), ("", r"\input{eqs}"):
        body = rf"{place[1]} A \hmer{{{name}}}, $a+\hmer{{{name}}}$ and \[\hmer{{{name}}}\]"
        Path("doc.tex").write_text(DOCUMENT % (place[0], body))
        pandoc("doc.tex", "-o", "doc.docx")
        text = pandoc("doc.docx", "-t", "markdown")
        assert text.count("123") == 3 + bool(place[1]), text


def test_a_line_of_a_derivation_is_taken_by_its_own_id() -> None:
    lines = (record(latex="1=2", key="1"), record(latex="=3", key="2"))
    whole = record(latex=r"\begin{aligned} 1&=2\\&=3\end{aligned}", key="3", lines=lines)
    Output.parse("eqs.tex").write([whole])
    first, second = named([whole])[0].lines
    assert (first.alias, second.alias) == ("a-p1-r1", "a-p1-r2")
    uses = rf"\hmer{{{first.id}}}. \hmer{{{second.id}}}. \hmer{{a-p1-r2}}. \hmer{{a-p1-r1}}"
    assert typeset(r"\input{eqs}", uses).split()[:5] == ["1", "=", "2.", "=", "3."]


def test_what_was_typed_is_set_as_it_was_typed() -> None:
    align = "\\begin{align}\n 1 &= 2 \\nonumber \\\\ 3 &= 4 \\tag{5}\n\\end{align}"
    records = [
        record("a.png", latex=align, correction=align, confidence=1.0),
        record("b.png", latex=r"\text{if }6", correction=r"\text{if }6", confidence=1.0),
        record("c.png", latex="7.", label="7 ."),
    ]
    Output.parse("eqs.tex").write(records)
    assert align in Path("eqs.tex").read_text()
    aligned = "$$\n\\begin{aligned}1 &= 2  \\\\ 3 &= 4\\end{aligned}\n$$"
    assert aligned in markdown(records)  # $$ is a display already
    assert "(5)" in (text := typeset("", r"\input{eqs}"))
    assert "if 6" in text and "7." in text
    inline = typeset(r"\input{eqs}", r"$x \hmer{a-p1-r1}$ and \hmer{c-p1-r1}, 8")
    assert "(5)" not in inline and "7, 8" in inline


def test_the_tokens_of_the_field_on_demand() -> None:
    Path("a.png").write_bytes(encoded(cross()))
    (only,) = convert(["a.png"], ["o.md"], spelling="tokens", recogniser=FakeRecogniser())
    assert (only.latex, only.label) == ("x ^ { 2 }", "x ^ { 2 }")
    assert "$$\nx ^ { 2 }\n$$" in Path("o.md").read_text()


def test_the_tokens_of_a_line_that_begins_with_a_bracket_compile() -> None:
    label = r"\begin{cases} 1 & x \\ [ 0 , 7 ] & y \\ * 5 \end{cases}"
    one = spelt_in_tokens(record("a.png", latex=label, label=label))
    assert normalise(one.latex) == one.label == label
    Output.parse("eqs.tex").write([one])
    assert "[0, 7]" in typeset("", r"\input{eqs}")
    assert r"\\ { [ } 0 , 7 ]" in markdown([one])


def test_other_readings_are_spelt_as_the_one_that_was_taken() -> None:
    others = (Alternative(r"x = \frac { y } { 2 }", 0.1),)
    read = record(latex="x = y", label="x = y", alternatives=others)
    for each, latex in ((read, r"x = \frac{y}{2}"), (spelt_in_tokens(read), others[0].label)):
        (found,) = json.loads(jsonl([each]))["alternatives"]
        assert (found["latex"], found["label"]) == (latex, others[0].label)


def test_a_low_answer_is_marked_on_stdout() -> None:
    assert lines([record(latex="x^2", confidence=0.03, status="low")]) == "x^2 % low 0.03\n"


@pytest.mark.usefixtures("eqs")
def test_how_expressions_are_shown_is_the_users_choice() -> None:
    text = typeset(r"\newcommand{\hmershow}[1]{}", r"Nothing\input{eqs} here")
    assert "123" not in text


def test_what_is_doubtful_is_marked_as_the_user_likes(eqs: None) -> None:
    assert "456 [?]" in typeset("", r"\input{eqs}")
    mine = typeset(r"\newcommand{\hmerlow}[1]{7#1}", r"\input{eqs}")
    assert "7 456" in mine
    assert "[?]" not in mine


def test_a_page_of_prose_among_pages_of_mathematics_is_no_failure() -> None:
    blank = np.full((120, 160), 255, np.uint8)
    Path("notes.pdf").write_bytes(paged([blank, cross(), blank]))
    records = convert(["notes.pdf"], ["o.jsonl"], recogniser=FakeRecogniser())
    assert [(r.page, r.status) for r in records] == [(2, "ok")]
    Path("blank.pdf").write_bytes(paged([blank, blank]))
    records = convert(["blank.pdf"], ["o.jsonl"], recogniser=FakeRecogniser())
    assert [(r.page, r.status) for r in records] == [(1, "failed"), (2, "failed")]


def test_the_pages_are_saved_as_they_were_seen() -> None:
    Path("a").mkdir()
    Path("a/x.png").write_bytes(encoded(cross(width=300)))
    Path("b.pdf").write_bytes(paged([cross(), cross()]))
    Path("broken.png").write_bytes(b"broken")
    for _ in range(2):  # what is known is shown too
        convert(["."], ["../o.tex"], recogniser=FakeRecogniser(), debug=Path("../seen/here"))
        assert sorted(os.listdir("../seen/here")) == ["b-p1.png", "b-p2.png", "x-p1.png"]
        shutil.move("../seen/here/x-p1.png", "../x.png")
        shutil.rmtree("../seen")
    with Image.open("../x.png") as picture:
        assert picture.size == (300, 120)
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 16)}
    assert any(max(colour) - min(colour) > 100 for colour in colours)  # the frame of a region


def test_ink_and_images_go_together() -> None:
    Path("a.inkml").write_text(INKML)
    Path("b.png").write_bytes(encoded(cross()))
    records = convert(["b.png", "a.inkml"], ["o.md"], recogniser=FakeRecogniser())
    assert [(r.source, r.status) for r in records] == [("b.png", "ok"), ("a.inkml", "ok")]


def test_an_output_that_fails_to_be_replaced_leaves_the_old_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    Path("o.tex").write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        Output.parse("o.tex").write([record()])
    assert Path("o.tex").read_text() == "old"
    assert os.listdir() == ["o.tex"]


def test_large_pages_wait_for_each_other_and_small_ones_do_not() -> None:
    gate, order = Gate(100), []

    def prepare(pixels: int) -> None:
        with gate.taking(pixels):
            order.append(pixels)

    with gate.taking(60), gate.taking(40):
        large = threading.Thread(target=prepare, args=(500,))
        large.start()
        with gate.taking(0):  # nothing is left, but this takes nothing
            assert order == []
    large.join(60)
    assert order == [500]
    prepare(100)
    assert order == [500, 100]
