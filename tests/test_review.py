"""The review page in a real browser: open, filter, point, edit, export, apply."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

import numpy as np
import pytest
from chromium import PROGRAM, Chromium
from handmade import FakeRecogniser, cross, encoded, paged
from test_expr_to_mathml import SPOKEN

from hmer_cli.commands.convert import convert
from hmer_cli.document.records import Record
from hmer_cli.expr.glyphs import ACCENTS
from hmer_cli.expr.latex import normalise
from hmer_cli.expr.to_mathml import to_mathml
from hmer_cli.expr.tokens import tokenize
from hmer_cli.expr.typing_table import typing_table
from hmer_cli.expr.validity import problems
from hmer_cli.recognition.reading import Alternative, Reading, TokenReading

needs_chromium = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed")

LABELS = {"x ^ { 2 }": 0.9, r"\frac { a } { b }": 0.3, "y = 1": 0.7}


class Scribe:
    """Reads these labels in turn, each token in the next third of the image; turned pages, which
    come later, not at all."""

    model = "scribe"

    def __init__(self) -> None:
        self.labels = dict(LABELS)

    def read(self, images: list[np.ndarray]) -> list[Reading]:
        known, self.labels = self.labels, {}
        found = [self._reading(*each) for each in zip(images, known.items(), strict=False)]
        return found + [Reading("", 0.0)] * (len(images) - len(found))

    @staticmethod
    def _reading(image: np.ndarray, spoken: tuple[str, float]) -> Reading:
        label, confidence = spoken
        step = image.shape[1] / len(tokenize(label))
        boxes = [(i * step, 0.0, (i + 1) * step, 40.0) for i in range(len(tokenize(label)))]
        tokens = [TokenReading(t, 0.4, b) for t, b in zip(tokenize(label), boxes, strict=True)]
        others = (Alternative("x ^ { 3 }", 0.2), Alternative(r"\chi", 0.1)) if "x" in label else ()
        return Reading(label, confidence, tuple(tokens), others)


def sheets() -> list[np.ndarray]:
    """Three pages with different ink."""
    first = cross()
    return [first, np.hstack([first, first[:, :100]]), np.vstack([first[20:100], first])]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of three pages, one that cannot be read, and their review page."""
    folder = tmp_path_factory.mktemp("review")
    (folder / "notes.pdf").write_bytes(paged(sheets()))
    (folder / "z<b>.png").write_bytes(b"broken")
    convert([str(folder)], [str(folder / "review.html")], recogniser=Scribe())
    return folder


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def page(browser: Chromium, folder: Path) -> Chromium:
    """The review page, as one who never saw it sees it."""
    browser.open(folder / "review.html")
    browser.run("localStorage.clear()")
    browser.open(folder / "review.html")
    return browser


def ids(page: Chromium) -> list[str]:
    """The cards that are shown, from the top down."""
    return page.run("[...document.querySelectorAll('.card:not([hidden])')].map(c => c.id)")


def text(page: Chromium, selector: str) -> str:
    return page.run(f"document.querySelector({json.dumps(selector)}).textContent.trim()")


def lit(page: Chromium) -> list[str]:
    """The parts that are marked: MathML and SVG by their tag, tokens of LaTeX by their text."""
    return page.run(
        "[...document.querySelectorAll('.hot')].map(e => e.tagName === 'SPAN' ?"
        " e.textContent : e.tagName)"
    )


@needs_chromium
def test_the_page_opens_without_network_and_without_complaint(page: Chromium) -> None:
    assert page.troubles() == []
    elsewhere = [url for url in page.requests() if not url.startswith(("data:", "file:"))]
    assert elsewhere == []
    assert text(page, "#summary") == "3 expressions · 1 low · 1 failed"
    assert page.run("document.querySelectorAll('image').length") == 3
    assert "broken" not in text(page, "title")
    assert "z<b>.png" in text(page, ".card.failed .note")


@pytest.mark.parametrize(("label", "reason"), [
    (r"\frac { a < b", "token 2 ({): no } closes it"), (r"\foo { x", r"\foo is not a command"),
    ("a & b", "token 2 (&amp;): stands in no matrix"), ("} }", "token 1 (}): closes nothing"),
])  # fmt: skip
def test_a_label_that_is_no_latex_is_shown_as_it_is_with_the_reason(
    tmp_path: Path, label: str, reason: str
) -> None:
    (tmp_path / "a.png").write_bytes(encoded(cross()))
    review = tmp_path / "r.html"
    convert([str(tmp_path / "a.png")], [str(review)], recogniser=FakeRecogniser(label))
    page = review.read_text()
    assert re.search(rf'<code class="latex"[^>]*>{re.escape(escape(label))}</code>', page)
    assert re.search(rf'<p class="note">{re.escape(reason)}', page)
    assert '<div class="math"></div></div>' in page


