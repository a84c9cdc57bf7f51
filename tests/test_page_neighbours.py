"""Neighbours by blocks of lines: the same as a table of all pairs gives, without the table."""

from __future__ import annotations

import numpy as np
import pytest
from handmade import FakeRecogniser
from hypothesis import given, settings
from hypothesis import strategies as st

from hmer_cli.commands.convert import convert
from hmer_cli.document.find_mathematics import find_mathematics
from hmer_cli.geometry import bounds
from hmer_cli.page import regions
from hmer_cli.page.detect import search
from hmer_cli.page.detect.candidates import Line, _groups, _NearPairs
from hmer_cli.page.detect.component_graph import NEIGHBOURS, Links, Predictions, nearest
from hmer_cli.page.detect.components import InkComponents
from hmer_cli.page.detect.integral import Floats
from hmer_cli.page.detect.neighbours import connected, gaps, related
from hmer_cli.page.detect.network_features import gap_scores, network_features
from hmer_cli.page.detect.search import in_bands
from hmer_cli.page.ink_box import has_ink, ink_box
from hmer_cli.page.load.pages import Page
from hmer_cli.page.regions import find_regions


def page(seed: int, count: int) -> Floats:
    """Boxes of many sizes on a tall page, some as tall or as wide as it."""
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, [40, 400], (count, 2)).astype(np.float32)
    size = rng.integers(1, 4, (count, 2)).astype(np.float32)
    size[rng.random(count) < 0.01] = (40, 1)
    size[rng.random(count) < 0.005] = (1, 300)
    return np.concatenate([corners, corners + size], 1)


