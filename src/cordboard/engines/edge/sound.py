"""A call's RTP as rtpengine wrote it down, made into sound: stereo, the caller on the left.

    python -I -m cordboard.engines.edge.sound WAV_FD PORT < call.pcap

It is a program of its own, since a long call is seconds of work that the server's threads should not share, and since
what is read came from anywhere. It gets its files open, works in the folder that it is started in, and tells on
standard output what it has found (`Found`, as JSON). It ends with NO_SOUND if the pcap is to blame, else with 1.
"""

import json
import os
import struct
import sys
import tempfile
from array import array
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import BinaryIO, Final

RATE: Final = 8000
#: The longest that is made, in samples; rtpengine's pcap says when each packet came, so nobody else can stretch it.
LONGEST: Final = 24 * 3600 * RATE
#: Samples between a packet's own time and when it came from which on the sender must have begun to count anew.
ASTRAY: Final = RATE
WAV_HEADER: Final = 44
NO_SOUND: Final = 3
_PCMU, _PCMA = 0, 8
#: Comfort noise stands for silence.
_COMFORT_NOISE = 13
_ETHERNET = 1
_LARGEST_PACKET = 65535 + 64


class NotSound(Exception):
    """The file is no pcap of rtpengine's; the message says where it goes wrong."""


@dataclass(kw_only=True, slots=True)
class Found:
    """What there was in a pcap."""

    #: When the first packet came, in microseconds since the epoch.
    start: int = 0
    #: Samples that were made of it, of each side.
    samples: int = 0
    #: Packets of sound.
    packets: int = 0
    #: Packets of other payload types, by type: telephone events, or a codec that is none of ours.
    others: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Packet:
    """One packet of RTP, as it came."""

    #: Microseconds since the epoch.
    came: int
    #: The port of rtpengine's that it came to.
    port: int
    kind: int
    time: int
    source: int
    payload: bytes


def _linear_mu(code: int) -> int:
    """G.711 µ-law, 16 bits."""
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + 132 << (code >> 4 & 7)) - 132
    return -magnitude if code & 0x80 else magnitude


def _linear_a(code: int) -> int:
    """G.711 A-law, 16 bits."""
    code ^= 0x55
    exponent = code >> 4 & 7
    magnitude = (code & 0x0F) << 4 | 8
    if exponent:
        magnitude = magnitude + 256 << exponent - 1
    return magnitude if code & 0x80 else -magnitude


def _planes(codes: list[int]) -> tuple[bytes, bytes]:
    """The low and the high byte of each code's sample: two translations and two strides decode a packet."""
    samples = [sample & 0xFFFF for sample in codes]
    return bytes(sample & 0xFF for sample in samples), bytes(sample >> 8 for sample in samples)


_DECODED: Final = {
    _PCMU: _planes([_linear_mu(code) for code in range(256)]),
    _PCMA: _planes([_linear_a(code) for code in range(256)]),
}


def decoded(kind: int, payload: bytes) -> bytes:
    """Samples of 16 bits, little end first."""
    low, high = _DECODED[kind]
    samples = bytearray(2 * len(payload))
    samples[0::2] = payload.translate(low)
    samples[1::2] = payload.translate(high)
    return bytes(samples)


def packets(pcap: BinaryIO) -> Iterator[_Packet]:
    """The RTP of a pcap; what else is there is left out, and a last packet that is cut off. Raises NotSound."""
    head = pcap.read(24)
    orders = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}
    if len(head) < 24 or head[:4] not in orders:
        raise NotSound("it does not begin as a pcap")
    order = orders[head[:4]]
    if struct.unpack(f"{order}I", head[20:24])[0] != _ETHERNET:
        raise NotSound("it is not of Ethernet frames")
    record = struct.Struct(f"{order}IIII")
    while len(header := pcap.read(16)) == 16:
        seconds, micros, length, _ = record.unpack(header)
        if length > _LARGEST_PACKET:
            raise NotSound(f"a packet of {length} bytes")
        frame = pcap.read(length)
        if len(frame) < length:
            return
        packet = _rtp(seconds * 1_000_000 + micros, frame)
        if packet is not None:
            yield packet


