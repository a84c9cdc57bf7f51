"""Where an output goes a file may be: hmer's own is replaced, whatever else is there stays."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
from handmade import EARLIER, INKML, FakeRecogniser, cross, encoded, paged

from hmer_cli.commands.convert import convert
from hmer_cli.commands.shards import convert_shard, merge
from hmer_cli.document.formats import FORMATS, Output
from hmer_cli.errors import OutputError, UsageError
from hmer_cli.ink.render import Readable
from hmer_cli.recognition.reading import Reading

THESIS = rb"""\documentclass{article}
% Handwritten expressions read by hmer 0.2.0 (hmer-wide-9).
\begin{document}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.png").write_bytes(encoded(cross()))
    Path("b.inkml").write_text(INKML)


def stays(name: str, content: bytes) -> None:
    """The file, which is none of hmer's, is told of before anything is read."""
    Path(name).write_bytes(content)
    reader = FakeRecogniser()
    with pytest.raises(OutputError, match=r"is there, and not hmer's; move it away") as caught:
        convert(["a.png"], [name], recogniser=reader)
    assert caught.value.exit_code == 5
    assert Path(name).read_bytes() == content
    assert reader.batches == []


def every_format() -> list[str]:
    lacks = {".pdf": "pikepdf", ".svg": "ziamath"}
    return [each for each in FORMATS if each not in lacks or find_spec(lacks[each])]


def test_every_output_is_known_again() -> None:
    outs = [f"out/o{ending}" for ending in every_format()]
    read = convert(["a.png"], ["out/first.csv"], recogniser=FakeRecogniser())
    entries = [{"key": record.key, "latex": ""} for record in read]
    content = {"hmer": "corrections", "version": 1, "corrections": entries}
    Path("none.json").write_text(json.dumps(content))
    for inputs, label, given in (
        (["a.png"], "x", ()),
        (["broken.png", "a.png"], "y", ()),  # what failed stands first
        (["a.png"], "y", ("none.json",)),  # nothing is left
        (["a.png"], "x", ()),
    ):
        reader = FakeRecogniser(label)
        convert(inputs, outs, corrections=list(map(Path, given)), recogniser=reader)
    assert "x" in Path("out/o.tex").read_text()
    documents = ["out/d.md", "out/d.tex"]
    for label in "xy":
        convert(["a.png"], documents, document=True, recogniser=FakeRecogniser(label))


@pytest.mark.parametrize(
    "content",
    [
        EARLIER,
        "## `a.png`\n\n`a-p1-r1`: confidence 0.93\n\n$$\nx\n$$\n",
        '{"source": "a \\"1\\".png", "page": 1, "region": [1, 2, 3, 4], "latex": "x"}\n',
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="generator" content="hmer 0.2.0">',
        "",
    ],
)
def test_outputs_of_version_0_2_are_replaced(content: str) -> None:
    Path("o.tex").write_text(content)
    convert(["a.png"], ["o.tex"], recogniser=FakeRecogniser())
    assert "x^2" in Path("o.tex").read_text()


@pytest.mark.parametrize("ending", every_format())
def test_what_the_user_wrote_stays(ending: str) -> None:
    stays(f"o{ending}", b"The user's own.\n")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("thesis.tex", THESIS),
        ("notes.md", b"## `hmer`\n\n`x` is read.\n"),
        ("rows.jsonl", b'{"id": 1, "name": "x", "alias": "y"}\n'),
        ("c.jsonl", b'{"hmer": "corrections", "version": 1, "corrections": []}'),
        ("t.csv", b"id,alias,source\n"),
        ("p.html", b"<!doctype html><html><head><title>hmer</title></head></html>"),
        (
            "i.tex",
            b'<svg xmlns="http://www.w3.org/2000/svg"><g id="icon"><title>I</title></g></svg>',
        ),
        ("scan.md", paged([cross()])),
    ],
    ids=lambda part: part if isinstance(part, str) else "",  # a PDF has the time in it
)
def test_what_looks_like_an_output_stays(name: str, content: bytes) -> None:
    stays(name, content)


