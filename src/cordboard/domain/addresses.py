"""Hosts, source networks and SIP URIs: what is well formed, and what may be reached."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
)

from cordboard.domain.errors import (
    InvalidHost,
    InvalidNetwork,
    InvalidSipUri,
    PrivateHost,
    TooManyNetworks,
)

#: Networks in one allow-list after collapsing: the edge reads the list as one text of bounded size.
MAX_NETWORKS = 1000

#: IANA special-purpose blocks that are never a carrier or an agent on the public Internet. Documentation
#: blocks are not among them: they lead nowhere.
PRIVATE_NETWORKS = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "::1/128",
        "64:ff9b:1::/48",
        "2001::/32",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
#: IPv4-compatible addresses (RFC 4291 section 2.5.5.1) and the prefix of NAT64 (RFC 6052).
_WITH_IPV4_AT_THE_END = (IPv6Network("::/96"), IPv6Network("64:ff9b::/96"))
PRIVATE_NAMES = ("localhost", "local", "internal", "localdomain", "home.arpa")

_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")
_SIP_URI = re.compile(
    r"(?P<scheme>sips?):(?:(?P<user>[A-Za-z0-9_.!~*'()&=+$,/{}-]{1,128})@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?(?P<params>(?:;[A-Za-z0-9_.=-]+)*)"
)

Network = IPv4Network | IPv6Network


class Transport(StrEnum):
    """What carries SIP to a host."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


@dataclass(frozen=True, kw_only=True, slots=True)
class HostPort:
    """Where SIP is sent: a name or an address, and a port if one was named."""

    host: str
    port: int | None = None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


@dataclass(frozen=True, kw_only=True, slots=True)
class HostPolicy:
    """Which hosts this installation lets gateways and agents live at."""

    allow_private: bool = False

    def check(self, host: str) -> None:
        """Raise PrivateHost if `host` (a name, or an address without brackets) may not be used."""
        if not self.allow_private and is_private(host):
            raise PrivateHost(host)


def is_private(host: str) -> bool:
    """Whether a name or address literal stands for a host that is not on the public Internet. No look-up."""
    address = as_address(host)
    if address is None:
        name = host.lower().rstrip(".")
        return any(name == private or name.endswith("." + private) for private in PRIVATE_NAMES)
    reached = [address]
    if isinstance(address, IPv6Address):
        reached += _embedded(address)
    return any(a in network for a in reached for network in PRIVATE_NETWORKS if network.version == a.version)


