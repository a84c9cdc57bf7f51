"""Labels near a label: other symbols in one place or throughout, never another structure."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from hmer_cli.expr.validity import problems
from hmer_cli.recognition.beam_search import is_label
from hmer_cli.recognition.near_labels import near_labels, nearest, symbols
from hmer_cli.recognition.units import Units

UNITS = Units(r"x n y + \frac { } ^ 2 \alpha".split())


def test_a_symbol_is_replaced_in_one_place_or_throughout() -> None:
    label = tuple(UNITS.encode("n ^ { 2 } + n".split()))
    choices = np.full((len(label), len(UNITS)), -9.0)
    choices[np.arange(len(label)), label] = -1.0
    choices[[0, -1], UNITS.index("x")] = -2.0
    choices[0, UNITS.index("^ {")] = -0.1
    near = near_labels(label, choices, symbols(UNITS))
    told = {" ".join(UNITS.decode(other)): gain for other, gain in near.items()}
    best = sorted(told, key=lambda other: -told[other])[:3]
    assert set(best) == {"x ^ { 2 } + n", "n ^ { 2 } + x", "x ^ { 2 } + x"}
    assert told["x ^ { 2 } + x"] == 2 * told["x ^ { 2 } + n"] == -2.0
    shapes = {tuple(t if t in "{}^" else "." for t in other.split()) for other in told}
    assert shapes == {(".", "^", "{", ".", "}", ".", ".")}


def test_what_is_hardly_possible_is_not_tried() -> None:
    label = tuple(UNITS.encode("n + n".split()))
    choices = np.full((len(label), len(UNITS)), -20.0)
    choices[np.arange(len(label)), label] = 0.0
    choices[0, UNITS.index("x")] = -7.0
    near = near_labels(label, choices, symbols(UNITS))
    assert [" ".join(UNITS.decode(other)) for other in near] == ["x + n"]


def test_what_is_all_structure_has_nothing_near() -> None:
    label = tuple(UNITS.encode(r"\frac { } { }".split()))
    assert not near_labels(label, np.zeros((len(label), len(UNITS))), symbols(UNITS))


@pytest.mark.parametrize("label", [r"\sum \limits _ { i } x", r"\sqrt [ 3 ] { x }"])
def test_what_is_no_label_is_not_near(label: str) -> None:
    known = Units([*r"\sum \Sigma \limits \sqrt i x 3 ) ( [ ] _ { }".split()])
    written = tuple(known.encode(label.split()))
    choices = np.full((len(written), len(known)), -1.0)
    everything = near_labels(written, choices, symbols(known))
    assert any(problems(" ".join(known.decode(each))) for each in everything)
    valid = partial(is_label, units=known)
    near = nearest(written, choices, symbols(known), lambda labels: np.zeros(len(labels)), valid)
    assert near and not any(problems(" ".join(known.decode(each))) for each in near)
