"""Calls, their SIP messages and refusals in the store. They name what may be gone, so nothing refers to anything."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cordboard.domain.call_details import Detail
from cordboard.domain.calls import Answered, Call, CallId, Ended, Learnt, Lost, Message, Refusal, RefusalId, State
from cordboard.domain.errors import UnknownCall
from cordboard.domain.times import from_wire, opt_from_wire, opt_to_wire, to_wire
from cordboard.domain.verification_checks import Refused
from cordboard.storage import call_details
from cordboard.storage.listing import Listed, Where, Window, window
from cordboard.storage.many import chunks, insert, places, update
from cordboard.storage.transaction import Row, Stale, Transaction, Value

_CALL = (
    "id, tenant_id, direction, number, number_id, trunk_id, agent_id, version_id, caller, called, call_id, user_agent, "
    "source, offered, verstat, state, started_at, answered_at, ended_at, code, reason"
)
_REFUSAL = (
    "id, at, direction, code, reason, number, number_id, tenant_id, trunk_id, address, source, called, caller, "
    "call_id, user_agent, offered, host, caller_host, to_uri, party, login"
)
_CALLS_LISTED = Listed(table="call", time="started_at", columns=_CALL)
_REFUSALS_LISTED = Listed(table="refusal", time="at", columns=_REFUSAL)
_MESSAGE = "call_id, event, line, at, method, status, phrase, cseq, branch, source, destination"

_POSITION = "select position from event_file where file = $1"
_NEW_FILE = "insert into event_file (file, position) values ($1, 0) on conflict do nothing"
#: Only from where the reader thought that it was.
_ADVANCE = """
update event_file set position = $3, lost_calls = $4, lost_messages = $5, lost_refusals = $6, banned = $7
where file = $1 and position = $2
returning position
"""
_LOST = """
select coalesce(sum(lost_calls), 0), coalesce(sum(lost_messages), 0), coalesce(sum(lost_refusals), 0),
       coalesce(sum(banned), 0)
from event_file
"""
_ANSWER = f"""
update call set answered_at = told.column2, state = case when state = 'started' then 'answered' else state end
from ({{values}}) told
where call.id = told.column1 and call.answered_at is null
returning {_CALL}
"""
_END = f"""
update call set ended_at = told.column2, reason = told.column3, code = told.column4,
                state = case when answered_at is null then 'failed' else 'ended' end
