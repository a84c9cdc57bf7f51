"""A release: the ordered stages that build all shipped files; only missing stages are run.

Input: a TOML file (``train/release.toml``) and a folder of data sets. Output: a folder with one
folder per stage and all results in ``weights/``. A stage is up to date if its output has the
SHA-256 noted when it ended, and its settings, its data and the outputs of earlier stages have not
changed. An interrupted stage resumes from its own checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from hmer_cli.console import Say
from hmer_cli.errors import InputError, UsageError
from hmer_cli.models.registry import sha256_of
from hmer_cli.training.recipe import load
from hmer_cli.training.recogniser import ProgressBar

WEIGHTS = "weights"
NOTE = "stage.json"

Scores = dict[str, float]


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """One step of a release.

    ``kind`` names what it does (`hmer_cli.training.stages.KINDS`), ``source`` (``from`` in TOML)
    the earlier stages that it needs, ``uses`` the data sets. ``recipe`` is a file beside the
    release, ``set`` changes to it, ``options`` what other kinds take; ``toy`` holds changes and
    options of the toy run. ``sha256`` is that of a result that comes out the same on every
    machine, ``scores`` what it should score, give or take ``within``.
    """

    name: str
    kind: str
    output: str
    source: list[str] = []
    uses: list[str] = []
    recipe: str = ""
    seed: int = 0
    set: list[str] = []
    options: dict[str, Any] = {}
    toy: Toy = msgspec.field(default_factory=lambda: Toy())
    sha256: str = ""
    scores: Scores = {}
    within: float = 0.01


class Toy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a stage does otherwise in the toy run; ``recipe`` changes add to those of the stage."""

    set: list[str] = []
    options: dict[str, Any] = {}


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The stages in their order, the names of the data sets, and the fonts by file name."""

    stage: list[Stage]
    data: dict[str, str] = {}
    optional: list[str] = []
    fonts: list[str] = []


@dataclass(frozen=True)
class Job:
    """What a stage runs with.

    ``folder`` is its own, ``weights`` holds the outputs of the stages before, ``outputs`` and
    ``folders`` those by the name of their stage; ``data`` the data sets that are there, ``absent``
    the files of optional ones that are not.
    """

    stage: Stage
    folder: Path
    weights: Path
    beside: Path
    data: Mapping[str, Path]
    absent: Sequence[str]
    outputs: Mapping[str, Path]
    folders: Mapping[str, Path]
    fonts: Sequence[Path]
    threads: int
    say: Say
    progress: ProgressBar

    @property
    def output(self) -> Path:
        """Where the result goes."""
        return self.folder / self.stage.output


Run = Callable[[Job], Scores]
"""Builds the output of a stage; returns its scores."""


@dataclass
class Runner:
    """Runs the stages of a release that are not done yet into the folder ``out``.

    ``kinds`` has a function for each kind of stage. ``find_fonts`` finds the fonts of the release
    by name, for stages with the option ``fonts``. With ``toy`` all stages run at toy size.
    """

    release: Release
    beside: Path
    data: Path
    out: Path
    kinds: Mapping[str, Run]
    say: Say
    progress: ProgressBar
    find_fonts: Callable[[Sequence[str]], Sequence[Path]] = lambda names: []
    threads: int = 1
    toy: bool = False
    _outputs: dict[str, Path] = field(default_factory=dict)

    def run(self, wanted: Sequence[str] = ()) -> list[str]:
        """Run the stages ``wanted`` and all that they come from (all stages where none is named).

        Returns messages about results that differ from the release. Raises UsageError for an
        unknown stage, InputError for missing data.
        """
        chosen = self._needed(wanted)
        wrong: list[str] = []
        for stage in self.release.stage:
            if stage.name in chosen:
                wrong += self._stage(self._sized(stage))
        return wrong

    def _needed(self, wanted: Sequence[str]) -> set[str]:
        stages = {stage.name: stage for stage in self.release.stage}
        todo, needed = list(wanted or stages), set[str]()
        while todo:
            name = todo.pop()
            if name not in stages:
                raise UsageError(f"no stage {name!r}", f"name one of: {', '.join(stages)}")
            if name not in needed:
                needed.add(name)
                todo += stages[name].source
        return needed

    def _sized(self, stage: Stage) -> Stage:
        if not self.toy:
            return stage
        changes, options = [*stage.set, *stage.toy.set], stage.options | stage.toy.options
        return msgspec.structs.replace(stage, set=changes, options=options, sha256="", scores={})

    def _stage(self, stage: Stage) -> list[str]:
        """Run one stage unless it is done; what came out otherwise than it should."""
        folder = self.out / stage.name
        output, note = folder / stage.output, folder / NOTE
        data = self._data(stage)
        key = self._key(stage, data)
        known = json.loads(note.read_text(encoding="utf-8")) if _holds_results(folder) else {}
        if known and known["key"] != key:
            raise UsageError(
                f"{folder} was made or begun with other settings, data or earlier stages",
                "remove it, or choose another --out",
            )
        if not (output.is_file() and known.get("sha256") == sha256_of(output)):
            self.say(f"{stage.name}: {'goes on' if known else 'begins'}")
            for file in self._absent(stage):
                self.say(f"{stage.name}: does without {self.data / file}, which is missing")
            folder.mkdir(parents=True, exist_ok=True)
            _write(note, {"key": key})
            scores = self.kinds[stage.kind](self._job(stage, folder, data))
            known = {"key": key, "sha256": sha256_of(output), "scores": scores}
            _write(note, known)
        else:
            self.say(f"{stage.name}: done")
        self._outputs[stage.name] = output
        weights = self.out / WEIGHTS
        weights.mkdir(exist_ok=True)
        shutil.copyfile(output, weights / self._shipped(stage))
        return list(_differences(stage, known, self.say))

    def _shipped(self, stage: Stage) -> str:
        """The name of a stage's output among those of all stages: that of the stage itself where
        several write a file of one name, as runs do that end with a checkpoint."""
        alike = [other for other in self.release.stage if other.output == stage.output]
        ending = "".join(Path(stage.output).suffixes)
        return stage.output if len(alike) == 1 else stage.name + ending

    def _job(self, stage: Stage, folder: Path, data: Mapping[str, Path]) -> Job:
        return Job(
            stage,
            folder,
            self.out / WEIGHTS,
            self.beside,
            data,
            self._absent(stage),
            {name: self._outputs[name] for name in stage.source},
            {name: self.out / name for name in stage.source},
            self._fonts(stage),
            self.threads,
            self.say,
            self.progress,
        )

    def _fonts(self, stage: Stage) -> Sequence[Path]:
        return self.find_fonts(self.release.fonts) if stage.options.get("fonts") else ()

    def _data(self, stage: Stage) -> dict[str, Path]:
        """The data sets that the stage uses; raises InputError where one is missing."""
        absent = self._absent(stage)
        files = {name: self.release.data[name] for name in stage.uses}
        found = {name: self.data / file for name, file in files.items() if file not in absent}
        for path in found.values():
            if not path.exists():
                raise InputError(f"{path} is missing", f"{stage.name} needs it: see --data")
        return found

    def _absent(self, stage: Stage) -> list[str]:
        """The files of optional data sets that the stage would use, but that are not there."""
        optional = [name for name in stage.uses if name in self.release.optional]
        files = [self.release.data[name] for name in optional]
        return [file for file in files if not (self.data / file).exists()]

    def _key(self, stage: Stage, data: Mapping[str, Path]) -> str:
        """SHA-256 of everything that the result depends on."""
        plain = msgspec.to_builtins(stage)
        for told in ("sha256", "scores", "within", "toy"):
            plain.pop(told)
        parts: dict[str, Any] = {"stage": plain, "data": {n: _digest(p) for n, p in data.items()}}
        parts["from"] = {name: sha256_of(self._outputs[name]) for name in stage.source}
        if stage.recipe:
            recipe = self.beside / stage.recipe
            parts["recipe"] = sha256_of(recipe)
            if named := load(recipe, stage.set).recomposition.vocabulary:
                parts["vocabulary"] = sha256_of(recipe.parent / named)
        if stage.options.get("fonts"):
            parts["fonts"] = self.release.fonts
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def load_release(path: Path, kinds: Mapping[str, Run]) -> Release:
    """The release in a TOML file.

    Raises UsageError if it cannot be read, or if a stage is of unknown kind, needs a stage that is
    not before it, or uses unnamed data.
    """
    try:
        release = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8-sig")), Release)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "give train/release.toml") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"{path} is no release: {error}", "mend the TOML") from error
    before: set[str] = set()
    for stage in release.stage:
        known = {"from": before, "kind": set(kinds), "uses": set(release.data)}
        asked = {"from": set(stage.source), "kind": {stage.kind}, "uses": set(stage.uses)}
        for key, names in asked.items():
            if strange := sorted(names - known[key]):
                told = f"{path}: {stage.name}: {key}: no {', '.join(strange)}"
                raise UsageError(told, f"use one of: {', '.join(sorted(known[key]))}")
        if stage.name in before:
            raise UsageError(f"{path} has two stages {stage.name!r}", "give each its own name")
        before.add(stage.name)
    return release


def _differences(stage: Stage, known: Mapping[str, Any], say: Say) -> list[str]:
    """Messages about results that differ from the release; reports all scores by ``say``."""
    scores: Scores = known["scores"]
    if scores:
        say(f"{stage.name}: {', '.join(f'{key} {value:.4g}' for key, value in scores.items())}")
    wrong = [
        f"{stage.name}: {name} is {scores.get(name, float('nan')):.4g}, not {wanted:.4g}"
        for name, wanted in stage.scores.items()
        if not abs(scores.get(name, float("nan")) - wanted) <= stage.within
    ]
    if stage.sha256 and known["sha256"] != stage.sha256:
        wrong.append(f"{stage.name}: the SHA-256 is {known['sha256']}, not {stage.sha256}")
    return wrong


def _digest(path: Path) -> str:
    """Of a file its SHA-256, of a folder that of its files' names and contents."""
    if path.is_file():
        return sha256_of(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = [f"{file.relative_to(path).as_posix()} {sha256_of(file)}" for file in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _holds_results(folder: Path) -> bool:
    """Whether a stage that was begun, which a note says, has left anything."""
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return NOTE in names and len(names) > 1


def _write(path: Path, content: Mapping[str, Any]) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)
