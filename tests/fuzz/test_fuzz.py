"""Whatever bytes a file holds, reading it gives a result or an error that names it.

Here the corpus and a fixed number of mutations of it are read; ``run.py`` searches for longer.
"""

from __future__ import annotations

import pytest
from mutations import mutated
from targets import TARGETS, seeds

from hmer_cli import console

MUTATIONS = 250
FEWER = {"cache_file": 50, "image": 100}  # each writes a database, or cleans a page


@pytest.fixture(autouse=True)
def _unsaid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "_write", lambda text: None)


@pytest.mark.parametrize("kind", TARGETS)
def test_corpus_is_read_or_refused_by_name(kind: str) -> None:
    for seed in seeds(kind):
        TARGETS[kind](seed)


@pytest.mark.parametrize("kind", TARGETS)
def test_mutations_are_read_or_refused_by_name(kind: str) -> None:
    files = seeds(kind)
    for number in range(FEWER.get(kind, MUTATIONS)):
        data = mutated(files, number)
        try:
            TARGETS[kind](data)
        except Exception as error:
            error.add_note(f"mutation {number} of {kind}: {data[:300]!r}")
            raise


def test_mutations_are_the_same_each_time() -> None:
    files = seeds("latex")
    assert [mutated(files, n) for n in range(50)] == [mutated(files, n) for n in range(50)]
