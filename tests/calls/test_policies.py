"""Each combination of the policies of both legs, with what the two telephones can do: who talks to whom, encrypted or
not, heard on both sides and looked at on the wire.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

import pytest

from cordboard.domain.media import POLICIES, Policy
from tests.calls.edges import RunningEdge, agent, number, trunk
from tests.calls.phone import Agent, Call, Message, media
from tests.calls.srtp import Key
from tests.calls.test_inbound import refusal
from tests.calls.tones import EVENT, ToneEndpoint

OURS, THEIRS = "+34911234567", "+15125550100"
SUITE = "AES_CM_128_HMAC_SHA1_80"

Direction = Literal["in", "out"]
#: What a caller offers: plain RTP, plain RTP with keys beside it (RFC 8643), SRTP.
Offers = Literal["rtp", "keys", "srtp"]
#: What the called telephone does: knows no SRTP, takes keys wherever they are offered, speaks SRTP alone.
Callee = Literal["plain", "either", "strict"]


@dataclass(frozen=True, slots=True)
class Side:
    phone: Agent
    tone: ToneEndpoint

    def sdp(self, profile: str = "RTP/AVP", key: Key | None = None) -> str:
        where = self.tone.address
        return (
            f"v=0\r\no=- 1 1 IN IP4 {where}\r\ns=-\r\nc=IN IP4 {where}\r\nt=0 0\r\n"
            f"m=audio {self.tone.port} {profile} 0 {EVENT}\r\na=rtpmap:0 PCMU/8000\r\n"
            f"a=rtpmap:{EVENT} telephone-event/8000\r\na=fmtp:{EVENT} 0-15\r\n{key.line if key else ''}"
        )

    def offer(self, kind: Offers) -> str:
        return {
            "rtp": self.sdp(),
            "keys": self.sdp(key=self.tone.key),
            "srtp": self.sdp("RTP/SAVP", self.tone.key),
        }[kind]

    def answers(self, kind: Callee) -> Callable[[Message], tuple[int, str]]:
        def answer(invite: Message) -> tuple[int, str]:
            profile = media(invite.body)[1]
            if kind == "plain":
                return 200, self.sdp()
            if profile == "RTP/AVP" and kind == "strict":
                return 488, ""
            return 200, self.sdp(profile, self.tone.key if Key.of(invite.body) else None)

        return answer

    def speak(self, heard: str, said: str) -> None:
        """Begin to talk, once the other side's SDP is `heard` and ours is `said`."""
        self.tone.speak(heard if Key.of(said) else "\r\n".join(x for x in heard.splitlines() if "crypto" not in x))


@pytest.fixture
def sides() -> Iterator[tuple[Side, Side]]:
    """A carrier's telephone, which plays 440 Hz, and an agent's, which plays 1000 Hz."""
    with ExitStack() as stack:
        at = (("carrier", "127.0.1.1", 440), ("agent", "127.0.2.1", 1000))
        both = [
            Side(stack.enter_context(Agent(address, name=name)), stack.enter_context(ToneEndpoint(address, tone)))
            for name, address, tone in at
        ]
        yield both[0], both[1]


@dataclass(frozen=True, slots=True)
class Stage:
    """An edge between a caller and a callee."""

    edge: RunningEdge
    caller: Side
    callee: Side
    direction: Direction

    def call(self, offers: Offers = "rtp", callee: Callee = "plain") -> Call:
        self.callee.phone.answers = self.callee.answers(callee)
        called, shown = (OURS, THEIRS) if self.direction == "in" else (THEIRS, OURS)
        return self.caller.phone.call(self.edge.sip, called, body=self.caller.offer(offers), caller=shown)

    def talk(self, call: Call) -> None:
        """Both hear each other, and nobody on the wire hears what is encrypted."""
        invite = self.callee.phone.calls[-1]
        answer = self.callee.phone.answers(invite)[1]
        offer = next(e.message for e in self.caller.phone.events if e.sent and e.message.method == "INVITE")
        self.caller.speak(call.answered.body, offer.body)
        self.callee.speak(invite.body, answer)
        self.hear()

    def hear(self) -> None:
        for side in (self.caller, self.callee):
            expected = 1000 if side.tone.address == "127.0.1.1" else 440
            assert side.tone.hears(0.3) == expected
            assert side.tone.wire() == (None if side.tone.encrypted else expected)


