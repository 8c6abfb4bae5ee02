"""SIPp as caller and as agent: for many calls at once, for TCP, and for a trace that is not our own."""

import contextlib
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.calls.edges import free_port

SCENARIOS = Path(__file__).with_name("scenarios")


@dataclass(frozen=True, slots=True)
class Traced:
    """One message of a trace."""

    #: Seconds since the epoch.
    time: float
    sent: bool
    first: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a run."""

    calls: int
    failed: int
    log: str
    trace: list[Traced]


@dataclass
class Uas:
    """A running SIPp that answers."""

    address: str
    port: int
    folder: Path

    @property
    def at(self) -> str:
        return f"{self.address}:{self.port}"

    def trace(self) -> list[Traced]:
        return traced(self.folder)


def traced(folder: Path) -> list[Traced]:
    """What `-trace_msg` has written in that folder, in order."""
    pattern = re.compile(
        r"^-+ (\d{4}-\d\d-\d\d[T\s]+\d\d:\d\d:\d\d\.\d+)\s*([\d.]*)\n\w+ message (sent|received)[^\n]*\n\n([^\r\n]*)",
        re.M,
    )
    found = []
    for path in folder.glob("*_messages.log"):
        for stamp, _, direction, first in pattern.findall(path.read_text(errors="replace")):
            moment = time.mktime(time.strptime(stamp[:19].replace("\t", " ").replace("T", " "), "%Y-%m-%d %H:%M:%S"))
            found.append(Traced(moment + float("0" + stamp[19:]), direction == "sent", first))
    return sorted(found, key=lambda message: message.time)


def _sipp() -> str:
    found = shutil.which("sipp")
    assert found, "sipp is missing: scripts/packages.sh test"
    return found


@contextlib.contextmanager
def answering(address: str, *, transport: str = "udp", trace: bool = True) -> Iterator[Uas]:
    """A SIPp that answers calls at that address."""
    with tempfile.TemporaryDirectory(prefix="cordboard-sipp-") as name:
        uas = Uas(address, free_port(address), Path(name))
        command = [_sipp(), "-sf", SCENARIOS / "answer.xml", *_at(uas.address, uas.port, transport), "-nostdin"]
        with (uas.folder / "screen").open("wb") as screen:
            process = subprocess.Popen(
                [*command, *(["-trace_msg"] if trace else [])],
                cwd=name,
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=screen,
            )
        try:
            _wait_for_port(uas, transport)
            yield uas
        finally:
            process.kill()
            process.wait()


def place_calls(
    edge: tuple[str, int],
    rows: list[str],
    *,
    address: str = "127.0.1.1",
    rate: int = 100,
    scenario: str = "call",
    at_once: int = 1000,
    trace: bool = False,
    seconds: float = 120,
    transport: str = "udp",
) -> Result:
    """Place a call for each row, which is the user of the request URI, and wait for the last to end."""
    with tempfile.TemporaryDirectory(prefix="cordboard-sipp-") as name:
        (Path(name) / "rows.csv").write_text("SEQUENTIAL\n" + "".join(f"{row};\n" for row in rows))
        done = subprocess.run(
            [
                *(_sipp(), f"{edge[0]}:{edge[1]}", "-sf", SCENARIOS / f"{scenario}.xml", "-inf", "rows.csv"),
                *_at(address, free_port(address), transport),
                *("-r", str(rate), "-l", str(at_once), "-m", str(len(rows)), "-nostdin", "-timeout", f"{seconds:.0f}"),
                *("-trace_err", "-trace_stat", "-fd", "1", *(["-trace_msg"] if trace else [])),
            ],
            cwd=name,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds + 30,
            check=False,
        )
        statistics = next(Path(name).glob(f"{scenario}_*_.csv")).read_text().splitlines()
        values = dict(zip(statistics[0].split(";"), statistics[-1].split(";"), strict=False))
        errors = "".join(
            _complaints(path.read_text(errors="replace"))[:4000] for path in Path(name).glob("*_errors.log")
        )
        return Result(
            calls=int(values["SuccessfulCall(C)"]) + int(values["FailedCall(C)"]),
            failed=int(values["FailedCall(C)"]),
            log=errors or done.stdout.decode(errors="replace")[-2000:],
            trace=traced(Path(name)),
        )


def _complaints(log: str) -> str:
    """Without a second answer to what was sent twice, for a call that had ended well: it hides what went wrong."""
    events = re.split(r"(?=\d{4}-\d\d-\d\d\t)", log)
    return "".join(event for event in events if not re.search(r"Dead call \S+ \(successful\)", event))


def _at(address: str, port: int, transport: str) -> list[str]:
    return ["-i", address, "-p", str(port), "-t", "t1" if transport == "tcp" else "u1"]


def _wait_for_port(uas: Uas, transport: str) -> None:
    """Until the kernel shows it: SIPp says nothing when it is ready."""
    octets = "".join(f"{int(part):02X}" for part in reversed(uas.address.split(".")))
    wanted = f"{octets}:{uas.port:04X}"
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if wanted in Path(f"/proc/net/{'tcp' if transport == 'tcp' else 'udp'}").read_text():
            return
        time.sleep(0.01)
    raise AssertionError((uas.folder / "screen").read_text(errors="replace"))
