"""What a change would touch: looked up and counted, with nothing changed."""

from dataclasses import dataclass
from typing import Final

from cordboard.domain.accounts import AccountId
from cordboard.domain.agents import AgentId
from cordboard.domain.numbers import NumberId
from cordboard.domain.tenants import TenantId
from cordboard.domain.trunks import TrunkId
from cordboard.storage import accounts, calls, holdings, numbers, tenants, trunks
from cordboard.storage.transaction import Transaction

#: Numbers that a preview names.
NAMED: Final = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Touched:
    """How much of each kind; `first_numbers` are some of the numbers."""

    numbers: int = 0
    first_numbers: tuple[str, ...] = ()
    trunks: int = 0
    agents: int = 0
    accounts: int = 0
    keys: int = 0
    live_calls: int = 0


async def of_tenant(tx: Transaction, id: TenantId) -> Touched:
    """Whatever it has. Raises UnknownTenant."""
    tenant = await tenants.get(tx, id)
    return Touched(
        numbers=await holdings.count(tx, "number", "tenant_id", id),
        first_numbers=await holdings.numbers(tx, "tenant_id", id, NAMED),
        trunks=await holdings.count(tx, "trunk", "tenant_id", id),
        agents=await holdings.count(tx, "agent", "tenant_id", id),
        accounts=tenant.accounts,
        keys=await holdings.count(tx, "api_key", "tenant_id", id),
        live_calls=await calls.standing(tx, tenant=id),
    )


async def of_number(tx: Transaction, id: NumberId) -> Touched:
    """It and its calls; a trunk that it brought along and that no other number uses goes with it.

    Raises UnknownNumber.
    """
    number = await numbers.get(tx, None, id)
    own = number.imported and number.trunk is not None and (await trunks.get(tx, number.trunk)).number == id
    shared = own and number.trunk is not None and await numbers.trunk_in_use(tx, number.trunk, besides=id)
    return Touched(
        numbers=1,
        first_numbers=(number.number,),
        trunks=int(own and not shared),
        live_calls=await calls.standing(tx, number=id),
    )


async def of_trunk(tx: Transaction, id: TrunkId) -> Touched:
    """The numbers that it carries, and the calls that take it now."""
    return Touched(
        numbers=await holdings.count(tx, "number", "trunk_id", id),
        first_numbers=await holdings.numbers(tx, "trunk_id", id, NAMED),
        trunks=1,
        live_calls=await calls.standing(tx, trunk=id),
    )


async def of_agent(tx: Transaction, id: AgentId) -> Touched:
    """The numbers that lead to it or that it calls by, and its calls."""
    return Touched(
        numbers=await holdings.count_of_agent(tx, id),
        first_numbers=await holdings.numbers_of_agent(tx, id, NAMED),
        agents=1,
        live_calls=await calls.standing(tx, agent=id),
    )


async def of_account(tx: Transaction, id: AccountId) -> Touched:
    """The numbers that lead to its phones, and the calls that it has begun. Raises UnknownAccount."""
    account = await accounts.get(tx, id)
    return Touched(
        numbers=await holdings.count(tx, "number", "account_id", id),
        first_numbers=await holdings.numbers(tx, "account_id", id, NAMED),
        accounts=1,
        live_calls=await calls.standing(tx, tenant=account.tenant, account=account.username),
    )


async def of_key(tx: Transaction) -> Touched:
    """Itself."""
    return Touched(keys=1)


async def of_operator(tx: Transaction) -> Touched:
    """Nothing else: an operator with customers is not deleted."""
    return Touched()
