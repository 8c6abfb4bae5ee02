"""The far ends of the demo's calls: SIPp speaks SIP for the carrier and for the agents, and each plays a tone."""

import contextlib
import re
import shutil
import subprocess
import tempfile
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tests.calls.edges import free_port
from tests.calls.tones import RATE, ToneEndpoint, loudest

SCENARIOS = Path(__file__).with_name("scenarios")
#: A call that takes longer has gone wrong.
CALL_SECONDS = 20

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
class Agent:
    """An AI agent's SIP side: answers every call at `address` and plays its tone into it."""

    name: str
    address: str
    port: int
    tone: ToneEndpoint
    log: Path

    @property
    def at(self) -> str:
        return f"{self.address}:{self.port}"


@dataclass(frozen=True)
class Call:
    """A call that has ended: what each end saw and heard."""

    carrier: str
    status: int
    #: Of the agent that got it, if one did.
    agent: Agent | None
    carrier_saw: list[Message]
    agent_saw: list[Message]
    #: Frequency in Hz that stood out in what each end recorded; None: nothing did.
    carrier_heard: int | None
    agent_heard: int | None
    recordings: list[Path] = field(default_factory=list)


@contextlib.contextmanager
def agent(name: str, address: str, frequency: int, folder: Path) -> Iterator[Agent]:
    """A SIPp that answers at a free port of `address`."""
    with contextlib.ExitStack() as stack:
        tone = stack.enter_context(ToneEndpoint(address, frequency))
        made = Agent(name=name, address=address, port=free_port(address), tone=tone, log=folder / f"{name}.log")
        process = subprocess.Popen(
            [*_sipp("agent", address, made.port, made.log), "-key", "media_port", str(tone.port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        yield made


def place(edge: str, called: str, *, source: str, frequency: int, agents: list[Agent], folder: Path, name: str) -> Call:
    """Call `called` through the edge from a carrier's address, talk for two seconds if answered."""
    log = folder / f"{name}.log"
    with ToneEndpoint(source, frequency) as tone:
        heard_before = {a.name: len(a.tone.samples) for a in agents}
        known = {a.name: len(messages(a.log)) for a in agents}
        process = subprocess.Popen(
            [
                *(*_sipp("carrier", source, free_port(source), log), edge, "-m", "1"),
                *("-key", "called", called, "-key", "media_port", str(tone.port), "-timeout", str(CALL_SECONDS)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _connect_audio(process, log, tone, agents, known)
        finally:
            process.kill()
            process.wait()
            for each in agents:
                each.tone.play_to(None)
        carrier_saw = messages(log)
        call_id = carrier_saw[0].header("Call-ID")
        seen = {a.name: [m for m in messages(a.log) if m.header("Call-ID") == call_id] for a in agents}
        reached = next((a for a in agents if seen[a.name]), None)
        heard = reached.tone.samples[heard_before[reached.name] :] if reached else []
        return Call(
            carrier=source,
            status=_final(carrier_saw),
            agent=reached,
            carrier_saw=carrier_saw,
            agent_saw=seen[reached.name] if reached else [],
            carrier_heard=loudest(tone.samples),
            agent_heard=loudest(heard),
            recordings=[
                _record(folder / f"{name}-{side}.wav", samples)
                for side, samples in (("carrier", tone.samples), ("agent", heard))
                if samples
            ],
        )


#: Columns between two of the ladder's lifelines.
_GAP = 31


def ladder(call: Call) -> list[str]:
    """The call line by line: seconds since its INVITE, then the message between the two it went between."""
    events = [(m, False) for m in call.carrier_saw] + [(m, True) for m in call.agent_saw]
    events.sort(key=lambda event: event[0].time)
    start = events[0][0].time
    names = [f"carrier {call.carrier}", "edge", f"{call.agent.name} {call.agent.at}" if call.agent else ""]
    lines = [" " * 10 + "".join(name.ljust(_GAP + 1) for name in names).rstrip()]
    for message, at_agent in events:
        seconds = (message.time - start).total_seconds()
        # the carrier's messages leave to the right, the agent's to the left
        arrow = _arrow(_short(message.first), to_right=message.sent != at_agent)
        blank = " " * _GAP
        drawn = f"│{blank}│{arrow}│" if at_agent else f"│{arrow}│" + (f"{blank}│" if call.agent else "")
        lines.append(f"{seconds:8.3f}  {drawn}")
    return lines


def _arrow(label: str, *, to_right: bool) -> str:
    text = f" {label[: _GAP - 8]} "
    return f"{text:─^{_GAP - 1}}►" if to_right else f"◄{text:─^{_GAP - 1}}"


def _connect_audio(
    process: subprocess.Popen[bytes], log: Path, tone: ToneEndpoint, agents: list[Agent], known: dict[str, int]
) -> None:
    """Until the call is over: play each tone to where the SDP of the other side wants it.

    `known` is how many messages each agent had before this call.
    """
    deadline = time.monotonic() + CALL_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        for message in messages(log):
            if not message.sent and message.first.startswith("SIP/2.0 200") and message.media:
                tone.play_to(message.media)
        for each in agents:
            for message in messages(each.log)[known[each.name] :]:
                if message.first.startswith("INVITE") and message.media:
                    each.tone.play_to(message.media)
        time.sleep(0.02)


def _final(saw: list[Message]) -> int:
    """The status that the INVITE ended with; 0 if none came."""
    answers = [int(m.first.split()[1]) for m in saw if not m.sent and m.first.startswith("SIP/2.0")]
    return next((status for status in answers if status >= 200), 0)


def _short(first: str) -> str:
    """`INVITE` of a request, `480 Temporarily Unavailable` of a response."""
    return first.removeprefix("SIP/2.0 ") if first.startswith("SIP/2.0") else first.split()[0]


def _record(path: Path, samples: list[int]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples))
    return path


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
