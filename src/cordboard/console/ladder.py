"""A call's SIP messages as a ladder: who sent what to whom, when, and where each of it stands in the picture.

A message that the edge passed on is one arrow through the edge's lane. One that it took, or gave of itself, ends or
begins there: an answer that another gateway was tried after went no further, and the next try began at the edge.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

#: Pixels: room for the time, between two lanes, beside the outer ones, and from one row to the next.
GUTTER: Final = 84
LANE: Final = 232
BESIDE: Final = 92
HEAD: Final = 64
ROW: Final = 40
#: Characters that a label over one hop has room for.
LABEL: Final = 30

Tone = Literal["ask", "wait", "good", "bad", "asked-back"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lane:
    """One party, from the top to the bottom."""

    title: str
    #: Its address; '' for the edge.
    place: str
    x: int

    @property
    def label(self) -> str:
        return _cut(self.place)


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrow:
    """One message. `says` is its method or its status, `label` as much of that as there is room for."""

    says: str
    label: str
    cseq: str
    tone: Tone
    #: Since the call began: `+1.234 s`.
    since: str
    at: str
    sender: str
    receiver: str
    y: int
    #: From where to where; `via` is the edge's lane if it goes through.
    x1: int
    x2: int
    via: int | None

    @property
    def head(self) -> str:
        """The points of its tip."""
        back = -9 if self.x2 > self.x1 else 9
        return f"{self.x2},{self.y} {self.x2 + back},{self.y - 4} {self.x2 + back},{self.y + 4}"

    @property
    def middle(self) -> int:
        """Where its label stands: over the hop of who sent it."""
        end = self.x2 if self.via is None else self.via
        return (self.x1 + end) // 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """Media between two lanes."""

    says: str
    secure: bool
    x: int
    y: int
    width: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Ladder:
    """The whole picture."""

    width: int
    height: int
    lanes: tuple[Lane, ...]
    arrows: tuple[Arrow, ...]
    phases: tuple[Phase, ...]


def ladder(call: Mapping[str, Any]) -> Ladder:
    """The ladder of a call as the native API shows it."""
    lanes = _Lanes(call)
    messages: Sequence[Mapping[str, Any]] = call["messages"]
    hops = [_hop(messages, place, lanes) for place in range(len(messages))]
    after = _answered(messages, call)
    arrows, phases, y = [], [], HEAD + ROW
    for message, hop in zip(messages, hops, strict=True):
        arrows.append(_arrow(call, message, hop, lanes, y))
        y += ROW
        if message is after:
            phases = [_phase(leg, lanes, hop, y) for leg in call["legs"] if leg["side"] == "caller" or lanes.callees]
            y += ROW
    shown = lanes.shown()
    width = shown[-1].x + BESIDE
    return Ladder(width=width, height=y, lanes=shown, arrows=tuple(arrows), phases=tuple(phases))


class _Lanes:
    """Which lane a place stands on: 0 is the caller's, 1 the edge's, each other party's one more."""

    def __init__(self, call: Mapping[str, Any]) -> None:
        self._caller = _host_port(call["source"])
        asked = [m["destination"] for m in call["messages"] if m["method"] == "INVITE" and m["status"] is None]
        self._callees = list(dict.fromkeys(_host_port(each) for each in asked if each and not self._is_caller(each)))
        self._titles = _titles(call)
        self._places = [call["source"], ""]
        # in the order in which they were tried
        for each in asked:
            self.of(each)

    @property
    def callees(self) -> int:
        """How many there are; none if the edge was called itself."""
        return len(self._places) - 2

    def of(self, place: str | None) -> int:
        if not place:
            return 1
        if self._is_caller(place):
            return 0
        known = [_host_port(each) for each in self._places]
        if _host_port(place) in known[2:]:
            return known.index(_host_port(place), 2)
        # over TCP a party may speak from another port than the one that it is called at
        hosts = [_host(each) for each in known]
        if _host(_host_port(place)) in hosts[2:] and _host_port(place) not in self._callees:
            return hosts.index(_host(_host_port(place)), 2)
        if _host(_host_port(place)) == _host(self._caller) and _host_port(place) not in self._callees:
            return 0
        self._places.append(place)
        return len(self._places) - 1

    def _is_caller(self, place: str) -> bool:
        return _host_port(place) == self._caller

    def x(self, lane: int) -> int:
        return GUTTER + BESIDE + lane * LANE

    def title(self, lane: int) -> str:
        return self.shown()[lane].title

    def shown(self) -> tuple[Lane, ...]:
        caller, callee, names = self._titles
        made = [Lane(title=caller, place=self._places[0], x=self.x(0)), Lane(title="Edge", place="", x=self.x(1))]
        for number, place in enumerate(self._places[2:], 2):
            name = names.get(_host_port(place))
            numbered = f"{callee} {number - 1}" if self.callees > 1 else callee
            title = f"{numbered} {name}" if name else numbered
            made.append(Lane(title=_cut(title), place=place, x=self.x(number)))
        return tuple(made)


def _titles(call: Mapping[str, Any]) -> tuple[str, str, dict[str, str]]:
    """What the caller and the callees are, and what the callees' places are called."""
    ours = "Agent" if call["agent_id"] else "Telephone"
    caller, callee = {"inbound": ("Carrier", ours), "outbound": (ours, "Gateway")}.get(
        call["direction"], ("Caller", "Callee")
    )
    tries = [each for each in call["tries"] if each["host"] and each["uri"]]
    names = {_host_port(each["uri"]): each["host"] for each in tries}
    return caller, callee, {place: name for place, name in names.items() if _host(name) != _host(place)}


