"""Calls that are recorded: what both sides say is in one file, and nothing of other calls is."""

import asyncio
import shutil
import signal
import stat
import time
import wave
from array import array
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
import structlog

from cordboard.domain.edge import AccountRow
from cordboard.engines.edge import config
from cordboard.engines.edge.recordings import Kept, Recordings
from tests.calls.edges import RunningEdge, agent, running_as, running_edge, trunk
from tests.calls.phone import Agent, Call, Message, Phone, sdp
from tests.calls.standing import Scripted
from tests.calls.tones import RATE, ToneEndpoint, loudest

CALLED = "+34911234567"
#: INVITEs of these tests say whose calls they are, and the edge believes it.
_SWITCHES = """
    $var(account) = ""; $var(was) = $var(direction); $var(whom) = $var(target);
    if ($hdr(X-Account) != $null) $var(account) = $hdr(X-Account);
    if ($hdr(X-Direction) != $null) { $var(direction) = $hdr(X-Direction); $var(target) = "callee"; }
    route(RECORD_SWITCHES);
    $var(direction) = $var(was); $var(target) = $var(whom);
"""
ALWAYS, ON_DEMAND, BOTH = (f"X-Account: {id}\r\nX-Direction: out\r\n" for id in ("always", "demand", "both"))


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEdge]:
    """An edge whose callers say themselves whether they are recorded."""
    real = config.KAMAILIO
    config.KAMAILIO = tmp_path_factory.mktemp("edge") / "kamailio"
    try:
        shutil.copytree(real, config.KAMAILIO)
        path = config.KAMAILIO / "call.cfg"
        text = path.read_text()
        assert text.count(" route(RECORD_SWITCHES);") == 1
        path.write_text(text.replace(" route(RECORD_SWITCHES);", f" {{ {_SWITCHES} }}"))
        with running_edge() as running:
            yield running
    finally:
        config.KAMAILIO = real


def account(id: str, record: str) -> AccountRow:
    return AccountRow(id=id, username=id, tenant="tenant", ha1="", record=record)


@pytest.fixture(autouse=True)
def nothing_recorded(routed: RunningEdge) -> None:
    routed.put(
        account("always", "out-external"), account("demand", "on-demand"), account("both", "on-demand out-external")
    )
    for sub in ("pcaps", "metadata"):
        for path in (routed.folder / "recordings" / sub).iterdir():
            path.unlink()
    shutil.rmtree(routed.options.data / "recordings", ignore_errors=True)


class Made:
    """The WAV that the server makes of the only recorded call there is."""

    def __init__(self, edge: RunningEdge) -> None:
        recordings = Recordings.of(edge.options, 30, structlog.get_logger())

        async def every() -> None:
            while await recordings.step():
                pass

        asyncio.run(every())
        (self.folder,) = (edge.options.data / "recordings").glob("*-*")
        opened = Kept(edge.options.data).open(self.folder.name)
        assert opened is not None
        size, parts = opened
        self.bytes = b"".join(parts)
        assert len(self.bytes) == size
        with wave.open(BytesIO(self.bytes)) as sound:
            assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (RATE, 2, 2)
            both = array("h", sound.readframes(sound.getnframes()))
        self.caller, self.callee = list(both[0::2]), list(both[1::2])

    @property
    def seconds(self) -> float:
        return len(self.caller) / RATE


def pcaps(edge: RunningEdge) -> list[Path]:
    return list((edge.folder / "recordings" / "pcaps").iterdir())


def finished(edge: RunningEdge, count: int = 1) -> bool:
    """Whether so many recordings come to their end."""
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        if len(list((edge.folder / "recordings" / "metadata").iterdir())) == count:
            return True
        time.sleep(0.02)
    return False


class Talk:
    """A carrier that calls the agent, 440 Hz against 1000 Hz."""

    def __init__(self, edge: RunningEdge, carrier: Phone, ai: Agent, headers: str, *, srtp: bool = False) -> None:
        self.mine, self.theirs = ToneEndpoint("127.0.1.1", 440), ToneEndpoint("127.0.2.1", 1000)
        ai.media_port = self.theirs.port
        profile, extra = ("RTP/SAVP", self.mine.key.line) if srtp else ("RTP/AVP", _EVENTS)
        body = sdp("127.0.1.1", self.mine.port, profile, extra)
        self.call: Call = carrier.call(edge.sip, CALLED, body=body, headers=headers)
        assert self.call.status == 200
        self.mine.speak(self.call.answered.body)
        self.theirs.speak(ai.calls[-1].body)

    def __enter__(self) -> "Talk":
        return self

    def __exit__(self, *_: object) -> None:
        self.mine.close()
        self.theirs.close()

    def goes_on(self, seconds: float = 1.0) -> None:
        assert self.theirs.hears(seconds) == 440
        assert self.mine.hears() == 1000

    def info(self, wish: str) -> int | None:
        answer = self.call.request("INFO", headers=f"Record: {wish}\r\n")
        return None if answer is None else answer.status


