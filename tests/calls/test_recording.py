"""Calls of accounts that are recorded: what both sides say is in one file, and nothing of other calls is."""

import asyncio
import shutil
import signal
import stat
import time
import wave
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
import structlog

from cordboard.domain.media import codec_flags, codec_names
from cordboard.engines.edge.recordings import Kept, Recordings
from tests.calls.accounts import account, register
from tests.calls.baresip import Baresip
from tests.calls.edges import RunningEdge, number, running_as, trunk
from tests.calls.phone import Call, Message, Phone, media, sdp
from tests.calls.standing import Callee, Scripted, until
from tests.calls.tones import RATE, ToneEndpoint, loudest

OURS, THEIRS = "+34911234567", "+15125550100"
ALWAYS, ON_DEMAND = "out-internal", "on-demand"


@dataclass
class House:
    """Alice, who calls; Bob, extension 102, who is registered; and a carrier for the outside."""

    edge: RunningEdge
    alice: Phone
    bob: Scripted
    carrier: Scripted

    def switches(self, alice: str = "", bob: str = "") -> None:
        self.edge.put(
            account("alice", internal="101", external="34911234567", allow_external=True, record=alice),
            account("bob", internal="102", record=bob),
        )

    def call(self, direction: str = "internal", *, body: str | None = "", made: Callable[..., Call] = Call) -> Call:
        """`internal` and `out` are Alice's, `in` is the carrier's to Bob."""
        who, caller, called = {
            "internal": (self.alice, "alice", "102"),
            "out": (self.alice, "alice", THEIRS),
            "in": (self.carrier, THEIRS, OURS),
        }[direction]
        uri = f"sip:{called}@{self.edge.sip[0]}"
        call = made(phone=who, edge=self.edge.sip, uri=uri, caller=caller, credentials=("alice", "right"))
        call.answer = call.request("INVITE", body=sdp(who.address[0]) if body == "" else body or "")
        return call

    def spool(self, sub: str) -> list[Path]:
        return list((self.edge.folder / "recordings" / sub).iterdir())

    def finished(self, count: int = 1) -> bool:
        """Whether so many recordings come to their end."""
        return until(lambda: len(self.spool("metadata")) == count, 4)


@pytest.fixture
def house(edge: RunningEdge) -> Iterator[House]:
    edge.file.rebuild((), "test", edge.revision)
    edge.run(edge.edge.rpc.call("htable.flush", "refused"))
    for path in (edge.folder / "recordings").glob("*/*"):
        path.unlink()
    shutil.rmtree(edge.options.data / "recordings", ignore_errors=True)
    with (
        Phone("127.0.3.1", name="alice") as alice,
        Scripted("127.0.3.2", name="bob") as bob,
        Scripted("127.0.1.1", name="carrier") as carrier,
    ):
        made = House(edge, alice, bob, carrier)
        made.switches()
        edge.put(trunk("trunk", "127.0.1.1/32", gateways=(carrier.at,)))
        edge.put(replace(number(agent=None), account="id-bob"))
        assert register(bob, edge, "bob").status == 200
        yield made
        register(bob, edge, "bob", contact="*", expires=0)


class Made:
    """The WAV that the server makes of the only recorded call there is."""

    def __init__(self, house: House) -> None:
        data = house.edge.options.data
        recordings = Recordings.of(house.edge.options, 30, structlog.get_logger())

        async def every() -> None:
            while await recordings.step():
                pass

        asyncio.run(every())
        (self.folder,) = (data / "recordings").glob("*-*")
        opened = Kept(data).open(self.folder.name)
        assert opened is not None
        size, parts = opened
        whole = b"".join(parts)
        assert len(whole) == size
        with wave.open(BytesIO(whole)) as sound:
            assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (RATE, 2, 2)
            both = array("h", sound.readframes(sound.getnframes()))
        self.caller, self.callee = list(both[0::2]), list(both[1::2])

    @property
    def seconds(self) -> float:
        return len(self.caller) / RATE

    @property
    def tones(self) -> tuple[int | None, int | None]:
        return loudest(self.caller), loudest(self.callee)


