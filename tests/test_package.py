"""What is packed: a source distribution holds all that its tests and its build read."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_the_source_distribution_holds_all_that_is_tracked() -> None:
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("no git checkout: a source distribution itself")
    git = ["git", "-c", f"safe.directory={ROOT}", "ls-files"]
    listed = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True)
    tracked = {line.partition("/")[0] for line in listed.stdout.splitlines()}
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packed = settings["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    needed = {f"/{name}" for name in tracked if not name.startswith(".git")}
    assert {*packed, "/pyproject.toml"} == needed  # which hatchling packs by itself
