"""What the cache keeps of a page is all that was read of it, and each setting has its own."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
from handmade import FakeRecogniser, cross, encoded

from hmer_cli.commands.convert import convert
from hmer_cli.commands.shards import convert_shard, merge
from hmer_cli.document import cache_key, pipeline
from hmer_cli.document.cache import result_fields, result_of
from hmer_cli.document.cache_key import setting_of
from hmer_cli.document.math_regions import MathRegions
from hmer_cli.document.page_files import PageFiles
from hmer_cli.document.records import Drawing, RegionReading, Result, TextWord
from hmer_cli.page.load.pages import Page
from hmer_cli.recognition.lazy import LazyRecogniser
from hmer_cli.recognition.reading import Alternative, Reading, TokenReading

COLUMNS = r"\underline { - 1 9 9 9 }"
"""Is valid, and may be a sum in columns: a doubt that is not that of its LaTeX."""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Known(FakeRecogniser):
    """A reader whose readings are kept."""

    identity = "known"


def whole() -> Result:
    """A result in which no field has its default."""
    tokens = (TokenReading("x", 0.75, (1.5, 2.0, 3.0, 4.0)),)
    reading = Reading("x", 1 / 3, tokens, (Alternative("y", 0.125),))
    region = RegionReading((1.25, 2.0, 3.0, 4.0), (0.0, 1.0, 2.0, 3.0), "k", reading, "ex", "odd")
    word = TextWord("Let", (5.0, 6.0, 7.0, 8.0), 3, 0.5, "item")
    drawing = Drawing((1.0, 2.0, 3.0, 4.0), (2.0, 4.0, 6.0, 8.0))
    transform = (2.0, 0.0, 1.0, 0.0, 2.0, 1.0, 0.0, 0.0, 1.0)
    return Result("fake-1", (region,), transform, (word,), (drawing,))


def test_a_result_comes_back_from_json_with_all_its_fields() -> None:
    result = whole()
    (region,), (word,) = result.expressions, result.text
    anew = {"handwriting", "surroundings"}  # the one is cut anew, the other in the confidence
    for part in (result, region, region.reading, word):
        kept = [each for each in fields(part) if each.name not in anew]
        unset = [each.name for each in kept if getattr(part, each.name) in (each.default, MISSING)]
        assert unset == []
    assert result_of(json.loads(json.dumps(result_fields(result)))) == result


def test_what_is_doubtful_is_so_from_the_cache_and_from_shards_too() -> None:
    Path("a.png").write_bytes(encoded(cross()))
    reader, kept = Known(COLUMNS), Path("cache")
    found = [convert(["a.png"], ["a.jsonl"], recogniser=reader, cache=kept) for _ in range(2)]
    convert_shard(["a.png"], ["s.jsonl"], "1/1", recogniser=reader)
    found.append(merge(["m.jsonl"], [Path("s.jsonl")]))
    assert len(reader.batches) == 2
    for (record,) in found:
        said = "may be a sum in columns, which is not read"
        assert (record.status, record.confidence, record.error) == ("low", 0.25, said)


def test_pages_kept_as_files_are_whole_too(tmp_path: Path) -> None:
    results = PageFiles(tmp_path / "kept", "setting")
    key = results.key("file", 1)
    results.keep({key: whole()}, {})
    assert results.find(key) == whole()


@pytest.mark.parametrize("ingredient", ["_code", "_detector", "_libraries", "version_of"])
def test_each_setting_has_a_key_of_its_own(
    ingredient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_key, "version_of", lambda renderer: "")
    settings = {
        setting_of("i", "auto"),
        setting_of("j", "auto"),
        setting_of("i", "page"),
        setting_of("i", "auto", "poppler"),
        setting_of("i", "auto", text=True),
    }
    assert setting_of("i", "auto") in settings
    monkeypatch.setattr(cache_key, ingredient, lambda *given: "another")
    assert len(settings | {setting_of("i", "auto")}) == 6


def test_a_version_of_each_library_that_reads_is_in_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    libraries = ["numpy", "onnxruntime", "opencv-python-headless", "pillow", "pypdfium2"]
    settings = set()
    for updated in ("", *libraries):
        monkeypatch.setattr(
            cache_key, "_version", lambda name, of=updated: "9.9" if name == of else ""
        )
        settings.add(setting_of("i", "auto"))
    assert len(settings) == 1 + len(libraries)


def test_readers_of_other_tokens_have_other_keys() -> None:
    names = Path("tokens.txt")
    found = {LazyRecogniser().identity, LazyRecogniser(rescoring=False).identity}
    for tokens in ("x\n2\n", "x\n3\n"):
        names.write_text(tokens)
        found.add(LazyRecogniser(charset="tokens.txt").identity)
    assert len(found) == 4
    assert LazyRecogniser(charset="tokens.txt").identity in found


def test_a_page_that_was_read_without_its_words_is_read_again_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def mathematics(page: Page, layout: str, text: bool = False) -> MathRegions:
        word = TextWord("words", (10.0, 10.0, 60.0, 30.0), 0, 0.9)
        return MathRegions(text=(word,) if text else ())

    monkeypatch.setattr(pipeline, "find_mathematics", mathematics)
    Path("a.png").write_bytes(encoded(cross()))
    convert(["a.png"], ["a.jsonl"], recogniser=Known(), cache=Path("cache"))
    convert(["a.png"], ["a.md"], recogniser=Known(), cache=Path("cache"), document=True)
    assert "words" in Path("a.md").read_text()
