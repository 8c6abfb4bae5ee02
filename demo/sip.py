"""The far ends of the demo's calls: SIPp speaks SIP for carriers and agents, baresip where it is encrypted; each plays
a tone.
"""

import contextlib
import re
import shutil
import subprocess
import tempfile
import time
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.calls.baresip import Baresip
from tests.calls.edges import free_port
from tests.calls.tones import RATE, ToneEndpoint, loudest

SCENARIOS = Path(__file__).with_name("scenarios")
#: A call that takes longer has gone wrong.
CALL_SECONDS = 20
#: Of a telephone's call.
TALK_SECONDS = 2

_MESSAGE = re.compile(r"^-{20,} (\S+ \S+)\n\S+ message (sent|received) .*:\n\n", re.M)


@dataclass(frozen=True, slots=True)
class Message:
    """One SIP message as SIPp has logged it."""

    time: datetime
    sent: bool
    text: str

    @property
    def first(self) -> str:
        return self.text.split("\r\n", 1)[0].split("\n", 1)[0].strip()

    def header(self, name: str) -> str:
        match = re.search(rf"^{name}:\s*(.*?)\s*$", self.text, re.M | re.I)
        return match[1] if match else ""

    @property
    def media(self) -> tuple[str, int] | None:
        """Where the SDP, if there is one, wants the audio."""
        address = re.search(r"^c=IN IP4 (\S+)", self.text, re.M)
        port = re.search(r"^m=audio (\d+)", self.text, re.M)
        return (address[1], int(port[1])) if address and port else None


def messages(log: Path) -> list[Message]:
    """What SIPp's `-trace_msg` has written so far."""
    text = log.read_text(errors="replace") if log.exists() else ""
    heads = list(_MESSAGE.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)][: len(heads)]
    return [
        Message(datetime.fromisoformat(head[1]), head[2] == "sent", text[head.end() : end].strip())
        for head, end in zip(heads, ends, strict=True)
    ]


@dataclass
class End:
    """Somebody who answers every call at `address`, and plays a tone into it."""

    name: str
    address: str
    port: int
    frequency: int
    tone: ToneEndpoint
    log: Path

    @property
    def at(self) -> str:
        return f"{self.address}:{self.port}"

    def saw(self, call_id: str = "") -> list[Message]:
        return [m for m in messages(self.log) if not call_id or m.header("Call-ID") == call_id]


@dataclass(frozen=True)
class Caller:
    """Somebody who calls: the number shown, where from, and what he plays."""

    name: str
    address: str
    number: str
    frequency: int


@dataclass(frozen=True)
class Call:
    """A call that has ended: what each end saw and heard."""

    caller: Caller
    status: int
    #: Who got it, if anybody did.
    end: End | Baresip | None
    caller_saw: list[Message]
    end_saw: list[Message]
    #: Frequency in Hz that stood out in what each end recorded; None: nothing did.
    caller_heard: int | None
    end_heard: int | None


