"""Generated state of an edge and generated calls to it, for the differential test."""

import random
import string
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from cordboard.domain.addresses import MAX_NETWORKS, HostPort, collapse
from cordboard.domain.dialled import routing_key
from cordboard.domain.edge import AccountRow, AgentRow, HopRow, NumberRow, TrunkRow, hop, hop_of_uri
from cordboard.domain.media import OFFERED, POLICIES, codec_flags, codec_names
from cordboard.domain.routing import Invite
from cordboard.domain.trunk_rules import PREMIUM

Row = NumberRow | TrunkRow | AgentRow | AccountRow
_USER = string.ascii_letters + string.digits + "._+~-"
#: What is put into users to break the reading of them.
_ODD = [
    "%",
    "%%",
    "%2",
    "%zz",
    "%00",
    "%1f",
    "%7F",
    "%7e",
    "%ff",
    "%c3%b1",
    "%41",
    "%2B",
    "%2b",
    "%20",
    "%3B",
    "%40",
    ";",
    "+",
]
_ODD += [
    "'",
    '"',
    "\\",
    "`",
    "--",
    "/*",
    "';--",
    "x'",
    "$(var(x))",
    "$si",
    "{",
    "}",
    "\t",
    "\n",
    "\x7f",
    "ñ",
    "\u0663",
    "@",
    ":",
]


@dataclass(frozen=True)
class World:
    """The rows of one edge, and the calls that may be made of them."""

    numbers: list[NumberRow]
    trunks: list[TrunkRow]
    agents: list[AgentRow]
    accounts: list[AccountRow]
    #: name, rank, uri
    resolved: list[tuple[str, int, str]]

    @property
    def rows(self) -> list[Row]:
        return [*self.numbers, *self.trunks, *self.agents, *self.accounts]


def world(rng: random.Random, size: int = 60) -> World:
    """Numbers of both kinds, trunks with lists from one network to as many as fit, agents of which some are missing."""
    agents = [_agent(rng, i) for i in range(18)]
    trunks = [_trunk(rng, f"t{i}", POLICIES[i % 3], _list(rng)) for i in range(18)]
    full = ",".join(
        collapse(f"2001:db8:{i:x}:{i * 7:x}:{i * 13:x}::/{rng.choice((81, 90, 112))}" for i in range(MAX_NETWORKS))
    )
    trunks.append(_trunk(rng, "full", "allow", full))
    numbers: dict[str, NumberRow] = {}
    for i in range(size):
        number = _e164(rng) if rng.random() < 0.7 else _address(rng, list(numbers))
        numbers[routing_key(number)] = NumberRow(
            key=routing_key(number),
            number_id=f"n{i}",
            number=number,
            user=number.partition("@")[0],
            tenant="tenant",
            # t99 and a99 are not there
            trunk=rng.choice([*(trunk.id for trunk in trunks), *("full",) * 2, "t99", ""]),
            agent_in=rng.choice([*(agent.id for agent in agents), "a99", None]),
            agent_out=rng.choice([*(agent.id for agent in agents), "a99", None]),
            # c99 is not there
            account=rng.choice([None] * 8 + ["c1", "c2", "c99"]),
        )
    resolved = [
        (f"gw{i}.example;;", rank, f"sip:192.0.2.{i}:{5060 + rank};transport=tcp")
        for i in range(3)
        for rank in range(i)
    ]
    return World(list(numbers.values()), trunks, agents, _accounts(rng, list(numbers)), resolved)


def call(rng: random.Random, world: World, *, on_the_wire: bool = False) -> Invite:
    """A call that has a fair chance of each verdict. `on_the_wire`: one that can be sent from loopback."""
    if rng.random() < 0.4:
        return _outbound(rng, world, on_the_wire)
    if rng.random() < 0.3:
        return _by_account(rng, world, on_the_wire)
    number = rng.choice(world.numbers)
    user, _, host = number.number.partition("@")
    host = host or rng.choice(["edge.example", "127.0.0.1", "192.0.2.1:5060"]).partition(":")[0]
    trunk = next((trunk for trunk in world.trunks if trunk.id == number.trunk), world.trunks[0])
    if rng.random() < 0.15:
        host = rng.choice([host.upper(), host.title(), "example.net", "xn--bcher-kva.example"])
    if rng.random() < 0.1:
        user = rng.choice([_e164(rng), "", "".join(rng.choices(_USER, k=rng.randrange(1, 20)))])
    user = _as_written(rng, user, trunk)
    others = [user, "", _as_written(rng, rng.choice(world.numbers).number.partition("@")[0], trunk), user]
    if rng.random() < 0.2:
        user, others = rng.choice(["pilot", "4711"]), [user]
    user = _dressed(rng, user, on_the_wire)
    source = f"127.0.1.{rng.randrange(1, 255)}" if on_the_wire else _source(rng, trunk.allowed)
    caller = rng.choice(["", _as_written(rng, _e164(rng), trunk), rng.choice(world.numbers).number.partition("@")[0]])
    return Invite(
        source=source,
        user=user,
        host=host,
        caller=caller,
        caller_host="x.example",
        to=user if on_the_wire else rng.choice(others),
        to_host=host,
        party="" if on_the_wire else rng.choice(others),
        party_host=host,
        proved="" if on_the_wire else rng.choice(["", trunk.id, trunk.id, world.trunks[0].id]),
        offered=rng.choice(OFFERED),
    )


