"""Agents: making them, adding versions, publishing one."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from cordboard.domain.addresses import HostPolicy, Network, check_sip_uri, collapse, parse_network
from cordboard.domain.agents import (
    Agent,
    AgentId,
    AgentVersion,
    VersionId,
    check_sources,
    check_username,
)
from cordboard.domain.errors import AgentInUse, SharedAddress, UnknownVersion
from cordboard.domain.headers import check_headers
from cordboard.domain.media import check_codecs
from cordboard.domain.numbers import NumberId
from cordboard.domain.tenants import Actor, TenantId, check_name
from cordboard.domain.trunks import MediaPolicy, SealedCredentials
from cordboard.storage import agents, changes, holdings, logins, numbers, sources, tenants
from cordboard.storage.transaction import Transaction
from cordboard.usecases.ports import UNCHANGED, NotGiven, Sealer

#: Stands for "no number in particular" where numbers besides one are asked about.
_NO_NUMBER = NumberId("")


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """A username and its password, before it is sealed."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewVersion:
    """What a version is made of; by what the agent is known when it calls may be left as it is."""

    id: VersionId
    sip_uri: str
    name: str | None = None
    from_addresses: Sequence[str] | NotGiven = UNCHANGED
    from_credentials: Credentials | NotGiven | None = UNCHANGED
    draft: bool = False
    encryption: MediaPolicy = MediaPolicy.DISABLE
    to_credentials: Credentials | None = None
    tls_verify: bool = True
    headers: Sequence[tuple[str, str]] = ()
    codecs: Sequence[str] = ()


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
    sealer: Sealer,
) -> tuple[Agent, AgentVersion]:
    """An agent with its first version, published unless it is a draft.

    Raises UnknownTenant, InvalidName, what `add_version` raises, and SharedAddress.
    """
    await tenants.get(tx, tenant)
    agent = Agent(id=id, tenant=tenant, name=check_name(name), published=None, created_at=now)
    await agents.add(tx, who, agent, now)
    first = await add_version(tx, who, now, tenant=tenant, agent=id, version=version, hosts=hosts, sealer=sealer)
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
    sealer: Sealer,
) -> AgentVersion:
    """The agent's next version, not published.

    Addresses or credentials to call from that are not given are those of the published version, or else of the
    newest. Raises UnknownAgent, InvalidSipUri, PrivateHost, InvalidNetwork, TooManyNetworks, InvalidUsername,
    UsernameTaken, InvalidHeader, InvalidCodecs.
    """
    owner = await agents.get(tx, tenant, agent)
    before = await _before(tx, owner)
    addresses = version.from_addresses
    if addresses is UNCHANGED:
        addresses = () if before is None else before.from_addresses
    made = AgentVersion(
        id=version.id,
        agent=owner.id,
        tenant=owner.tenant,
        number=await agents.next_version_number(tx, owner.id),
        name=None if version.name is None else check_name(version.name),
        draft=version.draft,
        sip_uri=check_sip_uri(version.sip_uri, hosts),
        from_addresses=check_sources(addresses),
        created_at=now,
        encryption=version.encryption,
        from_credentials=_from_credentials(version, before, sealer),
        to_credentials=_sealed(version.to_credentials, version.id, sealer),
        tls_verify=version.tls_verify,
        headers=check_headers(version.headers),
        codecs=check_codecs(version.codecs),
    )
    if made.from_credentials is not None:
        await logins.claim(tx, check_username(made.from_credentials.username), owner.id)
    await agents.add_version(tx, who, made, now)
    return made


async def _before(tx: Transaction, agent: Agent) -> AgentVersion | None:
    """The version from which the next one takes what is not said: the published one, or else the newest."""
    if agent.published is not None:
        return await agents.version(tx, agent.tenant, agent.published)
    return await agents.newest_version(tx, agent.id)


def _from_credentials(new: NewVersion, before: AgentVersion | None, sealer: Sealer) -> SealedCredentials | None:
    given = new.from_credentials
    if given is not UNCHANGED:
        return _sealed(given, new.id, sealer)
    if before is None or before.from_credentials is None:
        return None
    # a sealed password opens for its own row alone
    password = sealer.unseal(before.from_credentials.password, before.id)
    return _sealed(Credentials(username=before.from_credentials.username, password=password), new.id, sealer)


def _sealed(given: Credentials | None, row: VersionId, sealer: Sealer) -> SealedCredentials | None:
    if given is None:
        return None
    return SealedCredentials(username=given.username, password=sealer.seal(given.password, row))


async def rename(
    tx: Transaction, who: Actor, now: datetime, *, tenant: TenantId | None, agent: AgentId, name: str
) -> Agent:
    """Raises UnknownAgent, InvalidName."""
    before = await agents.get(tx, tenant, agent)
    after = replace(before, name=check_name(name))
    await agents.save(tx, who, before, after, now)
    return after


