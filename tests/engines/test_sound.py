"""What is made of a pcap, whatever is in it."""

import io
import struct
import wave
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cordboard.engines.edge.sound import LONGEST, RATE, NotSound, convert, decoded
from tests.calls.tones import linear, mu_law

CALLER, CALLEE = 30000, 30010
HEAD = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
#: A recording begins here, in seconds.
BEGIN = 1_700_000_000


def packet(
    at: float,
    *,
    port: int = CALLER,
    kind: int = 0,
    time: int = 0,
    source: int = 1,
    payload: bytes = b"\x00" * 160,
    v6: bool = False,
    first: int = 0x80,
    more: bytes = b"",
) -> bytes:
    """One packet of a pcap that came `at` seconds after the beginning."""
    rtp = struct.pack("!BBHII", first, kind, 0, time & 0xFFFFFFFF, source) + more + payload
    udp = struct.pack("!HHHH", 4000, port, 8 + len(rtp), 0) + rtp
    if v6:
        frame = bytes(12) + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(udp), 17, 64) + bytes(32) + udp
    else:
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes(4), bytes(4))
        frame = bytes(12) + b"\x08\x00" + header + udp
    came = round((BEGIN + at) * 1e6)
    return struct.pack("<IIII", came // 1_000_000, came % 1_000_000, len(frame), len(frame)) + frame


def sides(*packets: bytes) -> tuple[list[int], list[int]]:
    """What the caller and the callee said."""
    out = io.BytesIO()
    convert(io.BytesIO(HEAD + b"".join(packets)), out, CALLER)
    with wave.open(io.BytesIO(out.getvalue())) as sound:
        both = array("h", sound.readframes(sound.getnframes()))
    assert len(out.getvalue()) == 44 + 2 * len(both)
    return list(both[0::2]), list(both[1::2])


def code(sample: int, length: int = 160) -> bytes:
    """So many equal samples, in µ-law."""
    return bytes([mu_law(sample)]) * length


HIGH, LOW = linear(mu_law(8000)), linear(mu_law(-2000))


def test_each_code_of_mu_law_is_the_sample_that_it_stands_for() -> None:
    samples = array("h", decoded(0, bytes(range(256))))
    assert list(samples) == [linear(code) for code in range(256)]


def test_a_law_is_as_the_recommendation_has_it() -> None:
    """G.711's table 1a: the ends of its segments, and both signs of the least."""
    codes = {0xD5: 8, 0x55: -8, 0xD4: 24, 0xC5: 264, 0xF5: 528, 0xE5: 1056, 0x95: 2112, 0x85: 4224, 0xB5: 8448}
    codes |= {0xA5: 16896, 0xAA: 32256, 0x2A: -32256}
    assert {code: array("h", decoded(8, bytes([code])))[0] for code in codes} == codes


def test_packets_stand_where_their_own_time_says_in_whatever_order_they_come() -> None:
    caller, _ = sides(
        packet(0.00, time=1000, payload=code(8000)),
        packet(0.05, time=1320, payload=code(8000)),
        packet(0.06, time=1160, payload=code(-2000)),
    )
    assert caller == [HIGH] * 160 + [LOW] * 160 + [HIGH] * 160


def test_a_lost_packet_is_silence() -> None:
    caller, callee = sides(
        packet(0.00, payload=code(8000)),
        packet(0.04, time=320, payload=code(8000)),
        packet(0.00, port=CALLEE, source=2, payload=code(-2000)),
    )
    assert caller == [HIGH] * 160 + [0] * 160 + [HIGH] * 160
    assert callee == [LOW] * 160 + [0] * 320


def test_who_begins_to_count_anew_is_heard_when_it_comes() -> None:
    """Another source after a transfer, and a time that has jumped in the same one."""
    caller, _ = sides(
        packet(0.0, time=5, payload=code(8000)),
        packet(2.0, time=4_000_000_000, source=9, payload=code(-2000)),
        packet(4.0, time=77, source=9, payload=code(8000)),
    )
    assert caller[2 * RATE : 2 * RATE + 160] == [LOW] * 160
    assert caller[4 * RATE :] == [HIGH] * 160


def test_time_goes_on_when_its_32_bits_are_full() -> None:
    caller, _ = sides(
        packet(0.00, time=0xFFFFFFFF - 79, payload=code(8000)), packet(0.02, time=80, payload=code(-2000))
    )
    assert caller == [HIGH] * 160 + [LOW] * 160


def test_ipv6_extensions_sources_and_padding_are_understood() -> None:
    caller, _ = sides(
        packet(0.00, v6=True, payload=code(8000)),
        packet(0.02, time=160, first=0x90, more=b"\xbe\xde\0\x01abcd", payload=code(-2000)),
        packet(0.04, time=320, first=0x81, more=b"cccc", payload=code(8000)),
        packet(0.06, time=480, first=0xA0, payload=code(-2000) + b"\0\0\0\x04"),
    )
    assert caller == [HIGH] * 160 + [LOW] * 160 + [HIGH] * 160 + [LOW] * 160


def test_digits_rtcp_and_other_codecs_are_no_sound() -> None:
    out = io.BytesIO()
    pcap = HEAD + packet(0, kind=101) + packet(0, kind=200) + packet(0, kind=9) + packet(0, kind=13)
    found = convert(io.BytesIO(pcap), out, CALLER)
    assert (found.packets, found.others) == (0, {101: 1, 9: 1})
    assert out.getvalue() == b""


def test_a_pcap_that_is_cut_off_is_sound_up_to_there() -> None:
    out = io.BytesIO()
    whole = HEAD + packet(0.0, payload=code(8000)) + packet(0.02, time=160, payload=code(8000))
    assert convert(io.BytesIO(whole[:-1]), out, CALLER).samples == 160


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF" + bytes(100),
        HEAD[:23],
        HEAD[:20] + b"\x65\0\0\0",
        HEAD + struct.pack("<IIII", 0, 0, 0x7FFFFFFF, 0),
    ],
    ids=["nothing", "something else", "half a head", "no Ethernet", "a packet of 2 GB"],
)
def test_what_is_no_pcap_is_refused(content: bytes) -> None:
    with pytest.raises(NotSound):
        convert(io.BytesIO(content), io.BytesIO(), CALLER)


def test_no_sender_stretches_a_recording() -> None:
    """Its own time leads nowhere that it was not sent at, and nothing is longer than a day."""
    times = [0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 5, 0x40000000]
    caller, _ = sides(*(packet(0.02 * i, time=time, payload=code(8000)) for i, time in enumerate(times)))
    assert len(caller) <= 2 * RATE
    caller, _ = sides(packet(0), packet(LONGEST / RATE + 10))
    assert len(caller) == 160


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 200), st.booleans())
def test_whatever_comes_is_sound_or_is_refused(noise: bytes, at: int, framed: bool) -> None:
    good = packet(0, payload=code(8000)) + packet(0.02, v6=True, port=CALLEE)
    content = HEAD + (struct.pack("<IIII", BEGIN, 0, len(noise), 0) + noise if framed else good[:at] + noise)
    out = io.BytesIO()
    try:
        found = convert(io.BytesIO(content), out, CALLER)
    except NotSound:
        return
    assert len(out.getvalue()) == (44 + 4 * found.samples if found.packets else 0)
