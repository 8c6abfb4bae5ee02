"""The edge's file beside a SQLite store: never ahead of it, and never left behind."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from cordboard.domain.errors import EdgeRefused, NotApplied
from cordboard.engines.edge.file import EdgeFile
from cordboard.engines.edge.projection import Projection
from cordboard.storage import changes
from tests import builders
from tests.builders import create_agent, create_tenant

pytestmark = pytest.mark.anyio


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
        super().__init__(file)
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
        assert file.applied() != (await world.store.read(changes.epoch), newest)
        deadline = time.monotonic() + 5
        while _agents(file) == 0 and time.monotonic() < deadline:
            await anyio.sleep(0.05)
        assert _agents(file) == 1
        assert file.applied() == (await world.store.read(changes.epoch), newest)


async def test_a_change_that_the_edge_does_not_take_is_not_stored(file: EdgeFile, sqlite_folder: Path) -> None:
    """Somebody else holds the edge's file for longer than it is waited for."""
    async with builders.world("sqlite", sqlite_folder, engine=Projection(file)) as world:
        tenant = await create_tenant(world)
        newest = await world.store.read(changes.newest)
        with contextlib.closing(sqlite3.connect(file.path, isolation_level=None)) as other:
            other.execute("begin immediate")
            with pytest.raises(EdgeRefused):
                await create_agent(world, tenant)
        assert await world.store.read(changes.newest) == newest
        await create_agent(world, tenant)
        assert _agents(file) == 1
