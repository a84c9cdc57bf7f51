"""Shared fixtures: the command line in this process; the research data beside the checkout."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from hmer_cli.cli import main

if "PYTEST_XDIST_WORKER" in os.environ:  # threads of workers beside each other spin and wait
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says more about the machine than about hmer.
settings.register_profile("hmer", deadline=None)
settings.load_profile("hmer")


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the command line in this process, by its words; gives the exit code."""

    def invoke(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["hmer", *words])
        with pytest.raises(SystemExit) as end:
            main()
        assert end.value.code is None or isinstance(end.value.code, int)
        return end.value.code or 0

    return invoke


def data_folder() -> Path:
    """The folder of the research data: ``$HMER_DATA``, else ``../shared/data``."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("HMER_DATA", default))


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of the research data; the test is skipped where it is absent."""
    folder = data_folder()
    if not folder.is_dir():
        pytest.skip(f"research data not found: {folder} (set HMER_DATA)")
    return folder


@pytest.fixture(scope="session")
def data_file(data: Path) -> Callable[[str], Path]:
    """Finds one file of the research data; where it is absent, the test is skipped by its name."""

    def find(name: str) -> Path:
        path = data / name
        if not path.exists():
            pytest.skip(f"research data not found: {path}")
        return path

    return find