def _embedded(address: IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that packets to an IPv6 address may end up at."""
    found = [a for a in (address.ipv4_mapped, address.sixtofour) if a is not None]
    if any(address in network for network in _WITH_IPV4_AT_THE_END):
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return found


def as_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address that `text` is a literal of, or None. A zone (`%eth0`) is not taken."""
    if "%" in text:
        return None
    try:
        return ip_address(text)
    except ValueError:
        return None


def check_host(host: str) -> str:
    """A host name (RFC 1123) or address literal, as given. Raises InvalidHost.

    A name whose last label is a number is refused: resolvers read `127.1` and `0x7f.1` as addresses.
    """
    if as_address(host) is not None:
        return host
    labels = host.removesuffix(".").split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidHost(f"{host[:80]!r} is neither a host name nor an IP address")
    if re.fullmatch(r"[0-9]+|0[xX][0-9A-Fa-f]*", labels[-1]):
        raise InvalidHost(f"{host[:80]!r} is not an IP address, and no host name ends in a number")
    return host


def parse_host_port(text: str) -> HostPort:
    """`host`, `host:port`, `[v6]` or `[v6]:port`. Raises InvalidHost."""
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:(?![0-9]+$)", text) or "//" in text:
        raise InvalidHost("write the host without a scheme such as sip: or sips:, with an optional port")
    if match := re.fullmatch(r"\[([^\]]*)\](?::(.*))?", text):
        host, port = match[1], match[2]
        if not isinstance(as_address(host), IPv6Address):
            raise InvalidHost(f"{host[:80]!r} is not an IPv6 address")
    elif isinstance(as_address(text), IPv6Address):
        raise InvalidHost(f"write an IPv6 address in brackets: [{text}]")
    else:
        host, colon, rest = text.partition(":")
        port = rest if colon else None
        check_host(host)
    return HostPort(host=host, port=None if port is None else parse_port(port))


def parse_port(text: str) -> int:
    """A port of 1 to 65535 in ASCII digits. Raises InvalidHost."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise InvalidHost(f"{text[:20]!r} is not a port; ports are 1 to 65535")
    return int(text)


def parse_network(text: str) -> Network:
    """An address or CIDR range; host bits are accepted and read as their network. Raises InvalidNetwork."""
    if not re.fullmatch(r"[0-9A-Fa-f:.]+(/[0-9]{1,3})?", text):
        raise InvalidNetwork(f"{text[:80]!r} is neither an IP address nor a CIDR range such as 192.0.2.0/24")
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise InvalidNetwork(f"{text[:80]!r} is neither an IP address nor a CIDR range such as 192.0.2.0/24") from error


def collapse(texts: Iterable[str]) -> tuple[str, ...]:
    """The fewest networks that hold the same addresses, v4 before v6. Raises InvalidNetwork, TooManyNetworks."""
    return _collapsed(tuple(texts))


@lru_cache(maxsize=256)  # the numbers of one carrier have one list
def _collapsed(texts: tuple[str, ...]) -> tuple[str, ...]:
    networks = [parse_network(text) for text in texts]
    v4 = collapse_addresses(n for n in networks if isinstance(n, IPv4Network))
    v6 = collapse_addresses(n for n in networks if isinstance(n, IPv6Network))
    collapsed = (*map(str, v4), *map(str, v6))
    if len(collapsed) > MAX_NETWORKS:
        raise TooManyNetworks(len(collapsed), MAX_NETWORKS)
    return collapsed


def bounds(network: Network) -> tuple[str, str]:
    """The first and last address of a network as text that sorts as addresses do, v4 before v6: `4c0000200`."""
    digits = network.max_prefixlen // 4
    first, last = int(network.network_address), int(network.broadcast_address)
    return f"{network.version}{first:0{digits}x}", f"{network.version}{last:0{digits}x}"


def supernets(network: Network) -> tuple[str, ...]:
    """The network and every wider one that holds it, as text: at most 33 of IPv4, 129 of IPv6."""
    return tuple(str(network.supernet(new_prefix=length)) for length in range(network.prefixlen, -1, -1))


def check_sip_uri(text: str, hosts: HostPolicy) -> str:
    """A SIP URI (RFC 3261 section 19.1) that calls can be sent to, as given. Raises InvalidSipUri, PrivateHost.

    The user part may hold `{number}`, for which the called number is put in. `transport` is udp, tcp or tls;
    there are no URI headers (`?`), since they would be copied into the request.
    """
    match = _SIP_URI.fullmatch(text)
    if match is None:
        raise InvalidSipUri("a SIP URI looks like sip:agent@host:5060;transport=tcp")
    user = (match["user"] or "").replace("{number}", "")
    if "{" in user or "}" in user:
        raise InvalidSipUri("the user part may hold {number} and no other braces")
    host = match["host"].strip("[]")
    try:
        if host != match["host"] and not isinstance(as_address(host), IPv6Address):
            raise InvalidHost(f"{host[:80]!r} is not an IPv6 address")
        check_host(host)
        if match["port"] is not None:
            parse_port(match["port"])
    except InvalidHost as error:
        raise InvalidSipUri(str(error)) from error
    for param in filter(None, match["params"].split(";")):
        name, _, value = param.partition("=")
        if name.lower() == "transport" and value.lower() not in ("udp", "tcp", "tls"):
            raise InvalidSipUri(f"transport is udp, tcp or tls, not {value!r}")
    hosts.check(host)
    return text


def with_host(uri: str, host: str) -> str:
    """A checked SIP URI that leads to another host (an IPv6 address in []): scheme, user, port and parameters stay."""
    match = _SIP_URI.fullmatch(uri)
    assert match is not None, "it was checked when it was stored"
    return f"{uri[: match.start('host')]}{host}{uri[match.end('host') :]}"
