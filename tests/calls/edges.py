"""A running edge for tests: its supervisor on a thread of its own, its file filled by hand."""

import asyncio
import contextlib
import json
import os
import random
import shutil
import socket
import tempfile
import threading
import time
import urllib.request
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import structlog
import uvloop

from cordboard.domain.addresses import parse_host_port
from cordboard.domain.dialled import routing_key
from cordboard.domain.edge import AccountRow, AgentRow, NumberRow, TrunkRow, hop, hop_of_uri
from cordboard.domain.routing import Invite
from cordboard.engines.edge.config import EdgeFailed
from cordboard.engines.edge.file import Drop, EdgeFile, Kind, Put
from cordboard.engines.edge.supervisor import Edge, EdgeOptions, prepare
from tests.calls.ng import query

T = TypeVar("T")
EDGE_ADDRESS = "127.0.0.1"


def free_port(address: str = EDGE_ADDRESS) -> int:
    """A port that is free for UDP and TCP now, below those that the kernel gives to anybody's connections."""
    for port in random.sample(range(10000, 16000), 1000):
        with (
            socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(tcp.family, socket.SOCK_DGRAM) as udp,
            contextlib.suppress(OSError),
        ):
            tcp.bind((address, port))
            udp.bind((address, port))
            return port
    raise AssertionError(f"no port is free at {address}")


def options(data: Path, **changes: Any) -> EdgeOptions:
    """Options of an edge on free ports of loopback."""
    first = random.randrange(16000, 28000, 500)
    values = {"sip_listen": (f"{EDGE_ADDRESS}:{free_port()}",), "rtp_min": first, "rtp_max": first + 3998}
    # tests call faster than people
    values |= {"trunk_calls_per_second": 0, "tenant_calls_per_second": 0}
    return EdgeOptions(data=data, **(values | changes))


class RunningEdge:
    """An edge that takes calls. `file` is open for writing; `edge` is the supervisor, used through `run`."""

    def __init__(self, options: EdgeOptions) -> None:
        self.options = options
        self.folder = prepare(options)
        self.file = EdgeFile(self.folder / "edge.sqlite", options.uid, options.gid)
        if self.file.applied() is None:
            self.file.rebuild((), "test", 1)
        self.revision = 1
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.edge = Edge(options, structlog.get_logger())

    def run(self, work: Coroutine[Any, Any, T], seconds: float = 30) -> T:
        """Run a coroutine of the supervisor's."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def start(self) -> None:
        self.run(self.edge.start())

    def close(self) -> None:
        """Stop supervising, as a killed process would: the engines are ended only by `edge.stop`."""
        self.run(self.edge.detach())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.file.close()

    @property
    def sip(self) -> tuple[str, int]:
        address, _, port = self.options.sip_listen[0].rpartition(":")
        return address.strip("[]"), int(port)

    def put(self, *rows: NumberRow | TrunkRow | AgentRow | AccountRow) -> None:
        """Effective for the next call."""
        self.file.stage(Put(row) for row in rows)
        self._commit()

    def drop(self, kind: Kind, id: str) -> None:
        self.file.stage([Drop(kind, id)])
        self._commit()

    def refusals(self) -> list[str]:
        """The lines of Kamailio's log that tell of a refused call, from `refused` on."""
        lines = (self.options.data / "kamailio.log").read_text(errors="replace").splitlines()
        return [line[line.index("refused ") :] for line in lines if "<script>: refused " in line]

    def decide(self, invite: Invite) -> dict[str, Any]:
        """What the edge's own `GET /decide` says."""
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.edge.ports.decide}{decide_path(invite)}", timeout=5
        ) as answer:
            return json.loads(answer.read())  # type: ignore[no-any-return]

    def relays(self, call_id: str) -> bool:
        """Whether rtpengine holds ports for that call."""
        return query(self.edge.ports.ng, call_id)["result"] == "ok"

    def profiles(self, call_id: str) -> list[str]:
        """Profile and suite of each leg as rtpengine has them: `RTP/AVP`, `RTP/SAVP AES_CM_128_HMAC_SHA1_80`."""
        legs = query(self.edge.ports.ng, call_id)["tags"].values()
        streams = [leg["medias"][0]["streams"][0] | leg["medias"][0] for leg in legs if leg["medias"]]
        return sorted(f"{stream['protocol']} {stream.get('crypto suite', '')}".strip() for stream in streams)

    def scores(self, call_id: str) -> bool:
        """Whether rtpengine has heard from a side of that call how the other sounds."""
        sources = query(self.edge.ports.ng, call_id).get("SSRC", {}).values()
        return any("MOS" in source.get("average MOS", {}) for source in sources)

    def until_ready(self, seconds: float = 5) -> float:
        """Wait until calls are taken; how long that took."""
        start = time.monotonic()
        while not self.edge.ready:
            assert time.monotonic() < start + seconds, "the edge does not come back"
            time.sleep(0.01)
        return time.monotonic() - start

    def _commit(self) -> None:
        self.revision += 1
        self.file.commit(self.revision)


