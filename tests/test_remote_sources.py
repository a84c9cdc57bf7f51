"""Addresses lead to their files, whatever signs are in the names, and in another process, too."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest
from handmade import INKML, cross, encoded

from hmer_cli.commands import remote_sources as module
from hmer_cli.commands.remote_sources import remote_sources, without_password
from hmer_cli.errors import InputError
from hmer_cli.files import signed
from hmer_cli.page.load.sources import Source, find_sources

fs = pytest.importorskip("pyarrow.fs", reason="Apache Arrow is not installed")

NAMES = [
    "100%.png",
    "a b.png",
    "a#1.png",
    "a%20b.png",
    "a.png",
    "a?1.png",
    "übung.pdf",
    "x/ü #.png",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files whose bytes are their names, and others that are not to be read."""
    for name in [*NAMES, "a", ".hidden.png", ".trash/b.png", "__MACOSX/c.png", "notes.txt"]:
        path = tmp_path / "my notes.d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "my notes.d"


def elsewhere(source: Source) -> bytes:
    """What another process reads."""
    again: Source = pickle.loads(pickle.dumps(source))
    return again.read()


@pytest.mark.parametrize("blank", [" ", "%20"])
def test_every_file_of_a_folder_is_read_whatever_its_name(folder: Path, blank: str) -> None:
    sources = remote_sources(f"file://{folder}".replace(" ", blank))
    read = {source.name: elsewhere(source).decode() for source in sources}
    assert read == {f"file://{folder}/{name}": name for name in NAMES}
    assert len({source.key for source in sources}) == len(NAMES)


@pytest.mark.parametrize(
    ("written", "name"),
    [("a b.png", "a b.png"), ("übung.pdf", "übung.pdf"), ("a%231.png", "a#1.png"),
     ("a%3F1.png", "a?1.png"), ("a%2520b.png", "a%20b.png"), ("%C3%BCbung.pdf", "übung.pdf"),
     ("notes.txt", "notes.txt")],
)  # fmt: skip
def test_one_file_is_named_by_its_address(folder: Path, written: str, name: str) -> None:
    (source,) = remote_sources(f"file://{folder}/{written}")
    assert elsewhere(source).decode() == name


def test_a_folder_there_is_read_as_a_local_one_and_what_is_left_out_is_said(
    tmp_path: Path,
) -> None:
    plain, ink, role = encoded(cross()), INKML.encode(), ("drawing", "overlay")
    drawing, overlay = (signed(plain, each) for each in role)
    files = {
        "a.png": plain, "b": plain, "c.xml": ink, "d-p1.png": plain, "e.one": b"1",
        "x-drawings/own.png": plain, "x-drawings/hmer.png": drawing, "seen/a-p1.png": overlay,
        "ink/a-p1-r1.png": plain, "ink/mine.png": plain, "ink/caption.txt": b"",
        "ink/hmer-files.json": b'{"files": ["a-p1-r1.png", "caption.txt"]}',
        "eqs.tex": b"x", "f.xml": b"<rss/>", "g": b"1", "more.zip": b"PK", "h.svg": b"<svg/>",
    }  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    said: list[str] = []
    sources = remote_sources(f"file://{tmp_path}", said.append)
    read = ["a.png", "b", "c.xml", "d-p1.png", "e.one", "ink/mine.png", "x-drawings/own.png"]
    assert [source.name for source in sources] == [f"file://{tmp_path}/{name}" for name in read]
    (tmp_path / "more.zip").unlink()  # opened in a local folder
    assert [source.name for source in find_sources([str(tmp_path)])] == [
        f"{tmp_path}/{name}" for name in read
    ]
    labelled, left_out = said
    assert labelled.startswith(f"file://{tmp_path}/ink: labelled handwriting of hmer, passed over")
    assert left_out.startswith(
        f"file://{tmp_path}: 4 files passed over (1 .svg, 1 .xml, 1 .zip, 1 without ending); "
    )
    assert left_out.endswith("named by its address; .zip are not opened there: unpack them")


@pytest.mark.parametrize("written", ["a#1.png", "a?1.png"])
def test_signs_that_end_the_path_of_an_address_lead_to_no_other_file(
    folder: Path, written: str
) -> None:
    with pytest.raises(InputError, match="%23 or %3F"):
        remote_sources(f"file://{folder}/{written}")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The addresses that were opened, all of them as a bucket ``b`` with ``notes/a b.png``."""
    (tmp_path / "b" / "notes").mkdir(parents=True)
    (tmp_path / "b" / "notes" / "a b.png").write_text("ink")
    seen: list[str] = []

    def from_uri(address: str) -> tuple[object, str]:
        seen.append(address)
        if address.startswith("hdfs"):  # its paths begin with a slash, without the host
            return fs.LocalFileSystem(), f"{tmp_path}/b/notes"
        return fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()), "b/notes"

    arrow = SimpleNamespace(**{**vars(fs), "FileSystem": SimpleNamespace(from_uri=from_uri)})
    monkeypatch.setattr(module, "_file_systems", lambda: arrow)
    return seen


@pytest.mark.parametrize(
    ("address", "name"),
    [("s3://b/notes?endpoint_override=localhost:9&scheme=http", "s3://b/notes/a b.png"),
     ("s3://key:secret@b/notes", "s3://b/notes/a b.png"),
     ("hdfs://user@host:8020/b/notes", "hdfs://host:8020{}/b/notes/a b.png")],
)  # fmt: skip
def test_workers_open_the_address_with_its_host_parameters_and_credentials(
    opened: list[str], tmp_path: Path, address: str, name: str
) -> None:
    (source,) = remote_sources(address)
    assert source.name == name.format(tmp_path)
    assert elsewhere(source) == b"ink"
    assert opened == [address, address]


@pytest.mark.usefixtures("opened")
def test_one_path_on_two_hosts_is_two_files() -> None:
    addresses = ["s3://b/notes", "s3://b/notes?endpoint_override=localhost:9", "hdfs://a:1/b/notes",
                 "hdfs://b:1/b/notes"]  # fmt: skip
    assert len({source.key for each in addresses for source in remote_sources(each)}) == 4


def test_a_password_is_not_shown() -> None:
    assert without_password("s3://key:secret@b/a@c") == "s3://b/a@c"
    assert without_password("abfs://box@name.dfs.core.windows.net/a:b@c") == (
        "abfs://box@name.dfs.core.windows.net/a:b@c"
    )
    with pytest.raises(InputError) as refusal:
        remote_sources("nothing://key:secret@b/a")
    assert "secret" not in str(refusal.value)
