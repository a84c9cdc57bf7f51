"""Pages as lines of JSON and back: how results travel between processes and machines.

Input: a `PageRead`. Output: one line with all that records, corrections and every output format
need; what is read back is equal to what was written, floats to the last bit.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from hmer_cli.document.cache import result_fields, result_of
from hmer_cli.document.records import PageRead, Picture
from hmer_cli.errors import InputError, InternalError


def to_row(page: PageRead) -> dict[str, Any]:
    """The page as plain values, ready for JSON; its picture, if it has one, in base64."""
    return {
        "source": page.source,
        "page": page.number,
        "file": page.file,
        "error": None if page.error is None else _error_fields(page.error),
        **result_fields(page.result),
        "picture": None if page.picture is None else picture_fields(page.picture),
    }


def from_row(row: dict[str, Any]) -> PageRead:
    """Raises KeyError, TypeError or ValueError for what `to_row` did not make."""
    error, picture = row["error"], row["picture"]
    return PageRead(
        source=row["source"],
        number=row["page"],
        result=result_of(row),
        file=row["file"],
        error=None if error is None else _error(error),
        picture=None if picture is None else picture_of(picture),
    )


def to_line(row: dict[str, Any]) -> str:
    """One line of ASCII, so that undecodable file names survive as well."""
    return json.dumps(row, separators=(",", ":")) + "\n"


def _error_fields(error: InputError) -> dict[str, Any]:
    bug = isinstance(error, InternalError)
    return {"what": error.what, "remedy": error.remedy, "bug": bug}


def _error(fields: dict[str, Any]) -> InputError:
    what, remedy = str(fields["what"]), str(fields["remedy"])
    if not fields["bug"]:
        return InputError(what, remedy)
    error = InternalError.__new__(InternalError)  # its words were put together already
    InputError.__init__(error, what, remedy)
    return error


def picture_fields(picture: Picture) -> dict[str, Any]:
    """The picture as plain values, its WebP file in base64."""
    webp = base64.b64encode(picture.load()).decode()
    return {"width": picture.width, "height": picture.height, "webp": webp}


def picture_of(fields: Mapping[str, Any]) -> Picture:
    """The picture with these fields. Raises KeyError, TypeError or ValueError."""
    webp = base64.b64decode(fields["webp"], validate=True)
    return Picture(int(fields["width"]), int(fields["height"]), lambda: webp)
