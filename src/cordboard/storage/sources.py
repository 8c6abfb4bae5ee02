"""By what address alone agents are known, and whether two tenants would have one in common.

Kept for published versions without a login, in the transaction that publishes.
"""

from collections.abc import Sequence

from cordboard.domain.addresses import Network, bounds, supernets
from cordboard.domain.agents import VersionId
from cordboard.domain.tenants import TenantId
from cordboard.storage.many import places
from cordboard.storage.transaction import Transaction

#: Writers of every tenant queue up here until the end of their transactions: SQLite has no `for update`.
_ADD = "insert into agent_source (version_id, network, tenant_id, first, last) values ($1, $2, $3, $4, $5)"
_DROP = "delete from agent_source where version_id = $1"
#: Networks lie inside one another or apart. So those that overlap one are the wider ones around it, found by equality,
#: and those that begin where it does or within it. The tenant's own are stepped over by the index, but for those
#: strictly within.
_FOREIGN = """
select network from agent_source where network in ({around}) and tenant_id < $1
union all
select network from agent_source where network in ({around}) and tenant_id > $1
union all
select network from agent_source where first = $2 and tenant_id < $1
union all
select network from agent_source where first = $2 and tenant_id > $1
union all
select network from agent_source where first > $2 and first <= $3 and tenant_id <> $1
limit 1
"""


async def is_shared(tx: Transaction, tenant: TenantId, network: Network) -> bool:
    """Whether an agent of another tenant calls from an address of the network."""
    around = supernets(network)
    sql = _FOREIGN.format(around=places(len(around), 4))
    return await tx.one(sql, tenant, *bounds(network), *around) is not None


async def drop(tx: Transaction, version: VersionId) -> None:
    await tx.run(_DROP, version)


async def add(tx: Transaction, tenant: TenantId, version: VersionId, networks: Sequence[Network]) -> None:
    for network in networks:
        await tx.run(_ADD, version, str(network), tenant, *bounds(network))
