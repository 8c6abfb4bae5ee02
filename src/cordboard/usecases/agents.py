"""Agents: making them, adding versions, publishing one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cordboard.domain.addresses import HostPolicy, check_sip_uri, collapse
from cordboard.domain.agents import Agent, AgentId, AgentVersion, VersionId
from cordboard.domain.errors import UnknownVersion
from cordboard.domain.numbers import NumberId
from cordboard.domain.tenants import Actor, TenantId, check_name
from cordboard.storage import agents, numbers, tenants
from cordboard.storage.transaction import Transaction

#: Stands for "no number in particular" where numbers besides one are asked about.
_NO_NUMBER = NumberId("")


@dataclass(frozen=True, kw_only=True, slots=True)
class NewVersion:
    """What a version is made of."""

    id: VersionId
    sip_uri: str
    name: str | None = None
    from_addresses: Sequence[str] = ()
    draft: bool = False


async def create(
    tx: Transaction,
    who: Actor,
    now: datetime,
    *,
    id: AgentId,
    tenant: TenantId,
    name: str,
    version: NewVersion,
    hosts: HostPolicy,
) -> tuple[Agent, AgentVersion]:
    """An agent with its first version, published unless it is a draft.

    Raises UnknownTenant, InvalidName, InvalidSipUri, PrivateHost, InvalidNetwork.
    """
    await tenants.get(tx, tenant)
    agent = Agent(id=id, tenant=tenant, name=check_name(name), published=None, created_at=now)
    await agents.add(tx, who, agent, now)
    first = await add_version(tx, who, now, tenant=tenant, agent=id, version=version, hosts=hosts)
    if not first.draft:
        agent = await publish(tx, who, now, tenant=tenant, agent=id, version=first.id)
    return agent, first


async def add_version(
    tx: Transaction,
    who: Actor,
    now: datetime,
    *,
    tenant: TenantId | None,
    agent: AgentId,
    version: NewVersion,
    hosts: HostPolicy,
) -> AgentVersion:
    """The agent's next version, not published. Raises UnknownAgent, InvalidSipUri, PrivateHost, InvalidNetwork."""
    owner = await agents.get(tx, tenant, agent)
    collapse(version.from_addresses)
    made = AgentVersion(
        id=version.id,
        agent=owner.id,
        tenant=owner.tenant,
        number=await agents.next_version_number(tx, owner.id),
        name=None if version.name is None else check_name(version.name),
        draft=version.draft,
        sip_uri=check_sip_uri(version.sip_uri, hosts),
        from_addresses=tuple(version.from_addresses),
        created_at=now,
    )
    await agents.add_version(tx, who, made, now)
    return made


async def publish(
    tx: Transaction,
    who: Actor,
    now: datetime,
    *,
    tenant: TenantId | None,
    agent: AgentId,
    version: VersionId | None,
) -> Agent:
    """Make `version` the one that takes calls, on every number of the agent at once; None un-publishes.

    Raises UnknownAgent, UnknownVersion, DraftVersion.
    """
    before = await agents.get(tx, tenant, agent)
    if version is None:
        after = before.unpublished()
    else:
        chosen = await agents.version(tx, before.tenant, version)
        if chosen.agent != before.id:
            raise UnknownVersion(version)
        after = before.publishing(chosen, used_elsewhere=False)
    await agents.save(tx, who, before, after, now)
    return after


async def publish_for_number(
    tx: Transaction, who: Actor, now: datetime, *, tenant: TenantId, number: NumberId, version: VersionId
) -> Agent:
    """Publish a version because a number is assigned to it.

    Raises UnknownVersion, AgentGivenForVersion, DraftVersion, PublishedElsewhere.
    """
    chosen, before = await agents.version_and_agent(tx, tenant, version)
    replaced = before.published not in (None, chosen.id)
    elsewhere = replaced and await numbers.agent_in_use(tx, before.id, besides=number)
    after = before.publishing(chosen, used_elsewhere=elsewhere)
    await agents.save(tx, who, before, after, now)
    return after


async def unpublish_unused(
    tx: Transaction, who: Actor, now: datetime, *, tenant: TenantId, candidates: frozenset[AgentId]
) -> None:
    """Un-publish those of the agents that no number uses any more."""
    for id in sorted(candidates):
        if not await numbers.agent_in_use(tx, id, besides=_NO_NUMBER):
            before = await agents.get(tx, tenant, id)
            await agents.save(tx, who, before, before.unpublished(), now)
