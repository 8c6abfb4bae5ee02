"""The engines outlive whoever supervises them, and come back when they die."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cordboard.engines.edge import folder
from cordboard.engines.edge.process import start_time
from cordboard.engines.edge.supervisor import EdgeFailed, down, prepare
from tests.calls.edges import RunningEdge, agent, free_port, number, options, running_as, trunk
from tests.calls.phone import Agent, Phone
from tests.calls.sipp import answering, place_calls

CALLED = "+34911234567"

pytestmark = pytest.mark.calls


@pytest.fixture
def edge(data: Path) -> Iterator[RunningEdge]:
    running = RunningEdge(options(data))
    running.start()
    yield running
    running.run(running.edge.stop())
    running.close()


@pytest.fixture
def ai() -> Iterator[Agent]:
    with Agent("127.0.2.1") as phone:
        yield phone


def route(edge: RunningEdge, target: str) -> None:
    edge.put(number(), trunk(), agent(uri=f"sip:{{number}}@{target}"))


def status(edge: RunningEdge) -> int | None:
    with Phone("127.0.1.1") as carrier:
        call = carrier.call(edge.sip, CALLED)
        if call.status == 200:
            call.hang_up()
        return call.status


def pids(edge: RunningEdge) -> dict[str, int]:
    return {engine.name: engine.process.pid for engine in (edge.edge.kamailio, edge.edge.rtpengine) if engine.process}


def processes(pid: int) -> list[int]:
    """A process and its children."""
    children = [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [pid, *children]


def seconds_until_calls_again(edge: RunningEdge) -> float:
    start = time.monotonic()
    while time.monotonic() < start + 10:
        if edge.edge.ready and status(edge) == 200:
            return time.monotonic() - start
        time.sleep(0.02)
    raise AssertionError("no calls any more")


@pytest.mark.parametrize("engine", ["kamailio", "rtpengine"])
def test_a_killed_engine_carries_calls_again_within_three_seconds(edge: RunningEdge, ai: Agent, engine: str) -> None:
    route(edge, ai.at)
    assert status(edge) == 200
    for _ in range(3):
        before = pids(edge)
        os.kill(before[engine], signal.SIGKILL)
        while edge.edge.ready:
            time.sleep(0.005)
        took = seconds_until_calls_again(edge)
        print(engine, f"{took:.2f} s")
        assert took < 3
        after = pids(edge)
        assert after.pop(engine) != before.pop(engine)
        assert after == before, "the other one is left alone"


def test_a_killed_worker_takes_kamailio_down_and_up_again(edge: RunningEdge, ai: Agent) -> None:
    route(edge, ai.at)
    main, *workers = processes(pids(edge)["kamailio"])
    os.kill(workers[0], signal.SIGKILL)
    while edge.edge.ready:
        time.sleep(0.005)
    assert seconds_until_calls_again(edge) < 3
    assert pids(edge)["kamailio"] != main


@pytest.mark.parametrize("engine", ["kamailio", "rtpengine"])
def test_a_hung_engine_is_replaced(edge: RunningEdge, ai: Agent, engine: str) -> None:
    route(edge, ai.at)
    before = pids(edge)[engine]
    os.killpg(before, signal.SIGSTOP)
    start = time.monotonic()
    while pids(edge).get(engine) in (before, None):
        assert time.monotonic() < start + 8
        time.sleep(0.02)
    assert seconds_until_calls_again(edge) < 3


def test_an_engine_is_not_blamed_for_our_own_standstill(edge: RunningEdge, ai: Agent) -> None:
    route(edge, ai.at)
    before = pids(edge)

    async def stand_still() -> None:
        time.sleep(4)

    edge.run(stand_still())
    time.sleep(1)
    assert pids(edge) == before
    assert edge.edge.ready
    assert status(edge) == 200


def test_the_engines_run_as_nobody_who_matters(edge: RunningEdge) -> None:
    secret = edge.options.data / "admin.token"
    secret.write_text("secret")
    secret.chmod(0o600)
    for pid in pids(edge).values():
        text = Path(f"/proc/{pid}/status").read_text()
        assert f"Uid:\t{running_as()}\t{running_as()}\t{running_as()}" in text
        assert os.geteuid() != 0 or "Groups:\t \n" in text
        assert os.getsid(pid) == pid, "a session of its own"
        assert not os.readlink(f"/proc/{pid}/fd/1").startswith("pipe:")
        assert "CORDBOARD" not in Path(f"/proc/{pid}/environ").read_text()
    if os.geteuid() == 0:
        inside = [str(edge.folder), str(edge.folder / "edge.sqlite")]
        outside = [
            str(edge.options.data),
            str(secret),
            str(edge.options.data / "edge.json"),
            str(edge.options.data / "kamailio.log"),
        ]
        seen = subprocess.run(
            ["/usr/bin/python3", "-c", _LOOK, *inside, *outside],
            user=5060,
            group=5060,
            extra_groups=(),
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        assert seen == inside


_LOOK = """
import os, sys
for path in sys.argv[1:]:
    try:
        os.listdir(path) if os.path.isdir(path) else open(path)
    except OSError:
        continue
    print(path)
