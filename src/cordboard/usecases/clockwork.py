"""What time alone does: releases take effect, quarantines end, reservations lapse."""

from datetime import datetime
from functools import partial

from cordboard.domain.errors import CordboardError, UnknownNumber
from cordboard.domain.numbers import QUARANTINE, NumberId
from cordboard.domain.tenants import CLOCKWORK, TenantId
from cordboard.storage import numbers
from cordboard.storage.transaction import Transaction
from cordboard.usecases.agents import unpublish_unused
from cordboard.usecases.numbers import hand_over_trunk
from cordboard.usecases.ports import Context

#: Due numbers looked up at a time; each is changed in a transaction of its own, behind its tenant's other writes.
BATCH = 100


async def tick(context: Context) -> int:
    """Bring every number to where it belongs by the context's clock; how many steps. Harmless to repeat.

    A number that cannot be changed now holds up no other; the first such failure is raised at the end.
    """
    tried: set[NumberId] = set()
    failures: list[CordboardError] = []
    while True:
        now = context.clock()
        waiting = await context.store.read(
            partial(numbers.due, now=now, quarantined_until=now - QUARANTINE, limit=BATCH + len(failures))
        )
        untried = [number for number in waiting if number.id not in tried]
        for number in untried:
            tried.add(number.id)
            try:
                await context.store.write(number.tenant, partial(advance, id=number.id, now=now))
            except CordboardError as error:
                failures.append(error)
        if len(untried) < BATCH:
            break
    if failures:
        raise failures[0]
    return len(tried)


async def advance(tx: Transaction, id: NumberId, now: datetime) -> None:
    """Take the number through each step of its life that is due; nothing if none is, or if it is gone."""
    try:
        before = await numbers.get(tx, None, id)
    except UnknownNumber:
        return
    after = before.at(now)
    await numbers.save(tx, CLOCKWORK, before, after, now, str(after.status))
    if after.tenant != before.tenant:
        await hand_over_trunk(tx, CLOCKWORK, before, after.tenant, now)
    left = before.agents - after.agents
    if before.tenant is not None:
        await unpublish_unused(tx, CLOCKWORK, now, tenant=TenantId(before.tenant), candidates=left)
