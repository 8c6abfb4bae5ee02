"""baresip as a telephone with real audio: it plays a tone and records what it hears."""

import json
import math
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import wave
from pathlib import Path
from typing import Any, Self

from tests.calls.edges import free_port
from tests.calls.tones import RATE, loudest


class Baresip:
    """One baresip process at one loopback address, steered over its control socket.

    `encryption` is `srtp-mand` for SRTP or nothing for RTP; `opus` that it speaks that codec alone, else PCMU. Its
    media comes from `address` too. With a registrar, `host:port` and perhaps `;transport=tcp`, and a password it
    registers there as `user`.
    """

    def __init__(
        self,
        address: str,
        frequency: int,
        *,
        user: str = "caller",
        encryption: str = "",
        opus: bool = False,
        answering: bool = False,
        registrar: str = "",
        password: str = "",
    ) -> None:
        self.address, self.user = address, user
        self._registrar, self._password = registrar, password
        self.port = free_port(address)
        #: Of the tone and of the recording.
        self._rate, self._channels = (48_000, 2) if opus else (RATE, 1)
        self._folder = Path(tempfile.mkdtemp(prefix="cordboard-baresip-"))
        control = free_port(address)
        self._configure(frequency, control, encryption, answering)
        program = shutil.which("baresip")
        assert program, "baresip is missing: scripts/packages.sh test"
        self._log = (self._folder / "log").open("wb")
        self._process = subprocess.Popen(
            [program, "-f", str(self._folder)],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            cwd=self._folder,
        )
        self._events: list[dict[str, Any]] = []
        self._rest = b""
        self._control = self._connect(control)
        if self._registrar:
            self._command("uanew", self._account)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def at(self) -> str:
        return f"{self.address}:{self.port}"

    def dial(self, uri: str) -> None:
        self._command("dial", uri)

    def hang_up(self) -> None:
        self._command("hangup")

    def registered(self, timeout: float = 8) -> str:
        """What became of its last REGISTER: `200 OK` or `403 Forbidden`; '' if there was no answer."""
        return self._told(("REGISTER_OK", "REGISTER_FAIL"), timeout)

    def register_again(self) -> None:
        """Which begins with leaving."""
        self._command("uadel", f"sip:{self.user}@{self._registrar.partition(';')[0]}")
        self._read(0.3)
        self._events.clear()
        self._command("uanew", self._account)

    def talks(self, timeout: float = 8) -> bool:
        """Whether its call is answered."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if any(event.get("type") == "CALL_ESTABLISHED" for event in self._events):
                return True
            self._read(0.05)
        return False

    def _told(self, types: tuple[str, ...], timeout: float) -> str:
        """What the newest event of those types says."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for event in reversed(self._events):
                if event.get("type") in types:
                    return str(event.get("param"))
            self._read(0.05)
        return ""

    def closed(self, timeout: float = 5) -> str:
        """Why the call ended; '' if it did not."""
        return self._told(("CALL_CLOSED",), timeout)

    def hears(self, seconds: float = 0.8, timeout: float = 8) -> int | None:
        """Which tone it hears, once so many seconds of it are recorded."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self._read(0.05)
            samples = self._recorded()
            if len(samples) >= seconds * RATE and (tone := loudest(samples[-int(seconds * RATE) :])) is not None:
                return tone
        return None

    def digits(self, count: int, timeout: float = 3) -> str:
        """So many keys that it was told of (RFC 4733), or as many as came."""
        deadline, pressed = time.monotonic() + timeout, ""
        while time.monotonic() < deadline and len(pressed) < count:
            self._read(0.05)
            pressed = "".join(str(each["param"]) for each in self._events if each.get("type") == "CALL_DTMF_START")
        return pressed

    def close(self) -> None:
        self._control.close()
        self._process.kill()
        self._process.wait()
        self._log.close()
        shutil.rmtree(self._folder)

    def _configure(self, frequency: int, control: int, encryption: str, answering: bool) -> None:
        with wave.open(str(self._folder / "tone.wav"), "wb") as tone:
            tone.setparams((self._channels, 2, self._rate, 0, "NONE", ""))
            steps = (round(8000 * math.sin(2 * math.pi * frequency * i / self._rate)) for i in range(20 * self._rate))
            tone.writeframes(b"".join(struct.pack("<h", step) * self._channels for step in steps))
        (self._folder / "snd").mkdir()
        codec = "opus" if self._rate != RATE else "g711"
        modules = [
            f"{codec}.so",
            "aubridge.so",
            "sndfile.so",
            "aufile.so",
            "uuid.so",
            *(["srtp.so"] if encryption else []),
        ]
        first = free_port(self.address)
        (self._folder / "config").write_text(
            f"sip_listen {self.at}\naudio_player aubridge,cordboard\naudio_source aufile,{self._folder}/tone.wav\n"
            f"audio_alert aufile,/dev/null\naudio_srate {self._rate}\naudio_channels {self._channels}\n"
            f"rtp_ports {first}-{first + 9}\nnet_interface {self.address}\nmodule_path /usr/lib/baresip/modules\n"
            + "".join(f"module {name}\n" for name in modules)
            + "module_app account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n"
            f"ctrl_tcp_listen {self.address}:{control}\nsnd_path {self._folder}/snd\n"
        )
        (self._folder / "contacts").touch()
        options = f";audio_codecs={'opus/48000/2' if codec == 'opus' else 'PCMU/8000/1'}" + (
            ";answermode=auto" if answering else ""
        )
        options += f";mediaenc={encryption}" if encryption else ""
        self._account = f"<sip:{self.user}@{self._registrar or self.at}>{options};regint=0"
        if self._registrar:
            self._account = (
                f"<sip:{self.user}@{self._registrar}>{options};regint=600"
                f";auth_user={self.user};auth_pass={self._password}"
            )
        # one that registers is made when somebody listens to what becomes of it
        (self._folder / "accounts").write_text("" if self._registrar else f"{self._account}\n")

    def _connect(self, port: int) -> socket.socket:
        deadline = time.monotonic() + 8
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                control = socket.create_connection((self.address, port), 1)
            except OSError:
                time.sleep(0.02)
            else:
                control.settimeout(0.05)
                return control
        raise AssertionError((self._folder / "log").read_text(errors="replace"))

    def _command(self, name: str, params: str = "") -> None:
        text = json.dumps({"command": name, "params": params, "token": name}).encode()
        self._control.sendall(b"%d:%s," % (len(text), text))
        self._read(0.2)

    def _read(self, seconds: float) -> None:
        """Take in netstrings of JSON: answers and events."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                self._rest += self._control.recv(65535)
            except TimeoutError:
                continue
            while match := re.match(rb"(\d+):", self._rest):
                end = match.end() + int(match[1])
                if len(self._rest) <= end:
                    break
                self._events.append(json.loads(self._rest[match.end() : end]))
                self._rest = self._rest[end + 1 :]

    def _recorded(self) -> list[int]:
        """What sndfile.so wrote of what it heard, 16 bit samples behind a header of 44 bytes; RATE of them a second."""
        for path in self._folder.glob("snd/*-dec.wav"):
            data = path.read_bytes()[44:]
            values = [value for (value,) in struct.iter_unpack("<h", data[: len(data) // 2 * 2])]
            return values[:: self._rate // RATE * self._channels]
        return []
