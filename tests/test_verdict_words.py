"""A word is no formula: what is letters alone is low, and says why; it is valid LaTeX all the same,
and outputs show it with that doubt."""

from __future__ import annotations

from pathlib import Path

import pytest
from handmade import FakeRecogniser, cross, encoded

from hmer_cli.commands import clipboard
from hmer_cli.commands.convert import convert
from hmer_cli.document.build_records import is_word


@pytest.mark.parametrize("label", ["N e d", "a r e a", "s o l u t i o n"])
def test_letters_that_could_be_a_word_are_one(label: str) -> None:
    assert is_word(label)


@pytest.mark.parametrize("label", ["x y z", "a b", "A B C", "a + e", r"\sin a", "x ^ { a }", ""])
def test_products_names_and_formulas_are_none(label: str) -> None:
    assert not is_word(label)


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What goes to the clipboard; ``a.png`` lies in the current folder."""
    monkeypatch.chdir(tmp_path)
    Path("a.png").write_bytes(encoded(cross()))
    found: list[str] = []
    monkeypatch.setattr(clipboard, "copy", found.append)
    return found


def test_valid_latex_with_a_doubt_is_shown_with_it(
    copied: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    outs = ["-", "o.tex", "o.md"]
    (word,) = convert(["a.png"], outs, copy=True, recogniser=FakeRecogniser("a b e", 0.93))
    doubt = "low 0.93: letters alone, as of a word"
    assert (word.latex, word.status) == ("abe", "low")
    assert capsys.readouterr().out == f"abe % {doubt}\n"
    assert copied == ["abe"]
    text, notes = Path("o.tex").read_text(), Path("o.md").read_text()
    assert "{\\hmerlow{abe}}" in text
    assert "$$\nabe\n$$" in notes and "low: letters alone, as of a word" in notes
    assert "not valid LaTeX" not in notes + text.split("\\fi\n", 1)[1]
    (spelt,) = convert(["a.png"], spelling="tokens", recogniser=FakeRecogniser("a b e", 0.93))
    assert spelt.latex == "a b e"


def test_what_latex_would_refuse_is_not_copied_and_says_so(
    copied: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    convert(["a.png"], copy=True, recogniser=FakeRecogniser(r"\frac { a }", 0.93))
    said = capsys.readouterr()
    assert said.out.startswith("% a.png, page 1, region ")
    assert copied == []
    assert "the clipboard is left as it was" in said.err
