"""With whom the edge registers, as its file says it."""

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cordboard.domain.edge import HopRow, TrunkRow
from cordboard.engines.edge import registrations
from cordboard.engines.edge.file import Drop, EdgeFile, Put
from tests.calls.edges import trunk

GATEWAYS = ("127.0.1.1:5061", "sip.carrier.example", "[2001:db8::1]:5062")


@pytest.fixture
def file(tmp_path: Path) -> Iterator[EdgeFile]:
    opened = EdgeFile(tmp_path / "edge.sqlite")
    opened.rebuild((), "epoch", 1)
    yield opened
    opened.close()


def registering(**more: Any) -> TrunkRow:
    values = {"gateways": GATEWAYS, "username": "acme", "password": "secret", "register": 600} | more
    return trunk("t1", **values)


def put(file: EdgeFile, *rows: TrunkRow) -> None:
    file.stage(map(Put, rows))
    file.commit(2)


def rows(file: EdgeFile, columns: str = "*") -> list[Any]:
    with sqlite3.connect(file.path) as connection:
        return connection.execute(f"select {columns} from registration order by host").fetchall()


def age(file: EdgeFile, seconds: int) -> None:
    with sqlite3.connect(file.path) as connection:
        connection.execute("update registration set changed=changed-?", (seconds,))


def test_each_gateway_has_a_registration_of_its_own(file: EdgeFile) -> None:
    put(file, registering())
    assert rows(file, "host, uri, name, address, registrar, expires") == [
        ("127.0.1.1:5061", "sip:127.0.1.1:5061;transport=udp", "", "sip:acme@127.0.1.1", "sip:127.0.1.1:5061", 600),
        (
            *("[2001:db8::1]:5062", "sip:[2001:db8::1]:5062;transport=udp", "", "sip:acme@[2001:db8::1]"),
            *("sip:[2001:db8::1]:5062", 600),
        ),
        (
            "sip.carrier.example",
            "",
            "sip.carrier.example;;",
            "sip:acme@sip.carrier.example",
            "sip:sip.carrier.example",
            600,
        ),
    ]
    assert len({key for (key,) in rows(file, "key")}) == 3


@pytest.mark.parametrize("change", [{"register": 0}, {"username": ""}, {"gateways": ()}])
def test_without_them_there_is_none(file: EdgeFile, change: dict[str, Any]) -> None:
    put(file, registering(**change))
    assert rows(file) == []


def test_each_of_several_changes_in_one_second_is_seen(file: EdgeFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kamailio heeds a row again when its `changed` is another one."""
    monkeypatch.setattr(registrations.time, "time", lambda: 1_800_000_000.5)
    seen = []
    for row in (registering(), registering(register=0), registering(), registering(password="other")):
        put(file, row)
        seen.append({changed for (changed,) in rows(file, "changed")})
    file.stage([Drop("trunk", "t1")])
    file.commit(3)
    seen.append({changed for (changed,) in rows(file, "changed")})
    file.rebuild((Put(registering()),), "epoch", 4)
    seen.append({changed for (changed,) in rows(file, "changed")})
    assert all(len(each) == 1 for each in seen)
    assert len(set.union(*seen)) == 6, seen
    assert max(set.union(*seen)) < 1_800_000_010


def test_sixteen_of_the_first_ranks_are_registered_with(file: EdgeFile) -> None:
    hops = tuple(HopRow(host=f"192.0.2.{i}", uri=f"sip:192.0.2.{i}:5060;transport=udp", rank=20 - i) for i in range(20))
    put(file, replace(registering(), hops=hops))
    assert {host for (host,) in rows(file, "host")} == {f"192.0.2.{i}" for i in range(4, 20)}


def test_a_change_of_something_else_is_none_of_the_registration(file: EdgeFile) -> None:
    put(file, registering())
    age(file, 100)
    before = rows(file)
    put(file, registering(media_in="require", callers="34*"))
    assert rows(file) == before
    put(file, registering(password="another"))
    assert {key for (key,) in rows(file, "key")} == {row[0] for row in before}
    assert all(changed > time.time() - 50 for (changed,) in rows(file, "changed"))


@pytest.mark.parametrize("how", ["dropped", "switched off", "made anew"])
def test_what_is_wanted_no_longer_stays_for_a_while(file: EdgeFile, how: str) -> None:
    put(file, registering())
    if how == "dropped":
        file.stage([Drop("trunk", "t1")])
        file.commit(3)
    elif how == "switched off":
        put(file, registering(register=0))
    else:
        file.rebuild((), "another", 1)
    assert rows(file, "expires, password") == [(0, "secret")] * 3
    registrations.forget(file.path)
    assert len(rows(file)) == 3
    age(file, registrations.PARTING + 10)
    registrations.forget(file.path)
    assert rows(file) == []


def test_one_that_comes_back_is_the_same(file: EdgeFile) -> None:
    put(file, registering())
    before = rows(file, "key")
    file.rebuild([Put(registering())], "another", 1)
    assert rows(file, "key, expires") == [(key, 600) for (key,) in before]
    age(file, 10_000)
    registrations.forget(file.path)
    assert len(rows(file)) == 3


def test_rows_of_another_schema_are_left_behind(file: EdgeFile) -> None:
    put(file, registering())
    with sqlite3.connect(file.path) as connection:
        connection.execute("alter table registration rename column slot to part")
    file.rebuild([Put(registering(gateways=GATEWAYS[:1]))], "another", 1)
    assert rows(file, "host, expires") == [(GATEWAYS[0], 600)]


def test_another_user_is_another_registration(file: EdgeFile) -> None:
    put(file, registering(gateways=GATEWAYS[:1]))
    put(file, registering(gateways=GATEWAYS[:1], username="b@d ü", register_domain="d.example"))
    assert sorted(rows(file, "address, expires")) == [
        ("sip:acme@127.0.1.1", 0),
        ("sip:b%40d%20%C3%BC@d.example", 600),
    ]
