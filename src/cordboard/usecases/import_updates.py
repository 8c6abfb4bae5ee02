"""A row of an import whose number the tenant has already: what it says is changed, what it does not say stays."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cordboard.domain.agents import AgentId
from cordboard.domain.errors import CordboardError, PlatformsTrunk
from cordboard.domain.imports import Outcome, OwnTrunk, Problem, Row
from cordboard.domain.numbers import Number
from cordboard.domain.tenants import Actor, TenantId
from cordboard.domain.trunks import Trunk, TrunkId
from cordboard.storage import numbers, trunks
from cordboard.storage.transaction import Transaction
from cordboard.usecases.numbers import TrunkPatch, update_trunk
from cordboard.usecases.ports import UNCHANGED, Sealer

_SHARED: Final = Problem(
    "trunk",
    "this number is carried by a trunk that it did not bring along",
    "leave the row's SIP settings out, and change that trunk itself",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Whose rows they are, and what they are taken with."""

    who: Actor
    tenant: TenantId
    sealer: Sealer
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """A row, and what its names stand for; None is that it names nothing."""

    row: Row
    trunk: TrunkId | None
    inbound: AgentId | None
    outbound: AgentId | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """What becomes of a number, and whether of the trunk that it brought along."""

    before: Number
    after: Number
    carrier: Trunk | None
    own: OwnTrunk | None
    #: The id of its trunk if that was deleted.
    made: TrunkId


async def plan(tx: Transaction, before: Number, each: Resolved) -> Update | Problem:
    """What the row asks for, with nothing changed yet."""
    try:
        after = _changed(before, each)
    except CordboardError as error:
        return Problem(None, str(error), "leave the row out, or change the number by itself")
    own = each.row.own
    carrier = None if own is None or before.trunk is None else await trunks.get(tx, before.trunk)
    if own is not None and (not before.imported or (carrier is not None and carrier.number != before.id)):
        return _SHARED
    return Update(before=before, after=after, carrier=carrier, own=own, made=each.row.trunk_id)


async def apply(tx: Transaction, piece: Piece, update: Update) -> Outcome:
    """Whether the number or its own trunk was changed."""
    saved = await numbers.save(tx, piece.who, update.before, update.after, piece.at, "update")
    moved = update.own is not None and await _update_own(tx, piece, update, update.own)
    return Outcome.UPDATED if moved or saved else Outcome.UNCHANGED


def _changed(before: Number, each: Resolved) -> Number:
    """Raises NotRoutable, and PlatformsTrunk for another trunk of a number that was not imported."""
    after = before if each.row.nickname is None else before.named(each.row.nickname)
    if each.trunk is not None and each.trunk != before.trunk:
        if not before.imported:
            raise PlatformsTrunk(before.number)
        after = after.carried_by(each.trunk)
    if each.inbound is not None:
        after = after.routed("inbound", each.inbound)
    return after if each.outbound is None else after.routed("outbound", each.outbound)


async def _update_own(tx: Transaction, piece: Piece, update: Update, own: OwnTrunk) -> bool:
    """Whether anything changed in the trunk that the number brought along; one that was deleted is made again."""
    patch = TrunkPatch(
        allowed=UNCHANGED if own.allowed is None else own.allowed,
        media_in=own.media_in or UNCHANGED,
        media_out=own.media_out or UNCHANGED,
        gateway=own.gateway or UNCHANGED,
        username=UNCHANGED if own.username is None else own.username,
        password=UNCHANGED if own.password is None else own.password,
        outbound=own.gateway is not None,
    )
    await update_trunk(tx, piece.who, piece.tenant, update.before.id, patch, update.made, piece.sealer, piece.at)
    return update.carrier is None or await trunks.get(tx, update.carrier.id) != update.carrier
