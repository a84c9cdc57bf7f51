"""Workers of Ray that do not start: others read what is left, and nothing that was read is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from handmade import FakeRecogniser, cross, encoded

from hmer_cli.commands import convert_on_ray
from hmer_cli.commands.convert import convert, outcome
from hmer_cli.document.pipeline import Options
from hmer_cli.errors import InputError, MissingError
from hmer_cli.ray_cluster import Cluster

ray = pytest.importorskip("ray", reason="Ray is not installed")

Pools = Callable[..., None]


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> Pools:
    """Makes each pool of workers end as Ray does, after so many files; None is after all."""
    from hmer_cli import ray_data

    def ending(*counts: int | None) -> None:
        left = list(counts)

        def rows(items: list[Any], job: ray_data.Job, cluster: Cluster) -> Iterator[Any]:
            worker, count = ray_data._Worker(job), left.pop(0)
            for item in items[:count]:
                batch = {name: [value] for name, value in item.items()}
                for row in worker(batch):
                    yield {name: value for name, (value,) in row.items()}
            if count is not None:
                raise ray.exceptions.ActorDiedError

        monkeypatch.setattr(ray_data, "_rows", rows)

    monkeypatch.setattr(convert_on_ray, "connected", lambda *given: nullcontext(Cluster(1)))
    return ending


@pytest.fixture
def inputs(tmp_path: Path) -> list[str]:
    for i in range(3):
        (tmp_path / f"{i}.png").write_bytes(encoded(cross(100 + 10 * i)))
    return [str(tmp_path / f"{i}.png") for i in range(3)]


def on_ray(inputs: list[str], out: Path) -> list[Any]:
    from hmer_cli.ray_data import Job

    job = Job(FakeRecogniser, Options())
    return convert_on_ray.convert_on_ray(inputs, [str(out)], job=job, readers=1)


def test_another_pool_reads_what_one_left(pools: Pools, inputs: list[str], tmp_path: Path) -> None:
    pools(0, 1, None)
    assert outcome(on_ray(inputs, tmp_path / "ray.jsonl")) is None
    convert(inputs, [str(tmp_path / "plain.jsonl")], recogniser=FakeRecogniser())
    assert (tmp_path / "ray.jsonl").read_bytes() == (tmp_path / "plain.jsonl").read_bytes()


def test_what_was_read_is_kept_where_no_worker_starts_any_more(
    pools: Pools, inputs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pools(1, 0, 0)
    records = on_ray(inputs, tmp_path / "ray.jsonl")
    assert [record.status == "failed" for record in records] == [False, True, True]
    assert capsys.readouterr().err.count("no worker of Ray starts any more") == 2
    end = outcome(records)
    assert end is not None and end.exit_code == InputError.exit_code


def test_a_run_of_which_no_worker_starts_is_said_in_one_line(
    pools: Pools, inputs: list[str], tmp_path: Path
) -> None:
    pools(0, 0, 0)
    with pytest.raises(MissingError, match="no worker of Ray starts"):
        on_ray(inputs, tmp_path / "ray.jsonl")
