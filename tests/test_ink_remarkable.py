"""Ink that was put into the files of reMarkable tablets comes out as it went in."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from handmade import open_pages
from inkfiles import INK, assert_same, moved, read, remarkable, zipped

from hmer_cli.errors import InputError
from hmer_cli.ink.ink import Ink
from hmer_cli.ink.remarkable import _painted as painted_on
from hmer_cli.page.load.pages import PageRange


def test_a_page_of_a_tablet_is_read() -> None:
    pytest.importorskip("rmscene")
    (found,) = read(remarkable(INK))
    assert_same(found)
    book = zipped({"n.content": json.dumps({"pages": ["b", "a"]}).encode(),
                   "n/a.rm": remarkable(INK), "n/b.rm": remarkable(moved(INK, 0, 0))})  # fmt: skip
    first, second = read(book)
    assert_same(first, moved(INK, 0, 0))
    assert_same(second)


def test_pages_of_a_tablet_without_ink_count(tmp_path: Path) -> None:
    pytest.importorskip("rmscene")
    pages = [{"id": "a"}, {"id": "gone", "deleted": {"value": 1}}, {"id": "b"}, {"id": "c"}]
    book = zipped({"n.content": json.dumps({"cPages": {"pages": pages}}).encode(),
                   "n/c.rm": remarkable(INK)})  # fmt: skip
    assert [len(ink.strokes) for ink in read(book)] == [0, 0, len(INK.strokes)]
    (tmp_path / "x.rmdoc").write_bytes(book)
    (page,) = open_pages(tmp_path / "x.rmdoc", PageRange.parse("3"))
    assert page.number == 3


def test_pages_that_were_deleted_on_a_tablet_are_gone_though_their_files_are_there() -> None:
    pytest.importorskip("rmscene")
    pages = [{"id": "a"}, {"id": "gone", "deleted": {"value": 1}}]
    book = {"n.content": json.dumps({"cPages": {"pages": pages}}).encode(),
            "n/a.rm": remarkable(INK), "n/gone.rm": remarkable(moved(INK, 9, 9))}  # fmt: skip
    (found,) = read(zipped(book))
    assert_same(found)
    first, more = read(zipped({**book, "n/new.rm": remarkable(moved(INK, 7, 7))}))
    assert_same(first)
    assert_same(more, moved(INK, 7, 7))


def test_a_notebook_that_macos_zipped_again_is_read() -> None:
    pytest.importorskip("rmscene")
    fork = b"\0\5\x16\7\0\2\0\0Mac OS X        "
    book = {"__MACOSX/._n.content": fork, "n.content": json.dumps({"pages": ["a"]}).encode(),
            "n/a.rm": remarkable(INK), "__MACOSX/n/._a.rm": fork, "n/._b.rm": fork}  # fmt: skip
    (found,) = read(zipped(book))
    assert_same(found)


def test_two_notebooks_of_one_archive_are_read_each_in_its_order() -> None:
    pytest.importorskip("rmscene")
    inks = {name: moved(INK, 10 * n, 0) for n, name in enumerate(("m/a", "m/b", "n/a", "n/c"))}
    book = {"n.content": json.dumps({"pages": ["c", "blank", "a"]}).encode(),
            "m.content": json.dumps({"pages": ["b", "a"]}).encode(),
            **{f"{name}.rm": remarkable(ink) for name, ink in inks.items()}}  # fmt: skip
    found = read(zipped(book))
    assert not found[1].strokes
    for ink, name in zip(found[:1] + found[2:], ("n/c", "n/a", "m/b", "m/a"), strict=True):
        assert_same(ink, inks[name])


def test_typed_text_white_and_hidden_layers_of_a_tablet_are_no_strokes() -> None:
    pytest.importorskip("rmscene")
    (found,) = read(remarkable(INK, "words"))
    assert_same(found)
    assert [each.what for each in found.left_out] == ["typed text"]
    across = np.array([[60, 80], [300, 80]], np.float32)
    (found,) = read(remarkable(Ink((*INK.strokes, across)), white=1))
    assert found.left_out == ()
    gone = np.concatenate(found.strokes)
    assert np.abs(gone[(gone[:, 0] > 60) & (gone[:, 0] < 300), 1] - 80).min() > 0.9
    (found,) = read(remarkable(INK, hidden=True))
    assert (found.strokes, found.left_out) == ((), ())


def test_lines_beside_typed_text_of_a_tablet_stand_at_its_paragraphs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def group(*children: object, anchor: int | None = None, x: float = 0.0) -> SimpleNamespace:
        tied = None if anchor is None else SimpleNamespace(value=anchor)
        return SimpleNamespace(
            children=dict(enumerate(children)), visible=SimpleNamespace(value=True),
            anchor_id=tied, anchor_origin_x=tied and SimpleNamespace(value=x),
        )  # fmt: skip

    def paragraph(first: int, style: str) -> SimpleNamespace:
        part = SimpleNamespace(i=[first + 1, first + 2])
        return SimpleNamespace(start_id=first, contents=[part], style=named(style))

    def named(name: str) -> SimpleNamespace:
        return SimpleNamespace(value=SimpleNamespace(name=name), name=name)

    points = [SimpleNamespace(x=1.0, y=2.0), SimpleNamespace(x=5.0, y=2.0)]
    line = SimpleNamespace(tool=named("FINELINER_2"), color=named("BLACK"), points=points)
    ties = [(None, 0.0), (1, 10.0), (5, -10.0), (7, 0.0), (99, 0.0)]
    tied = [group(line, anchor=anchor, x=x) for anchor, x in ties]
    text = SimpleNamespace(pos_y=234.0, styles=[paragraph(0, "HEADING"), paragraph(3, "PLAIN"),
                                                paragraph(6, "PLAIN")])  # fmt: skip
    reader = SimpleNamespace(from_scene_item=lambda of: SimpleNamespace(contents=of.styles))
    monkeypatch.setitem(sys.modules, "rmscene", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "rmscene.text", SimpleNamespace(TextDocument=reader))
    tree = SimpleNamespace(root=group(group(*tied)), root_text=text)
    places = [item.points[0].tolist() for item in painted_on(tree, "x.rm")]
    assert places == [[1, 2], [11, 148], [-9, 298], [1, 368], [1, 2]]


@pytest.mark.parametrize("content", [b"[" * 100_000, b"[", b"[1]", b'{"pages": 1}'])
def test_a_notebook_with_a_damaged_list_of_pages_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match=r"n\.content is damaged"):
        read(zipped({"n.content": content, "n/a.rm": b""}))


def test_a_page_of_a_tablet_that_is_cut_off_is_refused() -> None:
    pytest.importorskip("rmscene")
    data, refused = remarkable(INK), 0
    ends = range(45, len(data), len(data) // 40)
    for end in ends:
        try:
            (found,) = read(data[:end])
        except InputError as error:
            assert "damaged or cut off" in str(error)
            refused += 1
        else:  # between two blocks: nothing in the format says that more should come
            assert_same(found, Ink(INK.strokes[: len(found.strokes)]))
    assert refused > 0.8 * len(ends)
