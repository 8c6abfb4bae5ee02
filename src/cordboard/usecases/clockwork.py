"""What time alone does: releases take effect, quarantines end, reservations lapse."""

from dataclasses import replace
from datetime import datetime
from functools import partial

from cordboard.domain.errors import UnknownNumber
from cordboard.domain.numbers import QUARANTINE, NumberId
from cordboard.domain.tenants import CLOCKWORK, TenantId
from cordboard.storage import numbers, trunks
from cordboard.storage.transaction import Transaction
from cordboard.usecases.agents import unpublish_unused
from cordboard.usecases.ports import Context

#: Due numbers looked up at a time; each is changed in a transaction of its own, behind its tenant's other writes.
BATCH = 100


async def tick(context: Context) -> int:
    """Bring every number to where it belongs by the context's clock; how many steps. Harmless to repeat."""
    steps = 0
    while True:
        now = context.clock()
        waiting = await context.store.read(
            partial(numbers.due, now=now, quarantined_until=now - QUARANTINE, limit=BATCH)
        )
        for number in waiting:
            await context.store.write(number.tenant, partial(advance, id=number.id, now=now))
        steps += len(waiting)
        if len(waiting) < BATCH:
            return steps


async def advance(tx: Transaction, id: NumberId, now: datetime) -> None:
    """Take the number through each step of its life that is due; nothing if none is, or if it is gone."""
    try:
        before = await numbers.get(tx, None, id)
    except UnknownNumber:
        return
    after = before.at(now)
    await numbers.save(tx, CLOCKWORK, before, after, now, str(after.status))
    if after.tenant != before.tenant:
        trunk = await trunks.get(tx, before.trunk)
        await trunks.save(tx, CLOCKWORK, trunk, replace(trunk, tenant=after.tenant), now)
    left = before.agents - after.agents
    if before.tenant is not None:
        await unpublish_unused(tx, CLOCKWORK, now, tenant=TenantId(before.tenant), candidates=left)
