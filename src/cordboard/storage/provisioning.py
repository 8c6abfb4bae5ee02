"""What a provider must hold for us, and who is changing it there."""

from collections.abc import Collection, Iterable
from datetime import datetime

from cordboard.domain.times import to_wire
from cordboard.storage.transaction import Row, Transaction, UniqueViolation

#: A number is answered while it is assigned, has a trunk, and its agent a published version.
_ANSWERED = """
select n.id, n.number, n.tenant_id, a.name as agent, v.sip_uri, t.id as trunk_id, t.allowed, t.media_in, t.options,
t.inbound_username, t.inbound_password
from number n
join agent a on a.id = n.inbound_agent_id
join agent_version v on v.id = a.published_version_id
join trunk t on t.id = n.trunk_id
where n.status = 'assigned'
"""
_CALLING = """
select t.id, t.tenant_id, t.name, t.username, t.password, t.media_out, t.options, t.provider_id, g.host, g.port,
g.transport
from trunk t join gateway g on g.trunk_id = t.id and g.position = 0
"""
_NUMBERS_OF = "select number from number where trunk_id = $1 and status = 'assigned' order by number limit $2"
_PLACE = "select number, trunk_id from number where id = $1"
_ON_TRUNK = "select number from number where trunk_id = $1"
_WITH_AGENT = "select number from number where inbound_agent_id = $1"

_AGENTS = """
select a.id, a.name, a.published_version_id, v.sip_uri, v.from_username, v.from_password, v.encryption
from agent a join agent_version v on v.id = a.published_version_id
"""
_AGENT_OUT = "select outbound_agent_id from number where id = $1"
_NUMBERS_FROM = """
select number from number where outbound_agent_id = $1 and status = 'assigned' and trunk_id is not null
order by number limit $2
"""

_CLAIM = "select holder, claimed_at from provider_claim where object = $1"
_PUT_CLAIM = "insert into provider_claim (object, holder, claimed_at) values ($1, $2, $3)"
_TAKE_CLAIM = (
    "update provider_claim set holder = $2, claimed_at = $3 where object = $1 and holder = $4 returning object"
)
_DROP_CLAIM = "delete from provider_claim where object = $1 and holder = $2 returning object"
_ABANDON = "update provider_claim set holder = '' where object = $1 and holder = $2"
_ABANDON_ALL = "update provider_claim set holder = ''"
_CLAIMS = "select object, holder, claimed_at from provider_claim order by object"


class Held(Exception):
    """Somebody else is changing that object at the provider."""


async def answered(tx: Transaction, number: str) -> Row | None:
    return await tx.one(f"{_ANSWERED} and n.number = $1", number)


async def answered_numbers(tx: Transaction) -> list[str]:
    """E.164 numbers alone."""
    return [row["number"] for row in await tx.all(f"{_ANSWERED} and n.number like '+%' order by n.number")]


async def calling(tx: Transaction, trunk: str) -> Row | None:
    return await tx.one(f"{_CALLING} where t.id = $1", trunk)


async def calling_trunks(tx: Transaction) -> list[str]:
    return [row["id"] for row in await tx.all(f"{_CALLING} order by t.id")]


async def numbers_of(tx: Transaction, trunk: str, limit: int) -> list[str]:
    return [row["number"] for row in await tx.all(_NUMBERS_OF, trunk, limit)]


async def place(tx: Transaction, number_id: str) -> tuple[str, str | None] | None:
    """A number and its trunk's id."""
    row = await tx.one(_PLACE, number_id)
    return None if row is None else (row["number"], row["trunk_id"])


async def on_trunk(tx: Transaction, trunk: str) -> list[str]:
    return [row["number"] for row in await tx.all(_ON_TRUNK, trunk)]


async def with_agent(tx: Transaction, agent: str) -> list[str]:
    """The numbers whose calls an agent takes."""
    return [row["number"] for row in await tx.all(_WITH_AGENT, agent)]


async def published_agent(tx: Transaction, id: str) -> Row | None:
    """An agent whose version takes calls."""
    return await tx.one(f"{_AGENTS} where a.id = $1", id)


async def published_agents(tx: Transaction) -> list[str]:
    return [row["id"] for row in await tx.all(f"{_AGENTS} order by a.id")]


async def agent_out(tx: Transaction, number_id: str) -> str | None:
    """The agent that places calls from a number."""
    row = await tx.one(_AGENT_OUT, number_id)
    return None if row is None else row["outbound_agent_id"]


async def numbers_from(tx: Transaction, agent: str, limit: int) -> list[str]:
    """The numbers that an agent places calls from."""
    return [row["number"] for row in await tx.all(_NUMBERS_FROM, agent, limit)]


async def claim(
    tx: Transaction, objects: Iterable[str], holder: str, now: datetime, abandoned: datetime
) -> frozenset[str]:
    """Take all of them; which of them a holder left behind, claimed before `abandoned`. Raises Held."""
    left = set()
    for each in objects:
        row = await tx.one(_CLAIM, each)
        if row is None:
            try:
                await tx.run(_PUT_CLAIM, each, holder, to_wire(now))
            except UniqueViolation as error:
                raise Held(each) from error
            continue
        if row["holder"] and row["claimed_at"] >= to_wire(abandoned):
            raise Held(each)
        if await tx.one(_TAKE_CLAIM, each, holder, to_wire(now), row["holder"]) is None:
            raise Held(each)
        left.add(each)
    return frozenset(left)


async def drop(tx: Transaction, objects: Collection[str], holder: str) -> bool:
    """Let go of all of them; false if one is not the holder's any more."""
    dropped = [await tx.one(_DROP_CLAIM, each, holder) for each in objects]
    return None not in dropped


async def abandon(tx: Transaction, objects: Iterable[str], holder: str) -> None:
    """Whoever comes next finds that something may be left there."""
    for each in objects:
        await tx.run(_ABANDON, each, holder)


async def abandon_all(tx: Transaction) -> None:
    await tx.run(_ABANDON_ALL)


async def abandoned(tx: Transaction, before: datetime) -> list[str]:
    rows = await tx.all(_CLAIMS)
    return [row["object"] for row in rows if not row["holder"] or row["claimed_at"] < to_wire(before)]
