"""What carries the calls that are measured: a Kamailio that only relays, one that decides too, and the whole edge."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import servers
from cordboard.engines.edge import config
from cordboard.engines.edge.config import EdgeOptions, Ports
from cordboard.engines.edge.events import EventFile, Ingested
from cordboard.engines.edge.file import EdgeFile, Put
from cordboard.engines.edge.folder import Record
from tests.calls import edges
from tests.calls.edges import EDGE_ADDRESS, RunningEdge, free_port
from tests.calls.phone import Address

CONFIGURATION = Path(__file__).with_name("kamailio") / "relay.cfg"
#: Where carriers and agents call from.
CARRIERS, AGENTS = "127.0.1.0/24", "127.0.2.0/24"
START_SECONDS = 10
#: Rows that are staged together.
_SOME = 20_000


class RelayFailed(Exception):
    """A Kamailio did not start; the message is its log."""


@dataclass(frozen=True, kw_only=True)
class Relay:
    """Something that takes calls."""

    at: Address
    kamailio: tuple[int, ...]
    rtpengine: tuple[int, ...] = ()
    #: Its database, if it has one.
    file: Path | None = None
    #: What has to be done after some calls so that it can tidy up.
    done: Callable[[], None] = lambda: None


def number(index: int) -> str:
    return f"+34{600_000_000 + index}"


def fill(file: EdgeFile, numbers: int, agent: str, gateway: str) -> None:
    """So many numbers as imports make them: each with a trunk of its own, all with one agent."""
    hops = edges.trunk(gateways=[gateway]).hops
    file.clear("bench")
    file.stage([Put(edges.agent(uri=f"sip:{{number}}@{agent}", sources=AGENTS))])
    for first in range(0, numbers, _SOME):
        some = range(first, min(first + _SOME, numbers))
        file.stage(
            Put(edges.number(number(index), trunk=_trunk(index), agent="agent", agent_out="agent")) for index in some
        )
        file.stage(Put(edges.trunk(_trunk(index), CARRIERS, hops=hops)) for index in some)
    file.commit(2)


@contextlib.contextmanager
def whole_edge(numbers: int, agent: str, gateway: str) -> Iterator[Relay]:
    """The product's edge as its users start it, but for limits that this many calls would meet.

    Gateways are not asked by OPTIONS either: SIPp would take one for a call.
    """
    with servers.folder() as data:
        data.chmod(0o711)
        running = RunningEdge(_options(data))
        fill(running.file, numbers, agent, gateway)
        try:
            running.start()
            processes = Record.read(data).processes
            yield Relay(
                at=running.sip,
                kamailio=tree(processes["kamailio"].pid),
                rtpengine=tree(processes["rtpengine"].pid),
                file=running.folder / "edge.sqlite",
                done=lambda: _take_events(running.folder),
            )
        finally:
            running.run(running.edge.stop())
            running.close()


@contextlib.contextmanager
def plain(agent: str, lookup: Path | None = None) -> Iterator[Relay]:
    """A Kamailio that relays all calls to `agent`; or that decides, by that file, where they go."""
    with servers.folder() as folder:
        options = _options(folder)
        local = config.local_cfg(options, folder, Ports(ng=free_port(), decide=free_port()), "bench")
        own = f'#!substdef "!AGENT!{agent}!g"\n' + ("" if lookup is None else "#!define LOOKUP\n")
        if lookup is not None:
            local = local.replace(str(folder / "edge.sqlite"), str(lookup))
        for name, text in config.kamailio_cfg().items():
            (folder / name).write_text(text)
        (folder / "local.cfg").write_text(own + local)
        shutil.copy(CONFIGURATION, folder / "kamailio.cfg")
        address, _, port = options.sip_listen[0].rpartition(":")
        with started(folder, int(port)) as processes:
            yield Relay(at=(address, int(port)), kamailio=processes)


@contextlib.contextmanager
def started(folder: Path, port: int) -> Iterator[tuple[int, ...]]:
    """A Kamailio by the configuration in that folder, once it listens: its processes."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            config.kamailio_command(folder),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _until_listening(process, port, folder / "log")
        yield tree(process.pid)
    finally:
        # what it would write down on its way out, nobody reads
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(START_SECONDS)


def _options(data: Path) -> EdgeOptions:
    many = 1_000_000
    return edges.options(
        data,
        rtp_min=16_000,
        rtp_max=31_998,
        probe_seconds=0,
        trunk_max_calls=many,
        trunk_calls_per_second=many,
        tenant_max_calls=many,
        tenant_calls_per_second=many,
    )


def _trunk(index: int) -> str:
    return f"{index:08x}-0001-4000-8000-000000000000"


def _take_events(folder: Path) -> None:
    """As the control plane does once they stand in the store: Kamailio deletes them."""
    batch = EventFile(folder / "events.sqlite").after("", 0, 1 << 30)
    if batch.rows:
        Ingested(folder / "edge.sqlite").publish(batch.file, batch.rows[-1][0])


def tree(pid: int) -> tuple[int, ...]:
    """The process and its children, which are all that Kamailio has."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return (pid, *map(int, children))


def _until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    octets = "".join(f"{int(part):02X}" for part in reversed(EDGE_ADDRESS.split(".")))
    deadline = time.monotonic() + START_SECONDS
    while f"{octets}:{port:04X}" not in Path("/proc/net/udp").read_text():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RelayFailed(log.read_text(errors="replace"))
        time.sleep(0.02)
    # its workers are there when its TCP side is
    time.sleep(0.5)
