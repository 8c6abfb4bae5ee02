"""Many calls through a relay, by SIPp."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.calls.edges import free_port
from tests.calls.phone import Address

SCENARIO = Path(__file__).with_name("call.xml")
#: Calls a second, and seconds that each is answered: longer than Kamailio waits before it writes it down (2 s).
RATE, TALKS = 250, 2.5
#: Until calls that hang are given up.
PATIENCE = 60


class CallsFailed(Exception):
    """Not every call was answered and hung up, so their CPU says nothing. The message is what SIPp told."""


def place(to: Address, rows: Sequence[str], address: str) -> None:
    """A call for each row, `called;caller`, from that address; returns when all are over. Raises CallsFailed."""
    sipp = shutil.which("sipp")
    if sipp is None:
        raise CallsFailed("sipp is missing: make install-test")
    with tempfile.TemporaryDirectory(prefix="cordboard-bench-sipp-") as folder:
        (Path(folder) / "rows.csv").write_text("SEQUENTIAL\n" + "".join(f"{row}\n" for row in rows))
        done = subprocess.run(
            [
                *(sipp, f"{to[0]}:{to[1]}", "-sf", SCENARIO, "-inf", "rows.csv", "-i", address),
                *("-p", str(free_port(address)), "-t", "u1", "-r", str(RATE), "-l", str(len(rows))),
                *("-m", str(len(rows)), "-d", f"{TALKS * 1000:.0f}", "-nostdin", "-timeout", str(PATIENCE)),
                "-trace_err",
            ],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE + 30,
            check=False,
        )
        if done.returncode != 0:  # 1: at least one call failed
            told = "".join(path.read_text(errors="replace")[:2000] for path in Path(folder).glob("*_errors.log"))
            raise CallsFailed(told or done.stdout.decode(errors="replace")[-2000:])
