"""What the edge can send to, and what it may."""

import re
import socket
from dataclasses import dataclass

from cordboard.domain.addresses import HostPolicy
from cordboard.domain.errors import PrivateHost
from cordboard.engines.edge.config import EdgeOptions, split_listen


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """One edge's families of addresses and transports, and the places that it does not send to."""

    hosts: HostPolicy
    #: Families of addresses that the edge listens on.
    v4: bool = True
    v6: bool = False
    tls: bool = False
    #: Address and port of each place where the edge itself takes SIP, or is said to; an advertised name as it is.
    own: frozenset[tuple[str, int]] = frozenset()

    def refusal(self, address: str, port: int, name: str) -> str | None:
        """Why nothing is sent to an address that `name` gave: `loop`, `private-host`, or None if it may be."""
        if self._is_own(address, port, name):
            return "loop"
        try:
            self.hosts.check(address)
        except PrivateHost:
            return "private-host"
        return None

    def _is_own(self, address: str, port: int, name: str) -> bool:
        if (address, port) in self.own or (name, port) in self.own:
            return True
        everywhere = "::" if ":" in address else "0.0.0.0"  # noqa: S104  compared, not bound
        return (everywhere, port) in self.own and is_ours(address)


def reach_of(options: EdgeOptions, hosts: HostPolicy) -> Reach:
    """That of an edge with these options."""
    listens = [*options.sip_listen, *filter(None, (options.tls_listen,))]
    places = {split_listen(listen) for listen in listens}
    return Reach(
        hosts=hosts,
        v4=any(":" not in address for address, _ in places),
        v6=any(":" in address for address, _ in places),
        tls=options.tls_listen is not None,
        own=frozenset(places | _advertised(options, {port for _, port in places})),
    )


def is_ours(address: str) -> bool:
    """Whether an address is one of this machine's."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _advertised(options: EdgeOptions, ports: set[int]) -> set[tuple[str, int]]:
    """What our messages name as us: without a port, each that we listen on."""
    match = re.fullmatch(r"\[?(.*?)\]?(?::([0-9]{1,5}))?", options.sip_advertise or "")
    if match is None or not match[1]:
        return set()
    host = match[1].lower()
    return {(host, port) for port in (ports | {int(match[2])} if match[2] else ports)}