from ({{values}}) told
where call.id = told.column1 and (call.ended_at is null or call.state = 'lost')
returning {_CALL}
"""
_OPEN = "select id from call where ended_at is null and edge = $1"
_LOSE = f"""
update call set ended_at = told.column2, state = 'lost', reason = 'lost' from ({{values}}) told
where call.id = told.column1 and call.ended_at is null
returning {_CALL}
"""
_BY_ID = f"select {_CALL} from call where id = $1"
_REFUSAL_BY_ID = f"select {_REFUSAL} from refusal where id = $1"
_CALLS_BY_CALL_ID = f"select {_CALL} from call where call_id = $1 order by started_at desc, id desc limit 10"
_REFUSALS_BY_CALL_ID = f"select {_REFUSAL} from refusal where call_id = $1 order by at desc, id desc limit 10"
_MESSAGES = f"select {_MESSAGE} from call_message where call_id = $1 order by at, event, line"
_DETAILS = "select kind, told from call_detail where call_id = $1 order by at, event, line"
_OLD_CALLS = "select id from call where started_at < $1 order by started_at, id limit $2"
_OLD_REFUSALS = "delete from refusal where id in (select id from refusal where at < $1 order by at, id limit $2)"
#: Of the newest ones; who calls again and again does not make it slow.
_REFUSED_OF_TRUNK = """
select reason, address, count(*) as refused, max(at) as last_at from (
  select reason, address, at from refusal where trunk_id = $1 and at >= $2 order by at desc, id desc limit 2000
) as lately group by reason, address order by refused desc, address limit 100
"""
_ANY_OLD_REFUSAL = "select 1 from refusal where at < $1 limit 1"


@dataclass(frozen=True, kw_only=True, slots=True)
class CallFilter:
    """Which calls are wanted. Instants are in wire form; the later one is not included."""

    tenant: str | None = None
    number: str | None = None
    call_id: str | None = None
    since: str | None = None
    until: str | None = None
    direction: str | None = None
    state: State | None = None
    #: Whether it is under way, answered or not.
    live: bool | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusalFilter:
    """Which refusals are wanted; `called` as it was dialled."""

    tenant: str | None = None
    called: str | None = None
    source: str | None = None
    reason: str | None = None
    call_id: str | None = None
    since: str | None = None
    until: str | None = None


# Writing


async def position(tx: Transaction, file: str) -> int:
    """How far the events of that file are in the store."""
    row = await tx.one(_POSITION, file)
    return 0 if row is None else int(row[0])


async def advance(tx: Transaction, file: str, before: int, after: int, lost: Lost) -> None:
    """The events up to `after` are in the store, with this transaction. Raises Stale if `before` is not so."""
    await tx.run(_NEW_FILE, file)
    counters = (lost.calls, lost.messages, lost.refusals, lost.banned)
    if await tx.one(_ADVANCE, file, before, after, *counters) is None:
        raise Stale


async def add(tx: Transaction, edge: str, calls: Iterable[Call]) -> None:
    """What stands already is left alone."""
    await insert(tx, "call", f"{_CALL}, edge", [(*_call_values(call), edge) for call in calls])


async def add_messages(tx: Transaction, messages: Iterable[tuple[int, int, Message]]) -> None:
    """Each with the id of its event and its place there, which make it the one that it is."""
    rows = [
        (
            *(m.call, event, line, to_wire(m.at), m.method, m.status, m.phrase, m.cseq, m.branch, m.source),
            m.destination,
        )
        for event, line, m in messages
    ]
    await insert(tx, "call_message", _MESSAGE, rows)


async def add_details(tx: Transaction, details: Iterable[tuple[int, int, Learnt]]) -> None:
    """As add_messages."""
    rows = [
        (told.call, event, line, to_wire(told.at), *call_details.written(told.detail)) for event, line, told in details
    ]
    await insert(tx, "call_detail", "call_id, event, line, at, kind, told", rows)


async def add_refusals(tx: Transaction, refusals: Iterable[Refusal]) -> None:
    await insert(tx, "refusal", _REFUSAL, [_refusal_values(refusal) for refusal in refusals])


async def answer(tx: Transaction, answers: Iterable[Answered]) -> list[Call]:
    """Those that had no answer before."""
    return _calls_of(await update(tx, _ANSWER, ("text", "text"), [(a.call, to_wire(a.at)) for a in answers]))


async def end(tx: Transaction, ends: Iterable[Ended]) -> list[Call]:
    """Those that have ended now. An end that was seen takes the place of one that was only supposed."""
    rows = [(e.call, to_wire(e.at), e.reason, e.code) for e in ends]
    return _calls_of(await update(tx, _END, ("text", "text", "text", "integer"), rows))


async def lose(tx: Transaction, edge: str, at: datetime, standing: frozenset[str]) -> list[Call]:
    """Close each open call of the edge that is not among those that stand."""
    gone = [row[0] for row in await tx.all(_OPEN, edge) if row[0] not in standing]
    return _calls_of(await update(tx, _LOSE, ("text", "text"), [(id, to_wire(at)) for id in gone]))


async def remove_old(tx: Transaction, before: datetime, limit: int) -> int:
    """Remove at most `limit` calls that started before, with what belongs to them; how many."""
    ids = [row[0] for row in await tx.all(_OLD_CALLS, to_wire(before), limit)]
    for chunk in chunks(ids):
        names = places(len(chunk))
        await tx.run(f"delete from call_message where call_id in ({names})", *chunk)
        await tx.run(f"delete from call_detail where call_id in ({names})", *chunk)
        await tx.run(f"delete from call where id in ({names})", *chunk)
    return len(ids)


async def remove_old_refusals(tx: Transaction, before: datetime, limit: int) -> bool:
    """Remove at most `limit` refusals from before; whether there are more."""
    await tx.run(_OLD_REFUSALS, to_wire(before), limit)
    return await tx.one(_ANY_OLD_REFUSAL, to_wire(before)) is not None


# Reading


async def get(tx: Transaction, id: CallId) -> Call:
    """Raises UnknownCall."""
    row = await tx.one(_BY_ID, id)
    if row is None:
        raise UnknownCall(id)
    return call_of(row)


async def refusal(tx: Transaction, id: str) -> Refusal:
    """Raises UnknownCall."""
    row = await tx.one(_REFUSAL_BY_ID, id)
    if row is None:
        raise UnknownCall(id)
    return refusal_of(row)


async def by_call_id(tx: Transaction, call_id: str) -> list[Call | Refusal]:
    """Calls and refusals of that SIP Call-ID, newest first, ten of each at most."""
    began: list[tuple[datetime, Call | Refusal]] = []
    for row in await tx.all(_CALLS_BY_CALL_ID, call_id):
        call = call_of(row)
        began.append((call.started_at, call))
    for row in await tx.all(_REFUSALS_BY_CALL_ID, call_id):
        refused = refusal_of(row)
        began.append((refused.at, refused))
    return [each for _, each in sorted(began, key=lambda pair: pair[0], reverse=True)]


async def messages(tx: Transaction, id: CallId) -> list[Message]:
    """The call's messages in order of time."""
    return [
        Message(
            call=CallId(row["call_id"]),
            at=from_wire(row["at"]),
            method=row["method"],
            status=row["status"],
            phrase=row["phrase"],
            cseq=row["cseq"],
            branch=row["branch"],
            source=row["source"],
            destination=row["destination"],
        )
        for row in await tx.all(_MESSAGES, id)
    ]


async def details(tx: Transaction, id: CallId) -> list[Detail]:
    """What else was told of the call, in order of time."""
    return [call_details.read(row["kind"], row["told"]) for row in await tx.all(_DETAILS, id)]


async def lost(tx: Transaction) -> Lost:
    """What all edges' files together have lost."""
    row = await tx.one(_LOST)
    assert row is not None
    calls, messages, refusals, banned = map(int, row)
    return Lost(calls=calls, messages=messages, refusals=refusals, banned=banned)


