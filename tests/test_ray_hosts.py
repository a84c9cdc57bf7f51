"""Ray on two hosts, which are network namespaces: each reads, and the output is the plain run's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from hmer_cli.commands.convert import convert

HOSTS = {"hmer-a": "10.79.0.1", "hmer-b": "10.79.0.2"}
EXAMPLES = Path(__file__).parent.parent / "examples"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed"),
]


def run(*command: str, host: str | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    inside = ["ip", "netns", "exec", host] if host else []
    environment = {**os.environ, "RAY_USAGE_STATS_ENABLED": "0", **more}
    return subprocess.run(
        [*inside, *command], capture_output=True, text=True, env=environment, timeout=240
    )


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[None]:
    """Two hosts with a cable between them, and no other network."""
    if shutil.which("ip") is None or run("ip", "netns", "add", "hmer-a").returncode:
        pytest.skip("no network namespaces can be made here")
    setup = [
        "netns add hmer-b",
        "link add hmer-va netns hmer-a type veth peer name hmer-vb netns hmer-b",
        *(f"-n {host} link set lo up" for host in HOSTS),
        *(f"-n {host} addr add {ip}/24 dev hmer-v{host[-1]}" for host, ip in HOSTS.items()),
        *(f"-n {host} link set hmer-v{host[-1]} up" for host in HOSTS),
    ]
    try:
        for line in setup:
            done = run("ip", *line.split())
            assert done.returncode == 0, done.stderr
        yield
    finally:
        for host in HOSTS:
            held = run("ip", "netns", "pids", host).stdout.split()
            run("kill", "-9", *held) if held else None
            run("ip", "netns", "del", host)


@pytest.mark.usefixtures("hosts")
def test_two_hosts_write_what_one_process_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")  # the hosts share no folder for a token
    ray = str(Path(sys.executable).with_name("ray"))
    common = ["--num-cpus=1", "--disable-usage-stats", "--object-store-memory=200000000"]
    head = ["--head", "--port=6379", "--include-dashboard=false"]
    for host, place in (("hmer-a", head), ("hmer-b", [f"--address={HOSTS['hmer-a']}:6379"])):
        temporary = (
            [f"--temp-dir={Path('/tmp') / f'{host}-{os.getpid()}'}"] if host[-1] == "a" else []
        )
        started = run(
            ray, "start", *place, f"--node-ip-address={HOSTS[host]}", *common, *temporary, host=host
        )
        assert started.returncode == 0, started.stdout + started.stderr
    names = ["limit.png", "basel.png", "euler.inkml", "integral.png", "derivative.png"]
    inputs = [str(EXAMPLES / name) for name in names]
    done = run(
        sys.executable, "-m", "hmer_cli", "convert", *inputs, "--engine", "ray", "--out",
        str(tmp_path / "ray.jsonl"), "--ray-address", f"{HOSTS['hmer-a']}:6379", "--no-cache",
        host="hmer-a",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    convert(inputs, [str(tmp_path / "plain.jsonl")])
    assert (tmp_path / "ray.jsonl").read_bytes() == (tmp_path / "plain.jsonl").read_bytes()
