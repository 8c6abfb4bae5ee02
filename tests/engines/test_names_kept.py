"""Names over time: looked up once wanted, again by their time to live, kept through outages and restarts."""

import asyncio
import contextlib
import dataclasses
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from cordboard.domain.addresses import HostPolicy, HostPort
from cordboard.engines.edge.file import create_tables
from cordboard.engines.edge.names.reach import Reach
from cordboard.engines.edge.names.servers import NameServers
from cordboard.engines.edge.names.state import NameState, Pace
from cordboard.engines.edge.names.watch import Names
from tests.dns import NameServer, name_server

#: As the real one, a hundred times faster.
FAST = Pace(
    shortest=0.05,
    longest=1.0,
    longest_negative=0.1,
    longest_retry=0.1,
    grace=0.6,
    survey=0.2,
    spread=0.1,
    wait=0.5,
)
PBX = "pbx.test;5060;"


@pytest.fixture
def dns() -> Iterator[NameServer]:
    with name_server() as server:
        yield server


class EdgeTable:
    """The edge's file with the two tables in question; `want` stands for the projector's work."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("pragma journal_mode=wal")
        create_tables(self.connection)

    def want(self, *names: str) -> None:
        """These and no others."""
        self.connection.execute("begin immediate")
        self.connection.execute("delete from hop")
        rows = [(f"trunk-{position}", name) for position, name in enumerate(names)]
        self.connection.executemany("insert into hop values(?,0,'','',?,1,'',0,'')", rows)
        self.connection.execute("commit")

    def uris(self, name: str = PBX) -> list[str]:
        rows = self.connection.execute("select uri from resolved where name=? order by rank", (name,))
        return [uri.removeprefix("sip:").removesuffix(";transport=udp") for (uri,) in rows]

    def shows(self, *uris: str) -> bool:
        return self.uris() == list(uris)

    def resolved(self) -> int:
        """How many names have an address."""
        return int(self.connection.execute("select count(distinct name) from resolved").fetchone()[0])


@pytest.fixture
def table(tmp_path: Path) -> Iterator[EdgeTable]:
    made = EdgeTable(tmp_path / "edge.sqlite")
    yield made
    made.connection.close()


def new_names(table: EdgeTable, *dns: NameServer, pace: Pace = FAST, private: bool = True) -> Names:
    return Names(
        table.path,
        NameServers(tuple(HostPort(host=server.address, port=server.port) for server in dns)),
        Reach(hosts=HostPolicy(allow_private=private)),
        structlog.get_logger(),
        pace=pace,
    )


@contextlib.asynccontextmanager
async def running(table: EdgeTable, *dns: NameServer, pace: Pace = FAST, private: bool = True) -> AsyncIterator[Names]:
    names = new_names(table, *dns, pace=pace, private=private)
    await names.start()
    work = asyncio.create_task(names.run())
    try:
        yield names
    finally:
        work.cancel()
        await asyncio.wait({work})


def state(names: Names, name: str = PBX) -> NameState:
    found = names.about(name)
    assert found is not None
    return found


async def until(true: Callable[[], object], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to that"
        await asyncio.sleep(0.01)


@pytest.mark.anyio
async def test_a_name_that_a_write_brought_is_resolved_before_its_answer(dns: NameServer, table: EdgeTable) -> None:
    dns.set("pbx.test", "A", "192.0.2.1")
    dns.delay = 0.1
    async with running(table, dns) as names:
        table.want(PBX)
        names.noticed([PBX])
        await names.settled([PBX])
        assert table.uris() == ["192.0.2.1:5060"]
        began = time.monotonic()
        await names.settled([PBX])
        assert time.monotonic() - began < 0.05, "it is known: there is nothing to wait for"


@pytest.mark.anyio
async def test_a_write_waits_for_a_dead_name_a_moment_only_and_soon_not_at_all(
    dns: NameServer, table: EdgeTable
) -> None:
    dns.silent.add("")
    pace = dataclasses.replace(FAST, wait=0.2, look=0.3)
    async with running(table, dns, pace=pace) as names:
        began = time.monotonic()
        await names.settled([PBX])
        assert 0.15 < time.monotonic() - began < 0.4
        dead = [f"dead{n}.test;;" for n in range(20)]
        table.want(*dead)
        names.noticed(dead)
        await until(lambda: names.lookups["unanswered"] > 10)
        table.want(*dead, "new.test;;")
        began = time.monotonic()
        await names.settled(["new.test;;"])
        assert time.monotonic() - began < 0.1, "nobody answers: writes are not slow for nothing"


@pytest.mark.anyio
async def test_a_record_that_changes_is_followed_after_its_time_to_live(dns: NameServer, table: EdgeTable) -> None:
    dns.set("pbx.test", "A", "192.0.2.1", ttl=1)
    dns.set("slow.test", "A", "192.0.2.3", ttl=300)
    table.want(PBX, "slow.test;5060;")
    async with running(table, dns, pace=dataclasses.replace(FAST, longest=300)) as names:
        await until(lambda: table.resolved() == 2)
        dns.set("pbx.test", "A", "192.0.2.2", ttl=1)
        began = time.monotonic()
        with capture_logs() as logs:
            await until(lambda: table.uris() == ["192.0.2.2:5060"])
        assert 0.5 < time.monotonic() - began < 2
        assert [line["event"] for line in logs] == ["a name leads elsewhere"]
        assert dns.asked["slow.test", "A"] == 1
        slow = state(names, "slow.test;5060;")
        assert slow.looked_at is not None
        assert 250 < (slow.next_look_at - slow.looked_at).total_seconds() < 340
        assert (slow.error, slow.uris) == (None, ("sip:192.0.2.3:5060;transport=udp",))


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["silent", "failing"])
async def test_the_last_good_answer_outlives_the_name_server(dns: NameServer, table: EdgeTable, how: str) -> None:
    dns.set("pbx.test", "A", "192.0.2.1", ttl=0)
    table.want(PBX)
    pace = dataclasses.replace(FAST, look=0.1, grace=0.2)
    async with running(table, dns, pace=pace) as names:
        await until(lambda: table.resolved() == 1)
        getattr(dns, how).add("pbx.test")
        await until(lambda: names.lookups["unanswered"] >= 5)
        assert table.uris() == ["192.0.2.1:5060"]
        assert state(names).error
        getattr(dns, how).clear()
        dns.set("pbx.test", "A", "192.0.2.2", ttl=0)
        await until(lambda: table.uris() == ["192.0.2.2:5060"])
        assert state(names).error is None


@pytest.mark.anyio
async def test_half_an_answer_does_not_replace_a_whole_one(dns: NameServer, table: EdgeTable) -> None:
    dns.set("_sip._udp.pbx.test", "SRV", "1 0 5060 a.test.", "2 0 5060 b.test.", ttl=0)
    dns.set("a.test", "A", "192.0.2.1", ttl=0)
    dns.set("b.test", "A", "192.0.2.2", ttl=0)
    dns.failing.add("a.test")
    name = "pbx.test;;udp"
    table.want(name)
    async with running(table, dns) as names:
        await until(lambda: table.uris(name) == ["192.0.2.2:5060"])  # better than nothing
        dns.failing.clear()
        await until(lambda: table.uris(name) == ["192.0.2.1:5060", "192.0.2.2:5060"])
        dns.failing.add("a.test")
        failed = names.lookups["unanswered"]
        await until(lambda: names.lookups["unanswered"] > failed + 2)
        assert table.uris(name) == ["192.0.2.1:5060", "192.0.2.2:5060"]


@pytest.mark.anyio
async def test_a_name_that_is_gone_stands_for_its_grace(dns: NameServer, table: EdgeTable) -> None:
    dns.set("pbx.test", "A", "192.0.2.1", ttl=0)
    table.want(PBX)
    async with running(table, dns) as names:
        await until(lambda: table.resolved() == 1)
        dns.clear()
        began = time.monotonic()
        await until(lambda: names.lookups["nothing"] >= 2)
        assert table.uris() == ["192.0.2.1:5060"]
        await until(lambda: table.uris() == [])
        assert time.monotonic() - began > 0.5
        dns.set("pbx.test", "A", "192.0.2.5", ttl=0)
        await until(lambda: table.uris() == ["192.0.2.5:5060"])


@pytest.mark.anyio
async def test_a_name_that_turns_private_is_refused_at_once(dns: NameServer, table: EdgeTable) -> None:
    """DNS rebinding: the first answer was harmless."""
    dns.set("pbx.test", "A", "203.0.113.1", ttl=0)
    table.want(PBX)
    async with running(table, dns, private=False) as names:
        await until(lambda: table.uris() == ["203.0.113.1:5060"])
        with capture_logs() as logs:
            dns.set("pbx.test", "A", "127.0.0.1", ttl=0)
            await until(lambda: table.uris() == [])
        assert "sip:127.0.0.1:5060;transport=udp private-host" in (state(names).error or "")
        assert "addresses of a name are refused" in [line["event"] for line in logs]


@pytest.mark.anyio
async def test_answers_outlive_a_restart_without_any_name_server(dns: NameServer, table: EdgeTable) -> None:
    dns.set("pbx.test", "A", "192.0.2.1")
    table.want(PBX)
    async with running(table, dns):
        await until(lambda: table.resolved() == 1)
    dns.silent.add("")
    async with running(table, dns, pace=dataclasses.replace(FAST, look=0.2)) as names:
        assert state(names).uris == ("sip:192.0.2.1:5060;transport=udp",)
        await until(lambda: names.lookups["unanswered"] >= 2)
        assert table.uris() == ["192.0.2.1:5060"]


@pytest.mark.anyio
async def test_names_that_nobody_has_any_more_are_forgotten(dns: NameServer, table: EdgeTable) -> None:
    dns.set("pbx.test", "A", "192.0.2.1", ttl=0)
    dns.set("other.test", "A", "192.0.2.2", ttl=0)
    table.want(PBX, "other.test;5060;")
    async with running(table, dns) as names:
        await until(lambda: table.resolved() == 2)
        table.want("other.test;5060;")
        await until(lambda: table.resolved() == 1)
        assert names.about(PBX) is None
        asked = dns.asked["pbx.test", "A"]
        await asyncio.sleep(0.3)
        assert dns.asked["pbx.test", "A"] == asked
        assert names.counts() == (1, 0)


@pytest.mark.anyio
async def test_a_name_written_again_is_looked_up_again_though_it_had_nothing(dns: NameServer, table: EdgeTable) -> None:
    table.want(PBX)
    pace = dataclasses.replace(FAST, longest_negative=300)
    async with running(table, dns, pace=pace) as names:
        await until(lambda: names.lookups["nothing"] == 1)
        dns.set("pbx.test", "A", "192.0.2.1")
        await asyncio.sleep(0.1)
        await names.settled([PBX])
        assert table.uris() == ["192.0.2.1:5060"]


@pytest.mark.slow
@pytest.mark.anyio
async def test_dead_names_do_not_delay_others(dns: NameServer, table: EdgeTable) -> None:
    """More names that nobody answers for than there is room for: a new name is resolved meanwhile."""
    dns.silent.add("dead.test")
    dns.set("pbx.test", "A", "192.0.2.1")
    dead = [f"n{n}.dead.test;5060;" for n in range(60)]
    new = [f"pbx{n}.test;5060;" for n in range(10)]
    table.want(*dead)
    async with running(table, dns, pace=dataclasses.replace(FAST, look=1.0, shortest=0.01)) as names:
        await until(lambda: names.lookups["unanswered"] >= 60, 20)
        waits = []
        for name in new:
            dns.set(name.partition(";")[0], "A", "192.0.2.1")
            began = time.monotonic()
            table.want(*dead, name)
            await names.settled([name])
            await until(partial(table.uris, name))
            waits.append(time.monotonic() - began)
        assert max(waits) < 0.8, waits


@pytest.mark.slow
@pytest.mark.anyio
async def test_two_thousand_names_are_spread_and_bounded(dns: NameServer, table: EdgeTable) -> None:
    wanted = [f"n{n}.many.test;5060;" for n in range(2000)]
    for n in range(2000):
        dns.set(f"n{n}.many.test", "A", f"192.0.{n // 250}.{n % 250 + 1}", ttl=3600)
    table.want(*wanted)
    most = 0
    async with running(table, dns, pace=dataclasses.replace(FAST, per_second=1000, longest=3600)) as names:
        began = time.monotonic()
        while table.resolved() < 2000:
            most = max(most, names._sure._busy + names._doubtful._busy)
            assert time.monotonic() - began < 60
            await asyncio.sleep(0.01)
        assert time.monotonic() - began > 1.8, "no faster than told"
        assert most <= 32
        assert sum(dns.asked.values()) - 2000 <= 100, "each once, but for answers that a busy machine was late for"
        due = sorted(state(names, name).next_look_at for name in wanted)
        assert 300 < (due[-1] - due[0]).total_seconds() < 400, "they do not come back all at once"
        names.noticed(wanted)
        names.noticed(wanted)
        await asyncio.sleep(0.1)
        assert len(names._sure) == 2000
        assert sum(dns.asked.values()) - 2000 <= 100, "each once, but for answers that a busy machine was late for"


@pytest.mark.anyio
async def test_addresses_are_written_beside_a_busy_projector(dns: NameServer, table: EdgeTable) -> None:
    """The projector holds the file's lock nearly always; nothing is lost, nobody fails."""
    dns.set("pbx.test", "A", "192.0.2.1", ttl=0)
    table.want(PBX)
    stop = asyncio.Event()

    def project() -> int:
        rounds = 0
        with contextlib.closing(sqlite3.connect(table.path, timeout=2, isolation_level=None)) as projector:
            while not stop.is_set():
                projector.execute("begin immediate")
                projector.execute("insert or replace into meta values(1,2,'epoch',?)", (rounds,))
                time.sleep(0.003)
                projector.execute("commit")
                time.sleep(0.0001)
                rounds += 1
        return rounds

    busy = asyncio.create_task(asyncio.to_thread(project))
    async with running(table, dns):
        for n in range(2, 8):
            dns.set("pbx.test", "A", f"192.0.2.{n}", ttl=0)
            await until(partial(table.shows, f"192.0.2.{n}:5060"))
    stop.set()
    assert await busy > 20


@pytest.mark.anyio
async def test_what_others_did_to_the_table_is_set_right(dns: NameServer, table: EdgeTable) -> None:
    dns.set("pbx.test", "A", "192.0.2.1")
    table.want(PBX)
    async with running(table, dns):
        await until(lambda: table.resolved() == 1)
        table.connection.execute("delete from resolved")
        table.connection.execute("insert into resolved values('stray.test;;', 0, 'sip:192.0.2.9')")
        await until(lambda: table.uris() == ["192.0.2.1:5060"] and table.resolved() == 1)


@pytest.mark.anyio
async def test_the_loop_is_never_held(dns: NameServer, table: EdgeTable) -> None:
    """While an exclusive lock of another keeps the addresses from being written."""
    dns.set("pbx.test", "A", "192.0.2.1")
    table.want(PBX)
    table.connection.execute("begin immediate")
    longest = 0.0
    async with running(table, dns) as names:
        for _ in range(60):
            began = time.monotonic()
            await asyncio.sleep(0.005)
            longest = max(longest, time.monotonic() - began)
        assert names.lookups["resolved"] == 1
        assert longest < 1, "the lock is waited for for two seconds"
        table.connection.execute("rollback")
        await until(lambda: table.uris() == ["192.0.2.1:5060"])
