"""A tone, sent and listened for: RTP (RFC 3550) with G.711 (ITU-T G.711)."""

import asyncio
import math
import secrets
import struct
import time
from array import array
from bisect import bisect_left
from functools import cache
from typing import Any, Final

from cordboard.engines.edge.sound import RATE, decoded

PCMU, PCMA = 0, 8
#: Samples of a packet, 20 ms.
FRAME: Final = 160
TONE: Final = 1000
#: Of 16 bit samples: the tone's, and below which nobody hears anything.
_AMPLITUDE, _SILENCE = 8000, 40.0
#: Packets that are kept, half a minute.
_MOST: Final = 1500


class Sound(asyncio.DatagramProtocol):
    """Plays the tone to where it is told, and keeps what it receives."""

    def __init__(self) -> None:
        self.sent = 0
        self.received: list[bytes] = []
        #: Of other payload types than G.711's.
        self.others = 0
        #: time.monotonic() of the first packet.
        self.first: float | None = None
        self._samples = array("h")
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if len(data) < 12 or data[0] >> 6 != 2 or 192 <= data[1] <= 223 or len(self.received) >= _MOST:
            return
        self.first = self.first or time.monotonic()
        kind = data[1] & 0x7F
        payload = data[12 + 4 * (data[0] & 0x0F) :]
        self.received.append(payload)
        if kind in (PCMU, PCMA):
            self._samples.frombytes(decoded(kind, payload))
        else:
            self.others += 1

    @property
    def port(self) -> int:
        assert self._transport is not None
        return int(self._transport.get_extra_info("sockname")[1])

    async def play(self, address: str, port: int, kind: int, seconds: float) -> None:
        """The tone, a packet every 20 ms."""
        assert self._transport is not None
        source, began = secrets.token_bytes(4), time.monotonic()
        frames = _frames(kind)
        for number in range(round(seconds * RATE / FRAME)):
            header = struct.pack("!BBHI", 0x80, kind, number & 0xFFFF, number * FRAME) + source
            self._transport.sendto(header + frames[number % len(frames)], (address, port))
            self.sent += 1
            await asyncio.sleep(max(0.0, began + (number + 1) * FRAME / RATE - time.monotonic()))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def heard(self) -> str:
        """`our-tone`, `sound`, `silence`, `unknown-codec`, or `nothing` if no packet came."""
        if not self.received:
            return "nothing"
        if not self._samples:
            return "unknown-codec"
        mean = sum(sample * sample for sample in self._samples) / len(self._samples)
        if math.sqrt(mean) < _SILENCE:
            return "silence"
        return "our-tone" if _power(self._samples, TONE) > mean / 2 else "sound"


def _power(samples: "array[int]", frequency: float) -> float:
    """Goertzel: the mean power of one frequency."""
    factor = 2 * math.cos(2 * math.pi * frequency / RATE)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + factor * last - before
    return 2 * (before * before + last * last - factor * before * last) / len(samples) ** 2


@cache
def _frames(kind: int) -> list[bytes]:
    """One second of the tone, which then goes on without a click."""
    levels = sorted((struct.unpack("<h", decoded(kind, bytes([code])))[0], code) for code in range(256))
    values = [level for level, _ in levels]
    wave = (round(_AMPLITUDE * math.sin(2 * math.pi * TONE * n / RATE)) for n in range(RATE))
    codes = bytes(levels[min(bisect_left(values, sample), 255)][1] for sample in wave)
    return [codes[at : at + FRAME] for at in range(0, RATE, FRAME)]
