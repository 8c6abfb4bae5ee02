"""Numbers: import, change, release, and the platform's own inventory."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from cordboard.domain.accounts import AccountId
from cordboard.domain.addresses import HostPort, collapse
from cordboard.domain.agents import AgentId, VersionId
from cordboard.domain.errors import (
    NotImported,
    PlatformsTrunk,
    SystemTrunk,
    TwoVersionsOfOneAgent,
    UnknownNumber,
)
from cordboard.domain.numbers import (
    RESERVATION,
    Direction,
    Number,
    NumberId,
    Provider,
    Status,
    parse_number,
)
from cordboard.domain.tenants import Actor, TenantId
from cordboard.domain.trunks import Gateway, MediaPolicy, Trunk, TrunkId
from cordboard.storage import accounts, agents, numbers, tenants, trunks
from cordboard.storage.numbers import ShownNumber
from cordboard.storage.transaction import Transaction
from cordboard.usecases import trunks as trunk_usecases
from cordboard.usecases.agents import publish_for_number, publish_if_none, unpublish_unused
from cordboard.usecases.ports import UNCHANGED, NotGiven, Sealer, given


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """A tenant's own number, to be reached through the tenant's own trunk."""

    id: NumberId
    trunk_id: TrunkId
    number: str
    nickname: str | None = None
    allowed: tuple[str, ...] | None = None
    media_in: MediaPolicy = MediaPolicy.ALLOW
    media_out: MediaPolicy = MediaPolicy.ALLOW
    #: None: the number takes inbound calls alone.
    gateway: HostPort | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberPatch:
    """Changes to a number; a version of None takes the agent away."""

    nickname: str | NotGiven | None = UNCHANGED
    inbound_version: VersionId | NotGiven | None = UNCHANGED
    outbound_version: VersionId | NotGiven | None = UNCHANGED


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """Changes to what a number is connected to; None takes it away."""

    nickname: str | NotGiven | None = UNCHANGED
    trunk: TrunkId | NotGiven | None = UNCHANGED
    inbound_agent: AgentId | NotGiven | None = UNCHANGED
    outbound_agent: AgentId | NotGiven | None = UNCHANGED


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkPatch:
    """Changes to the trunk of an imported number; a gateway of None makes it inbound only."""

    allowed: tuple[str, ...] | NotGiven | None = UNCHANGED
    media_in: MediaPolicy | NotGiven = UNCHANGED
    media_out: MediaPolicy | NotGiven = UNCHANGED
    gateway: HostPort | NotGiven | None = UNCHANGED
    username: str | NotGiven | None = UNCHANGED
    password: str | NotGiven | None = field(default=UNCHANGED, repr=False)
    #: Whether outbound settings were spoken of at all, which an inbound-only trunk answers with GatewayMissing.
    outbound: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class NewPlatformNumber:
    """A number of the platform's own inventory."""

    id: NumberId
    trunk_id: TrunkId
    number: str
    tenant: TenantId | None = None
    status: Literal[Status.RESERVED, Status.ASSIGNED] = Status.RESERVED
    allowed: tuple[str, ...] | None = None
    region_codes: tuple[str, ...] = ()


async def import_number(
    tx: Transaction, who: Actor, tenant: TenantId, new: Import, sealer: Sealer, now: datetime
) -> ShownNumber:
    """Raises InvalidNumber, InvalidNetwork, TooManyNetworks, NumberTaken (whoever has it)."""
    collapse(new.allowed or ())
    number = _imported(new, tenant, new.trunk_id, now)
    trunk = Trunk(
        id=new.trunk_id,
        tenant=tenant,
        number=number.id,
        name=number.number,
        gateways=() if new.gateway is None else (Gateway.at(new.gateway),),
        username=new.username,
        password=None if new.password is None else sealer.seal(new.password, new.trunk_id),
        allowed=new.allowed,
        media_in=new.media_in,
        media_out=new.media_out,
        created_at=now,
        updated_at=now,
    )
    await trunks.add(tx, who, trunk, now)
    await numbers.add(tx, who, number, now, "import")
    return await numbers.show(tx, tenant, number.id)