def _hop(messages: Sequence[Mapping[str, Any]], place: int, lanes: _Lanes) -> tuple[int, int]:
    """The lanes from which and to which a message went."""
    message = messages[place]
    if message["status"] is None:
        return _request_hop(messages, place, lanes)
    request = _request_of(messages, place)
    if not message["source"]:  # an answer of the edge's own
        return 1, lanes.of(message["destination"] or (request["source"] if request else None))
    start = lanes.of(message["source"])
    if request is None:
        return start, 1
    origin = _request_hop(messages, messages.index(request), lanes)[0]
    if _stops_at_edge(messages, place):
        return start, 1
    # a try that the edge began by itself is answered to who asked first
    first = lanes.of(request["source"])
    return start, first if origin == 1 and request["source"] else origin


def _request_hop(messages: Sequence[Mapping[str, Any]], place: int, lanes: _Lanes) -> tuple[int, int]:
    message = messages[place]
    if not message["source"]:
        return 1, lanes.of(message["destination"])
    again = message["method"] != "ACK" and any(
        other["status"] is None
        and (other["method"], other["source"]) == (message["method"], message["source"])
        and _number(other["cseq"]) == _number(message["cseq"])
        for other in messages[:place]
    )
    return 1 if again else lanes.of(message["source"]), lanes.of(message["destination"])


def _request_of(messages: Sequence[Mapping[str, Any]], place: int) -> Mapping[str, Any] | None:
    """The request that a message answers."""
    answer = messages[place]
    asked = [m for m in messages[:place] if m["status"] is None and m["method"] == answer["method"]]
    by_branch = [m for m in asked if answer["branch"] and m["branch"] == answer["branch"]]
    by_cseq = [m for m in asked if _number(m["cseq"]) == _number(answer["cseq"])]
    return next(reversed(by_branch or by_cseq), None)


def _stops_at_edge(messages: Sequence[Mapping[str, Any]], place: int) -> bool:
    """Whether an answer went no further: the edge tried again after it, or answered in its place."""
    answer = messages[place]
    if answer["status"] < 300:
        return False
    for later in messages[place + 1 :]:
        if later["method"] != answer["method"]:
            continue
        if later["status"] is None:
            return _number(later["cseq"]) == _number(answer["cseq"])
        if not later["source"]:
            return True
    return False


def _answered(messages: Sequence[Mapping[str, Any]], call: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The message after which media flows: the ACK of the answer, else the answer."""
    if call["answered_at"] is None:
        return None
    answers = [n for n, m in enumerate(messages) if m["method"] == "INVITE" and 200 <= (m["status"] or 0) < 300]
    if not answers:
        return None
    following = messages[answers[0] + 1 : answers[0] + 4]
    return next((m for m in following if m["method"] == "ACK"), messages[answers[0]])


def _arrow(call: Mapping[str, Any], message: Mapping[str, Any], hop: tuple[int, int], lanes: _Lanes, y: int) -> Arrow:
    status, phrase = message["status"], message["phrase"] or ""
    says = message["method"] if status is None else f"{status} {phrase}".strip()
    start, end = hop
    return Arrow(
        says=says,
        label=_cut(says),
        cseq=f"{message['cseq']} {message['method']}",
        tone=_tone(status),
        since=since(call["started_at"], message["at"]),
        at=message["at"],
        sender=lanes.title(start),
        receiver=lanes.title(end),
        y=y,
        x1=lanes.x(start),
        x2=lanes.x(end),
        via=lanes.x(1) if 1 not in hop else None,
    )


def _phase(leg: Mapping[str, Any], lanes: _Lanes, hop: tuple[int, int], y: int) -> Phase:
    callee = max(*hop, 2)
    left, right = (lanes.x(0), lanes.x(1)) if leg["side"] == "caller" else (lanes.x(1), lanes.x(callee))
    secure = leg["encryption"] not in (None, "none")
    sound = {None: "media", "none": "RTP in clear"}.get(leg["encryption"], "SRTP")
    says = " · ".join(part for part in (leg["codec"], sound) if part)
    return Phase(says=_cut(says), secure=secure, x=left + 8, y=y - 12, width=right - left - 16)


def _tone(status: int | None) -> Tone:
    if status is None:
        return "ask"
    if status < 200:
        return "wait"
    if status in (401, 407):
        return "asked-back"
    return "good" if status < 300 else "bad"


def since(start: str, at: str) -> str:
    """`+1.234 s`."""
    seconds = (datetime.fromisoformat(at) - datetime.fromisoformat(start)).total_seconds()
    return f"{seconds:+.3f} s"


def _number(cseq: str) -> str:
    return cseq.split()[0] if cseq else ""


def _cut(text: str) -> str:
    return text if len(text) <= LABEL else f"{text[: LABEL - 1]}…"


def _host_port(place: str | None) -> str:
    """`192.0.2.1:5060` of `udp:192.0.2.1:5060` or of `sip:someone@192.0.2.1:5060;transport=udp`."""
    bare = re.sub(r"^(udp|tcp|tls|ws|wss|sips?):", "", place or "")
    return bare.split(";")[0].rpartition("@")[2]


def _host(place: str) -> str:
    return re.sub(r":\d+$", "", place)
