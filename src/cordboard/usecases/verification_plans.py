"""What there is to be tried of a subject: read from the store, before anything is sent."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from cordboard.domain.accounts import Account, AccountId
from cordboard.domain.addresses import collapse, parse_network
from cordboard.domain.agents import AgentId, AgentVersion
from cordboard.domain.allow_lists import Linted
from cordboard.domain.edge import place_of_uri
from cordboard.domain.errors import (
    InvalidNumber,
    NotFound,
    UnknownAccount,
    UnknownAgent,
    UnknownNumber,
    UnknownTrunk,
)
from cordboard.domain.numbers import Number, NumberId, parse_number
from cordboard.domain.trunk_rules import TrunkRules
from cordboard.domain.trunks import MediaPolicy, Trunk, TrunkId
from cordboard.domain.verification_checks import (
    Refused,
    account_said,
    allow_list_said,
    media_said,
    number_said,
    refused_media_said,
)
from cordboard.domain.verification_steps import Said, skipped
from cordboard.domain.verifications import Echo, Kind, Login, Phone, Place, Plan, StepName, Subject
from cordboard.storage import accounts, agents, calls, numbers, trunks
from cordboard.storage.transaction import Transaction
from cordboard.usecases.ports import Sealer

#: What stands for the called number where an agent is asked by OPTIONS.
_NOBODY: Final = "cordboard"
#: An address of the documentation's, for who may come from everywhere.
_ANYBODY: Final = "192.0.2.1"
#: How far back refusals are looked at.
LATELY: Final = timedelta(days=7)
#: Of a trunk that are looked at.
MOST_NUMBERS: Final = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A subject with what belongs to it."""

    subject: Subject
    trunk: Trunk | None = None
    number: Number | None = None
    #: The agent's published version.
    agent: AgentVersion | None = None
    account: Account | None = None
    #: Numbers on the trunk, with the versions of their agents that are published.
    carried: tuple[tuple[Number, AgentVersion | None], ...] = ()
    #: A number by which a call comes, with its trunk.
    called: tuple[Number, Trunk] | None = None
    #: A number with the version of the agent that may call from it.
    caller: tuple[Number, AgentVersion] | None = None
    #: Calls of the trunk's that were refused lately.
    refused: tuple[Refused, ...] = ()

    @property
    def shared(self) -> bool:
        """Whether a number's trunk is the system's: what it has of others, and its password, are not theirs."""
        return self.number is not None and self.trunk is not None and self.trunk.system


def unknown(kind: Kind, ref: str) -> NotFound:
    """What is said where there is no such subject, or none for the caller."""
    missing: dict[Kind, type[NotFound]] = {
        "trunk": UnknownTrunk,
        "number": UnknownNumber,
        "agent": UnknownAgent,
        "account": UnknownAccount,
    }
    return missing[kind](ref)


async def find(tx: Transaction, kind: Kind, ref: str) -> Found:
    """By id; a number by itself too, an account by its username. Raises NotFound of each kind."""
    if kind == "trunk":
        trunk = await trunks.get(tx, TrunkId(ref))
        return Found(subject=Subject(kind=kind, id=trunk.id, name=trunk.name, tenant=trunk.tenant), trunk=trunk)
    if kind == "agent":
        agent = await agents.get(tx, None, AgentId(ref))
        version = None if agent.published is None else await agents.version(tx, None, agent.published)
        return Found(subject=Subject(kind=kind, id=agent.id, name=agent.name, tenant=agent.tenant), agent=version)
    if kind == "account":
        account = await _account(tx, ref)
        name = account.username
        return Found(subject=Subject(kind=kind, id=account.id, name=name, tenant=account.tenant), account=account)
    return await _number(tx, ref)


async def _number(tx: Transaction, ref: str) -> Found:
    number = await _by_number_or_id(tx, ref)
    trunk = None if number.trunk is None else await trunks.get(tx, number.trunk)
    version = None if number.inbound_agent is None else await _published(tx, number.inbound_agent)
    subject = Subject(kind="number", id=number.id, name=number.number, tenant=number.tenant)
    return Found(subject=subject, trunk=trunk, number=number, agent=version)


