"""Audio that can be measured: an RTP endpoint that plays a tone and records what comes, and Goertzel's filter."""

import math
import socket
import struct
import threading
import time
from typing import Self

RATE = 8000
#: Samples in one packet: 20 ms.
FRAME = 160


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


def power(samples: list[int], frequency: float, rate: int = RATE) -> float:
    """Goertzel: the mean power of one frequency in 16 bit samples; a full tone of amplitude A gives A²/2."""
    if not samples:
        return 0.0
    factor = 2 * math.cos(2 * math.pi * frequency / rate)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + factor * last - before
    return 2 * (before**2 + last**2 - factor * before * last) / len(samples) ** 2


def loudest(samples: list[int], frequencies: tuple[int, ...] = (440, 620, 700, 1000, 1300, 1700, 2100)) -> int | None:
    """Which of the frequencies is heard; None if none stands out of the others by 20 dB."""
    powers = sorted(((power(samples, f), f) for f in frequencies), reverse=True)
    return powers[0][1] if powers[0][0] > 1e4 and powers[0][0] > 100 * powers[1][0] else None


class ToneEndpoint:
    """Plays `frequency` as PCMU to where it is told, and keeps what it receives."""

    def __init__(self, address: str, frequency: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((address, 0))
        self._socket.settimeout(0.05)
        self.port: int = self._socket.getsockname()[1]
        self.packets = 0
        self._received: list[bytes] = []
        self._frames = _frames(frequency)
        self._peer: tuple[str, int] | None = None
        self._open = True
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._receive, self._play)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def play_to(self, peer: tuple[str, int] | None) -> None:
        self._peer = peer

    @property
    def samples(self) -> list[int]:
        """What was received so far."""
        return [_LINEAR[code] for payload in self._received for code in payload]

    def hears(self, seconds: float = 0.6, timeout: float = 5.0) -> int | None:
        """Listen until so many seconds of audio have come, and say which tone it is."""
        start, deadline = len(self._received), time.monotonic() + timeout
        while len(self._received) - start < seconds * RATE / FRAME and time.monotonic() < deadline:
            time.sleep(0.02)
        return loudest([_LINEAR[code] for payload in self._received[start:] for code in payload])

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
            if len(data) > 12 and data[1] & 0x7F == 0:
                self.packets += 1
                self._received.append(data[12:])

    def _play(self) -> None:
        sequence, due = 0, time.monotonic()
        while self._open:
            if self._peer is not None:
                header = struct.pack(
                    "!BBHII", 0x80, 0, sequence & 0xFFFF, sequence * FRAME & 0xFFFFFFFF, id(self) & 0xFFFFFFFF
                )
                self._socket.sendto(header + self._frames[sequence % len(self._frames)], self._peer)
                sequence += 1
            due += FRAME / RATE
            time.sleep(max(0.0, due - time.monotonic()))


def _frames(frequency: int) -> list[bytes]:
    """One second of the tone, which then repeats without a click."""
    codes = [mu_law(round(8000 * math.sin(2 * math.pi * frequency * i / RATE))) for i in range(RATE)]
    return [bytes(codes[i : i + FRAME]) for i in range(0, RATE, FRAME)]
