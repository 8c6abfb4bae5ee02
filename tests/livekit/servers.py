"""A LiveKit of its own on loopback: redis-server, livekit-server, and livekit-sip where calls are placed."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.calls.edges import free_port

KEY = "devkey"
SECRET = "a secret of thirty-two characters"
START_SECONDS = 20
LOCKS = Path(__file__).parents[2] / "scripts" / "livekit"
#: Where scripts/livekit.sh puts what it builds.
BUILT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cordboard" / "livekit"


class NotBuilt(Exception):
    """LiveKit's programs are not there; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Programs:
    """The three programs."""

    redis: Path
    server: Path
    sip: Path

    @classmethod
    def found(cls) -> "Programs":
        """Raises NotBuilt."""
        redis = shutil.which("redis-server")
        server, sip = _built("server", "livekit/livekit-server"), _built("sip", "livekit/sip")
        if redis is None or not server.exists() or not sip.exists():
            why = BUILT / "why-not"
            said = why.read_text().strip() if why.exists() else "`make install-livekit` builds it"
            raise NotBuilt(f"there is no LiveKit here: {said}")
        return cls(redis=Path(redis), server=server, sip=sip)


def _built(name: str, module: str) -> Path:
    """Where the version stands that scripts/livekit/NAME/go.mod names."""
    version = re.search(rf"github\.com/{module} (\S+)", (LOCKS / name / "go.mod").read_text())
    assert version, name
    return BUILT / f"livekit-{name}-{version[1]}"


class LiveKit:
    """Its processes, their folder and their ports. `stop` and `start` of livekit-server keep what redis holds."""

    def __init__(self, programs: Programs, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.redis_port, self.port, self.sip_port = free_port(), free_port(), free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def sip_at(self) -> str:
        return f"127.0.0.1:{self.sip_port}"

    def start(self) -> None:
        """livekit-server, and redis-server if it does not run."""
        if "redis" not in self._running:
            self._run(
                "redis",
                [
                    *(str(self._programs.redis), "--port", str(self.redis_port), "--bind", "127.0.0.1"),
                    *("--save", "", "--appendonly", "no", "--dir", str(self._folder)),
                ],
                self.redis_port,
            )
        first = free_port()
        self._configure(
            "server",
            {
                "port": self.port,
                "bind_addresses": ["127.0.0.1"],
                "redis": {"address": f"127.0.0.1:{self.redis_port}"},
                "keys": {KEY: SECRET},
                "rtc": {
                    "node_ip": "127.0.0.1",
                    "use_external_ip": False,
                    "enable_loopback_candidate": True,
                    "interfaces": {"includes": ["lo"]},
                    "udp_port": first,
                    "tcp_port": free_port(),
                },
                "logging": {"level": "info", "json": True},
            },
        )
        self._run("server", [str(self._programs.server), "--config", str(self._folder / "server.yaml")], self.port)

    def start_sip(self) -> None:
        """livekit-sip, which takes calls at `sip_at`."""
        rtp = free_port()
        self._configure(
            "sip",
            {
                "redis": {"address": f"127.0.0.1:{self.redis_port}"},
                "api_key": KEY,
                "api_secret": SECRET,
                "ws_url": self.ws_url,
                "sip_port": self.sip_port,
                # each call takes one, and a port is not free at once when it has ended
                "rtp_port": f"{rtp}-{rtp + 999}",
                "listen_ip": "127.0.0.1",
                "nat_1_to_1_ip": "127.0.0.1",
                "media_nat_1_to_1_ip": "127.0.0.1",
                "use_external_ip": False,
                # it places no calls on a machine that is busier
                "max_cpu_utilization": 1.0,
                "rtp_draining_duration": "-1s",
                "logging": {"level": "debug", "json": True},
            },
        )
        self._run("sip", [str(self._programs.sip), "--config", str(self._folder / "sip.yaml")], self.sip_port)

    def log(self, name: str) -> str:
        """What `redis`, `server` or `sip` said."""
        return (self._folder / f"{name}.log").read_text(errors="replace")

    def stop(self, *names: str) -> None:
        """Those of `sip`, `server` and `redis`; all without a name."""
        for name in names or ("sip", "server", "redis"):
            process = self._running.pop(name, None)
            if process is None:
                continue
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _configure(self, name: str, values: dict[str, object]) -> None:
        # YAML takes JSON
        path = self._folder / f"{name}.yaml"
        path.touch(0o600)
        path.write_text(json.dumps(values))

    def _run(self, name: str, command: list[str], port: int) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder)
        self._running[name] = process
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.02)
        raise AssertionError(f"{name} does not take connections: {self.log(name)[-4000:]}")


@contextlib.contextmanager
def running_livekit(*, sip: bool = False) -> Iterator[LiveKit]:
    """LiveKit with nothing in it, ended at the end. Raises NotBuilt."""
    programs = Programs.found()
    folder = Path(tempfile.mkdtemp(prefix="cordboard-livekit-"))
    livekit = LiveKit(programs, folder)
    try:
        livekit.start()
        if sip:
            livekit.start_sip()
        yield livekit
    finally:
        livekit.stop()
        shutil.rmtree(folder, ignore_errors=True)