async def _by_number_or_id(tx: Transaction, ref: str) -> Number:
    try:
        return await numbers.get(tx, None, NumberId(ref))
    except UnknownNumber:
        with contextlib.suppress(InvalidNumber, UnknownNumber):
            return await numbers.by_number(tx, parse_number(ref))
        raise UnknownNumber(ref) from None


async def _account(tx: Transaction, ref: str) -> Account:
    try:
        return await accounts.get(tx, AccountId(ref))
    except UnknownAccount:
        found = await accounts.by_username(tx, ref)
        if found is None:
            raise
        return found


async def gather(tx: Transaction, found: Found, now: datetime) -> Found:
    """The same with what edges have told of its trunk lately, and the numbers on it."""
    found = replace(found, called=await _called(tx, found))
    trunk = found.trunk
    if trunk is None:
        return found
    # what was refused before the trunk was changed says nothing of how it is now
    since = max(now - LATELY, trunk.updated_at)
    refused = [] if found.shared else await calls.refused_of_trunk(tx, trunk.id, since)
    if found.number is not None:
        caller = await _caller(tx, [found.number])
        return replace(found, refused=tuple(refused), carried=((found.number, found.agent),), caller=caller)
    carried: list[tuple[Number, AgentVersion | None]] = []
    known: dict[AgentId, AgentVersion | None] = {}
    for number in await numbers.of_trunk(tx, trunk.id, MOST_NUMBERS):
        agent = number.inbound_agent
        if agent is not None and agent not in known:
            known[agent] = await _published(tx, agent)
        carried.append((number, None if agent is None else known[agent]))
    caller = await _caller(tx, [number for number, _ in carried])
    return replace(found, refused=tuple(refused), carried=tuple(carried), caller=caller)


async def _called(tx: Transaction, found: Found) -> tuple[Number, Trunk] | None:
    """By which number an echo call comes: the subject's own, or one that leads to the agent."""
    number = found.number
    if found.subject.kind == "agent":
        number = await numbers.first_of_agent(tx, AgentId(found.subject.id))
    if number is None or number.trunk is None:
        return None
    return number, await trunks.get(tx, number.trunk)


async def _caller(tx: Transaction, owned: Sequence[Number]) -> tuple[Number, AgentVersion] | None:
    """The first number that an agent with an address or a username may call from."""
    for number in owned:
        version = None if number.outbound_agent is None else await _published(tx, number.outbound_agent)
        if version is not None and (version.from_addresses or version.from_credentials is not None):
            return number, version
    return None


async def _published(tx: Transaction, agent: AgentId) -> AgentVersion | None:
    published = (await agents.get(tx, None, agent)).published
    return None if published is None else await agents.version(tx, None, published)


def plan(found: Found, steps: tuple[StepName, ...], sealer: Sealer) -> Plan:
    """What is to be tried on the network."""
    trunk, account = found.trunk, found.account
    places = [] if trunk is None else _gateways(trunk, found, sealer)
    if found.agent is not None:
        places.append(_agent(found.agent, found.number))
    return Plan(
        steps=steps,
        places=tuple(places),
        trunk=None if trunk is None or found.shared or trunk.options.registration is None else trunk.id,
        phone=None if account is None else _phone(account),
    )


def _phone(account: Account) -> Phone:
    allowed = ",".join(collapse(account.allowed or ()))
    return Phone(username=account.username, restricted=account.restricted, allowed=allowed)


def _gateways(trunk: Trunk, found: Found, sealer: Sealer) -> list[Place]:
    login = _login(trunk, found, sealer)
    return [
        Place(
            where=gateway.where,
            transport=gateway.transport or trunk.options.transport,
            uri=f"sip:{gateway.where}",
            verify=trunk.tls_verify,
            asked=trunk.probe,
            login=login,
        )
        for gateway in trunk.gateways
    ]


