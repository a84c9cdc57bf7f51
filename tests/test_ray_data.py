"""Ray reads what one process reads, record for record, whatever happens to its workers."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from handmade import FakeRecogniser, cross, encoded, paged

from hmer_cli.api import Converter
from hmer_cli.commands.convert import convert
from hmer_cli.document.formats.text import jsonl
from hmer_cli.document.page_files import PageFiles
from hmer_cli.document.pipeline import Options, read_pages
from hmer_cli.document.records import Record
from hmer_cli.errors import MissingError, UsageError
from hmer_cli.ink.render import Readable, image_of
from hmer_cli.page.load.sources import find_sources
from hmer_cli.recognition.reading import Alternative, Reading, TokenReading

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")


class Reader(FakeRecogniser):
    """Reads a label out of each image, and notes in ``marks`` which process read how many.

    With ``dies`` of "once", the first process to reach its third image kills itself; of a digit,
    every process does that gets an image of that label.
    """

    identity = "reads sums of pixels"

    def __init__(self, marks: Path, dies: str = "") -> None:
        super().__init__()
        self.marks, self.dies, self.seen = marks, dies, 0

    def read(self, images: Sequence[Readable]) -> list[Reading]:
        return [self._read(image_of(image)) for image in images]

    def _read(self, image: np.ndarray) -> Reading:
        self.seen += 1
        (self.marks / f"{os.getpid()}-{self.seen}").touch()
        if self.dies == "once" and self.seen == 3 and not (self.marks / "died").exists():
            (self.marks / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        digit = str(image.shape[1] % 10)
        if self.dies == digit:
            os.kill(os.getpid(), signal.SIGKILL)
        return Reading(f"x ^ {{ {digit} }}", int(image.sum()) % 997 / 997)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    for i in range(12):
        (folder / f"page{i}.png").write_bytes(encoded(np.hstack([cross(), cross()[:, : 40 + i]])))
    (folder / "notes.pdf").write_bytes(paged([cross(), cross(140)]))
    (folder / "broken.png").write_bytes(b"broken")
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("a.png", encoded(cross(150)))
        archive.writestr("b.png", encoded(cross(160)))
    return folder


def test_pages_kept_as_files_are_those_that_were_read(inputs: Path, tmp_path: Path) -> None:
    def pages(folder: Path | None, reader: Reader) -> list[object]:
        sources = list(find_sources([str(inputs)]))
        results = PageFiles(folder, "setting")
        options = Options(jobs=1, pictures=True)
        found = list(read_pages(sources, reader, results, options, lambda done, more: None))
        return [(p.source, p.number, p.result, p.file, str(p.error), p.picture and p.picture.load())
                for p in found]  # fmt: skip

    first, again = Reader(tmp_path), Reader(tmp_path)
    read = pages(tmp_path / "kept", first)
    assert pages(tmp_path / "kept", again) == read == pages(None, Reader(tmp_path))
    assert first.seen > 12
    assert again.seen == 0


def test_a_folder_that_cannot_be_written_is_said_once_and_costs_no_page(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").write_text("a file")  # a full disk is met at the same place

    def pages(folder: Path | None) -> list[object]:
        results = PageFiles(folder, "setting")
        options = Options(jobs=1, pictures=True)
        sources = list(find_sources([str(inputs)]))
        found = read_pages(sources, Reader(tmp_path), results, options, lambda done, more: None)
        return [(p.source, p.number, p.result, p.picture and p.picture.load()) for p in found]

    assert pages(tmp_path / "kept") == pages(None)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"hmer: {tmp_path}/kept: cannot be written (")


@needs_ray
@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_ray_goes_on_without_a_cache_that_cannot_be_written(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (kept := tmp_path / "kept").write_text("a file")
    given = [str(inputs / "page1.png"), str(inputs / "page2.png")]
    read = on_ray(given, tmp_path / "ray.jsonl", Reader(tmp_path), kept)
    assert capsys.readouterr().err.count(f"{kept}: cannot be written (") == 1
    assert read == alone(given, tmp_path / "plain.jsonl", tmp_path)


def test_a_damaged_file_of_a_page_is_read_anew(inputs: Path, tmp_path: Path) -> None:
    def seen() -> int:
        reader = Reader(tmp_path)
        results = PageFiles(tmp_path / "kept", "setting")
        sources = list(find_sources([str(inputs / "page1.png"), str(inputs / "page2.png")]))
        list(read_pages(sources, reader, results, Options(), lambda done, more: None))
        return reader.seen

    assert seen() == 2
    next((tmp_path / "kept").rglob("*.json")).write_text("{")
    assert (seen(), seen()) == (1, 0)


def test_a_file_of_an_archive_goes_to_another_process(inputs: Path) -> None:
    import cloudpickle

    for source in find_sources([str(inputs)]):
        data = cloudpickle.dumps(source)
        assert len(data) < 5000
        assert pickle.loads(data).read() == source.read()


def test_without_ray_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from hmer_cli.ray_cluster import connected

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingError, match=r"hmer-cli\[ray\]"), connected():
        pass


@needs_ray
def test_ray_that_was_loaded_with_its_statistics_on_is_refused() -> None:
    script = (
        "import ray, hmer_cli.ray_cluster as r\n"
        "try: r.load_ray()\nexcept Exception as e: print(type(e).__name__, e)\n"
        "else: print('taken')"
    )
    environment = {k: v for k, v in os.environ.items() if k != "RAY_USAGE_STATS_ENABLED"}
    for setting, said in (({}, "MissingError"), ({"RAY_USAGE_STATS_ENABLED": "0"}, "taken")):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**environment, **setting}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.startswith(said)


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    """Two workers on this machine."""
    from hmer_cli.ray_cluster import connected

    tests = str(Path(__file__).parent)  # workers must find the Reader of this file
    before = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join([tests, str(Path(tests).parent), before])
    with connected(None, 2) as cluster:
        yield cluster
    os.environ["PYTHONPATH"] = before


def on_ray(inputs: Sequence[str], out: Path, reader: Reader, cache: Path | None = None) -> bytes:
    from hmer_cli.commands.convert_on_ray import convert_on_ray
    from hmer_cli.ray_data import Job

    job = Job(lambda: reader, Options(pictures=out.suffix == ".html"), cache)
    convert_on_ray(inputs, [str(out)], job=job, readers=2)
    return out.read_bytes()


def alone(inputs: Sequence[str], out: Path, marks: Path) -> bytes:
    convert(inputs, [str(out)], recogniser=Reader(marks))
    return out.read_bytes()


@needs_ray
@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("ending", ["jsonl", "html"])
def test_two_workers_write_what_one_process_writes(
    ending: str, inputs: Path, tmp_path: Path
) -> None:
    given = [str(inputs / "page7.png"), str(inputs), str(inputs / "nowhere.png")]
    plain = alone(given, tmp_path / f"plain.{ending}", tmp_path)
    assert on_ray(given, tmp_path / f"ray.{ending}", Reader(tmp_path)) == plain


@needs_ray
@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_killed_worker_costs_nothing(
    inputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (marks := tmp_path / "marks").mkdir()
    read = on_ray([str(inputs)], tmp_path / "ray.jsonl", Reader(marks, dies="once"))
    assert (marks / "died").exists()
    assert capsys.readouterr().out == ""
    assert read == alone([str(inputs)], tmp_path / "plain.jsonl", tmp_path)


@needs_ray
@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_worker_that_ray_destroys_while_it_starts_costs_nothing(
    inputs: Path, tmp_path: Path
) -> None:
    from hmer_cli.commands.convert_on_ray import convert_on_ray
    from hmer_cli.ray_data import Job

    here, destroyed = os.getpid(), tmp_path / "destroyed"

    def load() -> Reader:
        if os.getpid() != here and not destroyed.exists():
            import ray

            destroyed.touch()
            ray.kill(ray.get_runtime_context().current_actor, no_restart=True)
            time.sleep(60)
        return Reader(tmp_path)

    given = [str(inputs / "page1.png"), str(inputs / "page2.png")]
    convert_on_ray(given, [str(tmp_path / "ray.jsonl")], job=Job(load, Options()), readers=2)
    assert destroyed.exists()
    read = (tmp_path / "ray.jsonl").read_bytes()
    assert read == alone(given, tmp_path / "plain.jsonl", tmp_path)


@needs_ray
@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_what_was_read_before_is_not_read_again(inputs: Path, tmp_path: Path) -> None:
    (first := tmp_path / "first").mkdir()
    (second := tmp_path / "second").mkdir()
    kept = tmp_path / "kept"
    read = on_ray([str(inputs)], tmp_path / "one.jsonl", Reader(first), kept)
    again = on_ray([f"file://{inputs}/page3.png"], tmp_path / "two.jsonl", Reader(second), kept)
    assert len(list(first.iterdir())) > 12
    assert not list(second.iterdir())
    assert again.replace(b"file://", b"") in read


@needs_ray
@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_file_that_kills_every_worker_is_a_failure_and_stops_no_other(
    inputs: Path, tmp_path: Path
) -> None:
    given = [str(inputs / f"page{i}.png") for i in (0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 7)]
    label = Converter(recogniser=Reader(tmp_path)).read(str(inputs / "page7.png")).label
    digit = label.split()[-2]
    read = on_ray(given, tmp_path / "ray.jsonl", Reader(tmp_path, dies=digit)).decode()
    assert read.count('"status": "failed"') <= 4
    assert "page7.png: 4 workers died" in read
    assert read.count('"error": null') >= 7


def test_tables_of_any_records_have_one_schema_and_lose_nothing(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Apache Arrow is not installed")
    from pyarrow import dataset, parquet

    from hmer_cli.document.formats.arrow import table as _table

    box = (1.0, 2.0, 3.0, 4.0)
    read = Record("a.png", 1, box, "x", label="x", key="k", confidence=1, status="ok", error=None,
                  model="m", alternatives=(Alternative("y", 0.5),),
                  tokens=(TokenReading("x", 0.9, box),))  # fmt: skip
    bare = replace(read, key="l", region=(1, 2, 3, 4), alternatives=(), tokens=())
    kinds = [
        Record("b.png", None, None, "", confidence=0, status="failed", error="broken", model=""),
        bare,
        read,
        replace(read, key="m", lines=(read, bare)),
    ]
    rows = [[json.loads(line) for line in jsonl([each]).splitlines()] for each in kinds]
    tables = [_table(each) for each in [[], *rows]]
    for i, table in enumerate(tables):
        parquet.write_table(table, tmp_path / f"{i}.parquet")
    assert len({str(table.schema) for table in tables}) == 1
    assert dataset.dataset(tmp_path).to_table().to_pylist() == [
        row for each in rows for row in each
    ]
    assert rows[3][0]["derivation"]


@needs_ray
@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_dataset_of_files_is_read_to_a_dataset_of_records(inputs: Path, tmp_path: Path) -> None:
    import ray
    from pyarrow import dataset

    from hmer_cli.ray_data import read

    files = ray.data.read_binary_files(str(inputs), include_paths=True, override_num_blocks=4)
    wanted = files.filter(lambda row: "page" not in row["path"])
    # As many readers as the cluster has cores, one of which must open the files.
    read(wanted, readers=2).write_parquet(str(tmp_path / "eqs"))
    rows = dataset.dataset(tmp_path / "eqs").to_table().to_pylist()
    by_name = {Path(row["source"]).name: row for row in rows}
    assert by_name["broken.png"]["status"] == "failed"
    assert "not a kind of file" in by_name["broken.png"]["error"]
    assert sum(Path(row["source"]).name == "notes.pdf" for row in rows) == 2
    assert by_name["notes.pdf"]["latex"]


@needs_ray
@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_dataset_is_refused_by_workers_with_other_weights(inputs: Path, tmp_path: Path) -> None:
    import ray

    from hmer_cli.ray_data import Job, _records

    here = os.getpid()

    def load() -> Reader:
        reader = Reader(tmp_path)
        reader.identity = "these" if os.getpid() == here else "others"
        return reader

    files = ray.data.read_binary_files(str(inputs / "page0.png"), include_paths=True)
    with pytest.raises(MissingError, match="a worker of Ray has another hmer, weights"):
        _records(files, Job(load, Options()), 1, ray).take_all()


@needs_ray
@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_worker_without_the_weights_is_said_in_one_line(inputs: Path, tmp_path: Path) -> None:
    from hmer_cli.commands.convert_on_ray import convert_on_ray
    from hmer_cli.ray_data import Job

    here = os.getpid()

    def load() -> Reader:
        if os.getpid() != here:
            raise MissingError("no weights", "install them")
        return Reader(tmp_path)

    with pytest.raises(MissingError, match="gave up: no weights"):
        convert_on_ray([str(inputs)], [str(tmp_path / "a.jsonl")], job=Job(load, Options()))


@needs_ray
def test_ray_that_does_not_start_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from hmer_cli.ray_cluster import connected, load_ray

    left: list[subprocess.Popen[bytes]] = []

    def late(**settings: object) -> None:
        sleep = "import time; time.sleep(600)"
        left.append(subprocess.Popen([sys.executable, "-c", sleep, str(settings["_temp_dir"])]))
        raise Exception("The current node timed out during startup.")

    ray = load_ray()
    monkeypatch.setattr(ray, "init", late)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "shutdown", lambda: None)  # leave the cluster of other tests
    with pytest.raises(MissingError, match=r"does not start .*timed out"), connected():
        pass
    assert [process.wait(60) for process in left] == [-signal.SIGKILL] * 3


@needs_ray
@pytest.mark.slow
def test_no_cluster_at_an_address_is_said_in_one_line() -> None:
    from hmer_cli.ray_cluster import connected

    if "ray" in sys.modules:
        sys.modules["ray"].shutdown()  # that of the tests before
    with pytest.raises(UsageError, match="ray start"), connected("127.0.0.1:1"):
        pass
