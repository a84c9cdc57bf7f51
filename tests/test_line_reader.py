"""The line reader: what a second pass does where the first is in doubt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from hmer_cli.models.embedded import packed
from hmer_cli.recognition.line_reader import LineReader
from hmer_cli.recognition.line_text import SPACE
from hmer_cli.recognition.ngrams import count_ngrams
from hmer_cli.recognition.units import Units

TOKENS = sorted(["a", "c", "o", "t", SPACE])
UNITS = Units(TOKENS)
STROKES = [np.array([(0, 0), (3, 9), (6, 0), (9, 9), (12, 0)], np.float32)]


def frames(*rows: dict[str, float]) -> np.ndarray:
    found = np.full((2 * len(rows), len(UNITS)), 1e-4, np.float32)
    found[1::2, 0] = 1
    for row, shares in zip(found[::2], rows, strict=True):
        for token, share in shares.items():
            row[UNITS.encode([token])[0]] = share
    return np.log(found / found.sum(axis=1, keepdims=True))


class Passes:
    """A session whose outputs are these, one after the other."""

    def __init__(self, *passes: np.ndarray) -> None:
        self.left = list(passes)

    def run(self, _: Any, given: Any) -> list[np.ndarray]:
        assert given["features"].dtype == np.float32
        return [self.left.pop(0)[None]]


def a_reader(folder: Path, *passes: np.ndarray, words: str | None = None) -> LineReader:
    (folder / "lines.onnx").touch()
    reader = LineReader(folder / "lines.onnx")
    texts = [UNITS.encode(text) for text in ("cat", "cat", "cot", "tac")]
    known: dict[str, Any] = {"tokens": TOKENS}
    known["ngrams"] = packed(json.dumps(count_ngrams(texts, 2, 1)).encode())
    if words is not None:
        known["words"] = packed(words.encode())
    vars(reader).update(_session=Passes(*passes), _metadata=known)
    return reader


DOUBTFUL = frames({"c": 1}, {"a": 0.5, "o": 0.45}, {"t": 1})
SURE_OF_A = frames({"c": 1}, {"a": 1}, {"t": 1})
SURE_OF_O = frames({"c": 1}, {"o": 1}, {"t": 1})


def test_a_second_pass_settles_what_is_in_doubt(tmp_path: Path) -> None:
    alone = a_reader(tmp_path, DOUBTFUL).read_strokes(STROKES)
    again = a_reader(tmp_path, DOUBTFUL, SURE_OF_O).read_strokes(STROKES, second_pass=True)
    assert (alone.text, again.text) == ("cat", "cot")


def test_there_is_no_second_pass_where_the_first_is_sure(tmp_path: Path) -> None:
    reader = a_reader(tmp_path, SURE_OF_A)  # a second would be an IndexError
    assert reader.read_strokes(STROKES, second_pass=True).text == "cat"


@pytest.mark.parametrize(("words", "text"), [("cat tac", "cat"), ("cot tac", "cot"), (None, "cat")])
def test_words_of_the_weights_decide_in_doubt(tmp_path: Path, words: str | None, text: str) -> None:
    assert a_reader(tmp_path, DOUBTFUL, words=words).read_strokes(STROKES).text == text


def test_no_strokes_say_nothing(tmp_path: Path) -> None:
    assert a_reader(tmp_path).read_strokes([], second_pass=True).text == ""


def test_long_lines_are_seen_as_large_as_short_ones_with_all_their_dots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = np.full((60, 4000), 255, np.uint8)
    for i in range(200):
        cv2.line(page, (10 + 20 * i, 22), (14 + 20 * i, 46), 0, 3)
        cv2.circle(page, (10 + 20 * i, 12), 2, 0, -1)
    reader = a_reader(tmp_path)
    given: list[Any] = []
    monkeypatch.setattr(reader, "read_strokes", lambda strokes, **_: given.append(strokes))
    for width in (400, 2400, 4000):
        reader.read(page[:, :width])
    assert [len(strokes) for strokes in given] == [40, 240, 400]
    points = [np.mean([len(stroke) for stroke in strokes]) for strokes in given]
    assert points[1] > 0.8 * points[0]
