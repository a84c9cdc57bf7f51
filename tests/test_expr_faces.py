"""Letters in fonts: what LaTeX prints of them is the letter, or it is not sound."""

from __future__ import annotations

import shutil
import subprocess
import unicodedata
from pathlib import Path

import pytest

from hmer_cli.expr.commands import FONTS, GREEK
from hmer_cli.expr.faces import MISPRINTED, MISPRINTED_TO_END, NOT_PRINTED
from hmer_cli.expr.glyphs import GLYPHS
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.to_latex import latex_of_tokens, to_latex
from hmer_cli.expr.typed import TypedError, as_formula, check
from hmer_cli.expr.validity import problems

ALPHABET = [chr(code) for code in range(128) if chr(code).isalnum()]
SIGNS = [*ALPHABET, *sorted(token for token in GREEK if token[1].isupper())]
TILDES = set("~\u0303")
FACED = [f"{font} {{ {sign} }}" for font in sorted(FONTS) for sign in ALPHABET]

printer = pytest.mark.skipif(
    shutil.which("pdflatex") is None or shutil.which("pdftotext") is None,
    reason="pdflatex or pdftotext not found",
)


def prints(formulas: list[str], folder: Path, packages: str = "amsmath,amssymb") -> list[str]:
    """The characters that pdflatex puts on paper for each formula."""
    shown = "\n".join(rf"\noindent\(|\) ${formula}$\newpage" for formula in formulas)
    (folder / "f.tex").write_text(
        rf"\documentclass{{article}}\usepackage{{{packages}}}\pagestyle{{empty}}"
        f"\\begin{{document}}\n{shown}\n\\end{{document}}\n"
    )
    run = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "f.tex"]
    subprocess.run(run, cwd=folder, capture_output=True, check=True)
    out = subprocess.run(["pdftotext", folder / "f.pdf", "-"], capture_output=True, check=True)
    pages = out.stdout.decode().split("\f")[: len(formulas)]
    return [unicodedata.normalize("NFKD", "".join(page.split()).lstrip("|")) for page in pages]


def is_sound(formula: str) -> bool:
    try:
        check(formula)
    except TypedError:
        return False
    return True


@pytest.mark.tex
@printer
def test_what_is_typed_in_a_font_prints_as_itself(tmp_path: Path) -> None:
    fonts = [(f"{font}{{", "}") for font in MISPRINTED]
    fonts += [(f"{{{font} ", "}") for font in MISPRINTED_TO_END]
    typed = [(as_formula(f"{a}{sign}{b}"), sign) for a, b in fonts for sign in SIGNS]
    sound = [(formula, GLYPHS[sign][1]) for formula, sign in typed if is_sound(formula)]
    found = prints([formula for formula, _ in sound], tmp_path)
    same = dict(zip("ΔΩ", "∆Ω", strict=True)) | {c: c for c in ALPHABET}
    wrong = [
        (formula, sign, shown)
        for (formula, sign), shown in zip(sound, found, strict=True)
        if shown not in (sign, same.get(sign))
    ]
    assert wrong == []
    assert len(sound) > 700


@pytest.mark.tex
@printer
def test_what_is_read_in_a_font_prints_as_itself(tmp_path: Path) -> None:
    labels = [label for label in FACED if not problems(label)]
    assert {label.split()[2] for label in labels if "bb" in label} == set(
        "1kABCDEFGHIJKLMNOPQRSTUVWXYZ"
    )
    signs = [label.split()[2] for label in labels]
    assert prints(list(map(to_latex, labels)), tmp_path) == signs
    assert prints(list(map(latex_of_tokens, labels)), tmp_path) == signs


@pytest.mark.tex
@printer
def test_unicode_that_is_typed_prints_as_itself(tmp_path: Path) -> None:
    typed = {GLYPHS[label][1]: label.split()[2] for label in FACED}
    sound = {c: as_formula(c) for c in typed if not c.isascii() and is_sound(as_formula(c))}
    assert set("𝟙𝕜ℝ𝒜𝔤") <= set(sound) and "𝒶" not in sound
    assert prints(list(sound.values()), tmp_path) == [typed[c] for c in sound]


@pytest.mark.tex
@printer
def test_an_arrow_over_a_letter_in_a_font_is_no_tilde(tmp_path: Path) -> None:
    outside = [rf"\vec{{{font}{{V}}}}" for font in MISPRINTED]
    inside = [rf"{font}{{\vec{{V}}}}" for font in MISPRINTED]
    inside += [rf"{{{font} \vec{{V}}}}" for font in MISPRINTED_TO_END]
    sound = [*outside, *filter(is_sound, inside)]
    assert len(sound) > len(outside)
    assert [each for each in prints(sound, tmp_path) if set(each) & TILDES] == []
    unsound = [each for each in inside if not is_sound(each)]
    assert [each for each in prints(unsound, tmp_path) if not set(each) & TILDES] == []


@pytest.mark.parametrize("label", FACED)
def test_what_is_read_is_spelt_and_read_back_or_refused(label: str) -> None:
    assert normalise(to_latex(label)) == normalise(latex_of_tokens(label)) == label
    found = problems(label)
    assert bool(found) == (label in NOT_PRINTED)
    if not found:
        check(to_latex(label))


def test_a_letter_without_a_sign_is_named() -> None:
    (found,) = problems(r"x + \mathbb { n }")
    assert (found.position, found.message) == (4, r"n in \mathbb, for which LaTeX has no sign")


def test_the_spelling_parts_it_from_a_letter() -> None:
    assert to_latex(r"\mathbb { k } x + \mathbb { 1 } x") == r"\Bbbk x+\mathbf{1}x"
    assert as_formula(r"\mathbb kx+\mathbb1_A") == r"\Bbbk x+\mathbf{1}_A"
