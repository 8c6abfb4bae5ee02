"""The LiveKit engine: writes go through it, and from time to time all of LiveKit is compared with the store."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from cordboard.domain.addresses import collapse
from cordboard.domain.errors import CordboardError, Invalid, TooMuchWouldGo, UnknownTrunk
from cordboard.domain.provisioning import Change, Planned, Problem
from cordboard.domain.tenants import Actor
from cordboard.domain.trunks import TrunkId
from cordboard.engines.livekit.client import Client
from cordboard.engines.livekit.edge_mode import EDGE, EdgeMode
from cordboard.engines.livekit.objects import Inbound, Outbound, Rule, mark_of
from cordboard.engines.livekit.options import LiveKitOptions
from cordboard.engines.livekit.per_number import PerNumber
from cordboard.engines.livekit.plan import Found, Object, plan
from cordboard.storage import provisioning, trunks
from cordboard.storage.changes import Kind, epoch
from cordboard.storage.transaction import Transaction
from cordboard.usecases.ports import CannotBe, Context, Sealer, Wanted
from cordboard.usecases.provisioning import Provisioned

LIVEKIT: Final = Actor(name="livekit")
#: Objects that are read of the store at a time, between which others have their turn.
CHUNK: Final = 100
#: Seconds until LiveKit is asked again that did not answer.
AGAIN: Final = 15.0


@dataclass(frozen=True, kw_only=True)
class LiveKit:
    """The provider of a `Provisioned` store."""

    mode: PerNumber | EdgeMode

    async def keys(self, tx: Transaction, touched: Collection[tuple[Kind, str]]) -> list[str]:
        return await self.mode.keys(tx, touched)

    async def wanted(self, tx: Transaction, keys: Collection[str]) -> dict[str, Wanted]:
        return await self.mode.wanted(tx, keys)

    async def put(self, key: str, wanted: Wanted | None, *, before: Wanted | None = None, search: bool = False) -> str:
        return await self.mode.put(key, wanted, before=before, search=search)

    async def record(self, tx: Transaction, key: str, id: str, now: datetime) -> None:
        """Of a trunk, LiveKit's id is its provider's."""
        kind, _, name = key.partition(":")
        if kind != "trunk":
            return
        try:
            trunk = await trunks.get(tx, TrunkId(name))
        except UnknownTrunk:
            return
        await trunks.save(tx, LIVEKIT, trunk, replace(trunk, provider_id=id or None), now)


class CannotStart(Exception):
    """A setting of LiveKit's does not make sense; the message says which."""


async def start(options: LiveKitOptions, context: Context, log: Any, *, sole: bool) -> "Reconciler":
    """The engine, not yet compared. `sole`: no other process writes this store. Raises CannotStart."""
    _check(options)
    client = Client(options.url, options.key, options.secret, options.timeout)
    mode = _mode(options, client, await context.store.read(epoch), context.sealer)
    store = Provisioned(store=context.store, provider=LiveKit(mode=mode), clock=context.clock)
    if sole:
        # whoever held a claim is dead
        await context.store.write(None, provisioning.abandon_all)
    return Reconciler(store, mode, log, options.interval)


def _mode(options: LiveKitOptions, client: Client, installation: str, sealer: Sealer) -> PerNumber | EdgeMode:
    if options.sip is None:
        return PerNumber(client=client, installation=installation, options=options, sealer=sealer)
    return EdgeMode(client=client, installation=installation, options=options, sealer=sealer, sip=options.sip)


def _check(options: LiveKitOptions) -> None:
    if not options.url.startswith(("http://", "https://", "ws://", "wss://")):
        raise CannotStart("CORDBOARD_LIVEKIT_URL: write https://… or wss://…")
    if not options.key or not options.secret:
        raise CannotStart("CORDBOARD_LIVEKIT_URL needs CORDBOARD_LIVEKIT_API_KEY and CORDBOARD_LIVEKIT_API_SECRET")
    if options.sip is not None and not options.edges:
        raise CannotStart("CORDBOARD_LIVEKIT_MODE=edge needs CORDBOARD_LIVEKIT_EDGES, the addresses that we call from")
    try:
        collapse(options.edges)
    except Invalid as error:
        raise CannotStart(f"CORDBOARD_LIVEKIT_EDGES: {error}") from error


