"""Asking the engines: Kamailio by JSON-RPC over its unix datagram socket, rtpengine by its ng protocol."""

import asyncio
import contextlib
import itertools
import json
import os
import socket
import time
from pathlib import Path
from typing import Any, Self

#: Bytes of an answer; a table with more than a thousand rows does not come.
LONGEST = 1 << 18


class RpcFailed(Exception):
    """Kamailio answered with an error, or not in time."""


class RpcRefused(RpcFailed):
    """Kamailio answered with an error."""


class Rpc:
    """JSON-RPC 2.0 to one Kamailio; answers are matched by id, so a late one harms nobody.

    `folder` holds Kamailio's rpc.sock; our own end is bound there too, where Kamailio may write to it.
    """

    def __init__(self, folder: Path, uid: int, gid: int) -> None:
        self._server = str(folder / "rpc.sock")
        self._path = folder / f"rpc-{os.getpid()}-{id(self):x}.sock"
        self._owner = (uid, gid)
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._socket: socket.socket | None = None

    def open(self) -> Self:
        """Bind our end. Needs a running loop; `close` undoes it."""
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._path.unlink(missing_ok=True)
            self._socket.bind(str(self._path))
            self._path.chmod(0o600)
            if os.geteuid() == 0:
                os.chown(self._path, *self._owner, follow_symlinks=False)
        except BaseException:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket.fileno(), self._read)
        return self

    async def call(self, method: str, *params: str | int, timeout: float = 1.0) -> Any:
        """The result of one RPC command. Raises RpcFailed, after `timeout` seconds at the latest."""
        assert self._socket is not None, "open() comes first"
        number = next(self._ids)
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        answer = self._waiting[number] = self._loop.create_future()
        try:
            self._socket.sendto(json.dumps(request).encode(), self._server)
            async with asyncio.timeout(timeout):
                reply = await answer
        except TimeoutError:
            raise RpcFailed(f"{method}: no answer in {timeout} s") from None
        except OSError as error:
            raise RpcFailed(f"{method}: {error.strerror}") from error
        finally:
            del self._waiting[number]
        if "error" in reply:
            raise RpcRefused(f"{method}: {reply['error'].get('message')}")
        return reply.get("result")

    def close(self) -> None:
        if self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None
            self._path.unlink(missing_ok=True)

    def _read(self) -> None:
        assert self._socket is not None
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self._socket.recv(LONGEST)
                with contextlib.suppress(ValueError):
                    reply = json.loads(data)
                    waiting = self._waiting.get(reply.get("id"))
                    if waiting is not None and not waiting.done():
                        waiting.set_result(reply)


async def ping_rtpengine(port: int, timeout: float = 0.5) -> bool:
    """Whether rtpengine answers on its ng port of 127.0.0.1."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as udp:
        udp.connect(("127.0.0.1", port))
        try:
            # answers are kept by cookie, for requests that are sent again
            udp.send(f"{time.monotonic_ns()} d7:command4:pinge".encode())
            async with asyncio.timeout(timeout):
                return b"4:pong" in await loop.sock_recv(udp, 4096)
        except (OSError, TimeoutError):
            return False
