"""Counts by minute in the store. An owner is a tenant, an operator, or '', which is everybody and nobody alike."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from cordboard.domain.figures import Tally
from cordboard.domain.times import from_wire, to_wire
from cordboard.storage.many import chunks, find, places, upsert
from cordboard.storage.transaction import Transaction

EVERYBODY: Final = ""
#: What is counted, and in which minute.
Key = tuple[str, datetime]

_COUNTS: Final = ("calls", "answered", "failed", "refused", "registered")
_TALLY = f"owner, at, {', '.join(_COUNTS)}"
_ADD = f"on conflict (owner, at) do update set {', '.join(f'{n} = tally.{n} + excluded.{n}' for n in _COUNTS)}"
_ADD_REFUSALS = "on conflict (owner, at, reason) do update set refused = refusal_tally.refused + excluded.refused"
_SET_REGISTERED = "on conflict (edge, owner) do update set accounts = excluded.accounts"
_MINUTES = f"select {_TALLY} from tally where owner = $1 and at >= $2"
_REFUSALS = """
select reason, sum(refused) as refused from refusal_tally where owner = $1 and at >= $2
group by reason order by refused desc, reason
"""
_REGISTERED = "select coalesce(sum(accounts), 0) as accounts from registered where owner = $1"
_OF_EDGE = "select owner, accounts from registered where edge = $1"
_NONE_REGISTERED = "delete from registered where edge = $1 and owner in ({places})"
_OPERATORS = "select id, operator_id from tenant where id in ({places}) and operator_id is not null"
_LIVE_OF_OPERATOR = """
select count(*) as found from call c join tenant t on t.id = c.tenant_id
where c.ended_at is null and t.operator_id = $1
"""
_OLD: Final = tuple(
    f"delete from {table} where ({key}) in (select {key} from {table} where at < $1 order by at limit $2)"
    for table, key in (("tally", "owner, at"), ("refusal_tally", "owner, at, reason"))
)
_ANY_OLD: Final = tuple(f"select 1 from {table} where at < $1 limit 1" for table in ("tally", "refusal_tally"))


async def add(tx: Transaction, tallies: Mapping[Key, Tally], refusals: Mapping[tuple[str, datetime, str], int]) -> None:
    """Count these too. In one order always: several edges write the same rows, and none waits for another in a ring."""
    rows = [
        (owner, to_wire(at), *(getattr(tally, name) for name in _COUNTS))
        for (owner, at), tally in sorted(tallies.items(), key=lambda each: each[0])
    ]
    await upsert(tx, "tally", _TALLY, rows, _ADD)
    refused = [(owner, to_wire(at), reason, count) for (owner, at, reason), count in sorted(refusals.items())]
    await upsert(tx, "refusal_tally", "owner, at, reason, refused", refused, _ADD_REFUSALS)


async def operators(tx: Transaction, tenants: Sequence[str]) -> dict[str, str]:
    """Of those tenants that have one."""
    return {row["id"]: row["operator_id"] for row in await find(tx, _OPERATORS, tenants)}


async def minutes(tx: Transaction, owner: str, since: datetime) -> dict[datetime, Tally]:
    """Those of which there is something to tell."""
    rows = await tx.all(_MINUTES, owner, to_wire(since))
    return {from_wire(row["at"]): Tally(**{name: row[name] for name in _COUNTS}) for row in rows}


async def refusals(tx: Transaction, owner: str, since: datetime) -> list[tuple[str, int]]:
    """By reason, the most frequent first."""
    return [(row["reason"], int(row["refused"])) for row in await tx.all(_REFUSALS, owner, to_wire(since))]


async def registered(tx: Transaction, owner: str) -> int:
    """Accounts that are registered, at all edges."""
    row = await tx.one(_REGISTERED, owner)
    assert row is not None
    return int(row["accounts"])


async def registered_at(tx: Transaction, edge: str) -> dict[str, int]:
    """Accounts that are registered at that edge, by owner."""
    return {row["owner"]: row["accounts"] for row in await tx.all(_OF_EDGE, edge)}


async def set_registered(tx: Transaction, edge: str, accounts: Mapping[str, int]) -> None:
    """That so many are registered at that edge now, of these owners."""
    rows = [(edge, owner, count) for owner, count in sorted(accounts.items()) if count]
    await upsert(tx, "registered", "edge, owner, accounts", rows, _SET_REGISTERED)
    for chunk in chunks(sorted(owner for owner, count in accounts.items() if not count)):
        await tx.run(_NONE_REGISTERED.format(places=places(len(chunk), 2)), edge, *chunk)


async def live_of_operator(tx: Transaction, operator: str) -> int:
    """Calls of its customers that are under way; it looks at those alone that are."""
    row = await tx.one(_LIVE_OF_OPERATOR, operator)
    assert row is not None
    return int(row["found"])


async def remove_old(tx: Transaction, before: datetime, limit: int) -> bool:
    """Remove at most `limit` minutes from before, of each table; whether there are more."""
    more = False
    for old, any_old in zip(_OLD, _ANY_OLD, strict=True):
        await tx.run(old, to_wire(before), limit)
        more = await tx.one(any_old, to_wire(before)) is not None or more
    return more
