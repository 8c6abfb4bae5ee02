"""How many accounts are registered at an edge, counted in what Kamailio has written down."""

import sqlite3
import time
from pathlib import Path

import pytest
import structlog

from cordboard.domain.edge import AccountRow
from cordboard.engines.edge import locations
from cordboard.engines.edge.file import EdgeFile, Put
from cordboard.engines.edge.online import Online
from cordboard.storage import figures
from cordboard.storage.transaction import Transaction
from tests.builders import World

pytestmark = pytest.mark.anyio


class Location:
    """location.sqlite, as Kamailio writes it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "location.sqlite"
        locations.prepare(self.path, -1, -1)
        self.made = 0

    def put(self, username: str, lasts: float = 60) -> None:
        self.made += 1
        with sqlite3.connect(self.path) as file:
            file.execute(
                "insert into location (ruid, username, expires) values (?, ?, ?)",
                (f"r{self.made}", username, int(time.time() + lasts)),
            )

    def drop(self, username: str) -> None:
        with sqlite3.connect(self.path) as file:
            file.execute("delete from location where username = ?", (username,))


async def registered(world: World) -> dict[str, int]:
    async def read(tx: Transaction) -> dict[str, int]:
        return await figures.registered_at(tx, "edge")

    return await world.store.read(read)


async def test_each_account_that_is_somewhere_counts_once_for_its_tenant(sqlite_world: World, tmp_path: Path) -> None:
    accounts = (("alice", "t1"), ("bob", "t1"), ("carol", "t2"))
    file = EdgeFile(tmp_path / "edge.sqlite")
    try:
        file.rebuild((Put(AccountRow(id=f"id-{n}", username=n, tenant=t, ha1="")) for n, t in accounts), "epoch", 1)
        online = Online(tmp_path, "edge", sqlite_world.context, structlog.get_logger())
        await online.step()  # no Kamailio was ever started
        assert await registered(sqlite_world) == {}
        location = Location(tmp_path)
        for username in ("alice", "alice", "bob", "carol", "nobody"):
            location.put(username)
        location.put("dora", lasts=-1)
        await online.step()
        assert await registered(sqlite_world) == {"": 3, "t1": 2, "t2": 1}
        location.drop("alice")
        location.drop("carol")
        await online.step()
        assert await registered(sqlite_world) == {"": 1, "t1": 1}
        # another process begins with nothing noted, and finds it as it is
        await Online(tmp_path, "edge", sqlite_world.context, structlog.get_logger()).step()
        assert await registered(sqlite_world) == {"": 1, "t1": 1}
    finally:
        file.close()
