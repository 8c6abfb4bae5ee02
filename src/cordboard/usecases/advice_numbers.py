"""Advice about numbers: which one was meant, in what state it is, and who takes its calls."""

from dataclasses import replace
from typing import Final

from cordboard.domain import near
from cordboard.domain.addresses import collapse, with_host
from cordboard.domain.agents import AgentId, VersionId
from cordboard.domain.dialled import DIALLED, candidate_keys, digits_of, names_account, plain_user
from cordboard.domain.explain import Advice, Remedy, Request
from cordboard.domain.lookups import InboundLookup
from cordboard.domain.numbers import Direction, Number, NumberId
from cordboard.domain.reasons import Reason
from cordboard.domain.tenants import TenantId
from cordboard.domain.times import from_wire
from cordboard.domain.verdicts import in_networks
from cordboard.storage import agents, numbers, trunks
from cordboard.storage import near as stored
from cordboard.storage.transaction import Transaction
from cordboard.usecases.advice import Adviser, Case
from cordboard.usecases.advice_agents import another_version

#: Near numbers, and agents, that are named; agents that are looked at.
_NAMED: Final = 3
_LOOKED_AT: Final = 100


async def unknown_number(tx: Transaction, case: Case) -> Advice:
    """Which number the caller or its carrier may have meant."""
    invite = case.invite
    found = await _in_another_state(tx, case) + await _elsewhere(tx, case)
    found += await _alike(tx, case, invite.user, "called")
    if not found.nearest and invite.caller and not names_account(plain_user(invite.caller)):
        found += await _alike(tx, case, invite.caller, "shown")
    if found.remedies:
        return found
    return Advice(nearest=found.nearest or ("No number of ours is near it.",), remedies=(_new_number(case),))


async def _in_another_state(tx: Transaction, case: Case) -> Advice:
    """It is ours, but not assigned: no call reaches it."""
    keys = candidate_keys(case.invite.user, case.invite.host)
    wanted = [text for text in (f"+{keys.digits}" if keys.digits else "", keys.address) if text]
    advice = Advice()
    for each in (await stored.named(tx, case.tenant, wanted)).values():
        if each.status == "reserved":
            whose = case.tenant or each.tenant or "TENANT"
            advice += Advice(
                nearest=(f"{each.number} is reserved: it is kept for somebody, and takes no calls yet.",),
                remedies=(
                    Remedy(
                        says=f"Assign {each.number} to its tenant.",
                        commands=(("number", "assign", each.number, "--tenant", whose),),
                        requests=(Request("POST", "/numbers/assign", {"number": each.number, "tenant_id": whose}),),
                    ),
                ),
            )
        elif each.status == "released":
            since = f" on {from_wire(each.released_at):%Y-%m-%d}" if each.released_at else ""
            says = f"{each.number} was released{since}: it rests for 30 days, and then can be had again."
            advice += Advice(nearest=(says,), remedies=(Remedy(says="Call another number until then."),))
        elif each.status != "assigned":
            says = f"{each.number} is ours, but its status is {each.status}."
            advice += Advice(nearest=(says,), remedies=(Remedy(says="Wait until it is assigned."),))
    return advice


async def _elsewhere(tx: Transaction, case: Case) -> Advice:
    """Another header of the INVITE names a number of ours."""
    invite, advice = case.invite, Advice()
    headers = (("to", "To", invite.to, invite.to_host), ("p-called-party-id", "P-Called-Party-ID", invite.party, ""))
    for word, header, user, host in headers:
        keys = candidate_keys(user, host)
        if not user or user == invite.user or not keys.digits:
            continue
        for each in (await stored.named(tx, case.tenant, [f"+{keys.digits}"])).values():
            advice += Advice(
                nearest=(f"{header} names {each.number}, which is ours; the request URI names {invite.user}.",),
                remedies=(
                    _trunk_option(
                        each,
                        f"If the carrier always writes the called number into {header}, read it there.",
                        {"called_number_from": word},
                    ),
                ),
            )
    return advice


