"""A file from a URL, resumed where it broke off, and kept only if its SHA-256 is right."""

from __future__ import annotations

import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from hmer_cli import __version__
from hmer_cli.errors import MissingError, OutputError, UsageError
from hmer_cli.models.registry import sha256_of

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are here and the bytes there will be, None while unknown."""

MOST_BYTES = 2**31
"""A server that never stops is left after this many bytes where the size is not known."""

CHUNK = 2**16

PASSING = (http.client.REQUEST_TIMEOUT, http.client.TOO_MANY_REQUESTS)


class _BrokenOffError(Exception):
    """The connection ended early; another try may go on from there."""


@dataclass(frozen=True)
class Source:
    """Where a file comes from and what it must be; ``size`` in bytes, None if unknown."""

    url: str
    sha256: str
    size: int | None = None


def fetch(
    source: Source,
    target: Path,
    progress: Progress | None = None,
    *,
    tries: int = 4,
    pause: float = 1.0,
    timeout: float = 30.0,
) -> Path:
    """Download to ``target``; what came of it so far lies beside it until it is whole and right.

    A broken connection is taken up again with an HTTP range, in the same run up to ``tries``
    times in a row without a new byte (``pause`` seconds apart, doubling), or in a later run.

    Raises:
        MissingError: the server does not have the file, breaks off, or sends other bytes.
        OutputError: the file cannot be written.
        UsageError: the URL is not one of HTTP.
    """
    if not source.url.startswith(("http://", "https://")):
        raise UsageError(f"{source.url!r} is not a URL to download from", "use http or https")
    part = target.with_name(f"{target.name}.{source.sha256[:12]}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        resumes = part.is_file()
        _collect(source, part, progress, tries, pause, timeout)
        if resumes and not _is_right(source, part):
            part.unlink()  # the earlier bytes may be to blame: once more without them
            _collect(source, part, progress, tries, pause, timeout)
        _accept(source, part, target)
    except OSError as error:  # the network's own errors never come this far
        what = f"cannot write {target}: {error.strerror or error}"
        raise OutputError(what, "set HMER_CACHE to another folder") from error
    return target


def _collect(
    source: Source,
    part: Path,
    progress: Progress | None,
    tries: int,
    pause: float,
    timeout: float,
) -> None:
    """Bring the part file to its full length, over as many connections as it takes."""
    most, barren = _size(part), 0
    while source.size is None or _size(part) < source.size:
        try:
            return _receive(source, part, progress, timeout)
        except _BrokenOffError as error:
            reason = str(error)
        if _is_right(source, part):
            return  # whatever length the server promised
        barren = 0 if _size(part) > most else barren + 1
        most = max(most, _size(part))
        if barren >= tries:
            what = f"the download of {source.url} broke off at byte {_size(part)} ({reason})"
            raise MissingError(what, "run the same command again to go on from there")
        time.sleep(pause * 2**barren)


def _receive(source: Source, part: Path, progress: Progress | None, timeout: float) -> None:
    """Append what one connection brings to the part file."""
    with _open(source, part, timeout) as response:
        resumes = response.status == http.client.PARTIAL_CONTENT
        done = _size(part) if resumes else 0  # else the server sends all of it again
        whole = _whole_length(response, done) or source.size
        if source.size not in (None, whole):
            what = f"{source.url} offers {whole} bytes where {source.size} are expected"
            raise MissingError(what, "try another --url")
        with part.open("ab" if resumes else "wb") as file:
            for chunk in _chunks(response):
                done += len(chunk)
                if done > (whole or MOST_BYTES):
                    break
                file.write(chunk)
                if progress:
                    progress(done, whole)
    if done > (whole or MOST_BYTES):
        part.unlink()
        what = f"{source.url} sends more than {whole or MOST_BYTES} bytes"
        raise MissingError(what, "try another --url")
    if whole is not None and done < whole:
        raise _BrokenOffError(f"{whole - done} bytes are missing")


def _accept(source: Source, part: Path, target: Path) -> None:
    if not _is_right(source, part):
        found = sha256_of(part)
        part.unlink()
        what = f"{source.url} sends other bytes than expected (SHA-256 {found})"
        raise MissingError(what, "nothing was kept; try another --url")
    os.replace(part, target)


def _open(source: Source, part: Path, timeout: float) -> http.client.HTTPResponse:
    """The server's answer from the end of the part file on."""
    headers = {"User-Agent": f"hmer/{__version__}", "Accept-Encoding": "identity"}
    if start := _size(part):
        headers["Range"] = f"bytes={start}-"
    try:
        request = urllib.request.Request(source.url, headers=headers)
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        raise _refused(error, source, part) from error
    except (http.client.InvalidURL, ValueError) as error:
        raise UsageError(f"{source.url!r} is not a URL to download from", str(error)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOffError(_said(error)) from error
    if response.status == http.client.PARTIAL_CONTENT and _first_byte(response) != start:
        response.close()
        part.unlink()
        raise _BrokenOffError("the server resumes at another byte")
    return response


def _refused(error: urllib.error.HTTPError, source: Source, part: Path) -> Exception:
    """What an HTTP error means: try again, or there is nothing to be had."""
    error.close()
    if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and part.is_file():
        if not _is_right(source, part):
            part.unlink()
        return _BrokenOffError("the server has no more bytes")
    if error.code >= 500 or error.code in PASSING:
        return _BrokenOffError(f"HTTP {error.code}")
    what = f"{source.url} cannot be downloaded: HTTP {error.code} {error.reason}"
    return MissingError(what, "check the URL, or give another with --url")


def _chunks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Bytes as they come in, so that none is lost when the connection breaks."""
    while True:
        try:
            chunk = response.read1(CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise _BrokenOffError(_said(error)) from error
        if not chunk:
            return
        yield chunk


def _whole_length(response: http.client.HTTPResponse, start: int) -> int | None:
    """The length of the whole file by the server's word."""
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdecimal() else None


def _first_byte(response: http.client.HTTPResponse) -> int | None:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _is_right(source: Source, part: Path) -> bool:
    return part.is_file() and sha256_of(part) == source.sha256


def _said(error: Exception) -> str:
    """The error in a few words."""
    reason = getattr(error, "reason", None) or error
    return str(reason) or type(error).__name__


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
