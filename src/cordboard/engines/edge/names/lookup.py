"""Where a SIP host name leads: RFC 3263 section 4, over any source of DNS records."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv6Address, ip_address
from itertools import groupby
from random import Random
from typing import Final, Generic, Literal, Protocol, TypeVar

from cordboard.domain.addresses import Transport
from cordboard.domain.edge import MAX_HOPS
from cordboard.engines.edge.names.reach import Reach

T = TypeVar("T")

#: Pointers and services of one name that are followed.
MOST_RECORDS: Final = 16
#: Questions asked for one name: whoever runs a domain decides where they go.
MOST_QUESTIONS: Final = 64
#: Of these at the same time.
QUESTIONS_AT_ONCE: Final = 4

DEFAULT_PORTS: Final[dict[Transport, int]] = {
    Transport.UDP: 5060,
    Transport.TCP: 5060,
    Transport.TLS: 5061,
}
_SERVICES: Final[dict[Transport, str]] = {
    Transport.UDP: "_sip._udp",
    Transport.TCP: "_sip._tcp",
    Transport.TLS: "_sips._tcp",
}
_POINTED_TO: Final[dict[str, Transport]] = {
    "sip+d2u": Transport.UDP,
    "sip+d2t": Transport.TCP,
    "sips+d2t": Transport.TLS,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Naptr:
    """RFC 3403, as far as SIP uses it; everything in lower case."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Srv:
    """RFC 2782. An empty target says that the service is decidedly not there."""

    priority: int
    weight: int
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class Records(Generic[T]):
    """The answer to one question. No data: there is no such name, or no such record of it."""

    data: tuple[T, ...]
    #: Seconds that it may be kept, the shortest of its CNAMEs included.
    ttl: float


class Unanswered(Exception):
    """No name server gave an answer; the message says why."""


class Dns(Protocol):
    """Whom to ask. Each raises Unanswered."""

    async def addresses(self, name: str, kind: Literal["A", "AAAA"]) -> Records[str]: ...
    async def services(self, name: str) -> Records[Srv]: ...
    async def pointers(self, name: str) -> Records[Naptr]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What is looked up, as a gateway or an agent names it."""

    host: str
    port: int | None = None
    transport: Transport | None = None

    @classmethod
    def of(cls, name: str) -> "Target":
        """From `host;port;transport`, where port and transport may be empty. Raises ValueError."""
        host, port, transport = name.split(";")
        return cls(
            host=host.lower().removesuffix("."),
            port=int(port) if port else None,
            transport=Transport(transport) if transport else None,
        )


@dataclass(frozen=True, slots=True)
class Hop:
    """One place to send to."""

    address: str
    port: int
    transport: Transport

    @property
    def uri(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"sip:{host}:{self.port};transport={self.transport}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What one look at a name found."""

    hops: tuple[Hop, ...]
    #: Seconds until the next look is worth it.
    ttl: float
    #: Questions without an answer: what was found is then not all.
    unanswered: tuple[str, ...] = ()
    #: Addresses found that are not used, each with the reason.
    refused: tuple[tuple[Hop, str], ...] = ()


async def look_up(target: Target, dns: Dns, reach: Reach, draw: Random) -> Answer:
    """Resolve one target. Raises nothing: what was not answered is said in the result."""
    look = _Look(dns, reach, draw)
    found = dict.fromkeys(await look.hops(target))
    refused = [
        (hop, reason) for hop in found if (reason := reach.refusal(hop.address, hop.port, target.host)) is not None
    ]
    for hop, _ in refused:
        del found[hop]
    ttl = look.ttl if look.ttl is not None else look.negative_ttl
    return Answer(
        hops=tuple(found)[:MAX_HOPS],
        ttl=0.0 if ttl is None else ttl,
        unanswered=tuple(dict.fromkeys(look.unanswered)),
        refused=tuple(refused[:MAX_HOPS]),
    )


def in_order(records: Iterable[Srv], draw: Random) -> list[Srv]:
    """By priority; within one priority drawn by weight (RFC 2782)."""
    ordered = []
    for _, group in groupby(sorted(records, key=lambda record: record.priority), key=lambda record: record.priority):
        left = sorted(group, key=lambda record: record.weight)
        while left:
            drawn = draw.randint(0, sum(record.weight for record in left))
            position = 0
            while (drawn := drawn - left[position].weight) > 0:
                position += 1
            ordered.append(left.pop(position))
    return ordered


