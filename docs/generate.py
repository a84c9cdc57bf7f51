"""Pages that are generated while the documentation builds.

Output: the command line reference, from the Typer application, copies of files of the root, and
pages of this folder with the pictures and the table of figures that lie elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import typer

from hmer_cli.cli import app

ROOT = Path(__file__).parent.parent
COPIES = {
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
}
"""Files at the top of the repository that are pages of the documentation, too."""

FIGURES = "[The table of the README](../README.md#figures)"
"""What stands for the table itself where ``docs/accuracy.md`` is read as it lies there."""

PICTURES = ("pythagoras.png",)
"""Pictures of ``examples/`` that pages show."""


def leaves(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its full name."""
    children = getattr(command, "commands", None)
    if children is None:
        yield name, command
        return
    for child, inner in children.items():
        yield from leaves(inner, f"{name} {child}")


def page() -> str:
    """The reference as Markdown: one section per command, one row per argument or option."""
    lines = ["# Command line", "", INTRODUCTION, ""]
    for name, command in leaves(typer.main.get_command(app), "hmer"):
        usage = " ".join(usage_of(param) for param in command.params if is_argument(param))
        lines += [f"## `{f'{name} {usage}'.strip()}`", "", paragraphs(command.help), ""]
        if command.params:
            choices = choices_of(command)
            lines += ["| option | effect |", "|---|---|"]
            lines += [row(param, choices.get(param.name, "")) for param in command.params]
            lines.append("")
    return "\n".join(lines) + "\n"


INTRODUCTION = (
    "Data goes to standard output or to the named file, messages to standard error. No command "
    "prompts for input. `-h` or `--help` after a command prints what stands here, "
    "`hmer --version` the version, and `hmer --install-completion` installs shell completion. "
    "[Exit codes](outputs.md#exit-codes) are documented with the outputs."
)


def is_argument(param: Any) -> bool:
    """Whether it is given by its place."""
    return bool(param.param_type_name == "argument")


def usage_of(param: Any) -> str:
    """An argument as the usage line shows it."""
    name = param.metavar or param.name.upper()
    return f"{name}..." if param.nargs == -1 else name


def paragraphs(help_text: str) -> str:
    """Help as Markdown: its paragraphs stay, its line breaks go."""
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", help_text.strip()))


def choices_of(command: Any) -> dict[str, str]:
    """Of each parameter that takes one of a few words: these words."""
    hints = get_type_hints(command.callback)
    literals = {name: hint for name, hint in hints.items() if get_origin(hint) is Literal}
    return {name: "\\|".join(get_args(hint)) for name, hint in literals.items()}


def row(param: Any, choices: str) -> str:
    """One argument or option as a row of the table."""
    if is_argument(param):
        return f"| `{usage_of(param)}` | {param.help} |".replace("\n", " ")
    names = ", ".join(f"`{name}`" for name in [*param.opts, *param.secondary_opts])
    value = "" if param.is_flag else f" `{choices or param.metavar or 'N'}`"
    given = param.default is not None and param.default is not False and param.default != []
    default = f" Default: `{param.default}`." if given else ""
    required = " Required." if param.required else ""
    return f"| {names}{value} | {param.help or ''}{default}{required} |".replace("\n", " ")


def copied(name: str) -> str:
    """A file of the root as a page: links to other copies lead to their pages."""
    text = (ROOT / name).read_text("utf-8")
    for source, target in COPIES.items():
        text = text.replace(f"]({source}", f"]({target}")
    return text.replace("](docs/", "](")


def figures() -> str:
    """The table of figures in the README."""
    readme = (ROOT / "README.md").read_text("utf-8")
    return readme.split("<!-- figures: begin -->")[1].split("<!-- figures: end -->")[0].strip()


def inside(text: str) -> str:
    """A page, with what it links to elsewhere in the repository among the pages."""
    text = text.replace(FIGURES, figures()).replace("](../examples/", "](")
    for source, target in COPIES.items():
        text = text.replace(f"](../{source}", f"]({target}")
    return text


def write() -> None:
    """Hand the pages to ProperDocs."""
    import mkdocs_gen_files

    for name, text in [("cli.md", page()), *((COPIES[n], copied(n)) for n in COPIES)]:
        with mkdocs_gen_files.open(name, "w") as file:
            file.write(text)
    for path in sorted((ROOT / "docs").glob("*.md")):
        with mkdocs_gen_files.open(path.name, "w") as file:
            file.write(inside(path.read_text("utf-8")))
    for name in PICTURES:
        with mkdocs_gen_files.open(name, "wb") as file:
            file.write((ROOT / "examples" / name).read_bytes())


if __name__ == "<run_path>":  # as mkdocs-gen-files runs it
    write()
