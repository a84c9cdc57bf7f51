"""``hmer convert --watch``: converts new and changed inputs, and drops removed ones.

Method: polling of size and modification time once a second. Unlike file-system events that works
on network drives, in containers and for members of zip archives, and needs no dependency.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hmer_cli import console
from hmer_cli.document.records import Record, count
from hmer_cli.errors import HmerError, UsageError
from hmer_cli.page.load.sources import Source

INTERVAL = 1.0
"""Seconds between two polls; a file unchanged between two is taken to be complete."""

State = tuple[int, int] | None
"""Modification time in nanoseconds and size in bytes; None if there is no such file."""

Read = Callable[[Sequence[Source], Sequence[Source]], list[Record]]
"""Reads some of the sources; all that there are now are given, too."""


@dataclass(frozen=True)
class _Seen:
    """A source at one poll, and its records if it was converted."""

    source: Source
    state: State
    records: tuple[Record, ...] = ()


Look = dict[str, _Seen]
"""Sources by their keys, in their order."""


def watch_sources(
    find: Callable[[], Iterable[Source]],
    read: Read,
    deliver: Callable[[Sequence[Record]], None],
    settings: Sequence[Path] = (),
) -> list[Record]:
    """Convert what ``find`` finds, then poll until KeyboardInterrupt.

    Each change is reported in one line a source, and all records are delivered in the order of the
    sources; after a change of one of the ``settings``, all sources are converted again. Failed
    deliveries are retried at each poll.
    Returns the records of the last change; raises OutputError if they were not delivered.
    """
    now, set_now = _look(find), _states(settings)
    known, set_then = _updated({}, now, list(now), read), set_now
    refused: list[State] | None = None
    undelivered = _undelivered(deliver, known)
    with suppress(KeyboardInterrupt):
        console.say("watching for changes; Ctrl-C ends it")
        while True:
            pause()
            before, now = now, _look(find)
            set_before, set_now = set_now, _states(settings)
            reset = set_then != set_now == set_before
            fresh = [key for key in now if reset or _is_fresh(key, known, before, now)]
            lost = [key for key in known if key not in now]
            gone = [key for key in lost if known[key].state is not None]  # no folder that fills
            if set_now == refused or not (reset or fresh or gone):
                if undelivered is not None:
                    undelivered = _undelivered(deliver, known, undelivered)
                continue
            set_then = set_now if reset else set_then
            try:
                update = _updated(known, now, fresh, read)
                _tell(known, update, fresh, gone)
                known = update
                undelivered = _undelivered(deliver, known, undelivered)
            except UsageError as error:
                refused = set_now
                console.say(error)
    if undelivered is not None:
        undelivered = _undelivered(deliver, known, undelivered)
    if undelivered is not None:
        raise undelivered
    return _records(known)


def _undelivered(
    deliver: Callable[[Sequence[Record]], None], known: Look, before: HmerError | None = None
) -> HmerError | None:
    """Deliver all records; the error if that fails, reported unless it equals ``before``."""
    try:
        deliver(_records(known))
    except HmerError as error:
        if before is None or str(error) != str(before):
            console.say(error)
        return error
    if before is not None:
        console.say("delivered")
    return None


def pause() -> None:
    """Wait for the next poll."""
    time.sleep(INTERVAL)


def _look(find: Callable[[], Iterable[Source]]) -> Look:
    look: Look = {}
    for source in find():
        look.setdefault(source.key, _Seen(source, _state(Path(source.key))))
    return look


def _state(path: Path) -> State:
    """The state of the file; for a member of an archive, of the archive."""
    for place in (path, *path.parents):
        with suppress(OSError):
            status = os.stat(place)
            return None if os.path.isdir(place) else (status.st_mtime_ns, status.st_size)
    return None


def _states(paths: Sequence[Path]) -> list[State]:
    return [_state(path) for path in paths]


def _is_fresh(key: str, known: Look, before: Look, now: Look) -> bool:
    """Whether the source has changed since its conversion, but not since the last poll."""
    state = now[key].state
    if key in known and known[key].state == state:
        return False
    return key in before and before[key].state == state


def _updated(known: Look, now: Look, fresh: Sequence[str], read: Read) -> Look:
    """The known sources, in the order of ``now``, with the fresh ones converted again."""
    records: dict[str, list[Record]] = {}
    sources = [now[key].source for key in fresh]
    for record in read(sources, [seen.source for seen in now.values()]):
        records.setdefault(record.source, []).append(record)
    update = {}
    for key, seen in now.items():
        if key in fresh:
            found = tuple(records.get(seen.source.name, ()))
            update[key] = _Seen(seen.source, seen.state, found)
        elif key in known:
            update[key] = known[key]
    return update


def _records(look: Look) -> list[Record]:
    return [record for seen in look.values() for record in seen.records]


def _tell(known: Look, update: Look, fresh: Sequence[str], gone: Sequence[str]) -> None:
    for key in fresh:
        records = update[key].records
        if key not in known or known[key].records != records:
            what = "changed" if key in known else "new"
            read = sum(record.status != "failed" for record in records)
            if update[key].state is not None:  # else what is missing was reported as it was read
                console.say(f"{update[key].source.name}: {what}, {count(read, 'expression')}")
    for key in gone:
        console.say(f"{known[key].source.name}: gone")