def _login(trunk: Trunk, found: Found, sealer: Sealer) -> Login | None:
    if trunk.username is None or trunk.password is None or found.shared:
        return None
    registration = trunk.options.registration
    numbers = [number.number for number, _ in found.carried if number.number.startswith("+")]
    return Login(
        username=trunk.username,
        password=sealer.unseal(trunk.password, trunk.id),
        domain=None if registration is None else registration.domain,
        registers=registration is not None,
        caller=_written(trunk, numbers[0]) if numbers else None,
    )


def _written(trunk: Trunk, number: str) -> str:
    """A number of ours as the trunk's carrier writes it."""
    options = trunk.options
    rules = TrunkRules(number_format=options.number_format, country_code=options.country_code or "")
    return rules.written(number.removeprefix("+"))


def _agent(version: AgentVersion, number: Number | None) -> Place:
    where, transport = place_of_uri(version.sip_uri)
    called = _NOBODY if number is None else number.number.partition("@")[0]
    return Place(
        where=where,
        transport=transport,
        uri=version.sip_uri.replace("{number}", called),
        verify=version.tls_verify,
        agent=True,
    )


def echo(found: Found, to: str | None) -> Echo | Said:
    """The call that is to be placed; or why none can be."""
    if to is not None:
        return _outbound(found, to)
    if found.called is None:
        return skipped("echo-no-number", "no number with a trunk leads there, so nobody can call")
    number, trunk = found.called
    if trunk.media_in is MediaPolicy.REQUIRE:
        return skipped("echo-srtp", "the trunk demands SRTP of its carrier, which a verification does not speak")
    return Echo(
        called=number.number.partition("@")[0],
        caller=_some_caller(trunk),
        source=_first_of(trunk.allowed),
        proved="" if trunk.inbound is None else trunk.id,
        target=number.number,
    )


def _outbound(found: Found, to: str) -> Echo | Said:
    """As the agent places it that may call from one of the trunk's numbers."""
    if found.caller is None:
        return skipped(
            "echo-no-caller",
            "no number here has an agent that may place calls, so the edge would refuse it",
            "Give a number an outbound agent that calls from an address, or with a username.",
        )
    number, agent = found.caller
    if agent.encryption is MediaPolicy.REQUIRE:
        return skipped("echo-srtp", "the agent is held to SRTP, which a verification does not speak")
    return Echo(
        called=to,
        caller=number.number,
        source=_first_of(agent.from_addresses),
        login="" if agent.from_credentials is None else agent.from_credentials.username,
        target=to,
    )


def _first_of(networks: Sequence[str] | None) -> str:
    """An address that is let in: any will do where all are."""
    return str(parse_network(networks[0]).network_address) if networks else _ANYBODY


def _some_caller(trunk: Trunk) -> str:
    """Whom the trunk lets call in; a beginning is filled up."""
    if not trunk.options.callers:
        return "anonymous"
    first = trunk.options.callers[0]
    return first if not first.endswith("*") else first[:-1].ljust(12, "0")


def checks(found: Found, listed: Linted) -> Iterator[tuple[StepName, str, Said]]:
    """The steps that send nothing: name, target and what they say."""
    number, trunk = found.number, found.trunk
    if number is not None:
        yield "number", number.number, number_said(number, trunk, found.agent)
    if trunk is not None:
        for name, said in _media(trunk, found):
            yield "media", name, said
        if found.shared:
            yield (
                "allow-list",
                "",
                skipped("shared-trunk", "the trunk is the system's: who runs the installation verifies it"),
            )
        else:
            yield "allow-list", "", allow_list_said(listed.findings, listed.seen, trunk.id)
    if found.account is not None:
        yield "allow-list", "", account_said(found.account, listed.findings)


def _media(trunk: Trunk, found: Found) -> Iterator[tuple[str, Said]]:
    """Once for each agent, by the first of its numbers."""
    refused = refused_media_said(found.refused)
    if refused is not None:
        yield "", refused
    told: set[str] = set()
    for number, agent in found.carried:
        if agent is not None and agent.id not in told:
            told.add(agent.id)
            yield number.number, media_said(trunk, agent)
