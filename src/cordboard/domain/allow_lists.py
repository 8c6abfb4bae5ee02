"""What is wrong with a list of addresses that calls may come from, and who is not on it and should perhaps be."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_interface
from typing import Final

from cordboard.domain.addresses import PRIVATE_NETWORKS, Network, parse_network

#: Shorter prefixes than these are no carrier's.
HUGE_V4, HUGE_V6 = 16, 32
#: Findings of one code that are told one by one.
MOST_ALIKE: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """Something about a list that somebody should look at."""

    #: A word that never changes its meaning: `whole-internet`.
    code: str
    #: Of what is worth a warning; a note is good to know.
    warns: bool = True
    #: Entries of the list that it is about, as they were given.
    networks: tuple[str, ...] = ()
    summary: str
    remedy: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """A source that called a number of the trunk's and was not let in."""

    address: str
    refused: int
    last_seen: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Linted:
    """What is to be said of one list."""

    findings: tuple[Finding, ...]
    seen: tuple[Seen, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Others:
    """Another trunk's list, as far as it is said of it: nothing but whether it has the same owner."""

    same_owner: bool
    networks: tuple[str, ...]


def lint(allowed: Sequence[str], *, private: bool, proved: bool) -> tuple[Finding, ...]:
    """What one list says of itself.

    `private`: this installation lets carriers live at private addresses. `proved`: the carrier must call with a digest.
    """
    if not allowed:
        return (_everybody(proved),)
    parsed = [(text, parse_network(text)) for text in allowed]
    found = [
        *_whole([network for _, network in parsed], proved),
        *(_huge(text, network) for text, network in parsed if _is_huge(network)),
        *(_private(text, private) for text, network in parsed if _is_private(network)),
        *_host_bits(allowed),
        *_overlaps(parsed),
    ]
    return _at_most(found)


def compare(allowed: Sequence[str], others: Iterable[Others]) -> tuple[Finding, ...]:
    """What a list shares with those of other trunks. Of another owner nothing is said but that there is one."""
    parsed = [(text, parse_network(text)) for text in allowed]
    own: dict[str, None] = {}
    strangers: dict[str, None] = {}
    for other in others:
        theirs = [parse_network(text) for text in other.networks]
        for text, network in parsed:
            if any(network.version == their.version and network.overlaps(their) for their in theirs):
                (own if other.same_owner else strangers)[text] = None
    found = []
    if strangers:
        found.append(
            Finding(
                code="shared-network",
                networks=tuple(strangers),
                summary=f"calls of another customer come from {_some(strangers)}, too: a carrier that several use",
                remedy="An address alone does not tell whose call it is. If the carrier can prove itself by a digest, "
                "set `trunk.inbound_username` and `trunk.inbound_password`.",
            )
        )
    if own:
        found.append(
            Finding(
                code="also-on-own-trunk",
                warns=False,
                networks=tuple(own),
                summary=f"another trunk of the same owner lets {_some(own)} in as well",
                remedy="Nothing is to be done if both are the same carrier's: a call's trunk is known by the number.",
            )
        )
    return tuple(found)


def _everybody(proved: bool) -> Finding:
    if proved:
        return Finding(
            code="open-to-everybody",
            warns=False,
            summary="calls may come from everywhere; the carrier proves itself by a digest",
            remedy="Name the carrier's addresses too, if it has said which they are.",
        )
    return Finding(
        code="open-to-everybody",
        summary="the list is empty: whoever finds out the number may call as the carrier",
        remedy="Name the carrier's addresses (`trunk.allowed_addresses`), or a digest (`trunk.inbound_username`).",
    )


def _whole(networks: Sequence[Network], proved: bool) -> list[Finding]:
    """The whole of a family of addresses, in one piece or in two."""
    wholes: list[Network] = [*collapse_addresses(n for n in networks if isinstance(n, IPv4Network))]
    wholes += collapse_addresses(n for n in networks if isinstance(n, IPv6Network))
    return [
        Finding(
            code="whole-internet",
            warns=not proved,
            networks=tuple(str(n) for n in networks if n.prefixlen <= 1 and n.version == whole.version),
            summary=f"together the entries are all of IPv{whole.version}: everybody is let in",
            remedy="Take them out and name the carrier's addresses; the trunk's calls show from where it came.",
        )
        for whole in wholes
        if whole.prefixlen == 0
    ]


def _is_huge(network: Network) -> bool:
    return 0 < network.prefixlen < (HUGE_V4 if network.version == 4 else HUGE_V6)


def _huge(text: str, network: Network) -> Finding:
    size = f"{network.num_addresses:,} addresses" if network.version == 4 else f"a /{network.prefixlen}"
    return Finding(
        code="huge-network",
        networks=(text,),
        summary=f"{text} is {size}, more than a carrier calls from",
        remedy="Ask the carrier for the addresses of its signalling, and name those.",
    )


def _is_private(network: Network) -> bool:
    return network.prefixlen > 0 and any(
        network.version == block.version and network.subnet_of(block)  # type: ignore[arg-type]
        for block in PRIVATE_NETWORKS
    )


def _private(text: str, private: bool) -> Finding:
    return Finding(
        code="private-network",
        warns=not private,
        networks=(text,),
        summary=f"{text} is a private network: nobody on the Internet calls from there",
        remedy="Take it out, unless the carrier is reached through a tunnel or stands in the same house.",
    )


def _host_bits(allowed: Sequence[str]) -> list[Finding]:
    return [
        Finding(
            code="host-bits",
            networks=(text,),
            summary=f"{text} is read as {parse_network(text)}: {parse_network(text).num_addresses:,} addresses",
            remedy=f"Write {text.partition('/')[0]} if that one address is meant, else {parse_network(text)}.",
        )
        for text in allowed
        if "/" in text and ip_interface(text).ip != parse_network(text).network_address
    ]


def _overlaps(parsed: Sequence[tuple[str, Network]]) -> list[Finding]:
    """Entries that another one holds already. Sorted, whoever holds a network stands before it."""
    found, held = [], None
    order = sorted(parsed, key=lambda pair: (pair[1].version, int(pair[1].network_address), pair[1].prefixlen))
    for text, network in order:
        if held is not None and held[1].version == network.version and network.subnet_of(held[1]):  # type: ignore[arg-type]
            same = held[1] == network
            found.append(
                Finding(
                    code="duplicate" if same else "overlap",
                    networks=(held[0], text),
                    summary=f"{text} stands there twice" if same else f"{text} is within {held[0]} already",
                    remedy=f"Take {text if not same else 'one of them'} out, or the wider one if that was not meant.",
                )
            )
        else:
            held = (text, network)
    return found


def _at_most(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Of those alike the first ones."""
    told: dict[str, int] = {}
    kept = []
    for each in found:
        told[each.code] = told.get(each.code, 0) + 1
        if told[each.code] <= MOST_ALIKE:
            kept.append(each)
    return tuple(kept)


def _some(networks: Iterable[str]) -> str:
    listed = list(networks)
    return ", ".join(listed[:3]) + (f" and {len(listed) - 3} more" if len(listed) > 3 else "")
