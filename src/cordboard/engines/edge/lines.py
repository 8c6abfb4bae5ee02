"""The lines in which kamailio/events.cfg tells of events: fields between `|`, texts of others in hexadecimal."""

from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from cordboard.domain.call_details import SIDES, Try, said
from cordboard.domain.calls import (
    Answered,
    Booted,
    Call,
    CallDirection,
    CallId,
    Ended,
    Event,
    Learnt,
    Message,
    Refusal,
    RefusalId,
    State,
    Turned,
)
from cordboard.domain.reasons import CODES
from cordboard.domain.registrations import WHATS, Registration, RegistrationId, What
from cordboard.engines.edge import ng

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING: Final = "<null>"
#: Of what others chose: events.cfg cuts it at as many bytes, of which one may become four characters.
MOST_CHARACTERS: Final = 128
#: What stands for the place where phones.cfg sends a call.
_PHONES: Final = "phones"
#: registrations.cfg's words.
_STATES: Final[dict[str, What]] = {"registered": "registered", "failed": "failed", "off": "unregistered"}
#: Kamailio's numbers of transports, which it tells for one side of a request.
_PROTOCOLS: Final = {"1": "udp", "2": "tcp", "3": "tls", "4": "sctp", "5": "ws", "6": "wss"}
_DIRECTIONS: Final = {"in": "inbound", "out": "outbound", "internal": "internal"}


def parse(line: str, id: str) -> Event | None:
    """The event of one line, None if it tells nothing; `id` is the line's own among all. Raises ValueError."""
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
    number_id, tenant, trunk, address, port, protocol, called, caller, call_id, user_agent, *more = rest
    # an edge that was started by the version before says less
    offered, host, caller_host, to, party, login = more or [""] * 6
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
        offered=offered,
        host=_text(host),
        caller_host=_text(caller_host),
        to=_text(to),
        party=_text(party),
        login=_text(login),
    )


def _tried(_id: str, call: str, began: str, ended: str, rung: str, uri: str, host: str, *outcome: str) -> Learnt:
    code, reason = outcome
    tried = Try(
        began_at=_time(began),
        ended_at=_time(ended),
        rung_at=None if rung == _NOTHING else _time(rung),
        uri="" if uri == _PHONES else uri,
        host=host,
        code=None if code == _NOTHING else int(code),
        reason=reason,
    )
    return Learnt(CallId(call), tried.began_at, tried)


def _said(_id: str, call: str, at: str, side: str, sdp: str) -> Learnt:
    (known,) = (each for each in SIDES if each == side)
    return Learnt(CallId(call), _time(at), said(known, b64decode(sdp).decode(errors="replace")))


def _heard(_id: str, at: str, answer: str) -> Learnt | None:
    """rtpengine's answer behind its cookie: `SECRET,CALL,CALLER'S TAG`. Nothing of a call that had no audio."""
    cookie, _, body = b64decode(answer).partition(b" ")
    _, call, tag = cookie.decode().split(",")
    told = ng.audio(ng.decoded(body), bytes.fromhex(tag).decode("utf-8", "replace"))
    return None if told is None else Learnt(CallId(call), _time(at), told)


def _down(_id: str, at: str, uri: str) -> Turned:
    return Turned(_time(at), _text(uri), down=True)


def _up(_id: str, at: str, uri: str) -> Turned:
    return Turned(_time(at), _text(uri), down=False)


def _phone(id: str, at: str, what: str, reason: str, username: str, *rest: str) -> Registration:
    address, port, protocol, contact, user_agent, bindings = rest
    (known,) = (each for each in WHATS if each == what)
    return Registration(
        id=RegistrationId(id),
        at=_time(at),
        what=known,
        reason=reason,
        username=_text(username),
        place=_place(address, port, protocol),
        contact=_text(contact),
        user_agent=_text(user_agent),
        bindings=None if bindings == _NOTHING else int(bindings),
    )


def _carrier(
    id: str, at: str, trunk: str, uri: str, state: str, code: str, reason: str, contact: str = ""
) -> Registration:
    # an edge that was started by the version before names no Contact
    return Registration(
        id=RegistrationId(id),
        at=_time(at),
        what=_STATES[state],
        trunk=trunk,
        reason=_text(reason),
        code=int(code) or None,
        place=uri,
        contact=contact,
    )


_KINDS: Final[dict[str, Callable[..., Event | None]]] = {
    "boot": _booted,
    "start": _started,
    "answer": _answered,
    "end": _ended,
    "request": _request,
    "response": _response,
    "answered": _own_answer,
    "own": _own_bye,
    "try": _tried,
    "said": _said,
    "audio": _heard,
    "refusal": _refused,
    "down": _down,
    "up": _up,
    "phone": _phone,
    "carrier": _carrier,
}


def _time(text: str) -> datetime:
    """Of `1795245352.823765`."""
    seconds, _, micros = text.partition(".")
    return _EPOCH + timedelta(seconds=int(seconds), microseconds=int(micros))


def _text(hexadecimal: str) -> str:
    """What others chose: a byte that is no UTF-8 stands as `\\xff`; so does NUL, which PostgreSQL takes in no text."""
    if hexadecimal == _NOTHING:
        return ""
    text = bytes.fromhex(hexadecimal).decode(errors="backslashreplace").replace("\0", "\\x00")
    return text[:MOST_CHARACTERS]


def _given(text: str) -> str:
    return "" if text == _NOTHING else text


def _place(address: str, port: str, protocol: str) -> str:
    """`udp:192.0.2.1:5060`."""
    if address == _NOTHING:
        return ""
    return f"{_PROTOCOLS.get(protocol, protocol)}:{f'[{address}]' if ':' in address else address}:{port}"


def _direction(text: str) -> CallDirection:
    return cast(CallDirection, _DIRECTIONS[text])
