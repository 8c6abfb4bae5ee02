"""Advice about who calls: agents and accounts, and what they dial."""

from dataclasses import replace
from typing import Final

from cordboard.domain import near
from cordboard.domain.agents import AgentId, VersionId
from cordboard.domain.dialled import DIALLED, SHORT, digits_of, plain_user
from cordboard.domain.explain import Advice, Remedy, Request
from cordboard.domain.lookups import AccountLookup, InboundLookup, OutboundLookup
from cordboard.domain.numbers import NumberId
from cordboard.domain.reasons import Reason
from cordboard.storage import agents, numbers
from cordboard.storage.transaction import Transaction
from cordboard.usecases.advice import Adviser, Case
from cordboard.usecases.advice_agents import another_version
from cordboard.usecases.advice_numbers import choose, publish


async def caller_not_allowed(tx: Transaction, case: Case) -> Advice:
    """Not the number's agent, or not the account whose name is shown."""
    row = case.judged.row if case.judged is not None else None
    if isinstance(row, AccountLookup) or row is None:
        return await _not_the_account(tx, case, row)
    if not isinstance(row, OutboundLookup):
        return Advice()
    if not row.version:
        number = await numbers.get(tx, case.tenant, NumberId(row.number_id))
        if number.outbound_agent is not None:
            return await publish(tx, number.tenant, number.outbound_agent)
        return await choose(tx, number, "outbound", case.invite.source)
    agent = await agents.get(tx, case.tenant, AgentId(row.agent))
    if not row.sources and not row.login:
        said = f"Agent {agent.name} has neither addresses that it calls from nor a username."
        return Advice(nearest=(said,), remedies=(await _calling_from(tx, case, agent.name, row),))
    if case.invite.login and row.login and case.invite.login != row.login:
        said = f"The credentials are of {case.invite.login}; agent {agent.name} calls as {row.login}."
        remedy = Remedy(says=f"Let the agent answer the challenge as {row.login}.", call={"login": row.login})
        return Advice(nearest=(said,), remedies=(remedy,))
    nearest = near.nearest_network(case.invite.source, tuple(row.sources.split(",")))
    said = f"{case.invite.source} is none of the addresses of agent {agent.name}" + (
        f"; the nearest is {nearest}." if nearest else "."
    )
    return Advice(nearest=(said,), remedies=(await _calling_from(tx, case, agent.name, row),))


async def _calling_from(tx: Transaction, case: Case, name: str, row: OutboundLookup) -> Remedy:
    """A new version of the agent, which calls from there as well."""
    version = await agents.version(tx, case.tenant, VersionId(row.version))
    sources = (*version.from_addresses, case.invite.source)
    says = f"If it is {name} who calls from {case.invite.source}, publish a version that says so."
    return another_version(replace(version, from_addresses=sources), says)


async def _not_the_account(tx: Transaction, case: Case, row: AccountLookup | None) -> Advice:
    login, shown = case.invite.login, plain_user(case.invite.caller)
    if row is not None and login == shown:
        remedy = Remedy(
            says=f"Give account {shown} a number of its tenant's to show outside.",
            commands=(("account", "update", row.account, "--external-caller-id", "NUMBER"),),
        )
        return Advice(nearest=(f"Account {shown} has no number to show outside.",), remedies=(remedy,))
    if not login:
        return Advice(remedies=(Remedy(says="Let the caller prove who it is: give the credentials of the account."),))
    said = f"The credentials are of {login}, and the call shows {shown}."
    remedy = Remedy(says=f"Let it show {login} in From, as whom it has logged in.", call={"from": login})
    return Advice(nearest=(said,), remedies=(remedy,))


async def credentials_required(tx: Transaction, case: Case) -> Advice:
    """The edge asks once; who answers is called in."""
    row = case.judged.row if case.judged is not None else None
    username = row.login if isinstance(row, OutboundLookup) else plain_user(case.invite.caller)
    if isinstance(row, OutboundLookup):
        said = f"The number's agent must answer the challenge as {username}."
    elif row is None:
        said = f"There is no account {username}; whoever shows a name is asked for a password."
    else:
        said = f"Whoever shows the name {username} must answer the challenge as that account."
    says = f"Let the caller answer the 407 with username {username} and its password."
    return Advice(nearest=(said,), remedies=(Remedy(says=says, call={"login": username}),))