class Talk:
    """Alice calls Bob, 440 Hz against 1000 Hz."""

    def __init__(self, house: House, *, srtp: bool = False, slow: float = 0.0) -> None:
        self.house = house
        self.mine, self.theirs = ToneEndpoint("127.0.3.1", 440), ToneEndpoint("127.0.3.2", 1000)
        self.srtp, self.slow = srtp, slow
        house.bob.answers = self._answer
        profile, extra = ("RTP/SAVP", self.mine.key.line) if srtp else ("RTP/AVP", _EVENTS)
        self.call = house.call(body=sdp("127.0.3.1", self.mine.port, profile, extra))
        assert self.call.status == 200
        self.mine.speak(self.call.answered.body)
        if srtp:
            self.theirs.speak(house.bob.calls[-1].body)
        else:
            # keys that he was offered he does not know of
            self.theirs.play_to(media(house.bob.calls[-1].body)[0])

    def _answer(self, invite: Message) -> tuple[int, str]:
        time.sleep(self.slow)
        return 200, sdp("127.0.3.2", self.theirs.port, extra=self.theirs.key.line if self.srtp else _EVENTS)

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *_: object) -> None:
        self.mine.close()
        self.theirs.close()

    def goes_on(self, seconds: float = 1.0) -> None:
        assert self.theirs.hears(seconds) == 440
        assert self.mine.hears() == 1000

    def info(self, wish: str, call: Call | None = None) -> int | None:
        answer = (call or self.call).request("INFO", headers=f"Record: {wish}\r\n")
        return None if answer is None else answer.status

    def bobs(self) -> Callee:
        """The same call as Bob has it."""
        return Callee(self.house.bob, self.house.edge.sip, self.house.bob.calls[-1])


class LateAnswer(Call):
    """A caller that makes no offer: its SDP is in its ACK."""

    sdp = ""

    def _acknowledge(self, final: Message, branch: str) -> None:
        if final.status != 200:
            super()._acknowledge(final, branch)
            return
        self.answer = final
        text = self.text("ACK", f"{branch}ack", body=self.sdp, content="application/sdp")
        self.phone.send(text, self.edge)


_EVENTS = "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"


def test_the_caller_is_on_the_left_and_the_callee_on_the_right(house: House) -> None:
    house.switches(alice=ALWAYS)
    with Talk(house) as talk:
        talk.goes_on(2.0)
        assert talk.call.hang_up() == 200
    assert house.finished()
    made = Made(house)
    assert made.tones == (440, 1000)
    assert 1.5 < made.seconds < 6
    assert house.spool("pcaps") == house.spool("metadata") == []


def test_a_call_without_the_switch_leaves_nothing(house: House) -> None:
    with Talk(house) as talk:
        talk.goes_on()
        assert talk.info("on") == 403
        assert talk.info("on", talk.bobs()) == 403
        talk.goes_on(0.5)
        assert talk.call.hang_up() == 200
    assert [path for path in (house.edge.folder / "recordings").rglob("*") if path.is_file()] == []


def test_an_encrypted_call_is_recorded_in_clear(house: House) -> None:
    house.switches(bob="in-internal")
    with Talk(house, srtp=True) as talk:
        assert talk.mine.encrypted
        assert talk.theirs.encrypted
        talk.goes_on()
        assert talk.call.hang_up() == 200
    assert house.finished()
    assert Made(house).tones == (440, 1000)


@pytest.mark.proves("on_demand")
def test_recording_on_demand_begins_and_ends_with_the_feature_code(house: House) -> None:
    house.switches(alice=ON_DEMAND)
    with Talk(house) as talk:
        talk.goes_on()
        assert house.spool("pcaps") == []
        assert talk.info("on") == 200
        talk.goes_on()
        assert talk.info("off") == 200
        assert house.finished(1)
        talk.goes_on(1.5)
        assert talk.info("On") == 200
        talk.goes_on()
        assert talk.call.hang_up() == 200
        assert not any(m.method == "INFO" for m in house.bob.received)
    assert house.finished(2)
    made = Made(house)
    assert len(list(made.folder.iterdir())) == 2
    assert made.tones == (440, 1000)
    assert made.seconds < 3.5  # and the call went on for more than that


def test_who_is_called_can_record_it_too_and_the_caller_is_still_on_the_left(house: House) -> None:
    house.switches(bob=ON_DEMAND)
    with Talk(house) as talk:
        talk.goes_on(0.5)
        assert talk.info("on") == 403
        assert talk.info("perhaps", talk.bobs()) == 403
        assert house.spool("pcaps") == []
        assert talk.info("on", talk.bobs()) == 200
        talk.goes_on()
        assert talk.call.hang_up() == 200
    assert house.finished()
    assert Made(house).tones == (440, 1000)


