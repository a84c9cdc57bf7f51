"""What is on a page besides formulas: list items, underlined words, unread ink, drawings."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from test_page_item_numbers import dotted, several_rows
from test_page_words import SIDE, STEP, SquareReader

from hmer_cli.document.drawings import pictures_of, save
from hmer_cli.document.page_text import PageText
from hmer_cli.document.records import Drawing, PageRead, Picture, Result
from hmer_cli.errors import OutputError
from hmer_cli.geometry import Box, bounding_box
from hmer_cli.page.detect.search import prepare_page
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import Region
from hmer_cli.recognition.line_reader import LineReading, LineWord
from hmer_cli.recognition.line_text import MATH


def squares(image: np.ndarray, count: int, x: int, y: int, thickness: int = 3) -> None:
    for place in range(count):
        left = x + STEP * place
        cv2.rectangle(image, (left, y), (left + SIDE, y + SIDE), 0, thickness)


def text_of(image: np.ndarray) -> PageText:
    there = Page("page.png", 1, image)
    reader = SquareReader()
    return PageText(there, prepare_page(there), lambda region: reader.read(region.seen))


def blank() -> np.ndarray:
    return np.full((420, 900), 255, np.uint8)


def test_a_dot_before_a_line_makes_an_item_and_a_rule_under_a_word_underlines_it() -> None:
    image = blank()
    squares(image, 4, 100, 30)
    cv2.circle(image, (60, 40), 4, 0, -1)
    squares(image, 4, 100, 130)
    squares(image, 4, 100, 230)
    cv2.line(image, (98, 262), (200, 262), 0, 3)
    words = text_of(image).words([], [])[0]
    assert [word.mark for word in words] == ["item", "", "underlined"]


def test_a_rule_that_slopes_underlines_a_word() -> None:
    image = blank()
    squares(image, 4, 100, 230)
    cv2.line(image, (98, 258), (210, 268), 0, 3)
    (word,) = text_of(image).words([], [])[0]
    assert word.mark == "underlined"


def test_signs_that_are_in_no_formula_are_ink_that_was_not_read() -> None:
    image = blank()
    squares(image, 4, 100, 30)
    squares(image, 2, 260, 30, thickness=-1)
    words, unread = text_of(image).words([], [])
    assert [(word.text, word.mark) for word in words] == [("abcd", ""), ("", "unread")]
    assert [region.image.shape for region in unread] == [(SIDE + 5, STEP + SIDE + 5)]


def test_words_in_the_box_of_a_formula_are_words_and_a_formula_of_nothing_else_has_none() -> None:
    image = blank()
    squares(image, 3, 100, 30, thickness=-1)
    squares(image, 5, 100, 90)
    there = text_of(image)
    region = Region((90, 20, 300, 130), image[20:130, 90:300], (90, 20))
    assert [word.text for word in there.words([region], [])[0]] == ["abcde"]
    low = Region((90, 80, 300, 130), image[80:130, 90:300], (90, 80))
    assert [word.text for word in there.words([low], [])[0]] == [""]


def test_each_line_is_read_once() -> None:
    image = blank()
    squares(image, 6, 100, 30)
    squares(image, 6, 100, 130)
    there, asked = Page("page.png", 1, image), []
    reader = SquareReader()

    def read(region: Region) -> LineReading:
        asked.append(region.place)
        return reader.read(region.seen)

    text = PageText(there, prepare_page(there), read)
    regions = [Region((x, 20, x + 60, 80), image[20:80, x : x + 60], (x, 20)) for x in (95, 155)]
    text.words(regions, [])
    assert len(asked) == len(set(asked)) == 2


def test_large_ink_is_a_drawing_whose_labels_are_no_words() -> None:
    image = blank()
    squares(image, 5, 30, 30)
    cv2.rectangle(image, (300, 120), (520, 330), 0, 3)
    squares(image, 3, 360, 200)
    there = text_of(image)
    (drawing,) = there.drawings([])
    assert np.abs(np.array(drawing.box) - (298, 118, 522, 332)).max() < 6
    assert len(there.words([], [drawing])[0]) == 1
    assert len(there.words([], [])[0]) == 2
    region = Region((290, 110, 530, 340), image[110:340, 290:530], (290, 110))
    assert not there.drawings([region])


def lines_and(*shapes: list[tuple[int, int]]) -> PageText:
    """Lines of six letters at the left, and such strokes beside them."""
    image = blank()
    for y in range(30, 390, 60):
        squares(image, 6, 100, y)
    for shape in shapes:
        cv2.polylines(image, [np.array(shape)], False, 0, 3)
    return text_of(image)


ARROW = [(500, 60), (500, 260), (475, 230), (500, 260), (525, 230)]
BRACE = [(560, 60), (530, 80), (530, 140), (500, 160), (530, 180), (530, 240), (560, 260)]
SKETCH = [(375, 150), (375, 165), (725, 165), (725, 90), (550, 150)]
INTEGRAL = [(540, 100), (525, 95), (518, 110), (518, 170), (510, 188), (498, 182)]


@pytest.mark.parametrize("shape", [ARROW, BRACE], ids=["arrow", "brace"])
def test_what_is_as_long_as_a_drawing_is_one(shape: list[tuple[int, int]]) -> None:
    there = lines_and(shape)
    (drawing,) = there.drawings([])
    x0, y0, x1, y1 = bounding_box(np.array([(*at, *at) for at in shape]))
    assert np.abs(np.array(drawing.box) - (x0, y0, x1, y1)).max() < 6
    assert [word.text for word in there.words([], [drawing])[0]] == ["abcdef"] * 6


def test_what_is_as_low_as_a_line_is_of_a_line_however_wide() -> None:
    there = lines_and(SKETCH)  # as a long word in one stroke
    assert not there.drawings([])
    assert len(there.words([], [])[0]) == 7


def test_what_is_too_high_for_a_line_and_too_small_for_a_drawing_was_not_read() -> None:
    there = lines_and(INTEGRAL, [(700, 80), (680, 90), (680, 160), (700, 170)])
    assert not there.drawings([])
    words, unread = there.words([], [])
    assert [word.mark for word in words] == [*[""] * 6, "unread", "unread"]
    assert sorted(round(word.box[0] / 10) for word in words[6:]) == [50, 68]
    assert len({word.line for word in words}) == len(words)
    assert len(unread) == 2
    region = Region((480, 80, 560, 200), np.zeros((120, 80), np.uint8), (480, 80))
    assert len(there.words([region], [])[1]) == 1


def test_what_shines_through_from_the_other_side_is_no_drawing_and_no_sign() -> None:
    image = blank()
    for y in range(30, 390, 60):
        squares(image, 6, 100, y)
    for shape in (BRACE, INTEGRAL):
        cv2.polylines(image, [np.add(shape, (150, 0))], False, 190, 3)
    there = text_of(image)
    assert not there.drawings([])
    assert [word.text for word in there.words([], [])[0]] == ["abcdef"] * 6


def test_a_line_down_the_page_is_no_drawing_and_no_sign() -> None:
    there = lines_and([(600, 20), (602, 200), (600, 400)])
    assert not there.drawings([])
    assert [word.text for word in there.words([], [])[0]] == ["abcdef"] * 6


def test_a_frame_round_words_of_a_line_is_no_drawing() -> None:
    image = blank()
    squares(image, 4, 100, 30)
    squares(image, 4, 100, 130)
    cv2.rectangle(image, (85, 112), (225, 168), 0, 3)
    squares(image, 4, 100, 230)
    there = text_of(image)
    assert not there.drawings([])
    assert len(there.words([], [])[0]) == 3


def test_an_arrow_by_itself_was_not_read_and_a_rule_under_a_word_is_none() -> None:
    arrow = [(500, 200), (580, 200), (565, 192), (580, 200), (565, 208)]
    words, unread = lines_and(arrow).words([], [])
    assert [word.text for word in words if word.mark != "unread"] == ["abcdef"] * 6
    assert [round(word.box[0] / 10) for word in words if word.mark == "unread"] == [50]
    assert len(unread) == 1
    under = [(100, 115), (180, 127)]
    words, unread = lines_and(under).words([], [])
    assert (len(words), len(unread)) == (6, 0)


def test_a_word_in_one_stroke_by_itself_is_a_word() -> None:
    wave = [(500 + 4 * i, 200 + round(16 * math.sin(i / 3))) for i in range(50)]
    words = lines_and(wave).words([], [])[0]
    assert [word.mark for word in words] == [""] * 7


def test_words_in_one_stroke_are_all_there_in_their_order() -> None:
    image = blank()
    squares(image, 8, 100, 30)
    cv2.line(image, (100, 50), (250, 50), 0, 3)  # through the letters of two words and more
    there = Page("page.png", 1, image)

    def read(region: Region) -> LineReading:
        ends = (("let", 0, 60), ("a", 90, 90), ("be", 130, 190))
        return LineReading(tuple(LineWord(text, x0 + 5, x1 + 5, 0.9) for text, x0, x1 in ends))

    words, unread = PageText(there, prepare_page(there), read).words([], [])
    assert [word.text for word in words] == ["let", "a", "be"]
    assert sorted(words, key=lambda word: word.box[0]) == list(words)
    assert not unread


def test_a_line_of_which_nothing_is_read_is_ink_that_was_not_read() -> None:
    image = blank()
    squares(image, 4, 100, 30)
    squares(image, 4, 100, 130)
    there = Page("page.png", 1, image)
    text = PageText(there, prepare_page(there), lambda region: LineReading(()))
    words, unread = text.words([], [])
    assert [(word.text, word.mark) for word in words] == [("", "unread")] * 2
    assert len(unread) == 2


def test_a_line_that_a_drawing_reaches_into_keeps_its_words() -> None:
    image = blank()
    squares(image, 6, 30, 30)
    there = text_of(image)
    (whole,) = there.words([], [])[0]
    inside = Drawing((0, 0, 90, 300), (0, 0, 90, 300))  # two of six letters
    assert [word.text for word in there.words([], [inside])[0]] == [whole.text]
    around = Drawing((0, 0, 200, 300), (0, 0, 200, 300))
    assert not there.words([], [around])[0]


def test_a_rule_or_a_comma_by_itself_is_no_word() -> None:
    image = blank()
    squares(image, 4, 100, 30)
    cv2.line(image, (100, 200), (220, 212), 0, 3)
    cv2.line(image, (300, 335), (304, 345), 0, 3)
    assert [word.text for word in text_of(image).words([], [])[0]] == ["abcd"]


def test_dots_on_a_line_are_an_ellipsis() -> None:
    image = blank()
    squares(image, 4, 100, 30)
    squares(image, 3, 100, 130, thickness=-1)
    there = text_of(image)
    dots = np.array([[100, 200, 106, 206], [112, 200, 118, 206], [124, 201, 130, 207]], np.float32)
    assert there._is_ellipsis(dots)
    assert there._is_ellipsis(dots[:2])
    assert not there._is_ellipsis(dots[:1])
    assert not there._is_ellipsis(dots + np.array([0, 0, 30, 30], np.float32))


@pytest.mark.parametrize(("said", "mark"), [("9.", ""), ("g", "unread"), (MATH, "unread")])
def test_the_number_of_an_exercise_is_a_word(said: str, mark: str) -> None:
    image = several_rows()
    dotted(image)
    there = Page("page.png", 1, image)
    found = prepare_page(there)

    def read(region: Region) -> LineReading:
        told = said if region.place[2] < 200 else "words"
        return LineReading((LineWord(told, 0, region.image.shape[1], 0.9),))

    *rows, number = PageText(there, found, read).words([], [])[0]
    assert [word.text for word in rows] == ["words"] * 3
    assert (number.text, number.mark) == ("" if mark else said, mark)
    assert 55 < number.box[0] < number.box[2] < 125
    whole = Region((50, 20, 690, 400), image[20:400, 50:690], (50, 20))
    assert len(PageText(there, found, read).words([whole], [])[0]) == 3  # the rows


def drawn_page(image: np.ndarray, drawing: Drawing) -> PageRead:
    webp = cv2.imencode(".webp", image)[1].tobytes()
    picture = Picture(image.shape[1] * 2, image.shape[0] * 2, lambda: webp)
    return PageRead("a b.pdf", 1, Result("", (), drawings=(drawing,)), picture=picture)


def test_drawings_are_cut_out_beside_the_document(tmp_path: Path) -> None:
    image = blank()
    cv2.rectangle(image, (300, 120), (520, 330), 0, -1)
    page = drawn_page(image, Drawing((1, 2, 3, 4), (600, 240, 1040, 660)))
    folder = "my-notes-f30ac2-drawings"
    drawn = save(tmp_path / "my notes.md", {("a b.pdf", 1): pictures_of(page)})
    assert drawn == {("a b.pdf", 1): [((1, 2, 3, 4), f"{folder}/1.png")]}
    cut = cv2.imread(str(tmp_path / folder / "1.png"), cv2.IMREAD_GRAYSCALE)
    assert cut is not None
    assert cut.shape == (210 + 18, 220 + 18)
    assert cut[114, 119] < 40


def test_pictures_of_others_are_not_overwritten(tmp_path: Path) -> None:
    page = drawn_page(blank(), Drawing((1, 2, 3, 4), (600, 240, 1040, 660)))
    there = tmp_path / "a-drawings" / "1.png"
    there.parent.mkdir()
    there.write_bytes(b"mine")
    with pytest.raises(OutputError):
        save(tmp_path / "a.tex", {("a b.pdf", 1): pictures_of(page)})
    assert there.read_bytes() == b"mine"


def test_every_document_has_drawings_of_its_own(tmp_path: Path) -> None:
    page = drawn_page(blank(), Drawing((1, 2, 3, 4), (600, 240, 1040, 660)))
    names = ["Алгебра.md", "Геометрия.md", "物理.md", "a 1.md", "a_1.md", "a-1.md", "é.md", "e.md"]
    found = [save(tmp_path / name, {("a b.pdf", 1): pictures_of(page)}) for name in names]
    shown = {name for each in found for some in each.values() for _, name in some}
    assert len(shown) == len(names)
    assert all(name.isascii() and (tmp_path / name).is_file() for name in shown)


def test_drawings_that_an_earlier_run_left_are_removed(tmp_path: Path) -> None:
    (cut,) = pictures_of(drawn_page(blank(), Drawing((1, 2, 3, 4), (600, 240, 1040, 660))))
    folder = tmp_path / "a-drawings"
    save(tmp_path / "a.md", {("a.pdf", 1): [cut, cut, cut]})
    (folder / "9.png").write_bytes(cut[1])  # of nobody
    save(tmp_path / "a.md", {("a.pdf", 1): [cut]})
    assert sorted(path.name for path in folder.iterdir()) == ["1.png", "9.png"]
    (folder / "9.png").unlink()
    save(tmp_path / "a.md", {})
    assert not folder.exists()


def test_documents_of_one_stem_keep_their_drawings(tmp_path: Path) -> None:
    def cuts(shade: int) -> list[tuple[Box, bytes]]:
        image = blank()
        cv2.rectangle(image, (300, 120), (520, 330), shade, -1)
        return pictures_of(drawn_page(image, Drawing((1, 2, 3, 4), (600, 240, 1040, 660))))

    def written(name: str, found: list[tuple[Box, bytes]], *others: str) -> str:
        (shown,) = save(tmp_path / name, {("a.pdf", 1): found},
                        [tmp_path / each for each in (name, *others)])["a.pdf", 1]  # fmt: skip
        (tmp_path / name).write_text(f"![drawing]({shown[1]})")
        return shown[1]

    one, other = cuts(0), cuts(90)
    usual = written("n.md", one)
    assert usual == "n-drawings/1.png"
    assert written("n.tex", one) == usual  # the same pages in two runs
    assert written("n.md", one, "n.tex") == written("n.tex", one, "n.md") == usual
    assert written("n.md", other, "n.tex") == written("n.tex", other, "n.md") == usual
    before = (tmp_path / usual).read_bytes()
    own = written("n.tex", one)
    assert own != usual
    assert (tmp_path / usual).read_bytes() == before != (tmp_path / own).read_bytes()
    save(tmp_path / "n.tex", {})
    assert (tmp_path / usual).read_bytes() == before
    (tmp_path / "n.tex").write_text("no drawing")
    assert written("n.md", one) == usual
    (tmp_path / "n.md").unlink()
    assert written("n.tex", other) == usual
    assert not (tmp_path / own).parent.exists()
