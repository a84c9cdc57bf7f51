"""Downloads from a server on this machine that has every bad habit."""

from __future__ import annotations

import functools
import hashlib
import json
import random
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hmer_cli.commands import weights as verb
from hmer_cli.errors import HmerError, MissingError, OutputError, UsageError
from hmer_cli.models import registry
from hmer_cli.recognition import download
from hmer_cli.recognition.download import Source

BYTES = random.Random(7).randbytes(200_000)
SHA = hashlib.sha256(BYTES).hexdigest()
HALF = len(BYTES) // 2

fetch = functools.partial(download.fetch, tries=2, pause=0.001, timeout=5.0)


class Request(BaseHTTPRequestHandler):
    """One request, answered by the next habit on the server's list (the last one stays)."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.headers.get("Range"))
        habits = self.server.habits
        (habits.pop(0) if len(habits) > 1 else habits[0])(self)

    @property
    def start(self) -> int:
        """The first byte that was asked for."""
        return int(self.headers.get("Range", "bytes=0-")[len("bytes=") : -1])

    def answer(
        self, content: bytes, length: int | None = None, status: int = 200, first: int = 0
    ) -> None:
        """Send these bytes, promising ``length`` of them (-1: no promise)."""
        self.send_response(status)
        if length != -1:
            self.send_header("Content-Length", str(len(content) if length is None else length))
        if status == 206:
            self.send_header("Content-Range", f"bytes {first}-{len(BYTES) - 1}/{len(BYTES)}")
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


Habit = Callable[[Request], None]


class Server(ThreadingHTTPServer):
    """A server of ``BYTES`` on the loopback, with a list of habits."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.habits: list[Habit] = [honest]
        self.asked: list[str | None] = []
        self.woken = threading.Event()

    def source(self, size: int | None = len(BYTES), sha256: str = SHA) -> Source:
        return Source(f"http://127.0.0.1:{self.server_port}/w.onnx", sha256, size)


def honest(request: Request) -> None:
    if request.start >= len(BYTES):
        request.send_error(416)
    elif request.start:
        request.answer(BYTES[request.start :], status=206, first=request.start)
    else:
        request.answer(BYTES)