"""


def test_stopping_ends_both(data: Path) -> None:
    running = RunningEdge(options(data))
    running.start()
    before = [pid for main in pids(running).values() for pid in processes(main)]
    running.run(running.edge.stop())
    assert not running.edge.ready
    assert not [pid for pid in before if start_time(pid)]
    running.close()


def test_a_killed_servers_engines_are_adopted_without_a_refused_call(data: Path) -> None:
    """The supervising process is killed while calls run; its successor takes over, three times."""
    running = RunningEdge(options(data))
    with answering("127.0.2.1", trace=False) as uas:
        route(running, uas.at)
        supervisor = _supervise(running)
        first = json.loads((data / "edge.json").read_text())["processes"]
        load = subprocess.Popen(
            [sys.executable, "-c", _LOAD, json.dumps(running.sip)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(3):
            time.sleep(1)
            supervisor.kill()
            supervisor.wait()
            supervisor = _supervise(running)
        out, _ = load.communicate(timeout=60)
        assert json.loads(out) == {"calls": 800, "failed": 0, "log": ""}
        assert json.loads((data / "edge.json").read_text())["processes"] == first
        supervisor.kill()
        supervisor.wait()
    assert sorted(down(data)) == ["kamailio", "rtpengine"]
    assert down(data) == []
    running.close()


_LOAD = """
import json, sys
from tests.calls.sipp import place_calls
done = place_calls(tuple(json.loads(sys.argv[1])), ["+34911234567"] * 800, rate=150)
print(json.dumps({"calls": done.calls, "failed": done.failed, "log": done.log if done.failed else ""}))
"""

_SUPERVISOR = """
import asyncio, sys, structlog
from pathlib import Path
from cordboard.engines.edge.supervisor import Edge, EdgeOptions

