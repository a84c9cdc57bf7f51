"""What a file of ink shows beside its strokes is said, and makes what stands near it doubtful."""

from __future__ import annotations

from pathlib import Path

import pytest
from handmade import FakeRecogniser, open_pages

from hmer_cli.api import Converter
from hmer_cli.commands.convert import convert
from hmer_cli.document.left_out import doubts_beside, said_of
from hmer_cli.ink.ink import Ink, LeftOut
from hmer_cli.ink.notes import kind_of
from hmer_cli.page.regions import find_regions

LINES = "<path fill='none' stroke='#000' d='M20 20V90M40 20C90 20 90 90 40 90'/>"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def drawing(content: str) -> Path:
    path = Path("x.svg")
    path.write_text(f"<svg xmlns='http://www.w3.org/2000/svg'>{LINES}{content}</svg>")
    return path


@pytest.mark.parametrize(("x", "status"), [(90, "low"), (900, "ok")])
def test_text_is_said_and_a_doubt_where_it_is_near(
    x: int, status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = drawing(f"<text x='{x}' y='50'>+ 1</text>")
    (record,) = convert([str(path)], ["o.jsonl"], recogniser=FakeRecogniser())
    assert record.status == status
    assert record.error == ("not read with it: text" if status == "low" else None)
    assert "x.svg: page 1: not read: text" in capsys.readouterr().err
    expression = Converter(recogniser=FakeRecogniser()).read(path)
    assert expression.status == status


def test_a_frame_is_said_and_no_doubt(capsys: pytest.CaptureFixture[str]) -> None:
    path = drawing("<rect width='99' height='99' fill='none' stroke='red'/>")
    (record,) = convert([str(path)], ["o.jsonl"], recogniser=FakeRecogniser())
    assert (record.status, record.error) == ("ok", None)
    assert "frame" in capsys.readouterr().err


def test_other_doubts_come_first_and_kinds_are_counted() -> None:
    kind = kind_of(drawing("").read_bytes())
    assert kind is not None
    (page,) = open_pages("x.svg")
    regions = find_regions(page)
    out = (LeftOut("text"), LeftOut("image", (90, 20, 99, 40)), LeftOut("text", (9, 9, 20, 20)))
    ink = Ink((), left_out=out)
    assert doubts_beside(regions, [""], ink) == ("not read with it: text (2), image",)
    assert doubts_beside(regions, ["words"], ink) == ("words",)
    assert doubts_beside(regions, [""], None) == ("",)
    assert said_of(ink).endswith("text (2), image")
