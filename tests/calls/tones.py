"""Audio that can be measured: an RTP endpoint that plays a tone and records what comes, and Goertzel's filter."""

import contextlib
import math
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Literal, Self

from tests.calls.phone import media
from tests.calls.srtp import Key, Stream

RATE = 8000
#: Samples in one packet: 20 ms.
FRAME = 160
#: Payload type of telephone events here, and what they stand for, by number.
EVENT = 101
DIGITS = "0123456789*#ABCD"


def mu_law(sample: int) -> int:
    """One 16 bit sample in G.711 µ-law."""
    sign, magnitude = (0x80, min(-sample, 32635)) if sample < 0 else (0, min(sample, 32635))
    magnitude += 132
    exponent = magnitude.bit_length() - 8
    return ~(sign | exponent << 4 | magnitude >> exponent + 3 & 0x0F) & 0xFF


def linear(code: int) -> int:
    """The reverse."""
    code = ~code & 0xFF
    magnitude = (((code & 0x0F) << 3) + 132 << (code >> 4 & 7)) - 132
    return -magnitude if code & 0x80 else magnitude


_LINEAR = [linear(code) for code in range(256)]


def a_linear(code: int) -> int:
    """One 16 bit sample of G.711 A-law."""
    code ^= 0x55
    segment, magnitude = code >> 4 & 7, (code & 0x0F) << 4 | 8
    if segment:
        magnitude = magnitude + 0x100 << segment - 1
    return magnitude if code & 0x80 else -magnitude


_A_LINEAR = [a_linear(code) for code in range(256)]


def a_law(sample: int) -> int:
    """The reverse: the code that is nearest."""
    return min(range(256), key=lambda code: abs(_A_LINEAR[code] - sample))


Law = Literal["PCMU", "PCMA"]
#: Static payload types (RFC 3551 section 6).
_PAYLOAD: dict[Law, int] = {"PCMU": 0, "PCMA": 8}


def power(samples: list[int], frequency: float, rate: int = RATE) -> float:
    """Goertzel: the mean power of one frequency in 16 bit samples; a full tone of amplitude A gives A²/2."""
    if not samples:
        return 0.0
    factor = 2 * math.cos(2 * math.pi * frequency / rate)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + factor * last - before
    return 2 * (before**2 + last**2 - factor * before * last) / len(samples) ** 2


#: Samples in which each of our tones has whole periods, so that none is seen in another.
_BLOCK = RATE // 10


def loudest(samples: list[int], frequencies: tuple[int, ...] = (440, 620, 700, 1000, 1300, 1700, 2100)) -> int | None:
    """Which of the frequencies is heard; None if none stands out of the others by 20 dB.

    Block by block: sound that was broken off and went on is of two phases, which as a whole may extinguish each other.
    """
    blocks = [samples[at : at + _BLOCK] for at in range(0, max(1, len(samples) - _BLOCK + 1), _BLOCK)]
    powers = sorted(((sum(power(block, f) for block in blocks) / len(blocks), f) for f in frequencies), reverse=True)
    return powers[0][1] if powers[0][0] > 1e4 and powers[0][0] > 100 * powers[1][0] else None


