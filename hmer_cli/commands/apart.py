"""Outputs apart from inputs: nothing is read that this run or the next one writes.

Input: what the user named as inputs, and the outputs. Output: the inputs without what an earlier
run of the same command wrote, as where a shell expanded ``*`` again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from hmer_cli import console, files
from hmer_cli.document.formats import Output
from hmer_cli.document.labelled import LabelledFolder
from hmer_cli.errors import UsageError
from hmer_cli.page.load.kinds import HEAD, is_readable
from hmer_cli.page.load.written import may_replace, shown

Destination = Output | LabelledFolder


def apart(
    inputs: Sequence[str], outputs: Iterable[Destination], debug: Path | None = None
) -> list[str]:
    """The inputs without those outputs of this run that an earlier run wrote, which are reported.

    Those are documents of hmer, which it does not read, and folders in which all is hmer's. Any
    other output that is an input, that lies in one, or that is a folder which holds one, is
    refused: it would be replaced, or read by the next run. Checks also that outputs can be written
    and replace nothing of the user's, and makes the folder ``debug``. Raises UsageError and
    OutputError.
    """
    outputs = list(outputs)
    passed = {name for name in inputs if _is_written(name, outputs, debug)}
    kept = [name for name in inputs if name not in passed]
    if inputs and not kept:
        raise UsageError(f"{inputs[0]}: is an output of this run", "name what is to be read")
    folders = [each.path for each in outputs if isinstance(each, LabelledFolder)]
    folders += [debug] if debug is not None else []
    for folder in folders:
        files.check_apart(folder, kept, above=True)
    for output in outputs:
        if isinstance(output, Output) and output.path is not None:
            same = [name for name in kept if files.resolved(name) == str(output.path)]
            among = kept if output.is_readable else filter(_is_page, same)
            files.check_apart(output.path, among, above=True, file=True)
        output.check()
    if debug is not None:
        files.make_folder(debug)
    for name in dict.fromkeys(name for name in inputs if name in passed):
        console.say(f"{name}: an output of this run, passed over")
    return kept


def _is_written(name: str, outputs: Iterable[Destination], debug: Path | None) -> bool:
    """Whether an input is an output of this run, and all of it an earlier run's."""
    place = files.resolved(name)
    if debug is not None and place == files.resolved(debug):
        with suppress(OSError):
            return shown(Path(place)) <= files.own_pngs(Path(place))
        return False
    same = next((each for each in outputs if each.path and str(each.path) == place), None)
    if same is None or isinstance(same, LabelledFolder):
        return same is not None and same.is_written
    return not same.is_readable and may_replace(Path(place))


def _is_page(path: str) -> bool:
    """Whether a file is an image, a PDF or ink, whatever its ending says."""
    with suppress(OSError), open(path, "rb") as file:
        return is_readable(file.read(HEAD))
    return False
