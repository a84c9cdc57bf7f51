"""``hmer weights``: lists the installed weights files and verifies their SHA-256.

Output: a table on stdout; MissingError for unknown names, and where a file differs.
"""

from __future__ import annotations

import sys

from hmer_cli import console
from hmer_cli.errors import MissingError
from hmer_cli.models import registry
from hmer_cli.models.registry import Weights


def list_weights() -> list[Weights]:
    """All weights of the index, printed on stdout as a table."""
    known = registry.all_weights()
    rows = [
        (
            each.name,
            "-" if each.entry.size is None else f"{each.entry.size / 1e6:.1f} MB",
            each.entry.licence or "-",
            each.entry.note if each.path else "missing",
        )
        for each in known
    ]
    title = f"Weights in {registry.shipped_dir()}"
    console.table(title, ("name", "size", "licence", "what for"), rows, sys.stdout)
    return known


def verify(name: str | None = None) -> None:
    """Compare the file of one name, or of every name, with its SHA-256; one line each on stdout.

    Raises MissingError if a file is missing or has another hash.
    """
    known = registry.all_weights()
    chosen = [each for each in known if name in (None, each.name)]
    if not chosen:
        what = f"there are no weights called {name!r}" if name else "there are no weights"
        raise MissingError(what, "see: hmer weights list")
    wrong = []
    for each in chosen:
        problem = each.problem()
        sys.stdout.write(f"{console.printable(each.name)}\t{problem or 'ok'}\n")
        if problem:
            wrong.append(each)
    if wrong:
        names = ", ".join(each.name for each in wrong)
        remedy = "install hmer again, but for those that you took out yourself"
        raise MissingError(f"not as they should be: {names}", remedy)