def stage(
    edge: RunningEdge,
    sides: tuple[Side, Side],
    direction: Direction,
    caller: Policy = "allow",
    callee: Policy = "allow",
) -> Stage:
    """`caller` and `callee` are the policies of their legs, whichever of them is the carrier's."""
    carrier, bot = sides
    edge.file.rebuild((), "test", edge.revision)
    edge.run(edge.edge.rpc.call("htable.flush", "refused"))
    other: Policy = "disable"
    edge.put(
        number(agent_out="agent"),
        trunk(
            "trunk",
            "127.0.1.0/24",
            gateways=(carrier.phone.at,),
            media_in=caller if direction == "in" else other,
            media_out=callee if direction == "out" else other,
        ),
        agent(uri=f"sip:agent@{bot.phone.at}", sources="127.0.2.1/32", media=callee if direction == "in" else caller),
    )
    return Stage(edge, *((carrier, bot) if direction == "in" else (bot, carrier)), direction)


#: What becomes of a caller's leg: encrypted or not, or the reason of the refusal.
CALLERS: dict[tuple[Policy, Offers], bool | str] = {
    ("disable", "rtp"): False,
    ("disable", "keys"): False,
    ("disable", "srtp"): "encryption-not-allowed",
    ("allow", "rtp"): False,
    ("allow", "keys"): True,
    ("allow", "srtp"): True,
    ("require", "rtp"): "encryption-required",
    ("require", "keys"): "encryption-required",
    ("require", "srtp"): True,
}
#: What becomes of a callee's leg: encrypted or not; "ended" by us, or "refused" by the telephone itself.
CALLEES: dict[tuple[Policy, Callee], bool | str] = {
    ("disable", "plain"): False,
    ("disable", "either"): False,
    ("disable", "strict"): "refused",
    ("allow", "plain"): False,
    ("allow", "either"): True,
    # keys are offered beside plain RTP, which a telephone of SRTP alone does not take: `require` is for such
    ("allow", "strict"): "refused",
    ("require", "plain"): "ended",
    ("require", "either"): True,
    ("require", "strict"): True,
}


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("callee", POLICIES)
@pytest.mark.parametrize("caller", POLICIES)
@pytest.mark.proves("nebrija: advanced.mediaEncryption")
def test_both_legs_go_by_their_policies(
    edge: RunningEdge, sides: tuple[Side, Side], direction: Direction, caller: Policy, callee: Policy
) -> None:
    there = stage(edge, sides, direction, caller, callee)
    offers: tuple[Offers, ...] = ("rtp", "keys", "srtp")
    kinds: tuple[Callee, ...] = ("plain", "either", "strict")
    for offer, kind in itertools.product(offers, kinds):
        for side in sides:
            side.phone.events.clear()
        call = there.call(offer, kind)
        here, beyond = CALLERS[caller, offer], CALLEES[callee, kind]
        if isinstance(here, str):
            assert (call.status, refusal(edge, call.id)) == (488, f"488 {here}")
            beyond_us = [m.first for m in there.callee.phone.received if m.get("Call-ID") == call.id]
            assert not beyond_us, "it went no further"
        elif beyond == "refused":
            assert call.status == 488
        elif beyond == "ended":
            assert call.answered.body == ""
            assert all(side.phone.wait(bye_of(call)) for side in sides)
        else:
            assert edge.profiles(call.id) == sorted([_caller_profile(offer, here), _callee_profile(callee)])
            there.talk(call)
            assert call.hang_up() == 200
            for side in sides:
                side.tone.play_to(None)


def bye_of(call: Call) -> Callable[[Message], bool]:
    """And of no call before it."""
    return lambda m: m.method == "BYE" and m.status is None and m.get("Call-ID") == call.id


