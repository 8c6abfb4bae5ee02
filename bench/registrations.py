"""Registrations of 100,000 accounts: against a Kamailio that is a registrar and nothing else, by turns.

SIPp is every telephone, as fast as it is answered: with it and Kamailio on one machine a second has fewer of them than
Kamailio alone would take, on both sides alike.
"""

import contextlib
import shutil
import signal
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench import cpu, relays, servers
from bench.relays import CONFIGURATION
from bench.rounds import progress
from bench.rows import Budget, Row
from cordboard.domain.edge import AccountRow
from cordboard.engines.edge import locations
from cordboard.engines.edge.file import EdgeFile, Put
from cordboard.engines.edge.folder import Record
from cordboard.engines.edge.registrar import Registrar
from cordboard.engines.edge.rows import ha1
from tests.calls import edges
from tests.calls.edges import RunningEdge, free_port
from tests.calls.phone import Address

SCENARIO = Path(__file__).with_name("register.xml")
PHONES = "127.0.3.1"
PASSWORD = "bench-password"
REALM = "cordboard"
RATE = Budget(bound="at least", value=0.9)
#: Registrations under way at once.
AT_ONCE = 64
#: Accounts on a page of a list.
PAGE = 50


class RegistrationsFailed(Exception):
    """Not every account was registered. The message is what SIPp told."""


@dataclass(frozen=True, kw_only=True)
class Round:
    """What one round of registrations took."""

    seconds: float
    #: Of Kamailio's, in all.
    cpu: float


def measure(_client: ProcessPoolExecutor, quick: bool) -> Iterator[Row]:
    """Rows of the rate and CPU of registering, of the memory it takes, of look-ups, and of a restart."""
    accounts, rounds = (2_000, 1) if quick else (100_000, 2)
    names = [f"account{index}" for index in range(accounts)]
    with servers.folder() as data:
        data.chmod(0o711)
        running = RunningEdge(edges.options(data, probe_seconds=0, flood_messages=0))
        progress(f"registrations: filling with {accounts:,} accounts")
        fill(running.file, names)
        running.start()
        try:
            yield from _registering(running, names, rounds)
            yield from _looking_up(running, names)
            yield from _restarting(running, names)
        finally:
            running.run(running.edge.stop())
            running.close()


def fill(file: EdgeFile, names: list[str]) -> None:
    """So many accounts of one tenant's."""
    file.clear("bench")
    file.stage(
        Put(AccountRow(id=name, username=name, tenant="tenant", ha1=ha1(name, REALM, PASSWORD))) for name in names
    )
    file.commit(2)


def _registering(running: RunningEdge, names: list[str], rounds: int) -> Iterator[Row]:
    ours: list[Round] = []
    floor: list[Round] = []
    empty = _shared(running)
    with _registrar(running.folder / "edge.sqlite") as (at, floor_pids):
        pids = relays.tree(Record.read(running.options.data).processes["kamailio"].pid)
        for number in range(rounds):
            progress(f"registrations: round {number + 1} of {rounds}")
            floor.append(_round(at, names, floor_pids))
            ours.append(_round(running.sip, names, pids))
    bytes_each = (_shared(running) - empty) / len(names)
    rates = [len(names) / statistics.median(each.seconds for each in side) for side in (floor, ours)]
    used = [statistics.median(each.cpu for each in side) / len(names) * 1e6 for side in (floor, ours)]
    title = f"registrations, {len(names):,} accounts"
    yield Row(name=f"{title}", floor=rates[0], measured=rates[1], unit="a second", budget=RATE)
    yield Row(name=f"CPU of one, {len(names):,} accounts", floor=used[0], measured=used[1], unit="µs CPU", budget=None)
    yield Row(name="shared memory of one, against 1 KiB", floor=1024, measured=bytes_each, unit="bytes", budget=None)


def _looking_up(running: RunningEdge, names: list[str]) -> Iterator[Row]:
    """The live state of a page, against that of one account."""
    registrar = Registrar(running.edge)
    step = len(names) // PAGE
    one = _median_ms(running, registrar, names[:1])
    page = _median_ms(running, registrar, names[::step][:PAGE])
    yield Row(name=f"live state of {PAGE} accounts, against one", floor=one, measured=page, unit="ms", budget=None)


