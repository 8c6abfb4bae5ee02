"""Which calls LiveKit lets in, and which our edge: the same where that is sound; where LiveKit is open, ours is not.

Each case is a real call to livekit-sip, and the edge's own decision on the same. LiveKit is told what stands in the
case by its API, whatever Cordboard would write.
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from livekit import api

from cordboard.domain.addresses import collapse
from cordboard.domain.errors import Invalid
from cordboard.domain.routing import Invite
from cordboard.domain.trunk_options import TrunkOptions, check_options
from tests.calls.edges import RunningEdge, agent, number, running_edge, trunk
from tests.calls.phone import Call, Phone, sdp
from tests.livekit.installation import ask, clear
from tests.livekit.room import Participant
from tests.livekit.servers import LiveKit

CARRIER, ELSEWHERE = "127.0.1.1", "127.0.1.9"
NUMBER, CALLER = "+34911234567", "+34600111222"
#: A call that is for nobody is not answered at all.
SILENCE = 1.5


@dataclass(frozen=True, kw_only=True)
class Case:
    """A trunk and its rule as LiveKit has them, a call, and whether it is let in."""

    addresses: tuple[str, ...] = (CARRIER,)
    callers: tuple[str, ...] = ()
    more: dict[str, str] = field(default_factory=dict)
    #: Whether the rule names the trunk, or has lost its last one.
    catch_all: bool = False
    source: str = CARRIER
    caller: str = CALLER
    called: str = NUMBER
    #: Of the caller's From.
    host: str = CARRIER
    livekit: bool
    #: `refused`: what the trunk is to be is not taken from anybody.
    ours: Literal["in", "out", "refused"]


CASES = {
    "the carrier's address": Case(livekit=True, ours="in"),
    "another address": Case(source=ELSEWHERE, host=ELSEWHERE, livekit=False, ours="out"),
    # an address, too, is compared with what the caller writes into From; with its /32 it is no host, and cannot be
    "another address that claims the carrier's": Case(source=ELSEWHERE, host=CARRIER, livekit=True, ours="out"),
    "the same, and the address as Cordboard writes it": Case(
        addresses=collapse([CARRIER]), source=ELSEWHERE, host=CARRIER, livekit=False, ours="out"
    ),
    "a range that holds the address": Case(addresses=("127.0.1.0/29",), livekit=True, ours="in"),
    "a range that does not": Case(addresses=("127.0.2.0/29",), livekit=False, ours="out"),
    # what the Diga contract says, too: an empty list is everybody
    "no list": Case(addresses=(), source=ELSEWHERE, livekit=True, ours="in"),
    # LiveKit leaves out what it cannot read; of nothing that is left it makes everybody
    "two addresses in one entry": Case(
        addresses=("192.0.2.1,192.0.2.2",), source=ELSEWHERE, livekit=True, ours="refused"
    ),
    "an entry with a space": Case(addresses=("192.0.2.1 ",), source=ELSEWHERE, livekit=True, ours="refused"),
    "an entry that is an address of the web": Case(
        addresses=("sip://192.0.2.1",), source=ELSEWHERE, livekit=True, ours="refused"
    ),
    # a name is compared with what the caller writes into From
    "a name that the caller claims": Case(
        addresses=("carrier.example",), source=ELSEWHERE, host="carrier.example", livekit=True, ours="refused"
    ),
    # a port makes it match nobody: the carrier is shut out, and nobody is told why
    "an address with a port": Case(addresses=("127.0.1.1:5060",), livekit=False, ours="refused"),
    "a caller on the list": Case(callers=(CALLER,), livekit=True, ours="in"),
    "a caller who is not": Case(callers=("+15125550100",), livekit=False, ours="out"),
    # compared as it stands, the asterisk too: nobody is let in; our edge lets in whom it means
    "the beginning of numbers": Case(callers=("+34*",), livekit=False, ours="in"),
    "the called number without its plus": Case(called=NUMBER[1:], livekit=True, ours="in"),
    "a number that nobody has": Case(called="+34919999999", livekit=False, ours="out"),
    # a rule that has lost its trunk takes what no trunk knows, from whomever
    "a number that nobody has, and a rule of no trunk": Case(
        called="+34919999999", source=ELSEWHERE, catch_all=True, livekit=True, ours="out"
    ),
    # half of the credentials is taken for a way to know the caller, and then nobody is asked
    "a username without a password": Case(
        addresses=(), more={"auth_username": "carrier"}, source=ELSEWHERE, livekit=True, ours="refused"
    ),
}


@pytest.fixture(scope="module")
def edge() -> Iterator[RunningEdge]:
    with running_edge() as running:
        yield running


@pytest.fixture(scope="module")
def room(livekit: LiveKit) -> Iterator[str]:
    """Somebody is in it, so that a call that is let in is answered."""
    with Participant(livekit, "table", 1000):
        yield "table"


@pytest.mark.parametrize("name", CASES)
def test_who_is_let_in(livekit: LiveKit, edge: RunningEdge, room: str, name: str) -> None:
    case = CASES[name]
    assert _livekit_lets_in(livekit, case, room) is case.livekit
    assert _we_let_in(edge, case) == case.ours


def _livekit_lets_in(livekit: LiveKit, case: Case, room: str) -> bool:
    clear(livekit)

    async def provide(sip: Any) -> None:
        info = api.SIPInboundTrunkInfo(
            numbers=[NUMBER], allowed_addresses=case.addresses, allowed_numbers=case.callers, **case.more
        )
        made = await sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=info))
        into = api.SIPDispatchRule(dispatch_rule_direct=api.SIPDispatchRuleDirect(room_name=room))
        rule = api.SIPDispatchRuleInfo(rule=into, trunk_ids=[] if case.catch_all else [made.sip_trunk_id])
        await sip.create_dispatch_rule(api.CreateSIPDispatchRuleRequest(dispatch_rule=rule))

    ask(livekit, provide)
    host, port = livekit.sip_at.split(":")
    with Phone(case.source) as phone:
        call = Call(phone=phone, edge=(host, int(port)), uri=f"sip:{case.called}@{livekit.sip_at}", caller=case.caller)
        branch = f"z9hG4bK{secrets.token_hex(8)}"
        invite = call.text("INVITE", branch, body=sdp(case.source), cseq=1, content="application/sdp")
        mine = f"<sip:{case.caller}@{phone.at}>;tag"
        phone.send(invite.replace(mine, f"<sip:{case.caller}@{case.host}>;tag"), call.edge)
        answer = phone.wait(lambda message: (message.status or 0) >= 200, SILENCE)
        if answer is None or answer.status != 200:
            return False
        call.answer = answer
        phone.send(call.text("ACK", f"z9hG4bK{secrets.token_hex(8)}", cseq=1), call.edge)
        call._cseq = 1
        call.hang_up()
        return True


def _we_let_in(edge: RunningEdge, case: Case) -> str:
    if case.more:  # domain/trunks.py has no room for half of them
        return "refused"
    try:
        allowed = collapse(case.addresses)
        check_options(TrunkOptions(callers=case.callers))
    except Invalid:
        return "refused"
    callers = ",".join(caller.removeprefix("+") for caller in case.callers)
    edge.file.rebuild((), "test", edge.revision)
    edge.put(number(NUMBER), trunk("trunk", *allowed, callers=callers), agent())
    told = edge.decide(
        Invite(source=case.source, user=case.called, host="edge.example", caller=case.caller, offered="rtp")
    )
    return "in" if told["code"] == 200 else "out"
