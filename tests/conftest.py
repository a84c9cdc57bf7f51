"""Shared fixtures: research data beside the checkout; and which tests may skip on CI."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

if "PYTEST_XDIST_WORKER" in os.environ:  # threads of workers beside each other spin and wait
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says more about the machine than about hmer.
settings.register_profile("hmer", deadline=None)
settings.load_profile("hmer")


KNOWN_SKIPS = (
    "research data not found",
    "KaTeX not found",
    "Ray is not installed",
    "needs the [docs] extra",  # which are built by themselves
    "names here are UTF-8",
    "not found: ",  # what reads the research data
)
"""Parts of the reasons why a test may skip where `.ci/run` installed all else."""


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where ``$HMER_CI`` is set, a test that skips for any other reason has failed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if "HMER_CI" not in os.environ or reporter is None:
        return
    reasons = {str(report.longrepr[2]) for report in reporter.stats.get("skipped", [])}
    for reason in sorted(reasons):
        if not any(known in reason for known in KNOWN_SKIPS):
            reporter.write_line(f"\nmay not be skipped here: {reason}", red=True)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


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
