"""Whole pages as documents: words and mathematics in reading order."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from test_convert import pandoc

from hmer_cli.document.records import Record, Status, TextWord
from hmer_cli.document.transcript import MARK, latex, markdown
from hmer_cli.geometry import Box

PAGE = ("notes.pdf", 1)


def word(text: str, x: float, line: int, confidence: float = 0.9) -> TextWord:
    y = 40.0 * line
    return TextWord(text, (x, y, x + 10 * len(text), y + 20), line, confidence)


def expression(latex: str, box: Box, status: Status = "ok", error: str | None = None) -> Record:
    return Record("notes.pdf", 1, box, latex, label=latex, confidence=0.9, status=status,
                  error=error, model="m")  # fmt: skip


SAID = [word("Let", 0, 0), word("be", 90, 0), word("small.", 120, 0), word("Then", 0, 4)]
INLINE = expression("x", (50, 2, 70, 22))
SHOWN = expression("x^2 < x", (200, 60, 320, 90))


def test_what_stands_among_words_is_in_their_line_and_the_rest_by_itself() -> None:
    found = markdown([INLINE, SHOWN], {PAGE: SAID})
    assert found == f"{MARK}\n\n# notes.pdf\n\nLet $x$ be small.\n\n$$\nx^2 < x\n$$\n\nThen\n"
    document = latex([INLINE, SHOWN], {PAGE: SAID})
    body = document.partition(r"\begin{document}")[2]
    places = [body.index(part) for part in ("Let $x$ be small.", "x^2 < x", "Then")]
    assert places == sorted(places)
    assert r"\begin{equation*}" in body


def test_lines_that_follow_each_other_closely_are_one_paragraph() -> None:
    words = [word("one", 0, 0), word("two", 0, 1), word("six", 0, 5)]
    assert markdown([], {PAGE: words}) == f"{MARK}\n\n# notes.pdf\n\none two\n\nsix\n"


def test_doubtful_words_and_expressions_are_marked() -> None:
    words = [word("Let", 0, 0, 0.2), word("be", 90, 0)]
    low = expression("x", (50, 2, 70, 22), "low")
    assert r"Let\[?\] $x$\[?\] be" in markdown([low], {PAGE: words})
    assert r"Let\hmerlow{} $x$\hmerlow{} be" in latex([low], {PAGE: words})


def test_what_does_not_compile_is_shown_as_it_was_read() -> None:
    broken = expression(r"\frac{", (200, 60, 320, 90), "low", "not closed")
    assert "```latex\n\\frac{\n```" in markdown([broken], {PAGE: SAID})
    assert "\\begin{verbatim}\n\\frac{\n\\end{verbatim}" in latex([broken], {PAGE: SAID})


def test_pages_without_mathematics_have_their_words() -> None:
    assert "small." in markdown([], {PAGE: SAID})


TYPED = "\\begin{align}\\label{eq:a}a &= b \\tag{1$'$}\\nonumber \\\\ &= c \\end{align}"


def test_a_display_that_was_typed_stands_in_a_line_and_by_itself() -> None:
    inline = replace(expression(TYPED, INLINE.region), correction=TYPED)
    inner = r"\begin{aligned}a &= b  \\ &= c\end{aligned}"
    assert f"Let ${inner}$ be" in markdown([inline], {PAGE: SAID})
    assert f"Let ${inner}$ be" in latex([inline], {PAGE: SAID})
    alone = replace(inline, region=SHOWN.region)
    assert f"$$\n{inner}\n$$" in markdown([alone], {PAGE: SAID})
    assert f"\n\n{TYPED}\n\n" in latex([alone], {PAGE: SAID})


def test_what_was_typed_in_several_lines_is_one_in_markdown() -> None:
    typed = "x = a\n- b \r\n # 1"
    inline = replace(expression(typed, INLINE.region), correction=typed)
    assert "Let $x = a - b # 1$ be" in markdown([inline], {PAGE: SAID})
    alone = replace(inline, region=SHOWN.region)
    assert "$$\nx = a - b # 1\n$$" in markdown([alone], {PAGE: SAID})


def test_mathematics_is_no_html_in_markdown() -> None:
    inline = expression("a<b>c", INLINE.region)
    assert "Let $a< b>c$ be" in markdown([inline], {PAGE: SAID})
    assert "Let $a<b>c$ be" in latex([inline], {PAGE: SAID})


def test_a_doubtful_display_that_was_typed_is_marked() -> None:
    doubted = expression(TYPED, SHOWN.region, "low", "corrected when its box was larger")
    doubted = replace(doubted, correction=TYPED)
    assert f"\n\n{TYPED}\n\\hmerlow{{}}\n\n" in latex([doubted], {PAGE: SAID})
    assert r"\text{[?]}" in markdown([doubted], {PAGE: SAID})


def test_a_name_of_a_file_is_one_line_of_markdown_as_it_is_spelt() -> None:
    found = markdown([], {("a\n# b&copy;\x1b\u202e.png", 1): SAID})
    assert found.splitlines()[2] == r"# a \# b\&copy;\\x1b\\u202e.png"


def test_a_region_of_which_nothing_was_read_is_marked() -> None:
    nothing = replace(expression("", SHOWN.region, error="nothing was read"), status="failed")
    assert "be small.\n\n\\[?\\]\n\nThen" in markdown([nothing], {PAGE: SAID})
    assert "\\hmerlow{}\n\nThen" in latex([nothing], {PAGE: SAID})


AWKWARD = [word(text, 60 * i, 0) for i, text in enumerate(["50%", "a_b", "#1", "$2", "x^y", "{\\"])]


def test_signs_that_mean_something_are_words_there() -> None:
    found = markdown([], {PAGE: AWKWARD})
    assert found.endswith("50% a\\_b \\#1 \\$2 x\\^y \\{\\\\\n")
    defined = [word(": a", 0, 0), word("&lt;", 60, 0)]
    assert markdown([], {PAGE: defined}).endswith("\n\\: a \\&lt;\n")
    assert markdown([], {PAGE: [word("199.", 0, 0), word("one", 60, 0)]}).endswith("\n199\\. one\n")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")
def test_the_document_compiles(tmp_path: Path) -> None:
    aligned = expression(
        r"\begin{align} a & = b \\ & = c \tag{1} \end{align}", (200, 130, 320, 150)
    )
    inline = expression(r"\begin{gather} a \\ b \end{gather}", (50, 2, 70, 22))
    broken = expression(r"\frac{", (200, 200, 320, 230), "low", "not closed")
    typed = [expression(TYPED, box) for box in ((50, 2, 70, 22), (200, 500, 320, 530))]
    low = expression("y", (300, 400, 320, 420), "low")
    records = [inline, SHOWN, aligned, broken, low, *typed]
    (tmp_path / "a.tex").write_text(latex(records, {PAGE: [*SAID, *AWKWARD]}))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-800:]


NAMES = ["Алгебра.pdf", "物理.pdf", "e\u0301té.pdf", "\U0001f600.png", "a\n\n\tb\x01.png",
         "\udcff.png", "naïve “Ω” ½ ßŁ\u200e.pdf"]  # fmt: skip


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex")
def test_the_document_compiles_whatever_files_are_named(tmp_path: Path) -> None:
    text = {(name, 1): [word("Let", 0, 0), word("Łódź—привет", 60, 0)] for name in NAMES}
    (tmp_path / "a.tex").write_bytes(latex([], text).encode("utf-8", "backslashreplace"))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "a.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-800:]
    if shutil.which("pdftotext"):
        read = ["pdftotext", "a.pdf", "-"]
        found = subprocess.run(read, cwd=tmp_path, capture_output=True, text=True, check=True)
        for name in ("???????.pdf", "??.pdf", "été.pdf", "a b?.png", "naïve"):
            assert name in found.stdout


def test_names_keep_their_letters_in_the_document() -> None:
    assert r"\section*{Алгебра.pdf}" in latex([], {("Алгебра.pdf", 1): SAID})
    assert "hmerlacks" not in latex([], {PAGE: SAID})


def test_pandoc_renders_the_markdown(tmp_path: Path) -> None:
    low = expression("E_x", (200, 200, 320, 230), "low")
    (tmp_path / "a.md").write_text(markdown([INLINE, SHOWN, low], {PAGE: SAID}))
    shown = pandoc(str(tmp_path / "a.md"), "-f", "markdown", "-t", "html", "--mathml")
    assert shown.count("<math") == 3
    assert "small." in shown


def test_a_doubtful_expression_that_compiles_is_set_as_mathematics() -> None:
    doubted = expression("x < y", (200, 60, 320, 90), "low", "ink beside it was not read")
    assert "$$\nx < y \\qquad \\text{[?]}\n$$" in markdown([doubted], {PAGE: SAID})
    assert "verbatim" not in latex([doubted], {PAGE: SAID})


def test_pages_are_headed_by_the_names_of_their_files_where_these_differ() -> None:
    first, second = ("a/notes.pdf", 1), ("b/notes.pdf", 1)
    assert markdown([], {first: SAID}).startswith(f"{MARK}\n\n# notes.pdf\n")
    both = markdown([], {first: SAID, second: SAID})
    assert "# a/notes.pdf\n" in both
    assert "# b/notes.pdf\n" in both
