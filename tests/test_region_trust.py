"""How sure a region of a page is, by what stands about it and what was done to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from handmade import FakeRecogniser, encoded

from hmer_cli.api import Converter
from hmer_cli.document import pipeline
from hmer_cli.document.math_regions import MathRegions
from hmer_cli.document.records import RegionReading, Result, Surroundings
from hmer_cli.document.region_trust import WEIGHTS, evidence, surroundings_of, trusted
from hmer_cli.geometry import Box
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import Region, cut_region
from hmer_cli.recognition.reading import Alternative, Reading

UNIT = 20.0
NOTHING = Surroundings(changed=False, loose=False)
EVERYTHING = Surroundings(changed=True, loose=True)


def region(box: Box) -> Region:
    """With signs of 20 pixels."""
    x0, y0, x1, y1 = map(int, box)
    return Region(box, np.full((y1 - y0, x1 - x0), 255, np.uint8), (x0, y0))


def signs(*places: tuple[float, float]) -> np.ndarray:
    """The boxes of signs of 20 pixels with these corners."""
    return np.array([(x, y, x + UNIT, y + UNIT) for x, y in places], np.float32).reshape(-1, 4)


FORMULA = region((100, 100, 180, 120))
OWN = ((100, 100), (130, 100), (160, 100))


def about(*others: tuple[float, float], searched: Region = FORMULA) -> Surroundings:
    (found,) = surroundings_of([FORMULA], [searched], signs(*OWN, *others), UNIT)
    return found


def test_a_formula_by_itself_has_nothing_about_it() -> None:
    assert about() == about((100, 400)) == NOTHING


@pytest.mark.parametrize("place", [(184, 100), (76, 100)])
def test_a_sign_nearer_to_ink_outside_than_to_its_formula_is_loose(
    place: tuple[float, float],
) -> None:
    assert about(place).loose
    assert not about((200, 100)).loose and not about((60, 100)).loose


def test_a_region_is_changed_where_the_search_had_another() -> None:
    assert about(searched=region((100, 100, 150, 120))).changed


def read(label: str = "x + 1", surroundings: Surroundings | None = NOTHING) -> RegionReading:
    box = (0.0, 0.0, 9.0, 9.0)
    reading = Reading(label, 0.8, (), (Alternative("y", 0.1),))
    return RegionReading(box, box, "k", reading, surroundings=surroundings)


def sure(expression: RegionReading) -> float:
    (found,) = trusted(Result("m", (expression,))).expressions
    return found.reading.confidence


def test_a_reading_with_nothing_against_its_region_keeps_its_confidence() -> None:
    assert sure(read()) == 0.8


def test_readings_of_no_page_keep_theirs() -> None:
    alone = read("- ( x", None)
    assert trusted(Result("m", (alone,))).expressions == (alone,)


@pytest.mark.parametrize("name", ["changed", "loose"])
def test_what_speaks_against_a_region_lowers_the_confidence(name: str) -> None:
    found = sure(read(surroundings=replace(NOTHING, **{name: True})))
    assert sure(read(surroundings=EVERYTHING)) < found < 0.8


@pytest.mark.parametrize("label", ["- x + 1", "( x + 1", "x + 1 )", "x =", ". x + 1"])
def test_odd_ends_of_a_label_lower_the_confidence(label: str) -> None:
    assert sure(read(label)) < 0.8


@pytest.mark.parametrize("label", ["x - 1", "[ 0 , 1 )", "f ( x )", "= x", r"\{ x \}"])
def test_usual_ends_of_a_label_do_not(label: str) -> None:
    assert sure(read(label)) == 0.8


def test_other_readings_are_less_likely_too() -> None:
    (found,) = trusted(Result("m", (read(surroundings=EVERYTHING),))).expressions
    (other,) = found.reading.alternatives
    assert other.confidence / 0.1 == pytest.approx(found.reading.confidence / 0.8, abs=0.01)


def test_nothing_makes_a_reading_surer() -> None:
    assert list(evidence(read())) == list(WEIGHTS)
    assert all(weight <= 0 for weight in WEIGHTS.values())


@pytest.mark.parametrize(("there", "lowered"), [(EVERYTHING, True), (None, False)])
def test_records_of_a_page_have_the_confidence_of_their_regions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: Surroundings | None, lowered: bool
) -> None:
    def found(page: Page, layout: str, text: bool) -> MathRegions:
        boxes = [(10.0, 10.0, 60.0, 40.0), (10.0, 60.0, 60.0, 90.0)]
        regions = [cut_region(page, page.image, box, 0) for box in boxes]
        return replace(MathRegions.of(regions), surroundings=(there, there))

    image = np.full((100, 100), 255, np.uint8)
    image[20:30, 20:50] = image[70:80, 20:50] = 0
    (tmp_path / "page.png").write_bytes(encoded(image))
    monkeypatch.setattr(pipeline, "find_mathematics", found)
    converter = Converter(recogniser=FakeRecogniser("x + 1", 0.9))
    pages = list(converter.pages(tmp_path / "page.png"))
    confidences = [each.confidence for page in pages for each in page.expressions]
    assert len(confidences) == 2
    assert all((each < 0.9) == lowered for each in confidences)
