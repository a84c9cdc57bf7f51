"""The README tells of every command and option there is, and of no other."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from hmer_cli.cli import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
HEAVY = ["PIL", "cv2", "jiwer", "lxml", "numpy", "onnxruntime", "pypdfium2", "torch"]

LOOK = f"""
import sys
from hmer_cli.cli import main
try:
    main()
except SystemExit as end:
    heavy = [name for name in {HEAVY} if name in sys.modules]
    sys.exit(f"imported {{heavy}}" if heavy else end.code)
"""


def leaves(command: object, name: str) -> Iterator[tuple[str, object]]:
    """Every command that does something, by its full name."""
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
    else:
        for child, inner in children.items():
            yield from leaves(inner, f"{name} {child}")


COMMANDS = dict(leaves(typer.main.get_command(app), "hmer"))


def section(name: str) -> str:
    found = re.search(rf"^### `{name}\b[^`]*`\n(.*?)(?=^##)", README, re.M | re.S)
    assert found, f"the README has no section on {name}"
    return found[1]


def options(command: object) -> set[str]:
    """All spellings of all options of a command, --help and completion apart."""
    params = getattr(command, "params", [])
    flags = {flag for param in params for flag in [*param.opts, *param.secondary_opts]}
    return {flag for flag in flags if flag.startswith("-")} - {"-h", "--help"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_readme_documents_the_command_and_its_options(name: str) -> None:
    rows = re.findall(r"^\| (`-.*?) \|", section(name), re.M)
    documented = set(re.findall(r"`(--?[a-z][a-z0-9-]*)", " ".join(rows)))
    assert documented == options(COMMANDS[name])


def test_the_readme_documents_no_command_that_is_not_there() -> None:
    assert set(re.findall(r"^### `(hmer(?: [a-z]+)+)", README, re.M)) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name: str) -> None:
    command = COMMANDS[name]
    assert getattr(command, "help", None)
    for param in getattr(command, "params", []):
        if param.param_type_name == "option":
            assert param.help, f"{name} {param.opts[0]} has no help"


@pytest.mark.parametrize("name", ["hmer", *COMMANDS])
def test_help_imports_nothing_heavy(name: str) -> None:
    arguments = [*name.split()[1:], "--help"]
    shown = subprocess.run(
        [sys.executable, "-c", LOOK, *arguments], capture_output=True, text=True, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert "Usage" in shown.stdout


def test_the_shell_completes_commands() -> None:
    start = "import sys; sys.argv = ['hmer']; from hmer_cli.cli import main; main()"
    typed = {"_HMER_COMPLETE": "complete_bash", "COMP_WORDS": "hmer conv", "COMP_CWORD": "1"}
    shown = subprocess.run(
        [sys.executable, "-c", start], env=os.environ | typed, capture_output=True, text=True
    )
    assert shown.stdout.split() == ["convert"]


def test_the_readme_tells_every_exit_code() -> None:
    from hmer_cli import cli, errors

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds} | {0, cli.BUG_EXIT, cli.INTERRUPTED_EXIT}
    table = README.split("### Exit codes")[1].split("## ")[0]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)} == codes


def test_links_lead_to_files_that_are_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target
