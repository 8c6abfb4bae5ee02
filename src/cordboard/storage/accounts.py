"""SIP accounts in the store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from cordboard.domain.accounts import Account, AccountId, Recording
from cordboard.domain.errors import ExtensionTaken, UnknownAccount, UnknownCursor, UsernameTaken
from cordboard.domain.operators import OperatorId
from cordboard.domain.tenants import Actor, Tenant, TenantId
from cordboard.domain.times import from_wire, to_wire
from cordboard.domain.trunks import SealedSecret
from cordboard.storage import changes, logins, operators, tenants
from cordboard.storage.sorted import Filters, Sort, Sorted
from cordboard.storage.sorted import count as count_sorted
from cordboard.storage.sorted import page as page_sorted
from cordboard.storage.transaction import Row, Transaction, UniqueViolation, Value

_RECORDING: Final = {f"record_{switch.replace('-', '_')}": switch for switch in Recording}
_VARIABLE: Final = (
    *("username", "password", "caller_name", "extension", "external_number", "may_call_outside", "restricted"),
    *("allowed", *_RECORDING),
)
_NAMES = f"id, tenant_id, created_at, {', '.join(_VARIABLE)}"
_COLUMNS = f"select {_NAMES} from account"
_INSERT = f"""
insert into account (id, tenant_id, operator_id, created_at, {", ".join(_VARIABLE)})
values ({", ".join(f"${place}" for place in range(1, 5 + len(_VARIABLE)))})
"""
_UPDATE = f"""
update account set {", ".join(f"{column} = ${place}" for place, column in enumerate(_VARIABLE, 2))} where id = $1
"""
_DELETE = "delete from account where id = $1"
_BY_ID = f"{_COLUMNS} where id = $1"
_OF_OPERATOR = f"{_COLUMNS} where id = $1 and operator_id = $2"
_BY_USERNAME = f"{_COLUMNS} where username = $1"
_OF_TENANT = f"{_COLUMNS} where tenant_id = $1 {{beyond}} order by created_at, id limit $2"
_BEYOND = "and (created_at, id) > ((select created_at from account where id = $3 and tenant_id = $1), $3)"
_AFTER = f"{_COLUMNS} where id > $1 order by id limit $2"
_CURSOR = "select 1 from account where id = $1 and tenant_id = $2"
_LISTED: Final = Sorted(
    table="account",
    columns=_NAMES,
    key="id",
    sorts={"id": "id", **{name: name for name in _VARIABLE if name not in ("password", "allowed")}}
    | {"allowed": "substr(allowed, 1, 64)"},
    filters={
        "id": "id",
        "tenant": "tenant_id",
        "username": "username",
        "caller_name": "caller_name",
        "may_call_outside": "may_call_outside",
        "extension": "extension",
        "external_number": "external_number",
    },
)
#: By what accounts may be sorted and filtered; a password is sealed, hence has no order.
SORTS: Final = tuple(_LISTED.sorts)
FILTERS: Final = tuple(_LISTED.filters)


def _account(row: Row) -> Account:
    allowed = row["allowed"]
    return Account(
        id=AccountId(row["id"]),
        tenant=TenantId(row["tenant_id"]),
        username=row["username"],
        password=SealedSecret(text=row["password"]),
        caller_name=row["caller_name"],
        extension=row["extension"],
        external_number=row["external_number"],
        may_call_outside=bool(row["may_call_outside"]),
        restricted=bool(row["restricted"]),
        allowed=None if allowed is None else tuple(filter(None, allowed.split(","))),
        recording=frozenset(switch for column, switch in _RECORDING.items() if row[column]),
        created_at=from_wire(row["created_at"]),
    )


def _variable(account: Account) -> dict[str, Value]:
    return {
        "username": account.username,
        "password": account.password.text,
        "caller_name": account.caller_name,
        "extension": account.extension,
        "external_number": account.external_number,
        "may_call_outside": int(account.may_call_outside),
        "restricted": int(account.restricted),
        "allowed": None if account.allowed is None else ",".join(account.allowed),
        **{column: int(switch in account.recording) for column, switch in _RECORDING.items()},
    }


def _fields(before: Account | None, after: Account | None) -> changes.Fields:
    """What the change log may say: of the password only that it was set."""
    old, new = ({} if side is None else dict(_variable(side)) for side in (before, after))
    fields = changes.difference(old, new)
    if fields.pop("password", None) is not None and after is not None:
        fields["password"] = ["set"]
    return fields


async def add(tx: Transaction, who: Actor, account: Account, now: datetime) -> Tenant:
    """Its tenant, which has one more now. Raises UnknownTenant, UsernameTaken, ExtensionTaken."""
    tenant = await tenants.count_accounts(tx, account.tenant, 1)
    await logins.claim(tx, account.username, account.id)
    try:
        values = _variable(account).values()
        await tx.run(_INSERT, account.id, account.tenant, tenant.operator, to_wire(account.created_at), *values)
    except UniqueViolation as error:
        raise _taken(account, error) from error
    if tenant.operator is not None:
        await operators.count(tx, tenant.operator, accounts=1)
    fields = _fields(None, account)
    await changes.record(tx, who, now, "account", account.id, "create", tenant=account.tenant, fields=fields)
    return tenant


async def save(tx: Transaction, who: Actor, before: Account, after: Account, now: datetime) -> None:
    """Store what differs; nothing if nothing does. Raises UsernameTaken, ExtensionTaken."""
    if before == after:
        return
    if before.username != after.username:
        await logins.claim(tx, after.username, after.id)
        await logins.release(tx, before.username, after.id)
    try:
        await tx.run(_UPDATE, after.id, *_variable(after).values())
    except UniqueViolation as error:
        raise _taken(after, error) from error
    fields = _fields(before, after)
    await changes.record(tx, who, now, "account", after.id, "update", tenant=after.tenant, fields=fields)


async def remove(tx: Transaction, who: Actor, account: Account, now: datetime) -> None:
    """The account alone: numbers must not lead to it any more."""
    await tx.run(_DELETE, account.id)
    await logins.release(tx, account.username, account.id)
    tenant = await tenants.count_accounts(tx, account.tenant, -1)
    if tenant.operator is not None:
        await operators.count(tx, tenant.operator, accounts=-1)
    fields = _fields(account, None)
    await changes.record(tx, who, now, "account", account.id, "delete", tenant=account.tenant, fields=fields)


def _taken(account: Account, error: UniqueViolation) -> UsernameTaken | ExtensionTaken:
    if "extension" in error.index and account.extension is not None:
        return ExtensionTaken(account.extension)
    return UsernameTaken(account.username)


async def get(tx: Transaction, id: AccountId, operator: OperatorId | None = None) -> Account:
    """An account, if given of that operator's customers. Raises UnknownAccount."""
    row = await (tx.one(_BY_ID, id) if operator is None else tx.one(_OF_OPERATOR, id, operator))
    if row is None:
        raise UnknownAccount(id)
    return _account(row)