async def main():
    data, listen, rtp_min, rtp_max = sys.argv[1:]
    options = EdgeOptions(data=Path(data), sip_listen=(listen,), rtp_min=int(rtp_min), rtp_max=int(rtp_max))
    edge = Edge(options, structlog.get_logger())
    await edge.start()
    print("ready", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def _supervise(edge: RunningEdge) -> "subprocess.Popen[bytes]":
    """Another process that supervises the same edge."""
    o = edge.options
    process = subprocess.Popen(
        [sys.executable, "-c", _SUPERVISOR, str(o.data), o.sip_listen[0], str(o.rtp_min), str(o.rtp_max)],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line == b"ready\n":
            process.stdout.close()
            return process
    raise AssertionError("the supervisor did not start")


def again(edge: RunningEdge, **changes: object) -> RunningEdge:
    """A successor in the same data directory."""
    edge.close()
    successor = RunningEdge(replace(edge.options, **changes))  # type: ignore[arg-type]
    successor.start()
    return successor


def test_a_main_process_that_is_gone_leaves_no_workers_behind(data: Path, ai: Agent) -> None:
    running = RunningEdge(options(data))
    running.start()
    route(running, ai.at)
    main, *workers = processes(pids(running)["kamailio"])
    running.run(running.edge.detach())
    os.kill(main, signal.SIGKILL)
    assert any(start_time(pid) for pid in workers), "the workers go on without it"
    running = again(running)
    assert not any(start_time(pid) for pid in workers)
    assert status(running) == 200
    running.run(running.edge.stop())
    running.close()


def test_another_configuration_waits_for_the_last_call(data: Path, ai: Agent) -> None:
    running = RunningEdge(options(data))
    running.start()
    route(running, ai.at)
    before = pids(running)
    with Phone("127.0.1.1") as carrier:
        call = carrier.call(running.sip, CALLED)
        assert call.status == 200
        other = f"127.0.0.1:{free_port()}"
        running.run(running.edge.detach())
        running = again(running, sip_listen=(*running.options.sip_listen, other))
        time.sleep(1.2)
        assert pids(running) == before, "a call is up"
        assert call.hang_up() == 200
    start = time.monotonic()
    while pids(running).get("kamailio") in (before["kamailio"], None):
        assert time.monotonic() < start + 10
        time.sleep(0.05)
    running.until_ready()
    assert pids(running)["rtpengine"] == before["rtpengine"]
    with Phone("127.0.1.1") as carrier:
        assert carrier.call(("127.0.0.1", int(other.rpartition(":")[2])), CALLED).status == 200
    running.run(running.edge.stop())
    running.close()


def test_another_configuration_is_taken_at_once_if_so_ordered(data: Path, ai: Agent) -> None:
    running = RunningEdge(options(data))
    running.start()
    route(running, ai.at)
    before = pids(running)
    with Phone("127.0.1.1") as carrier:
        assert carrier.call(running.sip, CALLED).status == 200
    running.run(running.edge.detach())
    running = again(running, rtp_max=running.options.rtp_max + 2, replace_edge=True)
    assert pids(running)["rtpengine"] != before["rtpengine"]
    assert status(running) == 200
    running.run(running.edge.stop())
    running.close()


def test_a_kamailio_that_reads_another_file_is_replaced(data: Path, ai: Agent) -> None:
    running = RunningEdge(options(data))
    route(running, ai.at)
    running.start()
    assert status(running) == 200, "it has the file open"
    before = pids(running)
    running.run(running.edge.detach())
    running.close()
    for log in running.folder.glob("edge.sqlite-*"):
        log.unlink()  # SQLite would mend the file by it
    (running.folder / "edge.sqlite").write_bytes(b"spoilt" * 1000)
    running = RunningEdge(running.options)
    route(running, ai.at)
    running.start()
    assert pids(running)["kamailio"] != before["kamailio"]
    assert status(running) == 200
    running.run(running.edge.stop())
    running.close()


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_taken_port_is_said_at_once(data: Path, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            other.listen()
        port = other.getsockname()[1]
        running = RunningEdge(options(data, sip_listen=(f"127.0.0.1:{port}",)))
        with pytest.raises(EdgeFailed, match=f"127.0.0.1:{port} is taken by another program"):
            running.start()
    assert down(data) == [], "nothing is left of the attempt"
    running.close()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sip_listen": ("localhost:5060",)}, "is not an address and port"),
        ({"sip_listen": ("127.0.0.1",)}, "is not an address and port"),
        ({"sip_listen": ("127.0.0.1:70000",)}, "is not an address and port"),
        ({"sip_listen": ("192.0.2.1:5060",)}, "192.0.2.1:5060 cannot be used"),
        ({"media_address": "192.0.2.1"}, "192.0.2.1 cannot be used"),
        ({"rtp_min": 30000, "rtp_max": 30000}, "no range of RTP ports"),
        ({"tls_listen": "127.0.0.1:5061"}, "needs a certificate"),
        (
            {"tls_listen": "127.0.0.1:5061", "tls_certificate": Path("/nowhere"), "tls_key": Path("/nowhere")},
            "cannot read /nowhere",
        ),
    ],
)
def test_wrong_options_are_said_clearly(data: Path, change: dict[str, object], says: str) -> None:
    running = RunningEdge(options(data, **change))
    with pytest.raises(EdgeFailed, match=says):
        running.start()
    assert down(data) == []
    running.close()


def test_an_engine_that_cannot_start_shows_the_end_of_its_log(data: Path) -> None:
    key = data / "key"
    key.write_text("no key")
    running = RunningEdge(options(data, tls_listen=f"127.0.0.1:{free_port()}", tls_certificate=key, tls_key=key))
    with pytest.raises(EdgeFailed, match=r"(?s)kamailio did not start.*tls"):
        running.start()
    assert down(data) == []
    running.close()


def test_the_folder_moves_where_the_engines_can_reach_it(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("without root the engines are the user")
    monkeypatch.setattr(folder, "ELSEWHERE", data / "elsewhere")
    hidden = data / "hidden"
    hidden.mkdir(mode=0o700)
    chosen = options(hidden / "data")
    found = prepare(chosen)
    assert found.parent == data / "elsewhere"
    assert (hidden / "data" / "edge").resolve() == found
    assert stat.S_IMODE(found.stat().st_mode) == 0o700
    assert found.stat().st_uid == 5060
    assert prepare(chosen) == found, "the same each time"


def test_a_path_too_long_for_a_socket_is_refused(data: Path) -> None:
    with pytest.raises(EdgeFailed, match="too long"):
        prepare(options(data / ("x" * 100)))


def test_a_log_is_bounded(data: Path) -> None:
    from cordboard.engines.edge.process import Place

    place = Place(folder=data, log=data / "log", lock=data / "lock", uid=5060, gid=5060)
    place.log.write_bytes(b"a" * 1000 + b"b" * 500)
    place.bound_log(2000)
    assert place.log.stat().st_size == 1500
    place.bound_log(500)
    assert place.log.stat().st_size == 0
    assert (data / "log.1").read_bytes() == b"b" * 500


@pytest.mark.drill
def test_no_call_fails_while_the_edges_file_is_locked(edge: RunningEdge) -> None:
    """An exclusive transaction of 2 s, under 1,000 calls."""
    with answering("127.0.2.1", trace=False) as uas:
        route(edge, uas.at)
        locker = subprocess.Popen([sys.executable, "-c", _LOCKER, str(edge.folder / "edge.sqlite")])
        done = place_calls(edge.sip, [CALLED] * 1000, rate=250)
        assert locker.wait(30) == 0
    assert (done.calls, done.failed) == (1000, 0), done.log


_LOCKER = """
import sqlite3, sys, time
time.sleep(1)
lock = sqlite3.connect(sys.argv[1], isolation_level=None)
lock.execute("begin exclusive")
lock.execute("update number set number = number")
time.sleep(2)
lock.execute("commit")
"""