def cut_off(request: Request) -> None:
    """Half of what is left, then the line goes dead."""
    rest = BYTES[request.start :]
    status = 206 if request.start else 200
    request.answer(rest[: len(rest) // 2], len(rest), status, request.start)


def silent_cut(request: Request) -> None:
    """Half of it, without ever having said how much there is."""
    request.answer(BYTES[:HALF], length=-1)


def ignores_range(request: Request) -> None:
    request.answer(BYTES)


def another_range(request: Request) -> None:
    request.answer(BYTES[5:], status=206, first=5)


def wrong_bytes(request: Request) -> None:
    content = bytes(len(BYTES))[request.start :]
    request.answer(content, status=206 if request.start else 200, first=request.start)


def promises_more(request: Request) -> None:
    if request.start:
        request.send_error(416)
    else:
        request.answer(BYTES, length=len(BYTES) + 1000)


def promises_less(request: Request) -> None:
    request.answer(BYTES, length=HALF)


def endless(request: Request) -> None:
    """Bytes for as long as the other side takes them."""
    request.answer(b"", length=-1)
    try:
        while True:
            request.wfile.write(bytes(10_000))
    except OSError:
        pass


def drips(request: Request) -> None:
    """A few bytes at a time, then nothing until the test is over."""
    request.answer(b"", length=len(BYTES))
    for n in range(0, 500, 100):
        request.wfile.write(BYTES[n : n + 100])
        request.wfile.flush()
    request.server.woken.wait()


def fails_with(status: int) -> Habit:
    return lambda request: request.send_error(status)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.woken.set()
        running.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "w.onnx"


def parts(target: Path) -> list[Path]:
    return sorted(target.parent.glob("*.part"))


def test_a_file_arrives_whole_and_says_how_far_it_is(server: Server, target: Path) -> None:
    steps: list[tuple[int, int | None]] = []
    fetch(server.source(), target, lambda done, total: steps.append((done, total)))
    assert target.read_bytes() == BYTES
    assert parts(target) == []
    assert steps == sorted(steps)
    assert steps[-1] == (len(BYTES), len(BYTES))


@pytest.mark.parametrize("size", [len(BYTES), None])
def test_a_cut_connection_is_taken_up_where_it_broke(
    server: Server, target: Path, size: int | None
) -> None:
    server.habits = [cut_off, cut_off, honest]
    fetch(server.source(size), target)
    assert target.read_bytes() == BYTES
    assert server.asked == [None, f"bytes={HALF}-", f"bytes={HALF + HALF // 2}-"]


def test_a_later_run_goes_on_from_the_bytes_of_an_earlier_one(server: Server, target: Path) -> None:
    server.habits = [cut_off, fails_with(503)]
    with pytest.raises(MissingError, match=f"broke off at byte {HALF}.*again"):
        fetch(server.source(), target)
    assert not target.exists()
    server.habits = [honest]
    fetch(server.source(), target)
    assert target.read_bytes() == BYTES
    assert server.asked[-1] == f"bytes={HALF}-"


def test_a_cut_that_no_length_gives_away_is_noticed_by_the_known_size(
    server: Server, target: Path
) -> None:
    server.habits = [silent_cut, honest]
    fetch(server.source(), target)
    assert target.read_bytes() == BYTES


@pytest.mark.parametrize("habit", [ignores_range, another_range])
def test_a_server_without_ranges_sends_it_all_again(
    server: Server, target: Path, habit: Habit
) -> None:
    server.habits = [cut_off, habit, ignores_range]
    fetch(server.source(), target)
    assert target.read_bytes() == BYTES


def test_a_slow_drip_that_dries_up_is_resumed_with_no_byte_lost(
    server: Server, target: Path
) -> None:
    server.habits = [drips, honest]
    fetch(server.source(), target, timeout=0.3)
    assert target.read_bytes() == BYTES
    assert server.asked[-1] == "bytes=500-"


def test_right_bytes_are_taken_whatever_length_was_promised(server: Server, target: Path) -> None:
    server.habits = [promises_more]
    fetch(server.source(size=None), target)
    assert target.read_bytes() == BYTES


@pytest.mark.parametrize(
    ("habit", "size"),
    [
        (wrong_bytes, len(BYTES)),
        (wrong_bytes, None),
        (promises_more, len(BYTES)),
        (promises_less, len(BYTES)),
        (promises_less, None),
        (silent_cut, None),
        (endless, len(BYTES)),
        (fails_with(404), None),
        (fails_with(503), None),
    ],
)
def test_nothing_wrong_ever_gets_the_final_name(
    server: Server, target: Path, habit: Habit, size: int | None
) -> None:
    server.habits = [habit]
    with pytest.raises(MissingError) as caught:
        fetch(server.source(size), target)
    assert caught.value.exit_code == 3
    assert caught.value.remedy
    assert "\n" not in str(caught.value)
    assert not target.exists()


def test_a_server_that_lies_about_length_and_bytes_is_given_up(
    server: Server, target: Path
) -> None:
    server.habits = [promises_more]
    with pytest.raises(MissingError, match="broke off"):
        fetch(server.source(size=None, sha256="0" * 64), target)
    assert not target.exists()


def test_wrong_bytes_of_an_earlier_run_do_not_spoil_the_next(server: Server, target: Path) -> None:
    server.habits = [cut_off, fails_with(503)]
    with pytest.raises(MissingError):
        fetch(server.source(), target)
    (part,) = parts(target)
    part.write_bytes(b"?" + part.read_bytes()[1:])
    server.habits = [honest]
    fetch(server.source(), target)
    assert target.read_bytes() == BYTES


def test_wrong_bytes_leave_the_file_that_was_there(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.write_bytes(b"older")
    server.habits = [wrong_bytes]
    with pytest.raises(MissingError, match="other bytes"):
        fetch(server.source(), target)
    assert target.read_bytes() == b"older"


def test_missing_files_are_not_asked_for_twice(server: Server, target: Path) -> None:
    server.habits = [fails_with(404)]
    with pytest.raises(MissingError, match="HTTP 404"):
        fetch(server.source(), target)
    assert len(server.asked) == 1


def test_nobody_listening(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as closed:
        source = closed.source()
    with pytest.raises(MissingError, match="broke off at byte 0"):
        fetch(source, target)


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "ftp://127.0.0.1/w", "w.onnx", "http://[", "http://a b/"]
)
def test_a_url_that_is_none(target: Path, url: str) -> None:
    with pytest.raises(UsageError):
        fetch(Source(url, SHA), target)


def test_a_folder_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(OutputError) as caught:
        fetch(server.source(), tmp_path / "cache" / "w.onnx")
    assert isinstance(caught.value, HmerError)
    assert caught.value.exit_code == 5


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> Path:
    """An index that knows the server's file, and an empty cache folder."""
    entry = {"file": "big.onnx", "sha256": SHA, "size": len(BYTES), "url": server.source().url}
    (tmp_path / "shipped").mkdir()
    index = {"default": "small", "weights": {"big": entry}}
    (tmp_path / "shipped" / "index.json").write_text(json.dumps(index))
    monkeypatch.setattr(registry, "shipped_dir", lambda: tmp_path / "shipped")
    monkeypatch.setenv("HMER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_downloaded_weights_are_used_by_their_name(
    server: Server, index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = verb.download("big")
    assert capsys.readouterr().out == f"{path}\n"
    assert path == registry.resolve("big") == index / "big.onnx"
    assert path.read_bytes() == BYTES
    verb.verify("big")
    assert verb.download("big") == path
    assert len(server.asked) == 1


def test_weights_outside_the_index_come_by_url_and_sha256(server: Server, index: Path) -> None:
    path = verb.download("mine", server.source().url, SHA)
    assert path == registry.resolve("mine") == index / "mine.onnx"
    assert {each.name: each.problem() for each in registry.all_weights()}["mine"] is None
    path.write_bytes(b"")
    with pytest.raises(MissingError, match="download mine"):
        verb.verify()
    assert verb.download("mine").read_bytes() == BYTES


def test_wrong_bytes_are_not_remembered(server: Server, index: Path) -> None:
    server.habits = [wrong_bytes]
    with pytest.raises(MissingError, match="other bytes"):
        verb.download("mine", server.source().url, SHA)
    assert not list(index.iterdir())


def test_verdicts_one_a_line(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verb.verify()  # weights to download at will may be absent
    assert capsys.readouterr().out == "big\tmissing\n"
    with pytest.raises(MissingError, match="weights download big") as caught:
        verb.verify("big")
    assert caught.value.exit_code == 3
    with pytest.raises(MissingError, match="weights list"):
        verb.verify("nothing")


def test_the_list_is_data_on_stdout(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verb.list_weights()
    said = capsys.readouterr()
    assert "big" in said.out
    assert "0.2 MB" in said.out
    assert said.err == ""