def _as_written(rng: random.Random, user: str, trunk: TrunkRow) -> str:
    """A number as the trunk's carrier writes it, or nearly so."""
    if not user.startswith("+") or rng.random() < 0.5:
        return user
    digits = user[1:]
    if rng.random() < 0.3:
        return "00" + digits
    return rng.choice(["", "0"]) + digits.removeprefix(trunk.country_code)


def _outbound(rng: random.Random, world: World, on_the_wire: bool) -> Invite:
    number = rng.choice([number for number in world.numbers if number.agent_out])
    agent = next((agent for agent in world.agents if agent.id == number.agent_out), world.agents[0])
    caller, _, host = number.number.partition("@")
    ours = rng.choice(world.numbers).number.partition("@")[0]
    called = rng.choice([ours, *[_e164(rng)] * 4, "112", "+34112", "*123#", "34911234567", "0034911", "sales", ""])
    logins = ["", agent.login, rng.choice(world.agents).login]
    return Invite(
        source=f"127.0.1.{rng.randrange(1, 255)}" if on_the_wire else _source(rng, agent.sources),
        user=_dressed(rng, called, on_the_wire),
        host="127.0.0.1",
        caller=_dressed(rng, caller, on_the_wire),
        caller_host=host or "agent.example",
        login="" if on_the_wire else rng.choice(logins),
        offered=rng.choice(OFFERED),
    )


def _by_account(rng: random.Random, world: World, on_the_wire: bool) -> Invite:
    account = rng.choice(world.accounts)
    other = rng.choice(world.accounts)
    called = rng.choice(
        [
            other.internal,
            other.internal,
            *[_e164(rng)] * 4,
            rng.choice(world.numbers).number.partition("@")[0],
            "112",
            "*43#",
            "+112",
            "0034911234567",
            "bob",
        ]
    )
    caller = account.username
    if rng.random() < 0.1:
        caller = rng.choice(
            [other.username, caller.upper(), "nobody", "1234567", "123456", "Anonymous", "unknown", "a" * 64, "a" * 65]
        )
    return Invite(
        source=f"127.0.1.{rng.randrange(1, 255)}" if on_the_wire else _source(rng, account.allowed),
        user=_dressed(rng, called, on_the_wire),
        host="127.0.0.1",
        caller=caller if rng.random() < 0.9 else _dressed(rng, caller, on_the_wire),
        caller_host="127.0.0.1",
        login="" if on_the_wire else rng.choice([account.username] * 4 + ["", other.username]),
        offered=rng.choice(OFFERED),
    )


def _accounts(rng: random.Random, keys: list[str]) -> list[AccountRow]:
    return [
        AccountRow(
            id=f"c{i}",
            username=rng.choice(["alice", "z4wnypvker", "x+1.y-2_", "10"]) + str(i),
            tenant=rng.choice(["tenant", "tenant", "other"]),
            ha1="",
            restricted=rng.random() < 0.4,
            allowed=_list(rng),
            internal=rng.choice(["", str(100 + i), str(100_000_00 + i)]),
            external=rng.choice([*rng.choices(keys, k=6), "1", ""]),
            allow_external=rng.random() < 0.7,
        )
        for i in range(12)
    ]


def _agent(rng: random.Random, i: int) -> AgentRow:
    uri = _agent_uri(rng, i)
    sources = rng.choice(["", _list(rng), _list(rng), "127.0.0.0/8"])
    login = rng.choice(["", f"login{i}"])
    hops = rng.choice([(hop_of_uri(uri),)] * 5 + [_hops(rng)])
    media = rng.choice(POLICIES)
    return AgentRow(id=f"a{i}", version=f"v{i}", uri=uri, hops=hops, media=media, sources=sources, login=login)


def _trunk(rng: random.Random, id: str, policy: str, allowed: str) -> TrunkRow:
    return TrunkRow(
        id=id,
        tenant="tenant",
        open=not allowed,
        allowed=allowed,
        media_in=policy,
        media_out=rng.choice(POLICIES),
        hops=_hops(rng),
        **(_options(rng, id) if rng.random() < 0.5 else {}),
    )


def _options(rng: random.Random, id: str) -> dict[str, Any]:
    """Some of a trunk's options."""
    digits = string.digits[1:]
    callers = [rng.choice(digits) + rng.choice(["*", "", rng.choice(digits) + "*"]) for _ in range(rng.randrange(7))]
    destinations = [*rng.choices(digits, k=rng.randrange(5)), *rng.sample(sorted(PREMIUM), 2)]
    return {
        "callers": rng.choice(["", ",".join(callers)]),
        "destinations": rng.choice(["", ",".join(destinations)]),
        "login": rng.choice(["", "", f"carrier-{id}"]),
        "number_format": rng.choice(["e164", "digits", "international", "national"]),
        "country_code": rng.choice(["1", "34", "39", "49"]),
        "flags": rng.choice(["", codec_flags(("PCMA", "opus"))]),
        "codecs": rng.choice(["", codec_names(("PCMA", "opus"))]),
        "username": rng.choice(["", "acme"]),
        "register": rng.choice([0, 600, 600]),
        "called_from": rng.choice(["ruri", "ruri", "to", "p-called-party-id"]),
    }


