"""A trunk is a tenant's or the system's, carries many numbers, and is taken from them."""

from functools import partial
from typing import Any

import pytest

from cordboard.domain.agents import AgentId
from cordboard.domain.errors import DraftVersion, PlatformsTrunk, SystemTrunk, UnknownAgent, UnknownTrunk
from cordboard.domain.numbers import NumberId, Status
from cordboard.domain.tenants import ADMIN, TenantId
from cordboard.domain.trunks import Gateway, Trunk, TrunkId
from cordboard.storage import agents, numbers
from cordboard.storage.numbers import ShownNumber
from cordboard.usecases import trunks
from cordboard.usecases.numbers import Connection, connect
from tests.builders import (
    World,
    add_platform_number,
    create_agent,
    create_tenant,
    dump,
    import_number,
    release,
    unknown_id,
)

pytestmark = pytest.mark.anyio

GATEWAYS = (Gateway(host="127.0.1.1"),)


async def create(world: World, tenant: TenantId | None) -> Trunk:
    return await world.store.write(
        tenant,
        partial(
            trunks.create,
            who=ADMIN,
            now=world.clock(),
            id=TrunkId(unknown_id()),
            tenant=tenant,
            name="Carrier",
            rest=trunks.Patch(gateways=GATEWAYS),
            sealer=world.context.sealer,
        ),
    )


async def join(world: World, tenant: TenantId, number: NumberId, **connection: Any) -> ShownNumber:
    usecase = partial(
        connect, who=ADMIN, tenant=tenant, id=number, connection=Connection(**connection), now=world.clock()
    )
    return await world.store.write(tenant, usecase)


async def delete(world: World, trunk: Trunk, tenant: TenantId | None = None) -> None:
    usecase = partial(trunks.delete, who=ADMIN, now=world.clock(), id=trunk.id, tenant=tenant)
    await world.store.write(trunk.tenant, usecase)


async def rename(world: World, trunk: Trunk, tenant: TenantId | None = None) -> None:
    await world.store.write(
        trunk.tenant,
        partial(
            trunks.update,
            who=ADMIN,
            now=world.clock(),
            id=trunk.id,
            patch=trunks.Patch(name="Other"),
            sealer=world.context.sealer,
            tenant=tenant,
        ),
    )


async def test_a_tenant_sees_its_own_and_the_system_s_and_changes_its_own_alone(world: World) -> None:
    one, other = await create_tenant(world), await create_tenant(world)
    inventory = await add_platform_number(world)
    own, others, systems = await create(world, one), await create(world, other), await create(world, None)
    platforms = await add_platform_number(world, tenant=one, status=Status.ASSIGNED)
    seen = await world.store.read(partial(trunks.visible, tenant=one, limit=50))
    assert {trunk.id for trunk in seen} == {own.id, systems.id, platforms.trunk_id}
    for hidden in (others.id, inventory.trunk_id):
        with pytest.raises(UnknownTrunk):
            await world.store.read(partial(trunks.see, tenant=one, id=TrunkId(str(hidden))))
    platforms_trunk = await world.store.read(partial(trunks.see, tenant=one, id=TrunkId(str(platforms.trunk_id))))
    for trunk, error in ((others, UnknownTrunk), (systems, SystemTrunk), (platforms_trunk, SystemTrunk)):
        for change in (rename, delete):
            with pytest.raises(error):
                await change(world, trunk, one)
    await rename(world, own, one)
    await delete(world, own, one)
    for trunk in (systems, platforms_trunk):
        await rename(world, trunk)


async def test_all_numbers_of_a_deleted_trunk_have_none_and_each_is_told_of(world: World) -> None:
    tenant = await create_tenant(world)
    trunk = await create(world, tenant)
    joined = [await import_number(world, tenant) for _ in range(3)]
    left = await import_number(world, tenant)
    for number in joined:
        assert (await join(world, tenant, number, trunk=trunk.id)).trunk_id == trunk.id
    told = len((await dump(world))["change"])
    world.clock.advance(minutes=1)
    await delete(world, trunk, tenant)
    for number in joined:
        shown = await world.store.read(partial(numbers.show, tenant=tenant, id=number))
        assert (shown.trunk_id, shown.updated_at[:16]) == (None, world.clock().isoformat()[:16])
    assert (await world.store.read(partial(numbers.show, tenant=tenant, id=left))).trunk_id is not None
    assert len((await dump(world))["change"]) - told == len(joined) + 1


async def test_a_number_goes_by_its_tenant_s_trunks_and_the_system_s_alone(world: World) -> None:
    tenant, other = await create_tenant(world), await create_tenant(world)
    number = await import_number(world, tenant)
    own, others, systems = await create(world, tenant), await create(world, other), await create(world, None)
    for trunk in (own, systems):
        assert (await join(world, tenant, number, trunk=trunk.id)).trunk_id == trunk.id
    with pytest.raises(UnknownTrunk):
        await join(world, tenant, number, trunk=others.id)
    assert (await join(world, tenant, number, trunk=None)).trunk_id is None
    platforms = await add_platform_number(world, tenant=tenant, status=Status.ASSIGNED)
    for trunk_id in (own.id, None):
        with pytest.raises(PlatformsTrunk):
            await join(world, tenant, NumberId(platforms.id), trunk=trunk_id)


async def test_an_agent_that_gets_a_number_takes_calls_by_its_newest_version(world: World) -> None:
    tenant, other = await create_tenant(world), await create_tenant(world)
    number = await import_number(world, tenant)
    agent, version = await create_agent(world, tenant, draft=False)
    assert (await join(world, tenant, number, inbound_agent=agent.id)).inbound_agent_id == agent.id
    assert (await world.store.read(partial(agents.get, tenant=tenant, id=agent.id))).published == version.id
    draft, _ = await create_agent(world, tenant, draft=True)
    foreign, _ = await create_agent(world, other)
    for id, error in ((draft.id, DraftVersion), (foreign.id, UnknownAgent), (AgentId(unknown_id()), UnknownAgent)):
        with pytest.raises(error):
            await join(world, tenant, number, inbound_agent=id)
    assert (await join(world, tenant, number, inbound_agent=None)).inbound_agent_id is None


async def test_the_trunk_that_came_with_a_number_goes_with_it_unless_another_number_uses_it(world: World) -> None:
    tenant = await create_tenant(world)
    alone, shared, guest = [await import_number(world, tenant) for _ in range(3)]
    kept = (await world.store.read(partial(numbers.show, tenant=tenant, id=shared))).trunk_id
    gone = (await world.store.read(partial(numbers.show, tenant=tenant, id=alone))).trunk_id
    await join(world, tenant, guest, trunk=kept)
    for number in (alone, shared):
        await release(world, tenant, number)
    seen = {trunk.id for trunk in await world.store.read(partial(trunks.visible, tenant=tenant, limit=50))}
    assert (kept in seen, gone in seen) == (True, False)
    assert (await world.store.read(partial(numbers.show, tenant=tenant, id=guest))).trunk_id == kept