async def wrong_credentials(tx: Transaction, case: Case) -> Advice:
    """What came, and what was asked for: of an agent, a trunk's carrier, or an account."""
    row, came = case.judged.row if case.judged is not None else None, case.invite.login
    rules = case.judged.rules if case.judged is not None else None
    if case.decision.reason == "wrong-realm":
        says = (
            "Let the caller answer the challenge that the edge sends: no realm set on its side, or that of the edge "
            "(CORDBOARD_SIP_REALM)."
        )
        return Advice(nearest=("Credentials for another realm are not looked at.",), remedies=(Remedy(says=says),))
    if isinstance(row, OutboundLookup):
        name, wanted = f"agent {(await agents.get(tx, case.tenant, AgentId(row.agent))).name}", row.login
        mend = await _new_password(tx, case, row)
    elif isinstance(row, InboundLookup):
        name, wanted = "the trunk's carrier", rules.login if rules is not None else ""
        secret = ("--inbound-username", wanted, "--inbound-password", "PASSWORD")
        says = "Give the carrier the password again, or set another one here."
        mend = Remedy(says=says, commands=(("trunk", "update", row.number, *secret),))
    else:
        name, wanted = "the account", plain_user(case.invite.caller)
        says = "Give the phone the account's password again, or set another one."
        mend = Remedy(says=says, commands=(("account", "update", wanted, "--password", "PASSWORD"),))
    if case.decision.reason == "wrong-password":
        said = f"The username {came} is right: it is {name}. The password is not."
        return Advice(nearest=(said,), remedies=(mend,))
    said = f"received username {came}, expected {wanted}."
    if row is None:
        said = f"received username {came}: there is no such account."
    remedy = Remedy(says=f"Let the caller answer with username {wanted} and its password.", call={"login": wanted})
    return Advice(nearest=(said,), remedies=(remedy,))


async def _new_password(tx: Transaction, case: Case, row: OutboundLookup) -> Remedy:
    version = await agents.version(tx, case.tenant, VersionId(row.version))
    says = "Give the agent its password again. It was shown once: a version with its username gets a new one."
    return another_version(version, says, username=row.login)


async def external_calls(tx: Transaction, case: Case) -> Advice:
    account = case.judged.row.account if case.judged and isinstance(case.judged.row, AccountLookup) else "ACCOUNT"
    name = plain_user(case.invite.caller)
    needs = () if case.decision.number_id else ("--external-caller-id", "NUMBER")
    remedy = Remedy(
        says=f"If {name} may call outside, let it.",
        commands=(("account", "update", account, "--allow-external-calls", *needs),),
        requests=(Request("PATCH", f"/accounts/{account}", {"allow_external_calls": True}),),
    )
    return Advice(nearest=(f"Account {name} may call accounts of its tenant alone.",), remedies=(remedy,))


async def not_e164(tx: Transaction, case: Case) -> Advice:
    """What was dialled, and as what it would be carried."""
    plain = plain_user(case.invite.user)
    digits = digits_of(plain)
    if case.decision.reason == "unknown-extension" and not DIALLED.fullmatch(plain):
        return _no_number(plain, "+NUMBER")
    wanted, differs = _in_full(digits, digits_of(case.decision.number))
    if SHORT.fullmatch(plain):
        return _extension(plain, wanted)
    if not 7 <= len(digits_of(wanted)) <= 15:
        return _no_number(plain, "+NUMBER")
    said = f"received {plain}, which would be {wanted}: {differs}."
    return Advice(nearest=(said,), remedies=(Remedy(says=f"Dial {wanted}.", call={"to": wanted}),))


def _in_full(digits: str, own: str) -> tuple[str, str]:
    """The digits as an E.164 number, and how that differs; `own` is of the country that is called from."""
    for exit in ("00", "011"):
        if digits.startswith(exit):
            return f"+{digits.removeprefix(exit)}", f"{exit} stands where the + should"
    if digits.startswith("0"):
        country = next((code for n in (1, 2, 3) if (code := own[:n]) in near.country_codes()), "")
        return f"+{country}{digits[1:]}", f"in the national form of country code {country}"
    return f"+{digits}", "it differs by a leading +"


def _no_number(plain: str, wanted: str) -> Advice:
    said = f"{plain} is no number: a number is + and 7 to 15 digits."
    return Advice(nearest=(said,), remedies=(Remedy(says=f"Dial {wanted}.", call={"to": wanted}),))


def _extension(plain: str, wanted: str) -> Advice:
    return Advice(
        nearest=(f"No account of the tenant has the extension {plain}.",),
        remedies=(
            Remedy(
                says=f"Give the account that is meant the extension {plain}, or dial {wanted} if it is outside.",
                commands=(("account", "update", "ACCOUNT", "--internal-caller-id", plain),),
            ),
        ),
    )


ADVISERS: Final[dict[Reason, Adviser]] = {
    "caller-not-allowed": caller_not_allowed,
    "credentials-required": credentials_required,
    "login-required": credentials_required,
    "wrong-password": wrong_credentials,
    "unknown-username": wrong_credentials,
    "wrong-realm": wrong_credentials,
    "external-calls-not-allowed": external_calls,
    "unknown-extension": not_e164,
    "not-e164": not_e164,
}