@needs_chromium
def test_the_policy_lets_nothing_else_run(page: Chromium) -> None:
    page.run("document.body.append(Object.assign(document.createElement('script'),{text:'bad=1'}))")
    assert page.run("typeof bad") == "undefined"


@needs_chromium
def test_the_least_sure_comes_first_or_the_pages_in_order(page: Chromium) -> None:
    assert ids(page) == ["z-b-p0-r1", "notes-p2-r1", "notes-p3-r1", "notes-p1-r1"]
    page.run("order.value = 'page'; order.dispatchEvent(new Event('change'))")
    assert ids(page) == ["notes-p1-r1", "notes-p2-r1", "notes-p3-r1", "z-b-p0-r1"]
    assert page.run("headings.filter(h => h.checkVisibility()).length") == 4


@needs_chromium
def test_a_filter_by_status_and_by_text(page: Chromium) -> None:
    page.click(".chips label:nth-child(2)")
    assert ids(page) == ["notes-p2-r1"]
    page.click(".chips label:nth-child(1)")
    page.key("/")
    page.type("notes ^")
    assert ids(page) == ["notes-p1-r1"]
    page.type(" nowhere")
    assert ids(page) == []
    assert page.run("document.querySelector('#nothing').checkVisibility()")


@needs_chromium
def test_a_card_is_found_by_its_lasting_id(page: Chromium) -> None:
    lasting = text(page, "#notes-p1-r1 .id")
    assert re.fullmatch("[k-z]{12}", lasting)
    page.key("/")
    page.type(lasting)
    assert ids(page) == ["notes-p1-r1"]


@needs_chromium
def test_a_sign_pointed_at_is_shown_in_all_three_places(page: Chromium) -> None:
    page.point_at("#notes-p1-r1 .math mn")
    assert sorted(lit(page)) == ["2", "mn", "rect"]
    page.point_at("#notes-p1-r1 .latex [data-t='0']")
    assert sorted(lit(page)) == ["mi", "rect", "x"]
    page.point_at("#notes-p3-r1 .crop rect[data-t='2']")
    assert sorted(lit(page)) == ["1", "mn", "rect"]
    page.point(5, 5)
    assert lit(page) == []


@needs_chromium
def test_the_keys_walk_through_cards_and_signs(page: Chromium) -> None:
    page.key("j")
    page.key("j")
    assert page.run("document.activeElement.id") == "notes-p1-r1"
    page.key("k")
    assert page.run("document.querySelector('[aria-current]').id") == "notes-p3-r1"
    page.key("ArrowRight")
    page.key("ArrowRight")
    assert "=" in lit(page)
    page.key("?")
    assert page.run("document.querySelector('#help').open")
    page.key("Escape")
    assert not page.run("document.querySelector('#help').open")


@needs_chromium
def test_the_page_stands_beside_its_cards(page: Chromium) -> None:
    assert text(page, "#sheet-name").endswith("notes.pdf, page 2")
    page.click("#notes-p3-r1 .latex")
    assert text(page, "#sheet-name").endswith("notes.pdf, page 3")
    assert page.run("document.querySelectorAll('#sheet-page .here').length") == 1


@needs_chromium
def test_what_is_typed_is_shown_as_it_is_typed(page: Chromium) -> None:
    page.click("#notes-p1-r1 [data-do=edit]")
    page.run("document.querySelector('textarea').select()")
    page.type(r"\sqrt{x")
    assert "no } closes it" in text(page, ".fault")
    page.type("}")
    assert text(page, ".fault") == ""
    assert page.run("document.querySelector('#notes-p1-r1 .math msqrt mi').textContent") == "x"
    page.key("Escape")
    assert page.run("document.querySelector('#notes-p1-r1 .math msup mn').textContent") == "2"
    assert text(page, "#summary") == "3 expressions · 1 low · 1 failed"


def anew(page: Chromium, latex: str) -> None:
    """Types it for the active card, by keys alone."""
    page.key("e")
    page.run("document.querySelector('textarea').select()")
    page.type(latex)
    page.key("Enter")