def _imported(new: Import, tenant: TenantId, trunk: TrunkId | None, now: datetime) -> Number:
    return Number(
        id=new.id,
        tenant=tenant,
        number=parse_number(new.number),
        provider=Provider.CUSTOM,
        status=Status.ASSIGNED,
        nickname=new.nickname,
        trunk=trunk,
        created_at=now,
        updated_at=now,
        assigned_at=now,
    )


async def update_number(
    tx: Transaction, who: Actor, tenant: TenantId, id: NumberId, patch: NumberPatch, now: datetime
) -> ShownNumber:
    """Rename a number or send its calls elsewhere; assigning a version publishes it.

    Raises UnknownNumber, UnknownVersion, AgentGivenForVersion, DraftVersion, PublishedElsewhere,
    TwoVersionsOfOneAgent, SharedAddress, NotRoutable.
    """
    shown = await numbers.show(tx, tenant, id)
    before = numbers.as_stored(shown)
    after = before if patch.nickname is UNCHANGED else before.named(patch.nickname)
    await _check_one_version_each(tx, tenant, before, patch)
    choices: tuple[tuple[Direction, VersionId | NotGiven | None], ...] = (
        ("inbound", patch.inbound_version),
        ("outbound", patch.outbound_version),
    )
    for direction, version in choices:
        if version is None:
            after = after.routed(direction, None)
        elif version is not UNCHANGED:
            agent = await publish_for_number(tx, who, now, tenant=tenant, number=id, version=version)
            after = after.routed(direction, agent.id)
    return shown._replace(**await numbers.save(tx, who, before, after, now, "update"))


async def connect(
    tx: Transaction, who: Actor, tenant: TenantId, id: NumberId, connection: Connection, now: datetime
) -> ShownNumber:
    """Send a number's calls by another trunk or to other agents, whose newest version is published if none is.

    Raises UnknownNumber, UnknownTrunk, UnknownAgent, UnknownVersion, DraftVersion, SharedAddress, NotRoutable, and
    PlatformsTrunk for another trunk of a platform-owned number, or for its trunk of another number.
    """
    shown = await numbers.show(tx, tenant, id)
    before = numbers.as_stored(shown)
    after = before if connection.nickname is UNCHANGED else before.named(connection.nickname)
    if connection.trunk is not UNCHANGED and connection.trunk != before.trunk:
        if not before.imported:
            raise PlatformsTrunk(before.number)
        if connection.trunk is not None:
            trunk = await trunk_usecases.see(tx, tenant, connection.trunk)
            if trunk.system and trunk.number is not None:  # it goes to another tenant some day
                raise PlatformsTrunk(trunk.name)
        after = after.carried_by(connection.trunk)
    choices: tuple[tuple[Direction, AgentId | NotGiven | None], ...] = (
        ("inbound", connection.inbound_agent),
        ("outbound", connection.outbound_agent),
    )
    for direction, agent in choices:
        if agent is not UNCHANGED:
            if agent is not None:
                await publish_if_none(tx, who, now, tenant=tenant, agent=agent)
            after = after.routed(direction, agent)
    changed = await numbers.save(tx, who, before, after, now, "update")
    await remove_left_trunk(tx, who, before, after, now)
    return await numbers.show(tx, tenant, id) if "trunk_id" in changed else shown._replace(**changed)


async def remove_left_trunk(tx: Transaction, who: Actor, before: Number, after: Number | None, now: datetime) -> None:
    """The trunk that came with an imported number goes when the number leaves it, unless another number uses it."""
    if not before.imported or before.trunk is None or (after is not None and after.trunk == before.trunk):
        return
    trunk = await trunks.get(tx, before.trunk)
    if trunk.number == before.id and not await numbers.trunk_in_use(tx, trunk.id, besides=before.id):
        await trunks.remove(tx, who, trunk, now)


