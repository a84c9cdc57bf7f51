"""What Windows, macOS and their drives do otherwise: emulated here."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from handmade import INKML, FakeRecogniser, cross, encoded

import hmer_cli.api
from hmer_cli import files
from hmer_cli.cli import entry
from hmer_cli.commands.convert import convert
from hmer_cli.commands.render import render_inputs
from hmer_cli.commands.shards import convert_shard, merge
from hmer_cli.data.store import open_store
from hmer_cli.errors import InputError, OutputError, input_error
from hmer_cli.ink.packed_text import member, members, with_slashes
from hmer_cli.models import session
from hmer_cli.page.load.sources import expanded, find_sources
from hmer_cli.page.load.written import labelled

PNG = encoded(cross())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(*names: str, data: bytes = PNG) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(data)


def names(*inputs: str, say: Callable[[str], None] = lambda line: None) -> list[str]:
    return [source.name for source in find_sources(inputs, say)]


HIDDEN = ("$RECYCLE.BIN", "System Volume Information", "lost+found", ".Trashes", "@eaDir")


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of the system may not be looked into."""
    scandir = os.scandir

    def refusing(path: str) -> object:
        if Path(path).name in HIDDEN[1:]:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)


@pytest.mark.usefixtures("locked")
def test_what_a_system_keeps_on_a_drive_is_neither_read_nor_told() -> None:
    put("e/a.png", "e/notes/b.png", "e/notes/@eaDir/b.png/thumb.png", "e/desktop.ini")
    put(*(f"e/{name}/x.png" for name in HIDDEN))
    told: list[str] = []
    assert names("e", say=told.append) == ["e/a.png", "e/notes/b.png"]
    assert names("e/*", say=told.append) == ["e/a.png", "e/notes/b.png"]
    assert told == []
    assert [n for n in open_store("e").names if n.endswith(".png")] == ["a.png", "notes/b.png"]
    assert names("e/$RECYCLE.BIN/*") == ["e/$RECYCLE.BIN/x.png"]  # named


def test_a_junction_is_passed_over_as_a_link_is(monkeypatch: pytest.MonkeyPatch) -> None:
    put("e/a.png", "e/My Music/x.png")
    lstat = os.lstat

    def of_windows(path: str | Path) -> object:
        if Path(path).name == "My Music":
            return SimpleNamespace(st_mode=stat.S_IFDIR, st_reparse_tag=0xA0000003)
        return lstat(path)

    monkeypatch.setattr("hmer_cli.data.store.os.lstat", of_windows)
    told: list[str] = []
    assert names("e", say=told.append) == ["e/a.png"]
    assert told == ["e: 1 linked folder passed over (e/My Music); name what is to be read"]


def no_dll(name: str) -> ImportError:
    said = f"DLL load failed while importing {name}: The specified module could not be found."
    return ImportError(said, name=name)