class _Look:
    """One look-up under way: asks, and keeps the shortest time that what it heard may be kept."""

    def __init__(self, dns: Dns, reach: Reach, draw: Random) -> None:
        self.ttl: float | None = None
        self.negative_ttl: float | None = None
        self.unanswered: list[str] = []
        self._dns = dns
        self._reach = reach
        self._draw = draw
        self._transports: list[Transport] = [Transport.UDP, Transport.TCP] + ([Transport.TLS] if reach.tls else [])
        self._questions = MOST_QUESTIONS
        self._gate = asyncio.Semaphore(QUESTIONS_AT_ONCE)

    async def hops(self, target: Target) -> list[Hop]:
        """A port says all there is to say; a transport leads to its service; else the domain is asked for both."""
        if target.port is not None:
            return await self._addresses(target.host, target.port, target.transport or Transport.UDP)
        if target.transport is not None:
            found = await self._served(target.host, [target.transport])
            return await self._default(target.host, target.transport) if found is None else found
        pointed = await self._pointed_to(target.host)
        if pointed:
            return pointed
        found = await self._served(target.host, self._transports)
        return await self._default(target.host, Transport.UDP) if found is None else found

    async def _pointed_to(self, host: str) -> list[Hop]:
        """All that the NAPTR records lead to, in the domain's order of preference.

        Records of a higher order are not looked at once a lower one led somewhere (RFC 3403 section 4.1).
        """
        usable = [
            (record, transport)
            for record in await self._ask(partial(self._dns.pointers, host))
            if (transport := _POINTED_TO.get(record.service)) in self._transports and record.replacement
        ]
        usable.sort(key=lambda pair: (pair[0].order, pair[0].preference))
        for _, group in groupby(usable[:MOST_RECORDS], key=lambda pair: pair[0].order):
            hops: list[Hop] = []
            for record, transport in group:
                assert transport is not None
                if record.flags == "s":
                    hops += await self._service(record.replacement, transport) or []
                elif record.flags == "a":
                    hops += await self._default(record.replacement, transport)
            if hops:
                return hops
        return []

    async def _served(self, host: str, transports: list[Transport]) -> list[Hop] | None:
        """The first of these transports that the domain has a service for; None if it names no service at all.

        One that could not be asked for may exist: then the host's own addresses stand for nothing.
        """
        before = len(self.unanswered)
        services = await asyncio.gather(
            *(self._service(f"{_SERVICES[transport]}.{host}", transport) for transport in transports)
        )
        found = next(filter(None, services), None)
        if found is None and (len(self.unanswered) > before or any(hops is not None for hops in services)):
            return []
        return found

    async def _service(self, name: str, transport: Transport) -> list[Hop] | None:
        """Where an SRV record leads; None if there is none, nothing if it says that there is no such service."""
        records = await self._ask(partial(self._dns.services, name))
        if not records:
            return None
        usable = [record for record in in_order(records, self._draw) if record.target and record.port]
        found = await asyncio.gather(
            *(self._addresses(record.target, record.port, transport) for record in usable[:MOST_RECORDS])
        )
        return [hop for hops in found for hop in hops]

    async def _default(self, host: str, transport: Transport) -> list[Hop]:
        return await self._addresses(host, DEFAULT_PORTS[transport], transport)

    async def _addresses(self, host: str, port: int, transport: Transport) -> list[Hop]:
        kinds: list[Literal["A", "AAAA"]] = []
        kinds += ["A"] if self._reach.v4 else []
        kinds += ["AAAA"] if self._reach.v6 else []
        found = await asyncio.gather(*(self._ask(partial(self._dns.addresses, host, kind)) for kind in kinds))
        return [Hop(_plain(address), port, transport) for addresses in found for address in addresses]

    async def _ask(self, question: Callable[[], Awaitable[Records[T]]]) -> tuple[T, ...]:
        if self._questions == 0:
            return ()
        self._questions -= 1
        async with self._gate:
            try:
                records = await question()
            except Unanswered as error:
                self.unanswered.append(str(error))
                return ()
        if records.data:
            self.ttl = records.ttl if self.ttl is None else min(self.ttl, records.ttl)
        else:
            self.negative_ttl = records.ttl if self.negative_ttl is None else min(self.negative_ttl, records.ttl)
        return records.data


def _plain(address: str) -> str:
    """An address as text that is the same each time, without the IPv4 disguise (`::ffff:192.0.2.1`)."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(parsed)
