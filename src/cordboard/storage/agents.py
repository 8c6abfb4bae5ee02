"""Agents and their versions in the store."""

import json
from collections.abc import Collection
from datetime import datetime

from cordboard.domain.agents import Agent, AgentId, AgentVersion, VersionId
from cordboard.domain.errors import AgentGivenForVersion, UnknownAgent, UnknownCursor, UnknownVersion
from cordboard.domain.tenants import Actor, TenantId
from cordboard.domain.times import from_wire, to_wire
from cordboard.domain.trunks import MediaPolicy, SealedCredentials, SealedSecret
from cordboard.storage import changes
from cordboard.storage.listing import oldest_first
from cordboard.storage.many import find
from cordboard.storage.transaction import Row, Transaction

_AGENT = "select id, tenant_id, name, published_version_id, created_at from agent"
_COLUMNS = (
    *("id", "agent_id", "tenant_id", "number", "name", "draft", "sip_uri", "from_addresses", "created_at"),
    *("encryption", "from_username", "from_password", "to_username", "to_password"),
    *("tls_verify", "headers", "codecs"),
)
_VERSION = f"select {', '.join(_COLUMNS)} from agent_version"

_INSERT_AGENT = "insert into agent (id, tenant_id, name, created_at) values ($1, $2, $3, $4)"
_BY_ID = f"{_AGENT} where id = $1"
_BY_REFS = """
select id as ref, id from agent where id in ({places}) and tenant_id = $1
union
select name, id from agent where tenant_id = $1 and name in ({places})
"""
_UPDATE = "update agent set name = $2, published_version_id = $3 where id = $1"

_INSERT_VERSION = f"""
insert into agent_version ({", ".join(_COLUMNS)})
values ({", ".join(f"${place}" for place, _ in enumerate(_COLUMNS, 1))})
"""
_VERSION_BY_ID = f"{_VERSION} where id = $1"
_VERSION_AND_AGENT = f"""
select {", ".join(f"v.{column}" for column in _COLUMNS)}, a.name as agent_name,
a.published_version_id, a.created_at as agent_created_at
from agent_version v join agent a on a.id = v.agent_id where v.id = $1
"""
_VERSIONS = f"{_VERSION} where agent_id = $1 and number > $2 order by number limit $3"
_NEWEST = f"{_VERSION} where agent_id = $1 order by number desc limit 1"
_FORGET = (
    "delete from agent_source where version_id in (select id from agent_version where agent_id = $1)",
    "delete from login where username in (select from_username from agent_version where agent_id = $1)",
    "delete from agent_version where agent_id = $1",
    "delete from agent where id = $1",
)
_LAST_NUMBER = "select coalesce(max(number), 0) as number from agent_version where agent_id = $1"


def _agent(row: Row) -> Agent:
    return Agent(
        id=AgentId(row["id"]),
        tenant=TenantId(row["tenant_id"]),
        name=row["name"],
        published=row["published_version_id"],
        created_at=from_wire(row["created_at"]),
    )


def _version(row: Row) -> AgentVersion:
    return AgentVersion(
        id=VersionId(row["id"]),
        agent=AgentId(row["agent_id"]),
        tenant=TenantId(row["tenant_id"]),
        number=row["number"],
        name=row["name"],
        draft=bool(row["draft"]),
        sip_uri=row["sip_uri"],
        from_addresses=tuple(json.loads(row["from_addresses"])),
        created_at=from_wire(row["created_at"]),
        encryption=MediaPolicy(row["encryption"]),
        from_credentials=_credentials(row["from_username"], row["from_password"]),
        to_credentials=_credentials(row["to_username"], row["to_password"]),
        tls_verify=bool(row["tls_verify"]),
        headers=tuple((name, value) for name, value in json.loads(row["headers"])),
        codecs=tuple(json.loads(row["codecs"])),
    )


def _credentials(username: str | None, password: str | None) -> SealedCredentials | None:
    if username is None or password is None:
        return None
    return SealedCredentials(username=username, password=SealedSecret(text=password))


def _columns(credentials: SealedCredentials | None) -> tuple[str | None, str | None]:
    return (None, None) if credentials is None else (credentials.username, credentials.password.text)


def _told(version: AgentVersion) -> changes.Fields:
    """What the change log may say of a version: of passwords only that there are some."""
    told = {
        "agent": version.agent,
        "sip_uri": version.sip_uri,
        "draft": version.draft,
        "encryption": version.encryption,
        "from_addresses": version.from_addresses,
        "from_username": version.from_credentials and version.from_credentials.username,
        "to_username": version.to_credentials and version.to_credentials.username,
        "tls_verify": version.tls_verify,
        "headers": [name for name, _ in version.headers],
        "codecs": version.codecs,
    }
    return {name: [None, value] for name, value in told.items()}


async def add(tx: Transaction, who: Actor, agent: Agent, now: datetime) -> None:
    await tx.run(_INSERT_AGENT, agent.id, agent.tenant, agent.name, to_wire(agent.created_at))
    fields = {"name": [None, agent.name]}
    await changes.record(tx, who, now, "agent", agent.id, "create", tenant=agent.tenant, fields=fields)


