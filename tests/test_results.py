"""What was read is kept: a second run reads nothing, and no harm to the file harms a run."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tracemalloc
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from handmade import INKML, FakeRecogniser, cross, encoded, open_pages, paged

from hmer_cli.commands.convert import convert
from hmer_cli.document import cache, formats
from hmer_cli.document.records import Picture, Record
from hmer_cli.errors import OutputError
from hmer_cli.ink.render import Readable, image_of
from hmer_cli.page.regions import Region, find_regions
from hmer_cli.recognition.reading import Alternative, Reading, TokenReading

CACHE = Path("cache")


class Remembered(FakeRecogniser):
    """A reader that says who it is, reads the size of each image and notes it in a file."""

    def __init__(self, identity: str = "fake weights") -> None:
        super().__init__()
        self.identity = identity

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        with open("read.log", "a") as log:
            log.write("x" * len(images))
        return [self._reading(*image_of(image).shape) for image in images]

    def _reading(self, height: int, width: int) -> Reading:
        tokens = " ".join(f"{height}+{width}")
        places = tuple(TokenReading(t, 0.9, (1.23, 2, 3, 4)) for t in tokens.split())
        others = (Alternative("x", 0.125), Alternative("y", 0.0625))
        sure = 0.5 + width % 50 / 100  # with less, the page is read the other ways up, too
        return Reading(tokens, sure, places, others)


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def notes(singles: int = 4, pages: int = 3) -> None:
    """A folder of images of different sizes, a PDF, an InkML file and two broken files."""
    Path("notes").mkdir()
    for i in range(singles):
        Path(f"notes/{i:02}.png").write_bytes(encoded(cross(width=150 + i)))
    crosses = [np.roll(cross(200, 200 + 3 * i), i, 1) for i in range(pages)]
    for i, page in enumerate(crosses):
        page[150 : 152 + i, 20:90] = 0
    Path("notes/a.pdf").write_bytes(paged(crosses))
    Path("notes/b.inkml").write_text(INKML)
    Path("notes/01.broken.png").write_bytes(b"broken")
    Path("notes/a.broken.pdf").write_bytes(b"%PDF-1.4 broken")


def run(reader: FakeRecogniser | None = None, out: str = "o", **options: object) -> bytes:
    """Converts the notes; gives the bytes of all outputs."""
    outs = [f"{out}.{ending}" for ending in ("jsonl", "tex", "md")]
    options = {"cache": CACHE} | options
    convert(["notes"], outs, recogniser=reader or Remembered(), **options)  # type: ignore[arg-type]
    return b"".join(Path(name).read_bytes() for name in outs)


def count_read() -> int:
    """How many images were read since the last call."""
    log = Path("read.log")
    count = len(log.read_text()) if log.exists() else 0
    log.unlink(missing_ok=True)
    return count


def test_a_second_run_reads_nothing_and_writes_the_same() -> None:
    notes()
    first = run()
    assert count_read() == 8
    assert run(out="again") == first
    assert count_read() == 0


def test_what_changed_is_read_again_and_nothing_else() -> None:
    notes()
    run()
    count_read()
    Path("notes/02.png").write_bytes(encoded(cross(width=300)))
    Path("notes/00.png").rename("notes/renamed.png")
    run()
    assert count_read() == 1


@pytest.mark.parametrize("change", ["weights", "layout", "nothing kept"])
def test_what_reading_depends_on_is_part_of_what_is_known(change: str) -> None:
    notes()
    run()
    count_read()
    options: dict[str, object] = {
        "layout": "expression" if change == "layout" else "auto",
        "cache": None if change == "nothing kept" else CACHE,
    }
    run(Remembered("other weights" if change == "weights" else "fake weights"), **options)
    assert count_read() == 8


def test_a_reader_that_does_not_say_who_it_is_leaves_nothing_behind() -> None:
    notes()
    run(FakeRecogniser())
    assert not CACHE.exists()


def damage(path: Path) -> None:
    for each in CACHE.glob("*-wal"):
        each.unlink()
    path.write_bytes(b"no data base at all" * 100)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def scramble(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100:] = random.Random(1).randbytes(len(data) - 100)
    path.write_bytes(data)


def rename_tables(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"sqlite_autoindex_", b"sqlite_autoin\xadex_"))


@pytest.mark.parametrize("harm", [damage, cut, scramble, rename_tables])
def test_a_damaged_file_is_told_in_one_line_and_begun_anew(
    harm: object, capsys: pytest.CaptureFixture[str]
) -> None:
    notes()
    first = run()
    count_read()
    capsys.readouterr()
    harm(CACHE / cache.FILE)  # type: ignore[operator]
    assert run() == first
    assert count_read() == 8
    assert capsys.readouterr().err.count("damaged, begun anew") == 1
    assert run() == first
    assert count_read() == 0


def test_a_result_that_cannot_be_understood_is_read_again() -> None:
    notes()
    first = run()
    count_read()
    with sqlite3.connect(CACHE / cache.FILE) as base:
        base.execute("UPDATE results SET result = x'00' WHERE rowid < 4")
    base.close()
    assert run() == first
    assert count_read() == 3
    assert run() == first
    assert count_read() == 0


def test_the_result_of_another_page_is_not_taken() -> None:
    notes()
    first = run()
    count_read()
    with sqlite3.connect(CACHE / cache.FILE) as base:
        other = "(SELECT result FROM results WHERE rowid = 1)"
        base.execute(f"UPDATE results SET result = {other} WHERE rowid = 2")
    base.close()
    assert run() == first
    assert count_read() == 1


def test_a_place_that_cannot_be_used_is_told_and_the_work_is_done(
    capsys: pytest.CaptureFixture[str],
) -> None:
    notes()
    CACHE.write_text("a file where the folder should be")
    run()
    assert count_read() == 8
    assert "nothing is kept for later runs" in capsys.readouterr().err


def test_what_was_not_used_for_the_longest_time_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    day = 1000
    monkeypatch.setattr(cache, "_today", lambda: day)
    notes()
    run()
    day += 1
    Path("notes/0new.png").write_bytes(encoded(cross(width=400)))
    Path("notes/03.png").unlink()
    run()
    with sqlite3.connect(CACHE / cache.FILE) as base:
        query = "SELECT sum(length(result)) FROM results WHERE used >= "
        used, total = (base.execute(f"{query}{since}").fetchone()[0] for since in (1001, 0))
    base.close()
    assert used < total
    monkeypatch.setattr(cache, "LIMIT", 2 * used)
    run()
    count_read()
    run()
    assert count_read() == 0  # all that is in use is still there
    Path("notes/03.png").write_bytes(encoded(cross(width=153)))
    run()
    assert count_read() == 1


def test_what_is_deleted_takes_no_room_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = os.urandom(1 << 20)
    monkeypatch.setattr(cache, "LIMIT", 1 << 20)
    with cache.Cache(CACHE, "a") as results:
        for page in range(4):
            picture = Picture(9, 9, lambda: noise)
            results.keep({}, {results.key("file", page): picture})
    assert (CACHE / cache.FILE).stat().st_size < 1 << 20


def evidence(record: Record) -> object:
    found = record.evidence
    assert found is not None
    return found.key, found.box, found.tokens, found.picture.width, found.picture.load()


def test_evidence_is_the_same_when_it_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    notes()
    shown = []

    def show(records: Sequence[Record]) -> str:
        shown.append([evidence(r) for r in records if r.region])
        return ""

    run()
    monkeypatch.setitem(formats.FORMATS, ".show", show)
    monkeypatch.setattr(formats, "_SHOW_EVIDENCE", frozenset([show]))
    for _ in range(2):
        convert(["notes"], ["o.show"], recogniser=Remembered(), cache=CACHE)
    first, second = shown
    assert first == second
    assert len(first) == 8
    key, box, tokens, width, picture = first[0]  # type: ignore[misc]
    assert len(key) == 64
    assert width == 150
    assert tokens[0].box == (box[0] + 1.2, box[1] + 2, box[0] + 3, box[1] + 4)
    assert picture[8:12] == b"WEBP"


def test_the_key_of_a_region_is_that_of_its_ink_wherever_it_lies() -> None:
    Path("a.png").write_bytes(encoded(cross()))
    Path("b.png").write_bytes(encoded(np.roll(cross(150, 300), (20, 100), (0, 1)), "BMP"))
    other = cross()
    other[30:34, 40:60] = 0
    Path("c.png").write_bytes(encoded(other))
    keys = [region.key for name in "abc" for region in found(f"{name}.png")]
    assert keys[0] == keys[1] != keys[2]


def found(name: str) -> list[Region]:
    return [region for page in open_pages(name) for region in find_regions(page)]


def test_every_process_writes_the_same_bytes() -> None:
    """Sets of words have another order in each process."""
    Path("a.png").write_bytes(encoded(cross()))
    program = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "from handmade import FakeRecogniser; from hmer_cli.commands.convert import convert\n"
        "convert(['a.png'], sys.argv[1:], recogniser=FakeRecogniser())"
    )
    written = set()
    for seed in "12":
        names = [f"{seed}.{ending}" for ending in ("html", "tex", "md", "jsonl")]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", program, *names], env=environment, check=True)
        written.add(b"".join(Path(name).read_bytes() for name in names))
    assert len(written) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_at_thirty_moments_the_outputs_are_those_of_an_undisturbed_run() -> None:
    fork = multiprocessing.get_context("forkserver")
    fork.set_forkserver_preload([__name__])
    notes(singles=4, pages=3)
    for i in range(51):
        Path(f"notes/c{i:02}.inkml").write_text(INKML.replace("20 40", f"{20 + i} 40"))
    undisturbed = run(out="undisturbed", cache=None)
    assert count_read() == 59
    chance = random.Random(20)
    log = Path("read.log")
    log.touch()
    killed = 0
    for _ in range(30):
        process = fork.Process(target=run)
        process.start()
        goal = log.stat().st_size + chance.randrange(9)
        while process.is_alive() and log.stat().st_size < goal:
            process.join(0.001)
        process.join(chance.uniform(0, 0.03))
        process.kill()
        process.join()
        killed += process.exitcode == -signal.SIGKILL
    assert killed
    assert run() == undisturbed
    assert count_read() <= 59 + 8 * killed  # at most what a batch holds is lost each time
    run()
    assert count_read() == 0


def limited(most: int) -> None:
    """A run that can write no file further than so many bytes, as on a disk that is full."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    os.dup2(os.open("said", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    try:
        run()
    except OutputError as error:
        assert "cannot be written" in error.what or "cannot be kept" in error.what
        sys.exit(error.exit_code)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("most", [0, 1_000, 9_000, 50_000, 500_000])