class LateAnswer(Call):
    """A caller that makes no offer: its SDP is in its ACK."""

    sdp = ""

    def _acknowledge(self, final: Message, branch: str) -> None:
        self.answer = final
        self.phone.send(self.text("ACK", f"{branch}ack", body=self.sdp, content="application/sdp"), self.edge)


_EVENTS = "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"


def test_the_caller_is_on_the_left_and_the_callee_on_the_right(edge: RunningEdge, carrier: Phone, ai: Agent) -> None:
    with Talk(edge, carrier, ai, ALWAYS) as talk:
        talk.goes_on(2.0)
        assert talk.call.hang_up() == 200
    assert finished(edge)
    made = Made(edge)
    assert loudest(made.caller) == 440
    assert loudest(made.callee) == 1000
    assert 1.5 < made.seconds < 6
    assert pcaps(edge) == []


def test_a_call_without_the_switch_leaves_nothing(edge: RunningEdge, carrier: Phone, ai: Agent) -> None:
    with Talk(edge, carrier, ai, "") as talk:
        talk.goes_on()
        assert talk.info("on") == 403
        talk.goes_on(0.5)
        assert talk.call.hang_up() == 200
    assert [path for path in (edge.folder / "recordings").rglob("*") if path.is_file()] == []


def test_an_encrypted_call_is_recorded_in_clear(edge: RunningEdge, carrier: Phone, ai: Agent) -> None:
    edge.put(trunk("trunk", "127.0.1.1/32", media_in="require"))
    with Talk(edge, carrier, ai, ALWAYS, srtp=True) as talk:
        talk.goes_on()
        assert talk.mine.encrypted
        assert talk.call.hang_up() == 200
    assert finished(edge)
    made = Made(edge)
    assert (loudest(made.caller), loudest(made.callee)) == (440, 1000)


def test_recording_on_demand_begins_and_ends_with_the_feature_code(
    edge: RunningEdge, carrier: Phone, ai: Agent
) -> None:
    with Talk(edge, carrier, ai, ON_DEMAND) as talk:
        talk.goes_on()
        assert pcaps(edge) == []
        assert talk.info("on") == 200
        talk.goes_on()
        assert talk.info("off") == 200
        assert finished(edge, 1)
        talk.goes_on(1.5)
        assert talk.info("On") == 200
        talk.goes_on()
        assert talk.call.hang_up() == 200
        assert not any(m.method == "INFO" for m in ai.received)
    assert finished(edge, 2)
    made = Made(edge)
    assert len(list(made.folder.iterdir())) == 2
    assert (loudest(made.caller), loudest(made.callee)) == (440, 1000)
    assert made.seconds < 3.5  # and the call went on for more than that


def test_only_who_may_starts_a_recording(edge: RunningEdge, carrier: Phone, ai: Agent) -> None:
    with Talk(edge, carrier, ai, "X-Account: demand\r\nX-Direction: in\r\n") as talk:
        assert talk.info("on") == 403
        assert talk.info("perhaps") == 403
        assert talk.call.hang_up() == 200
    assert pcaps(edge) == []


def test_what_is_recorded_in_any_case_is_not_ended_by_the_feature_code(
    edge: RunningEdge, carrier: Phone, ai: Agent
) -> None:
    with Talk(edge, carrier, ai, BOTH) as talk:
        talk.goes_on(0.5)
        assert talk.info("on") == 200
        assert talk.info("off") == 403
        talk.goes_on()
        assert talk.call.hang_up() == 200
    assert finished(edge, 1)
    assert Made(edge).seconds > 1