async def add_version(tx: Transaction, who: Actor, version: AgentVersion, now: datetime) -> None:
    await tx.run(
        _INSERT_VERSION,
        version.id,
        version.agent,
        version.tenant,
        version.number,
        version.name,
        int(version.draft),
        version.sip_uri,
        json.dumps(version.from_addresses),
        to_wire(version.created_at),
        version.encryption,
        *_columns(version.from_credentials),
        *_columns(version.to_credentials),
        int(version.tls_verify),
        json.dumps(version.headers),
        json.dumps(version.codecs),
    )
    told = _told(version)
    await changes.record(tx, who, now, "version", version.id, "create", tenant=version.tenant, fields=told)


async def get(tx: Transaction, tenant: TenantId | None, id: AgentId) -> Agent:
    """Of that tenant, or of any if None. Raises UnknownAgent."""
    row = await tx.one(_BY_ID, id)
    if row is None or tenant not in (None, row["tenant_id"]):
        raise UnknownAgent(id)
    return _agent(row)


async def of_tenant(tx: Transaction, tenant: TenantId, after: AgentId | None, limit: int) -> list[Agent]:
    """Oldest first, those beyond `after`. Raises UnknownCursor."""
    rows = await oldest_first(tx, _AGENT, "agent", tenant, after, limit)
    return [_agent(row) for row in rows]


async def by_refs(tx: Transaction, tenant: TenantId, refs: Collection[str]) -> dict[str, list[AgentId]]:
    """A tenant's agents by these ids or names; the id wins, several of one name are all found."""
    found: dict[str, list[AgentId]] = {}
    for row in await find(tx, _BY_REFS, sorted(refs), tenant):
        found.setdefault(row["ref"], []).append(AgentId(row["id"]))
    return {ref: [id for id in ids if id == ref] or ids for ref, ids in found.items()}


async def version(tx: Transaction, tenant: TenantId | None, id: VersionId) -> AgentVersion:
    """Of that tenant, or of any if None. Raises UnknownVersion, AgentGivenForVersion."""
    row = await tx.one(_VERSION_BY_ID, id)
    if row is not None and tenant in (None, row["tenant_id"]):
        return _version(row)
    try:
        agent = await get(tx, tenant, AgentId(id))
    except UnknownAgent:
        raise UnknownVersion(id) from None
    raise AgentGivenForVersion(id, agent.published)


async def version_and_agent(tx: Transaction, tenant: TenantId, id: VersionId) -> tuple[AgentVersion, Agent]:
    """A version of that tenant, with its agent. Raises UnknownVersion, AgentGivenForVersion."""
    row = await tx.one(_VERSION_AND_AGENT, id)
    if row is None or row["tenant_id"] != tenant:
        found = await version(tx, tenant, id)
        return found, await get(tx, tenant, found.agent)
    agent = Agent(
        id=AgentId(row["agent_id"]),
        tenant=tenant,
        name=row["agent_name"],
        published=row["published_version_id"],
        created_at=from_wire(row["agent_created_at"]),
    )
    return _version(row), agent


async def versions(tx: Transaction, agent: AgentId, after: VersionId | None, limit: int) -> list[AgentVersion]:
    """Oldest first, those beyond `after`. Raises UnknownCursor."""
    number = 0
    if after is not None:
        cursor = await tx.one(_VERSION_BY_ID, after)
        if cursor is None or cursor["agent_id"] != agent:
            raise UnknownCursor(after)
        number = cursor["number"]
    return [_version(row) for row in await tx.all(_VERSIONS, agent, number, limit)]


async def newest_version(tx: Transaction, agent: AgentId) -> AgentVersion | None:
    row = await tx.one(_NEWEST, agent)
    return None if row is None else _version(row)


async def next_version_number(tx: Transaction, agent: AgentId) -> int:
    row = await tx.one(_LAST_NUMBER, agent)
    return 1 if row is None else int(row["number"]) + 1


async def save(tx: Transaction, who: Actor, before: Agent, after: Agent, now: datetime) -> None:
    """Store what differs: the name, or which version is published."""
    if before == after:
        return
    await tx.run(_UPDATE, after.id, after.name, after.published)
    told = ({"name": each.name, "published": each.published} for each in (before, after))
    action = "update" if before.published == after.published else "publish"
    fields = changes.difference(*told)
    await changes.record(tx, who, now, "agent", after.id, action, tenant=after.tenant, fields=fields)


async def remove(tx: Transaction, who: Actor, agent: Agent, now: datetime) -> None:
    """The agent with all of its versions: no number must lead to it any more."""
    for sql in _FORGET:
        await tx.run(sql, agent.id)
    fields = {"name": [agent.name, None]}
    await changes.record(tx, who, now, "agent", agent.id, "delete", tenant=agent.tenant, fields=fields)