def _median_ms(running: RunningEdge, registrar: Registrar, names: list[str]) -> float:
    took = []
    for _ in range(50):
        began = time.perf_counter()
        found = running.run(registrar.registrations(names))
        took.append((time.perf_counter() - began) * 1000)
        if len(found) != len(names):
            raise RegistrationsFailed(f"{len(found)} of {len(names)} are online")
    return statistics.median(took)


def _restarting(running: RunningEdge, names: list[str]) -> Iterator[Row]:
    """From the end of a Kamailio to the first look-up at the next one, which knows all of them."""
    progress("registrations: until all stand in the file")
    deadline = time.monotonic() + 120
    while _stored(running) < len(names) and time.monotonic() < deadline:
        time.sleep(0.5)
    registrar = Registrar(running.edge)
    began = time.perf_counter()
    running.edge.kamailio.place.signal(signal.SIGKILL)
    while True:
        with contextlib.suppress(Exception):
            if len(running.run(registrar.registrations(names[-1:]))) == 1:
                break
        time.sleep(0.01)
    seconds = time.perf_counter() - began
    yield Row(
        name=f"killed, and back with {len(names):,} registrations, against a second",
        floor=1,
        measured=seconds,
        unit="s",
        budget=None,
    )


def _round(to: Address, names: list[str], pids: tuple[int, ...]) -> Round:
    """Each account once. Raises RegistrationsFailed."""
    sipp = shutil.which("sipp")
    if sipp is None:
        raise RegistrationsFailed("sipp is missing: make install-test")
    with tempfile.TemporaryDirectory(prefix="cordboard-bench-sipp-") as folder:
        rows = (f"{name};[authentication username={name} password={PASSWORD}]\n" for name in names)
        (Path(folder) / "rows.csv").write_text("SEQUENTIAL\n" + "".join(rows))
        before, began = cpu.seconds(pids), time.perf_counter()
        done = subprocess.run(
            [
                *(sipp, f"{to[0]}:{to[1]}", "-sf", SCENARIO, "-inf", "rows.csv", "-i", PHONES),
                *("-p", str(free_port(PHONES)), "-t", "u1", "-r", "20000", "-l", str(AT_ONCE)),
                *("-m", str(len(names)), "-nostdin", "-timeout", "240", "-trace_err"),
            ],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=300,
            check=False,
        )
        seconds, used = time.perf_counter() - began, cpu.between(before, cpu.seconds(pids))
        if done.returncode != 0:
            told = "".join(path.read_text(errors="replace")[:2000] for path in Path(folder).glob("*_errors.log"))
            raise RegistrationsFailed(told or done.stdout.decode(errors="replace")[-2000:])
    return Round(seconds=seconds, cpu=used)


def _stored(running: RunningEdge) -> int:
    """Registrations that stand in the file."""
    path = running.folder / "location.sqlite"
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        return int(database.execute("select count(*) from location").fetchone()[0])


def _shared(running: RunningEdge) -> int:
    """Bytes of shared memory in use."""
    return int(running.run(running.edge.rpc.call("core.shmmem"))["used"])


@contextlib.contextmanager
def _registrar(edge_file: Path) -> Iterator[tuple[Address, tuple[int, ...]]]:
    """The floor."""
    with servers.folder() as folder:
        location = folder / "location.sqlite"
        locations.prepare(location, -1, -1)
        port = free_port()
        text = (CONFIGURATION.with_name("registrar.cfg")).read_text()
        for name, value in (
            ("LISTEN", f"127.0.0.1:{port}"),
            ("EDGE_DB", edge_file),
            ("LOCATION_DB", location),
            ("REALM", REALM),
        ):
            text = text.replace(name, str(value))
        (folder / "kamailio.cfg").write_text(text)
        with relays.started(folder, port) as processes:
            yield ("127.0.0.1", port), processes
