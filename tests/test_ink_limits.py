"""Small files of ink that would cost hours or all memory are read in little, or refused."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np

from hmer_cli.ink.inkml import read_inkml


def inkml(text: str) -> bytes:
    return f"<ink>{text}</ink>".encode()


def most_memory(do: Callable[[], object]) -> int:
    """Bytes of Python and numpy that a call holds at once."""
    tracemalloc.start()
    try:
        do()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_one_long_point_of_inkml_does_not_widen_the_others() -> None:
    n = 2000
    data = inkml(f"<trace>{'1 2,' * n} 5 6{' 1' * n}</trace>")
    assert most_memory(lambda: read_inkml(data, "a.inkml")) < 8 * n * n / 4
    (stroke,) = read_inkml(data, "a.inkml").strokes
    assert len(stroke) == n + 1 and stroke[-1].tolist() == [5, 6]


def test_tip_switch_behind_many_channels_does_not_widen_the_points() -> None:
    n = 1000
    names = ["X", "Y", *(f"F{i}" for i in range(n)), "S"]
    form = "".join(f'<channel name="{name}"/>' for name in names)
    rows = [f"{i} {i}" for i in range(n)]
    rows[9] += " 0" * (n + 1)  # the pen is up from here on
    data = inkml(f"<traceFormat>{form}</traceFormat><trace>{','.join(rows)}</trace>")
    assert most_memory(lambda: read_inkml(data, "a.inkml")) < 8 * n * n / 2
    (stroke,) = read_inkml(data, "a.inkml").strokes
    np.testing.assert_array_equal(stroke[:, 0], np.arange(9))
