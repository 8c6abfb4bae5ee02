"""Who holds a key, and for how long that is believed."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from cordboard.domain.errors import Unauthenticated
from cordboard.domain.tenants import ADMIN, TenantId
from cordboard.storage.transaction import Query
from cordboard.usecases import keys
from cordboard.usecases.keys import REMEMBERED, Keyholders
from cordboard.usecases.ports import Store
from tests.builders import World, create_key, create_tenant

pytestmark = pytest.mark.anyio


async def revoke(world: World, secret: str) -> None:
    key = await Keyholders(world.store).holder(secret)
    revoked = await world.store.write(None, partial(keys.revoke, who=ADMIN, now=world.clock(), id=key.id))
    world.keyholders.forget(revoked)


async def test_a_key_revoked_here_is_refused_at_once(world: World) -> None:
    secret = await create_key(world, await create_tenant(world))
    await world.keyholders.holder(secret)
    await revoke(world, secret)
    with pytest.raises(Unauthenticated):
        await world.keyholders.holder(secret)


async def test_a_key_revoked_by_another_process_is_refused_after_a_moment(world: World) -> None:
    secret = await create_key(world, await create_tenant(world))
    moment = [0.0]
    elsewhere = Keyholders(world.store, lambda: moment[0])
    await elsewhere.holder(secret)
    await revoke(world, secret)
    assert (await elsewhere.holder(secret)).last_four == secret[-4:]
    moment[0] = REMEMBERED
    with pytest.raises(Unauthenticated):
        await elsewhere.holder(secret)


@dataclass
class SlowStore:
    """A store whose reads wait before they answer, as one over a network may."""

    store: Store
    asked: asyncio.Event
    answer: asyncio.Event

    async def read(self, query: Query[Any]) -> Any:
        found = await self.store.read(query)
        self.asked.set()
        await self.answer.wait()
        return found

    async def write(self, tenant: TenantId | None, usecase: Query[Any]) -> Any:
        return await self.store.write(tenant, usecase)


async def test_a_key_revoked_while_it_is_looked_up_is_not_remembered(world: World) -> None:
    secret = await create_key(world, await create_tenant(world))
    store = SlowStore(world.store, asyncio.Event(), asyncio.Event())
    world.keyholders = Keyholders(store)
    lookup = asyncio.create_task(world.keyholders.holder(secret))
    await store.asked.wait()
    await revoke(world, secret)
    store.answer.set()
    await lookup
    with pytest.raises(Unauthenticated):
        await world.keyholders.holder(secret)


async def test_a_key_that_was_unknown_is_known_once_it_is_made(world: World) -> None:
    with pytest.raises(Unauthenticated):
        await world.keyholders.holder("sk-nothing")
    tenant = await create_tenant(world)
    secret = await create_key(world, tenant, ["phones.view"])
    holder = await world.keyholders.holder(secret)
    assert (holder.tenant, holder.permissions) == (tenant, ("phones.view",))