def test_what_is_recorded_in_any_case_is_not_ended_by_the_feature_code(house: House) -> None:
    house.switches(alice=f"{ALWAYS} {ON_DEMAND}")
    with Talk(house) as talk:
        talk.goes_on(0.5)
        assert talk.info("on") == 200
        assert talk.info("off") == 403
        talk.goes_on()
        assert talk.call.hang_up() == 200
    assert house.finished()
    assert Made(house).seconds > 1


def test_telephones_that_others_have_made_register_call_and_are_recorded(house: House) -> None:
    """The caller insists on SRTP."""
    house.switches(alice=ALWAYS)
    register(house.bob, house.edge, "bob", contact="*", expires=0)
    registrar = "{}:{}".format(*house.edge.sip)
    with (
        Baresip(
            "127.0.3.4", 440, user="alice", encryption="srtp-mand", registrar=registrar, password="right"
        ) as caller,
        Baresip("127.0.3.5", 1000, user="bob", answering=True, registrar=registrar, password="right") as called,
    ):
        assert caller.registered() == "200 OK"
        assert called.registered() == "200 OK"
        caller.dial(f"sip:102@{registrar}")
        assert called.hears() == 440
        assert caller.hears() == 1000
        caller.hang_up()
        assert house.finished()
    assert Made(house).tones == (440, 1000)


