"""Results of pages as files in a folder: a cache that many machines share over a network.

As `cache`, with one file a page instead of one database, since SQLite is not safe on a network file
system. A file is replaced as a whole, so that two workers that read one page do no harm, and what a
killed worker had read is there for the next.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hmer_cli import console, files
from hmer_cli.document.cache import result_fields, result_of
from hmer_cli.document.cache_key import page_key
from hmer_cli.document.page_rows import picture_fields, picture_of, to_line
from hmer_cli.document.records import Picture, Result
from hmer_cli.errors import OutputError


class PageFiles:
    """What `pipeline.read_pages` needs of a cache, in ``folder``, or in memory where it is None."""

    def __init__(self, folder: Path | None, setting: str) -> None:
        """``setting``: everything that readings depend on besides the page."""
        self._folder = folder
        self._setting = setting
        self._memory: dict[str, Picture] = {}
        self.failure = ""
        """Why nothing more is kept for later runs; empty as long as it is."""

    def key(self, digest: str, number: int) -> str:
        """The key of a page: the SHA-256 of its file and its number there."""
        return page_key(self._setting, digest, number)

    def find(self, key: str) -> Result | None:
        """The result of the page; None if there is none, or its file is damaged."""
        try:
            return result_of(self._read(key, "result"))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def picture(self, key: str) -> Picture | None:
        """The picture of the cleaned page; None if there is none."""
        if key in self._memory:
            return self._memory[key]
        try:
            return picture_of(self._read(key, "picture"))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, results: Mapping[str, Result], pictures: Mapping[str, Picture]) -> None:
        """Store results and pictures by key; where the folder cannot be written, that is said once,
        and what is in it already is still found."""
        if self._folder is not None and not self.failure:
            try:
                for key, result in results.items():
                    self._write(key, "result", result_fields(result))
                for key, picture in pictures.items():
                    self._write(key, "picture", picture_fields(picture))
                return
            except OutputError as error:
                reason = getattr(error.__cause__, "strerror", None) or error.what
                kept = f"cannot be written ({reason}); nothing more is kept for later runs"
                self.failure = f"{self._folder}: {kept}"
                console.say(self.failure)
        self._memory = dict(pictures) or self._memory  # of the last batch: all that is asked for

    def _path(self, key: str, what: str) -> Path:
        assert self._folder is not None
        return self._folder / key[:2] / f"{key}.{what}.json"

    def _read(self, key: str, what: str) -> Any:
        if self._folder is None:
            raise KeyError(key)
        return json.loads(self._path(key, what).read_text("ascii"))

    def _write(self, key: str, what: str, fields: dict[str, Any]) -> None:
        path = self._path(key, what)
        files.make_folder(path.parent)
        files.replace(path, to_line(fields).encode("ascii"))
