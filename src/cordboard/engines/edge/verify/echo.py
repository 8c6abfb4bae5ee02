"""The step `echo`: a real call through the edge, with a tone one way and whatever comes back the other."""

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import Final

from cordboard.domain.addresses import Transport
from cordboard.domain.verification_steps import Said, failed, passed, skipped, warning
from cordboard.domain.verifications import Echo
from cordboard.engines.edge.names.lookup import Hop
from cordboard.engines.edge.verify.leaving import left
from cordboard.engines.edge.verify.sip import Line, Request, Response, Unreached, answer_to, host_of, line_to
from cordboard.engines.edge.verify.sound import PCMA, PCMU, Sound

#: Seconds that it may ring, and for which it then sounds.
RINGS: Final = 18.0
SOUNDS: Final = 3.0

_REMEDIES: Final = {
    403: "The edge or the carrier does not permit the call.",
    404: "Nobody is known by that number there.",
    480: "Nobody takes the calls now: see the agent's or the gateways' other steps.",
    486: "The far side is busy: try another number.",
    488: "The two sides do not agree on media: encryption or codecs. See the step `media`.",
    503: "No gateway took the call, or none took our credentials: see the other steps.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Booth:
    """Where verifications call from: at which address the edge takes SIP, and by what it knows them."""

    address: str
    port: int
    word: str = field(repr=False)
    #: What SDP shows of the edge's media, and where it is from here: other than that behind a NAT.
    shown: str | None = None
    media: str = ""


async def calls(echo: Echo, booth: Booth, rings: float = RINGS, sounds: float = SOUNDS) -> Said:
    """Place the call, listen, hang up."""
    loop = asyncio.get_running_loop()
    _, sound = await loop.create_datagram_endpoint(Sound, local_addr=(booth.address, 0))
    try:
        async with line_to(Hop(booth.address, booth.port, Transport.UDP), booth.address) as line:
            call = _Call(echo, booth, line, sound, _invite(echo, booth, line, sound))
            try:
                return await _call(call, rings, sounds)
            finally:
                if not call.hung_up:
                    await left(line, call.invite, call.final)
    except Unreached as error:
        return skipped("edge-unavailable", f"the edge cannot be called: {error}")
    finally:
        sound.close()


async def telephone(username: str, booth: Booth, seconds: float) -> Said:
    """An OPTIONS through the edge to wherever an account is registered: only the edge reaches it behind a router."""
    host = f"{host_of(booth.address)}:{booth.port}"
    word = (("X-Cordboard-Verify", f"{booth.word}|{booth.address}||"),)
    called = f"sip:{username}@{host}"
    asked = Request(method="OPTIONS", uri=called, caller=f"sip:cordboard@{host}", called=called, headers=word)
    try:
        async with line_to(Hop(booth.address, booth.port, Transport.UDP), booth.address) as line:
            began = time.monotonic()
            heard = await line.ask(asked, seconds)
    except Unreached as error:
        return skipped("edge-unavailable", f"the edge cannot be asked: {error}")
    final = next((response for response in heard if response.status >= 200), None)
    evidence = {"sent": "OPTIONS", "through": host, "answer": None if final is None else final.line}
    if final is None or final.status in (408, 477, 480, 503):
        return failed(
            "phone-silent",
            "it is registered, and does not answer where it is: calls do not ring",
            "The telephone has lost its connection, or its router has forgotten the way: let it register more often, "
            "or by TCP or TLS.",
            **evidence,
        )
    ms = round((final.came - began) * 1000)
    return passed(f"the telephone answers {final.line} after {ms} ms", **evidence, latency_ms=ms)


def _invite(echo: Echo, booth: Booth, line: Line, sound: Sound) -> Request:
    host = f"{host_of(booth.address)}:{booth.port}"
    family = "IP6" if ":" in booth.address else "IP4"
    body = (
        f"v=0\r\no=- 1 1 IN {family} {booth.address}\r\ns=-\r\nc=IN {family} {booth.address}\r\nt=0 0\r\n"
        f"m=audio {sound.port} RTP/AVP 8 0\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n"
    )
    supposed = "|".join((booth.word, echo.source, echo.login, echo.proved))
    return Request(
        method="INVITE",
        uri=f"sip:{echo.called}@{host}",
        caller=f"sip:{echo.caller}@{host}",
        called=f"sip:{echo.called}@{host}",
        headers=(("X-Cordboard-Verify", supposed),),
        body=body,
    )


@dataclass
class _Call:
    """One call under way, and what was seen of it."""

    echo: Echo
    booth: Booth
    line: Line
    sound: Sound
    invite: Request
    began: float = 0.0
    rang: float | None = None
    answered: float | None = None
    #: Acknowledged.
    final: Response | None = None
    #: By the far side.
    hung_up: bool = False

    def evidence(self, final: Response | None) -> dict[str, object]:
        told: dict[str, object] = {
            "from": self.echo.caller,
            "to": self.echo.called,
            "call_id": self.invite.call_id,
            "answer": None if final is None else final.line,
            "post_dial_delay_ms": self._since(self.rang),
            "answered_after_ms": self._since(self.answered),
        }
        if self.answered is not None:
            first = self.sound.first
            told |= {
                "packets_sent": self.sound.sent,
                "packets_received": len(self.sound.received),
                "first_packet_after_ms": None if first is None else round(1000 * (first - self.answered)),
                "heard": self.sound.heard(),
            }
        return told

    def _since(self, instant: float | None) -> int | None:
        return None if instant is None else round(1000 * (instant - self.began))


async def _call(call: _Call, rings: float, sounds: float) -> Said:
    call.began = time.monotonic()
    async for response in call.line.responses(call.invite, rings):
        if response.status > 100:
            call.rang = call.rang or response.came
        if response.status >= 200:
            call.final = response
            await call.line.send(call.invite.ack(response, Transport.UDP, call.line.us))
    final = call.final
    if final is None:
        return _given_up(call, rings)
    if final.status >= 300:
        return _refused(call, final)
    call.answered = final.came
    call.hung_up = await _listen(call, final, sounds)
    return _sounded(call, final, ended=call.hung_up)


def _given_up(call: _Call, rings: float) -> Said:
    if call.rang is not None:
        summary = f"it rings for {rings:g} s, and nobody answers"
        return failed("echo-no-answer", summary, "Call a number that answers by itself.", **call.evidence(None))
    summary = f"the edge has found nobody to ring within {rings:g} s"
    return failed("echo-silence", summary, "The steps `options` and `connect` say why.", **call.evidence(None))


async def _listen(call: _Call, final: Response, sounds: float) -> bool:
    """Play and hear for a while, and answer what comes meanwhile; whether the far side has hung up."""
    address, port, kind = _media(final.body, call.booth)
    playing = asyncio.create_task(call.sound.play(address, port, kind, sounds))
    hung_up = False
    try:
        while not playing.done():
            heard = asyncio.create_task(call.line.heard.get())
            await asyncio.wait({playing, heard}, return_when=asyncio.FIRST_COMPLETED)
            if not heard.done():
                heard.cancel()
                break
            answer = answer_to(heard.result())
            if answer is not None:
                await call.line.send(answer)
            if heard.result().startswith(b"BYE "):
                hung_up = True
                break
    finally:
        playing.cancel()
        await asyncio.wait({playing})
    return hung_up


def _media(body: str, booth: Booth) -> tuple[str, int, int]:
    """Where an answer wants sound, and of which kind."""
    address = re.search(r"(?m)^c=IN IP[46] ([0-9A-Fa-f:.]+)", body)
    stream = re.search(r"(?m)^m=audio ([0-9]{1,5}) \S+ ([0-9]{1,3})", body)
    if address is None or stream is None:
        return booth.address, 9, PCMA
    there = booth.media if address[1] == booth.shown else address[1]
    return there, int(stream[1]), PCMU if int(stream[2]) == PCMU else PCMA


def _refused(call: _Call, final: Response) -> Said:
    remedy = _REMEDIES.get(final.status, "The answer is the far side's own.")
    return failed(
        "echo-refused",
        f"the call is refused: {final.line}",
        f"{remedy} The whole story: explain {call.invite.call_id}",
        **call.evidence(final),
    )


def _sounded(call: _Call, final: Response, *, ended: bool) -> Said:
    evidence, heard = call.evidence(final), call.sound.heard()
    received = len(call.sound.received)
    after = f"rings after {evidence['post_dial_delay_ms']} ms"
    if heard == "nothing":
        summary = "the call is answered, and no sound comes back: one-way audio"
        if ended:
            summary = "the call is answered and hung up at once, without a sound"
        return failed(
            "one-way-audio",
            summary,
            "The far side sends no RTP, or sends it past us: look at the address in its SDP (perhaps a private one), "
            "at its firewall, and at ours (UDP, CORDBOARD_RTP_MIN to CORDBOARD_RTP_MAX; behind a NAT "
            "CORDBOARD_MEDIA_ADVERTISE).",
            **evidence,
        )
    if heard == "silence":
        return warning(
            "echo-silent",
            f"{after}; {received} packets come back, and there is silence in all of them",
            "An agent that waits to be spoken to is silent, too: call it. Of a carrier's echo it is a fault.",
            **evidence,
        )
    if heard == "our-tone":
        return passed(f"{after}; our tone comes back: sound goes both ways", **evidence)
    return passed(f"{after}; {received} packets of sound come back", **evidence)