def test_digits_and_a_hold_do_no_harm(edge: RunningEdge, carrier: Phone, ai: Agent) -> None:
    with Talk(edge, carrier, ai, ALWAYS) as talk:
        talk.goes_on()
        talk.mine.press("5")
        for direction in ("sendonly", "sendrecv"):
            body = sdp("127.0.1.1", talk.mine.port, extra=f"a={direction}\r\n")
            again = talk.call.request("INVITE", body=body)
            assert again is not None
            assert again.status == 200
            time.sleep(0.5)
        talk.goes_on()
        assert talk.call.hang_up() == 200
    assert finished(edge, 1)
    made = Made(edge)
    for when in (slice(0, RATE // 2), slice(-RATE // 2, None)):
        assert (loudest(made.caller[when]), loudest(made.callee[when])) == (440, 1000)


def test_an_answer_whose_sdp_came_before_it_is_recorded(edge: RunningEdge, carrier: Phone) -> None:
    with Scripted("127.0.2.1", name="agent") as ai, ToneEndpoint("127.0.2.1", 1000) as theirs:
        edge.put(agent(uri=f"sip:{{number}}@{ai.at}"))

        def answer(invite: Message) -> list[tuple[int, str, str]]:
            ai.send(ai.say(invite, 183, sdp("127.0.2.1", theirs.port)), edge.sip)
            time.sleep(0.3)
            return [(200, "", "")]

        ai.script["INVITE"] = answer
        call = carrier.call(edge.sip, CALLED, headers=ALWAYS)
        assert call.status == 200
        theirs.speak(ai.only("INVITE").body)
        time.sleep(1)
        assert call.hang_up() == 200
    assert finished(edge)
    assert loudest(Made(edge).callee) == 1000


def test_a_caller_without_an_offer_is_recorded_on_its_own_side(edge: RunningEdge, carrier: Phone, ai: Agent) -> None:
    with ToneEndpoint("127.0.1.1", 440) as mine, ToneEndpoint("127.0.2.1", 1000) as theirs:
        ai.answers = lambda _: (
            200,
            sdp("127.0.2.1", theirs.port).replace("0 8", "96 0") + "a=rtpmap:96 opus/48000/2\r\n",
        )
        call = LateAnswer(phone=carrier, edge=edge.sip, uri=f"sip:{CALLED}@{edge.sip[0]}")
        call.sdp = sdp("127.0.1.1", mine.port)
        offer = call.request("INVITE", headers=ALWAYS)
        assert offer is not None
        assert offer.status == 200
        assert "opus" not in offer.body
        mine.speak(offer.body)
        ack = ai.wait(lambda m: m.method == "ACK" and m.body != "")
        assert ack is not None
        theirs.speak(ack.body)
        assert theirs.hears() == 440
        assert mine.hears() == 1000
        assert call.hang_up() == 200
    assert finished(edge)
    made = Made(edge)
    assert (loudest(made.caller), loudest(made.callee)) == (440, 1000)


def test_a_caller_with_better_codecs_speaks_g711_while_it_is_recorded(
    edge: RunningEdge, carrier: Phone, ai: Agent
) -> None:
    offer = sdp("127.0.1.1").replace("RTP/AVP 0 8", "RTP/AVP 96 0 101") + "a=rtpmap:96 opus/48000/2\r\n" + _EVENTS
    call = carrier.call(edge.sip, CALLED, body=offer, headers=ALWAYS)
    assert call.status == 200
    assert "m=audio" in ai.calls[-1].body
    assert "opus" not in ai.calls[-1].body + call.answered.body
    assert "telephone-event" in ai.calls[-1].body
    assert call.hang_up() == 200


def test_a_call_that_no_file_can_be_named_after_is_refused(edge: RunningEdge, carrier: Phone) -> None:
    call = Call(phone=carrier, edge=edge.sip, uri=f"sip:{CALLED}@{edge.sip[0]}", id=f"{'@' * 67}x")
    answer = call.request("INVITE", body=sdp("127.0.1.1"), headers=ALWAYS)
    assert answer is not None
    assert answer.status == 503
    assert any("recording-impossible" in line for line in edge.refusals())


def test_what_was_recorded_is_there_after_rtpengine_has_died(edge: RunningEdge, carrier: Phone, ai: Agent) -> None:
    with Talk(edge, carrier, ai, ALWAYS) as talk:
        talk.goes_on(5.0)  # calls are on disk after four seconds
        edge.edge.rtpengine.place.signal(signal.SIGKILL)
        assert finished(edge)
        edge.until_ready()
    made = Made(edge)
    assert (loudest(made.caller), loudest(made.callee)) == (440, 1000)
    assert made.seconds > 3


def test_recordings_are_for_their_owners_alone(edge: RunningEdge, carrier: Phone, ai: Agent) -> None:
    with Talk(edge, carrier, ai, ALWAYS) as talk:
        talk.goes_on(0.3)
        (pcap,) = pcaps(edge)
        assert stat.S_IMODE(pcap.stat().st_mode) == 0o600
        assert pcap.stat().st_uid == running_as()
        for folder in (edge.folder / "recordings", pcap.parent):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert talk.call.hang_up() == 200
    assert finished(edge)
    made = Made(edge)
    (sound,) = made.folder.iterdir()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (made.folder.parent, made.folder, sound)]
    assert modes == [0o700, 0o700, 0o600]


@pytest.mark.parametrize("direction", ["in", "out", "internal"])
@pytest.mark.parametrize("words", ["in-internal", "in-external", "out-internal", "out-external", "", "on-demand"])
def test_each_switch_names_its_own_calls_and_no_others(
    edge: RunningEdge, carrier: Phone, ai: Agent, direction: str, words: str
) -> None:
    """Of an internal call, first the caller has the switch and then the callee."""
    for side in ("out", "in") if direction == "internal" else (direction,):
        caller, callee = ("", words) if (side, direction) == ("in", "internal") else (words, "")
        edge.put(account("account", caller), account("callee", callee))
        call = carrier.call(edge.sip, CALLED, headers=f"X-Account: account\r\nX-Direction: {direction}\r\n")
        assert call.status == 200
        named = words == f"{side}-{'internal' if direction == 'internal' else 'external'}"
        assert len(pcaps(edge)) == named
        assert call.hang_up() == 200
        assert finished(edge, int(named))
        for sub in ("pcaps", "metadata"):
            for path in (edge.folder / "recordings" / sub).iterdir():
                path.unlink()
