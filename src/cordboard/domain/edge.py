"""What an edge knows of the world: the rows of its own database, final values only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from cordboard.domain.addresses import HostPort, Transport, as_address

#: Hops of one trunk or agent that are tried, all records of its names together.
MAX_HOPS: Final = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberRow:
    """A number as the edge knows it. Only numbers that are assigned stand there."""

    #: E.164 digits without the `+`, or `user@domain` with the domain in lower case.
    key: str
    number_id: str
    #: Canonical: `+34911234567` or `user@domain`.
    number: str
    #: What `{number}` in an agent's URI stands for: the E.164 number with its `+`, or the user part.
    user: str
    tenant: str
    #: '' is none: then it takes and places no calls.
    trunk: str
    #: The agent that takes inbound calls.
    agent_in: str | None
    #: The agent that may place calls from it.
    agent_out: str | None = None
    #: The account that takes inbound calls; it goes before `agent_in`.
    account: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class HopRow:
    """One place that a trunk's or an agent's calls are sent to. Either `uri` or `name` is ''."""

    #: `host` or `host:port` as it was given; a request URI and a TLS name are made of it.
    host: str
    #: Where to send, if the host is an address: `sip:192.0.2.1:5060;transport=udp`.
    uri: str = ""
    #: If the host is a name, what it is resolved by: `host;port;transport`, the last two '' where not given.
    name: str = ""
    #: Over TLS the far side must show a certificate for `host` that our authorities have signed.
    verify: bool = True
    #: Whether it is asked by OPTIONS if it is there.
    probe: bool = False
    #: Lower ones are tried first. Among equal ones each call has an order of its own, by chance and `weight`.
    rank: int = 0
    #: As that of SRV (RFC 2782): its share of the calls among its rank; 0 is next to none.
    weight: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkRow:
    """A trunk as the edge knows it."""

    id: str
    tenant: str
    #: Everybody may call in; then `allowed` is empty.
    open: bool
    #: Networks that `addresses.collapse` made, separated by commas.
    allowed: str
    #: disable, allow or require, of what comes in and of what goes out.
    media_in: str
    media_out: str = "allow"
    #: What answers a challenge of the carrier's, in clear since a digest needs it.
    username: str = ""
    password: str = ""
    #: Gateways in order; none: inbound only.
    hops: tuple[HopRow, ...] = ()
    #: Who may call in: digits without a plus, `*` at the end of a prefix, separated by commas; '' is everybody.
    callers: str = ""
    #: What a called number begins with: digits without a plus, separated by commas; '' is what costs no more.
    destinations: str = ""
    #: Calls at once and begun in one second, both directions together, and minutes of a UTC day of outbound calls that
    #: were answered. 0: as many as the installation allows.
    max_calls: int = 0
    max_rate: int = 0
    max_minutes: int = 0
    #: How the carrier writes numbers: e164, digits, international or national; the last one needs the country code.
    number_format: str = "e164"
    country_code: str = ""
    #: Where it writes the number that is called: ruri, to or p-called-party-id.
    called_from: str = "ruri"
    #: Whole header lines for the INVITE to a gateway, each with its CRLF.
    headers: str = ""
    #: More for rtpengine's offer towards the carrier, each word with a space in front.
    flags: str = ""
    #: What is taken of the carrier's offers: names, separated by commas; '' is everything.
    codecs: str = ""
    #: Digest credentials that the carrier must call with; '' is none. As an agent's.
    login: str = ""
    ha1: str = ""
    #: Final responses, besides 408 and 5xx, after which the next gateway is tried; commas between.
    failover: str = ""
    #: Seconds for which each gateway is asked to register us; 0 is not at all.
    register: int = 0
    #: The domain of the address of record; '' is the gateway's own host.
    register_domain: str = ""

    @property
    def ruled(self) -> bool:
        """Whether there is more to its calls than address and media. Where there is not, a call costs nothing more."""
        limits = self.max_calls or self.max_rate or self.max_minutes
        numbers = self.number_format != "e164" or self.called_from != "ruri"
        media = self.flags or self.codecs
        return bool(self.callers or self.destinations or limits or numbers or self.headers or media or self.login)

    def __repr__(self) -> str:
        return f"TrunkRow(id={self.id!r})"


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentRow:
    """The published version of an agent. An agent without one has no row."""

    id: str
    version: str
    #: The request URI of calls to it, `{number}` left in.
    uri: str
    hops: tuple[HopRow, ...] = ()
    #: disable, allow or require, of the agent's leg in both directions.
    media: str = "disable"
    #: Networks that it calls from, as `addresses.collapse` made them; '' is none.
    sources: str = ""
    #: Digest credentials that it must call with; '' is none.
    login: str = ""
    #: MD5(login:realm:password), RFC 7616 section 3.4.2.
    ha1: str = ""
    #: What answers a challenge of the agent's platform.
    username: str = ""
    password: str = ""
    #: More for rtpengine's offer towards the agent, each word with a space in front.
    flags: str = ""
    #: Whole header lines for the INVITE to the agent, each with its CRLF.
    headers: str = ""

    def __repr__(self) -> str:
        return f"AgentRow(id={self.id!r}, version={self.version!r})"


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountRow:
    """A SIP user who registers and calls."""

    id: str
    username: str
    tenant: str
    #: H(username:realm:password) in hex, RFC 7616 section 3.4.2; H is the digest of the installation.
    ha1: str
    #: It is heard from `allowed` alone.
    restricted: bool = False
    #: Networks that `addresses.collapse` made, separated by commas; '' is nowhere.
    allowed: str = ""
    #: Shown beside its numbers; '' is none.
    name: str = ""
    #: The digits that other accounts of its tenant reach it by, and see when it calls; '' is none.
    internal: str = ""
    #: `NumberRow.key` of the number that it shows outside; '' is none.
    external: str = ""
    #: Whether it may call what is no account of its tenant's.
    allow_external: bool = False
    #: What of its calls is recorded: words among in-internal, in-external, out-internal, out-external and on-demand,
    #: a space between.
    record: str = ""

    def __repr__(self) -> str:
        return f"AccountRow(id={self.id!r})"


def hop(place: HostPort, transport: Transport | None = None, *, verify: bool = True, probe: bool = False) -> HopRow:
    """The hop that stands for a host, port and transport (RFC 3263 sections 4.1 and 4.2 for an address)."""
    address = as_address(place.host)
    if address is None:
        port = "" if place.port is None else str(place.port)
        return HopRow(
            host=str(place), name=f"{place.host.lower()};{port};{transport or ''}", verify=verify, probe=probe
        )
    transport = transport or Transport.UDP
    there = HostPort(host=place.host, port=place.port or (5061 if transport is Transport.TLS else 5060))
    return HopRow(host=str(place), uri=f"sip:{there};transport={transport}", verify=verify, probe=probe)


def hop_of_uri(uri: str, *, verify: bool = True) -> HopRow:
    """The hop that a SIP URI (checked by `addresses.check_sip_uri`) leads to."""
    return hop(*place_of_uri(uri), verify=verify)


def place_of_uri(uri: str) -> tuple[HostPort, Transport | None]:
    """Host, port and transport of such a URI."""
    scheme, _, rest = uri.partition(":")
    rest, *parameters = rest.rpartition("@")[2].split(";")
    transport = Transport.TLS if scheme.lower() == "sips" else None
    for parameter in parameters:
        name, _, value = parameter.lower().partition("=")
        if name == "transport" and transport is None:
            transport = Transport(value)
    if rest.startswith("["):
        host, _, port = rest[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = rest.partition(":")
    return HostPort(host=host, port=int(port) if port else None), transport


@dataclass(frozen=True, kw_only=True, slots=True)
class HopHealth:
    """Whether one place that calls are sent to answers, as far as this edge knows."""

    host: str
    #: Where calls are sent; None if the name did not resolve.
    uri: str | None
    #: Tried last: it did not answer OPTIONS twice running, or a call at all.
    down: bool
    #: What it said to the last OPTIONS, 408 being nothing; None if it was not asked yet, or is not.
    code: int | None = None
    #: Microseconds from OPTIONS to that answer.
    latency: int | None = None
    asked_at: datetime | None = None


#: Of a trunk: some of its gateways answer and some do not is `degraded`.
TrunkHealth = Literal["up", "degraded", "down", "unknown"]


def health_of(hops: Sequence[HopHealth]) -> TrunkHealth:
    """Of a trunk with these gateways; those of which nothing is known do not count beside others."""
    known = [hop.down for hop in hops if hop.uri is not None and (hop.down or hop.code)]
    if not known:
        return "unknown"
    return "down" if all(known) else "degraded" if any(known) else "up"


class RegistrationState(StrEnum):
    """How we stand with a gateway that may want us to register."""

    REGISTERED = "registered"
    #: Nothing has been answered yet.
    TRYING = "trying"
    #: The last try was refused, or not answered.
    FAILED = "failed"
    #: Nobody asks for it.
    OFF = "off"


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayRegistration:
    """What became of registering with one gateway of a trunk."""

    host: str
    state: RegistrationState
    #: The last final response; None if there was none.
    code: int | None = None
    #: Its reason phrase, printable ASCII alone, or what went wrong.
    reason: str | None = None
    #: When it came to be in that state.
    since: datetime | None = None
    #: Until when the gateway has promised to know us.
    expires_at: datetime | None = None
    next_attempt_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ban:
    """A source that is not heard for a while."""

    address: str
    #: flood, scanner, credentials or by-hand.
    reason: str
    since: datetime
    #: Messages of its that were dropped.
    dropped: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Binding:
    """Where a registered account is reached (RFC 3261 section 10)."""

    contact: str
    #: Where the REGISTER came from, if that is not where the contact says.
    received: str
    user_agent: str | None
    #: Seconds that are left.
    expires: int

    @property
    def address(self) -> str:
        """Where its REGISTER came from: the host of `sip:192.0.2.1:5060;transport=tcp`, without brackets."""
        place = (self.received or self.contact).partition(":")[2].partition(";")[0].rpartition("@")[2]
        return place[1:].partition("]")[0] if place.startswith("[") else place.partition(":")[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgeReport:
    """What an edge says of itself."""

    name: str
    #: It takes calls.
    ready: bool
    #: The newest revision whose calls it decides.
    applied: int
    seen_at: datetime
    version: str
    #: Where it takes SIP, as carriers reach it: `udp:192.0.2.1:5060`.
    signalling: tuple[str, ...]
    #: Where media comes from and goes to: `192.0.2.1:30000-39999`.
    media: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """How much of what a trunk and a tenant may have this edge carries now; a limit of 0 is none."""

    calls: int
    limit: int
    tenant_calls: int
    tenant_limit: int
    #: Minutes of this UTC day that the trunk's outbound calls have had.
    minutes: int
