"""Trunks: how calls come from a carrier and go to it."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from cordboard.domain.addresses import collapse
from cordboard.domain.tenants import Actor, TenantId
from cordboard.domain.trunks import Gateway, MediaPolicy, Trunk, TrunkId
from cordboard.storage import numbers, tenants, trunks
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


async def page(tx: Transaction, tenant: TenantId, after: TrunkId | None, limit: int) -> list[Trunk]:
    """A tenant's trunks, newest first. Raises UnknownTenant, UnknownCursor."""
    await tenants.get(tx, tenant)
    return await trunks.of_tenant(tx, tenant, after, limit)


async def of_number(tx: Transaction, number: str) -> Trunk:
    """The trunk of a number in its canonical form. Raises UnknownNumber."""
    return await trunks.get(tx, (await numbers.by_number(tx, number)).trunk)


async def update(tx: Transaction, who: Actor, id: TrunkId, patch: Patch, sealer: Sealer, now: datetime) -> Trunk:
    """Change a trunk, a number's own included.

    Raises UnknownTrunk, TooManyGateways, InvalidNetwork, TooManyNetworks, and GatewayMissing for credentials of a
    trunk without gateways.
    """
    before = await trunks.get(tx, id)
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
    )
    if patch.password is not UNCHANGED:
        password = None if patch.password is None else sealer.seal(patch.password, id)
        after = replace(after, password=password)
    if after.username is not None or after.password is not None:
        after.require_gateway()
    await trunks.save(tx, who, before, after, now)
    return after