async def _alike(tx: Transaction, case: Case, user: str, how: str) -> Advice:
    """Numbers that differ by little from the one that was called, or shown."""
    plain = plain_user(user)
    digits = digits_of(plain) if DIALLED.fullmatch(plain) else ""
    advice = Advice()
    for each in await stored.at_any_host(tx, case.tenant, plain) if plain else ():
        host = each.number.partition("@")[2]
        what = f"{each.number} is a SIP address of ours: the call was for {plain}@{case.invite.host or '?'}."
        advice += Advice(
            nearest=(what,),
            remedies=(Remedy(says=f"Call sip:{each.number}.", call={"to": plain, "host": host}),),
        )
    if len(digits) < 4:
        return advice
    meant = near.variants(digits)
    found = await stored.named(tx, case.tenant, [f"+{other}" for other in meant])
    for other, differs in meant.items():
        known = found.get(f"+{other}")
        if known is None or known.status != "assigned" or len(advice.nearest) >= _NAMED:
            continue
        said = f"{how} {plain}, stored {known.number}: {differs}."
        advice += Advice(nearest=(said,), remedies=(_meant(known, other, digits, how),))
    return advice


def _meant(each: stored.Near, other: str, digits: str, how: str) -> Remedy:
    """A near number: its trunk may read the national form, or the caller must write it in full."""
    field = "to" if how == "called" else "from"
    if how == "called" and other.endswith(digits.removeprefix("0")) and each.trunk is not None:
        country = other.removesuffix(digits.removeprefix("0"))
        return _trunk_option(
            each,
            "If the carrier writes numbers as within the country, say so of its trunk; "
            f"else have it send {each.number}.",
            {"number_format": "national", "country_code": country},
        )
    verb = "Call" if how == "called" else "Show"
    return Remedy(says=f"{verb} {each.number}, if that is meant.", call={field: each.number})


def _new_number(case: Case) -> Remedy:
    keys = candidate_keys(case.invite.user, case.invite.host)
    number = f"+{keys.digits}" if keys.digits else keys.address or "NUMBER"
    whose = case.tenant or "TENANT"
    return Remedy(
        says=f"If {number} is to be ours, add it; a carrier's own is imported.",
        commands=(("number", "add", number, "--tenant", whose),),
        requests=(Request("POST", "/numbers", {"number": number, "tenant_id": whose}),),
    )


async def no_agent(tx: Transaction, case: Case) -> Advice:
    """Nobody takes the number's calls: no agent is assigned, or it has no published version."""
    number = await numbers.get(tx, case.tenant, NumberId(case.decision.number_id))
    if number.inbound_agent is not None:
        return await publish(tx, number.tenant, number.inbound_agent)
    return await choose(tx, number, "inbound")


async def publish(tx: Transaction, tenant: TenantId | None, agent: AgentId) -> Advice:
    """The agent that the number has takes and places no calls: none of its versions is published."""
    found = await agents.get(tx, tenant, agent)
    versions = [each for each in await agents.versions(tx, agent, None, 1000) if not each.draft]
    version = versions[-1].id if versions else "VERSION"
    path = f"/agents/{agent}/published-version"
    remedy = Remedy(
        says=f"Publish a version of {found.name}.",
        commands=(("agent", "version", "publish", "--agent", agent, "--version", version),),
        requests=(Request("PUT", path, {"version_id": version}),),
    )
    return Advice(
        nearest=(f"The number's agent is {found.name}, of which no version is published.",), remedies=(remedy,)
    )


