"""A hundred thousand registrations outlast a killed Kamailio."""

import contextlib
import sqlite3
import time

import pytest

from cordboard.engines.edge.registrar import Registrar
from tests.calls.accounts import account, register
from tests.calls.edges import RunningEdge, running_edge
from tests.calls.phone import Phone
from tests.calls.standing import until

pytestmark = pytest.mark.drill
COUNT = 100_000


def fill(edge: RunningEdge) -> None:
    """As many rows as the usrloc module would have written, like the one that it did write."""
    with contextlib.closing(sqlite3.connect(edge.folder / "location.sqlite")) as database, database:
        names = [column[1] for column in database.execute("pragma table_info(location)")][1:]
        (row,) = database.execute(f"select {', '.join(names)} from location")
        template = dict(zip(names, row, strict=True))
        rows = (
            template
            | {
                "ruid": f"uloc-drill-{i:x}",
                "username": f"user{i}",
                "contact": f"sip:user{i}@192.168.{i >> 8 & 255}.{i & 255}:5060;line=abcdef{i}",
                "received": f"sip:10.{i >> 16}.{i >> 8 & 255}.{i & 255}:5060",
                "user_agent": "Yealink SIP-T46S 66.86.0.15",
            }
            for i in range(COUNT)
        )
        values = ", ".join(f":{name}" for name in names)
        database.executemany(f"insert into location ({', '.join(names)}) values ({values})", rows)


def test_a_hundred_thousand_registrations_outlast_kamailio() -> None:
    with running_edge() as edge, Phone("127.0.3.1") as phone:
        edge.put(account("alice"))
        assert register(phone, edge, "alice").status == 200
        time.sleep(2.5)
        kamailio = edge.edge.kamailio

        async def end_and_hold() -> None:
            await kamailio.changing.acquire()
            await kamailio.end(grace=0)

        async def release() -> None:
            kamailio.changing.release()

        edge.run(end_and_hold())
        fill(edge)
        began = time.monotonic()
        edge.run(release())
        assert until(lambda: kamailio.answers, 10)
        answered = time.monotonic() - began

        def registered() -> int:
            found = edge.run(edge.edge.rpc.call("stats.fetch", "registered_users"))
            return int(found["usrloc.registered_users"])

        assert until(lambda: registered() == COUNT + 1, 20)
        print(f"answers after {answered:.2f} s, has all after {time.monotonic() - began:.2f} s")
        names = [f"user{i}" for i in range(0, COUNT, COUNT // 50)]
        began = time.monotonic()
        found = edge.run(Registrar(edge.edge).registrations(names))
        print(f"50 accounts looked up in {(time.monotonic() - began) * 1000:.1f} ms")
        assert len(found) == 50
        assert register(phone, edge, "alice").status == 200
        assert "no more private memory" not in (edge.options.data / "kamailio.log").read_text()