def active(page: Chromium) -> str | None:
    """The card that is marked as the one that keys are for, if it is seen."""
    return page.run("[...document.querySelectorAll('[aria-current]')].find(c => !c.hidden)?.id")


@needs_chromium
def test_keys_are_never_for_a_card_that_the_filter_hides(page: Chromium) -> None:
    page.key("/")
    page.type("notes.pdf")
    page.key("Escape")
    page.click(".chips label:nth-child(3)")
    assert active(page) == "notes-p3-r1"
    page.click("#notes-p3-r1 .latex")
    anew(page, "y")
    assert ids(page) == ["notes-p1-r1"] == [active(page)] == [page.run("document.activeElement.id")]
    page.key("x")
    assert ids(page) == []
    page.key("x")
    assert page.run("document.querySelector('[aria-current]')") is None
    page.click(".chips label:nth-child(1)")
    assert active(page) == "notes-p1-r1"
    assert page.run("[...edits.values()].map(({latex}) => latex)") == ["y", ""]


@needs_chromium
def test_a_filter_keeps_the_cursor_and_what_is_being_typed(page: Chromium) -> None:
    page.key("j")
    page.key("e")
    page.type("z")
    page.click("#filter")
    page.type("p2")
    assert page.run("document.activeElement.id") == "filter"
    assert ids(page) == ["notes-p2-r1", "notes-p3-r1"]
    page.run("mustKeepFirst(typedIn())")
    page.key("Escape")
    page.click("#filter")
    page.run("filter.select()")
    page.type("p1")
    assert [active(page)] == ids(page) == ["notes-p1-r1"]
    assert page.run("document.activeElement.id") == "filter"


@needs_chromium
@pytest.mark.parametrize("width", [360, 800, 1400])
def test_nothing_is_wider_than_the_screen(page: Chromium, folder: Path, width: int) -> None:
    page.size(width, 700, mobile=width < 500)
    page.open(folder / "review.html")
    wide = page.run("document.documentElement.scrollWidth")
    page.size(1280, 900)
    assert wide <= width


@needs_chromium
def test_text_stands_out_by_day_and_by_night(page: Chromium) -> None:
    contrast = """
    (() => {
      const light = (css) => css.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
        .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
      const card = light(getComputedStyle(document.querySelector('.card')).backgroundColor);
      return [...document.querySelectorAll('.card .badge, .card .sure, .card h3, .to-page, .note')]
        .map((e) => light(getComputedStyle(e).color))
        .map((ink) => (Math.max(ink, card) + 0.05) / (Math.min(ink, card) + 0.05));
    })()"""
    for dark in (False, True):
        page.dark(dark)
        assert min(page.run(contrast)) > 4.5
    page.dark(False)


@needs_chromium
def test_every_control_has_a_name(page: Chromium) -> None:
    named = "e => e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length"
    controls = "[...document.querySelectorAll('button, input, select, svg[role=img]')]"
    assert page.run(f"{controls}.filter(e => !({named})).map(e => e.outerHTML)") == []


def labels(data: Path | None) -> list[str]:
    """Labels with everything in them, and where they are at hand, those of real formulas."""
    more = [
        r"\begin{pmatrix} a & b \\ c & - d \end{pmatrix} \begin{cases} 1 \\ x > 0 \end{cases}",
        r"\begin{aligned} f & = a + b \\ & = - c \end{aligned}",
        r"( \frac { a } { b } \overset { n } { ) }",
        r"| x | - | y | + F | _ { 0 } - \langle a | - | - b | \in ] - 1 , 2 [",
        r"\overset { ! } { = } \underline { a b } \overbrace { a + b } ^ { n } \binom { n } { k }",
        r"| x | / \| y \| \langle \frac { a } { b } \rangle ( ( a ) [ \log \limits _ { 2 } x",
        r"\mathcal { A } \mathfrak { g } _ { i } ^ { j } n ! - 1 . 5 \sin \cos ( x ) \& < >",
    ]
    lines = [] if data is None else (data / "formulas.txt").read_text("utf-8").splitlines()
    real = map(normalise, random.Random(1).sample(lines, 150) if lines else [])
    return [*SPOKEN.splitlines(), *more, *(label for label in real if not problems(label))]


@needs_chromium
@pytest.mark.parametrize("real", [False, True])
def test_typed_latex_is_set_as_read_latex_is(
    page: Chromium, real: bool, request: pytest.FixtureRequest
) -> None:
    for label in labels(request.getfixturevalue("data") if real else None):
        assert page.run(f"typeset({json.dumps(label)}).math") == to_mathml(label), label


