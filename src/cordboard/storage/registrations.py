"""What became of registrations, in the store. It names what may be gone, so nothing refers to anything."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cordboard.domain.registrations import Registration, RegistrationId
from cordboard.domain.times import from_wire, to_wire
from cordboard.storage.listing import Listed, Where, Window, window
from cordboard.storage.many import find, insert
from cordboard.storage.transaction import Row, Transaction, Value

_COLUMNS = "id, at, what, tenant_id, account_id, trunk_id, username, reason, code, place, contact, user_agent, bindings"
_LISTED = Listed(table="registration", time="at", columns=_COLUMNS)
#: What the edge knows of whose these are, by what it has told.
_ACCOUNTS = "select username as ref, id, tenant_id from account where username in ({places})"
_TRUNKS = "select id as ref, id, coalesce(tenant_id, '') as tenant_id from trunk where id in ({places})"
_LAST: Final = """
select what from registration where trunk_id = $1 and contact = $2 and (at, id) < ($3, $4)
order by at desc, id desc limit 1
"""
#: Among the newest ones: of somebody whose password is being guessed most are refusals.
_BINDINGS: Final = """
select bindings from (
  select bindings, at, id from registration where account_id = $1 and (at, id) < ($2, $3)
  order by at desc, id desc limit 1000
) as lately where bindings is not null order by at desc, id desc limit 1
"""
_OLD = "delete from registration where id in (select id from registration where at < $1 order by at, id limit $2)"
_ANY_OLD = "select 1 from registration where at < $1 limit 1"


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrationFilter:
    """Which are wanted. Instants are in wire form; the later one is not included."""

    tenant: str | None = None
    account: str | None = None
    trunk: str | None = None
    username: str | None = None
    what: str | None = None
    since: str | None = None
    until: str | None = None


async def add(tx: Transaction, registrations: Sequence[Registration]) -> None:
    """What stands already is left alone."""
    await insert(tx, "registration", _COLUMNS, [_values(each) for each in registrations])


async def accounts(tx: Transaction, usernames: Collection[str]) -> dict[str, tuple[str, str]]:
    """Id and tenant of those that are there, by username."""
    return await _owners(tx, _ACCOUNTS, usernames)


async def trunks(tx: Transaction, ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Id and tenant of those that are there, by id; a tenant of '' is the system."""
    return await _owners(tx, _TRUNKS, ids)


async def before(tx: Transaction, told: Registration) -> str | None:
    """What was told of that gateway of the trunk before this; None: nothing that is still kept."""
    row = await tx.one(_LAST, told.trunk, told.contact, to_wire(told.at), told.id)
    return None if row is None else str(row["what"])


async def bindings_before(tx: Transaction, told: Registration) -> int | None:
    """At how many places that account was registered before this; None: nothing is known of it."""
    row = await tx.one(_BINDINGS, told.account, to_wire(told.at), told.id)
    return None if row is None else int(row["bindings"])


async def page(tx: Transaction, where: RegistrationFilter, after: str | None, limit: int) -> Window:
    """Newest first. Raises UnknownCursor."""
    near = Where()
    narrow = (
        ("account_id", where.account),
        ("trunk_id", where.trunk),
        ("username", where.username),
    )
    for column, value in narrow:
        if value is not None:
            near.add(f"{column} = {{}}", value)
            break
    _LISTED.between(near, where.since, where.until)
    far = (*((f"{column} = {{}}", value) for column, value in narrow), ("what = {}", where.what))
    return await window(tx, _LISTED, near, far, after, limit, own=("tenant_id = {}", where.tenant))


async def remove_old(tx: Transaction, before: datetime, limit: int) -> bool:
    """Remove at most `limit` from before; whether there are more."""
    await tx.run(_OLD, to_wire(before), limit)
    return await tx.one(_ANY_OLD, to_wire(before)) is not None


def registration_of(row: Row) -> Registration:
    return Registration(
        id=RegistrationId(row["id"]),
        at=from_wire(row["at"]),
        what=row["what"],
        tenant=row["tenant_id"],
        account=row["account_id"],
        trunk=row["trunk_id"],
        username=row["username"],
        reason=row["reason"],
        code=row["code"],
        place=row["place"],
        contact=row["contact"],
        user_agent=row["user_agent"],
        bindings=row["bindings"],
    )


async def _owners(tx: Transaction, sql: str, refs: Collection[str]) -> dict[str, tuple[str, str]]:
    return {row["ref"]: (row["id"], row["tenant_id"]) for row in await find(tx, sql, sorted(refs))}


def _values(each: Registration) -> tuple[Value, ...]:
    return (
        *(each.id, to_wire(each.at), each.what, each.tenant, each.account, each.trunk, each.username, each.reason),
        *(each.code, each.place, each.contact, each.user_agent, each.bindings),
    )
