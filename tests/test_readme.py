"""README and documentation: all options have help, examples run, links lead somewhere."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import typer

from hmer_cli.cli import app
from hmer_cli.datasets.pages import PageDataset, open_any

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


def loaded(path: str) -> ModuleType:
    """A script of the repository as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def options(command: object) -> set[str]:
    """All spellings of all options of a command, --help and completion apart."""
    params = getattr(command, "params", [])
    flags = {flag for param in params for flag in [*param.opts, *param.secondary_opts]}
    return {flag for flag in flags if flag.startswith("-")} - {"-h", "--help"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_has_every_option_of_the_command(name: str) -> None:
    reference = loaded("docs/generate.py").page()
    section = re.search(rf"^## `{name}\b[^`]*`\n(.*?)(?=^## |\Z)", reference, re.M | re.S)
    assert section, f"no section on {name}"
    rows = re.findall(r"^\| (`-.*?) \|", section[1], re.M)
    assert set(re.findall(r"`(--?[a-z][a-z0-9-]*)`", " ".join(rows))) == options(COMMANDS[name])


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


def test_the_documentation_has_every_exit_code() -> None:
    from hmer_cli import cli, errors

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds} | {0, cli.BUG_EXIT, cli.INTERRUPTED_EXIT}
    table = (ROOT / "docs/outputs.md").read_text("utf-8").split("## Exit codes")[1]
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)} == codes


def test_the_citations_name_the_last_release() -> None:
    from hmer_cli import __version__

    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    found = re.search(r"^## (\d\S+) - (\d{4}-\d\d-\d\d)$", changes, re.M)
    assert found
    last, date = found.groups()
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"version: {last}\n" in citation and f"date-released: {date}\n" in citation
    assert f"version = {{{last}}}," in README
    # what has changed since must not pass for the release, to pip above all
    assert __version__.endswith(".dev0") == ("\n## Unreleased\n" in changes)
    assert (__version__ == last) == ("\n## Unreleased\n" not in changes)


def test_errors_of_the_documentation_are_public() -> None:
    import hmer_cli

    page = (ROOT / "docs/python.md").read_text("utf-8").split("## Errors")[1]
    names = set(re.findall(r"`(\w+Error)`", page))
    assert "InternalError" in names <= set(hmer_cli.__all__)
    assert all(hasattr(hmer_cli, name) for name in names)


def test_the_documentation_has_every_score_of_pages() -> None:
    from hmer_cli.metrics import pages, regions

    text = (ROOT / "docs/data.md").read_text("utf-8")
    named = set(re.findall(r"`(\w+)`", text))
    held = json.loads(pages.as_json([pages.PageScore("a", ())], "", "", 0))
    both = {*held, *held["display"]} - {"dataset", "model", "pages", "seconds"}
    columns = pages.as_tsv([]).split()
    boxes = set(json.loads(regions.as_json([], "", 0))["scores"][0]) - {"hits"}
    assert {*both, *columns, *boxes} <= named


def test_links_lead_to_files_that_are_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_the_first_two_shell_blocks_are_those_that_ci_runs() -> None:
    first, second = re.findall(r"^```sh\n(.*?)^```", README, re.M | re.S)[:2]
    assert "pip install . && .venv/bin/hmer convert examples/" in first
    assert 'pip install ".[dev]" && .venv/bin/pytest' in second


PAGES = ["README.md", "train/README.md", *(f"docs/{page.name}" for page in ROOT.glob("docs/*.md"))]


def blocks(page: str, language: str) -> list[str]:
    """The blocks of code in a language on a page."""
    text = (ROOT / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


@pytest.mark.parametrize("page", PAGES)
def test_commands_name_options_that_exist(page: str) -> None:
    shell = "\n".join(blocks(page, "(?:ba)?sh")).replace("\\\n", " ")
    shell = re.sub(r"'[^'\n]*'", "TEXT", re.sub(r"docker .* hmer ", "hmer ", shell))
    calls = re.findall(r"(?:(?<![\w./-])|(?<=bin/))hmer ([^\n#&|]+)", shell)
    assert calls or page != "README.md"
    for call in calls:
        used = set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", call))
        command = COMMANDS.get(f"hmer {call.split()[0]}", COMMANDS["hmer convert"])
        assert used <= options(command), call


@pytest.mark.parametrize("page", PAGES)
def test_python_in_the_documentation_compiles(page: str) -> None:
    for block in blocks(page, "python"):
        compile(block, page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_the_five_lines_of_python_run(page: str) -> None:
    block = re.search(r"^```python\n(.*?)^```", (ROOT / page).read_text("utf-8"), re.M | re.S)
    assert block
    shown = subprocess.run(
        [sys.executable, "-c", block[1]], capture_output=True, text=True, check=False, cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert shown.returncode == 0, shown.stderr
    assert r"\lim" in shown.stdout and "[" in shown.stdout


def test_every_command_of_the_figures_is_one_that_the_benchmark_runs() -> None:
    table = README.split("<!-- figures: begin -->")[1].split("<!-- figures: end -->")[0]
    cells = {row.split("|")[3].strip() for row in table.strip().splitlines()[2:]} - {""}
    assert cells == {f"`{row.command}`" for row in loaded("benchmarks/figures.py").ROWS} - {"``"}


def test_a_figure_that_could_not_be_measured_is_not_that_of_the_row_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = loaded("benchmarks/figures.py")
    bench = figures.Bench(tmp_path / "no data", tmp_path, 1)
    monkeypatch.setattr(bench, "run", lambda arguments: Path(arguments[-1]).write_text('{"n": 1}'))
    assert bench.scores(figures.INK) == {"n": 1}
    monkeypatch.setattr(bench, "run", lambda arguments: None)
    with pytest.raises(SystemExit, match=r"offline\.zip has no scores"):
        bench.scores(figures.OFFLINE)


def test_ink_and_its_drawing_have_the_same_boxes(tmp_path: Path) -> None:
    strokes = "1000 1000, 2000 1500, 3000 1000, 3000 2000, 1000 2000"
    (tmp_path / "a.inkml").write_text(f"<ink><trace>{strokes}</trace></ink>")
    truth = {"box": [1000, 1000, 3000, 2000], "latex": "x"}
    (tmp_path / "a.json").write_text(json.dumps({"expressions": [truth]}))
    found = open_any(str(tmp_path))
    assert isinstance(found, PageDataset)
    drawn = loaded("benchmarks/ink_and_image.py").drawn(found.pages[0])
    rows, columns = np.nonzero(drawn.page().image < 128)
    inked = columns.min(), rows.min(), columns.max(), rows.max()
    assert drawn.expressions[0].box == drawn.boxes[0] == pytest.approx(inked, abs=5)


def test_the_documentation_builds_strict(tmp_path: Path) -> None:
    for module in ("properdocs", "material", "mkdocs_gen_files", "mkdocstrings"):
        pytest.importorskip(module, reason="needs the [docs] extra")
    built = subprocess.run(
        [sys.executable, "-m", "properdocs", "build", "--strict", "--quiet", "-d", str(tmp_path)],
        capture_output=True, text=True, check=False, cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    assert "--pdf-renderer" in (tmp_path / "cli/index.html").read_text("utf-8")
