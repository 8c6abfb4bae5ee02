"""Calls that stand, with a voice on both sides: the side that was called can send requests too."""

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.calls.edges import RunningEdge, agent, number, trunk
from tests.calls.phone import Address, Agent, Call, Message

OURS = "+34911234567"
THEIRS = "+15125550100"
CARRIER_LOGIN = ("acme", "carrier secret")
AGENT_LOGIN = ("platform", "agent secret")


#: Status, body and further header lines of one response.
Said = tuple[int, str, str]


class Scripted(Agent):
    """An agent that says what it is told to: for a method, the responses to its first request and to all later ones."""

    def __init__(self, address: str, name: str = "") -> None:
        self.script: dict[str, Callable[[Message], list[Said]]] = {}
        self._said: dict[tuple[str, str], list[str]] = {}
        #: Of each call, by its Call-ID.
        self.tags: dict[str, str] = {}
        super().__init__(address, name=name)

    def heard(self, message: Message, source: Address) -> None:
        if message.status is not None or message.method not in self.script:
            super().heard(message, source)
            return
        key = (message.get("Via"), message.method)
        if key not in self._said:
            self._said[key] = [
                self.say(message, status, body, headers)
                for status, body, headers in self.script[message.method](message)
            ]
        for text in self._said[key]:
            self.send(text, source)

    def say(self, request: Message, status: int, body: str = "", headers: str = "") -> str:
        """A response to that request, in the dialog of its Call-ID."""
        call_id = request.get("Call-ID")
        tag = request.tag("To") or self.tags.setdefault(call_id, secrets.token_hex(4))
        return self.response(request, status, body, tag=tag, headers=headers)

    def only(self, method: str) -> Message:
        """The one request of that method outside a dialog, or within one."""
        return next(m for m in self.received if m.method == method and m.status is None)


class Callee(Call):
    """The answering side of a dialog."""

    def __init__(self, phone: Agent, edge: Address, invite: Message) -> None:
        super().__init__(phone=phone, edge=edge, uri=invite.contact, id=invite.get("Call-ID"))
        self.invite = invite
        self.tag = next(
            event.message.tag("To")
            for event in reversed(phone.events)
            if event.sent and event.message.status and event.message.get("Call-ID") == self.id
        )

    def text(
        self, method: str, branch: str, *, body: str = "", headers: str = "", content: str = "", cseq: int = 0
    ) -> str:
        return (
            f"{method} {self.uri} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.phone.at};rport;branch={branch}\r\n"
            + "".join(f"Route: {route}\r\n" for route in self.invite.all("Record-Route"))
            + f"From: {self.invite.get('To')};tag={self.tag}\r\n"
            f"To: {self.invite.get('From')}\r\n"
            f"Call-ID: {self.id}\r\n"
            f"CSeq: {cseq or self._cseq} {method}\r\n"
            f"Contact: <sip:agent@{self.phone.at}>\r\n"
            f"Max-Forwards: 70\r\n{headers}"
            + (f"Content-Type: {content}\r\n" if body else "")
            + f"Content-Length: {len(body.encode())}\r\n\r\n{body}"
        )

    def _acknowledge(self, final: Message, branch: str) -> None:
        self.phone.send(self.text("ACK", branch), self.edge)


@dataclass
class Standing:
    """An answered call, and who takes part."""

    carrier: Agent
    agent: Agent
    caller: Call
    callee: Callee

    @property
    def carriers(self) -> Call:
        """The carrier's side of the call."""
        return self.caller if self.caller.phone is self.carrier else self.callee

    @property
    def agents(self) -> Call:
        return self.caller if self.caller.phone is self.agent else self.callee

    def other(self, side: Call) -> Agent:
        """Who is at the far end of that side."""
        return self.agent if side.phone is self.carrier else self.carrier

    def ended(self, seconds: float = 10.0) -> list[str]:
        """The Reasons of the BYEs that the carrier and the agent got."""
        byes = [
            phone.wait(lambda m: m.method == "BYE" and m.status is None, seconds)
            for phone in (self.carrier, self.agent)
        ]
        return ["none came" if bye is None else bye.get("Reason") for bye in byes]


@contextlib.contextmanager
def parties() -> Iterator[tuple[Scripted, Scripted]]:
    """A carrier and an agent, either of which may call the other."""
    with Scripted("127.0.1.1", name="carrier") as carrier, Scripted("127.0.2.1", name="agent") as ai:
        carrier.ringing = ai.ringing = False
        yield carrier, ai


def connect(edge: RunningEdge, carrier: Agent, ai: Agent) -> None:
    """One number, by which each can call the other."""
    edge.file.rebuild((), "test", edge.revision)
    edge.run(edge.edge.rpc.call("htable.flush", "refused"))
    edge.run(edge.edge.rpc.call("htable.flush", "down"))
    edge.put(
        number(agent_out="agent"),
        trunk("trunk", "127.0.1.1/32", gateways=(carrier.at,), username=CARRIER_LOGIN[0], password=CARRIER_LOGIN[1]),
        agent(
            uri=f"sip:{{number}}@{ai.at}",
            sources="127.0.2.1/32",
            username=AGENT_LOGIN[0],
            password=AGENT_LOGIN[1],
        ),
    )


def stand(edge: RunningEdge, carrier: Agent, ai: Agent, direction: str, *, headers: str = "") -> Standing:
    """Place a call `in` or `out` and have it answered."""
    if direction == "in":
        call, callee = carrier.call(edge.sip, OURS, caller=THEIRS, headers=headers), ai
    else:
        call, callee = ai.call(edge.sip, THEIRS, caller=OURS, headers=headers), carrier
    assert call.status == 200, call.answer
    invite = next(
        message
        for message in reversed(callee.received)
        if message.method == "INVITE" and message.status is None and message.get("Call-ID") == call.id
    )
    assert callee.wait(lambda m: m.method == "ACK" and m.get("Call-ID") == call.id)
    return Standing(carrier, ai, call, Callee(callee, edge.sip, invite))


def until(holds: object, seconds: float = 5.0) -> bool:
    """Wait until `holds()` is true; whether it came so far."""
    assert callable(holds)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return bool(holds())
