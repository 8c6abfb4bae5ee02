"""LiveKit first, then the database.

A write whose change LiveKit must know is run three times: once to see what it would make, and rolled back; then LiveKit
is brought there; then for good. Before LiveKit is touched a claim on each of its objects is committed. It lies there
until the write is stored, in whose transaction it goes; so whatever ends this process on the way, the next look at the
claims finds what may differ, and LiveKit is brought to what the store says (`settle`).
"""

import asyncio
import contextlib
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Final, TypeVar

from cordboard.domain.errors import BeingChanged, CordboardError, ProviderFailed
from cordboard.domain.tenants import TenantId
from cordboard.domain.trunks import Trunk
from cordboard.storage import changes, provisioning, trunks
from cordboard.storage.changes import Kind
from cordboard.storage.transaction import Query, Row, Transaction, Value
from cordboard.usecases.ports import CannotBe, Clock, Provider, Store, Wanted, utc_now

T = TypeVar("T")

#: Seconds for which a second writer of an object waits.
WAIT: Final = 2.0
PAUSE: Final = 0.02
#: Seconds after which the holder of a claim is taken for dead; no write takes as long at LiveKit.
ABANDONED: Final = 60
LONGEST: Final = 25


class _Needed(Exception):
    """The use case was rolled back: LiveKit comes first."""

    def __init__(self, touched: frozenset[tuple[Kind, str]], after: Mapping[str, Wanted]) -> None:
        self.touched = touched
        self.after = after


class _Overtaken(Exception):
    """What the use case makes is not any more what LiveKit was told."""


