"""What an edge needs of each object: by id for a change, in order of id for the whole."""

from cordboard.storage.transaction import Row, Transaction

#: A number takes calls while it is assigned.
_NUMBERS = "select id, number, tenant_id, trunk_id, inbound_agent_id from number where status = 'assigned'"
_TRUNKS = "select id, tenant_id, allowed, media_in from trunk"
#: An agent takes calls while a version is published.
_AGENTS = """
select a.id, a.published_version_id, v.sip_uri from agent a join agent_version v on v.id = a.published_version_id
"""


async def number(tx: Transaction, id: str) -> Row | None:
    return await tx.one(f"{_NUMBERS} and id = $1", id)


async def numbers(tx: Transaction, after: str, limit: int) -> list[Row]:
    return await tx.all(f"{_NUMBERS} and id > $1 order by id limit $2", after, limit)


async def trunk(tx: Transaction, id: str) -> Row | None:
    return await tx.one(f"{_TRUNKS} where id = $1", id)


async def trunks(tx: Transaction, after: str, limit: int) -> list[Row]:
    return await tx.all(f"{_TRUNKS} where id > $1 order by id limit $2", after, limit)


async def agent(tx: Transaction, id: str) -> Row | None:
    return await tx.one(f"{_AGENTS} where a.id = $1", id)


async def agents(tx: Transaction, after: str, limit: int) -> list[Row]:
    return await tx.all(f"{_AGENTS} where a.id > $1 order by a.id limit $2", after, limit)
