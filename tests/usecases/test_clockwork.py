"""What time alone does to numbers, with a clock that the tests move."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from cordboard.domain.agents import AgentId, VersionId
from cordboard.domain.errors import EdgeRefused, NotReleasable, NotRoutable, NumberTaken, UnknownNumber
from cordboard.domain.numbers import NumberId, Status
from cordboard.domain.tenants import ADMIN, TenantId
from cordboard.storage import agents, numbers
from cordboard.storage.numbers import ShownNumber
from cordboard.storage.transaction import Query
from cordboard.usecases import clockwork
from cordboard.usecases.clockwork import tick
from cordboard.usecases.numbers import assign_platform_number
from cordboard.usecases.ports import Store
from tests.builders import (
    World,
    add_platform_number,
    create_agent,
    create_tenant,
    dump,
    fresh_number,
    import_number,
    release,
    route,
)

pytestmark = pytest.mark.anyio


async def shown(world: World, id: NumberId) -> ShownNumber:
    return await world.store.read(partial(numbers.show, tenant=None, id=id))


async def status(world: World, id: NumberId) -> Status:
    return Status((await shown(world, id)).status)


async def published(world: World, id: AgentId) -> VersionId | None:
    return (await world.store.read(partial(agents.get, tenant=None, id=id))).published


async def listed(world: World, tenant: TenantId) -> int:
    (row,) = [row for row in (await dump(world))["tenant"] if row["id"] == tenant]
    return int(row["listed_numbers"])


async def platform_number(world: World, tenant: TenantId, number: str | None = None) -> NumberId:
    return NumberId((await add_platform_number(world, number, tenant=tenant, status=Status.ASSIGNED)).id)


async def test_a_platform_number_is_released_at_the_end_of_its_month_then_rests_and_is_finished_for_good(
    world: World,
) -> None:
    tenant, text = await create_tenant(world), fresh_number()
    id = await platform_number(world, tenant, text)
    world.clock.advance(days=3)
    await release(world, tenant, id)
    due = datetime(2026, 2, 10, 12, 0, tzinfo=UTC)
    assert (await shown(world, id)).scheduled_release_at == "2026-02-10T12:00:00.000000Z"

    world.clock.now = due - timedelta(seconds=1)
    assert await tick(world.context) == 0
    assert await status(world, id) is Status.ASSIGNED

    world.clock.now = due
    assert await tick(world.context) == 1
    assert await status(world, id) is Status.RELEASED
    assert (await shown(world, id)).released_at == "2026-02-10T12:00:00.000000Z"
    assert await listed(world, tenant) == 1, "a released number is still listed"
    with pytest.raises(NumberTaken):
        await import_number(world, tenant, text)

    world.clock.now = due + timedelta(days=30) - timedelta(seconds=1)
    assert await tick(world.context) == 0
    assert await status(world, id) is Status.RELEASED

    world.clock.now = due + timedelta(days=30)
    assert await tick(world.context) == 1
    assert await status(world, id) is Status.FINISHED
    assert await listed(world, tenant) == 0

    world.clock.advance(days=3650)
    assert await tick(world.context) == 0
    assert await status(world, id) is Status.FINISHED
    with pytest.raises(NotReleasable):
        await release(world, tenant, id)


async def test_a_finished_number_can_be_had_again_by_anybody(world: World) -> None:
    tenant, other, text = await create_tenant(world), await create_tenant(world), fresh_number()
    old = await platform_number(world, tenant, text)
    await release(world, tenant, old)
    world.clock.advance(days=100)
    await tick(world.context)
    new = await import_number(world, other, text)
    assert (await status(world, old), await status(world, new)) == (Status.FINISHED, Status.ASSIGNED)
    found = await world.store.read(partial(numbers.by_number, number=text))
    assert (found.id, found.tenant) == (new, other)


async def test_a_release_that_takes_effect_unpublishes_agents_that_nothing_else_uses(world: World) -> None:
    tenant = await create_tenant(world)
    lonely, lonely_version = await create_agent(world, tenant)
    busy, busy_version = await create_agent(world, tenant)
    going, staying = await platform_number(world, tenant), await import_number(world, tenant)
    await route(world, tenant, going, inbound_version=lonely_version.id, outbound_version=busy_version.id)
    await route(world, tenant, staying, inbound_version=busy_version.id)
    await release(world, tenant, going)
    assert await published(world, lonely.id) == lonely_version.id, "un-published before the release took effect"

    world.clock.advance(days=31)
    await tick(world.context)
    row = await shown(world, going)
    assert (row.inbound_agent_id, row.outbound_agent_id) == (None, None)
    assert await published(world, lonely.id) is None
    assert await published(world, busy.id) == busy_version.id
    with pytest.raises(NotRoutable):
        await route(world, tenant, going, inbound_version=lonely_version.id)


async def test_a_clock_that_slept_through_everything_catches_up_in_one_step(world: World) -> None:
    tenant = await create_tenant(world)
    agent, version = await create_agent(world, tenant)
    id = await platform_number(world, tenant)
    await route(world, tenant, id, inbound_version=version.id)
    await release(world, tenant, id)
    world.clock.advance(days=365)
    assert await tick(world.context) == 1
    assert await status(world, id) is Status.FINISHED
    assert await published(world, agent.id) is None
    assert await tick(world.context) == 0


async def test_a_reservation_lapses_and_the_number_is_free_for_another(world: World) -> None:
    tenant, other, text = await create_tenant(world), await create_tenant(world), fresh_number()
    id = NumberId((await add_platform_number(world, text, tenant=tenant)).id)
    assert (await shown(world, id)).reservation_expires_at == "2026-01-11T12:00:00.000000Z"
    assert await listed(world, tenant) == 1
    world.clock.advance(hours=24)
    assert await tick(world.context) == 1
    row = await shown(world, id)
    assert (row.tenant_id, row.status, row.reservation_expires_at) == (None, "reserved", None)
    assert await listed(world, tenant) == 0
    (trunk,) = (await dump(world))["trunk"]
    assert trunk["tenant_id"] is None, "the trunk stayed behind with the old tenant"
    with pytest.raises(UnknownNumber):
        await world.store.read(partial(numbers.show, tenant=tenant, id=id))

    assign = partial(assign_platform_number, who=ADMIN, number=text, tenant=other, now=world.clock())
    await world.store.write(other, assign)
    assert await status(world, id) is Status.ASSIGNED
    assert await listed(world, other) == 1


async def test_a_reservation_that_was_taken_up_does_not_lapse(world: World) -> None:
    tenant, text = await create_tenant(world), fresh_number()
    id = NumberId((await add_platform_number(world, text, tenant=tenant)).id)
    assign = partial(assign_platform_number, who=ADMIN, number=text, tenant=tenant, now=world.clock())
    await world.store.write(tenant, assign)
    world.clock.advance(days=2)
    assert await tick(world.context) == 0
    assert await status(world, id) is Status.ASSIGNED


async def test_an_agent_of_a_lapsed_reservation_does_not_stay_on_the_number(world: World) -> None:
    tenant = await create_tenant(world)
    agent, version = await create_agent(world, tenant)
    id = NumberId((await add_platform_number(world, tenant=tenant)).id)
    await route(world, tenant, id, inbound_version=version.id, nickname="Ours")
    world.clock.advance(hours=24)
    await tick(world.context)
    row = await shown(world, id)
    assert (row.inbound_agent_id, row.nickname) == (None, None), "the next tenant would get them"
    assert await published(world, agent.id) is None


async def test_a_number_of_the_inventory_waits_for_ever(world: World) -> None:
    id = NumberId((await add_platform_number(world)).id)
    world.clock.advance(days=3650)
    assert await tick(world.context) == 0
    assert await status(world, id) is Status.RESERVED


async def test_an_imported_number_is_nothing_that_time_decides(world: World) -> None:
    tenant = await create_tenant(world)
    id = await import_number(world, tenant)
    world.clock.advance(days=3650)
    assert await tick(world.context) == 0
    assert await status(world, id) is Status.ASSIGNED


async def test_more_numbers_than_one_look_takes_are_all_brought_along(world: World) -> None:
    tenant = await create_tenant(world)
    for _ in range(clockwork.BATCH + 3):
        await add_platform_number(world, tenant=tenant)
    world.clock.advance(days=1)
    assert await tick(world.context) == clockwork.BATCH + 3
    assert await listed(world, tenant) == 0


async def test_a_number_that_went_while_the_clockwork_looked_is_passed_over(world: World) -> None:
    tenant = await create_tenant(world)
    id = await import_number(world, tenant)
    await release(world, tenant, id)
    before = await dump(world)
    await world.store.write(tenant, partial(clockwork.advance, id=id, now=world.clock()))
    assert await dump(world) == before


@dataclass
class RefusingStore:
    """A store that cannot write for one tenant now."""

    store: Store
    refused: TenantId

    async def read(self, query: Query[Any]) -> Any:
        return await self.store.read(query)

    async def write(self, tenant: TenantId | None, usecase: Query[Any]) -> Any:
        if tenant == self.refused:
            raise EdgeRefused
        return await self.store.write(tenant, usecase)


async def test_a_number_that_cannot_be_changed_now_holds_up_no_other(world: World) -> None:
    stuck, other = await create_tenant(world), await create_tenant(world)
    first = await add_platform_number(world, tenant=stuck)
    world.clock.advance(minutes=1)
    for _ in range(clockwork.BATCH + 3):
        await add_platform_number(world, tenant=other)
    world.clock.advance(days=1)
    with pytest.raises(EdgeRefused):
        await tick(replace(world.context, store=RefusingStore(world.store, stuck)))
    assert await listed(world, other) == 0
    assert (await shown(world, NumberId(first.id))).tenant_id == stuck
    assert await tick(world.context) == 1
