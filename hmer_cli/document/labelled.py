"""Records -> a folder of labelled handwriting: InkML, or PNG with a ``caption.txt``.

Input: records with their handwriting, corrected or not. Output: one file an expression, as
``hmer train --more`` and ``hmer eval`` read them: the ink with its label as the ``truth``
annotation of CROHME's files, or, where no strokes are known, the part of the page and a line of
``caption.txt``. What is doubtful and was not corrected has no label, so that nothing is learnt from
it; its reading stands in the annotation ``reading``. Derivations are written line by line.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from hmer_cli import console, files
from hmer_cli.data.captions import CAPTIONS
from hmer_cli.document.ids import by_line, named
from hmer_cli.document.records import Record, count
from hmer_cli.errors import InputError, OutputError
from hmer_cli.ink.inkml import write_inkml
from hmer_cli.page.load.written import MANIFEST, labelled, shown


@dataclass(frozen=True)
class LabelledFolder:
    """One ``--out`` that is a folder of labelled handwriting; used as `formats.Output` is."""

    path: Path
    is_log = False
    shows_evidence = False

    @classmethod
    def parse(cls, text: str) -> LabelledFolder | None:
        """A name that ends in a slash is a folder; None for any other."""
        ends = tuple(filter(None, (os.sep, os.altsep)))
        return cls(files.real_path(text)) if text.endswith(ends) else None

    def is_empty(self, records: Sequence[Record]) -> bool:
        """Whether the records give nothing to write."""
        return all(record.status == "failed" for record in records)

    @property
    def is_written(self) -> bool:
        """Whether the folder is there, and an earlier run wrote all that is in it."""
        try:
            return shown(self.path) <= {MANIFEST, *self._ours()}
        except OSError:
            return False

    def check(self) -> None:
        """Try now what must work after the long reading. Raises OutputError."""
        files.make_folder(self.path)
        files.check(self.path / MANIFEST)
        self._ours()

    def write(self, records: Sequence[Record]) -> bool:
        """Put the handwriting there and remove what an earlier run put there and this one has not;
        False where nothing changed. Raises OutputError."""
        found = [
            (each.alias, each.record)
            for each in by_line(named(records))
            if each.record.handwriting is not None and not each.record.dismissed
        ]
        made = dict(_files(found))
        ours = self._ours()
        for name in made.keys() - ours:
            if (self.path / name).exists() and not self._is_among(name, ours):
                remedy = "move it away or name another folder"
                raise OutputError(f"{self.path / name}: is there, and not hmer's", remedy)
        self._claim(ours | made.keys())
        changed = [files.replace(self.path / name, data) for name, data in made.items()]
        stale = ours - made.keys()
        for name in stale:
            if not self._is_among(name, made):  # under a name in another case
                _remove(self.path / name)
        self._claim(set(made))
        learnt = sum(_label(record) is not None for _, record in found)
        doubtful = len(found) - learnt
        console.note(
            f"{self.path}: {count(learnt, 'labelled expression')}"
            + (f", {doubtful} doubtful, without a label" if doubtful else "")
        )
        return any(changed) or bool(stale)

    def _is_among(self, name: str, others: Iterable[str]) -> bool:
        """Whether the file is one of these, whose name may differ in case on macOS and Windows."""
        near = (other for other in others if other.casefold() == name.casefold())
        return any(files.is_same(self.path / name, self.path / other) for other in near)

    def _claim(self, names: set[str]) -> None:
        content = json.dumps({"hmer": "labelled handwriting", "files": sorted(names)}, indent=0)
        files.replace(self.path / MANIFEST, f"{content}\n".encode())

    def _ours(self) -> set[str]:
        """The files that an earlier run wrote; no others are replaced or removed.

        Raises OutputError where their list is damaged."""
        try:
            return labelled(self.path)
        except InputError as error:
            raise OutputError(error.what, "name another folder") from error


def _remove(path: Path) -> None:
    """Removes a file; a folder, which hmer puts into no list, stays. Raises OutputError."""
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
    except UnicodeError:
        return  # the name of no file
    except OSError as error:
        what = f"{path}: cannot be removed ({error.strerror})"
        raise OutputError(what, "close it where it is open") from error


def _files(named: Sequence[tuple[str, Record]]) -> Iterator[tuple[str, bytes]]:
    """The files of these expressions by their names."""
    captions = []
    for name, record in named:
        handwriting = record.handwriting
        assert handwriting is not None
        if handwriting.ink is not None:
            yield f"{name}.inkml", _inkml(record)
            continue
        png = cv2.imencode(".png", handwriting.image)[1].tobytes()
        yield f"{name}.png", files.signed(png)
        label = _label(record)
        captions += [f"{name}\t{label}\n"] if label is not None else []
    if captions:
        yield CAPTIONS, "".join(captions).encode()


def _label(record: Record) -> str | None:
    """What may be learnt from: what a person corrected, or what is not doubtful."""
    return record.label if record.status == "ok" else None


def _inkml(record: Record) -> bytes:
    handwriting = record.handwriting
    assert handwriting is not None and handwriting.ink is not None
    label = _label(record)
    notes = {
        "source": record.source,
        "page": str(record.page or 1),
        "confidence": "corrected" if record.correction else f"{record.confidence:.4f}",
    }
    if label is None:
        notes["reading"] = record.label
    ink = replace(handwriting.ink, label=label, truth=label, symbols=(), annotations=notes)
    return write_inkml(ink)
