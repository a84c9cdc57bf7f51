"""The entry point: runs the command that the arguments name, and ends with its exit code.

Every kind of end has its exit code and one line on stderr that says why: errors of
`hmer_cli.errors`, a missing package of an extra, a closed pipe or full disk, too little memory, a
bug, Ctrl-C.
"""

from __future__ import annotations

import errno
import io
import os
import re
import sys
import traceback
import warnings

from hmer_cli import __version__, console, interrupts
from hmer_cli.cli.app import app
from hmer_cli.errors import (
    INTERRUPTED,
    HmerError,
    InputError,
    MissingError,
    OutputError,
    is_out_of_memory,
    unloadable,
)

BUG_EXIT = 70
INTERRUPTED_EXIT = interrupts.EXIT


def main() -> None:
    """Run the command line; every kind of end has its exit code, and one line that says why."""
    console.show_library_warnings()
    warnings.filterwarnings("ignore", "Image size", RuntimeWarning)  # of Pillow: hmer has a limit
    _prepare_streams()
    code = _run()
    console.set_loudness(0)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        code = code or _unwritable(error)
    interrupts.leave(code)


def _run() -> int:
    """The exit code of the command."""
    try:
        app(args=_with_command(_at_home(sys.argv[1:])))
    except HmerError as error:
        if not error.said:
            console.say(error)
        return error.exit_code
    except SystemExit as end:
        if end.code == INTERRUPTED_EXIT:
            console.say("interrupted")
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception as error:
        return _failed(error)
    return 0


def _failed(error: Exception) -> int:
    """The exit code of an error that is none of hmer's own."""
    if INTERRUPTED.is_set():  # what a library made of KeyboardInterrupt
        console.say("interrupted")
        return INTERRUPTED_EXIT
    if isinstance(error, ModuleNotFoundError):
        if (error.name or "hmer_cli").startswith("hmer_cli"):
            return _bug(error)
        console.say(f'{error.name} is not installed; try: pip install "hmer-cli[train]"')
        return MissingError.exit_code
    if isinstance(error, OSError) and error.errno in _UNWRITABLE:
        return _unwritable(error)
    if is_out_of_memory(error):
        console.say("not enough memory; close other programs, or give less at once")
        return InputError.exit_code
    if library := unloadable(error):
        console.say(library)
        return library.exit_code
    return _bug(error)


_LATEX = "--latex"
_HOME = re.compile(rf"\A(--[a-z-]+=|-[a-z])?(~[/{re.escape(os.sep)}].*)", re.DOTALL)


def _at_home(words: list[str]) -> list[str]:
    """The words with each ``~`` that the shell left, as behind ``--out=`` and in cmd.exe; in LaTeX
    it is a blank."""
    if os.path.exists("~"):
        return words
    return [
        word if _LATEX in (before, word.partition("=")[0]) else _HOME.sub(_expanded, word, 1)
        for before, word in zip(["", *words], words, strict=False)
    ]


def _expanded(match: re.Match[str]) -> str:
    return (match[1] or "") + os.path.expanduser(match[2])


_GENERAL = ("-h", "--help", "--version", "--install-completion", "--show-completion")


def _with_command(words: list[str]) -> list[str]:
    """The words with the command that they leave out: ``hmer photo.png`` converts it."""
    if not words or words[0].split("=")[0] in _GENERAL:
        return words
    known = [
        each.name or getattr(each.callback, "__name__", "") for each in app.registered_commands
    ]
    known += [each.name or "" for each in app.registered_groups]
    first = words[0]
    named = any(sign in first for sign in f"./*?{os.sep}") or os.path.exists(first)
    if first in known or not (first.startswith("-") or named):
        return words
    return ["convert", *words]


_OF_PIPES = (errno.EPIPE, errno.EINVAL) if os.name == "nt" else (errno.EPIPE,)
"""Of a pipe whose reader has ended."""
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, *_OF_PIPES)


def _prepare_streams() -> None:
    """Standard streams that are closed are opened on nothing, so that no file gets their numbers;
    what an encoding cannot write is escaped."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _unwritable(error: OSError) -> int:
    console.say(OutputError(f"standard output cannot be written ({error.strerror})"))
    if sys.stdout is not None:
        console.silence(sys.stdout)
    return OutputError.exit_code


def _bug(error: Exception) -> int:
    """Say so in one line, with the traceback before it where the user wants to see it."""
    if os.environ.get("HMER_DEBUG"):
        traceback.print_exception(error)
    console.say(
        f"this is a bug in hmer {__version__}, please report it with what the same command says "
        f"with HMER_DEBUG=1 in the environment: {type(error).__name__}: {error}"
    )
    return BUG_EXIT
