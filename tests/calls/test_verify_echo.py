"""Echo calls of verifications: real ones, through the edge, whose sound is listened to."""

import asyncio
import contextlib
import secrets
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from cordboard.domain.verification_steps import Said
from cordboard.domain.verifications import Echo
from cordboard.engines.edge.verify.echo import Booth, calls
from cordboard.engines.edge.verify.prober import booth_of
from tests.calls.edges import RunningEdge, agent, number, trunk
from tests.calls.phone import Agent, Message, Phone, media, sdp
from tests.calls.test_inbound import refusal
from tests.calls.test_outbound import LOGIN, with_login
from tests.calls.tones import ToneEndpoint

CALLED = "+34911234567"
OUTSIDE = "+15125550100"
INBOUND = Echo(called=CALLED, caller="anonymous", source="127.0.1.1", target=CALLED)
OUTBOUND = Echo(called=OUTSIDE, caller=CALLED, source="127.0.2.1", target=OUTSIDE)


class Mirror:
    """Sends each packet of sound back to where it came from."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 0))
        self._socket.settimeout(0.1)
        self.port: int = self._socket.getsockname()[1]
        self._open = True
        self._thread = threading.Thread(target=self._reflect)
        self._thread.start()

    def _reflect(self) -> None:
        while self._open:
            with contextlib.suppress(TimeoutError):
                data, source = self._socket.recvfrom(2048)
                self._socket.sendto(data, source)

    def close(self) -> None:
        self._open = False
        self._thread.join()
        self._socket.close()


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    made = Mirror("127.0.2.1")
    yield made
    made.close()


@pytest.fixture
def booth(routed: RunningEdge) -> Booth:
    return booth_of(routed.options)


def called(booth: Booth, echo: Echo = INBOUND, *, rings: float = 6.0) -> Said:
    return asyncio.run(calls(echo, booth, rings, 1.2))


def test_an_agent_that_echoes_is_heard_both_ways(booth: Booth, ai: Agent, mirror: Mirror) -> None:
    ai.media_port = mirror.port
    said = called(booth)
    assert (said.status, said.code, said.evidence["heard"]) == ("passed", "", "our-tone"), said
    assert int(str(said.evidence["packets_received"])) > 40
    assert int(str(said.evidence["packets_sent"])) == 60
    delay, answered = (int(str(said.evidence[f"{name}_ms"])) for name in ("post_dial_delay", "answered_after"))
    assert 0 <= delay <= answered < 3000
    assert ai.wait(lambda m: m.method == "BYE")


def test_an_agent_that_speaks_is_heard(booth: Booth, ai: Agent) -> None:
    with ToneEndpoint("127.0.2.1", 440, "PCMA") as voice:
        ai.media_port = voice.port
        answer = ai.answers

        def speaks(invite: Message) -> tuple[int, str]:
            voice.play_to(media(invite.body)[0])
            return answer(invite)[0], voice.sdp()

        ai.answers = speaks
        said = called(booth)
        assert voice.hears(0.2) is None or voice.packets > 0
    assert (said.status, said.evidence["heard"]) == ("passed", "sound"), said


def test_one_way_audio_is_told_of(booth: Booth, ai: Agent) -> None:
    said = called(booth)
    assert (said.status, said.code) == ("failed", "one-way-audio")
    assert (said.evidence["heard"], said.evidence["packets_received"]) == ("nothing", 0)
    assert "CORDBOARD_MEDIA_ADVERTISE" in str(said.remedy)


@pytest.mark.parametrize("code", [486, 488, 603])
def test_a_refusal_says_what_it_was_and_where_the_story_is(booth: Booth, ai: Agent, code: int) -> None:
    ai.answers = lambda invite: (code, "")
    said = called(booth)
    assert (said.status, said.code) == ("failed", "echo-refused")
    assert str(said.evidence["answer"]).startswith(str(code))
    assert f"explain {said.evidence['call_id']}" in str(said.remedy)
    assert ai.calls[0].get("Call-ID") == said.evidence["call_id"]
    assert ai.wait(lambda m: m.method == "ACK")


def test_one_who_lets_it_ring_is_hung_up_on(booth: Booth, ai: Agent) -> None:
    rings = ai.heard

    def only_rings(message: Message, source: tuple[str, int]) -> None:
        if message.method == "INVITE":
            ai.send(ai.response(message, 180, tag="rings"), source)
        else:
            rings(message, source)

    ai.heard = only_rings  # type: ignore[method-assign]
    said = called(booth, rings=1.0)
    assert (said.status, said.code) == ("failed", "echo-no-answer")
    assert ai.wait(lambda m: m.method == "CANCEL")


def test_one_who_answers_while_the_call_is_taken_back_is_hung_up_on(booth: Booth, ai: Agent) -> None:
    heard, invites = ai.heard, []

    def answers_the_cancel_too_late(message: Message, source: tuple[str, int]) -> None:
        if message.method == "INVITE" and message.status is None:
            invites.append(message)
            ai.send(ai.response(message, 180, tag="slow"), source)
        elif message.method == "CANCEL":
            ai.send(ai.response(invites[0], 200, sdp("127.0.2.1"), tag="slow"), source)
            ai.send(ai.response(message, 200, tag="slow"), source)
        else:
            heard(message, source)

    ai.heard = answers_the_cancel_too_late  # type: ignore[method-assign]
    assert called(booth, rings=1.0).code == "echo-no-answer"
    assert ai.wait(lambda m: m.method == "ACK")
    assert ai.wait(lambda m: m.method == "BYE")


@pytest.mark.parametrize("answered", [False, True])
def test_a_call_ends_with_whoever_placed_it(booth: Booth, ai: Agent, answered: bool) -> None:
    heard = ai.heard

    def rings(message: Message, source: tuple[str, int]) -> None:
        if message.method == "INVITE" and message.status is None and not answered:
            ai.send(ai.response(message, 180, tag="rings"), source)
        else:
            heard(message, source)

    ai.heard = rings  # type: ignore[method-assign]

    async def stopped() -> None:
        call = asyncio.create_task(calls(INBOUND, booth))
        until = "ACK" if answered else "INVITE"
        assert await asyncio.to_thread(ai.wait, lambda m: m.method == until)
        await asyncio.sleep(0.3)
        call.cancel()
        await asyncio.wait({call}, timeout=5.0)
        assert call.cancelled()

    asyncio.run(stopped())
    assert ai.wait(lambda m: m.method == ("BYE" if answered else "CANCEL"), seconds=1.0)


def test_one_who_hangs_up_is_answered(booth: Booth, ai: Agent, routed: RunningEdge) -> None:
    hung_up: list[Message | None] = []

    def hang_up() -> None:
        assert ai.wait(lambda m: m.method == "ACK")
        invite = ai.calls[0]
        branch = f"z9hG4bK{secrets.token_hex(8)}"
        tag = next(e.message.tag("To") for e in ai.events if e.sent and e.message.status == 200)
        routes = "".join(f"Route: {route}\r\n" for route in invite.all("Record-Route"))
        bye = (
            f"BYE {invite.contact} SIP/2.0\r\nVia: SIP/2.0/UDP {ai.at};rport;branch={branch}\r\n{routes}"
            f"From: {invite.get('To')};tag={tag}\r\nTo: {invite.get('From')}\r\nCall-ID: {invite.get('Call-ID')}\r\n"
            f"CSeq: 1 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
        hung_up.append(ai.ask(bye, routed.sip, branch))

    thread = threading.Thread(target=hang_up)
    thread.start()
    said = called(booth)
    thread.join()
    assert hung_up[0] is not None
    assert hung_up[0].status == 200
    assert "hung up" in said.summary


@pytest.fixture
def gateway() -> Iterator[Agent]:
    with Agent("127.0.1.2", name="gateway") as phone:
        yield phone


@pytest.fixture
def outward(routed: RunningEdge, gateway: Agent) -> RunningEdge:
    """The number's agent may call out from 127.0.2.1, through a gateway that asks for the trunk's password."""
    gateway.wants = ("acme", "carrier secret")
    routed.put(
        number(agent_out="agent"),
        trunk("trunk", "127.0.1.0/24", gateways=(gateway.at,), username="acme", password="carrier secret"),
        agent(sources="127.0.2.1/32"),
    )
    return routed


def test_a_carrier_is_called_as_the_agent_calls_it(outward: RunningEdge, booth: Booth, gateway: Agent) -> None:
    mirror = Mirror("127.0.1.2")
    try:
        gateway.media_port = mirror.port
        said = called(booth, OUTBOUND)
    finally:
        mirror.close()
    assert (said.status, said.evidence["heard"]) == ("passed", "our-tone"), said
    invite = gateway.calls[0]
    assert invite.first.startswith(f"INVITE sip:{OUTSIDE}@")
    assert CALLED in invite.get("From")
    assert "verify" not in "".join(name.lower() for name, _ in invite.headers)


def test_credentials_that_the_agent_must_have_are_supposed(outward: RunningEdge, booth: Booth, gateway: Agent) -> None:
    outward.put(with_login())
    assert str(called(booth, OUTBOUND).evidence["answer"]).startswith("407 ")
    assert called(booth, replace(OUTBOUND, login=LOGIN[0])).code == "one-way-audio"
    assert len(gateway.calls) == 1


def test_the_carriers_credentials_are_supposed(routed: RunningEdge, booth: Booth, ai: Agent) -> None:
    routed.put(trunk("trunk", "127.0.1.1/32", login="theirs", ha1="0" * 32))
    assert called(booth, replace(INBOUND, proved="trunk")).code == "one-way-audio"
    assert len(ai.calls) == 1


def test_nobody_else_is_believed(routed: RunningEdge, booth: Booth, ai: Agent, stranger: Phone) -> None:
    """The word from another machine, another word from this one, and a source that is none."""
    right = f"{booth.word}|127.0.1.1||"
    call = stranger.call(routed.sip, CALLED, headers=f"X-Cordboard-Verify: {right}\r\n")
    assert call.status == 403
    assert refusal(routed, call.id) == "403 address-not-allowed"
    wrong = [
        f"{'0' * 64}|127.0.1.1||",
        "|127.0.1.1||",
        f"{booth.word}|$(avp(x))||",
        f"{booth.word}|127.0.1.1|a'b|",
        ".*",
    ]
    with Phone(booth.address) as here:
        for value in wrong:
            call = here.call(routed.sip, CALLED, headers=f"X-Cordboard-Verify: {value}\r\n")
            assert call.status == 403, value
    assert ai.calls == []
    assert called(booth, replace(INBOUND, source="127.0.1.9")).evidence["answer"] == "403 Forbidden"


def test_the_word_goes_no_further(booth: Booth, ai: Agent) -> None:
    called(booth)
    assert booth.word not in "".join(value for message in ai.received for _, value in message.headers)
    assert booth.word not in repr(booth)