@needs_chromium
def test_nothing_of_the_page_dresses_its_formulas(page: Chromium) -> None:
    accented = [f"{accent} {{ x }}" for accent in ACCENTS]
    for label in [*accented, *labels(None)]:
        page.run(f"document.querySelector('.math').innerHTML = typeset({json.dumps(label)}).math")
        dressed = page.run(
            "[...document.querySelectorAll('.math [class]')].filter(e =>"
            " getComputedStyle(e).display.includes('flex')"
            " || getComputedStyle(e).borderBottomStyle !== 'none').map(e => e.className)"
        )
        assert dressed == [], label


@needs_chromium
@pytest.mark.parametrize(
    "typed",
    [
        r"\left(\dfrac{a}{b}\right)^2", "x'' + y'^{2}", "sin x", r"\mathrm{d}x \, \le ½"[:-2] + "1",
        "asin(cosx)+max xy",
        r"α\to∞", r"\sum_{i}^n\int_0^1\lim_x",
        r"\begin{array}{cc} a & b \\ c & d \end{array}", r"\sqrt[3]x_1^2", "a % comment",
        "f^{''} + {}^{'''}x + g^″", "10⁵H₂O x²³₁", r"f^{{'}} + \sqrt{'}", "'x",
        r"1 + \dots + n, \dots, \dots \to", r"\left< x \right> + \bigl< y",
        r"\overset{a}{\overset{b}{=}}", r"\underset{x}{\arg\max}",
        r"\begin{aligned}[t] a & = b \end{aligned}", r"\operatorname * {tr} A^2",
        r"\begin{alignedat}{2} a & = b \end{alignedat}",
        r"\begin {alignedat} { 2 } a & = b \end{alignedat}",
        r"\cfrac[l]{a}{b} + \smash[b]{x}", "2½ ≔ ∛{x}",
        r"\mathbf{1}_A + \Bbbk + \mathbf 1 + 𝟙",
        r"\left| \frac{a}{b} \right|^2 - |c| + \| \frac{a}{b} \|", "(|x) \\frac12|",
        r"\begin{cases} 1 & x \\ 2 \end{cases}",
    ],
)  # fmt: skip
def test_typed_latex_means_what_convert_will_take_it_for(page: Chromium, typed: str) -> None:
    tidy = "s => s.replace(/ data-t=.[0-9]+./g, '')"
    shown = page.run(f"({tidy})(typeset({json.dumps(typed)}).math)")
    assert shown == re.sub(r' data-t="\d+"', "", to_mathml(normalise(typed, typed=True)))


def test_no_pattern_looks_behind(folder: Path) -> None:
    """Safari before 16.4 would run no script of the page at all."""
    (script,) = re.findall(r"<script>(.*?)</script>", (folder / "review.html").read_text(), re.S)
    assert not re.search(r"\(\?<[=!]", script + json.dumps(typing_table()))


def test_what_safari_lacks_is_in_no_style(folder: Path) -> None:
    """Before 16.2, or 18 without its prefix: no background, no highlight, no blur."""
    (style,) = re.findall(r"<style>(.*?)</style>", (folder / "review.html").read_text(), re.S)
    assert "color-mix" not in style
    assert style.count("-webkit-backdrop-filter") * 2 == style.count("backdrop-filter")


def test_the_same_records_make_the_same_page(folder: Path) -> None:
    again = folder / "twice.html"
    convert([str(folder / n) for n in ("notes.pdf", "z<b>.png")], [str(again)], recogniser=Scribe())
    assert again.read_bytes() == (folder / "review.html").read_bytes()


def test_names_and_labels_cannot_leave_their_place(tmp_path: Path) -> None:
    name = tmp_path / "</script><img src=x>&quot;.png"[:-4].replace("/", "_")
    name.write_bytes(encoded(cross()))
    convert([str(name)], [str(tmp_path / "r.html")], recogniser=FakeRecogniser(r"< \</script>"))
    html = (tmp_path / "r.html").read_text("utf-8")
    assert "<img" not in html
    assert html.count("</script>") == 2


def test_a_run_without_pictures_has_no_evidence(folder: Path) -> None:
    records: list[Record] = convert(
        [str(folder / "notes.pdf")], [str(folder / "o.tex")], recogniser=Scribe()
    )
    assert [record.evidence for record in records] == [None] * 3
