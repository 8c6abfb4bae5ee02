"""What an edge needs of each object: by id for a change, in order of id for the whole."""

from itertools import groupby

from cordboard.storage.transaction import Row, Transaction

#: A number takes and places calls while it is assigned.
_NUMBERS = """
select id, number, tenant_id, trunk_id, inbound_agent_id, outbound_agent_id, account_id
from number where status = 'assigned'
"""
_TRUNKS = """
select id, tenant_id, allowed, media_in, media_out, username, password, tls_verify, probe, options, inbound_username,
inbound_password from trunk
"""
_GATEWAYS = "select trunk_id, position, host, port, transport, priority, weight from gateway"
#: An agent takes and places calls while a version is published. Its passwords are sealed for the row of the version.
_AGENTS = """
select a.id, a.tenant_id, a.published_version_id, v.sip_uri, v.encryption, v.from_addresses, v.from_username,
v.from_password, v.to_username, v.to_password, v.tls_verify, v.headers, v.codecs
from agent a join agent_version v on v.id = a.published_version_id
"""

_ACCOUNTS = """
select id, tenant_id, username, password, caller_name, extension, external_number, may_call_outside, restricted,
allowed, record_incoming_internal, record_incoming_external, record_outgoing_internal, record_outgoing_external,
record_on_demand from account
"""


async def number(tx: Transaction, id: str) -> Row | None:
    return await tx.one(f"{_NUMBERS} and id = $1", id)


async def numbers(tx: Transaction, after: str, limit: int) -> list[Row]:
    return await tx.all(f"{_NUMBERS} and id > $1 order by id limit $2", after, limit)


async def trunk(tx: Transaction, id: str) -> Row | None:
    return await tx.one(f"{_TRUNKS} where id = $1", id)


async def trunks(tx: Transaction, after: str, limit: int) -> list[Row]:
    return await tx.all(f"{_TRUNKS} where id > $1 order by id limit $2", after, limit)


async def gateways(tx: Transaction, trunk: str) -> list[Row]:
    """A trunk's gateways, in order of use. A change of theirs is a change of the trunk."""
    return await tx.all(f"{_GATEWAYS} where trunk_id = $1 order by position", trunk)


async def gateways_between(tx: Transaction, after: str, last: str) -> dict[str, list[Row]]:
    """The gateways, each list in order of use, of all trunks from beyond id `after` to id `last`: one chunk's."""
    rows = await tx.all(f"{_GATEWAYS} where trunk_id > $1 and trunk_id <= $2 order by trunk_id, position", after, last)
    return {id: list(found) for id, found in groupby(rows, key=_trunk_id)}


def _trunk_id(row: Row) -> str:
    return str(row["trunk_id"])


async def agent(tx: Transaction, id: str) -> Row | None:
    return await tx.one(f"{_AGENTS} where a.id = $1", id)


async def agents(tx: Transaction, after: str, limit: int) -> list[Row]:
    return await tx.all(f"{_AGENTS} where a.id > $1 order by a.id limit $2", after, limit)


async def account(tx: Transaction, id: str) -> Row | None:
    return await tx.one(f"{_ACCOUNTS} where id = $1", id)


async def accounts(tx: Transaction, after: str, limit: int) -> list[Row]:
    return await tx.all(f"{_ACCOUNTS} where id > $1 order by id limit $2", after, limit)
