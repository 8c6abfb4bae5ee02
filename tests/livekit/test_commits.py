"""The process dies before or after each commit of a write, on both databases; the next one makes both sides agree."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

import pytest
import structlog

from cordboard.domain.errors import BeingChanged, ProviderFailed
from cordboard.domain.numbers import NumberId
from cordboard.domain.tenants import ADMIN, TenantId
from cordboard.engines.livekit import engine
from cordboard.engines.livekit.engine import Reconciler
from cordboard.engines.livekit.options import LiveKitOptions
from cordboard.storage.transaction import Query
from cordboard.usecases.numbers import NumberPatch, update_number
from cordboard.usecases.ports import Store
from tests.builders import World, create_agent, create_tenant, import_number
from tests.livekit.installation import clear, held
from tests.livekit.proxy import Place
from tests.livekit.servers import KEY, SECRET, LiveKit
from tests.stores import database, postgres_world, reused_url, sqlite_folder, world

__all__ = ["database", "postgres_world", "reused_url", "sqlite_folder", "world"]

pytestmark = pytest.mark.anyio
T = TypeVar("T")


class Died(BaseException):
    """Nothing that a program could do about it."""


@dataclass
class Mortal:
    """A store whose process dies at its write of that number, before or after the commit, and is dead from then on."""

    store: Store
    at: int
    place: Place
    writes: int = 0
    dead: bool = field(default=False)

    async def read(self, query: Query[T]) -> T:
        self._alive()
        return await self.store.read(query)

    async def write(self, tenant: TenantId | None, usecase: Query[T]) -> T:
        self._alive()
        self.writes += 1
        last = self.writes - 1 == self.at
        if last and self.place == "before":
            self.dead = True
        self._alive()
        try:
            return await self.store.write(tenant, usecase)
        finally:
            if last:
                self.dead = True
                self._alive()

    def _alive(self) -> None:
        if self.dead:
            raise Died


async def _started(livekit: LiveKit, world: World, *, sole: bool = True) -> Reconciler:
    options = LiveKitOptions(url=livekit.url, key=KEY, secret=SECRET)
    return await engine.start(options, world.context, structlog.get_logger(), sole=sole)


@pytest.fixture
async def running(livekit: LiveKit, world: World) -> AsyncIterator[Reconciler]:
    await asyncio.to_thread(clear, livekit)
    reconciler = await _started(livekit, world)
    yield reconciler
    await reconciler.close()


async def _answered_by(world: World, store: Store, tenant: TenantId, number: NumberId, version: Any) -> None:
    patch = NumberPatch(inbound_version=version)
    change = partial(update_number, who=ADMIN, tenant=tenant, id=number, patch=patch, now=world.clock())
    await store.write(tenant, change)


@pytest.mark.parametrize("place", ["before", "after"])
async def test_a_process_that_dies_at_a_commit(
    livekit: LiveKit, world: World, running: Reconciler, place: Place
) -> None:
    tenant = await create_tenant(world)
    version = (await create_agent(world, tenant))[1].id
    for at in itertools.count():
        number = await import_number(world, tenant)
        store = Mortal(world.store, at, place)
        dying = replace(running.store, store=store, holder="dying")
        try:
            await _answered_by(world, dying, tenant, number, version)
        except Died:
            pass
        else:
            break
        successor = await _started(livekit, world)
        await successor.store.repair()
        assert (await successor.plan()).changes == []
        assert await _claims(world) == []
        # free for the next writer, too
        await _answered_by(world, successor.store, tenant, number, version)
        assert (await successor.plan()).changes == []
        await successor.close()
    assert at == 3, "tried, claimed, stored"


async def _claims(world: World) -> list[Any]:
    async def read(tx: Any) -> list[Any]:
        return [tuple(row) for row in await tx.all("select object, holder from provider_claim")]

    return await world.store.read(read)


async def test_a_second_writer_of_a_number_waits_and_is_then_refused(
    livekit: LiveKit, world: World, running: Reconciler
) -> None:
    tenant = await create_tenant(world)
    version = (await create_agent(world, tenant))[1].id
    number = await import_number(world, tenant)
    with pytest.raises(Died):
        await _answered_by(
            world, replace(running.store, store=Mortal(world.store, 2, "before")), tenant, number, version
        )
    other = await _started(livekit, world, sole=False)
    with pytest.raises(BeingChanged):
        await _answered_by(world, other.store, tenant, number, version)
    world.clock.advance(seconds=61)  # whoever holds it is dead
    await _answered_by(world, other.store, tenant, number, version)
    assert (await other.plan()).changes == []
    await other.close()


async def test_what_cannot_be_undone_is_repaired_when_livekit_is_back(
    livekit: LiveKit, world: World, running: Reconciler
) -> None:
    """LiveKit goes away between two requests of one write."""
    tenant = await create_tenant(world)
    version = (await create_agent(world, tenant))[1].id
    number = await import_number(world, tenant)
    livekit.stop("server")
    with pytest.raises(ProviderFailed):
        await _answered_by(world, running.store, tenant, number, version)
    assert [holder for _, holder in await _claims(world)] == [""]
    await asyncio.to_thread(livekit.start)
    await running.store.repair()
    assert await _claims(world) == []
    assert (await asyncio.to_thread(held, livekit)).inbound == []
