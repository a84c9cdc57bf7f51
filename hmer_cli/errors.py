"""Exception classes, each with an exit code, a one-line message and a remedy.

``HmerError`` is the base class; every exit code of the command line is defined here.
"""

from __future__ import annotations

import os
import threading
import traceback

INTERRUPTED = threading.Event()
"""Set by Ctrl-C, whose exception C code of libraries may turn into one of its own."""


class HmerError(Exception):
    """Base of every error that hmer raises on purpose.

    ``what`` is one line on what went wrong, ``remedy`` what the user can do about it.
    """

    exit_code = 70
    said = False
    """Whether it has been reported to the user already."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), self.args), self.__dict__

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}" if self.remedy else self.what


def _restored(kind: type[HmerError], args: tuple[object, ...]) -> HmerError:
    """An error from another process, whose class may be made of something else than its args."""
    return kind.__new__(kind, *args)


class InputError(HmerError):
    """An input cannot be read; the other inputs are still converted."""

    exit_code = 1


class InternalError(InputError):
    """A bug of hmer while one input was read; the other inputs are still converted."""

    exit_code = 70

    def __init__(self, what: str, error: Exception) -> None:
        super().__init__(
            f"{what}: this is a bug in hmer, {type(error).__name__}: {error}",
            "please report it with what the same command says with HMER_DEBUG=1 in the environment",
        )


def input_error(what: str, error: Exception) -> InputError:
    """Wrap any exception raised while processing the input ``what`` as an InputError.

    An InputError is returned unchanged. Other HmerErrors, which concern the whole run, are raised,
    and KeyboardInterrupt where that is what it was.
    """
    if INTERRUPTED.is_set():
        raise KeyboardInterrupt from error
    if isinstance(error, InputError):
        return error
    if isinstance(error, HmerError):
        raise error
    if is_out_of_memory(error):
        return InputError(f"{what}: not enough memory", "convert it alone, with --jobs 1")
    if os.environ.get("HMER_DEBUG"):
        traceback.print_exception(error)
    library = unloadable(error)
    if library is not None:
        return InputError(f"{what}: {library.what}", library.remedy)
    return InternalError(what, error)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error is an out-of-memory error of Python, OpenCV or ONNX Runtime."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or any(
        sign in words for sign in ("bad_alloc", "bad allocation", "insufficient memory")
    )


class UsageError(HmerError):
    """The command line, a recipe or an option is wrong."""

    exit_code = 2


class MissingError(HmerError):
    """A dependency or a weights file is missing."""

    exit_code = 3


_OF_WINDOWS = "install the Visual C++ Redistributable of Microsoft"


def unloadable(error: BaseException) -> MissingError | None:
    """The error of a library that cannot be loaded, as on a Windows without the runtime that it
    was built for; None for any other error, that of a module of hmer among them."""
    if not isinstance(error, ImportError):
        return None
    while isinstance(error.__cause__, ImportError):  # NumPy explains at length
        error = error.__cause__
    name = error.name or "a library"
    if name.startswith("hmer_cli"):
        return None
    remedy = "install hmer anew, in an environment of its own"
    if "DLL load failed" in str(error):
        media = ", and on Windows N the Media Feature Pack" if name == "cv2" else ""
        remedy = _OF_WINDOWS + media
    return MissingError(f"{name} cannot be loaded ({error})", remedy)


class StrictError(HmerError):
    """With ``--strict``: an expression is low in confidence or not valid LaTeX."""

    exit_code = 4


class OutputError(HmerError):
    """An output cannot be written."""

    exit_code = 5
