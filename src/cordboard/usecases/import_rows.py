"""A piece of an import: its rows become numbers with as few statements as the store takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

from cordboard.domain.agents import AgentId
from cordboard.domain.errors import CordboardError
from cordboard.domain.imports import Choices, NumberImport, OnConflict, Outcome, OwnTrunk, Problem, Row, Told, failed
from cordboard.domain.numbers import Number, Provider, Status
from cordboard.domain.tenants import TenantId
from cordboard.domain.trunks import Gateway, MediaPolicy, Trunk, TrunkId
from cordboard.storage import agents, imports, numbers, trunks
from cordboard.storage.transaction import Transaction
from cordboard.usecases.agents import check_publishable, publish_if_none
from cordboard.usecases.import_updates import Piece, Resolved, Update, apply, plan
from cordboard.usecases.numbers import remove_left_trunk

T = TypeVar("T")

_TAKEN: Final = Problem(
    "number", "the number belongs to somebody else", "leave the row out, or have its owner release the number"
)
_YOURS: Final = Problem(
    "number",
    "the tenant has this number already",
    "leave the row out, or have such rows skipped or updated (`import.on_conflict`)",
)
_NO_TRUNK: Final = Problem(
    "trunk",
    "nothing says how calls reach this number",
    "name a trunk in the row or for all rows (`import.trunk`), or give allowed_addresses or a termination_uri",
)
_PLATFORMS: Final = Problem(
    "trunk", "this trunk belongs to a number of the platform", "name a trunk of the tenant's own"
)


@dataclass(slots=True)
class _Outcomes:
    """What became of each row of a piece, in its place as soon as that is known."""

    told: list[Told | None]
    ready: dict[int, Resolved] = field(default_factory=dict)

    def fail(self, place: int, *problems: Problem) -> None:
        row = self.ready.pop(place, None)
        self.told[place] = failed(None if row is None else row.row.number, *problems)

    def done(self, place: int, outcome: Outcome, number_id: str | None) -> None:
        number = self.ready.pop(place).row.number
        self.told[place] = Told(number=number, outcome=outcome, number_id=number_id)

    @property
    def all(self) -> list[Told]:
        return [each for each in self.told if each is not None]


async def take(tx: Transaction, asked: NumberImport, rows: Sequence[Row | Told], piece: Piece) -> list[Told]:
    """What becomes of each row. One that fails changes nothing, and holds up no other."""
    outcomes = _Outcomes([row if isinstance(row, Told) else None for row in rows])
    candidates = {place: row for place, row in enumerate(rows) if isinstance(row, Row)}
    await _resolve(tx, asked.choices, candidates, piece.tenant, outcomes)
    await _drop_doubles(tx, asked, outcomes)
    existing = await numbers.by_numbers(tx, {each.row.number for each in outcomes.ready.values()})
    _settle_conflicts(existing, asked.choices.on_conflict, piece.tenant, outcomes)
    updates = await _plan(tx, existing, outcomes)
    await _publish(tx, piece, outcomes)
    await _update(tx, piece, updates, outcomes)
    await _add(tx, piece, outcomes)
    for update in updates.values():  # at the end: until then another row may name the trunk that one leaves
        await remove_left_trunk(tx, piece.who, update.before, update.after, piece.at)
    return outcomes.all


async def _resolve(
    tx: Transaction, choices: Choices, rows: Mapping[int, Row], tenant: TenantId, outcomes: _Outcomes
) -> None:
    """Look up what the rows name, each name once."""
    named_trunks = {ref for row in rows.values() if (ref := _trunk_ref(row, choices)) is not None}
    named_agents = {
        ref
        for row in rows.values()
        for ref in (row.inbound_agent or choices.inbound_agent, row.outbound_agent or choices.outbound_agent)
        if ref is not None
    }
    found_trunks = await trunks.by_refs(tx, tenant, named_trunks)
    found_agents = await agents.by_refs(tx, tenant, named_agents)
    for place, row in rows.items():
        problems: list[Problem] = []
        trunk = _found("trunk", _trunk_ref(row, choices), found_trunks, problems.append)
        if trunk is not None and trunk.platform:
            problems.append(_PLATFORMS)
        inbound = row.inbound_agent or choices.inbound_agent
        outbound = row.outbound_agent or choices.outbound_agent
        resolved = Resolved(
            row=row,
            trunk=None if trunk is None else trunk.id,
            inbound=_found("inbound_agent", inbound, found_agents, problems.append),
            outbound=_found("outbound_agent", outbound, found_agents, problems.append),
        )
        outcomes.ready[place] = resolved
        if problems:
            outcomes.fail(place, *problems)


def _trunk_ref(row: Row, choices: Choices) -> str | None:
    """A row with SIP settings of its own needs no other trunk."""
    return row.trunk or (choices.trunk if row.own is None else None)


def _found(column: str, ref: str | None, found: Mapping[str, list[T]], complain: Callable[[Problem], None]) -> T | None:
    if ref is None:
        return None
    candidates = found.get(ref, [])
    noun = "trunk" if column == "trunk" else "agent"
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        complain(Problem(column, f"there is no {noun} {ref!r}", "write the id or the name of one, or make it first"))
    else:
        complain(Problem(column, f"{len(candidates)} are called {ref!r}", f"write the {noun}'s id"))
    return None


async def _drop_doubles(tx: Transaction, asked: NumberImport, outcomes: _Outcomes) -> None:
    """A number stands once in an import: which of two rows is meant, nobody knows."""
    first_row = asked.choices.format.first_row
    seen = await imports.seen(tx, asked.id, {each.row.number for each in outcomes.ready.values()})
    for place, each in list(outcomes.ready.items()):
        earlier = seen.setdefault(each.row.number, asked.position + place)
        if earlier != asked.position + place:
            detail = f"row {earlier + first_row} has this number already"
            outcomes.fail(place, Problem("number", detail, "leave one of the two rows out"))


def _settle_conflicts(
    existing: Mapping[str, Number], on_conflict: OnConflict, tenant: TenantId, outcomes: _Outcomes
) -> None:
    """What is to become of rows whose number is somebody's; those that are to be updated stay."""
    for place, each in list(outcomes.ready.items()):
        before = existing.get(each.row.number)
        if before is None:
            if each.trunk is None and each.row.own is None:
                outcomes.fail(place, _NO_TRUNK)
        elif before.tenant != tenant:
            outcomes.fail(place, _TAKEN)
        elif on_conflict is OnConflict.FAIL:
            outcomes.fail(place, _YOURS)
        elif on_conflict is OnConflict.SKIP:
            outcomes.done(place, Outcome.SKIPPED, before.id)