@contextlib.contextmanager
def answering(name: str, address: str, frequency: int, folder: Path, scenario: str = "answering") -> Iterator[End]:
    """A SIPp that answers at a free port of `address`."""
    with contextlib.ExitStack() as stack:
        tone = stack.enter_context(ToneEndpoint(address, frequency))
        log = folder / f"{name}.log"
        made = End(name, address, free_port(address), frequency, tone, log)
        process = subprocess.Popen(
            [*_sipp(scenario, address, made.port, log), "-key", "media_port", str(tone.port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        yield made


def place(
    edge: str, called: str, *, caller: Caller, ends: list[End], log: Path, encrypted: Baresip | None = None
) -> Call:
    """Call `called` through the edge, talk for two seconds if answered. `encrypted` is who else may get it.

    Recordings stand beside `log`.
    """
    with ToneEndpoint(caller.address, caller.frequency) as tone, ThreadPoolExecutor(1) as listening:
        heard_before = {end.name: len(end.tone.samples) for end in ends}
        known = {end.name: len(end.saw()) for end in ends}
        ears = None if encrypted is None else listening.submit(encrypted.hears)
        process = subprocess.Popen(
            [
                *(*_sipp("caller", caller.address, free_port(caller.address), log), edge, "-m", "1"),
                *("-key", "called", called, "-key", "caller", caller.number),
                *("-key", "media_port", str(tone.port), "-timeout", str(CALL_SECONDS)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _connect_audio(process, log, tone, ends, known)
        finally:
            process.kill()
            process.wait()
            for end in ends:
                end.tone.play_to(None)
        saw = messages(log)
        call_id = saw[0].header("Call-ID")
        reached = next((end for end in ends if any("200 OK" in m.first for m in end.saw(call_id))), None)
        heard = reached.tone.samples[heard_before[reached.name] :] if reached else []
        for side, samples in (("caller", tone.samples), ("end", heard)):
            _record(log.with_name(f"{log.stem}-{side}.wav"), samples)
        return Call(
            caller=caller,
            status=_final(saw),
            end=reached or encrypted,
            caller_saw=saw,
            end_saw=reached.saw(call_id) if reached else [],
            caller_heard=loudest(tone.samples),
            end_heard=ears.result() if ears else loudest(heard),
        )


@dataclass(frozen=True)
class Heard:
    """A telephone's call that has ended: whether it was answered, and what each side heard, in Hz."""

    answered: bool
    phone_heard: int | None
    end_heard: int | None


def dial(phone: Baresip, uri: str, end: End) -> Heard:
    """A call of a registered telephone's to `end`, for as long as it takes to hear each other."""
    heard_before, known = len(end.tone.samples), len(end.saw())
    phone.dial(uri)
    answered, until = False, time.monotonic() + CALL_SECONDS
    while time.monotonic() < until:
        # SIPp may note the INVITE after all else has happened
        for message in end.saw()[known:]:
            if message.first.startswith("INVITE") and message.media:
                end.tone.play_to(message.media)
        if phone.talks(0.05) and not answered:
            answered, until = True, time.monotonic() + TALK_SECONDS
        if phone.closed(0.05):
            break
    phone_heard = phone.hears() if answered else None
    end_heard = loudest(end.tone.samples[max(heard_before, len(end.tone.samples) - RATE) :])
    phone.hang_up()
    end.tone.play_to(None)
    return Heard(answered, phone_heard, end_heard)


#: Columns between two of the ladder's lifelines.
_GAP = 31


def ladder(call: Call) -> list[str]:
    """The call line by line: seconds since its INVITE, then the message between the two it went between."""
    events = [(m, False) for m in call.caller_saw] + [(m, True) for m in call.end_saw]
    # SIPp notes what it sends when it has been sent, and others may have been quicker than that
    start = call.caller_saw[0].time
    events.sort(key=lambda event: (max(event[0].time, start), event[1]))
    end = f"{call.end.name} {call.end.at}" if isinstance(call.end, End) else ""
    names = [f"{call.caller.name} {call.caller.address}", "edge", end]
    lines = [" " * 10 + "".join(name.ljust(_GAP + 1) for name in names).rstrip()]
    for message, at_end in events:
        seconds = (max(message.time, start) - start).total_seconds()
        # the caller's messages leave to the right, those of the one who answers to the left
        arrow = _arrow(_short(message.first), to_right=message.sent != at_end)
        blank = " " * _GAP
        drawn = f"│{blank}│{arrow}│" if at_end else f"│{arrow}│" + (f"{blank}│" if end else "")
        lines.append(f"{seconds:8.3f}  {drawn}")
    return lines


def _arrow(label: str, *, to_right: bool) -> str:
    text = f" {label[: _GAP - 8]} "
    return f"{text:─^{_GAP - 1}}►" if to_right else f"◄{text:─^{_GAP - 1}}"


def _connect_audio(
    process: subprocess.Popen[bytes], log: Path, tone: ToneEndpoint, ends: list[End], known: dict[str, int]
) -> None:
    """Until the call is over: play each tone to where the SDP of the other side wants it.

    `known` is how many messages each end had before this call.
    """
    deadline = time.monotonic() + CALL_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        for message in messages(log):
            if not message.sent and message.first.startswith("SIP/2.0 200") and message.media:
                tone.play_to(message.media)
        for end in ends:
            for message in end.saw()[known[end.name] :]:
                if message.first.startswith("INVITE") and message.media:
                    end.tone.play_to(message.media)
        time.sleep(0.02)


def _final(saw: list[Message]) -> int:
    """The status that the INVITE ended with; 0 if none came."""
    answers = [int(m.first.split()[1]) for m in saw if not m.sent and m.first.startswith("SIP/2.0")]
    return next((status for status in answers if status >= 200), 0)


def _short(first: str) -> str:
    """`INVITE` of a request, `480 Temporarily Unavailable` of a response."""
    return first.removeprefix("SIP/2.0 ") if first.startswith("SIP/2.0") else first.split()[0]


def _record(path: Path, samples: list[int]) -> None:
    if not samples:
        return
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples))


def _sipp(scenario: str, address: str, port: int, log: Path) -> list[str]:
    program = shutil.which("sipp")
    if program is None:
        raise SystemExit("sipp is missing: run scripts/packages.sh demo")
    return [
        *(program, "-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", address, "-p", str(port)),
        *("-nostdin", "-trace_msg", "-message_file", str(log)),
    ]


def scratch() -> Path:
    """A folder for this run, which the edge's user can pass through."""
    folder = Path(tempfile.mkdtemp(prefix="cordboard-demo-"))
    folder.chmod(0o711)
    return folder