def by_table(boxes: Floats) -> np.ndarray:
    """The definition of the nearest parts."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    white = np.maximum(np.stack(gaps(boxes, boxes), -1), 0)
    apart = np.abs(middle[:, None] - middle[None]) / 10 + white
    distance = apart[..., 0] * 0.5 + apart[..., 1]
    np.fill_diagonal(distance, -1)
    return np.argsort(distance, 1, kind="stable")[:, :NEIGHBOURS]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 5, 17, 300, 900]))
def test_the_nearest_are_those_of_the_whole_table(seed: int, count: int) -> None:
    boxes = page(seed, count)
    found, known = nearest(boxes), by_table(boxes)
    assert (found[:, : known.shape[1]] == known).all()
    assert (found[:, known.shape[1] :] == np.arange(count)[:, None]).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 5, 300, 900]))
def test_the_related_are_joined_as_in_the_whole_table(seed: int, count: int) -> None:
    boxes = page(seed, count)

    def touch(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        across, down = gaps(boxes[rows], boxes[columns])
        return (across < 1) & (down < 1)

    table = touch(np.arange(count), np.arange(count))
    rows, columns = related(boxes, touch, 1.0)
    assert sorted(zip(rows, columns, strict=True)) == sorted(zip(*np.nonzero(table), strict=True))
    sets = connected(count, rows, columns)
    assert sorted(np.concatenate(sets).tolist()) == list(range(count))
    owner = np.empty(count, int)
    for number, each in enumerate(sets):
        assert (np.diff(each) > 0).all()
        owner[each] = number
    assert (owner[rows] == owner[columns]).all()
    for each in sets:  # each can be walked from its first part
        seen = {int(each[0])}
        frontier = list(seen)
        while frontier:
            more = set(np.flatnonzero(table[frontier].any(0)).tolist()) - seen
            seen |= more
            frontier = list(more)
        assert seen == set(each.tolist())


def as_tables(links: Links) -> tuple[Floats, Floats]:
    """The values of all pairs, and 1 for each pair there is, (N, N) each."""
    same, known = np.zeros((2, links.count, links.count), np.float32)
    same[links.rows, links.columns] = links.same
    known[links.rows, links.columns] = 1
    return same, known


@given(st.integers(0, 10**6), st.integers(2, 40))
def test_links_are_the_mean_of_what_two_say(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    width = min(4, count)
    neighbours = np.stack([rng.permutation(count)[:width] for _ in range(count)])
    neighbours[:, 0] = np.arange(count)
    same = rng.random((count, width)).astype(np.float32)
    links = Links.of(neighbours, same)
    said: dict[tuple[int, int], list[float]] = {}
    for own, (others, values) in enumerate(zip(neighbours, same, strict=True)):
        for other, value in zip(others, values, strict=True):
            if own != other:
                said.setdefault((own, int(other)), []).append(float(value))
                said.setdefault((int(other), own), []).append(float(value))
    linked, known = as_tables(links)
    assert {(int(i), int(j)) for i, j in zip(*np.nonzero(known), strict=True)} == set(said)
    for (own, other), values in said.items():
        assert linked[own, other] == pytest.approx(np.mean(values))
    some = rng.permutation(count)[: count // 2 + 1]
    which, pairs = links.pairs_of(some)
    for place, own in enumerate(some):
        beside = links.columns[pairs[which == place]]
        assert beside.tolist() == np.flatnonzero(known[own]).tolist()
    chosen = np.isin(np.arange(count), some)
    fewer, _ = as_tables(links.among(chosen))
    assert (fewer == np.where(chosen[:, None] & chosen, linked, 0)).all()


def some_links(rng: np.random.Generator, count: int) -> Links:
    neighbours = rng.integers(0, count, (count, 6))
    return Links.of(neighbours, rng.random((count, 6)).astype(np.float32))


@given(st.integers(0, 10**6), st.integers(2, 30))
def test_a_gap_is_scored_by_all_links_over_it(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    links = some_links(rng, count + 3)
    owner = np.sort(rng.integers(0, rng.integers(2, count + 1), count))
    parts = rng.permutation(count + 3)[:count]
    groups = [np.sort(parts[owner == own]) for own in np.unique(owner)]
    line = Line(np.zeros((len(groups), 4), np.float32), tuple(groups))
    ones = np.ones(count + 3, np.float32)
    found = gap_scores(line, Predictions(ones, np.zeros((count + 3, 4), np.float32), links))
    same, known = as_tables(links)
    for gap in range(len(groups) - 1):
        sides = (
            (groups[gap], groups[gap + 1]),
            (np.concatenate(groups[: gap + 1]), np.concatenate(groups[gap + 1 :])),
        )
        for score, (left, right) in zip(found[gap], sides, strict=True):
            total = same[np.ix_(left, right)].sum()
            among = known[np.ix_(left, right)].sum()
            assert score == pytest.approx(1 - total / max(among, 0.01), abs=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([3, 40, 400]))
def test_a_box_is_described_alike_alone_and_among_others(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    boxes, candidates = page(seed, count), page(seed + 1, 300)
    candidates[:, 2:] += rng.integers(0, 9, (300, 2))
    maths, expected = rng.random(count).astype(np.float32), page(seed + 2, count)
    seen = Predictions(maths, expected, some_links(rng, count))
    parts = InkComponents(boxes, maths, 1.0, boxes, np.zeros((1, 1), np.uint8))
    found = network_features(seen, parts, candidates, 0.5)
    same, known = as_tables(seen.links)
    middle = boxes.reshape(-1, 2, 2).mean(1)
    for place in rng.integers(0, 300, 5):
        box = candidates[place]
        alone = network_features(seen, parts, box[None], 0.5)[0]
        deviation = slice(14, 18)  # the root of a difference of large numbers
        assert np.delete(alone, deviation) == pytest.approx(
            np.delete(found[place], deviation), abs=1e-3
        )
        held = ((middle >= box[:2]) & (middle <= box[2:])).all(1) & (maths > 0.03)
        inside, pairs = same[np.ix_(held, held)].sum(), known[np.ix_(held, held)].sum()
        assert alone[18] == pytest.approx(inside / max(pairs, 0.01), abs=1e-4)
        others = same[np.ix_(held, ~held & (maths > 0.03))].sum()
        assert alone[21] == pytest.approx(others, abs=1e-3)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 5, 300]), st.sampled_from([0.3, 1.0]))
def test_symbol_groups_are_those_of_the_whole_table(seed: int, count: int, above: float) -> None:
    boxes = page(seed, count)
    chosen = np.random.default_rng(seed).random(count) < 0.7
    groups, hulls = _groups(boxes, _NearPairs.of(boxes), chosen, above)
    some = np.flatnonzero(chosen)
    across, down = gaps(boxes[some], boxes[some])
    size = boxes[some, 2:] - boxes[some, :2]
    narrower, lower = (np.minimum.outer(side, side) for side in size.T)
    flat = (size[:, 0] > 1.8 * size[:, 1]) & (size[:, 0] > 0.4) & (size[:, 1] < 0.9)
    stacked = -across > narrower / 2
    relation = flat & ~(stacked & (down < 0.6) & ~flat[None]).any(1)
    joined = (stacked & (down < above)) | ((across < 0.3) & (-down > lower / 2))
    joined &= relation[:, None] == relation[None]
    known = connected(len(some), *np.nonzero(joined))
    assert [group.tolist() for group in groups] == [some[each].tolist() for each in known]
    for group, hull in zip(groups, hulls, strict=True):
        assert hull.tolist() == bounds(boxes[group]).tolist()


@given(st.integers(0, 10**6), st.integers(0, 4), st.integers(0, 60))
def test_there_is_ink_wherever_it_is(seed: int, dots: int, size: int) -> None:
    rng = np.random.default_rng(seed)
    image = np.full((900, 700), 255, np.uint8)
    image[rng.integers(0, 900, dots), rng.integers(0, 700, dots)] = 0
    x, y = rng.integers(0, 600, 2)
    image[y : y + size, x : x + 2] = 0
    assert has_ink(image) == (ink_box(image) is not None)


def test_runs_of_a_line_are_all_that_are_short_enough() -> None:
    boxes = page(1, 60)
    line = Line(boxes, tuple(np.array([i]) for i in range(60)))
    first, last, hulls = line.runs()
    pairs = [(i, j) for i in range(60) for j in range(i, min(i + 20, 60))]
    assert list(zip(first.tolist(), last.tolist(), strict=True)) == pairs
    for (i, j), hull in zip(pairs, hulls, strict=True):
        some = boxes[i : j + 1]
        assert hull.tolist() == [*some[:, :2].min(0).tolist(), *some[:, 2:].max(0).tolist()]


def test_page_of_too_many_pieces_is_told_and_stops_no_other(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cv2

    monkeypatch.chdir(str(tmp_path))
    image = np.full((800, 800), 255, np.uint8)
    for y in range(20, 780, 40):
        for x in range(20, 780, 40):
            image[y : y + 20, x : x + 20] = 0
    cv2.imwrite("full.png", image)
    cv2.imwrite("one.png", image[:70, :70])
    monkeypatch.setattr(search, "MOST_PARTS", 100)
    records = convert(["full.png", "one.png"], ["o.jsonl"], recogniser=FakeRecogniser())
    assert [record.status for record in records] == ["failed", "ok"]
    assert "full.png: page 1: not searched" in str(records[0].error)
    assert "crop it" in str(records[0].error)


def test_many_pieces_of_ink_are_no_single_expression(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.full((400, 400), 255, np.uint8)
    for y in range(20, 380, 40):
        for x in range(20, 380, 40):
            image[y : y + 20, x : x + 20] = 0
    found = find_regions(Page("a", 1, image))
    assert len(found) == 1
    monkeypatch.setattr(regions, "_MOST_SIGNS", 80)
    assert find_regions(Page("a", 1, image)) == []


def test_print_is_not_turned(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.full((400, 400), 255, np.uint8)
    image[20:60:8, 20:380:12] = 0
    sheet = Page("a", 1, np.kron(image, np.ones((4, 4), np.uint8)).astype(np.uint8))
    assert not find_mathematics(sheet, "auto").upright
    monkeypatch.setattr(regions, "HANDWRITTEN", 20)
    assert find_mathematics(sheet, "auto").upright


def parts_of(boxes: Floats) -> InkComponents:
    """Parts with these boxes, and features that tell them from each other."""
    ink = np.zeros((int(boxes[:, 3].max()) + 5, int(boxes[:, 2].max()) + 5), np.uint8)
    names = np.arange(len(boxes), dtype=np.float32)
    return InkComponents(boxes, names, 2.0, names[:, None], ink)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 300, 900]), st.sampled_from([40, 100, 1000]))
def test_each_part_is_in_one_band(seed: int, count: int, most: int) -> None:
    parts = parts_of(page(seed, count))
    bands = in_bands(parts, most)
    assert sum(len(band.ink) for _, band in bands) == len(parts.ink)
    assert sorted(name for _, band in bands for name in band.mass) == list(range(count))
    for top, band in bands:
        height = len(band.ink)
        assert (band.boxes[:, 1] < band.boxes[:, 3]).all()
        assert band.boxes[:, 1::2].min(initial=0) >= 0
        assert band.boxes[:, 1::2].max(initial=0) <= height
        there = parts.boxes[band.mass.astype(int)]
        assert (band.boxes[:, 1] + top >= there[:, 1]).all()
        assert (band.boxes[:, ::2] == there[:, ::2]).all()


def test_bands_end_between_rows() -> None:
    corners = np.array([(x, y) for y in range(0, 400, 20) for x in range(0, 400, 20)], np.float32)
    tops = [top for top, _ in in_bands(parts_of(np.concatenate([corners, corners + 8], 1)), 100)]
    assert tops[0] == 0
    assert len(tops) == 4
    assert all(top % 20 >= 8 for top in tops[1:])
