"""The product as its users start it: `cordboard serve` as a process, and the commands that talk to it."""

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).with_name("cordboard")
START_SECONDS = 30


class NotServing(AssertionError):
    """The server ended, or did not answer in time; the message holds what it said."""


@dataclass
class Server:
    """A running `cordboard serve`."""

    process: subprocess.Popen[bytes]
    data: Path
    log: Path

    @property
    def url(self) -> str:
        return (self.data / "server.url").read_text().strip()

    def kill(self) -> None:
        """`kill -9`: what the engines must outlive."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to stop as an init system would; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)

    def wait(self, path: str = "/livez", seconds: float = START_SECONDS) -> None:
        """Until `path` answers 200. Raises NotServing."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError), urllib.request.urlopen(self.url + path, timeout=5) as answer:
                if answer.status == 200:
                    return
            time.sleep(0.01)
        raise NotServing(f"{path} did not answer: {self.log.read_text()[-4000:]}")


def start(data: Path, *arguments: str, environment: dict[str, str] | None = None) -> Server:
    """Start a server on a free HTTP port, without waiting for it."""
    data.mkdir(parents=True, exist_ok=True)
    (data / "server.url").unlink(missing_ok=True)
    log = data / "serve.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [COMMAND, "serve", "--data", data, "--listen", "127.0.0.1:0", *arguments],
            env={**os.environ, "CORDBOARD_ALLOW_PRIVATE_HOSTS": "true", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    return Server(process=process, data=data, log=log)


@contextlib.contextmanager
def serving(data: Path, *arguments: str, ready: str = "/readyz", **rest: Any) -> Iterator[Server]:
    """A server that is up; stopped at the end, with whatever engines it left."""
    server = start(data, *arguments, **rest)
    try:
        server.wait(ready)
        yield server
    finally:
        server.stop()
        subprocess.run([COMMAND, "down", "--data", data], check=False, capture_output=True, timeout=30)


def cordboard(data: Path, *arguments: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command against the server of `data`."""
    done = subprocess.run(
        [COMMAND, *arguments, "--data", data], check=False, capture_output=True, text=True, timeout=60
    )
    if ok:
        assert done.returncode == 0, f"cordboard {' '.join(arguments)}: {done.stderr}"
    return done


def call(method: str, url: str, key: str, body: Any = None) -> tuple[int, Any]:
    """One API request with a bearer token: status and decoded body."""
    return _request(method, url, f"Bearer {key}", "application/json", body)


def call_as_operator(method: str, url: str, login: str, body: Any = None) -> tuple[int, Any]:
    """One request to the operator API as `NAME:PASSWORD`: status and document."""
    basic = base64.b64encode(login.encode()).decode()
    return _request(method, url, f"Basic {basic}", "application/vnd.api+json", body)


def _request(method: str, url: str, authorization: str, media_type: str, body: Any) -> tuple[int, Any]:
    request = urllib.request.Request(
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": authorization, "Content-Type": media_type},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, raw = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, raw = error.code, error.read()
    return status, json.loads(raw) if raw else None