class ToneEndpoint:
    """Plays `frequency` to where it is told, and keeps what it receives, in SRTP once it has keys.

    `digit` sends telephone events (RFC 4733) of payload type EVENT.
    """

    def __init__(self, address: str, frequency: int, law: Law = "PCMU") -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 0))
        self._socket.settimeout(0.05)
        self.address = address
        self.port: int = self._socket.getsockname()[1]
        #: Ours, as SDP is to show it.
        self.key = Key()
        #: Packets of sound that could be read, and what could not: in clear under SRTP, or made with another key.
        self.packets = self.unreadable = 0
        #: The digits that were sent to us, each with the end of its event.
        self.digits = ""
        self._received: list[bytes] = []
        #: Their numbers in the stream: the first one, the last one, and how many there were.
        self._first: int | None = None
        self._last = self._counted = 0
        #: The same as it was on the wire.
        self._raw: list[bytes] = []
        self.law = law
        self._linear = _LINEAR if law == "PCMU" else _A_LINEAR
        self._frames = _frames(frequency, mu_law if law == "PCMU" else a_law)
        #: One packet of so many is never sent, as if it had got lost on its way; 0 is none.
        self.loses = 0
        self._digit: str | None = None
        self._event: tuple[int, int] | None = None
        self._peer: tuple[str, int] | None = None
        self._sealing: Stream | None = None
        self._opening: Stream | None = None
        self._open = True
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._receive, self._play)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sdp(self) -> str:
        """An offer or answer of its one codec and of digits."""
        kind = _PAYLOAD[self.law]
        return (
            f"v=0\r\no=- 1 1 IN IP4 {self.address}\r\ns=-\r\nc=IN IP4 {self.address}\r\nt=0 0\r\n"
            f"m=audio {self.port} RTP/AVP {kind} {EVENT}\r\na=rtpmap:{kind} {self.law}/8000\r\n"
            f"a=rtpmap:{EVENT} telephone-event/8000\r\n"
        )

    def play_to(self, peer: tuple[str, int] | None) -> None:
        self._peer = peer

    def speak(self, body: str, key: Key | None = None) -> None:
        """Play to where an SDP says, encrypted if it has a key; `key` is ours if it is not `self.key`."""
        theirs = Key.of(body)
        self._sealing = None if theirs is None else Stream(key or self.key)
        self._opening = None if theirs is None else Stream(theirs)
        self.play_to(media(body)[0])

    @property
    def encrypted(self) -> bool:
        return self._sealing is not None

    @property
    def samples(self) -> list[int]:
        """What was received so far."""
        return [self._linear[code] for payload in self._received for code in payload]

    def hears(self, seconds: float = 0.6, timeout: float = 5.0) -> int | None:
        """Listen until so many seconds of audio have come, and say which tone it is."""
        start, deadline = len(self._received), time.monotonic() + timeout
        while len(self._received) - start < seconds * RATE / FRAME and time.monotonic() < deadline:
            time.sleep(0.02)
        return loudest([self._linear[code] for payload in self._received[start:] for code in payload])

    def wire(self) -> int | None:
        """The tone that anybody hears in the last 0.2 s who listens to the wire."""
        return loudest([self._linear[code] for payload in self._raw[-10:] for code in payload])

    def press(self, digit: str) -> None:
        """Send one digit, and wait until it is sent."""
        self._digit = digit
        while self._digit is not None:
            time.sleep(0.01)

    def reports(self, seconds: float) -> None:
        """Tell in RTCP, once a second, that we send, and how much of what was sent to us has come (RFC 3550 section
        6.4.1), until we are closed at the latest.

        rtpengine knows how one side hears the other only if both send reports.
        """
        assert self._peer is not None
        began, heard, at = time.monotonic(), b"", 0.0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtcp:
            rtcp.bind((self.address, self.port + 1))
            while self._open and (passed := time.monotonic() - began) < seconds:
                whole, part = divmod(time.time() + 2208988800, 1)
                about = struct.pack("!QIII", int(whole) << 32 | int(part * (1 << 32)), int(passed * RATE), 0, 0)
                since = int((time.monotonic() - at) * (1 << 16))
                block = heard[4:8] + self._missed() + heard[10:14] + struct.pack("!I", since) if heard else b""
                count = len(block) // 24
                head = struct.pack("!BBHI", 0x80 | count, 200, 6 + len(block) // 4, id(self) & 0xFFFFFFFF)
                rtcp.sendto(head + about + block, (self._peer[0], self._peer[1] + 1))
                # the newest of theirs, and when it came, until the next one of ours
                while (left := began + passed + 1 - time.monotonic()) > 0:
                    rtcp.settimeout(left)
                    with contextlib.suppress(TimeoutError):
                        heard, at = rtcp.recv(2048), time.monotonic()

    def _missed(self) -> bytes:
        """Of a report block, what got lost, as a share of 256 and as a number, and the last packet; no jitter."""
        if self._first is None:
            return bytes(12)
        sent = self._last - self._first + 1
        lost = max(0, sent - self._counted)
        return struct.pack("!III", lost * 256 // sent << 24 | lost, self._last, 0)

    def close(self) -> None:
        self._open = False
        for thread in self._threads:
            thread.join()
        self._socket.close()

    def _receive(self) -> None:
        while self._open:
            try:
                data = self._socket.recv(2048)
            except TimeoutError:
                continue
            except OSError:
                return
            # RTCP, which shares the port with nothing here
            if len(data) <= 12 or data[1] & 0x7F in range(64, 96):
                continue
            self._raw.append(data[12 : 12 + FRAME])
            number = int.from_bytes(data[2:4], "big")
            self._first = number if self._first is None else self._first
            self._last, self._counted = number, self._counted + 1
            packet = data if self._opening is None else self._opening.open(data)
            if packet is None:
                self.unreadable += 1
            elif packet[1] & 0x7F == _PAYLOAD[self.law]:
                self.packets += 1
                self._received.append(packet[12:])
            elif packet[1] & 0x7F == EVENT:
                self._hear_event(packet)

    def _hear_event(self, packet: bytes) -> None:
        event = int.from_bytes(packet[4:8], "big"), packet[12]
        if packet[13] & 0x80 and event != self._event:
            self._event = event
            self.digits += DIGITS[packet[12]]

    def _play(self) -> None:
        number, due, steps = 0, time.monotonic(), 0
        start = 0
        while self._open:
            if (peer := self._peer) is not None:
                kind, payload, at = _PAYLOAD[self.law], self._frames[number % len(self._frames)], number
                if self._digit is not None:
                    start = start if steps else number
                    steps += 1
                    kind, payload, at = EVENT, self._event_payload(steps), start
                header = struct.pack(
                    "!BBHII", 0x80, kind, number & 0xFFFF, at * FRAME & 0xFFFFFFFF, id(self) & 0xFFFFFFFF
                )
                if steps == 8:
                    self._digit, steps = None, 0
                packet, sealing = header + payload, self._sealing
                if not self.loses or number % self.loses:
                    self._socket.sendto(packet if sealing is None else sealing.protect(packet), peer)
                number += 1
            due += FRAME / RATE
            time.sleep(max(0.0, due - time.monotonic()))

    def _event_payload(self, steps: int) -> bytes:
        """RFC 4733 section 2.3: five packets of a growing duration, then three times the end."""
        ended = steps > 5
        assert self._digit is not None
        return struct.pack("!BBH", DIGITS.index(self._digit), 0x80 if ended else 10, min(steps, 6) * FRAME)


def _frames(frequency: int, code: Callable[[int], int]) -> list[bytes]:
    """One second of the tone, which then repeats without a click."""
    codes = [code(round(8000 * math.sin(2 * math.pi * frequency * i / RATE))) for i in range(RATE)]
    return [bytes(codes[i : i + FRAME]) for i in range(0, RATE, FRAME)]
