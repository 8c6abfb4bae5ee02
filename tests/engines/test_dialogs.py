"""dialog.sqlite: what is kept of the calls that stand, and what is thrown away."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cordboard.engines.edge import dialogs
from cordboard.engines.edge.dialogs import Dialog


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "dialog.sqlite"
    dialogs.prepare(path, -1, -1)
    return path


@pytest.fixture
def kamailio(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


def write(kamailio: sqlite3.Connection, call_id: str, number: int, state: int = 4) -> None:
    """As the dialog module does."""
    kamailio.execute(
        "insert into dialog (hash_entry, hash_id, callid, from_uri, from_tag, to_uri, to_tag, state, start_time)"
        " values (1, ?, ?, 'sip:a@b', 'a', 'sip:c@d', 'b', ?, 1700000000)",
        (number, call_id, state),
    )
    variable(kamailio, number)


def variable(kamailio: sqlite3.Connection, number: int, age: int = 0) -> None:
    kamailio.execute(
        "insert into dialog_vars (hash_entry, hash_id, dialog_key, dialog_value) values (1, ?, 'direction', 'in')",
        (number,),
    )
    kamailio.execute("update dialog_vars set written = ? where hash_id = ?", (time.time() - age, number))


def count(kamailio: sqlite3.Connection, table: str) -> int:
    return int(kamailio.execute(f"select count(*) from {table}").fetchone()[0])


def test_answered_calls_are_standing_ones(path: Path, kamailio: sqlite3.Connection) -> None:
    write(kamailio, "ringing", 1, state=2)
    write(kamailio, "standing", 2)
    assert dialogs.standing(path) == [Dialog(call_id="standing", from_tag="a", to_tag="b", began=1700000000)]


def test_a_call_that_is_written_twice_is_one(path: Path, kamailio: sqlite3.Connection) -> None:
    write(kamailio, "ringing", 1, state=2)
    write(kamailio, "ringing", 1)
    assert count(kamailio, "dialog") == count(kamailio, "dialog_vars") == 1


def test_what_is_forgotten_is_gone_and_the_rest_stays(path: Path, kamailio: sqlite3.Connection) -> None:
    write(kamailio, "one", 1)
    write(kamailio, "other", 2)
    dialogs.forget(path, ["one", "nobody"])
    assert [dialog.call_id for dialog in dialogs.standing(path)] == ["other"]


def test_variables_without_a_call_are_kept_as_long_as_it_may_ring(path: Path, kamailio: sqlite3.Connection) -> None:
    write(kamailio, "standing", 1)
    variable(kamailio, 2, age=3)
    variable(kamailio, 3, age=3600)
    dialogs.tidy(path)
    assert [row[0] for row in kamailio.execute("select hash_id from dialog_vars order by 1")] == [1, 2]


def test_a_file_that_can_be_used_is_kept(path: Path, kamailio: sqlite3.Connection) -> None:
    write(kamailio, "standing", 1)
    dialogs.prepare(path, -1, -1)
    assert len(dialogs.standing(path)) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert kamailio.execute("pragma journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("damage", ["garbage", "another database", "nothing"])
def test_a_file_that_cannot_be_used_is_made_anew(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "dialog.sqlite"
    if damage == "garbage":
        path.write_bytes(b"garbage" * 1000)
    elif damage == "another database":
        with sqlite3.connect(path) as database:
            database.execute("create table version(x)")
    dialogs.prepare(path, -1, -1)
    assert dialogs.standing(path) == []