async def choose(tx: Transaction, number: Number, direction: Direction, source: str = "") -> Advice:
    """The number has no agent: which of its tenant's could be that; outbound, of those that may call from `source`."""
    verb = "take its calls" if direction == "inbound" else f"call as {number.number}"
    fitting = []
    for agent in () if number.tenant is None else await agents.of_tenant(tx, number.tenant, None, _LOOKED_AT):
        if agent.published is None:
            continue
        version = await agents.version(tx, number.tenant, agent.published)
        named = version.from_credentials is not None or in_networks(source, ",".join(collapse(version.from_addresses)))
        if direction == "inbound" or named:
            fitting.append(agent)
    option = "--agent" if direction == "inbound" else "--outbound-agent"
    if not fitting:
        words = ("--from-address", source) if direction == "outbound" else ()
        make = ("agent", "create", "--tenant", number.tenant or "TENANT", "--name", "NAME")
        remedy = Remedy(
            says=f"Make an agent, and let it {verb}.",
            commands=(
                (*make, "--sip-uri", "sip:{number}@HOST", *words),
                ("number", "update", number.number, option, "AGENT"),
            ),
        )
        return Advice(nearest=("The tenant has no agent that could.",), remedies=(remedy,))
    names = ", ".join(each.name for each in fitting[:_NAMED])
    first = fitting[0]
    remedy = Remedy(
        says=f"Let an agent {verb}: {first.name}, for one.",
        commands=(("number", "update", number.number, option, first.id),),
        requests=(Request("PATCH", f"/numbers/{number.id}", {f"{direction}_agent_id": first.id}),),
    )
    return Advice(nearest=(f"The tenant has agents that could: {names}.",), remedies=(remedy,))


async def agent_unreachable(tx: Transaction, case: Case) -> Advice:
    """The host of the agent's URI has no address."""
    version = await agents.version(tx, case.tenant, VersionId(case.decision.version))
    says = (
        "Mend the name in DNS, or give the agent a version with a host that has an address; "
        "the server's log says what name servers answered."
    )
    remedy = another_version(replace(version, sip_uri=with_host(version.sip_uri, "HOST")), says)
    return Advice(nearest=(f"The host of {version.sip_uri} has no address.",), remedies=(remedy,))


async def no_trunk(tx: Transaction, case: Case) -> Advice:
    """Its trunk was deleted: which others there are."""
    number = await numbers.get(tx, case.tenant, NumberId(case.decision.number_id))
    own = [] if number.tenant is None else await trunks.of_tenant(tx, number.tenant, None, 1)
    trunk = own[0].id if own else "TRUNK"
    make = () if own else (("trunk", "create", "--tenant", number.tenant or "TENANT", "--name", "NAME"),)
    remedy = Remedy(
        says=f"Give {number.number} a trunk" + (f": {own[0].name}, for one." if own else "; make one first."),
        commands=(*make, ("number", "update", number.number, "--trunk", trunk)),
        requests=() if make else (Request("PATCH", f"/numbers/{number.id}", {"trunk_id": trunk}),),
    )
    return Advice(nearest=(f"{number.number} has no trunk: it was deleted.",), remedies=(remedy,))


async def account_offline(tx: Transaction, case: Case) -> Advice:
    """The account that takes the calls is registered nowhere, or is gone."""
    row = case.judged.row if case.judged is not None else None
    name = case.decision.target or (row.target if isinstance(row, InboundLookup) else "")
    if not name:
        return Advice(
            nearest=("The account that took its calls is gone.",),
            remedies=(
                Remedy(
                    says="Give the number to an account that there is.",
                    commands=(("number", "assign", case.decision.number, "--account", "ACCOUNT"),),
                ),
            ),
        )
    says = "Is its phone on, its password right, and its address allowed? Look at its registrations."
    return Advice(
        nearest=(f"Account {name} is registered nowhere.",),
        remedies=(Remedy(says=says, commands=(("account", "show", name),)),),
    )


def _trunk_option(number: stored.Near, says: str, options: dict[str, object]) -> Remedy:
    """A change of the options of a number's trunk."""
    words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    return Remedy(
        says=says,
        commands=(("trunk", "update", number.number, *words),),
        requests=(Request("PATCH", f"/trunks/{number.trunk}", {"options": options}),),
    )


ADVISERS: Final[dict[Reason, Adviser]] = {
    "unknown-number": unknown_number,
    "no-agent": no_agent,
    "agent-unreachable": agent_unreachable,
    "no-trunk": no_trunk,
    "account-offline": account_offline,
}
