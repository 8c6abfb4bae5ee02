"""What is looked for goes by indexes, on both stores, whoever asks and whatever it is."""

import re

import pytest

from cordboard.domain.operators import OperatorId
from cordboard.domain.tenants import ADMIN, Actor, TenantId
from cordboard.storage.search import WINDOW
from cordboard.usecases.search import search
from tests.builders import World, create_customer, create_operator
from tests.storage.test_query_plans import NotingStore, faults, plan, scans

pytestmark = pytest.mark.anyio

TEXTS = ("34911", "+34911", "Carrier", "b1f0f7f6-31f7-4a3b-9f3f-0d5a5b5b5b5b")


async def looked(world: World, noting: NotingStore) -> None:
    operator = OperatorId((await create_operator(world)).id)
    tenant = TenantId((await create_customer(world, operator)).id)
    whose = (
        (ADMIN, None),
        (Actor(name="operator", operator=operator), None),
        (Actor(name="operator", operator=operator), tenant),
        (Actor(name="key", tenant=tenant), tenant),
    )
    for text in TEXTS:
        for who, of in whose:
            await search(noting, who, of, text)


async def test_nothing_is_looked_for_in_a_whole_table(world: World, database: str) -> None:
    noting = NotingStore(world.store)
    await looked(world, noting)
    assert len(noting.noted) > 30
    # tenants in order of id, a bounded number of them
    found = {
        sql: lines
        for sql, lines in (await scans(world.store, noting.noted, database)).items()
        if any(" INDEX " not in line for line in faults(lines))
    }
    assert found == {}


async def test_what_is_found_comes_in_order_from_its_index(sqlite_world: World) -> None:
    """Nothing is sorted but a window of rows: what would be is all that begins so."""
    noting = NotingStore(sqlite_world.store)
    await looked(sqlite_world, noting)
    for sql, args in noting.noted.items():
        within = re.search(rf"\((select x\.\* .*) limit {WINDOW}\)", sql)
        looked_at = sql if within is None else within[1]
        lines = await plan(sqlite_world.store, looked_at, args[: looked_at.count("$")], sqlite=True)
        assert not any("TEMP B-TREE" in line for line in lines), (sql, lines)


async def test_a_search_looks_at_as_many_rows_however_many_there_are(sqlite_world: World) -> None:
    """Each statement has a limit, and so has what it is joined with."""
    noting = NotingStore(sqlite_world.store)
    await looked(sqlite_world, noting)
    by_id = [sql for sql in noting.noted if "limit" not in sql]
    assert all(" where id = $1" in sql or "x.id = $1" in sql for sql in by_id), by_id
    assert [sql for sql in noting.noted if " join " in sql and sql.count("limit") < 2] == []