async def change(
    tx: Transaction,
    who: Actor,
    tenant: TenantId,
    id: NumberId,
    connection: Connection,
    patch: NumberPatch,
    now: datetime,
) -> ShownNumber:
    """As `connect`, then as `update_number`. Raises what they raise."""
    if connection == Connection():
        return await update_number(tx, who, tenant, id, patch, now)
    shown = await connect(tx, who, tenant, id, connection, now)
    return shown if patch == NumberPatch() else await update_number(tx, who, tenant, id, patch, now)


async def import_and_connect(
    tx: Transaction,
    who: Actor,
    tenant: TenantId,
    new: Import,
    connection: Connection,
    sealer: Sealer,
    now: datetime,
) -> ShownNumber:
    """A tenant's own number on a trunk that stands already, or else on one of its own, with its agents.

    Raises what `import_number` and `connect` raise.
    """
    if connection.trunk is UNCHANGED:
        await import_number(tx, who, tenant, new, sealer, now)
    else:
        await numbers.add(tx, who, _imported(new, tenant, None, now), now, "import")
    return await connect(tx, who, tenant, new.id, connection, now)


async def _check_one_version_each(tx: Transaction, tenant: TenantId, number: Number, patch: NumberPatch) -> None:
    """Both directions may use one agent, but then one version of it.

    A direction that the patch leaves alone follows its agent to the version that the other one publishes.
    """
    inbound, outbound = patch.inbound_version, patch.outbound_version
    if inbound in (None, UNCHANGED) or outbound in (None, UNCHANGED) or inbound == outbound:
        return
    first = await agents.version(tx, tenant, inbound)
    second = await agents.version(tx, tenant, outbound)
    if first.agent == second.agent:
        raise TwoVersionsOfOneAgent


async def update_trunk(
    tx: Transaction,
    who: Actor,
    tenant: TenantId,
    id: NumberId,
    patch: TrunkPatch,
    trunk_id: TrunkId,
    sealer: Sealer,
    now: datetime,
) -> ShownNumber:
    """Change the trunk of an imported number, and so of all numbers on it; one without a trunk gets `trunk_id`.

    Raises UnknownNumber, NotImported, SystemTrunk, GatewayMissing, InvalidNetwork, TooManyNetworks.
    """
    number = await numbers.get(tx, tenant, id)
    if not number.imported:
        raise NotImported(number.number)
    before = await _own_trunk(tx, who, number, trunk_id, now)
    if before.system:
        raise SystemTrunk(before.name)
    allowed = given(patch.allowed, before.allowed)
    collapse(allowed or ())
    after = replace(
        before,
        allowed=allowed,
        media_in=given(patch.media_in, before.media_in),
        media_out=given(patch.media_out, before.media_out),
    )
    await trunks.save(tx, who, before, _outbound(after, patch, sealer).checked(), now)
    return await numbers.show(tx, tenant, id)


async def _own_trunk(tx: Transaction, who: Actor, number: Number, trunk_id: TrunkId, now: datetime) -> Trunk:
    """The trunk of an imported number, made anew if it was deleted."""
    if number.trunk is not None:
        return await trunks.get(tx, number.trunk)
    trunk = Trunk(
        id=trunk_id, tenant=number.tenant, number=number.id, name=number.number, created_at=now, updated_at=now
    )
    await trunks.add(tx, who, trunk, now)
    await numbers.save(tx, who, number, number.carried_by(trunk.id), now, "update")
    return trunk


def _outbound(trunk: Trunk, patch: TrunkPatch, sealer: Sealer) -> Trunk:
    """The trunk with the outbound half of the patch: its first gateway, and the credentials."""
    if not patch.outbound:
        return trunk
    if patch.gateway is None:
        return trunk.without_gateways()
    if patch.gateway is not UNCHANGED:
        trunk = trunk.with_first_gateway_at(patch.gateway)
    trunk.require_gateway()
    if patch.password is None:
        password = None
    elif patch.password is UNCHANGED:
        password = trunk.password
    else:
        password = sealer.seal_anew(patch.password, trunk.id, trunk.password)
    return replace(trunk, username=given(patch.username, trunk.username), password=password)


