"""What is said to a person: on stderr, never on stdout, and the only place that knows Rich."""

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
    """One line on stderr; line breaks and control characters in it are made harmless.

    Never raises: what cannot be said is not said.
    """
    _write(f"hmer: {one_line(message)}\n")


def _write(text: str) -> None:
    """On stderr; a log that cannot be written costs no output."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """Send what is still written to the stream nowhere: Python would try again at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def one_line(text: object) -> str:
    """The text without line breaks and terminal codes, as names of files may hold them."""
    return printable(" ".join(str(text).split()))


def printable(text: object) -> str:
    """The text as it is, but for control characters and line breaks, which are written out."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in str(text))


def hear_libraries() -> None:
    """Let warnings of Python libraries be said here, each of them once."""
    heard: set[str] = set()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        line = f"a library warns: {one_line(message)}"
        if line not in heard:
            heard.add(line)
            say(line)

    warnings.showwarning = show


_PIPED = 10_000  # characters of a line that no terminal breaks

Advance = Callable[[int, int], None]
"""Told the steps done and the steps that turned up on the way."""


@contextmanager
def progress(what: str, total: int) -> Iterator[Advance]:
    """A progress bar on stderr, silent where that is no terminal."""
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
    """Progress that nobody watches."""


def table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    to: TextIO | None = None,
) -> None:
    """A table, its first column to the left and the others to the right; on stderr by default."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        shown.add_column(column, justify="right" if number else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(printable(cell)) for cell in row))
    stream = to or sys.stderr
    width = None if stream.isatty() else _PIPED
    Console(file=stream, width=width).print(shown)
