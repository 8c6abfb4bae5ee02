"""The edge's own database: what is staged, committed, taken back, and when it must be made anew."""

import contextlib
import os
import re
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cordboard.domain.addresses import MAX_NETWORKS
from cordboard.domain.edge import AccountRow, AgentRow, NumberRow, TrunkRow, hop_of_uri
from cordboard.domain.routing import Invite
from cordboard.engines.edge import file as edge_file
from cordboard.engines.edge.config import sql
from cordboard.engines.edge.decide import Decider
from cordboard.engines.edge.file import Drop, EdgeFile, EdgeNotApplied, EdgeWriteFailed, Put
from tests.calls.edges import agent, number, trunk

CALL = Invite(source="127.0.1.1", user="+34911234567", host="x", offered="rtp")
ROUTE = (Put(number()), Put(trunk("trunk", "127.0.1.0/24")), Put(agent()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "edge.sqlite"


@pytest.fixture
def file(path: Path) -> Iterator[EdgeFile]:
    opened = EdgeFile(path)
    opened.rebuild((), "epoch", 1)
    yield opened
    opened.close()


def decided(path: Path) -> str:
    decider = Decider(path)
    try:
        return decider.decide(CALL).reason
    finally:
        decider.close()


def test_a_new_file_must_be_built_first(path: Path) -> None:
    opened = EdgeFile(path)
    assert opened.applied() is None
    opened.rebuild(ROUTE, "epoch", 7)
    assert opened.applied() == ("epoch", 7)
    opened.close()
    again = EdgeFile(path)
    assert again.applied() == ("epoch", 7)
    again.close()
    assert decided(path) == "accepted"


def test_what_is_staged_is_seen_after_commit_alone(file: EdgeFile, path: Path) -> None:
    file.stage(ROUTE)
    assert decided(path) == "unknown-number"
    file.commit(2)
    assert decided(path) == "accepted"
    assert file.applied() == ("epoch", 2)


def test_a_rollback_takes_all_that_was_staged_back(file: EdgeFile, path: Path) -> None:
    file.stage(ROUTE)
    file.rollback()
    file.commit(2)
    assert decided(path) == "unknown-number"


def test_a_failed_stage_hurts_no_other(file: EdgeFile, path: Path) -> None:
    file.stage(ROUTE[:1])
    bad = NumberRow(key="1", number_id="id", number=None, user="", tenant="", trunk="", agent_in=None)  # type: ignore[arg-type]
    with pytest.raises(EdgeWriteFailed):
        file.stage([Drop("number", "id-+34911234567"), Put(bad)])
    file.stage(ROUTE[1:])
    file.commit(2)
    assert decided(path) == "accepted"


def test_a_row_is_replaced_and_dropped(file: EdgeFile, path: Path) -> None:
    file.stage([*ROUTE, Put(number(agent=None))])
    file.commit(2)
    assert decided(path) == "no-agent"
    file.stage([Drop("number", "id-+34911234567"), Drop("trunk", "not there")])
    file.commit(3)
    assert decided(path) == "unknown-number"


def test_a_commit_without_changes_raises_the_revision(file: EdgeFile) -> None:
    file.commit(9)
    assert file.applied() == ("epoch", 9)


def test_rebuilding_leaves_nothing_of_before(file: EdgeFile, path: Path) -> None:
    file.stage(ROUTE)
    file.commit(2)
    file.rebuild((Put(number("+34911000000")),), "another epoch", 1)
    assert file.applied() == ("another epoch", 1)
    assert decided(path) == "unknown-number"


def test_a_rebuild_keeps_what_names_were_resolved_to(file: EdgeFile, path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as names:
        names.execute("insert into resolved values('pbx.test;;', 0, 'sip:192.0.2.1:5060;transport=udp')")
        file.rebuild(ROUTE, "another epoch", 1)
        assert names.execute("select name from resolved").fetchall() == [("pbx.test;;",)]


def test_a_rebuild_in_chunks_is_one_transaction(file: EdgeFile, path: Path) -> None:
    file.stage(ROUTE)
    file.commit(2)
    file.clear("new epoch")
    file.stage([Put(number("+34911000001"))])
    assert decided(path) == "accepted", "calls meet the old state"
    file.rollback()
    assert file.applied() == ("epoch", 2)


@pytest.mark.parametrize(
    "damage",
    [
        "update meta set schema_version = schema_version + 1",
        "pragma application_id = 1",
        "drop table agent",
        "delete from meta",
    ],
)
def test_a_file_that_is_not_ours_as_it_is_must_be_rebuilt(file: EdgeFile, path: Path, damage: str) -> None:
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute(damage)
    other.close()
    assert file.applied() is None
    inode = path.stat().st_ino
    file.rebuild(ROUTE, "epoch", 3)
    assert file.applied() == ("epoch", 3)
    assert decided(path) == "accepted"
    assert path.stat().st_ino == inode, "in place: Kamailio may have it open"


def test_another_programs_database_is_taken_over_whole(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.executescript('create table "a ""table" (x); create view number as select 1; create table meta(x)')
    other.close()
    opened = EdgeFile(path)
    assert opened.applied() is None
    opened.rebuild(ROUTE, "epoch", 1)
    opened.close()
    assert decided(path) == "accepted"


def test_what_is_no_database_is_set_aside(path: Path) -> None:
    path.write_bytes(b"this is no database" * 100)
    opened = EdgeFile(path)
    assert opened.applied() is None
    opened.close()
    assert path.with_name("edge.sqlite.broken").read_bytes().startswith(b"this is")


@pytest.mark.slow
def test_a_lock_is_waited_for(file: EdgeFile, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    start = time.monotonic()
    with pytest.raises(EdgeWriteFailed):
        file.stage(ROUTE)
    assert 1.5 < time.monotonic() - start < 4
    other.execute("rollback")
    other.close()
    file.stage(ROUTE)
    file.commit(2)
    assert decided(path) == "accepted"


def test_a_commit_that_fails_for_good_says_which_revision(
    file: EdgeFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge_file, "PATIENCE", 0.1)
    file.stage(ROUTE)
    file._connection.execute("rollback")  # as SQLite itself does when the disk is full
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")
    file._connection.execute("pragma busy_timeout = 10")
    with pytest.raises(EdgeNotApplied) as failed:
        file.commit(5)
    assert failed.value.revision == 5
    other.execute("rollback")
    other.close()
    assert file.applied() == ("epoch", 1)


def test_a_batch_that_sqlite_took_back_is_written_again(file: EdgeFile, path: Path) -> None:
    file.stage(ROUTE[:2])
    file._connection.execute("rollback")
    file.stage(ROUTE[2:])
    file._connection.execute("rollback")
    file.commit(5)
    assert decided(path) == "accepted"


def test_the_file_is_the_edges_alone(data: Path) -> None:
    opened = EdgeFile(data / "edge.sqlite", 5060, 5060)
    opened.rebuild(ROUTE, "epoch", 1)
    for part in ("edge.sqlite", "edge.sqlite-wal", "edge.sqlite-shm"):
        found = (data / part).stat()
        assert stat.S_IMODE(found.st_mode) == 0o600
        assert found.st_uid == (5060 if os.geteuid() == 0 else os.geteuid())
    opened.close()


def test_a_link_in_place_of_the_file_is_not_followed(tmp_path: Path, path: Path) -> None:
    target = tmp_path / "target"
    target.touch()
    path.symlink_to(target)
    with pytest.raises(OSError, match="symbolic"):
        EdgeFile(path)


def test_a_full_list_of_networks_is_kept_and_read(file: EdgeFile, path: Path) -> None:
    networks = [f"127.0.1.{i}/32" for i in range(1, 2)] + [f"2001:db8:{i:x}::/48" for i in range(MAX_NETWORKS - 1)]
    file.stage([Put(number()), Put(agent()), Put(trunk("trunk", *networks))])
    file.commit(2)
    assert decided(path) == "accepted"
    stored = file._connection.execute("select allowed from trunk").fetchone()[0].split(",")
    assert sorted(stored) == sorted(networks)
    lengths = [int(text.partition("/")[2]) for text in stored]
    assert lengths == sorted(lengths, reverse=True), "Kamailio needs the longest prefixes first"


@pytest.mark.parametrize(
    "statement",
    [
        *("decide", "decide_out", "decide_account", "decide_registered", "called", "trunk_rules", "trunk_login"),
        *("login", "account", "credentials", "failover"),
    ],
)
def test_a_call_reads_what_it_asks_for_and_no_table_whole(file: EdgeFile, statement: str) -> None:
    text = sql(statement)
    values = dict.fromkeys(re.findall(r":([a-z_]+)", text), "1")
    plan = [row[3] for row in file._connection.execute(f"explain query plan {text}", values)]
    assert plan
    tables = {row[0] for row in file._connection.execute("select name from sqlite_master where type='table'")}
    aliases = {alias for table, alias in re.findall(r"(?:from|join) ([a-z]+) ([a-z])\b", text) if table in tables}
    assert not [step for step in plan if re.match(f"SCAN ({'|'.join(tables | aliases)})$", step)], plan


def test_rows_of_each_kind_come_back_as_they_went_in(file: EdgeFile) -> None:
    rows = (
        NumberRow(key="k", number_id="n", number="+1", user="u", tenant="t", trunk="r", agent_in=None),
        TrunkRow(
            id="r",
            tenant="t",
            open=True,
            allowed="",
            media_in="require",
            callers="34911*",
            destinations="34,1",
            max_calls=1,
            max_rate=2,
            max_minutes=3,
            number_format="national",
            country_code="34",
            called_from="to",
            headers="X-A: b\r\n",
            flags=" f",
            codecs=" c",
            login="l",
            ha1="h",
            failover="404,480",
            register=600,
            register_domain="d",
        ),
        AgentRow(id="a", version="v", uri="sip:x@y", hops=(hop_of_uri("sip:x@y"),)),
        AccountRow(id="c", username="c1", tenant="t", ha1="h", restricted=True, allowed="127.0.0.0/8,127.0.3.1/32"),
    )
    file.stage(map(Put, rows))
    file.commit(2)
    tables = ("number", "trunk", "agent", "hop", "account")
    found = [file._connection.execute(f"select * from {table}").fetchone() for table in tables]
    assert found == [
        ("k", "n", "+1", "u", "t", "r", None, None, None),
        (
            *("r", "t", 1, "", "require", "allow", "", "", "34911*", "34,1", 1, 2, 3),
            *("national", "34", "to", "X-A: b\r\n", " f", " c", "l", "h", "404,480", 600, "d", 1),
        ),
        ("a", "v", "sip:x@y", "disable", "", "", "", "", "", "", ""),
        ("a", 0, "y", "", "y;;", 1, "", 0, ""),
        ("c", "c1", "t", "h", 1, "127.0.3.1/32,127.0.0.0/8", "", "", "", 0, ""),
    ]
    file.stage([Drop("account", "c")])
    file.commit(3)
    assert not file._connection.execute("select * from account").fetchall()
