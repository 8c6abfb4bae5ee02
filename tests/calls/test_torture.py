"""Messages that are no SIP, or hardly (after RFC 4475): the edge answers or keeps silent, and goes on."""

import random
import re
import secrets
import time

import pytest

from tests.calls.edges import RunningEdge
from tests.calls.phone import Agent, Call, Phone, sdp
from tests.calls.standing import until
from tests.chance import seed

CALLED = "+34911234567"
OFFER = sdp("127.0.1.1")


def invite(phone: Phone, edge: RunningEdge, **changes: str) -> str:
    call = Call(phone=phone, edge=edge.sip, uri=f"sip:{CALLED}@127.0.0.1")
    text = call.text("INVITE", f"z9hG4bK{secrets.token_hex(8)}", body=OFFER, content="application/sdp", cseq=1)
    for old, new in changes.items():
        text = text.replace(BROKEN[old], new)
    return text


BROKEN = {
    "version": "SIP/2.0\r\nVia",
    "length": f"Content-Length: {len(OFFER)}",
    "type": "Content-Type: application/sdp\r\n",
    "cseq": "CSeq: 1 INVITE",
    "hops": "Max-Forwards: 70",
    "user": CALLED,
    "from": "From: <",
    "via": "Via: SIP/2.0/UDP",
    "call": "Call-ID: ",
}


def test_a_log_line_cannot_be_forged(routed: RunningEdge, carrier: Phone) -> None:
    """What a caller sends cannot look like a line of ours. Goes first: after what others send here the log is quiet."""
    before = len(routed.refusals())
    for call_id in ("<script>:refused", "x\ty", "x\x1b[2Jy", "x source=192.0.2.1", "'\"\\$si"):
        carrier.send(invite(carrier, routed, user="390'$si&=source=192.0.2.1", call=f"Call-ID: {call_id}"), routed.sip)
    assert until(lambda: len(routed.refusals()) > before)
    time.sleep(0.2)
    new = routed.refusals()[before:]
    for line in new:
        assert re.fullmatch(r"refused 404 unknown-number source=127\.0\.1\.1 called=[!-~]+ call_id=[!-~]+", line), line


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "SIP/7.0\r\nVia"},
        {"version": "SIP/2.0 \r\nVia"},
        {"length": "Content-Length: -999"},
        {"length": "Content-Length: 9999"},
        {"length": "Content-Length: 99999999999999999999"},
        {"type": ""},
        {"type": "Content-Type: \r\n"},
        {"type": "Content-Type: multipart/mixed\r\n"},
        {"type": "Content-Type: multipart/mixed;boundary=\r\n"},
        {"cseq": "CSeq: 36893488147419103232 REGISTER"},
        {"cseq": "CSeq: 1 BYE"},
        {"cseq": "X: y"},
        {"hops": "Max-Forwards: 300"},
        {"hops": "Max-Forwards: x"},
        {"user": "a b"},
        {"user": "%"},
        {"user": "\x00"},
        {"user": "x" * 1500},
        {"user": "<>"},
        {"from": 'From: "open quote <'},
        {"from": "From: <" * 50},
        {"via": "Via: SIP/2.0/UDP ;branch=,\r\nVia: SIP/2.0/UDP"},
        {"via": "Via: SIP/2.0/UDP 127.0.0.1\r\n" * 300 + "Via: SIP/2.0/UDP"},
        {"call": "Call-ID: \r\nCall-ID: "},
        {"call": "X: \xff\xfe\r\nCall-ID: "},
    ],
    ids=lambda changes: " ".join(f"{name}={value[:12]!r}" for name, value in changes.items()),
)
def test_a_malformed_invite_harms_nothing(routed: RunningEdge, carrier: Phone, changes: dict[str, str]) -> None:
    process = routed.edge.kamailio.process
    carrier.send(invite(carrier, routed, **changes), routed.sip)
    time.sleep(0.02)
    with Phone("127.0.1.1") as another:
        assert another.call(routed.sip, CALLED).status == 200
    assert routed.edge.kamailio.process == process


def test_noise_harms_nothing(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    """Random bytes, and an INVITE with random damage."""
    rng = random.Random(seed())
    process = routed.edge.kamailio.process
    for _ in range(300):
        carrier.send(rng.randbytes(rng.randrange(1, 400)), routed.sip)
        damaged = bytearray(invite(carrier, routed).encode())
        for _ in range(rng.randrange(1, 8)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        carrier.send(bytes(damaged), routed.sip)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with Phone("127.0.1.1") as another:
            if another.call(routed.sip, CALLED).status == 200:
                break
    else:
        pytest.fail("no calls any more")
    assert routed.edge.kamailio.process == process
    assert "CRITICAL" not in (routed.options.data / "kamailio.log").read_text(errors="replace")


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("X: a\\b\\0c\r\n", 200),
        ("X: 'a' \"b\"\r\n", 200),
        ("X: a\r\n folded\r\n", 200),
        ("X: a\nY: b\r\n", 400),
        ("X: a\rP-Asserted-Identity: <sip:+34900000000@x>\r\n", 400),
        ("X: a\x00b\r\n", 400),
        ("X: a\r\r\n", 400),
    ],
)
def test_a_line_of_a_header_ends_in_one_way(
    routed: RunningEdge, carrier: Phone, ai: Agent, header: str, status: int
) -> None:
    """Else somebody behind us could find headers in it that we did not see."""
    call = carrier.call(routed.sip, CALLED, headers=header)
    assert call.status == status
    assert len(ai.calls) == (status == 200)


def test_what_is_no_sip_is_not_written_about(routed: RunningEdge, carrier: Phone) -> None:
    """A flood of it would fill the disk as long as nobody cuts the log."""
    log = routed.options.data / "kamailio.log"
    before = log.stat().st_size
    for count in range(500):
        carrier.send(f"no SIP at all {count}\r\nNor: this\r\n\r\n", routed.sip)
    assert carrier.call(routed.sip, CALLED).status == 200
    assert log.stat().st_size - before < 2_000


def test_a_call_through_500_hops_goes_no_further(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    vias = "".join(f"Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK{i}\r\n" for i in range(200))
    assert carrier.call(routed.sip, CALLED, headers=vias).status == 400
    few = "".join(f"Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK{i}\r\n" for i in range(40))
    assert carrier.call(routed.sip, CALLED, headers=few).status == 200
    assert len(ai.calls) == 1
