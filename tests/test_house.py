"""The house: who may import whom, and what must not be imported before it is needed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

HOUSE = Path(__file__).parent.parent / "hmer_cli"
PACKAGES = """expr models ink data page datasets recognition synthesis networks document metrics
training api ray_cluster ray_data commands cli""".split()
COMMON = {"", "__version__", "errors", "console", "interrupts", "files", "geometry", "html"}
BARRED = {("synthesis", "recognition")}
TORCH_PACKAGES = {"networks", "training"}


class Import(NamedTuple):
    """One imported module, and when: at the start, in a call, or never (only for types)."""

    name: str
    when: str


def dotted(path: Path) -> str:
    parts = path.relative_to(HOUSE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(path): path for path in sorted(HOUSE.rglob("*.py"))}
CODE = [
    path.relative_to(HOUSE.parent)
    for folder in ("hmer_cli", "train", "benchmarks", "docs", "examples")
    for path in sorted((HOUSE.parent / folder).rglob("*.py"))
]
"""All code but the tests, by paths from the root of the repository."""


def later(node: ast.AST, when: str) -> str:
    """When the imports inside a node happen."""
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return "types"
    inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    return "call" if inside and when == "start" else when


def found_in(node: ast.AST, package: str, when: str = "start") -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, when) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            stem = package.split(".")[: len(package.split(".")) + 1 - child.level]
            base = ".".join([*(stem if child.level else []), *filter(None, [child.module])])
            yield Import(base, when)
            yield from (Import(f"{base}.{alias.name}", when) for alias in child.names)
        else:
            yield from found_in(child, package, later(child, when))


@cache
def imports(module: str) -> tuple[Import, ...]:
    path = MODULES[module]
    return tuple(found_in(ast.parse(path.read_text("utf-8")), dotted(path.parent / "__init__.py")))


def place(name: str) -> str:
    """The package or module at the top that an import leads to (`page`); "" for others."""
    ours, _, rest = name.partition(".")
    return rest.partition(".")[0] if ours == "hmer_cli" else ""


def who_imports(package: str) -> list[str]:
    return [m for m in MODULES if any(i.name.split(".")[0] == package for i in imports(m))]


def reached(module: str, moments: set[str]) -> set[str]:
    """All that a module brings in, directly or through modules of ours."""
    assert module in MODULES
    seen: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += [name.rpartition(".")[0]]
            todo += [i.name for i in imports(name) if i.when in moments] if name in MODULES else []
    return seen


def torch_in(names: set[str]) -> set[str]:
    return {name for name in names if name.split(".")[0] in ("torch", "torchvision")}


@pytest.mark.parametrize("module", [m for m in MODULES if m.count(".") > 1])
def test_a_package_imports_only_those_above_it(module: str) -> None:
    here = place(module)
    above = {name for name in PACKAGES[: PACKAGES.index(here) + 1] if (here, name) not in BARRED}
    known = {place(i.name) for i in imports(module)} - COMMON
    assert known <= above, f"{module} may not import {sorted(known - above)}"


@pytest.mark.parametrize("module", [m for m in MODULES if place(m) not in ("cli", "__main__")])
def test_nothing_imports_the_command_line(module: str) -> None:
    assert "cli" not in {place(i.name) for i in imports(module)}


def test_only_the_command_line_knows_typer() -> None:
    assert {place(m) for m in who_imports("typer") + who_imports("click")} == {"cli"}


def test_only_the_console_knows_rich() -> None:
    assert who_imports("rich") == ["hmer_cli.console"]


def test_only_one_module_opens_sessions_since_it_turns_telemetry_off() -> None:
    assert who_imports("onnxruntime") == ["hmer_cli.models.session"]


def test_only_one_module_imports_ray_since_it_turns_usage_statistics_off() -> None:
    assert who_imports("ray") == ["hmer_cli.ray_cluster"]


def test_torch_lives_only_where_tensors_are_trained() -> None:
    assert {place(m) for m in who_imports("torch") + who_imports("torchvision")} <= TORCH_PACKAGES


@pytest.mark.parametrize("verb", ["convert", "eval", "generate", "render", "weights"])
def test_no_verb_but_training_ever_needs_torch(verb: str) -> None:
    assert not torch_in(reached(f"hmer_cli.commands.{verb}", {"start", "call"}))


@pytest.mark.parametrize(
    "module",
    ["cli", "cli.train", "commands.train", "datasets.expressions", "recognition.recogniser"],
)
def test_torch_waits_until_it_is_needed(module: str) -> None:
    assert not torch_in(reached(f"hmer_cli.{module}", {"start"}))


def test_every_package_of_the_design_is_there_and_no_other() -> None:
    found = {path.parent.name for path in HOUSE.glob("*/__init__.py")}
    assert found == {*PACKAGES} - {"api", "ray_cluster", "ray_data"}


def docstring(tree: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return ast.get_docstring(tree) or ""


@pytest.mark.parametrize("path", CODE, ids=str)
def test_every_module_says_in_two_lines_or_more_what_it_takes_and_gives(path: Path) -> None:
    assert docstring(ast.parse((HOUSE.parent / path).read_text("utf-8"))).count("\n") >= 1


@pytest.mark.parametrize("path", CODE, ids=str)
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    assert len((HOUSE.parent / path).read_text("utf-8").splitlines()) <= 400


@pytest.mark.parametrize("path", CODE, ids=str)
def test_the_body_of_a_function_fits_one_screen(path: Path) -> None:
    """Lines after the signature and the docstring, which list options and errors."""
    for node in ast.walk(ast.parse((HOUSE.parent / path).read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1 if docstring(node) and node.body[1:] else 0]
            assert (node.end_lineno or 0) - first.lineno + 1 <= 45, node.name
