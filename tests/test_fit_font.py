"""What the font takes over from people: their ways with a sign, and its size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hmer_cli.datasets.expressions import open_dataset
from hmer_cli.synthesis import font
from hmer_cli.synthesis.font import drawings
from hmer_cli.synthesis.glyph import Glyph
from hmer_cli.training.compose.examples import inks
from hmer_cli.training.compose.symbol_bank import SymbolBank
from hmer_cli.training.fit.font import fit, table


def people(token: str, ways: list[int], wide: float) -> SymbolBank:
    """A bank of writers who write one token so, this much wider than the font has it."""
    bank = SymbolBank()
    rng = np.random.default_rng(0)
    for writer, way in enumerate(ways):
        drawn = drawings()[token][way].glyph(token)
        strokes = [
            (s * (wide, 1) + rng.normal(0, 0.01, s.shape)).astype(np.float32) for s in drawn.strokes
        ]
        bank.add(Glyph.of(token, strokes), str(writer), "family")
    return bank


def test_the_way_and_the_width_of_people_are_found() -> None:
    ways = fit(people("7", [1] * 60 + [0] * 20, 1.5))
    (plain, *_), (barred, wide, high, down) = ways["7"]
    assert (plain, barred) == pytest.approx((0.25, 0.75), abs=0.02)
    assert wide == pytest.approx(1.5, abs=0.05)
    assert (high, down) == pytest.approx((1.0, 0.0), abs=0.05)


def test_what_nobody_writes_is_as_wide_as_what_is_like_it_and_what_stretches_stays() -> None:
    ways = fit(people("7", [1] * 60, 1.5))
    assert ways[r"\xi"][0][1] == pytest.approx(1.5, abs=0.05)
    assert ways[r"\subset"][0][1:] == (1.0, 1.0, 0.0)
    assert ways[r"\frac"] == [(1.0, 1.0, 1.0, 0.0)]
    assert set(ways) == set(drawings())


@pytest.mark.slow
def test_the_table_is_that_of_crohme(data_file: Callable[[str], Path]) -> None:
    bank = SymbolBank.build(inks(open_dataset(str(data_file("crohme.zip")), "train")))
    stored = Path(font.__file__).with_name("glyph_variants.json").read_text(encoding="utf-8")
    assert table(fit(bank)) == stored