@pytest.mark.parametrize("members", [["word/document.xml"], ["page/a.xml", "a.png"], ["a.txt"]])
def test_archives_of_others_stay(members: list[str]) -> None:
    with zipfile.ZipFile("made.zip", "w") as archive:
        for name in ["[Content_Types].xml"] * (members[0][:4] == "word") + members:
            archive.writestr(name, "<w:document><Creator>Transkribus</Creator></w:document>")
    content = Path("made.zip").read_bytes()
    os.unlink("made.zip")
    stays("o.docx", content)
    stays("o.page.zip", content)


class WhileReading(FakeRecogniser):
    """Writes the user's file while it reads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        self.path.write_bytes(b"The user's own.\n")
        return super().read(images)


@pytest.mark.parametrize("ending", every_format())
def test_what_the_user_writes_during_the_run_stays(ending: str) -> None:
    path, beside = Path(f"o{ending}"), Path(f"hmer-o{ending}")
    for _ in range(2):  # what is beside it is hmer's, and replaced
        path.unlink(missing_ok=True)
        with pytest.raises(OutputError, match=f"during the run.*is in {beside.name}") as caught:
            convert(["a.png"], [path.name], recogniser=WhileReading(path))
        assert caught.value.exit_code == 5
        assert path.read_bytes() == b"The user's own.\n"
    path.unlink()
    convert(["a.png"], [path.name], recogniser=FakeRecogniser())
    assert len(path.read_bytes()) == len(beside.read_bytes())
    path.unlink()
    beside.write_bytes(b"And this one.\n")
    with pytest.raises(OutputError, match=f"{path.name}: is there, and not hmer's"):
        convert(["a.png"], [path.name], recogniser=WhileReading(path))
    assert beside.read_bytes() == b"And this one.\n"


def test_a_document_that_a_shell_names_stays() -> None:
    Path("thesis.tex").write_bytes(THESIS)
    with pytest.raises(OutputError, match=r"thesis\.tex: is there, and not hmer's"):
        convert(["a.png", "thesis.tex"], ["thesis.tex"], recogniser=FakeRecogniser())
    assert Path("thesis.tex").read_bytes() == THESIS


def shard(*inputs: str) -> Path:
    convert_shard(inputs, ["part.jsonl"], "1/1", pictures=True, recogniser=FakeRecogniser())
    return Path("part.jsonl")


def test_merge_leaves_what_is_not_hmers() -> None:
    Path("notes.pdf").write_bytes(before := paged([cross()]))
    Path("notes.md").write_text("# Notes\n")
    part = shard("notes.pdf")
    for name in ["notes.md"] + ["notes.pdf"] * bool(find_spec("pikepdf")):
        with pytest.raises(OutputError, match="not hmer's"):
            merge([name], [part])
    assert Path("notes.md").read_text() == "# Notes\n"
    assert Path("notes.pdf").read_bytes() == before
    assert merge(["new.md"], [part]) and merge(["new.md"], [part])
    assert shard("notes.pdf") == part  # read again


def test_merge_leaves_what_was_read() -> None:
    convert(["a.png"], ["o.page.zip"], recogniser=FakeRecogniser())
    part = shard("o.page.zip")
    with pytest.raises(UsageError, match=r"o\.page\.zip: was read into these shards"):
        merge(["o.page.zip"], [part])
    assert Output.parse("o.page.zip").check() is None


def test_a_drive_that_knows_no_modes_takes_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")  # as vfat and CIFS answer

    monkeypatch.setattr(os, "chmod", refuse)
    for _ in range(2):
        convert(["a.png"], ["o.tex", "ink/"], recogniser=FakeRecogniser())
    assert Path("o.tex").exists() and Path("ink/a-p1-r1.png").exists()
    assert not [name for name in os.listdir(".") if name.startswith(".hmer-")]
