"""The Transformer language model: what is often written is likelier, whatever stands beside it."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_language_model import LABELS, WRITTEN

from hmer_cli.errors import UsageError
from hmer_cli.models.session import open_session
from hmer_cli.networks.language_transformer import LanguageTransformer
from hmer_cli.recognition.label_transformer import EVEN, TOKENS, LabelTransformer, prefix_tree
from hmer_cli.training import label_transformer
from hmer_cli.training.export.onnx import language_transformer
from hmer_cli.training.label_transformer import encoded, run, train, vocabulary


@pytest.fixture(scope="module")
def trained() -> tuple[LanguageTransformer, list[str], LabelTransformer]:
    """A model in PyTorch, its tokens, and the same as it is shipped."""
    torch.manual_seed(0)
    tokens = vocabulary(LABELS)
    model = LanguageTransformer(len(tokens), c=32, depth=2)
    rows = encoded(LABELS, tokens)
    ticks = count()
    with pytest.MonkeyPatch.context() as patched:  # as many steps on every machine
        clock = SimpleNamespace(monotonic=lambda: next(ticks) / 200)
        patched.setattr(label_transformer, "time", clock)
        train(model, rows, rows, minutes=0.05)
    content = language_transformer(model, {TOKENS: json.dumps(tokens)})
    return model, tokens, LabelTransformer(open_session(content))


def alone(model: LanguageTransformer, row: list[int]) -> float:
    """The log-probability of one label, a share of which all tokens have alike."""
    given, following = torch.tensor([row[:-1]]), torch.tensor(row[1:])
    n = len(following)
    seen = torch.ones(1, n, n, dtype=torch.bool).tril()
    with torch.no_grad():
        logs = model(given, torch.arange(n)[None], seen)[0]
    each = logs.gather(1, following[:, None]).exp()
    return float(((1 - EVEN) * each + EVEN / logs.shape[1]).log().sum())


@settings(deadline=None, max_examples=25)
@given(labels=st.lists(st.lists(st.sampled_from([*WRITTEN, "\\unseen"]), max_size=9), min_size=1))
def test_labels_are_scored_together_as_each_alone(
    trained: tuple[LanguageTransformer, list[str], LabelTransformer], labels: list[list[str]]
) -> None:
    model, tokens, shipped = trained
    rows = encoded([tuple(label) for label in labels], tokens)
    expected = [alone(model.eval(), row) for row in rows]
    # Matrices are in INT8.
    assert shipped(labels) == pytest.approx(expected, abs=0.7, rel=0.05)
    assert shipped(labels[:1])[0] == pytest.approx(shipped(labels)[0], abs=0.05)


def test_what_is_written_is_likelier(
    trained: tuple[LanguageTransformer, list[str], LabelTransformer],
) -> None:
    derivative, angle = trained[2](
        [
            "\\frac { \\partial f } { \\partial t } = 0".split(),
            "\\frac { \\theta f } { \\theta t } = 0".split(),
        ]
    )
    assert derivative > angle


def test_no_labels_have_no_scores(
    trained: tuple[LanguageTransformer, list[str], LabelTransformer],
) -> None:
    assert trained[2]([]).shape == (0,)


def test_a_prefix_stands_once_in_the_tree() -> None:
    tree = prefix_tree([[0, 5, 6], [0, 5, 7], [0, 6]])
    assert tree.tokens.tolist() == [0, 5, 6, 7, 6]
    assert tree.places.tolist() == [0, 1, 2, 2, 1]
    assert tree.paths == [[0, 1, 2], [0, 1, 3], [0, 4]]
    assert tree.seen[3].tolist() == [True, True, False, True, False]


def test_a_second_run_begins_anew_and_goes_on_where_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, other = tmp_path / "a.onnx", tmp_path / "b.onnx"
    monkeypatch.setattr(label_transformer, "corpus", lambda *_: LABELS * 4)

    def made(to: Path, seed: int, start: Path | None = None) -> float:
        return run([], None, to, 1e-9, seed, start)

    first = made(out, 0)
    kept = out.with_suffix(".pt")
    assert made(out, 1) != first == made(out, 0)
    assert made(other, 1, kept) == first != made(other, 1)
    monkeypatch.setattr(label_transformer, "corpus", lambda *_: LABELS[:2] * 40)
    with pytest.raises(UsageError, match=r"a\.pt is of a model of other tokens"):
        made(out, 0, kept)


def test_what_is_held_out_is_not_learnt_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[list[list[int]], list[list[int]]]] = []

    def trained(model: object, rows: list[list[int]], held: list[list[int]], *_: object) -> float:
        seen.append((rows, held))
        return 0.0

    monkeypatch.setattr(label_transformer, "train", trained)
    monkeypatch.setattr(label_transformer, "corpus", lambda *_: [x for x in LABELS for _ in "123"])
    monkeypatch.setattr(label_transformer, "HELD", 4)
    run([], None, tmp_path / "a.onnx", 1, 0)
    texts = {"train": [" ".join(LABELS[1])], "test2014": [" ".join(LABELS[0]), "x - y", ""]}
    sets = {split: [SimpleNamespace(label=t) for t in found] for split, found in texts.items()}
    monkeypatch.setattr(label_transformer, "open_dataset", lambda _, split: sets[split])
    run([], tmp_path / "crohme.zip", tmp_path / "b.onnx", 1, 0)
    assert [len(held) for _, held in seen] == [3, 1]
    for rows, held in seen:
        assert rows and not set(map(tuple, rows)) & set(map(tuple, held))
