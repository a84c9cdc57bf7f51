"""The line reader's training: lines of text, new lines of them, a run, its weights file."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from hmer_cli.commands.generate import generate
from hmer_cli.commands.train import train
from hmer_cli.datasets.lines import SPLITS, WrittenLine, open_lines, tidied
from hmer_cli.errors import InputError, MissingError, UsageError
from hmer_cli.ink.ink import Ink, Stroke
from hmer_cli.ink.render import legible_ink_image
from hmer_cli.models.registry import shipped_dir
from hmer_cli.models.session import open_session
from hmer_cli.networks.line_model import LineModel, LineShape
from hmer_cli.recognition.line_features import FEATURES
from hmer_cli.recognition.line_reader import FILE, LineReader
from hmer_cli.recognition.line_text import MATH, characters, text_of
from hmer_cli.training.compose.examples import Example
from hmer_cli.training.compose.lines import Composer, formula_examples, line_examples, words_of
from hmer_cli.training.export.lines import restore_lines
from hmer_cli.training.lines import formulas
from hmer_cli.training.recipe import load
from hmer_cli.training.registry import load_system

RECIPE = Path(__file__).parent.parent / "train" / "recipes" / "lines.toml"
SHAPES = {
    "a": [(0, 0), (8, 0), (8, 10), (0, 10), (0, 0)],
    "b": [(0, -10), (0, 10), (8, 10), (0, 2)],
}


def written(text: str) -> tuple[Stroke, ...]:
    """Each letter as its shape."""
    strokes = []
    for i, c in enumerate(text):
        if c != " ":
            strokes.append(np.array(SHAPES[c], np.float32) + np.array([14 * i, 0], np.float32))
    return tuple(strokes)


def a_file(folder: Path, forms: int = 60) -> Path:
    rng = np.random.default_rng(0)
    rows = []
    for i in range(forms):
        words = ["".join(rng.choice(["a", "b"], rng.integers(2, 5))) for _ in range(3)]
        text = " ".join(words)
        strokes = [stroke.ravel().tolist() for stroke in written(text)]
        rows.append({"form": f"x{i:02d}-1", "line": 1, "text": text, "strokes": strokes})
    path = folder / "lines.jsonl.gz"
    path.write_bytes(gzip.compress("".join(f"{json.dumps(row)}\n" for row in rows).encode()))
    return path


def test_every_line_is_in_one_split_and_texts_stay_together(tmp_path: Path) -> None:
    path = a_file(tmp_path)
    forms = [{line.form for line in open_lines(path, split)} for split in SPLITS]
    assert sum(map(len, forms)) == len(set.union(*forms)) == 60


@pytest.mark.parametrize("content", [b"", b"[]", b'{"form": "a"}', b"\x00"])
def test_other_files_are_told_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.jsonl"
    path.write_bytes(content or b"{")
    with pytest.raises(InputError, match=r"other\.jsonl"):
        open_lines(path, "train")


def test_lines_whose_text_cannot_be_theirs_are_left_out(tmp_path: Path) -> None:
    rows = [{"form": "x00-1", "text": "abab ba", "strokes": []} for _ in range(4)]
    for row, text in zip(rows, ["abab ba", "abab ba", "abab ba", "ab"], strict=True):
        row["strokes"] = [stroke.ravel().tolist() for stroke in written("abab ba")]
        row["text"] = text
    path = tmp_path / "lines.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    found = [line for split in SPLITS for line in open_lines(path, split)]
    assert [line.text for line in found] == ["abab ba"] * 3


def test_text_has_no_space_before_what_ends_a_word() -> None:
    assert tidied("Mr .  Smith ' s  dog , (  see ) ?") == "Mr. Smith's dog, (see)?"
    assert text_of(characters("a b")) == "a b"


def test_words_are_told_by_the_widest_gaps() -> None:
    line = WrittenLine("f", "ab a bb", written("ab a bb"))
    assert words_of(line) == ((0, 1), (2,), (3, 4))
    assert words_of(WrittenLine("f", "a b a b a bb", written("ab a bb"))) == ()


def test_new_lines_say_what_stands_in_them() -> None:
    lines = [WrittenLine("f", text, written(text)) for text in ("ab a bb", "bb ab")]
    known = line_examples(lines, frozenset("ab "))
    stream = [*known, Example(written("a"), (MATH,))] * 50
    found = list(Composer(np.random.default_rng(1)).composed(stream))
    for example in found:
        text = text_of(example.tokens)
        strokes = len(example.strokes)
        assert strokes == sum(c not in " " for c in text)
        assert all(word == MATH or set(word) <= {"a", "b"} for word in text.split())
    texts = {text_of(example.tokens) for example in found}
    assert MATH in texts
    assert any(MATH in text and len(text) > 1 for text in texts)


def test_parts_of_formulas_are_formulas_but_single_letters_are_not() -> None:
    strokes = tuple(written("a") for _ in range(5))
    formula = Example(
        tuple(stroke for (stroke,) in strokes),
        ("x", "=", "a", "+", "1"),
        tuple((i,) for i in range(5)),
        tuple(range(5)),
    )
    rng = np.random.default_rng(1)
    found = [each for _ in range(50) for each in formula_examples(formula, 4, rng)]
    assert {each.tokens for each in found} == {(MATH,)}
    assert {len(each.strokes) for each in found} == {1, 2, 3, 4}  # the whole is too long
    alone = [each.strokes[0] for each in found if len(each.strokes) == 1]
    assert all(any(one is formula.strokes[i] for i in (1, 3)) for one in alone)


def test_training_goes_on_with_a_weights_file() -> None:
    path = shipped_dir() / FILE
    found, metadata = restore_lines(path)
    model = LineModel(LineShape(**metadata["shape"]))
    model.load_state_dict(found)
    rng = np.random.default_rng(0)
    batches = [torch.from_numpy(rng.normal(size=(4, 64, FEATURES))).float() for _ in range(2)]
    (wanted,) = open_session(path).run(None, {"features": batches[0][:1].numpy()})
    for unfolded in (False, True):
        if unfolded:
            model.unfold_batch_norm(batches)
        frames = model.eval()(batches[0][:1]).detach().numpy()
        assert np.allclose(frames, wanted, atol=1e-3)
    together = torch.cat(batches)
    inside = model.front(together.transpose(1, 2))
    model.front.train()
    assert torch.allclose(model.front(together.transpose(1, 2)), inside, atol=1e-2)


def test_a_run_begins_with_no_other_weights(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="holds no line reader"):
        train(RECIPE, a_file(tmp_path), tmp_path / "run", start="hmer-free")


def test_a_run_makes_a_file_that_reads_and_another_goes_on_with_it(tmp_path: Path) -> None:
    changes = [
        "model.cells=16",
        "model.layers=2",
        "schedule.images=80",
        "schedule.interval=80",
        "schedule.pool=20",
        "schedule.minutes=0",
    ]
    first = train(RECIPE, a_file(tmp_path), tmp_path / "run", changes=changes)
    made = train(RECIPE, a_file(tmp_path), tmp_path / "next", str(first), changes)
    assert first.suffix == made.suffix == ".onnx"
    system, _ = load_system(tmp_path / "run" / "best.pt")  # fewer wrong characters are better
    assert system.rank({"wer": 0.1, "exprate": 0.0}) < system.rank({"wer": 0.2, "exprate": 0.9})
    reader = LineReader(made)
    ink = Ink(written("ab a bb"))
    for reading in (reader.read(legible_ink_image(ink)), reader.read(legible_ink_image(ink).image)):
        assert set(reading.text) <= set("ab ")


def test_formulas_come_from_any_labelled_handwriting(tmp_path: Path) -> None:
    generate(str(tmp_path / "own"), ["a + b", "a"], jobs=1)
    plan = load(RECIPE, [])
    own = formulas([tmp_path / "own"], plan, tmp_path, tmp_path)
    assert len(own) >= 2
    for name in ("TrainINKML", "TestEM2014GT"):
        shutil.copytree(tmp_path / "own", tmp_path / "package" / name)
    assert len(formulas([tmp_path / "package"], plan, tmp_path, tmp_path)) == len(own)
    composed = load(RECIPE, ["recomposition.share=0.75"])
    assert len(formulas([tmp_path / "own"], composed, tmp_path, tmp_path)) >= 2 * len(own)
    alone = load(RECIPE, ["recomposition.share=1"])
    with pytest.raises(UsageError, match="set it below 1"):
        formulas([tmp_path / "own"], alone, tmp_path, tmp_path)
    with pytest.raises(UsageError, match=r"holds train, test2014; .* --set split=NAME"):
        formulas([tmp_path / "package"], load(RECIPE, ["split="]), tmp_path, tmp_path)