def decide_path(invite: Invite) -> str:
    texts = {name: getattr(invite, name).encode().hex() for name in ("user", "host", "caller", "caller_host")}
    hexadecimal = "&".join(f"{name}={text}" for name, text in texts.items())
    proofs = f"login={invite.login}&proved={invite.proved}"
    called = "&".join(
        f"{name}={getattr(invite, name).encode().hex()}" for name in ("to", "to_host", "party", "party_host")
    )
    return f"/decide?source={invite.source}&{hexadecimal}&{proofs}&offered={invite.offered}&{called}"


@contextlib.contextmanager
def data_directory() -> Iterator[Path]:
    """A new data directory that the engines' user can reach, which pytest's own are not."""
    path = Path(tempfile.mkdtemp(prefix="cordboard-test-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path)


@contextlib.contextmanager
def running_edge(**changes: Any) -> Iterator[RunningEdge]:
    """An edge of its own in a new data directory, ended at the end."""
    with data_directory() as data:
        running = _started(data, changes)
        try:
            yield running
        finally:
            running.run(running.edge.stop())
            running.close()


def _started(data: Path, changes: dict[str, Any], attempts: int = 3) -> RunningEdge:
    """A port that was free may be somebody else's by the time that it is used: then others are tried."""
    running = RunningEdge(options(data, **changes))
    try:
        running.start()
    except EdgeFailed:
        running.close()
        if attempts == 1:
            raise
        return _started(data, changes, attempts - 1)
    return running


def number(
    number: str = "+34911234567", *, trunk: str = "trunk", agent: str | None = "agent", agent_out: str | None = None
) -> NumberRow:
    return NumberRow(
        key=routing_key(number),
        number_id=f"id-{number}",
        number=number,
        user=number.partition("@")[0],
        tenant="tenant",
        trunk=trunk,
        agent_in=agent,
        agent_out=agent_out,
    )


def trunk(id: str = "trunk", *allowed: str, gateways: Sequence[str] = (), probe: bool = False, **more: Any) -> TrunkRow:
    """Without addresses: open. Gateways are `host:port`, each of a rank of its own."""
    hops = tuple(
        replace(hop(parse_host_port(gateway), probe=probe), rank=rank) for rank, gateway in enumerate(gateways)
    )
    values = {"tenant": "tenant", "media_in": "allow", "hops": hops} | more
    return TrunkRow(id=id, open=not allowed, allowed=",".join(allowed), **values)


def agent(id: str = "agent", uri: str = "sip:agent@127.0.2.1:5070", **more: Any) -> AgentRow:
    return AgentRow(id=id, version=f"version-of-{id}", uri=uri, **({"hops": (hop_of_uri(uri),)} | more))


def running_as() -> int:
    """The uid that the engines run as."""
    return 5060 if os.geteuid() == 0 else os.geteuid()
