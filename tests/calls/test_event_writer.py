"""The writer of events: what others do to its file costs no event, and the file stays as small as it is told to."""

import contextlib
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cordboard.domain.calls import Answered, Call, Ended, Learnt, Message
from cordboard.engines.edge.events import Ingested, prepare
from tests.calls import told
from tests.calls.edges import RunningEdge, agent, number, running_edge, trunk
from tests.calls.sipp import answering, place_calls
from tests.calls.standing import until

CALLED = "+34911234567"


@contextlib.contextmanager
def routed_to_sipp(**options: int) -> Iterator[RunningEdge]:
    """An edge of its own, with a SIPp that answers the calls of one number."""
    with running_edge(**options) as edge, answering("127.0.2.1", trace=False) as uas:
        edge.file.rebuild((), "test", edge.revision)
        edge.put(number(CALLED), trunk(), agent(uri=f"sip:{{number}}@{uas.at}"))
        yield edge


def lives(edge: RunningEdge, calls: int) -> Counter[type]:
    """How many calls have a start, an answer and an end, once that many have."""

    def counted() -> Counter[type]:
        seen = {(type(e), e.id if isinstance(e, Call) else e.call) for e in told.events(edge) if not _other(e)}
        return Counter(kind for kind, _ in seen)

    deadline = time.monotonic() + 10
    while counted()[Ended] < calls and time.monotonic() < deadline:
        time.sleep(0.2)
    return counted()


def _other(event: object) -> bool:
    return not isinstance(event, Call | Answered | Ended)


def hold_the_lock(path: Path, over: threading.Event) -> None:
    """A foreign writer, for 1.5 s at a time."""
    while not over.is_set():
        with contextlib.closing(sqlite3.connect(path, timeout=5, isolation_level=None)) as database:
            database.execute("begin immediate")
            over.wait(1.5)
            database.execute("rollback")
        over.wait(0.3)


def read_for_long(path: Path, over: threading.Event) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("begin")
        database.execute("select count(*) from event").fetchone()
        over.wait()


def checkpoint(path: Path, over: threading.Event) -> None:
    with contextlib.closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as database:
        while not over.is_set():
            with contextlib.suppress(sqlite3.OperationalError):
                database.execute("pragma wal_checkpoint(truncate)")


@pytest.mark.parametrize("nuisance", [hold_the_lock, read_for_long, checkpoint])
def test_nobody_else_at_the_file_costs_an_event(nuisance: Callable[[Path, threading.Event], None]) -> None:
    with routed_to_sipp() as edge:
        over = threading.Event()
        thread = threading.Thread(target=nuisance, args=(edge.folder / "events.sqlite", over))
        thread.start()
        try:
            result = place_calls(edge.sip, [CALLED] * 400, rate=100)
        finally:
            over.set()
            thread.join()
        assert result.failed == 0, result.log
        assert lives(edge, 400) == {Call: 400, Answered: 400, Ended: 400}
        assert Counter(type(e) for e in told.events(edge))[Message] >= 400 * 6
        assert set(told.counters(edge).values()) == {0}


def test_a_full_file_gives_up_messages_before_calls_and_counts_them() -> None:
    with routed_to_sipp(events_megabytes=1) as edge:
        result = place_calls(edge.sip, [CALLED] * 1000, rate=200)
        assert result.failed == 0, result.log
        assert lives(edge, 1000) == {Call: 1000, Answered: 1000, Ended: 1000}
        kept = Counter(type(e) for e in told.events(edge))[Message]
        counters = told.counters(edge)
        assert counters["calls"] == 0
        assert counters["messages"] > 0
        assert kept + counters["messages"] >= 1000 * 6
        assert (edge.folder / "events.sqlite").stat().st_size < 1.3 * (1 << 20)


def test_what_has_been_ingested_is_deleted_and_no_more() -> None:
    with routed_to_sipp() as edge:
        place_calls(edge.sip, [CALLED] * 100, rate=100)
        lives(edge, 100)
        assert until(lambda: sum(type(e) in (Message, Learnt) for e in told.events(edge)) >= 100 * (6 + 4))
        with contextlib.closing(sqlite3.connect(edge.folder / "events.sqlite")) as database:
            (file,) = database.execute("select file from meta").fetchone()
            ids = [id for (id,) in database.execute("select id from event order by id")]
            Ingested(edge.folder / "edge.sqlite").publish("another file", ids[-1])
            time.sleep(1.5)
            assert database.execute("select count(*) from event").fetchone() == (len(ids),)
            Ingested(edge.folder / "edge.sqlite").publish(file, ids[len(ids) // 2])
            rest = [(id,) for id in ids[len(ids) // 2 + 1 :]]
            assert until(lambda: database.execute("select id from event order by id").fetchall() == rest)
            time.sleep(1.5)
            assert database.execute("select id from event order by id").fetchall() == rest


def test_ids_are_never_used_again_though_all_rows_go() -> None:
    with routed_to_sipp() as edge:
        place_calls(edge.sip, [CALLED], rate=100)
        lives(edge, 1)
        with contextlib.closing(sqlite3.connect(edge.folder / "events.sqlite")) as database:
            (file, last) = database.execute("select file, (select max(id) from event) from meta").fetchone()
            Ingested(edge.folder / "edge.sqlite").publish(file, last)
            assert until(lambda: database.execute("select count(*) from event").fetchone() == (0,))
            place_calls(edge.sip, [CALLED], rate=100)
            lives(edge, 1)
            assert database.execute("select min(id) from event").fetchone() == (last + 1,)


def test_a_file_that_is_none_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    path.write_bytes(b"no database" * 1000)
    prepare(path, 0, 0)
    assert (tmp_path / "events.sqlite.broken").read_bytes().startswith(b"no database")
    with contextlib.closing(sqlite3.connect(path)) as database:
        (name,) = database.execute("select file from meta").fetchone()
        database.execute("insert into event(class, lines, body) values (0, 1, 'x')")
        database.commit()
    prepare(path, 0, 0)
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("select file, (select count(*) from event) from meta").fetchone() == (name, 1)
