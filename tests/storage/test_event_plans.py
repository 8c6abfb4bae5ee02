"""What is asked of events goes by an index, on both stores, whatever the filters."""

import itertools
from datetime import timedelta
from functools import partial

import pytest

from cordboard.domain.events import EventId
from cordboard.storage import events
from cordboard.storage.events import EventFilter
from cordboard.usecases.events import emit, forget_old
from tests.builders import World
from tests.storage.test_query_plans import NotingStore, faults, plan, scans
from tests.usecases.test_calls import START
from tests.usecases.test_events import feed, happened

pytestmark = pytest.mark.anyio


async def listed(store: NotingStore, known: str) -> None:
    instants = (None, START)
    names = ("tenant", "subject", "type", "since", "until")
    for after, *values in itertools.product(
        (None, known), (None, "t1"), (None, "x"), (None, "call.*"), *(instants,) * 2
    ):
        where = EventFilter(**dict(zip(names, values, strict=True)))
        await store.read(partial(events.page, where=where, after=after, limit=5))


async def test_nothing_about_events_reads_a_whole_table(world: World, database: str) -> None:
    await world.store.write(None, partial(emit, happened=[happened(n) for n in range(3)]))
    known = (await feed(world))[0].id
    noting = NotingStore(world.store)
    await listed(noting, known)
    await noting.read(partial(events.get, id=EventId(known)))
    world.context.clock.advance(days=1000)  # type: ignore[attr-defined]
    context = type(world.context)(
        store=noting, sealer=world.context.sealer, hosts=world.context.hosts, clock=world.context.clock
    )
    await forget_old(context, timedelta(days=14))
    found = {
        sql: lines
        for sql, lines in (await scans(world.store, noting.noted, database)).items()
        # from its newest on, in order and bounded, a table without conditions may be read
        if any(" INDEX " not in line for line in faults(lines))
    }
    assert found == {}


async def test_every_list_comes_in_order_from_its_index(sqlite_world: World) -> None:
    await sqlite_world.store.write(None, partial(emit, happened=[happened()]))
    noting = NotingStore(sqlite_world.store)
    await listed(noting, (await feed(sqlite_world))[0].id)
    for sql, args in noting.noted.items():
        if "offset" in sql:
            lines = await plan(sqlite_world.store, sql, args, sqlite=True)
            assert not any("TEMP B-TREE" in line for line in lines), (sql, lines)
