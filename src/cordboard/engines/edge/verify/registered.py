"""The step `registration`: how the edge stands with a trunk's gateways, and whether an account is there."""

import asyncio
from typing import Final

from cordboard.domain.edge import GatewayRegistration, RegistrationState
from cordboard.domain.errors import EdgeUnavailable
from cordboard.domain.trunks import TrunkId
from cordboard.domain.verdicts import in_networks
from cordboard.domain.verification_steps import Said, failed, passed, skipped, warning
from cordboard.domain.verifications import Phone
from cordboard.usecases.ports import EdgeState, Registrations

#: Looks at one that is being tried, half a second apart.
_LOOKS: Final = 10

#: What to do, by the last code; None is no answer.
_REMEDIES: Final = {
    401: "Check the username and the password.",
    403: "Check the username and the password; some carriers say so to an address that they do not know, too.",
    404: "The registrar does not know that user in that domain: check the username, and "
    "`trunk.options.registration.domain`.",
    407: "Check the username and the password.",
    423: "The registrar wants longer registrations: `trunk.options.registration.expires`.",
    None: "The registrar does not answer: the other steps say why.",
}


async def registrations(state: EdgeState, trunk: TrunkId) -> list[tuple[str, Said]]:
    """Of each gateway; one that is being tried is waited for."""
    for _ in range(_LOOKS):
        try:
            found = await state.registrations(trunk)
        except EdgeUnavailable as error:
            return [("", skipped("edge-unavailable", f"the edge cannot be asked: {error}"))]
        if all(each.state is not RegistrationState.TRYING for each in found):
            break
        await asyncio.sleep(0.5)
    return [(each.host, _said(each)) for each in found]


def _said(one: GatewayRegistration) -> Said:
    evidence = {
        "state": one.state,
        "code": one.code,
        "reason": one.reason,
        "expires_at": None if one.expires_at is None else one.expires_at.isoformat(),
    }
    if one.state is RegistrationState.REGISTERED:
        return passed(f"registered at {one.host}", **evidence)
    if one.state is RegistrationState.TRYING:
        summary = f"{one.host} has not answered the first REGISTER yet"
        return warning("registration-trying", summary, "Verify it again in a while.", **evidence)
    if one.state is RegistrationState.OFF:
        summary = "the trunk wants it, but the edge does not register there yet"
        return warning("registration-off", summary, "Verify it again in a while.", **evidence)
    said = "no answer" if one.code is None else f"{one.code} {one.reason or ''}".strip()
    remedy = _REMEDIES.get(one.code, "Ask the carrier what it means.")
    return failed("registration-refused", f"{one.host} does not register us: {said}", remedy, **evidence)


async def phone(registrar: Registrations, account: Phone) -> Said:
    """Whether the account is registered, and from where it may be."""
    try:
        bindings = (await registrar.registrations([account.username])).get(account.username, ())
    except EdgeUnavailable as error:
        return skipped("edge-unavailable", f"the edge cannot be asked: {error}")
    evidence = {
        "bindings": [
            {
                "contact": each.contact,
                "received": each.received,
                "user_agent": each.user_agent,
                "expires_in": each.expires,
            }
            for each in bindings
        ]
    }
    if not bindings:
        return failed(
            "account-offline",
            f"{account.username} is registered nowhere: calls to it are not answered",
            "Check that the telephone is on, that it uses this username, password and server, and that its address is "
            "not banned.",
            **evidence,
        )
    addresses = [each.address for each in bindings]
    strange = [each for each in addresses if account.restricted and not in_networks(each, account.allowed)]
    if strange:
        return warning(
            "registered-from-elsewhere",
            f"it is registered from {strange[0]}, which is not among its allowed addresses any more",
            "Add the address, or change the password if nobody knows it.",
            **evidence,
        )
    return passed(f"{account.username} is registered from {', '.join(addresses)}", **evidence)