def _hops(rng: random.Random) -> tuple[HopRow, ...]:
    """None, addresses, and names of which some lead nowhere."""
    hosts = rng.choices(["192.0.2.50", "2001:db8::5", "gw0.example", "gw1.example", "gw2.example"], k=rng.randrange(4))
    if rng.random() < 0.2:
        hosts = ["gw0.example"]
    ranks = rng.choice([range(len(hosts)), [rng.randrange(3) for _ in hosts]])
    return tuple(
        replace(hop(HostPort(host=host), verify=rng.random() < 0.5), rank=rank, weight=rng.randrange(4))
        for rank, host in zip(ranks, hosts, strict=True)
    )


def _e164(rng: random.Random) -> str:
    if rng.random() < 0.3:
        zero = rng.choice(["", "0"])
        return (
            f"+{rng.choice(['1', '34', '39', '49'])}{zero}{''.join(rng.choices(string.digits, k=rng.randrange(4, 9)))}"
        )
    if rng.random() < 0.1:
        return "+" + rng.choice(sorted(PREMIUM))[: rng.randrange(2, 6)] + "".join(rng.choices(string.digits, k=8))
    return "+" + rng.choice("123456789") + "".join(rng.choices(string.digits, k=rng.randrange(1, 15)))


def _address(rng: random.Random, keys: list[str]) -> str:
    digits = [key for key in keys if key.isdigit()]
    if digits and rng.random() < 0.3:
        user = rng.choice(digits)  # an address whose user is a number of ours
    else:
        user = "".join(rng.choices(_USER, k=rng.randrange(1, 12)))
    return f"{user}@{rng.choice(['example.com', 'pbx.example.org', '192.0.2.5', '127.0.0.1'])}"


def _agent_uri(rng: random.Random, i: int) -> str:
    user = rng.choice(["", "{number}@", "agent@", "pre{number}post@"])
    return f"sip:{user}127.0.2.{i + 1}:{5070 + i}{rng.choice(['', ';transport=tcp', ';transport=udp'])}"


def _list(rng: random.Random) -> str:
    if rng.random() < 0.15:
        return ""
    networks = []
    for _ in range(rng.choice((1, 1, 2, 5, 40))):
        if rng.random() < 0.6:
            length = rng.choice((32, 32, 30, 24, 16, 9, 1, 0) if rng.random() < 0.3 else (32, 29, 24))
            networks.append(
                str(
                    IPv4Network(
                        (rng.choice((0x7F000100, rng.getrandbits(32))) + rng.randrange(256) & 0xFFFFFFFF, length),
                        strict=False,
                    )
                )
            )
        else:
            base = rng.choice((0x20010DB8 << 96, rng.getrandbits(128)))
            networks.append(
                str(IPv6Network((base | rng.getrandbits(40), rng.choice((128, 127, 96, 64, 48, 32, 3))), strict=False))
            )
    return ",".join(collapse(networks))


def _source(rng: random.Random, allowed: str) -> str:
    """An address in, or next to, one of the networks; or any."""
    if not allowed or rng.random() < 0.1:
        return rng.choice(
            ["127.0.1.1", "::1", str(IPv4Network(rng.getrandbits(32))[0]), str(IPv6Network(rng.getrandbits(128))[0])]
        )
    text = rng.choice(allowed.split(","))
    network = IPv6Network(text) if ":" in text else IPv4Network(text)
    first, last, top = int(network[0]), int(network[-1]), 2**network.max_prefixlen - 1
    number = rng.choice((first, last, max(first - 1, 0), min(last + 1, top), rng.randint(first, last)))
    return str((IPv6Network if ":" in text else IPv4Network)(number)[0])


def _dressed(rng: random.Random, user: str, on_the_wire: bool) -> str:
    """The user as carriers and attackers write it."""
    characters = list(user)
    if rng.random() < 0.3 and user.startswith("+"):
        characters[0] = rng.choice(["", "%2B", "%2b", "++"])
    if rng.random() < 0.2 and characters:
        at = rng.randrange(len(characters))
        characters[at : at + 1] = [f"%{ord(c):02{rng.choice('xX')}}" for c in characters[at]]
    if rng.random() < 0.25:
        for _ in range(rng.randrange(1, 4)):
            separators = ["-", ".", "(", ")"] if on_the_wire else ["-", ".", "(", ")", " ", "%20", "%2D", "+"]
            characters.insert(rng.randrange(len(characters) + 1), rng.choice(separators))
    if rng.random() < 0.12 and not on_the_wire:
        characters.insert(rng.randrange(len(characters) + 1), rng.choice(_ODD))
    if rng.random() < 0.2:
        characters.append(rng.choice([";npdi=yes", ";rn=+1555;npdi", ";phone-context=+1", ";"]))
    return "".join(characters)
