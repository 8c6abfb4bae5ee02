"""Trunks: how calls come from a carrier and go to it."""

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Final

from cordboard.domain.addresses import collapse
from cordboard.domain.agents import check_username
from cordboard.domain.errors import InvalidOption, SystemTrunk, UnknownTrunk
from cordboard.domain.tenants import Actor, TenantId, check_name
from cordboard.domain.trunk_options import NO_OPTIONS, TrunkOptions, check_options
from cordboard.domain.trunks import Gateway, MediaPolicy, SealedCredentials, Trunk, TrunkId, inbound_row
from cordboard.storage import changes, numbers, tenants, trunks
from cordboard.storage.transaction import Transaction
from cordboard.usecases.ports import UNCHANGED, NotGiven, Sealer, given


@dataclass(frozen=True, kw_only=True, slots=True)
class Patch:
    """Changes to a trunk; None clears."""

    name: str | NotGiven = UNCHANGED
    #: In order of use; none at all makes the trunk inbound only, and its credentials go too.
    gateways: tuple[Gateway, ...] | NotGiven = UNCHANGED
    username: str | NotGiven | None = UNCHANGED
    password: str | NotGiven | None = field(default=UNCHANGED, repr=False)
    allowed: tuple[str, ...] | NotGiven | None = UNCHANGED
    media_in: MediaPolicy | NotGiven = UNCHANGED
    media_out: MediaPolicy | NotGiven = UNCHANGED
    tls_verify: bool | NotGiven = UNCHANGED
    probe: bool | NotGiven = UNCHANGED
    #: What the carrier calls with; a username of None takes its password along.
    inbound_username: str | NotGiven | None = UNCHANGED
    inbound_password: str | NotGiven = field(default=UNCHANGED, repr=False)
    #: Of these, the fields named in `named`.
    options: TrunkOptions = NO_OPTIONS
    named: frozenset[str] = frozenset()


#: All of them.
EVERY_OPTION: Final = frozenset(option.name for option in fields(TrunkOptions))


async def page(tx: Transaction, tenant: TenantId | None, after: TrunkId | None, limit: int) -> list[Trunk]:
    """A tenant's trunks, or the system's, newest first. Raises UnknownTenant, UnknownCursor."""
    if tenant is None:
        return await trunks.of_system(tx, after, limit)
    await tenants.get(tx, tenant)
    return await trunks.of_tenant(tx, tenant, after, limit)


async def visible(tx: Transaction, tenant: TenantId, limit: int) -> list[Trunk]:
    """A tenant's trunks and the system's, newest first."""
    return await trunks.visible(tx, tenant, limit)


async def see(tx: Transaction, tenant: TenantId, id: TrunkId) -> Trunk:
    """A tenant's trunk, or one of the system's. Raises UnknownTrunk."""
    trunk = await trunks.get(tx, id)
    if trunk.tenant != tenant and not (trunk.system and trunk.tenant is None):
        raise UnknownTrunk(id)
    return trunk


async def get_alone(tx: Transaction, id: TrunkId) -> Trunk:
    """A trunk of no tenant, whose writes nothing else keeps apart, until this transaction ends. Raises UnknownTrunk."""
    await changes.hold(tx)
    return await trunks.get(tx, id)


async def of_number(tx: Transaction, number: str) -> Trunk:
    """The trunk of a number in its canonical form. Raises UnknownNumber, UnknownTrunk."""
    found = await numbers.by_number(tx, number)
    if found.trunk is None:
        raise UnknownTrunk(number)
    return await trunks.get(tx, found.trunk)


async def create(
    tx: Transaction,
    who: Actor,
    now: datetime,
    *,
    id: TrunkId,
    tenant: TenantId | None,
    name: str,
    rest: Patch,
    sealer: Sealer,
) -> Trunk:
    """A tenant's trunk; of no tenant, one that everybody may call through. `rest` has what is not as usual.

    Raises UnknownTenant, and what `update` raises of values.
    """
    if tenant is not None:
        await tenants.get(tx, tenant)
    bare = Trunk(id=id, tenant=tenant, name=check_name(name), system=tenant is None, created_at=now, updated_at=now)
    trunk = _changed(bare, rest, sealer)
    await trunks.add(tx, who, trunk, now)
    return trunk


async def update(
    tx: Transaction,
    who: Actor,
    now: datetime,
    *,
    id: TrunkId,
    patch: Patch,
    sealer: Sealer,
    tenant: TenantId | None = None,
) -> Trunk:
    """Change a trunk, a number's own included; with `tenant` one that the tenant may change.

    Raises UnknownTrunk, SystemTrunk, TooManyGateways, InvalidNetwork, TooManyNetworks, InvalidOption, InvalidHeader,
    InvalidCodecs, InvalidUsername, and GatewayMissing for credentials of a trunk without gateways.
    """
    before = await changeable(tx, tenant, id)
    return await trunks.save(tx, who, before, _changed(before, patch, sealer), now)


async def delete(tx: Transaction, who: Actor, now: datetime, *, id: TrunkId, tenant: TenantId | None = None) -> None:
    """Numbers that it carried have no trunk then. Raises UnknownTrunk, SystemTrunk."""
    trunk = await changeable(tx, tenant, id)
    await numbers.leave_trunk(tx, who, id, now)
    await trunks.remove(tx, who, trunk, now)


async def changeable(tx: Transaction, tenant: TenantId | None, id: TrunkId) -> Trunk:
    """The trunk, if the tenant may change it; of no tenant, the administrator may. Raises UnknownTrunk, SystemTrunk."""
    if tenant is None:
        return await trunks.get(tx, id)
    trunk = await see(tx, tenant, id)
    if trunk.system:
        raise SystemTrunk(trunk.name)
    return trunk


def _changed(before: Trunk, patch: Patch, sealer: Sealer) -> Trunk:
    allowed = given(patch.allowed, before.allowed)
    collapse(allowed or ())
    after = before if patch.gateways is UNCHANGED else before.with_gateways(patch.gateways)
    after = replace(
        after,
        name=given(patch.name, after.name),
        allowed=allowed,
        media_in=given(patch.media_in, after.media_in),
        media_out=given(patch.media_out, after.media_out),
        tls_verify=given(patch.tls_verify, after.tls_verify),
        probe=given(patch.probe, after.probe),
        username=given(patch.username, after.username),
        options=check_options(_options(after.options, patch)),
        inbound=_inbound(after, patch, sealer),
    )
    if patch.password is not UNCHANGED:
        password = None if patch.password is None else sealer.seal(patch.password, before.id)
        after = replace(after, password=password)
    return after.checked()


def _options(before: TrunkOptions, patch: Patch) -> TrunkOptions:
    return replace(before, **{name: getattr(patch.options, name) for name in patch.named})


def _inbound(trunk: Trunk, patch: Patch, sealer: Sealer) -> SealedCredentials | None:
    """What the carrier calls with; its password is sealed for the trunk's id with `:in` behind it."""
    username = given(patch.inbound_username, None if trunk.inbound is None else trunk.inbound.username)
    if username is None:
        if patch.inbound_password is not UNCHANGED:
            raise InvalidOption("inbound", "a password needs a username")
        return None
    if patch.inbound_password is not UNCHANGED:
        password = sealer.seal(patch.inbound_password, inbound_row(trunk.id))
    elif trunk.inbound is not None:
        password = trunk.inbound.password
    else:
        raise InvalidOption("inbound", "a username needs a password")
    return SealedCredentials(username=check_username(username), password=password)
