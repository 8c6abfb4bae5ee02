"""Numbers that nearly fit: by their exact text, or by the beginning of a SIP address. No look-up scans."""

from collections.abc import Sequence
from dataclasses import dataclass

from cordboard.domain.tenants import TenantId
from cordboard.storage.many import places
from cordboard.storage.transaction import Row, Transaction

_COLUMNS = "select id, number, status, tenant_id, trunk_id, released_at from number"
_NAMED = f"{_COLUMNS} where status <> 'finished' and number in ({{places}}){{whose}}"
#: Of one user at whatever host: from `user@` to what comes next.
_AT_ANY_HOST = (
    f"{_COLUMNS} where status <> 'finished' and number >= $1 and number < $2{{whose}} order by number limit 3"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Near:
    """A number, whatever it is in the middle of."""

    id: str
    number: str
    status: str
    tenant: TenantId | None
    trunk: str | None
    released_at: str | None


async def named(tx: Transaction, tenant: TenantId | None, numbers: Sequence[str]) -> dict[str, Near]:
    """Those of these numbers that there are, by their text; of that tenant, or of any if None."""
    if not numbers:
        return {}
    whose = "" if tenant is None else f" and tenant_id = ${len(numbers) + 1}"
    args = numbers if tenant is None else (*numbers, tenant)
    return {
        row["number"]: _near(row)
        for row in await tx.all(_NAMED.format(places=places(len(numbers)), whose=whose), *args)
    }


async def at_any_host(tx: Transaction, tenant: TenantId | None, user: str) -> list[Near]:
    """SIP addresses of that user, three at most."""
    whose = "" if tenant is None else " and tenant_id = $3"
    args = () if tenant is None else (tenant,)
    return [_near(row) for row in await tx.all(_AT_ANY_HOST.format(whose=whose), f"{user}@", f"{user}A", *args)]


def _near(row: Row) -> Near:
    return Near(
        id=row["id"],
        number=row["number"],
        status=row["status"],
        tenant=row["tenant_id"],
        trunk=row["trunk_id"],
        released_at=row["released_at"],
    )