class _Watched:
    """A transaction that notes what is changed in it."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.touched: set[tuple[Kind, str]] = set()

    async def one(self, sql: str, *args: Value) -> Row | None:
        return await self._tx.one(sql, *args)

    async def all(self, sql: str, *args: Value) -> list[Row]:
        return await self._tx.all(sql, *args)

    async def run(self, sql: str, *args: Value) -> None:
        self.touched.update(changes.recorded(sql, args))
        await self._tx.run(sql, *args)

    async def add(self, table: str, columns: str, rows: Sequence[Sequence[Value]]) -> None:
        self.touched.update(changes.added(table, rows))
        await self._tx.add(table, columns, rows)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Plan:
    """What LiveKit has to become for one write."""

    keys: Sequence[str]
    before: Mapping[str, Wanted]
    after: Mapping[str, Wanted]


@dataclass(frozen=True, kw_only=True)
class Provisioned:
    """A store of which the provider is told first."""

    store: Store
    provider: Provider
    clock: Clock = utc_now
    #: Of this process.
    holder: str = field(default_factory=lambda: secrets.token_hex(8))

    async def read(self, query: Query[T]) -> T:
        return await self.store.read(query)

    async def write(self, tenant: TenantId | None, usecase: Query[T]) -> T:
        """As the store's; nothing is changed, on either side, if it raises ProviderFailed, BeingChanged, or an
        Invalid for what the provider has no words for."""
        try:
            return await self.store.write(tenant, partial(self._if_free, usecase=usecase))
        except _Needed as needed:
            work = self._first_there(tenant, usecase, needed)
        # somebody who does not wait for the answer does not stop it half-way
        return await asyncio.shield(asyncio.ensure_future(work))

    async def settle(self, key: str) -> None:
        """Bring one object at the provider to what the store says. Raises ProviderFailed, BeingChanged."""
        await self._claim([key])
        try:
            await self._settle([key], {})
        except BaseException:
            await self._abandon([key])
            raise

    async def repair(self) -> None:
        """Settle what holders left behind; of what cannot be settled now the first reason is raised at the end."""
        before = self.clock() - timedelta(seconds=ABANDONED)
        failures: list[CordboardError] = []
        for key in await self.store.read(partial(provisioning.abandoned, before=before)):
            try:
                await self.settle(key)
            except CordboardError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    async def _if_free(self, tx: Transaction, usecase: Query[T]) -> T:
        watched = _Watched(tx)
        result = await usecase(watched)
        touched = frozenset(watched.touched)
        if keys := await self.provider.keys(tx, touched):
            raise _Needed(touched, await self.provider.wanted(tx, keys))
        return result

    async def _first_there(self, tenant: TenantId | None, usecase: Query[T], needed: _Needed) -> T:
        before = await self.store.read(partial(self._wanted_of, touched=needed.touched))
        keys = sorted(key for key in {*before, *needed.after} if before.get(key) != needed.after.get(key))
        if not keys:
            return await self.store.write(tenant, usecase)
        for key in keys:
            if isinstance(cannot := needed.after.get(key), CannotBe):
                raise cannot.error
        plan = _Plan(keys=keys, before=before, after=needed.after)
        left = await self._claim(keys)
        try:
            async with asyncio.timeout(LONGEST):
                ids = {key: await self._put(plan, key, search=key in left) for key in keys}
            return await self.store.write(tenant, partial(self._recorded, usecase=usecase, plan=plan, ids=ids))
        except BaseException as error:
            await self._undo(plan)
            if isinstance(error, TimeoutError):
                raise ProviderFailed("LiveKit did not answer in time") from error
            if isinstance(error, _Overtaken):
                raise BeingChanged from error
            raise

    async def _wanted_of(self, tx: Transaction, touched: Collection[tuple[Kind, str]]) -> dict[str, Wanted]:
        return await self.provider.wanted(tx, await self.provider.keys(tx, touched))

    async def _put(self, plan: _Plan, key: str, *, search: bool) -> str:
        return await self.provider.put(key, plan.after.get(key), before=plan.before.get(key), search=search)

    async def _recorded(self, tx: Transaction, usecase: Query[T], plan: _Plan, ids: Mapping[str, str]) -> T:
        """The use case for good, with the provider's ids; the claims go with it."""
        result = await usecase(tx)
        now = await self.provider.wanted(tx, plan.keys)
        if any(now.get(key) != plan.after.get(key) for key in plan.keys):
            raise _Overtaken
        for key, id in ids.items():
            await self.provider.record(tx, key, id, self.clock())
        if not await provisioning.drop(tx, plan.keys, self.holder):
            raise _Overtaken
        return await _shown(tx, result)

    async def _undo(self, plan: _Plan) -> None:
        """Back to what the store says, which may be the new state after all; what cannot be is left to `repair`."""
        try:
            async with asyncio.timeout(LONGEST):
                await self._settle(plan.keys, plan.after)
        except Exception:  # the first failure is the one to be told
            await self._abandon(plan.keys)

    async def _settle(self, keys: Sequence[str], before: Mapping[str, Wanted]) -> None:
        wanted = await self.store.read(partial(self.provider.wanted, keys=keys))
        ids = {key: await self.provider.put(key, wanted.get(key), before=before.get(key), search=True) for key in keys}
        await self.store.write(None, partial(self._settled, keys=keys, wanted=wanted, ids=ids))

    async def _settled(
        self, tx: Transaction, keys: Sequence[str], wanted: Mapping[str, Wanted], ids: Mapping[str, str]
    ) -> None:
        if await self.provider.wanted(tx, keys) != wanted:
            raise BeingChanged
        for key, id in ids.items():
            await self.provider.record(tx, key, id, self.clock())
        await provisioning.drop(tx, keys, self.holder)

    async def _claim(self, keys: Sequence[str]) -> frozenset[str]:
        """Which of them another holder left behind. Raises BeingChanged."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WAIT
        while True:
            now = self.clock()
            abandoned = now - timedelta(seconds=ABANDONED)
            claim = partial(provisioning.claim, objects=keys, holder=self.holder, now=now, abandoned=abandoned)
            try:
                return await self.store.write(None, claim)
            except provisioning.Held as held:
                if loop.time() >= deadline:
                    raise BeingChanged(f"{held} is being changed at LiveKit") from held
            await asyncio.sleep(PAUSE)

    async def _abandon(self, keys: Sequence[str]) -> None:
        with contextlib.suppress(Exception):  # a store that is away finds the claim too old
            await self.store.write(None, partial(provisioning.abandon, objects=keys, holder=self.holder))


async def _shown(tx: Transaction, result: T) -> T:
    """A trunk that the use case returned, with what was recorded after it."""
    if not isinstance(result, Trunk):
        return result
    stored = await trunks.get(tx, result.id)
    return replace(result, provider_id=stored.provider_id, updated_at=stored.updated_at)
