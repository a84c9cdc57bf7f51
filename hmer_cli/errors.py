"""One tree of errors; each knows its exit code and says what to do."""


class HmerError(Exception):
    """Base of every error that hmer raises on purpose.

    ``what`` says in one line what went wrong, ``remedy`` what the user can do about it.
    """

    exit_code = 70

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}" if self.remedy else self.what


class InputError(HmerError):
    """An input cannot be read; the other inputs are still converted."""

    exit_code = 1


class UsageError(HmerError):
    """The command line, a recipe or an option is wrong."""

    exit_code = 2


class MissingError(HmerError):
    """A dependency or a weights file is not there."""

    exit_code = 3


class StrictError(HmerError):
    """With ``--strict``: an expression is low in confidence or not valid LaTeX."""

    exit_code = 4


class OutputError(HmerError):
    """An output cannot be written."""

    exit_code = 5
