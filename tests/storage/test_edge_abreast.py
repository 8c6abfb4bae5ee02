"""The edge's file beside a SQLite store: never ahead of it, and never left behind."""

import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from cordboard.domain.errors import EdgeRefused, NotApplied
from cordboard.engines.edge.file import EdgeFile
from cordboard.engines.edge.projection import Projection
from cordboard.engines.edge.rows import Rows
from cordboard.storage import changes
from cordboard.storage.secrets import KeyRing
from tests import builders
from tests.builders import create_agent, create_tenant

pytestmark = pytest.mark.anyio

ROWS = Rows(KeyRing("k", {"k": bytes(32)}), "cordboard")


@pytest.fixture
def file(tmp_path: Path) -> Iterator[EdgeFile]:
    made = EdgeFile(tmp_path / "edge.sqlite")
    yield made
    made.close()


def _agents(file: EdgeFile) -> int:
    with sqlite3.connect(file.path) as reader:
        return int(reader.execute("select count(*) from agent").fetchone()[0])


class DiskFullAtCommit(Projection):
    """An edge's file whose COMMIT fails a few times, as on a full disk, and is then taken back."""

    def __init__(self, file: EdgeFile) -> None:
        super().__init__(file, ROWS)
        self.failures = 0

    def commit(self, revision: int) -> None:
        if self.failures > 0:
            self.failures -= 1
            self.rollback()
            raise NotApplied(revision)
        super().commit(revision)


async def test_a_change_that_the_edge_cannot_commit_is_stored_said_and_applied_without_another_write(
    file: EdgeFile, sqlite_folder: Path
) -> None:
    engine = DiskFullAtCommit(file)
    async with builders.world("sqlite", sqlite_folder, engine=engine) as world:
        tenant = await create_tenant(world)
        engine.failures = 3
        with pytest.raises(NotApplied):
            await create_agent(world, tenant)
        newest = await world.store.read(changes.newest)
        epoch = ROWS.history(await world.store.read(changes.epoch))
        assert file.applied() != (epoch, newest)
        deadline = time.monotonic() + 5
        while _agents(file) == 0 and time.monotonic() < deadline:
            await anyio.sleep(0.05)
        assert _agents(file) == 1
        assert file.applied() == (epoch, newest)


async def test_a_change_that_the_edge_does_not_take_is_not_stored(file: EdgeFile, sqlite_folder: Path) -> None:
    """Somebody else holds the edge's file for longer than it is waited for."""
    async with builders.world("sqlite", sqlite_folder, engine=Projection(file, ROWS)) as world:
        tenant = await create_tenant(world)
        newest = await world.store.read(changes.newest)
        with contextlib.closing(sqlite3.connect(file.path, isolation_level=None)) as other:
            other.execute("begin immediate")
            with pytest.raises(EdgeRefused):
                await create_agent(world, tenant)
        assert await world.store.read(changes.newest) == newest
        await create_agent(world, tenant)
        assert _agents(file) == 1


GATEWAY = {"host": "sip.example", "port": None, "transport": None, "priority": 10, "weight": 3}


async def test_secrets_reach_the_edge_as_its_calls_need_them_and_another_realm_makes_it_anew(
    file: EdgeFile, sqlite_folder: Path
) -> None:
    ring = KeyRing("k", {"k": bytes(32)})
    sealed = ring.seal("carrier secret", "trunk-id").text
    trunk = {
        "id": "trunk-id",
        "tenant_id": "t",
        "allowed": None,
        "media_in": "allow",
        "media_out": "require",
        "username": "acme",
        "password": sealed,
        "tls_verify": 1,
        "probe": 1,
        "options": '{"transport":"tls","callers":["+34*"],"headers":[["X-A","1"]],"max_calls":5,"codecs":["PCMA"]}',
        "inbound_username": "carrier",
        "inbound_password": ring.seal("inbound secret", "trunk-id:in").text,
    }
    made = Rows(ring, "cordboard").trunk(trunk, [GATEWAY])
    assert (made.username, made.password, made.hops[0].name) == ("acme", "carrier secret", "sip.example;;tls")
    assert (made.hops[0].rank, made.hops[0].weight) == (10, 3)
    assert (made.callers, made.headers, made.max_calls, made.login) == ("34*", "X-A: 1\r\n", 5, "carrier")
    assert made.flags.startswith(" codec-mask-all codec-offer-PCMA")
    assert made.ha1 == hashlib.md5(b"carrier:cordboard:inbound secret").hexdigest()
    assert "carrier secret" not in repr(made)
    assert Rows(KeyRing("k", {"k": bytes(31) + b"1"}), "cordboard").trunk(trunk, []).password == ""
    async with builders.world("sqlite", sqlite_folder, engine=Projection(file, ROWS)) as world:
        await create_agent(world, await create_tenant(world))
    before = file.applied()
    async with builders.world("sqlite", sqlite_folder, engine=Projection(file, Rows(ring, "elsewhere"))):
        assert file.applied() != before


async def test_an_import_stands_at_the_edge_as_a_file_made_anew_has_it(file: EdgeFile, sqlite_folder: Path) -> None:
    async with builders.world("sqlite", sqlite_folder, engine=Projection(file, ROWS)) as world:
        tenant = await create_tenant(world)
        await create_agent(world, tenant)
        rows = "number,inbound_agent,termination_uri,username,password\n" + "".join(
            f"{builders.fresh_number()},Support,sip{n}.carrier.example,u,p\n" for n in range(150)
        )
        async with world.client(builders.ADMIN_TOKEN) as http:
            begun = (await http.post("/cordboard/v1/imports", json={"tenant_id": tenant})).json()
            path = f"/cordboard/v1/imports/{begun['id']}/rows"
            assert (await http.put(path, params={"from": 0}, content=rows.encode())).json()["imported"] == 150
    followed = _everything(file)
    assert len(followed["number"]) == len(followed["trunk"]) == len(followed["hop"]) - 1 == 150
    with sqlite3.connect(file.path) as writer:
        writer.execute("update meta set epoch = 'another'")
    async with builders.world("sqlite", sqlite_folder, engine=Projection(file, ROWS)):
        assert _everything(file) == followed


def _everything(file: EdgeFile) -> dict[str, list[tuple[object, ...]]]:
    tables = ("number", "trunk", "agent", "hop")
    with sqlite3.connect(file.path) as reader:
        return {name: sorted(reader.execute(f"select * from {name}").fetchall()) for name in tables}
