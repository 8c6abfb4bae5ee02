"""What is asked and written of calls goes by an index, on both stores, whatever the filters."""

import itertools
from datetime import timedelta
from functools import partial

import pytest

from cordboard.domain.call_details import Audio
from cordboard.domain.calls import Booted, CallId, Event, Learnt, State
from cordboard.storage import calls, registrations
from cordboard.storage.calls import CallFilter, RefusalFilter
from cordboard.storage.registrations import RegistrationFilter
from cordboard.usecases.calls import Told, forget_old, ingest
from cordboard.usecases.registrations import forget_old as forget_old_registrations
from tests.builders import World
from tests.storage.test_query_plans import NotingStore, faults, plan, scans
from tests.usecases.test_calls import START, answered, ended, message, refused, started
from tests.usecases.test_registrations import told

pytestmark = pytest.mark.anyio

#: Whose the calls and refusals are.
TENANT = "t1"


async def filled(world: World, store: NotingStore) -> None:
    """Some calls and refusals, taken in through `store`."""
    events: list[Event] = [started("a"), started("b"), answered("a"), message("a"), refused("r1", tenant=TENANT)]
    events += [refused("r2"), Learnt(CallId("a"), START, Audio(streams=()))]
    events += [
        told("registered", 1, username="x", bindings=1),
        told("failed", 2, trunk="x"),
        told("registered", 3, trunk="x"),
    ]
    for file, lines in (("one", events), ("two", [ended("a"), answered("b"), Booted(START), ended("b")])):
        numbered = [(1, line, event) for line, event in enumerate(lines)]
        await store.write(
            None, partial(ingest, told=Told(edge="e", file=file, before=0, after=1, events=numbered, lost=calls.Lost()))
        )


def call_filters() -> list[CallFilter]:
    texts = (None, "x")
    instants = (None, "2026-11-21T08:00:00.000000Z")
    every = itertools.product(
        *((None, TENANT), texts, texts, instants, instants, (None, "inbound"), (None, State.STARTED, State.ENDED)),
        (None, True, False),
    )
    names = ("tenant", "number", "call_id", "since", "until", "direction", "state", "live")
    return [CallFilter(**dict(zip(names, values, strict=True))) for values in every]  # type: ignore[arg-type]


def refusal_filters() -> list[RefusalFilter]:
    instant = "2026-11-21T08:00:00.000000Z"
    names = ("tenant", "called", "source", "reason", "since", "until")
    every = itertools.product((None, TENANT), *((None, "x"),) * 3, *((None, instant),) * 2)
    return [RefusalFilter(**dict(zip(names, values, strict=True))) for values in every]


def registration_filters() -> list[RegistrationFilter]:
    instant = "2026-11-21T08:00:00.000000Z"
    names = ("tenant", "account", "trunk", "username", "what", "since", "until")
    every = itertools.product((None, TENANT), *((None, "x"),) * 3, (None, "moved"), *((None, instant),) * 2)
    return [RegistrationFilter(**dict(zip(names, values, strict=True))) for values in every]


async def listed(store: NotingStore) -> None:
    for after in (None, "a"):
        for where in call_filters():
            await store.read(partial(calls.page, where=where, after=after, limit=5))
    for after in (None, "r1"):
        for refusals in refusal_filters():
            await store.read(partial(calls.page_of_refusals, where=refusals, after=after, limit=5))
    for where_registered in registration_filters():
        await store.read(partial(registrations.page, where=where_registered, after=None, limit=5))


@pytest.mark.parametrize(
    "database",
    ["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgres, pytest.mark.slow])],
    indirect=True,
)
async def test_nothing_about_calls_reads_a_whole_table(world: World, database: str) -> None:
    noting = NotingStore(world.store)
    await filled(world, noting)
    await listed(noting)
    await noting.read(partial(calls.get, id=CallId("a")))
    await noting.read(partial(calls.messages, id=CallId("a")))
    await noting.read(partial(calls.details, id=CallId("a")))
    await noting.read(partial(calls.position, file="one"))
    world.context.clock.advance(days=1000)  # type: ignore[attr-defined]
    context = type(world.context)(
        store=noting, sealer=world.context.sealer, hosts=world.context.hosts, clock=world.context.clock
    )
    assert await forget_old(context, timedelta(days=90), timedelta(days=14)) == 2
    await forget_old_registrations(context, timedelta(days=14))
    noted = {sql: args for sql, args in noting.noted.items() if "from event_file" not in sql or "$1" in sql}
    # from its newest on, in order and bounded, a table without conditions may be read
    found = {
        sql: lines
        for sql, lines in (await scans(world.store, noted, database)).items()
        if any(" INDEX " not in line for line in faults(lines))
    }
    assert found == {}


async def test_every_list_comes_in_order_from_its_index(sqlite_world: World) -> None:
    """The window's rows are never sorted: what would be is the whole of a tenant's calls."""
    noting = NotingStore(sqlite_world.store)
    await filled(sqlite_world, noting)
    await listed(noting)
    for sql, args in noting.noted.items():
        if sql.startswith("select") and "offset" in sql:
            lines = await plan(sqlite_world.store, sql, args, sqlite=True)
            assert not any("TEMP B-TREE" in line for line in lines), (sql, lines)
