"""SIP accounts: making, changing and listing them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from cordboard.domain.accounts import (
    Account,
    AccountId,
    Recording,
    check_account_username,
    check_caller_name,
    check_extension,
    check_external,
    check_password,
    networks,
)
from cordboard.domain.errors import AccountLimitReached, NotTheTenantsNumber, UnknownNumber
from cordboard.domain.numbers import Status
from cordboard.domain.operators import OperatorId
from cordboard.domain.tenants import Actor, Tenant, TenantId
from cordboard.storage import accounts, numbers, tenants
from cordboard.storage.sorted import Filters, Sort
from cordboard.storage.transaction import Transaction
from cordboard.usecases.ports import UNCHANGED, NotGiven, Sealer, given

G = TypeVar("G")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """Changes to an account; None clears."""

    username: str | NotGiven = UNCHANGED
    password: str | NotGiven = field(default=UNCHANGED, repr=False)
    caller_name: str | NotGiven | None = UNCHANGED
    extension: int | NotGiven | None = UNCHANGED
    external_number: int | NotGiven | None = UNCHANGED
    may_call_outside: bool | NotGiven = UNCHANGED
    restricted: bool | NotGiven = UNCHANGED
    #: A comma-separated list of addresses and CIDR ranges.
    allowed: str | NotGiven | None = UNCHANGED
    recording: frozenset[Recording] | NotGiven = UNCHANGED


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A page of accounts, of which there are `total`, and their tenants."""

    accounts: list[Account]
    total: int
    tenants: dict[TenantId, Tenant]


async def create(
    tx: Transaction,
    who: Actor,
    now: datetime,
    *,
    id: AccountId,
    tenant: TenantId,
    username: str,
    password: str,
    rest: Change,
    sealer: Sealer,
) -> Account:
    """A new account; `rest` has what else is not as usual.

    Raises UnknownTenant, AccountLimitReached, UsernameTaken, ExtensionTaken, NotTheTenantsNumber, Invalid.
    """
    await tenants.get(tx, tenant)
    bare = Account(
        id=id,
        tenant=tenant,
        username=check_account_username(username),
        password=sealer.seal(password, id),
        created_at=now,
    )
    check_password(password)
    account = await _changed(tx, bare, rest, sealer)
    owner = await accounts.add(tx, who, account, now)
    if owner.account_limit is not None and owner.accounts > owner.account_limit:
        raise AccountLimitReached(owner.account_limit)
    return account


async def update(
    tx: Transaction,
    who: Actor,
    now: datetime,
    *,
    id: AccountId,
    change: Change,
    sealer: Sealer,
    operator: OperatorId | None = None,
) -> Account:
    """Change an account, if given of that operator's.

    Raises UnknownAccount, UsernameTaken, ExtensionTaken, NotTheTenantsNumber, Invalid.
    """
    before = await accounts.get(tx, id, operator)
    after = await _changed(tx, before, change, sealer)
    await accounts.save(tx, who, before, after, now)
    return after


async def delete(tx: Transaction, who: Actor, now: datetime, *, id: AccountId) -> None:
    """Numbers that led to it lead nowhere, or to their agents again. Raises UnknownAccount."""
    account = await accounts.get(tx, id)
    for number in await numbers.of_account(tx, id):
        await numbers.save(tx, who, number, number.answered_by(None), now, "update")
    await accounts.remove(tx, who, account, now)


async def of_tenant(tx: Transaction, tenant: TenantId, after: AccountId | None, limit: int) -> list[Account]:
    """A tenant's accounts, oldest first. Raises UnknownTenant, UnknownCursor."""
    await tenants.get(tx, tenant)
    return await accounts.of_tenant(tx, tenant, after, limit)


async def one(tx: Transaction, id: AccountId, operator: OperatorId) -> tuple[Account, Tenant]:
    """An operator's account and its tenant. Raises UnknownAccount."""
    account = await accounts.get(tx, id, operator)
    return account, await tenants.get(tx, account.tenant)


async def page(
    tx: Transaction, operator: OperatorId, filters: Filters, sort: Sequence[Sort], *, number: int, size: int
) -> Page:
    """A page, from 1, of the accounts of an operator's customers."""
    total = await accounts.count(tx, operator, filters)
    found = await accounts.page(tx, operator, filters, sort, number=number, size=size, total=total)
    return Page(
        accounts=found,
        total=total,
        tenants=await tenants.by_ids(tx, list(dict.fromkeys(account.tenant for account in found))),
    )


async def _changed(tx: Transaction, before: Account, change: Change, sealer: Sealer) -> Account:
    """The account as it is to be, all of it checked."""
    password = change.password
    external = _checked(change.external_number, before.external_number, check_external)
    if external is not None and external != before.external_number:
        await _require_number(tx, before.tenant, external)
    return replace(
        before,
        username=_checked(change.username, before.username, check_account_username) or before.username,
        password=before.password if password is UNCHANGED else sealer.seal(check_password(password), before.id),
        caller_name=_checked(change.caller_name, before.caller_name, check_caller_name),
        extension=_checked(change.extension, before.extension, check_extension),
        external_number=external,
        may_call_outside=given(change.may_call_outside, before.may_call_outside),
        restricted=given(change.restricted, before.restricted),
        allowed=_checked(change.allowed, before.allowed, networks),
        recording=given(change.recording, before.recording),
    )


def _checked(value: G | NotGiven | None, before: T | None, check: Callable[[G], T]) -> T | None:
    """What was there if nothing was said, nothing if that was said, else what `check` makes of it."""
    if value is UNCHANGED:
        return before
    return None if value is None else check(value)


async def _require_number(tx: Transaction, tenant: TenantId, digits: int) -> None:
    """Raise NotTheTenantsNumber unless it is assigned to the tenant."""
    text = f"+{digits}"
    try:
        number = await numbers.by_number(tx, text)
    except UnknownNumber as error:
        raise NotTheTenantsNumber(text) from error
    if number.tenant != tenant or number.status is not Status.ASSIGNED:
        raise NotTheTenantsNumber(text)