async def standing(
    tx: Transaction,
    *,
    tenant: str | None = None,
    number: str | None = None,
    trunk: str | None = None,
    agent: str | None = None,
    account: str | None = None,
) -> int:
    """Calls that are under way: of that tenant, number, trunk or agent by id, or begun by the account of that username.

    It looks at those alone that are, by their index.
    """
    where = Where()
    where.add("ended_at is null")
    columns = {"tenant_id": tenant, "number_id": number, "trunk_id": trunk, "agent_id": agent, "caller": account}
    for column, value in columns.items():
        if value is not None:
            where.add(f"{column} = {{}}", value)
    row = await tx.one(f"select count(*) as found from call {where}", *where.args)
    assert row is not None
    return int(row["found"])


async def page(tx: Transaction, where: CallFilter, after: str | None, limit: int) -> Window:
    """Raises UnknownCursor."""
    near = Where()
    if where.call_id is not None:
        near.add("call_id = {}", where.call_id)
    elif where.number is not None:
        near.add("number = {}", where.number)
    if where.live or where.state in (State.STARTED, State.ANSWERED):
        near.add("ended_at is null")
    if where.live is False:
        near.add("ended_at is not null")
    _CALLS_LISTED.between(near, where.since, where.until)
    far = (
        ("number = {}", where.number),
        ("direction = {}", where.direction),
        ("state = {}", where.state),
    )
    return await window(tx, _CALLS_LISTED, near, far, after, limit, own=("tenant_id = {}", where.tenant))


async def page_of_refusals(tx: Transaction, where: RefusalFilter, after: str | None, limit: int) -> Window:
    """Raises UnknownCursor."""
    near = Where()
    if where.call_id is not None:
        near.add("call_id = {}", where.call_id)
    elif where.called is not None:
        near.add("called = {}", where.called)
    elif where.source is not None:
        near.add("address = {}", where.source)
    _REFUSALS_LISTED.between(near, where.since, where.until)
    far = (
        ("called = {}", where.called),
        ("address = {}", where.source),
        ("reason = {}", where.reason),
    )
    return await window(tx, _REFUSALS_LISTED, near, far, after, limit, own=("tenant_id = {}", where.tenant))


async def refused_of_trunk(tx: Transaction, trunk: str, since: datetime) -> list[Refused]:
    """The refused calls to a trunk's numbers by reason and source, those most often refused first."""
    return [
        Refused(reason=row["reason"], address=row["address"], count=row["refused"], last=from_wire(row["last_at"]))
        for row in await tx.all(_REFUSED_OF_TRUNK, trunk, to_wire(since))
    ]


def _call_values(call: Call) -> tuple[Value, ...]:
    return (
        *(call.id, call.tenant, call.direction, call.number, call.number_id, call.trunk, call.agent, call.version),
        *(call.caller, call.called, call.call_id, call.user_agent, call.source, call.offered, call.verstat, call.state),
        *(to_wire(call.started_at), opt_to_wire(call.answered_at), opt_to_wire(call.ended_at), call.code, call.reason),
    )


def _refusal_values(r: Refusal) -> tuple[Value, ...]:
    return (
        *(r.id, to_wire(r.at), r.direction, r.code, r.reason, r.number, r.number_id, r.tenant, r.trunk, r.address),
        *(r.source, r.called, r.caller, r.call_id, r.user_agent, r.offered, r.host, r.caller_host, r.to, r.party),
        r.login,
    )


def _calls_of(rows: Iterable[Row]) -> list[Call]:
    return [call_of(row) for row in rows]


def call_of(row: Row) -> Call:
    return Call(
        id=CallId(row["id"]),
        tenant=row["tenant_id"],
        direction=row["direction"],
        number=row["number"],
        number_id=row["number_id"],
        trunk=row["trunk_id"],
        agent=row["agent_id"],
        version=row["version_id"],
        caller=row["caller"],
        called=row["called"],
        call_id=row["call_id"],
        user_agent=row["user_agent"],
        source=row["source"],
        offered=row["offered"],
        verstat=row["verstat"],
        state=State(row["state"]),
        started_at=from_wire(row["started_at"]),
        answered_at=opt_from_wire(row["answered_at"]),
        ended_at=opt_from_wire(row["ended_at"]),
        code=row["code"],
        reason=row["reason"],
    )


def refusal_of(row: Row) -> Refusal:
    return Refusal(
        id=RefusalId(row["id"]),
        at=from_wire(row["at"]),
        direction=row["direction"],
        code=row["code"],
        reason=row["reason"],
        number=row["number"],
        number_id=row["number_id"],
        tenant=row["tenant_id"],
        trunk=row["trunk_id"],
        address=row["address"],
        source=row["source"],
        called=row["called"],
        caller=row["caller"],
        call_id=row["call_id"],
        user_agent=row["user_agent"],
        offered=row["offered"],
        host=row["host"],
        caller_host=row["caller_host"],
        to=row["to_uri"],
        party=row["party"],
        login=row["login"],
    )
