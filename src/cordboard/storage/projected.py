"""What an edge needs of each object: by ids for changes, in order of id for the whole."""

from collections.abc import Sequence
from itertools import groupby

from cordboard.storage.many import find, places
from cordboard.storage.transaction import Row, Transaction

#: A number takes and places calls while it is assigned. By ids alone: PostgreSQL, before it has counted what was just
#: imported, takes the assigned ones for a few, and would read all of them.
_NUMBERS = """
select id, number, tenant_id, trunk_id, inbound_agent_id, outbound_agent_id, account_id
from number where status || '' = 'assigned'
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


async def these_numbers(tx: Transaction, ids: Sequence[str]) -> list[Row]:
    """Those of them that there are, as the others of this kind."""
    return await _these(tx, f"{_NUMBERS} and id in", ids)


async def numbers(tx: Transaction, after: str, limit: int) -> list[Row]:
    return await tx.all(f"{_NUMBERS} and id > $1 order by id limit $2", after, limit)


async def numbers_named(tx: Transaction, named: Sequence[str]) -> list[Row]:
    """Those of these numbers that are assigned."""
    if not named:
        return []
    return await tx.all(f"{_NUMBERS} and status <> 'finished' and number in ({places(len(named))})", *named)


async def these_trunks(tx: Transaction, ids: Sequence[str]) -> list[Row]:
    return await _these(tx, f"{_TRUNKS} where id in", ids)


async def trunks(tx: Transaction, after: str, limit: int) -> list[Row]:
    return await tx.all(f"{_TRUNKS} where id > $1 order by id limit $2", after, limit)


async def gateways_of(tx: Transaction, trunks: Sequence[str]) -> dict[str, list[Row]]:
    """Each trunk's gateways, in order of use. A change of theirs is a change of the trunk."""
    found: dict[str, list[Row]] = {}
    for row in sorted(await _these(tx, f"{_GATEWAYS} where trunk_id in", trunks), key=_position):
        found.setdefault(row["trunk_id"], []).append(row)
    return found


async def gateways_between(tx: Transaction, after: str, last: str) -> dict[str, list[Row]]:
    """The gateways, each list in order of use, of all trunks from beyond id `after` to id `last`: one chunk's."""
    rows = await tx.all(f"{_GATEWAYS} where trunk_id > $1 and trunk_id <= $2 order by trunk_id, position", after, last)
    return {id: list(found) for id, found in groupby(rows, key=_trunk_id)}


def _trunk_id(row: Row) -> str:
    return str(row["trunk_id"])


def _position(row: Row) -> int:
    return int(row["position"])


async def these_agents(tx: Transaction, ids: Sequence[str]) -> list[Row]:
    return await _these(tx, f"{_AGENTS} where a.id in", ids)


async def agents(tx: Transaction, after: str, limit: int) -> list[Row]:
    return await tx.all(f"{_AGENTS} where a.id > $1 order by a.id limit $2", after, limit)


async def these_accounts(tx: Transaction, ids: Sequence[str]) -> list[Row]:
    return await _these(tx, f"{_ACCOUNTS} where id in", ids)


async def accounts(tx: Transaction, after: str, limit: int) -> list[Row]:
    return await tx.all(f"{_ACCOUNTS} where id > $1 order by id limit $2", after, limit)


async def accounts_dialled(tx: Transaction, username: str, called: str) -> list[Row]:
    """The account of that username, and that of its tenant with the extension `called`."""
    caller = await tx.one(f"{_ACCOUNTS} where username = $1", username)
    if caller is None:
        return []
    extension = int(called) if called.isascii() and called.isdecimal() and len(called) < 9 else None
    if extension is None or str(extension) != called:
        return [caller]
    colleague = f"{_ACCOUNTS} where tenant_id = $1 and extension = $2"
    return [caller, *await tx.all(colleague, caller["tenant_id"], extension)]


async def _these(tx: Transaction, sql: str, ids: Sequence[str]) -> list[Row]:
    """`sql` ends before the list of ids."""
    return await find(tx, f"{sql} ({{places}})", ids)


async def agent_of(tx: Transaction, username: str) -> str:
    """The agent that calls by this digest username; '' if none does."""
    row = await tx.one("select owner_id from login where username = $1", username)
    return str(row["owner_id"]) if row is not None and await these_agents(tx, [row["owner_id"]]) else ""