def test_a_windows_without_the_runtime_of_libraries_hears_what_to_install(
    invoke: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def runtime() -> object:
        raise no_dll("onnxruntime_pybind11_state")

    put("a.png")
    monkeypatch.setattr(session, "_runtime", runtime)
    assert invoke("convert", "a.png", "--no-cache") == 3
    assert "install the Visual C++ Redistributable" in capsys.readouterr().err

    def load(model: str | None, charset: str | None) -> object:
        raise ImportError("a long explanation\n" * 9) from no_dll("cv2")

    monkeypatch.setattr(hmer_cli.api, "LazyRecogniser", load)
    assert invoke("convert", "a.png") == 3
    said = capsys.readouterr().err
    assert said.startswith("hmer: cv2 cannot be loaded (DLL load failed")
    assert "Media Feature Pack" in said
    assert type(input_error("a.png", no_dll("pdf"))) is InputError


def test_an_import_that_hmer_lacks_itself_is_a_bug(
    invoke: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(model: str | None, charset: str | None) -> object:
        raise ImportError("cannot import name 'x' from 'hmer_cli.y'", name="hmer_cli.y")

    monkeypatch.setattr(hmer_cli.api, "LazyRecogniser", load)
    put("a.png")
    assert invoke("convert", "a.png") == 70


def test_patterns_that_a_shell_left_are_the_files_in_the_order_of_their_numbers() -> None:
    put("a.png")
    convert(["a.png"], ["whole.jsonl"], recogniser=FakeRecogniser())
    for part in range(1, 11):
        convert_shard(["a.png"], [f"p-{part}.jsonl"], f"{part}/10", recogniser=FakeRecogniser())
    put(
        "fixes-1.json",
        "fixes-10.json",
        data=b'{"hmer": "corrections", "version": 1, "corrections": []}',
    )
    merge(["all.jsonl"], [Path("p-*.jsonl")], corrections=[Path("fixes-*.json")])
    assert Path("all.jsonl").read_bytes() == Path("whole.jsonl").read_bytes()
    put("ink/2.inkml", "ink/10.inkml", data=INKML.encode())
    assert render_inputs(["ink/*.inkml", ""], "out").drawn == 2
    assert expanded(["fixes-*.json"]) == ["fixes-1.json", "fixes-10.json"]


def test_a_name_that_is_there_is_no_pattern() -> None:
    put("c1.png", "c[1].png")
    assert expanded(["c[1].png", "c[2].png", "c?.png"]) == ["c[1].png", "c[2].png", "c1.png"]


def of_powershell(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.create_system = 0
            archive.writestr(info, b"" if name.endswith("\\") else PNG)
    return buffer.getvalue()


def test_an_archive_of_windows_powershell_has_folders() -> None:
    within = ["notes\\", "notes\\a.png", "notes\\\u00fc.png", "notes\\.b\\c.png", "__MACOSX\\d.png"]
    put("x.zip", data=of_powershell(*within))
    told: list[str] = []
    assert names("x.zip", say=told.append) == ["x.zip/notes/a.png", "x.zip/notes/\u00fc.png"]
    assert told == []
    data = of_powershell("a\\b.rm", ".c\\d.rm")
    assert list(members(data)) == ["a/b.rm"]
    assert PNG.decode("latin-1") == member(data, "a/b.rm", "x").decode("latin-1")


def test_a_backslash_may_be_half_a_letter() -> None:
    """Of Shift JIS, which no flag tells: not a folder, and no name that is hidden."""
    info = zipfile.ZipInfo("x")
    info.create_system, info.filename = 0, b"\x83\x5c.png".decode("cp437")
    assert "/" not in with_slashes(info)
    info.create_system, info.filename = 3, "a\\b.png"
    assert with_slashes(info) == "a\\b.png"


@pytest.mark.parametrize("words", [["--out=~/eqs.tex"], ["-o~/eqs.tex"], ["-o", "~/eqs.tex"]])
def test_a_tilde_that_the_shell_left_is_the_home(
    invoke: Callable[..., int], words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hmer_cli.api, "LazyRecogniser", lambda model, charset: FakeRecogniser())
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    put("home/a.png")
    assert invoke("convert", "~/a.png", "--no-cache", *words) == 0
    assert Path("home/eqs.tex").exists()
    assert not Path("~").exists()
    put("~/a.png")  # a folder of that name is meant
    assert invoke("convert", "~/a.png", "--no-cache", *words) == 0
    assert Path("~/eqs.tex").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["generate", "--latex", "~/2", "--latex=~/2"],
        ["~backup.png", "~", "a/~/b.png", "--set", "own=~/ink", "-"],
    ],
)
def test_a_tilde_in_latex_or_in_a_name_stays(words: list[str]) -> None:
    assert entry._at_home(words) == words


def test_a_path_of_windows_needs_no_command_before_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hmer_cli.cli.entry.os.sep", "\\")
    assert entry._with_command(["notes\\ws1"]) == ["convert", "notes\\ws1"]
    assert entry._with_command(["notes"]) == ["notes"]


@pytest.mark.parametrize(("then", "now"), [("A", "a"), ("\u0438\u0306", "\u0439")])
def test_render_finds_its_image_under_another_spelling_of_the_name(then: str, now: str) -> None:
    put("ink/1.inkml", f"ink/{now}.inkml", data=INKML.encode())
    render_inputs(["ink"], "out")
    os.link(f"out/{now}.png", f"out/{then}.png")  # as one file has both names on macOS
    assert render_inputs(["ink"], "out").drawn == 2
    os.unlink(f"out/{then}.png")
    put(f"out/{then}.png", data=Path("out/1.png").read_bytes())  # another file
    with pytest.raises(OutputError, match="--force"):
        render_inputs(["ink"], "out")


@pytest.mark.parametrize("one", [True, False])
def test_labelled_handwriting_is_replaced_under_a_name_in_another_case(one: bool) -> None:
    put("A.png")
    convert(["A.png"], ["ink/"], recogniser=FakeRecogniser())
    os.rename("A.png", "a.png")
    if one:
        os.link("ink/A-p1-r1.png", "ink/a-p1-r1.png")
    convert(["a.png"], ["ink/"], recogniser=FakeRecogniser())
    assert labelled(Path("ink")) == {"a-p1-r1.png", "caption.txt"}
    assert Path("ink/a-p1-r1.png").exists()
    assert Path("ink/A-p1-r1.png").exists() == one  # which would be the new file


def test_an_output_that_another_program_keeps_is_told_before_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def kept(path: Path, mode: str = "r", *more: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    put("eqs.docx", data=b"")
    monkeypatch.setattr(Path, "open", kept)
    files.check(Path("eqs.docx"))
    monkeypatch.setattr(files, "_LOCKS", True)
    with pytest.raises(OutputError, match="cannot be written"):
        files.check(Path("eqs.docx"))


ROOT = Path(__file__).parent.parent
TOLD = [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("hmer_cli/**/*.py")]


def test_commands_that_are_told_work_in_cmd_too() -> None:
    """It takes single quotes for part of a name, and ``>`` inside them for a redirection."""
    assert [path.name for path in TOLD if "pip install '" in path.read_text("utf-8")] == []
