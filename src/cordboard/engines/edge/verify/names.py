"""The step `dns`: where a host leads, and each record on the way."""

from random import SystemRandom
from typing import Final, Literal

from cordboard.domain.addresses import Transport, as_address
from cordboard.domain.verification_steps import Said, failed, passed, warning
from cordboard.domain.verifications import Place, Status
from cordboard.engines.edge.names.lookup import (
    DEFAULT_PORTS,
    Answer,
    Dns,
    Hop,
    Naptr,
    Records,
    Srv,
    Target,
    Unanswered,
    look_up,
)
from cordboard.engines.edge.names.reach import Reach
from cordboard.usecases import catalogue

#: Records of one question that are shown.
_SHOWN: Final = 16
_PRIVATE: Final = (
    "Name a host on the public Internet, or set CORDBOARD_ALLOW_PRIVATE_HOSTS=true if gateways and agents may live on "
    "this network."
)


class Noted:
    """A source of records that writes down what was asked and answered."""

    def __init__(self, dns: Dns) -> None:
        self._dns = dns
        #: Question to answer, as text.
        self.asked: dict[str, list[str]] = {}
        self._with_address: set[str] = set()
        self._targets: dict[str, None] = {}

    @property
    def dead(self) -> list[str]:
        """Targets of SRV records that have no address."""
        return [name for name in self._targets if name not in self._with_address]

    async def addresses(self, name: str, kind: Literal["A", "AAAA"]) -> Records[str]:
        try:
            found = await self._dns.addresses(name, kind)
        except Unanswered as error:
            self._with_address.add(name)  # nobody said that it has none
            raise self._unanswered(name, kind, error) from error
        if found.data:
            self._with_address.add(name)
        self._note(name, kind, list(found.data))
        return found

    async def services(self, name: str) -> Records[Srv]:
        try:
            found = await self._dns.services(name)
        except Unanswered as error:
            raise self._unanswered(name, "SRV", error) from error
        self._targets |= dict.fromkeys(record.target for record in found.data if record.target)
        self._note(name, "SRV", [f"{r.priority} {r.weight} {r.port} {r.target or '.'}" for r in found.data])
        return found

    async def pointers(self, name: str) -> Records[Naptr]:
        try:
            found = await self._dns.pointers(name)
        except Unanswered as error:
            raise self._unanswered(name, "NAPTR", error) from error
        self._note(name, "NAPTR", [f"{r.order} {r.preference} {r.service} {r.replacement}" for r in found.data])
        return found

    def _note(self, name: str, kind: str, records: list[str]) -> None:
        self.asked[f"{name} {kind}"] = records[:_SHOWN] or ["none"]

    def _unanswered(self, name: str, kind: str, error: Unanswered) -> Unanswered:
        self.asked[f"{name} {kind}"] = [f"no answer: {error}"]
        return error


async def leads_to(place: Place, dns: Dns, reach: Reach) -> tuple[Said, tuple[Hop, ...]]:
    """What the place's host leads to, each address checked as the edge checks it."""
    address = as_address(place.where.host)
    if address is not None:
        return _literal(place, str(address), reach)
    noted = Noted(dns)
    target = Target(host=place.where.host.lower().removesuffix("."), port=place.where.port, transport=place.transport)
    answer = await look_up(target, noted, reach, SystemRandom())
    said = _said(place, answer, noted)
    return _retired(target.host, said), answer.hops


def _retired(host: str, said: Said) -> Said:
    """What is said of a host that a carrier or platform has given up, whatever it still leads to."""
    found = catalogue.retired(host)
    if found is None:
        return said
    entry, gone = found
    tell = failed if said.status is Status.FAILED else warning
    return tell(
        "host-retired",
        f"{entry.name} has retired {host} on {gone.since}",
        f"Name {gone.instead} instead, as the catalogue says of {entry.name}.",
        **said.evidence,
    )


def _literal(place: Place, address: str, reach: Reach) -> tuple[Said, tuple[Hop, ...]]:
    transport = place.transport or Transport.UDP
    hop = Hop(address, place.where.port or DEFAULT_PORTS[transport], transport)
    refusal = reach.refusal(hop.address, hop.port, place.where.host)
    if refusal is None:
        return passed(f"{address} is an address: there is nothing to look up"), (hop,)
    return _refused(place, ((hop, refusal),), {}), ()


def _said(place: Place, answer: Answer, noted: Noted) -> Said:
    evidence = {"records": noted.asked, "leads_to": [hop.uri for hop in answer.hops]}
    if not answer.hops:
        return _nowhere(place, answer, noted)
    places = ", ".join(f"{hop.address}:{hop.port} {hop.transport}" for hop in answer.hops)
    if noted.dead:
        names = ", ".join(noted.dead)
        return warning(
            "srv-target-dead",
            f"{place.where.host} leads to {places}, but its SRV record also names {names}, which has no address",
            f"Whoever runs {place.where.host} should take {names} out of its SRV records, or give it an address.",
            **evidence,
        )
    if answer.unanswered:
        return warning(
            "dns-incomplete",
            f"{place.where.host} leads to {places}, but not every question was answered: {answer.unanswered[0]}",
            "Ask whoever runs the domain's name servers; until then only these addresses are used.",
            **evidence,
        )
    if answer.refused:
        hop, why = answer.refused[0]
        return warning(
            why, f"{place.where.host} also leads to {hop.address}, to which nothing is sent", _PRIVATE, **evidence
        )
    return passed(f"{place.where.host} leads to {places}", **evidence)


def _nowhere(place: Place, answer: Answer, noted: Noted) -> Said:
    host, evidence = place.where.host, {"records": noted.asked}
    if answer.refused:
        return _refused(place, answer.refused, noted.asked)
    if answer.unanswered:
        return failed(
            "dns-unanswered",
            f"no name server answered for {host}: {answer.unanswered[0]}",
            "Check the name servers of this machine (CORDBOARD_DNS_SERVERS), then those of the domain.",
            **evidence,
        )
    if noted.dead:
        names = ", ".join(noted.dead)
        return failed(
            "srv-target-dead",
            f"{host} has an SRV record that names {names}, which has no address",
            f"Whoever runs {host} must give {names} an address or name another target; until then, name the "
            "gateway by an address, or by a host and port.",
            **evidence,
        )
    return failed(
        "dns-nothing",
        f"{host} leads nowhere: it has neither SRV records nor an address",
        f"Check how the name is written, and whether {place.keeper} has retired it.",
        **evidence,
    )


def _refused(place: Place, refused: tuple[tuple[Hop, str], ...], asked: dict[str, list[str]]) -> Said:
    hop, why = refused[0]
    if why == "loop":
        return failed(
            "loop",
            f"{place.where} leads to {hop.address}:{hop.port}, which is this edge itself",
            f"Name the address of {place.keeper} here; a call sent there would come back to us.",
            records=asked,
        )
    summary = f"{place.where} leads to {hop.address}, a private address, to which nothing is sent"
    return failed("private-host", summary, _PRIVATE, records=asked)
