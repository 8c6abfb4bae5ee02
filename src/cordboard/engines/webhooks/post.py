"""One POST to a receiver: to an address that was looked up and judged now, without a redirect, in bounded time.

A URL comes from a tenant and must not reach what the tenant cannot. So the name is looked up here, each address is
judged, and the connection is made to that very address: a name that leads elsewhere a moment later changes nothing.
"""

import asyncio
import ssl
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore2

from cordboard.domain.addresses import HostPolicy, as_address
from cordboard.domain.errors import PrivateHost
from cordboard.domain.webhooks import ANSWER, Attempt, Message
from cordboard.engines.edge.names.lookup import Dns, Unanswered

#: Seconds for one attempt, from the look-up to the answer.
TIME: Final = 15.0
#: Seconds for each address of a name.
CONNECT: Final = 5.0
#: Addresses of a name that are tried.
ADDRESSES: Final = 4
_LOOPBACK: Final = ["127.0.0.1", "::1"]


class Unreachable(Exception):
    """The receiver's name leads nowhere that may be used; the message says why."""


class Judged(httpcore2.AsyncNetworkBackend):
    """Connections to addresses that the rule of private hosts lets through, and to no others."""

    def __init__(self, dns: Dns, hosts: HostPolicy) -> None:
        self._dns = dns
        self._hosts = hosts
        self._net = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Raises Unreachable, PrivateHost, httpcore2.ConnectError, httpcore2.ConnectTimeout."""
        failure: Exception = Unreachable(f"{host} has no address")
        for address in (await self._addresses(host))[:ADDRESSES]:
            try:
                return await self._net.connect_tcp(address, port, timeout=CONNECT)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _addresses(self, host: str) -> list[str]:
        """Those that may be used. Raises PrivateHost if there are others only."""
        self._hosts.check(host)
        if as_address(host) is not None:
            return [host]
        found = _LOOPBACK if host == "localhost" else await self._looked_up(host)
        allowed = [address for address in found if self._allows(address)]
        if found and not allowed:
            raise PrivateHost(host)
        return allowed

    async def _looked_up(self, host: str) -> list[str]:
        answers = await asyncio.gather(
            self._dns.addresses(host, "A"), self._dns.addresses(host, "AAAA"), return_exceptions=True
        )
        found: list[str] = []
        for answer in answers:
            if isinstance(answer, BaseException) and not isinstance(answer, Unanswered):
                raise answer
            if not isinstance(answer, BaseException):
                found += answer.data
        if not found and isinstance(answers[0], Unanswered):
            raise Unreachable(str(answers[0]))
        return found

    def _allows(self, address: str) -> bool:
        try:
            self._hosts.check(address)
        except PrivateHost:
            return False
        return True


class Post:
    """Posts messages. Each has a connection of its own, so that each is judged."""

    def __init__(self, dns: Dns, hosts: HostPolicy, agent: str, authorities: Path | None = None) -> None:
        self._agent = agent
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(cafile=None if authorities is None else str(authorities)),
            max_connections=None,
            max_keepalive_connections=0,
            network_backend=Judged(dns, hosts),
        )

    async def send(self, message: Message, now: datetime) -> Attempt:
        """Raises nothing: what came of it is said."""
        began = time.monotonic()
        status, answer, retry_after, error = None, b"", None, None
        try:
            async with asyncio.timeout(TIME):
                status, answer, retry_after = await self._exchange(message)
            error = _refused(status)
        except TimeoutError:
            error = f"no answer within {TIME:.0f} seconds"
        except (Unreachable, PrivateHost) as refused:
            error = str(refused)
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError, OSError) as failed:
            error = f"{type(failed).__name__}: {failed}"
        return Attempt(
            at=now,
            status=status,
            ms=round((time.monotonic() - began) * 1000),
            error=None if error is None else _readable(error),
            answer=_readable(answer.decode("utf-8", "replace")),
            retry_after=retry_after,
        )

    async def close(self) -> None:
        await self._pool.aclose()

    async def _exchange(self, message: Message) -> tuple[int, bytes, int | None]:
        """Status, the beginning of the answer, and Retry-After."""
        headers = [*message.headers, ("user-agent", self._agent), ("accept-encoding", "identity")]
        async with self._pool.stream("POST", _url(message.url), headers=headers, content=message.body) as response:
            answer = b""
            async for part in response.aiter_stream():
                answer += part
                if len(answer) >= ANSWER:
                    break
            return response.status, answer[:ANSWER], _seconds(response.headers)


def _url(text: str) -> httpcore2.URL:
    url = urlsplit(text)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return httpcore2.URL(scheme=url.scheme, host=url.hostname or "", port=url.port, target=target)


def _seconds(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    for name, value in headers:
        if name.lower() == b"retry-after" and value.isdigit() and len(value) < 10:
            return int(value)
    return None


def _refused(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"answered {status}: redirects are not followed, give the webhook the new URL"
    return f"answered {status}"


def _readable(text: str) -> str:
    """One line, without what a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in text[:ANSWER])