async def _plan(tx: Transaction, existing: Mapping[str, Number], outcomes: _Outcomes) -> dict[int, Update]:
    """What becomes of the numbers that are there. Nothing is changed before all is known of the rows that fail."""
    updates: dict[int, Update] = {}
    for place, each in list(outcomes.ready.items()):
        before = existing.get(each.row.number)
        planned = None if before is None else await plan(tx, before, each)
        if isinstance(planned, Problem):
            outcomes.fail(place, planned)
        elif planned is not None:
            updates[place] = planned
    return updates


async def _publish(tx: Transaction, piece: Piece, outcomes: _Outcomes) -> None:
    """See that the agents take calls."""
    for id in _agents(outcomes):
        try:
            await check_publishable(tx, tenant=piece.tenant, agent=id)
        except CordboardError as error:
            for place, each in list(outcomes.ready.items()):
                if id in (each.inbound, each.outbound):
                    column = "inbound_agent" if id == each.inbound else "outbound_agent"
                    outcomes.fail(place, Problem(column, str(error), "publish a version of the agent first"))
    for id in _agents(outcomes):
        await publish_if_none(tx, piece.who, piece.at, tenant=piece.tenant, agent=id)


def _agents(outcomes: _Outcomes) -> list[AgentId]:
    """Those that the rows name that have not failed."""
    return sorted({id for each in outcomes.ready.values() for id in (each.inbound, each.outbound) if id is not None})


async def _update(tx: Transaction, piece: Piece, updates: dict[int, Update], outcomes: _Outcomes) -> None:
    for place, update in list(updates.items()):
        if place not in outcomes.ready:  # its agent cannot be published
            del updates[place]
            continue
        outcomes.done(place, await apply(tx, piece, update), update.before.id)


async def _add(tx: Transaction, piece: Piece, outcomes: _Outcomes) -> None:
    """The numbers that are new, all at once; lists show them in the order of their rows."""
    made: list[Number] = []
    carriers: list[Trunk] = []
    for place, each in list(outcomes.ready.items()):
        at = piece.at + timedelta(microseconds=place)
        trunk = each.trunk
        if each.row.own is not None:
            carriers.append(_own_trunk(each.row, each.row.own, piece, at))
            trunk = each.row.trunk_id
        made.append(_number(each, trunk, piece, at))
        outcomes.done(place, Outcome.IMPORTED, each.row.id)
    await trunks.add_many(tx, piece.who, carriers, piece.at)
    await numbers.add_many(tx, piece.who, made, piece.at, "import")


def _number(each: Resolved, trunk: TrunkId | None, piece: Piece, at: datetime) -> Number:
    return Number(
        id=each.row.id,
        tenant=piece.tenant,
        number=each.row.number,
        provider=Provider.CUSTOM,
        status=Status.ASSIGNED,
        nickname=each.row.nickname,
        trunk=trunk,
        inbound_agent=each.inbound,
        outbound_agent=each.outbound,
        created_at=at,
        updated_at=piece.at,
        assigned_at=at,
    )


def _own_trunk(row: Row, own: OwnTrunk, piece: Piece, at: datetime) -> Trunk:
    return Trunk(
        id=row.trunk_id,
        tenant=piece.tenant,
        number=row.id,
        name=row.number,
        gateways=() if own.gateway is None else (Gateway.at(own.gateway),),
        username=own.username,
        password=None if own.password is None else piece.sealer.seal(own.password, row.trunk_id),
        allowed=own.allowed,
        media_in=own.media_in or MediaPolicy.ALLOW,
        media_out=own.media_out or MediaPolicy.ALLOW,
        created_at=at,
        updated_at=piece.at,
    )
