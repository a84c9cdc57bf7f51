"""``hmer weights``: list, verify and download what the recogniser runs on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hmer_cli import console
from hmer_cli.errors import MissingError
from hmer_cli.models import registry
from hmer_cli.models.registry import Weights


def list_weights() -> list[Weights]:
    """All weights that are known by name, put on stdout as a table."""
    known = registry.all_weights()
    rows = [
        (
            each.name,
            "-" if each.entry.size is None else f"{each.entry.size / 1e6:.1f} MB",
            each.entry.licence or "-",
            str(each.path or "not downloaded"),
        )
        for each in known
    ]
    console.table("Weights", ("name", "size", "licence", "file"), rows, sys.stdout)
    return known


def verify(name: str | None = None) -> None:
    """Compare the file of one name, or of every name, with its SHA-256; one line each on stdout.

    Weights that can be downloaded may be absent, unless they are asked for by name.
    Raises MissingError where a file is missing or is not what it should be.
    """
    known = registry.all_weights()
    chosen = [each for each in known if name in (None, each.name)]
    if not chosen:
        what = f"there are no weights called {name!r}" if name else "there are no weights"
        raise MissingError(what, "see: hmer weights list")
    wrong = []
    for each in chosen:
        problem = each.problem()
        sys.stdout.write(f"{each.name}\t{problem or 'ok'}\n")
        if problem and not (name is None and _may_be_absent(each)):
            wrong.append(each)
    if wrong:
        names = ", ".join(each.name for each in wrong)
        raise MissingError(f"not as they should be: {names}", _remedy(wrong))


def download(name: str, url: str | None = None, sha256: str | None = None) -> Path:
    """Bring weights into the cache folder, to be used by their name; where they lie to stdout.

    ``url`` stands in for the index's; weights outside the index need ``url`` and ``sha256``.
    Weights that are here and right are left alone.
    Raises MissingError, UsageError and OutputError.
    """
    wanted = registry.target_of(name, url, sha256)
    if wanted.path is not None and wanted.problem() is None:
        console.say(f"{name}: here already")
        path = wanted.path
    else:
        path = _fetch(wanted)
        registry.remember(name, replace(wanted.entry, size=path.stat().st_size))
    sys.stdout.write(f"{path}\n")
    return path


def _fetch(wanted: Weights) -> Path:
    from hmer_cli.recognition.download import Source, fetch

    source = Source(str(wanted.entry.url), wanted.entry.sha256, wanted.entry.size)
    here, expected = 0, source.size or 0
    with console.progress(f"downloading {wanted.name} (bytes)", expected) as advance:

        def progress(done: int, total: int | None) -> None:
            nonlocal here, expected
            advance(done - here, (total or done) - expected)
            here, expected = done, total or done

        return fetch(source, registry.cache_dir() / wanted.entry.file, progress)


def _may_be_absent(weights: Weights) -> bool:
    """Whether these are weights to download at will."""
    default = registry.default_name()
    return weights.path is None and weights.entry.url is not None and weights.name != default


def _remedy(wrong: Sequence[Weights]) -> str:
    if all(each.entry.url for each in wrong):
        return f"get them with: hmer weights download {wrong[0].name}"
    return "install hmer again, or download them with --url"