def _rtp(came: int, frame: bytes) -> _Packet | None:
    """Ethernet, IPv4 (RFC 791) or IPv6 (RFC 8200) without extensions, UDP, RTP (RFC 3550 section 5.1)."""
    kind = frame[12:14]
    if kind == b"\x08\x00" and len(frame) > 34 and frame[23] == 17:
        udp = 14 + 4 * (frame[14] & 0x0F)
    elif kind == b"\x86\xdd" and len(frame) > 54 and frame[20] == 17:
        udp = 54
    else:
        return None
    at = udp + 8
    if len(frame) < at + 12 or frame[at] >> 6 != 2:
        return None
    # RTCP shares the port with RTP if both sides say so (RFC 5761)
    if 192 <= frame[at + 1] <= 223:
        return None
    end = len(frame)
    payload = at + 12 + 4 * (frame[at] & 0x0F)
    if frame[at] & 0x10:
        if len(frame) < payload + 4:
            return None
        payload += 4 + 4 * int.from_bytes(frame[payload + 2 : payload + 4], "big")
    if frame[at] & 0x20:
        end -= frame[-1]
    if payload > end:
        return None
    time, source = struct.unpack_from("!II", frame, at + 4)
    port = int.from_bytes(frame[udp + 2 : udp + 4], "big")
    return _Packet(came, port, frame[at + 1] & 0x7F, time, source, frame[payload:end])


class _Side:
    """One side's samples in a file: each packet where its time says, silence where none came.

    Its own clock places a packet, in whatever order they come; when that leads far from when it came, as after a hold
    or with another source, the clock begins anew.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self._source: int | None = None
        self._from = self._at = 0
        self.end = 0

    def put(self, packet: _Packet, came: int) -> None:
        """`came` in samples since the beginning."""
        at = came
        if packet.source == self._source:
            # the shorter way around 32 bits
            passed = (packet.time - self._from + 0x80000000 & 0xFFFFFFFF) - 0x80000000
            at = self._at + passed
        if packet.source != self._source or abs(at - came) > ASTRAY:
            self._source, self._from, self._at, at = packet.source, packet.time, came, came
        elif abs(passed) > 1 << 30:
            self._from, self._at = packet.time, at
        if at < 0 or at + len(packet.payload) > LONGEST:
            return
        os.pwrite(self.file.fileno(), decoded(packet.kind, packet.payload), 2 * at)
        self.end = max(self.end, at + len(packet.payload))


def convert(pcap: BinaryIO, wav: BinaryIO, caller: int, folder: str | None = None) -> Found:
    """Write a WAV of what a pcap holds; none if there is no sound in it. Raises NotSound.

    `caller` is the port of rtpengine's that the caller sent to; `folder` has room for the samples meanwhile.
    """
    with tempfile.TemporaryFile(dir=folder) as left, tempfile.TemporaryFile(dir=folder) as right:
        return _convert(pcap, wav, caller, _Side(left), _Side(right))


def _convert(pcap: BinaryIO, wav: BinaryIO, caller: int, left: _Side, right: _Side) -> Found:
    found = Found()
    for packet in packets(pcap):
        if packet.kind not in _DECODED:
            if packet.kind != _COMFORT_NOISE:
                found.others[packet.kind] = found.others.get(packet.kind, 0) + 1
            continue
        found.start = found.start or packet.came
        found.packets += 1
        (left if packet.port == caller else right).put(packet, (packet.came - found.start) * RATE // 1_000_000)
    found.samples = max(left.end, right.end)
    if found.packets:
        wav.write(header(4 * found.samples))
        _interleave(left, right, found.samples, wav)
    return found


def _interleave(left: _Side, right: _Side, samples: int, wav: BinaryIO) -> None:
    bite = 16 * RATE
    for at in range(0, samples, bite):
        size = min(bite, samples - at)
        both = array("H", bytes(4 * size))
        for channel, side in enumerate((left, right)):
            part = os.pread(side.file.fileno(), 2 * size, 2 * at)
            both[channel::2] = array("H", part + bytes(2 * size - len(part)))
        wav.write(both.tobytes())


def header(size: int) -> bytes:
    """Of a WAV with so many bytes of samples: two channels of 16 bits."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, RATE, 4 * RATE, 4, 16)
    return struct.pack("<4sI4s", b"RIFF", size + WAV_HEADER - 8, b"WAVE") + form + struct.pack("<4sI", b"data", size)


def main() -> None:
    os.nice(10)
    wav, port = int(sys.argv[1]), int(sys.argv[2])
    try:
        with os.fdopen(wav, "wb") as out:
            found = convert(sys.stdin.buffer, out, port, ".")
            out.flush()
            os.fsync(out.fileno())
    except (NotSound, OSError) as error:
        sys.stderr.write(str(error))
        sys.exit(NO_SOUND if isinstance(error, NotSound) else 1)
    json.dump(asdict(found), sys.stdout)


if __name__ == "__main__":
    main()
