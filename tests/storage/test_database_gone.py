"""Connections that the server ends while they are used."""

import asyncio
import contextlib

import pytest

from cordboard.domain.errors import StoreUnavailable
from cordboard.storage.postgres import PostgresStore
from cordboard.storage.transaction import Transaction
from tests.postgres import Server

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]


async def twice(transaction: Transaction) -> None:
    for _ in range(2):
        await transaction.one("select 1")


@pytest.mark.slow
async def test_whatever_is_under_way_is_told_that_the_store_is_gone(postgres_server: Server, postgres_url: str) -> None:
    """asyncpg has four kinds of words for it."""
    database = postgres_url.rpartition("/")[2]
    store = await PostgresStore.open(postgres_url, connections=4)
    read, gone, over = 0, 0, False

    async def read_on() -> None:
        nonlocal read, gone
        while not over:
            try:
                await store.read(twice)
                read += 1
            except StoreUnavailable:
                gone += 1
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as readers:
        for _ in range(6):
            readers.create_task(read_on())
        for _ in range(20):
            for sql in (
                f"alter database {database} allow_connections false",
                f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'",
                f"alter database {database} allow_connections true",
            ):
                await asyncio.to_thread(postgres_server.run, sql)
        over = True
    assert gone
    with contextlib.suppress(StoreUnavailable):
        await store.read(twice)
    await store.read(twice)
    assert read
    await store.close()
