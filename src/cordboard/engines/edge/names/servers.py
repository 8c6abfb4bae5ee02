"""Asking name servers, by dnspython."""

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import dns.asyncbackend
import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.nameserver
import dns.rcode
import dns.resolver

from cordboard.domain.addresses import HostPort
from cordboard.engines.edge.names.lookup import Naptr, Records, Srv, Unanswered

#: Seconds until the next server is asked, and until a question is given up.
NEXT_SERVER = 1.0
GIVE_UP = 1.5
#: Questions under way at the same time: each has a socket.
AT_ONCE = 128
RESOLV_CONF = Path("/etc/resolv.conf")


class NameServers:
    """Those of a list, or the system's, in the order of the list; the one that answered last is asked first.

    Names are taken as they are: neither a search list nor /etc/hosts is looked at.
    """

    def __init__(self, servers: tuple[HostPort, ...] = (), resolv_conf: Path = RESOLV_CONF) -> None:
        """Without `servers`, those of `resolv_conf`, which is read again when it has changed."""
        self._given = bool(servers)
        self._servers = servers
        self._resolv_conf = resolv_conf
        self._read: os.stat_result | None = None
        self._resolver = _resolver(servers)
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._backend = dns.asyncbackend.get_backend("asyncio")

    @property
    def asked(self) -> tuple[HostPort, ...]:
        """Whom it asks, in order."""
        return self._servers

    async def addresses(self, name: str, kind: Literal["A", "AAAA"]) -> Records[str]:
        data, ttl = await self._ask(name, kind)
        return Records(tuple(record.address for record in data), ttl)

    async def services(self, name: str) -> Records[Srv]:
        data, ttl = await self._ask(name, "SRV")
        return Records(
            tuple(
                Srv(priority=record.priority, weight=record.weight, port=record.port, target=_text(record.target))
                for record in data
            ),
            ttl,
        )

    async def pointers(self, name: str) -> Records[Naptr]:
        data, ttl = await self._ask(name, "NAPTR")
        return Records(
            tuple(
                Naptr(
                    order=record.order,
                    preference=record.preference,
                    flags=record.flags.decode(errors="replace").lower(),
                    service=record.service.decode(errors="replace").lower(),
                    replacement=_text(record.replacement),
                )
                for record in data
            ),
            ttl,
        )

    async def _ask(self, name: str, kind: str) -> tuple[list[Any], float]:
        """The records and their time to live, that of the CNAMEs before them included. Raises Unanswered."""
        self._follow_the_system()
        if not self._servers:
            raise Unanswered("there is no name server")
        try:
            async with self._gate:
                answer = await self._resolver.resolve(
                    name + ".",
                    kind,
                    raise_on_no_answer=False,
                    lifetime=GIVE_UP,
                    search=False,
                    backend=self._backend,
                )
        except dns.resolver.NXDOMAIN as error:
            responses: dict[Any, dns.message.QueryMessage] = error.kwargs["responses"]
            ttls = [response.resolve_chaining().minimum_ttl for response in responses.values()]
            return [], min(ttls, default=0)
        except (dns.exception.DNSException, OSError) as error:
            raise Unanswered(f"{name} {kind}: {_reason(error)}") from error
        self._ask_first(answer.nameserver, answer.port)
        return list(answer.rrset or ()), answer.chaining_result.minimum_ttl

    def _ask_first(self, address: str | None, port: int | None) -> None:
        """A server that answered goes before those that did not."""
        first = [server for server in self._servers if (server.host, server.port or 53) == (address, port)]
        if first and first[0] != self._servers[0]:
            others = [server for server in self._servers if server not in first]
            self._servers = (*first, *others)
            self._resolver = _resolver(self._servers)

    def _follow_the_system(self) -> None:
        if self._given:
            return
        try:
            now = self._resolv_conf.stat()
        except OSError:
            return  # being replaced, or never there: what was read last holds
        before = self._read
        if before is not None and (before.st_mtime_ns, before.st_ino) == (now.st_mtime_ns, now.st_ino):
            return
        self._read = now
        system = dns.resolver.Resolver(configure=False)
        try:
            system.read_resolv_conf(str(self._resolv_conf))
        except (dns.exception.DNSException, OSError):
            return
        self._servers = tuple(HostPort(host=str(address)) for address in system.nameservers)
        self._resolver = _resolver(self._servers)


def _resolver(servers: Iterable[HostPort]) -> dns.asyncresolver.Resolver:
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = [dns.nameserver.Do53Nameserver(server.host, server.port or 53) for server in servers]
    resolver.timeout = NEXT_SERVER
    resolver.use_edns(0, 0, 1232)  # what goes through unfragmented (DNS flag day 2020)
    return resolver


def _text(name: dns.name.Name) -> str:
    """A name in lower case without its last dot; the root is empty."""
    return "" if name == dns.name.root else name.to_text(omit_final_dot=True).lower()


def _reason(error: Exception) -> str:
    if isinstance(error, dns.exception.Timeout):
        return "no answer in time"
    if isinstance(error, dns.resolver.NoNameservers):
        codes = {dns.rcode.to_text(answer.rcode()) for *_, answer in error.kwargs["errors"] if answer is not None}
        return ", ".join(sorted(codes)) or "no name server answers"
    return str(error)[:200] or type(error).__name__
