"""The registry of weights: finding them by name, checking them, keeping downloaded ones."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from hmer_cli.errors import MissingError, OutputError, UsageError
from hmer_cli.models import registry
from hmer_cli.models.registry import Entry

HERE = b"the shipped ones"
SHA = "ab" * 32


def entry(file: str, content: bytes, **rest: object) -> dict[str, object]:
    sha256 = hashlib.sha256(content).hexdigest()
    return {"file": file, "sha256": sha256, "size": len(content), **rest}


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of shipped weights, one of which is not in it, and an empty cache beside it."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    (folder / "here.onnx").write_bytes(HERE)
    entries = {
        "here": entry("here.onnx", HERE, licence="CC0", note="small"),
        "away": entry("away.onnx", b"elsewhere", url="http://127.0.0.1/away.onnx"),
        "lost": entry("lost.onnx", b"nowhere", url=None),
    }
    (folder / "index.json").write_text(json.dumps({"default": "here", "weights": entries}))
    monkeypatch.setattr(registry, "shipped_dir", lambda: folder)
    monkeypatch.setenv("HMER_CACHE", str(tmp_path / "cache"))
    return folder


def test_the_shipped_weights_are_the_default(shipped: Path) -> None:
    assert registry.resolve() == registry.resolve("here") == shipped / "here.onnx"


def test_a_path_is_taken_as_it_is(shipped: Path, tmp_path: Path) -> None:
    own = tmp_path / "my own.onnx"
    own.write_bytes(b"mine")
    assert registry.resolve(str(own)) == own


def test_downloaded_weights_are_found_by_name(shipped: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "away.onnx").write_bytes(b"elsewhere")
    assert registry.resolve("away") == tmp_path / "cache" / "away.onnx"


def test_a_whole_download_stands_in_for_a_truncated_shipped_file(
    shipped: Path, tmp_path: Path
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "here.onnx").write_bytes(HERE)
    (shipped / "here.onnx").write_bytes(HERE[:5])
    assert registry.resolve("here") == tmp_path / "cache" / "here.onnx"


def test_weights_outside_the_index_are_remembered(shipped: Path, tmp_path: Path) -> None:
    wanted = registry.target_of("mine", "http://127.0.0.1/x", SHA.upper())
    assert wanted.entry == Entry("mine.onnx", SHA, url="http://127.0.0.1/x")
    registry.remember("mine", wanted.entry)
    with pytest.raises(MissingError, match="weights download mine"):
        registry.resolve("mine")
    (tmp_path / "cache" / "mine.onnx").write_bytes(b"bytes")
    assert registry.resolve("mine") == tmp_path / "cache" / "mine.onnx"
    assert [each.name for each in registry.all_weights()] == ["here", "away", "lost", "mine"]


@pytest.mark.parametrize("name", ["nothing", "no/such/file.onnx", ""])
def test_unknown_weights_are_refused_with_the_names_there_are(shipped: Path, name: str) -> None:
    with pytest.raises(MissingError, match="here, away") as caught:
        registry.resolve(name)
    assert caught.value.exit_code == 3


def test_an_installation_without_weights_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "shipped_dir", lambda: tmp_path)
    monkeypatch.setenv("HMER_CACHE", str(tmp_path / "cache"))
    with pytest.raises(MissingError, match="no default weights"):
        registry.resolve()


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"weights": []}', '{"weights": {"x": 1}}', '{"weights": {"x": {}}}']
)
def test_a_broken_index_is_named(shipped: Path, content: str) -> None:
    (shipped / "index.json").write_text(content)
    with pytest.raises(MissingError, match=re.escape("index.json is not an index")):
        registry.resolve("here")


def test_a_changed_or_absent_file_is_a_problem(shipped: Path) -> None:
    def problem(name: str) -> str | None:
        return {each.name: each.problem() for each in registry.all_weights()}[name]

    assert problem("here") is None
    assert problem("away") == "missing"
    (shipped / "here.onnx").write_bytes(HERE[::-1])
    assert "SHA-256" in str(problem("here"))
    (shipped / "here.onnx").write_bytes(HERE[1:])
    assert "15 bytes, 16 expected" in str(problem("here"))


def test_the_index_gives_the_url_and_a_user_another(shipped: Path) -> None:
    assert registry.target_of("away").entry.url == "http://127.0.0.1/away.onnx"
    assert registry.target_of("away", "http://mirror/").entry.url == "http://mirror/"
    assert registry.target_of("lost", "http://mirror/").entry.sha256 == (
        hashlib.sha256(b"nowhere").hexdigest()
    )
    with pytest.raises(MissingError, match="--url"):
        registry.target_of("lost")


@pytest.mark.parametrize(
    ("name", "url", "sha256", "said"),
    [
        ("mine", "http://x/", None, "--sha256"),
        ("mine", None, SHA, "--url"),
        ("mine", "http://x/", "abc", "not a SHA-256"),
        ("here", "http://x/", SHA, "another SHA-256"),
        ("../mine", "http://x/", SHA, "cannot name weights"),
        ("index.json", "http://x/", SHA, "cannot name weights"),
    ],
)
def test_wrong_usage(shipped: Path, name: str, url: str, sha256: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        registry.target_of(name, url, sha256)


def test_a_cache_that_cannot_be_written(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("HMER_CACHE", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="HMER_CACHE"):
        registry.remember("mine", Entry("mine.onnx", SHA))


def test_the_weights_of_this_checkout_are_what_its_index_says() -> None:
    shipped = sorted(registry.shipped_dir().glob("*.onnx"))
    if not shipped:
        pytest.skip("this checkout holds no weights")
    known = {each.entry.file: each for each in registry.all_weights()}
    assert {path.name: known[path.name].problem() for path in shipped} == {
        path.name: None for path in shipped
    }
    assert registry.resolve() in shipped