async def release(tx: Transaction, who: Actor, tenant: TenantId | None, id: NumberId, now: datetime) -> None:
    """An imported number goes at once, and so does the trunk that came with it, unless another number uses it.

    A platform-owned one goes at the end of its billing month.

    Agents that no other number uses are un-published. Raises UnknownNumber, NotReleasable.
    """
    before = await numbers.get(tx, tenant, id)
    after = before.release_ordered(now)
    if not before.imported:
        await numbers.save(tx, who, before, after, now, "release")
        return
    await numbers.remove(tx, who, before, now)
    await remove_left_trunk(tx, who, before, None, now)
    if before.tenant is not None:
        await unpublish_unused(tx, who, now, tenant=before.tenant, candidates=before.agents)


async def add_platform_number(tx: Transaction, who: Actor, new: NewPlatformNumber, now: datetime) -> ShownNumber:
    """Put a number into the inventory, for a tenant or for nobody yet.

    One reserved for a tenant goes back after RESERVATION. Raises InvalidNumber, InvalidNetwork, TooManyNetworks,
    UnknownTenant, NumberTaken.
    """
    collapse(new.allowed or ())
    if new.tenant is not None:
        await tenants.get(tx, new.tenant)
    kept = new.tenant is not None and new.status is Status.RESERVED
    number = Number(
        id=new.id,
        tenant=new.tenant,
        number=parse_number(new.number),
        provider=Provider.NETELIP,
        status=new.status,
        trunk=new.trunk_id,
        region_codes=new.region_codes,
        created_at=now,
        updated_at=now,
        assigned_at=now if new.status is Status.ASSIGNED else None,
        reservation_expires_at=now + RESERVATION if kept else None,
    )
    trunk = Trunk(
        id=new.trunk_id,
        tenant=new.tenant,
        number=number.id,
        name=number.number,
        system=new.tenant is not None,
        allowed=new.allowed,
        created_at=now,
        updated_at=now,
    )
    await trunks.add(tx, who, trunk, now)
    await numbers.add(tx, who, number, now, "add")
    return await numbers.show(tx, None, number.id)


async def assign_platform_number(
    tx: Transaction, who: Actor, number: str, tenant: TenantId, now: datetime
) -> ShownNumber:
    """Give a reserved number to a tenant. Raises UnknownNumber, UnknownTenant, NotAssignable."""
    await tenants.get(tx, tenant)
    before = await numbers.by_number(tx, parse_number(number))
    after = before.assigned(tenant, now)
    await hand_over_trunk(tx, who, before, tenant, now)
    await numbers.save(tx, who, before, after, now, "assign")
    return await numbers.show(tx, None, before.id)


async def hand_over_trunk(tx: Transaction, who: Actor, number: Number, tenant: TenantId | None, now: datetime) -> None:
    """The trunk of a platform-owned number follows it; a tenant sees it as a system trunk."""
    if number.trunk is not None:
        trunk = await trunks.get(tx, number.trunk)
        await trunks.save(tx, who, trunk, replace(trunk, tenant=tenant, system=tenant is not None), now)


async def assign_to_account(tx: Transaction, who: Actor, number: str, account: AccountId, now: datetime) -> ShownNumber:
    """Send a number's inbound calls to an account of its tenant's.

    Raises UnknownNumber, UnknownAccount, NotRoutable.
    """
    owner = await accounts.get(tx, account)
    before = await numbers.by_number(tx, parse_number(number))
    if before.tenant != owner.tenant:
        raise UnknownNumber(number)
    await numbers.save(tx, who, before, before.answered_by(account), now, "update")
    return await numbers.show(tx, None, before.id)
