"""Pages that are made while the documentation builds: the command line, from Typer's own tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import mkdocs_gen_files
import typer

from hmer_cli.cli import app


def leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its full name."""
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
        return
    for child, inner in children.items():
        yield from leaves(inner, f"{name} {child}")


def page() -> str:
    """The reference as Markdown: a section a command, a row an argument or option."""
    lines = ["# Command line", ""]
    for name, command in leaves(typer.main.get_command(app), "hmer"):
        usage = " ".join(p.make_metavar(None) for p in command.params if is_argument(p))
        lines += [f"## `{name} {usage}`".replace(" `", " `").rstrip(), "", command.help, ""]
        lines += ["| option | does |", "|---|---|"]
        lines += [row(param) for param in command.params if not is_argument(param)]
        lines.append("")
    return "\n".join(lines)


def is_argument(param: Any) -> bool:
    """Whether it is given by its place."""
    return bool(param.param_type_name == "argument")


def row(param: Any) -> str:
    """One option as a row of the table."""
    names = ", ".join(f"`{name}`" for name in [*param.opts, *param.secondary_opts])
    metavar = "" if param.is_flag else f" `{param.metavar or param.type.name.upper()}`"
    default = "" if param.default in (None, False, (), []) else f" Default: `{param.default}`."
    return f"| {names}{metavar} | {param.help or ''}{default} |".replace("\n", " ")


with mkdocs_gen_files.open("cli.md", "w") as file:
    file.write(page())