class Reconciler:
    """Compares, and settles what differs."""

    def __init__(self, store: Provisioned, mode: PerNumber | EdgeMode, log: Any, interval: float) -> None:
        #: To be written through by whoever changes numbers, trunks or agents.
        self.store = store
        self._mode, self._log, self._interval = mode, log, interval

    async def close(self) -> None:
        await self._mode.client.close()

    async def plan(self) -> Planned:
        """Raises ProviderFailed."""
        found, problems = await self._found()
        wanted: dict[str, Sequence[Object]] = {}
        unrecorded: list[Change] = []
        edge = next((each.id for each in found.get(EDGE, ()) if isinstance(each.what, Inbound)), None)
        keys = await self.store.read(self._mode.all_keys)
        for at in range(0, len(keys), CHUNK):
            read = await self.store.read(partial(self._mode.wanted, keys=keys[at : at + CHUNK]))
            for key, each in read.items():
                if isinstance(each, CannotBe):
                    problems.append(Problem(key=key, reason=str(each.error)))
                    found.pop(key, None)  # what stands there stays
                    continue
                wanted[key] = self._mode.parts(each)
                if key not in found and self._mode.unrecorded(each, edge):
                    unrecorded.append(Change(key=key, action="update", fields=("provider_id",)))
            await asyncio.sleep(0)
        return Planned(changes=[*plan(wanted, found), *unrecorded], there=len(found), problems=problems)

    async def apply(self, *, mass_deletion: bool) -> Planned:
        """What was planned, with what of it failed. Raises ProviderFailed, TooMuchWouldGo."""
        planned = await self.plan()
        if planned.mass_deletion and not mass_deletion:
            raise TooMuchWouldGo(planned.deleted, planned.there)
        return replace(planned, problems=[*planned.problems, *await self._settle(planned.changes)])

    async def run(self) -> None:
        """Repair and compare, for as long as the service runs."""
        while True:
            repaired, compared = await self._tried(self.store.repair), await self._tried(self._compare)
            await asyncio.sleep(self._interval if repaired and compared else min(AGAIN, self._interval))

    async def _tried(self, work: Callable[[], Awaitable[None]]) -> bool:
        try:
            await work()
        except CordboardError as error:
            self._log.warning("livekit cannot be compared", reason=str(error))
        except Exception:  # a loop that must outlive any one failure: logged, and tried again
            self._log.exception("comparing with livekit failed")
        else:
            return True
        return False

    async def _compare(self) -> None:
        planned = await self.plan()
        changes = planned.changes
        if planned.mass_deletion:
            self._log.warning("livekit: too much would go; see `cordboard livekit plan`", deletions=planned.deleted)
            changes = [change for change in changes if change.action != "delete"]
        for problem in [*planned.problems, *await self._settle(changes)]:
            self._log.warning("livekit differs", key=problem.key, reason=problem.reason)

    async def _settle(self, changes: Sequence[Change]) -> list[Problem]:
        failed = []
        for change in changes:
            try:
                await self.store.settle(change.key)
                self._log.info("livekit settled", key=change.key, action=change.action, fields=list(change.fields))
            except CordboardError as error:
                failed.append(Problem(key=change.key, reason=str(error)))
        return failed

    async def _found(self) -> tuple[dict[str, list[Found]], list[Problem]]:
        """All that bears our mark, by key; and what of the rest is dangerous to us."""
        client, found = self._mode.client, dict[str, list[Found]]()
        inbounds, rules, outbounds = await client.inbounds(), await client.rules(), await client.outbounds()
        infos: list[tuple[str, str, Object]] = [
            *((each.metadata, each.sip_trunk_id, Inbound.of(each)) for each in inbounds),
            *((each.metadata, each.sip_dispatch_rule_id, Rule.of(each)) for each in rules),
            *((each.metadata, each.sip_trunk_id, Outbound.of(each)) for each in outbounds),
        ]
        for metadata, id, what in infos:
            mark = mark_of(metadata)
            if mark is not None and mark.installation == self._mode.installation:
                found.setdefault(mark.key, []).append(Found(id=id, what=what))
        return found, self._mode.dangers(inbounds, rules)