def _caller_profile(offer: Offers, encrypted: bool) -> str:
    """As rtpengine has it: keys beside plain RTP leave the profile its name."""
    return f"{'RTP/AVP' if offer == 'keys' else 'RTP/SAVP'} {SUITE}" if encrypted else "RTP/AVP"


def _callee_profile(policy: Policy) -> str:
    """Where keys are offered beside plain RTP, rtpengine shows their suite whether they were taken or not."""
    return {"disable": "RTP/AVP", "allow": f"RTP/AVP {SUITE}", "require": f"RTP/SAVP {SUITE}"}[policy]


# What else encrypted media has to bear.


ENCRYPTED_LEGS: tuple[tuple[Policy, Policy], ...] = (
    ("require", "disable"),
    ("disable", "require"),
    ("require", "require"),
)


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize(("caller", "callee"), ENCRYPTED_LEGS)
def test_digits_cross_from_clear_to_encrypted_and_back(
    edge: RunningEdge, sides: tuple[Side, Side], direction: Direction, caller: Policy, callee: Policy
) -> None:
    there = stage(edge, sides, direction, caller, callee)
    call = there.call("srtp" if caller == "require" else "rtp", "either")
    there.talk(call)
    for digit in "7#":
        there.caller.tone.press(digit)
        there.callee.tone.press(digit.replace("7", "*"))
    there.hear()
    assert (there.callee.tone.digits, there.caller.tone.digits) == ("7#", "*#")
    assert there.caller.tone.unreadable == there.callee.tone.unreadable == 0
    assert call.hang_up() == 200


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize(("caller", "callee"), [*ENCRYPTED_LEGS, ("allow", "allow")])
def test_hold_and_new_keys_leave_the_call_as_it_was(
    edge: RunningEdge, sides: tuple[Side, Side], direction: Direction, caller: Policy, callee: Policy
) -> None:
    there = stage(edge, sides, direction, caller, callee)
    offers: Offers = {"require": "srtp", "disable": "rtp", "allow": "keys"}[caller]  # type: ignore[assignment]
    call = there.call(offers, "either")
    there.talk(call)
    profiles = edge.profiles(call.id)
    for hold in ("a=sendonly", "a=inactive", "0.0.0.0"):
        offer = there.caller.offer(offers)
        offer = (
            offer + hold + "\r\n"
            if hold[0] == "a"
            else offer.replace(f"c=IN IP4 {there.caller.tone.address}", f"c=IN IP4 {hold}")
        )
        held = call.request("INVITE", body=offer)
        assert held
        assert held.status == 200
        assert edge.profiles(call.id) == profiles
        there.caller.tone.key = Key()
        back = call.request("INVITE", body=there.caller.offer(offers))
        assert back
        invite = next(m for m in reversed(there.callee.phone.received) if m.method == "INVITE" and m.status is None)
        there.caller.speak(back.body, there.caller.offer(offers))
        there.callee.speak(invite.body, there.callee.phone.answers(invite)[1])
        there.hear()
        assert edge.profiles(call.id) == profiles
    assert call.hang_up() == 200


def test_media_in_clear_never_reaches_the_leg_that_requires_encryption(
    edge: RunningEdge, sides: tuple[Side, Side]
) -> None:
    """The far side answers in clear, early and finally, and sends and listens all the while; so does the caller."""
    there = stage(edge, sides, "out", "disable", "require")

    def plain(invite: Message) -> tuple[int, str]:
        there.callee.tone.play_to(media(invite.body)[0])
        phone.send(phone.response(invite, 183, there.callee.sdp(), tag="early"), edge.sip)
        time.sleep(0.5)
        return 200, there.callee.sdp()

    phone = there.callee.phone
    phone.answers = plain
    call = there.caller.phone.call(edge.sip, THEIRS, body=there.caller.offer("rtp"), caller=OURS)
    assert call.answered.body == ""
    assert phone.wait(bye_of(call))
    time.sleep(0.3)
    assert there.callee.tone.packets == there.caller.tone.packets == 0