async def by_username(tx: Transaction, username: str) -> Account | None:
    row = await tx.one(_BY_USERNAME, username)
    return None if row is None else _account(row)


async def of_tenant(tx: Transaction, tenant: TenantId, after: AccountId | None, limit: int) -> list[Account]:
    """A tenant's accounts, oldest first, those after `after`. Raises UnknownCursor."""
    if after is None:
        return [_account(row) for row in await tx.all(_OF_TENANT.format(beyond=""), tenant, limit)]
    if await tx.one(_CURSOR, after, tenant) is None:
        raise UnknownCursor(after)
    return [_account(row) for row in await tx.all(_OF_TENANT.format(beyond=_BEYOND), tenant, limit, after)]


async def after(tx: Transaction, after: str, limit: int) -> list[Account]:
    """Everybody's accounts in order of id, those after `after` (empty: from the first)."""
    return [_account(row) for row in await tx.all(_AFTER, after, limit)]


async def count(tx: Transaction, operator: OperatorId, filters: Filters) -> int:
    """Those that fit all filters: without one from a counter."""
    if not filters:
        return (await operators.counted(tx, operator))[1]
    return await count_sorted(tx, _LISTED, operator, filters)


async def page(
    tx: Transaction,
    operator: OperatorId,
    filters: Filters,
    sort: Sequence[Sort],
    *,
    number: int,
    size: int,
    total: int,
) -> list[Account]:
    """A page of the accounts of an operator's customers."""
    rows = await page_sorted(tx, _LISTED, operator, filters, sort, number=number, size=size, total=total)
    return [_account(row) for row in rows]
