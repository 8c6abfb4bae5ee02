"""Calls that end without anybody's hanging up: no sound, too long, told so by who may."""

import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from cordboard.engines.edge import config
from cordboard.engines.edge.folder import installation_key
from tests.calls.edges import RunningEdge, running_edge
from tests.calls.phone import media, sdp
from tests.calls.standing import CARRIER_LOGIN, Scripted, Standing, connect, parties, stand, until
from tests.calls.test_dialogs import begin, final, packet, udp

#: rtpengine looks once a second.
SILENT, LONGEST = 3, 6


@pytest.fixture(scope="module")
def edge() -> Iterator[RunningEdge]:
    with running_edge(media_timeout=SILENT, max_duration=LONGEST) as running:
        yield running


@pytest.fixture
def both(edge: RunningEdge) -> Iterator[tuple[Scripted, Scripted]]:
    with parties() as (carrier, ai):
        connect(edge, carrier, ai)
        yield carrier, ai


def reason(text: str) -> list[str]:
    return [f'Q.850;cause=41;text="{text}"'] * 2


def nothing_is_left(edge: RunningEdge, standing: Standing) -> None:
    assert until(lambda: edge.run(edge.edge.calls()) == 0)
    assert until(lambda: not edge.relays(standing.caller.id))
    for side in (standing.carriers, standing.agents):
        assert side.hang_up() in (200, 481)


@pytest.mark.parametrize("direction", ["in", "out"])
def test_a_call_without_sound_ends(edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str) -> None:
    began = time.monotonic()
    standing = stand(edge, *both, direction)
    assert standing.ended(LONGEST) == reason("media-silent")
    assert SILENT - 1 <= time.monotonic() - began < LONGEST - 0.5
    nothing_is_left(edge, standing)


def test_our_bye_comes_after_all_that_was_said(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    """Its CSeq is higher than that of each request that the side has seen, answers to challenges included."""
    carrier, _ = both
    carrier.wants = CARRIER_LOGIN
    standing = stand(edge, *both, "out")
    carrier.wants = None
    for side in (standing.caller, standing.callee):
        assert side.request("INFO") is not None
    assert standing.ended(LONGEST) == reason("media-silent")
    for phone in both:
        seen = [int(m.get("CSeq").split()[0]) for m in phone.received if m.status is None and m.method != "ACK"]
        assert seen == sorted(set(seen))
        bye = phone.only("BYE")
        assert bye.tag("From")
        assert bye.tag("To")


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["in", "out"])
def test_a_call_ends_when_it_has_lasted_long_enough(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str
) -> None:
    callee = both[1] if direction == "in" else both[0]
    with udp(callee.address[0]) as mouth:
        callee.media_port = mouth.getsockname()[1]
        began = time.monotonic()
        standing = stand(edge, *both, direction)
        here = media(standing.callee.invite.body)[0]
        for number in range(LONGEST * 10 - 20):
            mouth.sendto(packet(b"\x55" * 160, 0, number), here)
            time.sleep(0.1)
        # what is said within the call does not make it longer
        assert standing.caller.request("INVITE", body=sdp(standing.caller.phone.address[0])) is not None
        while time.monotonic() < began + LONGEST - 1.5:
            mouth.sendto(packet(b"\x55" * 160, 0, 1000), here)
            time.sleep(0.1)
        assert not [m for phone in both for m in phone.received if m.method == "BYE"], "not before its time"
        assert standing.ended(4) == reason("max-duration")
    nothing_is_left(edge, standing)


@pytest.mark.slow
def test_a_call_may_ring_in_silence(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    _, ai = both
    ai.script["INVITE"] = lambda invite: [(180, "", "")]
    call, branch = begin(edge, both, "in")
    time.sleep(SILENT + 3)
    ai.send(ai.say(ai.only("INVITE"), 200, sdp("127.0.2.1", 4002)), edge.sip)
    answer = final(call, branch)
    assert answer.status == 200
    assert "m=audio" in answer.body
    assert call.hang_up() == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hold", "answered"), [("a=inactive", "a=inactive"), ("a=sendonly", "a=recvonly"), ("0.0.0.0", "a=recvonly")]
)
def test_a_call_on_hold_may_be_silent(both: tuple[Scripted, Scripted], hold: str, answered: str) -> None:
    with running_edge(media_timeout=2) as edge:
        connect(edge, *both)
        standing = stand(edge, *both, "in")
        both[0].script["INVITE"] = lambda invite: [(200, sdp("127.0.1.1", 4000, extra=f"{answered}\r\n"), "")]
        offer = sdp("127.0.2.1", 4002, extra="" if hold == "0.0.0.0" else f"{hold}\r\n")
        if hold == "0.0.0.0":
            offer = offer.replace("c=IN IP4 127.0.2.1", "c=IN IP4 0.0.0.0")
        answer = standing.agents.request("INVITE", body=offer)
        assert answer is not None
        assert answer.status == 200
        time.sleep(6)
        assert not both[0].wait(lambda m: m.method == "BYE", 0)
        assert standing.carriers.hang_up() == 200


def test_nobody_else_can_end_a_call(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    standing = stand(edge, *both, "in")
    call = standing.caller
    path = config.end_path(installation_key(edge.folder, edge.options))
    to_tag = call.answered.tag("To")

    def question(call_id: str, from_tag: str, to_tag: str) -> str:
        return "?" + "&".join(
            f"{name}={text.encode().hex()}" for name, text in (("call", call_id), ("from", from_tag), ("to", to_tag))
        )

    right = question(call.id, call.tag, to_tag)
    wrong = [
        "/end/" + "0" * 64 + right,
        "/end" + right,
        path,
        path + question(call.id, call.tag, "x"),
        path + question(call.id, "x", to_tag),
        path + question("x", call.tag, to_tag),
        path + question(call.id, call.tag, "") + "&",
        path + f"?call={call.id}&from={call.tag}&to={to_tag}",
    ]
    for target in wrong:
        assert told(edge, target) == 404
    for body in ("", "x", xml(call.id, call.tag, "x"), xml(call.id, call.tag, to_tag).replace("terminate", "list")):
        assert told(edge, path, body) == 404
    assert told(edge, "/end/" + "0" * 64, xml(call.id, call.tag, to_tag)) == 404
    assert not both[0].wait(lambda m: m.method == "BYE", 0.1)
    # from outside the listener is not even there
    with socket.create_connection(edge.sip, 3) as tcp:
        tcp.settimeout(1)
        tcp.sendall(f"GET {path}{right} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        with pytest.raises((TimeoutError, ConnectionResetError, AssertionError)):
            assert tcp.recv(100) != b""
    assert told(edge, path, xml(call.id, call.tag, to_tag)) == 200
    assert standing.ended() == reason("media-silent")


def told(edge: RunningEdge, path: str, body: str | None = None) -> int:
    """GET, or POST of a body; the status."""
    url = f"http://127.0.0.1:{edge.edge.ports.decide}{path}"
    data = body.encode() if body is not None else None
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, {"Content-Type": "text/xml"}), timeout=3) as done:
            return int(done.status)
    except urllib.error.HTTPError as error:
        return error.code


def xml(*texts: str) -> str:
    """As rtpengine says it."""
    parameters = "".join(f"<param><value><string>{text}</string></value></param>\r\n" for text in texts)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\r\n<methodCall>\r\n<methodName>dlg.terminate_dlg</methodName>\r\n'
        f"<params>\r\n{parameters}</params>\r\n</methodCall>\r\n"
    )
