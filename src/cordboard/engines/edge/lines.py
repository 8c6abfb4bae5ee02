"""The lines in which kamailio/events.cfg tells of events: fields between `|`, texts of others in hexadecimal."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from cordboard.domain.calls import (
    Answered,
    Booted,
    Call,
    CallDirection,
    CallId,
    Ended,
    Event,
    Message,
    Refusal,
    RefusalId,
    State,
)
from cordboard.domain.reasons import CODES

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING: Final = "<null>"
#: Kamailio's numbers of transports, which it tells for one side of a request.
_PROTOCOLS: Final = {"1": "udp", "2": "tcp", "3": "tls", "4": "sctp", "5": "ws", "6": "wss"}
_DIRECTIONS: Final = {"in": "inbound", "out": "outbound", "internal": "internal"}


def parse(line: str, id: str) -> Event:
    """The event of one line; `id` is the line's own among all. Raises ValueError."""
    kind, *fields = line.split("|")
    if kind not in _KINDS:
        raise ValueError(f"{kind!r} is no kind of event")
    return _KINDS[kind](id, *fields)


def _booted(_id: str, at: str) -> Booted:
    return Booted(_time(at))


def _started(
    _id: str,
    call: str,
    at: str,
    direction: str,
    number: str,
    number_id: str,
    tenant: str,
    trunk: str,
    agent: str,
    *rest: str,
) -> Call:
    version, offered, address, port, protocol, called, caller, call_id, user_agent, verstat = rest
    return Call(
        id=CallId(call),
        tenant=tenant,
        direction=_direction(direction),
        number=number,
        number_id=number_id,
        trunk=trunk,
        agent=agent,
        version=version,
        caller=_text(caller),
        called=_text(called),
        call_id=_text(call_id),
        user_agent=_text(user_agent),
        source=_place(address, port, protocol),
        offered=offered,
        verstat=verstat,
        state=State.STARTED,
        started_at=_time(at),
    )


def _answered(_id: str, call: str, at: str) -> Answered:
    return Answered(CallId(call), _time(at))


def _ended(_id: str, call: str, at: str, reason: str, code: str) -> Ended:
    known = {str(reason): code for reason, code in CODES.items()}
    return Ended(CallId(call), _time(at), reason, known.get(reason) if code == _NOTHING else int(code))


def _request(_id: str, call: str, at: str, method: str, *rest: str) -> Message:
    address, port, protocol, to_address, to_port, to_protocol, cseq, branch = rest
    return Message(
        call=CallId(call),
        at=_time(at),
        method=_text(method),
        status=None,
        phrase="",
        cseq=_text(cseq),
        branch=_given(branch),
        source=_place(address, port, protocol),
        destination=_place(to_address, to_port, to_protocol),
    )


def _response(
    _id: str, call: str, at: str, method: str, address: str, port: str, protocol: str, status: str, *rest: str
) -> Message:
    phrase, cseq, branch = rest
    return Message(
        call=CallId(call),
        at=_time(at),
        method=_text(method),
        status=int(status),
        phrase=_text(phrase),
        cseq=_text(cseq),
        branch=_given(branch),
        source=_place(address, port, protocol),
        destination="",
    )


def _own_answer(
    _id: str, call: str, at: str, method: str, address: str, port: str, protocol: str, status: str, *rest: str
) -> Message:
    reason, cseq, _ = rest
    return Message(
        call=CallId(call),
        at=_time(at),
        method=_text(method),
        status=int(status),
        phrase=_text(reason),
        cseq=_text(cseq),
        branch="",
        source="",
        destination=_place(address, port, protocol),
    )


def _own_bye(_id: str, call: str, at: str, uri: str, cseq: str) -> Message:
    return Message(
        call=CallId(call),
        at=_time(at),
        method="BYE",
        status=None,
        phrase="",
        cseq=cseq,
        branch="",
        source="",
        destination=_text(uri),
    )


def _refused(id: str, at: str, direction: str, code: str, reason: str, number: str, *rest: str) -> Refusal:
    number_id, tenant, trunk, address, port, protocol, called, caller, call_id, user_agent = rest
    return Refusal(
        id=RefusalId(id),
        at=_time(at),
        direction=_direction(direction),
        code=int(code),
        reason=reason,
        number=number,
        number_id=number_id,
        tenant=tenant,
        trunk=trunk,
        address=address,
        source=_place(address, port, protocol),
        called=_text(called),
        caller=_text(caller),
        call_id=_text(call_id),
        user_agent=_text(user_agent),
    )


_KINDS: Final[dict[str, Callable[..., Event]]] = {
    "boot": _booted,
    "start": _started,
    "answer": _answered,
    "end": _ended,
    "request": _request,
    "response": _response,
    "answered": _own_answer,
    "own": _own_bye,
    "refusal": _refused,
}


def _time(text: str) -> datetime:
    """Of `1795245352.823765`."""
    seconds, _, micros = text.partition(".")
    return _EPOCH + timedelta(seconds=int(seconds), microseconds=int(micros))


def _text(hexadecimal: str) -> str:
    """What others chose: a byte that is no UTF-8 stands as `\\xff`; so does NUL, which PostgreSQL takes in no text."""
    if hexadecimal == _NOTHING:
        return ""
    return bytes.fromhex(hexadecimal).decode(errors="backslashreplace").replace("\0", "\\x00")


def _given(text: str) -> str:
    return "" if text == _NOTHING else text


def _place(address: str, port: str, protocol: str) -> str:
    """`udp:192.0.2.1:5060`."""
    if address == _NOTHING:
        return ""
    return f"{_PROTOCOLS.get(protocol, protocol)}:{f'[{address}]' if ':' in address else address}:{port}"


def _direction(text: str) -> CallDirection:
    return cast(CallDirection, _DIRECTIONS[text])
