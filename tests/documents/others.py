"""Carriers and platforms of the tests' own, behind the host names that pages speak of.

Each demands what the catalogue says of it, and refuses a call that comes otherwise, with the code that such a server
has for it.
"""

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.calls.certificates import Authority
from tests.calls.edges import free_port
from tests.calls.phone import CRYPTO, Agent, Message, sdp
from tests.calls.streams import StreamAgent
from tests.dns import NameServer

#: By which SRV records a transport is looked for (RFC 3263 section 4.1).
_SERVICES = {"udp": "_sip._udp", "tcp": "_sip._tcp", "tls": "_sips._tcp"}


@dataclass(frozen=True, kw_only=True)
class Demands:
    """What a server wants of an INVITE; a pattern is of the whole text."""

    uri: str
    transport: str = "udp"
    #: User of From.
    caller: str = r"\+\d+"
    #: User of To.
    called: str = r"\+\d+"
    encrypted: bool = False
    #: Names of codecs in the order of the offer; () takes any.
    codecs: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    #: Username, password, and the realm that is asked for them in.
    login: tuple[str, str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Other:
    """A server: the name that pages know it by, its address, and what it wants by each transport."""

    host: str
    address: str
    demands: tuple[Demands, ...]


def refusal(demands: Demands, invite: Message) -> int | None:
    """The code with which the server refuses; None: it takes the call."""
    if not re.fullmatch(demands.uri, invite.first.split(" ")[1]):
        return 404
    if not re.fullmatch(demands.caller, _user(invite.get("From"))):
        return 403
    if not re.fullmatch(demands.called, _user(invite.get("To"))):
        return 484
    if any(invite.get(name) != value for name, value in demands.headers.items()):
        return 403
    profile = "RTP/SAVP" if demands.encrypted else "RTP/AVP"
    stream = re.search(r"^m=audio \d+ (\S+)", invite.body, re.MULTILINE)
    if stream is None or stream[1] != profile or ("a=crypto:" in invite.body) != demands.encrypted:
        return 488
    if demands.codecs and offered(invite) != demands.codecs:
        return 488
    return None


def offered(invite: Message) -> tuple[str, ...]:
    """The audio codecs of an offer by name, in its order, each once."""
    names = {"0": "PCMU", "8": "PCMA", "9": "G722", "18": "G729"} | dict(
        re.findall(r"^a=rtpmap:(\d+) ([\w-]+)/", invite.body, re.MULTILINE)
    )
    stream = re.search(r"^m=audio \d+ \S+ (.*)$", invite.body, re.MULTILINE)
    types = stream[1].split() if stream else []
    return tuple(dict.fromkeys(names[each] for each in types if names[each] != "telephone-event"))


@contextlib.contextmanager
def standing(other: Other, dns: NameServer, authority: Authority) -> Iterator[dict[str, Agent]]:
    """The servers of one name, by transport; found by SRV as on the Internet, so that any port will do."""
    dns.set(other.host, "A", other.address)
    with contextlib.ExitStack() as stack:
        made: dict[str, Agent] = {}
        for demands in other.demands:
            port, transport = free_port(other.address), demands.transport
            realm = demands.login[2] if demands.login else other.host
            if transport == "udp":
                server = Agent(other.address, port, realm)
            else:
                context = authority.serving("node", other.host) if transport == "tls" else None
                server = StreamAgent(other.address, port, realm, context)
            if demands.login:
                server.wants = demands.login[:2]
            server.answers = _answers(demands, other.address)
            dns.set(f"{_SERVICES[transport]}.{other.host}", "SRV", f"10 10 {port} {other.host}.")
            made[transport] = stack.enter_context(server)
        yield made


def _answers(demands: Demands, address: str) -> Callable[[Message], tuple[int, str]]:
    def answer(invite: Message) -> tuple[int, str]:
        if invite.get("Via").split(" ")[0].rpartition("/")[2].lower() != demands.transport:
            return 400, ""
        code = refusal(demands, invite)
        if code is not None:
            return code, ""
        if demands.encrypted:
            return 200, sdp(address, 4002, "RTP/SAVP", CRYPTO)
        return 200, sdp(address, 4002)

    return answer


def _user(header: str) -> str:
    match = re.search(r"<?sips?:([^@>;]*)@", header)
    return match[1] if match else ""