def test_digits_and_a_hold_do_no_harm(house: House) -> None:
    house.switches(alice=ALWAYS)
    with Talk(house) as talk:
        talk.goes_on()
        talk.mine.press("5")
        for direction in ("sendonly", "sendrecv"):
            body = sdp("127.0.3.1", talk.mine.port, extra=f"a={direction}\r\n")
            again = talk.call.request("INVITE", body=body)
            assert again is not None
            assert again.status == 200
            time.sleep(0.5)
        talk.goes_on()
        assert talk.call.hang_up() == 200
    assert house.finished()
    made = Made(house)
    for when in (slice(0, RATE // 2), slice(-RATE // 2, None)):
        assert (loudest(made.caller[when]), loudest(made.callee[when])) == (440, 1000)


def test_an_answer_whose_sdp_came_before_it_is_recorded(house: House) -> None:
    house.switches(alice=ALWAYS)
    with ToneEndpoint("127.0.3.2", 1000) as theirs:

        def answer(invite: Message) -> list[tuple[int, str, str]]:
            house.bob.send(house.bob.say(invite, 183, sdp("127.0.3.2", theirs.port)), house.edge.sip)
            time.sleep(0.3)
            return [(200, "", "")]

        house.bob.script["INVITE"] = answer
        call = house.call()
        assert call.status == 200
        theirs.play_to(media(house.bob.only("INVITE").body)[0])
        time.sleep(1)
        assert call.hang_up() == 200
    assert house.finished()
    assert loudest(Made(house).callee) == 1000


def test_a_caller_without_an_offer_is_recorded_on_its_own_side(house: House) -> None:
    house.switches(alice=ALWAYS)
    with ToneEndpoint("127.0.3.1", 440) as mine, ToneEndpoint("127.0.3.2", 1000) as theirs:
        LateAnswer.sdp = sdp("127.0.3.1", mine.port)
        better = sdp("127.0.3.2", theirs.port).replace("0 8", "96 0") + "a=rtpmap:96 opus/48000/2\r\n"
        house.bob.answers = lambda _: (200, better)
        call = house.call(body=None, made=LateAnswer)
        assert call.status == 200
        assert "opus" not in call.answered.body
        mine.speak(call.answered.body)
        ack = house.bob.wait(lambda m: m.method == "ACK" and m.body != "")
        assert ack is not None
        theirs.speak(ack.body)
        assert theirs.hears() == 440
        assert mine.hears() == 1000
        assert call.hang_up() == 200
    assert house.finished()
    assert Made(house).tones == (440, 1000)


def test_a_caller_with_better_codecs_speaks_g711_while_it_is_recorded(house: House) -> None:
    offer = sdp("127.0.3.1").replace("RTP/AVP 0 8", "RTP/AVP 96 0 101") + "a=rtpmap:96 opus/48000/2\r\n" + _EVENTS
    for words, codecs in (("", True), (ALWAYS, False)):
        house.switches(alice=words)
        call = house.call(body=offer)
        assert call.status == 200
        assert ("opus" in house.bob.calls[-1].body) is codecs
        assert "telephone-event" in house.bob.calls[-1].body
        assert call.hang_up() == 200


def test_a_call_by_a_trunk_of_another_codec_is_recorded_on_both_sides(house: House) -> None:
    """The telephone would speak Opus, and the trunk has PCMA alone."""
    house.switches(alice="out-external")
    options = {"media_out": "disable", "flags": codec_flags(("PCMA",)), "codecs": codec_names(("PCMA",))}
    house.edge.put(trunk("trunk", "127.0.1.1/32", gateways=(house.carrier.at,), **options))
    with ToneEndpoint("127.0.3.1", 440) as mine, ToneEndpoint("127.0.1.1", 1000, law="PCMA") as theirs:
        house.carrier.answers = lambda m: (200, theirs.sdp())
        offer = mine.sdp().replace("RTP/AVP 0", "RTP/AVP 96 0") + "a=rtpmap:96 opus/48000/2\r\n"
        call = house.call("out", body=offer)
        assert call.status == 200
        assert "opus" not in call.answered.body
        mine.speak(call.answered.body)
        theirs.speak(house.carrier.calls[-1].body)
        assert (mine.hears(), theirs.hears()) == (1000, 440)
        assert call.hang_up() == 200
    assert house.finished()
    assert Made(house).tones == (440, 1000)


@pytest.mark.parametrize("pause", [0.0, 0.5], ids=["before", "after"])
def test_another_telephone_s_ringing_before_or_after_the_answer_changes_nothing(house: House, pause: float) -> None:
    house.switches(bob="in-internal")

    def ring(invite: Message) -> list[tuple[int, str, str]]:
        time.sleep(pause)
        return [(183, sdp("127.0.3.3", 4100), "")]

    with Scripted("127.0.3.3", name="bob's other one") as other:
        assert register(other, house.edge, "bob").status == 200
        other.script["INVITE"] = ring
        with Talk(house, slow=0.25 - pause / 2) as talk:
            time.sleep(pause)
            assert other.wait(lambda m: m.method == "CANCEL")
            talk.goes_on()
            assert talk.call.hang_up() == 200
    assert house.finished()
    assert Made(house).tones == (440, 1000)


def test_a_call_that_no_file_can_be_named_after_is_refused(house: House) -> None:
    odd = partial(Call, id=f"{'@' * 70}x")  # each @ is three bytes of a file's name
    house.switches(alice=ALWAYS)
    assert house.call(made=odd).status == 503
    assert any("recording-impossible" in line for line in house.edge.refusals())
    house.switches()
    assert house.call(made=odd).status == 200


def test_what_was_recorded_is_there_after_rtpengine_has_died(house: House) -> None:
    house.switches(alice=ALWAYS)
    with Talk(house) as talk:
        talk.goes_on(5.0)  # calls are on disk after four seconds
        house.edge.edge.rtpengine.place.signal(signal.SIGKILL)
        assert house.finished()
        house.edge.until_ready()
    made = Made(house)
    assert made.tones == (440, 1000)
    assert made.seconds > 3


def test_recordings_are_for_their_owners_alone(house: House) -> None:
    house.switches(alice=ALWAYS)
    with Talk(house) as talk:
        talk.goes_on(0.3)
        (pcap,) = house.spool("pcaps")
        assert stat.S_IMODE(pcap.stat().st_mode) == 0o600
        assert pcap.stat().st_uid == running_as()
        for folder in (pcap.parent.parent, pcap.parent):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert talk.call.hang_up() == 200
    assert house.finished()
    made = Made(house)
    (sound,) = made.folder.iterdir()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (made.folder.parent, made.folder, sound)]
    assert modes == [0o700, 0o700, 0o600]


@pytest.mark.proves("incoming_internal", "incoming_external", "outgoing_internal", "outgoing_external", "on_demand")
@pytest.mark.parametrize("direction", ["in", "out", "internal"])
@pytest.mark.parametrize("words", ["in-internal", "in-external", "out-internal", "out-external", "", "on-demand"])
def test_each_switch_names_its_own_calls_and_no_others(house: House, direction: str, words: str) -> None:
    """Of an internal call, first the caller has the switch and then the callee."""
    for side in ("out", "in") if direction == "internal" else (direction,):
        house.switches(**{"alice" if side == "out" else "bob": words})
        call = house.call(direction)
        assert call.status == 200
        named = words == f"{side}-{'internal' if direction == 'internal' else 'external'}"
        assert len(house.spool("pcaps")) == named
        assert call.hang_up() == 200
        assert house.finished(int(named))
        for path in (*house.spool("pcaps"), *house.spool("metadata")):
            path.unlink()
