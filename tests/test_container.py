"""The container's recipe: what the package is built of is copied, and nothing runs as root."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8") if (ROOT / "Dockerfile").exists() else ""

HADOLINT = shutil.which("hadolint") or shutil.which("hadolint", path=Path(sys.executable).parent)


def copied() -> set[str]:
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    return {name for line in lines for name in line.split()}


def test_all_that_the_wheel_is_built_of_is_copied_and_not_ignored() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project, wheel = settings["project"], settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", project["readme"], *project["license-files"]}
    needed |= {*wheel["packages"], *wheel["force-include"]}
    assert copied() == needed
    kept = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE)
    assert set(kept) == needed
    assert all((ROOT / name).exists() for name in needed)


def test_it_runs_as_a_user_without_rights() -> None:
    last = DOCKERFILE.rpartition("FROM ")[2]
    assert re.search(r"^USER [1-9][0-9]*$", last, re.MULTILINE)


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed")
def test_hadolint_finds_no_fault() -> None:
    assert HADOLINT is not None
    subprocess.run([HADOLINT, str(ROOT / "Dockerfile")], check=True)


def test_the_development_container_installs_the_torch_of_the_contributing_page() -> None:
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8")
    settings = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    (torch,) = set(re.findall(r"pip install torch==\S+", page))
    assert torch in settings["postCreateCommand"]
