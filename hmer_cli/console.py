"""Messages, progress bars and tables on stderr; the only module that imports Rich.

Data never goes through here: it is written to stdout or files.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TextIO

_loudness = 0


def set_loudness(level: int) -> None:
    """-1 says only what went wrong, 1 says each page, too."""
    global _loudness
    _loudness = level


def note(message: object) -> None:
    """As ``say``, of what went well; unsaid with --quiet."""
    if _loudness >= 0:
        say(message)


def detail(message: object) -> None:
    """As ``say``, of each step; said with --verbose."""
    if _loudness > 0:
        say(message)


def say(message: object) -> None:
    """Print one line on stderr, with line breaks and control characters escaped.

    Never raises; what cannot be written is dropped.
    """
    _write(f"hmer: {one_line(message)}\n")


def _write(text: str) -> None:
    """Write to stderr; if that fails, stderr is silenced and the run goes on."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """Redirect the stream to the null device: Python would flush it again at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def one_line(text: object) -> str:
    """The text in one line without terminal control codes, which file names may contain."""
    return printable(" ".join(str(text).split()))


def printable(text: object) -> str:
    """The text with control characters and line breaks escaped."""
    signs = str(text)
    if signs.isprintable():
        return signs
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in signs)


def show_library_warnings() -> None:
    """Print warnings of Python libraries as messages, each of them once."""
    shown: set[str] = set()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        line = f"a library warns: {one_line(message)}"
        if line not in shown:
            shown.add(line)
            say(line)

    warnings.showwarning = show


_PIPED = 10_000  # characters of a line that no terminal breaks

Say = Callable[[str], None]
"""Reports one line to the user, as `say` does."""

Advance = Callable[[int, int], None]
"""Callback: steps done, and steps added to the total."""


@contextmanager
def progress(what: str, total: int) -> Iterator[Advance]:
    """A progress bar on stderr; none if that is no terminal or with --quiet."""
    if sys.stderr is None or not sys.stderr.isatty() or _loudness < 0:
        yield _ignore
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)

        def advance(done: int, found: int) -> None:
            nonlocal total
            total += found
            bar.update(task, advance=done, total=total)

        yield advance


def _ignore(done: int, found: int) -> None:
    """Progress without a terminal."""


def table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    to: TextIO | None = None,
) -> None:
    """Print a table, first column left-aligned, others right-aligned; on stderr by default."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table()
    for number, column in enumerate(columns):
        shown.add_column(column, justify="right" if number else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(printable(cell)) for cell in row))
    stream = to or sys.stderr
    width = None if stream.isatty() else _PIPED
    console = Console(file=stream, width=width)
    console.print(Text(printable(title), style="italic"))  # whole, however narrow the table is
    console.print(shown)
