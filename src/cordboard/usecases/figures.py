"""Figures: counting what happens as it is told, and the counts of a stretch of time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from cordboard.domain.events import Happened
from cordboard.domain.figures import KEPT, Figures, Minute, Tally, minute_of, minutes_until
from cordboard.domain.operators import OperatorId
from cordboard.domain.tenants import TenantId
from cordboard.storage import calls, figures, operators, tenants
from cordboard.storage.figures import EVERYBODY
from cordboard.storage.transaction import Transaction
from cordboard.usecases.ports import Context, in_bites

#: Old minutes that are removed in one transaction.
BITE: Final = 200
#: What each counts as.
_COUNTED: Final = {
    "call.started": "calls",
    "call.answered": "answered",
    "call.failed": "failed",
    "call.refused": "refused",
}


async def count(tx: Transaction, happened: Iterable[Happened]) -> None:
    """Count what has happened with calls, in the transaction that makes it true and as the last thing there: others
    wait for these rows until it commits."""
    counted = [each for each in happened if each.type in _COUNTED]
    owners = await _owners(tx, {each.tenant for each in counted if each.tenant})
    tallies: dict[figures.Key, Tally] = defaultdict(Tally)
    refusals: dict[tuple[str, datetime, str], int] = defaultdict(int)
    for each in counted:
        name, at = _COUNTED[each.type], minute_of(each.at)
        for owner in owners[each.tenant or EVERYBODY]:
            tally = tallies[owner, at]
            setattr(tally, name, getattr(tally, name) + 1)
            if name == "refused":
                refusals[owner, at, str(each.data["reason"])] += 1
    await figures.add(tx, tallies, refusals)


async def note_registered(tx: Transaction, edge: str, accounts: Mapping[TenantId, int], at: datetime) -> None:
    """That so many accounts of each tenant are registered at that edge now, and of no other tenant any."""
    now: dict[str, int] = defaultdict(int)
    owners = await _owners(tx, accounts)
    for tenant, registered in accounts.items():
        for owner in owners[tenant]:
            now[owner] += registered
    before = await figures.registered_at(tx, edge)
    changed = {owner: now.get(owner, 0) for owner in {*before, *now} if now.get(owner) != before.get(owner)}
    minute = minute_of(at)
    tallies = {(owner, minute): Tally(registered=count - before.get(owner, 0)) for owner, count in changed.items()}
    await figures.set_registered(tx, edge, changed)
    await figures.add(tx, tallies, {})


async def of_stretch(
    tx: Transaction, now: datetime, minutes: int, *, tenant: TenantId | None = None, operator: OperatorId | None = None
) -> Figures:
    """The last minutes of a tenant, of an operator's customers together, or of the whole installation."""
    owner = tenant or operator or EVERYBODY
    every = minutes_until(now, minutes)
    found = await figures.minutes(tx, owner, every[0])
    registered = await figures.registered(tx, owner)
    if tenant is None and operator is not None:
        accounts: int | None = (await operators.counted(tx, operator))[1]
        live = await figures.live_of_operator(tx, operator)
    else:
        accounts = None if tenant is None else (await tenants.get(tx, tenant)).accounts
        live = await calls.standing(tx, tenant=tenant)
    return Figures(
        minutes=_minutes(every, found, registered),
        refusals=await figures.refusals(tx, owner, every[0]),
        registered=registered,
        accounts=accounts,
        live_calls=live,
    )


async def forget_old(context: Context) -> None:
    """Remove what is older than it is kept for, in bites."""
    await in_bites(context.store, partial(figures.remove_old, before=context.clock() - KEPT, limit=BITE))


def _minutes(every: Sequence[datetime], found: Mapping[datetime, Tally], registered: int) -> list[Minute]:
    """From the present backwards: what is known is how many came and went, and how many there are now."""
    minutes = []
    for at in reversed(every):
        tally = found.get(at, Tally())
        minutes.append(Minute(at=at, tally=tally, registered=max(registered, 0)))
        registered -= tally.registered
    return minutes[::-1]


async def _owners(tx: Transaction, whose: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """For whom what happens to each tenant counts; what is nobody's counts for everybody alone."""
    tenants = sorted(whose)
    operators = await figures.operators(tx, tenants)
    own = {each: (each, operators[each], EVERYBODY) if each in operators else (each, EVERYBODY) for each in tenants}
    return {**own, EVERYBODY: (EVERYBODY,)}
