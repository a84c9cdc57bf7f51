"""Damaged and hostile InkML: repaired where that is safe, else refused by name and reason."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_ink_inkml import read

from hmer_cli.errors import InputError
from hmer_cli.ink.inkml import read_inkml


@pytest.mark.parametrize(
    ("raw", "truth"),
    [
        (b"x < y & z", "x < y & z"),
        (b"x &lt; y &amp; z", "x < y & z"),
        (b"&alpha;&nbsp;&times;&unheardof; y", "α\xa0× y"),
        ("α".encode(), "α"),
        (b"a \xb7 b", "a · b"),
        (b"<![CDATA[x < y & z]]>", "x < y & z"),
        (b"<![CDATA[&alpha;]]>&alpha; < <!-- < & &beta; -->y", "&alpha;α < y"),
        (b"a & <![CDATA[b]]> & <![CDATA[<!-- &]]> & c", "a & b & <!-- & & c"),
    ],
)
def test_xml_that_a_strict_parser_refuses_is_repaired(raw: bytes, truth: str) -> None:
    start, end = b'<ink><annotation type="truth">', b"</annotation><trace>1 2</trace></ink>"
    assert read_inkml(start + raw + end, "test").truth == truth


def test_a_label_in_cdata_is_as_it_is_written() -> None:
    latex = r"$\begin{matrix} a & b \end{matrix}$"
    for truth in (f"<![CDATA[{latex}]]>", latex, latex.replace("&", "&amp;")):
        ink = f'<ink><annotation type="truth">{truth}</annotation><trace>1 2</trace></ink>'
        assert read(ink).truth == latex
        assert read(ink).label == r"\begin{matrix} a & b \end{matrix}"


def test_comments_and_cdata_without_end_take_no_time() -> None:
    for opened in ("<!--", "<![CDATA["):
        ink = f"<ink><trace>1 2</trace>{opened * 300_000}"
        assert read(ink).strokes[0].tolist() == [[1, 2]]


def test_bad_ids_foreign_prefixes_and_a_missing_end_do_no_harm() -> None:
    ink = '<ink><trace xml:id="1:(" emma:x="1">1 2</trace><trace xml:id="1:(">3 4, 5 6</trace>'
    assert [stroke.tolist() for stroke in read(ink).strokes] == [[[1, 2]], [[3, 4], [5, 6]]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_file_that_was_cut_off_is_read_with_a_doubt(encoding: str) -> None:
    whole = "<ink><trace>1 2, 3 4</trace><trace>5 6, 7 8</trace></ink>"
    assert not read_inkml(whole.encode(encoding), "test").left_out
    for end in ("</trace></ink>", "</ink>", "ink>"):
        cut = read_inkml(whole.removesuffix(end).encode(encoding), "test")
        assert len(cut.strokes) == 2
        assert [each.what for each in cut.left_out] == ["the rest of a file that was cut off"]


def test_utf16_and_byte_order_marks() -> None:
    document = '<?xml version="1.0" encoding="{}"?><ink><trace>1 2</trace></ink>'
    for encoding in ("utf-16", "utf-8-sig", "iso-8859-15"):
        data = document.format(encoding.removesuffix("-sig")).encode(encoding)
        assert read_inkml(data, "test").strokes[0].tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "bad.inkml: the file is empty"),
        (b" \n", "bad.inkml: the file is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "bad.inkml: not InkML"),
        (b"no ink in sight", "bad.inkml: not InkML"),
        (b"<html><p>ink</p></html>", "bad.inkml: not InkML"),
        (b"<ink:/>", "bad.inkml: not InkML"),
        (b"<ink/>", "bad.inkml: no ink in it"),
        (b"<ink><traceFormat/><annotation>x", "bad.inkml: cut off before its first trace"),
        (b"<ink><trace> </trace></ink>", "bad.inkml: no ink in it"),
        (b"<ink><trace id='t7'>1 2, NaN 4</trace></ink>", "trace t7, point 2: 'NaN 4'"),
        (b"<ink><trace>1 2</trace><trace>1 inf</trace></ink>", "trace 2, point 1: '1 inf'"),
        (b"<ink><trace>1 1e39</trace></ink>", "trace 1 has a coordinate beyond"),
        (b"<ink><trace>1, 2</trace></ink>", "trace 1 has points without both X and Y"),
    ],
)
def test_bad_files_are_refused_by_name_and_reason(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_inkml(data, "bad.inkml")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def bomb(use: str) -> bytes:
    levels = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
    return f'<!DOCTYPE ink [<!ENTITY e0 "1 2,">{levels}]><ink>{use}</ink>'.encode()


@pytest.mark.parametrize(
    "use", ["<trace>&e11;</trace>", '<trace id="&e11;">1 2</trace>', "<trace>1 2</trace>"]
)
def test_xml_bomb_is_refused(use: str) -> None:
    with pytest.raises(InputError, match="entities"):
        read_inkml(bomb(use), "bomb")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_external_entity_is_refused_and_never_read(tmp_path: Path, encoding: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("7 7")
    document = (
        f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE ink [<!ENTITY x SYSTEM '
        f'"{secret.as_uri()}">]><ink><trace>1 2, &x;</trace></ink>'
    )
    with pytest.raises(InputError, match="entities"):
        read_inkml(document.encode(encoding), "external")


def test_doctype_without_entities_is_harmless() -> None:
    ink = read('<!DOCTYPE ink SYSTEM "http://localhost:1/ink.dtd"><ink><trace>1 2</trace></ink>')
    assert ink.strokes[0].tolist() == [[1, 2]]
