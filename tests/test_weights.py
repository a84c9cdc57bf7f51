"""The registry of weights: finding them by name, checking them."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from hmer_cli.errors import MissingError
from hmer_cli.models import registry

HERE = b"the shipped ones"


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
        "here": entry("here.onnx", HERE, licence="CC0", note="small", recogniser=True),
        "away": entry("away.onnx", b"elsewhere"),
        "lost": entry("lost.onnx", b"nowhere"),
    }
    (folder / "index.json").write_text(json.dumps({"default": "here", "weights": entries}))
    monkeypatch.setattr(registry, "shipped_dir", lambda: folder)
    monkeypatch.setenv("HMER_CACHE", str(tmp_path / "cache"))
    return folder


def test_the_shipped_weights_are_the_default(shipped: Path) -> None:
    assert registry.resolve() == registry.resolve("here") == shipped / "here.onnx"


def test_where_weights_are_gone_those_that_read_are_named(shipped: Path) -> None:
    with pytest.raises(MissingError, match="away are not in this") as caught:
        registry.resolve("away")
    assert caught.value.remedy == "install hmer again, or give here or a file"


def test_a_path_is_taken_as_it_is(shipped: Path, tmp_path: Path) -> None:
    own = tmp_path / "my own.onnx"
    own.write_bytes(b"mine")
    assert registry.resolve(str(own)) == own


def test_a_name_of_the_index_is_no_file_of_the_current_folder(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("here", "away"):
        Path(name).write_bytes(b"handed in")
    assert registry.resolve() == registry.resolve("here") == shipped / "here.onnx"
    with pytest.raises(MissingError, match="away are not in this"):
        registry.resolve("away")
    assert registry.resolve("./here") == Path("here")


@pytest.mark.parametrize("name", ["nothing", "no/such/file.onnx", ""])
def test_unknown_weights_are_refused_and_the_remedy_tells_where_names_are(
    shipped: Path, name: str
) -> None:
    with pytest.raises(MissingError, match="hmer weights list") as caught:
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
    "content",
    [
        "{",
        "[]",
        "[" * 100_000,
        '{"weights": []}',
        '{"weights": {"x": 1}}',
        '{"weights": {"x": {}}}',
        '{"weights": {"x": {"file": 5, "sha256": 7}}}',
        '{"weights": {"x": {"file": "x.onnx", "sha256": "7", "recogniser": "yes"}}}',
    ],
    ids=range(8),
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


def test_the_weights_of_this_checkout_are_what_its_index_says() -> None:
    shipped = sorted(registry.shipped_dir().glob("*.onnx"))
    if not shipped:
        pytest.skip("this checkout holds no weights")
    known = {each.entry.file: each for each in registry.all_weights()}
    assert {path.name: known[path.name].problem() for path in shipped} == {
        path.name: None for path in shipped
    }
    assert registry.resolve() in shipped