async def deletable(tx: Transaction, *, tenant: TenantId | None, agent: AgentId, detach: bool) -> Agent:
    """The agent if `delete` would delete it. Raises UnknownAgent, AgentInUse."""
    found = await agents.get(tx, tenant, agent)
    used = 0 if detach else await holdings.count_of_agent(tx, agent)
    if used:
        raise AgentInUse(found.name, used)
    return found


async def delete(
    tx: Transaction, who: Actor, now: datetime, *, tenant: TenantId | None, agent: AgentId, detach: bool
) -> None:
    """The agent with its versions; `detach` takes it away from its numbers. Raises UnknownAgent, AgentInUse."""
    found = await deletable(tx, tenant=tenant, agent=agent, detach=detach)
    await numbers.leave_agent(tx, who, agent, now)
    await agents.remove(tx, who, found, now)


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

    Raises UnknownAgent, UnknownVersion, DraftVersion, SharedAddress.
    """
    before = await agents.get(tx, tenant, agent)
    if version is None:
        return await _unpublish(tx, who, now, before)
    chosen = await agents.version(tx, before.tenant, version)
    if chosen.agent != before.id:
        raise UnknownVersion(version)
    return await _publish(tx, who, now, before, chosen, used_elsewhere=False)


async def publish_for_number(
    tx: Transaction, who: Actor, now: datetime, *, tenant: TenantId, number: NumberId, version: VersionId
) -> Agent:
    """Publish a version because a number is assigned to it.

    Raises UnknownVersion, AgentGivenForVersion, DraftVersion, PublishedElsewhere, SharedAddress.
    """
    chosen, before = await agents.version_and_agent(tx, tenant, version)
    replaced = before.published not in (None, chosen.id)
    elsewhere = replaced and await numbers.agent_in_use(tx, before.id, besides=number)
    return await _publish(tx, who, now, before, chosen, used_elsewhere=elsewhere)


async def publish_if_none(tx: Transaction, who: Actor, now: datetime, *, tenant: TenantId, agent: AgentId) -> None:
    """See that an agent takes calls: by its published version, or else by its newest.

    Raises UnknownAgent, UnknownVersion, DraftVersion, SharedAddress.
    """
    before = await agents.get(tx, tenant, agent)
    if before.published is None:
        await _publish(tx, who, now, before, await _newest(tx, agent), used_elsewhere=False)


async def check_publishable(tx: Transaction, *, tenant: TenantId, agent: AgentId) -> None:
    """Raises what `publish_if_none` would raise."""
    before = await agents.get(tx, tenant, agent)
    if before.published is None:
        newest = await _newest(tx, agent)
        before.publishing(newest, used_elsewhere=False)
        await _own_sources(tx, newest)


async def _newest(tx: Transaction, agent: AgentId) -> AgentVersion:
    newest = await agents.newest_version(tx, agent)
    if newest is None:
        raise UnknownVersion(agent)
    return newest


async def unpublish_unused(
    tx: Transaction, who: Actor, now: datetime, *, tenant: TenantId, candidates: frozenset[AgentId]
) -> None:
    """Un-publish those of the agents that no number uses any more."""
    for id in sorted(candidates):
        if not await numbers.agent_in_use(tx, id, besides=_NO_NUMBER):
            await _unpublish(tx, who, now, await agents.get(tx, tenant, id))


async def _publish(
    tx: Transaction, who: Actor, now: datetime, before: Agent, version: AgentVersion, *, used_elsewhere: bool
) -> Agent:
    after = before.publishing(version, used_elsewhere=used_elsewhere)
    if after == before:
        return after
    if before.published is not None:
        await sources.drop(tx, before.published)
    if networks := await _own_sources(tx, version):
        await sources.add(tx, version.tenant, version.id, networks)
    await agents.save(tx, who, before, after, now)
    return after


async def _own_sources(tx: Transaction, version: AgentVersion) -> list[Network]:
    """The version's addresses, if they say who calls.

    Raises SharedAddress if they say that of another tenant's agent.
    """
    if version.from_credentials is not None or not version.from_addresses:
        return []
    networks = [parse_network(text) for text in collapse(version.from_addresses)]
    await changes.hold(tx)  # what is looked up after this stays so
    for network in networks:
        if await sources.is_shared(tx, version.tenant, network):
            raise SharedAddress(str(network))
    return networks


async def _unpublish(tx: Transaction, who: Actor, now: datetime, before: Agent) -> Agent:
    after = before.unpublished()
    if before.published is not None:
        await sources.drop(tx, before.published)
    await agents.save(tx, who, before, after, now)
    return after
