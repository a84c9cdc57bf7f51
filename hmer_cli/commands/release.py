"""``hmer train --release``: runs the missing stages of a release, which make the shipped files.

Input: a release file and a folder of data sets (or toy data, written here). Output: weights and a
report of stages whose result differs from the release. See `hmer_cli.training.release`.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from hmer_cli import console
from hmer_cli.commands.generate import generate
from hmer_cli.errors import HmerError, InputError, MissingError
from hmer_cli.files import make_folder
from hmer_cli.models.session import cores

TOY = "toy-data"
"""The folder of the data sets that the toy run makes for itself."""

_SPLITS = {"TrainINKML": 60, "TestINKMLGT": 8, "TestEM2014GT": 8}
"""Folders of a CROHME package, and how many expressions of each the toy run writes."""

_TOY_PAGES = 4
_TOY_FORMULAS = ("formulas.txt", "formulas-textbooks.txt")
_TOY_LINES = "iam-ondb-lines.jsonl.gz"
_FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts")


def release(
    path: Path,
    data: Path | None,
    out: Path,
    stages: Sequence[str] = (),
    toy: bool = False,
) -> list[str]:
    """Run the ``stages`` of a release and all that they come from; all stages where none is named.

    ``data`` is the folder of the data sets, which ``toy`` writes for itself with `hmer generate`.
    Returns what came out otherwise than the release says. Raises UsageError for a wrong release,
    InputError where data is missing, OutputError, MissingError without ``hmer-cli[train]`` and
    where a font is not installed.
    """
    try:
        from hmer_cli.training.release import Runner, load_release
        from hmer_cli.training.stages import KINDS
    except ModuleNotFoundError as error:
        raise MissingError(
            f"training needs {error.name}", 'try: pip install "hmer-cli[train]"'
        ) from error
    plan = load_release(path, KINDS)
    make_folder(out)
    if toy:
        data = _toy_data(out / TOY)
    if data is None:
        raise InputError("no data is named", "give --data PATH, or --toy")
    folders = [data / "fonts", *_system_fonts()]
    runner = Runner(
        plan,
        path.parent,
        data,
        out,
        KINDS,
        console.say,
        console.progress,
        lambda names: find_fonts(names, folders),
        cores(),
        toy,
    )
    return runner.run(stages)


def outcome(wrong: Sequence[str]) -> HmerError | None:
    """What the run's exit code should say: nothing where all came out as the release says."""
    for line in wrong:
        console.say(line)
    if not wrong:
        return None
    return InputError(f"{len(wrong)} results are not those of the release")


def find_fonts(names: Sequence[str], folders: Sequence[Path]) -> list[Path]:
    """The font files of these names, the first found of each, in the order of the names.

    Raises MissingError where one is in none of the folders.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        for file in sorted(folder.rglob("*")) if folder.is_dir() else ():
            found.setdefault(file.name, file)
    if missing := [name for name in names if name not in found]:
        raise MissingError(
            f"fonts are missing: {', '.join(missing)}",
            "install the Debian packages of train/README.md, or put them into fonts/ of --data",
        )
    return [found[name] for name in names]


def _system_fonts() -> Iterator[Path]:
    return (Path(folder).expanduser() for folder in _FONT_FOLDERS)


def _toy_data(folder: Path) -> Path:
    """Data sets as the release names them, small ones of our own handwriting; made once."""
    done = folder / "done"
    if done.is_file():
        return folder
    for seed, (split, count) in enumerate(_SPLITS.items()):
        generate(str(folder / "crohme.zip" / split), count=count, seed=seed, jobs=1)
    generate(str(folder / "scan-pages.zip"), count=_TOY_PAGES, page=True, jobs=1)
    labels = (folder / "crohme.zip" / "TrainINKML" / "caption.txt").read_text(encoding="utf-8")
    lines = [line.partition("\t")[2] for line in labels.splitlines()]
    for name in _TOY_FORMULAS:
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    _toy_lines(folder)
    done.write_text("")
    return folder


def _toy_lines(folder: Path) -> None:
    """Lines of text whose words are the signs of the training expressions."""
    from hmer_cli.datasets.expressions import open_dataset

    rows = []
    for number, sample in enumerate(open_dataset(str(folder / "crohme.zip"), "train")):
        ink = sample.ink
        text = "".join(c for c in sample.label if c.isascii() and c.isalnum())
        if ink is not None and text:
            strokes = [stroke.ravel().tolist() for stroke in ink.strokes]
            rows.append({"form": f"x{number:02d}-1", "text": text, "strokes": strokes})
    content = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    (folder / _TOY_LINES).write_bytes(gzip.compress(content, mtime=0))