def test_on_a_full_disk_outputs_are_whole_or_as_they_were(most: int) -> None:
    fork = multiprocessing.get_context("fork")
    notes()
    undisturbed = run(out="undisturbed", cache=None)
    process = fork.Process(target=limited, args=(most,))
    process.start()
    process.join()
    assert process.exitcode in ((5,) if most <= 1_000 else (0, 5))
    for ending in ("jsonl", "tex", "md"):
        if Path(f"o.{ending}").exists():
            assert Path(f"o.{ending}").read_bytes() == Path(f"undisturbed.{ending}").read_bytes()
        else:
            assert process.exitcode == 5
    assert not [name for name in os.listdir() if name.startswith(".hmer-")]
    assert run() == undisturbed


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_eight_runs_at_once_write_the_same() -> None:
    fork = multiprocessing.get_context("forkserver")
    fork.set_forkserver_preload([__name__])
    notes(singles=20)
    undisturbed = run(out="undisturbed", cache=None)
    runs = [fork.Process(target=run, kwargs={"out": f"o{i % 2}"}) for i in range(8)]
    for process in runs:
        process.start()
    for process in runs:
        process.join()
    assert [process.exitcode for process in runs] == [0] * 8
    for out in ("o0", "o1"):
        names = [f"{out}.{ending}" for ending in ("jsonl", "tex", "md")]
        assert b"".join(Path(name).read_bytes() for name in names) == undisturbed
    with closing(sqlite3.connect(CACHE / cache.FILE)) as base:
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    count_read()
    run()
    assert count_read() == 0


def test_memory_does_not_grow_with_the_pages() -> None:
    peaks = []
    height, width = 600, 800
    for pages in (10, 60):
        for i in range(pages):
            Path(f"{i}.png").write_bytes(encoded(cross(height, width)))
        tracemalloc.start()
        # One thread, as two of them peak together or apart by chance.
        convert(["."], ["o.jsonl"], recogniser=Remembered(), jobs=1)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 50 * height * width / 4  # a quarter of the pages more
