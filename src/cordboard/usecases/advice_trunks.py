"""Advice about trunks: whom they let in, what they carry, and where it goes."""

from typing import Final

from cordboard.domain import near
from cordboard.domain.accounts import AccountId
from cordboard.domain.addresses import collapse
from cordboard.domain.dialled import candidate_keys, digits_of, plain_user
from cordboard.domain.explain import Advice, Remedy, Request
from cordboard.domain.lookups import AccountLookup
from cordboard.domain.reasons import Reason
from cordboard.domain.trunk_rules import PREMIUM
from cordboard.domain.trunks import Trunk, TrunkId
from cordboard.storage import accounts, trunks
from cordboard.storage.transaction import Transaction
from cordboard.usecases.advice import Adviser, Case


async def address_not_allowed(tx: Transaction, case: Case) -> Advice:
    """The source is not on the list of the trunk, or of the account."""
    source = case.invite.source
    if case.judged is not None and isinstance(case.judged.row, AccountLookup):
        account = await accounts.get(tx, AccountId(case.judged.row.account))
        allowed = account.allowed or ()
        text = ",".join((*allowed, source))
        remedy = Remedy(
            says=f"If {source} is the phone's, let account {account.username} call from there.",
            commands=(("account", "update", account.id, "--allowed-ips", text),),
            requests=(Request("PATCH", f"/accounts/{account.id}", {"allowed_ips": text}),),
        )
        return Advice(nearest=(_outside(source, allowed, f"account {account.username}"),), remedies=(remedy,))
    trunk = await trunks.get(tx, TrunkId(case.decision.trunk))
    if not _own(case, trunk):
        return _of_the_installation("lets calls in from its carrier's addresses alone")
    allowed = trunk.allowed or ()
    which = case.decision.number or trunk.id
    add = ("trunk", "allow", which, source) if allowed else ("trunk", "update", which, "--allowed-address", source)
    remedy = Remedy(
        says=f"If {source} is the carrier's, add it to the trunk's list.",
        commands=(add,),
        requests=(Request("PATCH", f"/trunks/{trunk.id}", {"allowed_addresses": [*allowed, source]}),),
    )
    return Advice(nearest=(_outside(source, allowed, f"trunk {trunk.name!r}"),), remedies=(remedy,))


def _outside(source: str, allowed: tuple[str, ...], whose: str) -> str:
    """Where the address is, and what of the list comes nearest."""
    networks = tuple(collapse(allowed))
    if not networks:
        return f"{whose[0].upper()}{whose[1:]} lets nobody in."
    nearest = near.nearest_network(source, networks)
    if nearest is None:
        family = "IPv6" if ":" in source else "IPv4"
        return f"The list of {whose} has no {family} address, and {source} is one."
    if len(networks) == 1:
        return f"{source} is not in {nearest}, the one network that {whose} lets in."
    return f"{source} is in none of the {len(networks)} networks of {whose}; the nearest is {nearest}."


async def caller_not_listed(tx: Transaction, case: Case) -> Advice:
    """The trunk lists who may call in."""
    trunk = await trunks.get(tx, TrunkId(case.decision.trunk))
    if not _own(case, trunk):
        return _of_the_installation("takes listed callers alone")
    listed = trunk.options.callers
    rules = case.judged.rules if case.judged is not None else None
    keys = candidate_keys(case.invite.caller, "")
    digits = keys.digits if rules is None else rules.canonical(keys.digits, national=keys.national)
    everybody = Remedy(
        says="Or let everybody call in who calls from the carrier's addresses.",
        commands=(("trunk", "update", case.decision.number or trunk.id, "--default", "callers"),),
        requests=(Request("PATCH", f"/trunks/{trunk.id}", {"options": {"callers": None}}),),
    )
    if not digits:
        shown = case.invite.caller or "no number"
        return Advice(nearest=(f"The caller shows {shown}, which can be on no list.",), remedies=(everybody,))
    closest = near.closest_prefix(f"+{digits}", tuple(entry.removesuffix("*") for entry in listed))
    said = f"+{digits} is none of the {len(listed)} callers that trunk {trunk.name!r} takes"
    words = [word for each in (*listed, f"+{digits}") for word in ("--caller", each)]
    remedy = Remedy(
        says=f"Add +{digits} to the trunk's callers; the list is given as a whole.",
        commands=(("trunk", "update", case.decision.number or trunk.id, *words),),
        requests=(Request("PATCH", f"/trunks/{trunk.id}", {"options": {"callers": [*listed, f"+{digits}"]}}),),
    )
    return Advice(
        nearest=(said + (f"; the nearest begins with {closest}." if closest else "."),), remedies=(remedy, everybody)
    )


async def trunk_credentials(tx: Transaction, case: Case) -> Advice:
    """The carrier must prove who it is."""
    trunk = await trunks.get(tx, TrunkId(case.decision.trunk))
    if not _own(case, trunk):
        return _of_the_installation("wants its carrier's username and password")
    username = trunk.inbound.username if trunk.inbound is not None else ""
    return Advice(
        nearest=(
            f"The carrier must answer the challenge as {username}: the edge asks, and it sends the INVITE again.",
        ),
        remedies=(
            Remedy(says=f"Give the carrier the username {username} and its password.", call={"trunk_proved": "yes"}),
            Remedy(
                says="Or let the carrier in by its address alone.",
                commands=(("trunk", "update", case.decision.number or trunk.id, "--no-inbound-credentials"),),
                requests=(Request("PATCH", f"/trunks/{trunk.id}", {"inbound_username": None}),),
            ),
        ),
    )


async def media(tx: Transaction, case: Case) -> Advice:
    """What the caller offers, and what its leg may be."""
    if case.decision.reason == "media-not-supported":
        says = "Let the caller offer plain RTP, or SRTP with SDES keys: DTLS-SRTP and other suites are not carried."
        return Advice(nearest=("The offer is neither RTP nor SDES SRTP.",), remedies=(Remedy(says=says, call=_RTP),))
    wanted = "srtp" if case.decision.reason == "encryption-required" else "rtp"
    name = {"srtp": "SRTP (RTP/SAVP with a=crypto)", "rtp": "plain RTP (RTP/AVP)", "none": "no SDP"}
    caller = Remedy(says=f"Let the caller offer {name[wanted]}.", call={"offer": wanted})
    policy = "require" if wanted == "srtp" else "disable"
    offered = name.get(case.invite.offered, "SRTP")
    if case.decision.direction != "in":
        said = f"The caller offers {offered}, and its agent's leg is `{policy}`."
        change = Remedy(
            says="Or publish a version of the agent whose encryption is `allow`.",
            commands=(
                (
                    *("agent", "version", "create", "--agent", case.decision.agent or "AGENT"),
                    *("--sip-uri", "SIP_URI", "--encryption", "allow"),
                ),
                ("agent", "version", "publish", "--agent", case.decision.agent or "AGENT", "--version", "VERSION"),
            ),
        )
        return Advice(nearest=(said,), remedies=(caller, change))
    trunk = await trunks.get(tx, TrunkId(case.decision.trunk))
    said = f"The caller offers {offered}, and trunk {trunk.name!r} has `{policy}` for calls from the carrier."
    if not _own(case, trunk):
        return Advice(nearest=(said,), remedies=(caller,))
    change = Remedy(
        says="Or let the trunk take both, encrypted and clear.",
        commands=(("trunk", "update", case.decision.number or trunk.id, "--media-in", "allow"),),
        requests=(Request("PATCH", f"/trunks/{trunk.id}", {"media_in": "allow"}),),
    )
    return Advice(nearest=(said,), remedies=(caller, change))


async def destination_not_allowed(tx: Transaction, case: Case) -> Advice:
    """A trunk's list of prefixes, and those that must be listed whole."""
    trunk = await trunks.get(tx, TrunkId(case.decision.trunk))
    called = digits_of(plain_user(case.invite.user))
    premium = max((prefix for prefix in PREMIUM if called.startswith(prefix)), key=len, default="")
    said = f"+{called} begins with +{premium}: {PREMIUM[premium]}." if premium else f"+{called} is on no list of it."
    if not _own(case, trunk):
        return _of_the_installation("does not carry calls there")
    # without a list everything else is carried: a list must name it, too
    listed = trunk.options.destinations or tuple(f"+{digit}" for digit in range(1, 10))
    added = f"+{premium or called[:2]}"
    words = [word for each in (*listed, added) for word in ("--destination", each)]
    remedy = Remedy(
        says=f"If it is meant to be called, list {added} among the trunk's destinations; the list is given as a whole.",
        commands=(("trunk", "update", case.decision.number or trunk.id, *words),),
        requests=(Request("PATCH", f"/trunks/{trunk.id}", {"options": {"destinations": [*listed, added]}}),),
    )
    return Advice(nearest=(said,), remedies=(remedy,))


async def no_gateway(tx: Transaction, case: Case) -> Advice:
    """Nowhere to send it, or nowhere that has an address."""
    trunk = await trunks.get(tx, TrunkId(case.decision.trunk))
    if not _own(case, trunk):
        return _of_the_installation("has no gateway that could be reached")
    unresolved = ", ".join(str(gateway) for gateway in trunk.gateways)
    said = f"No name of the gateways has an address: {unresolved}." if unresolved else "The trunk is inbound only."
    says = "Mend the names in DNS, or give addresses." if unresolved else "Give the trunk a gateway."
    remedy = Remedy(
        says=says,
        commands=(
            ("trunk", "update", case.decision.number or trunk.id, "--gateway", "HOST:PORT"),
            ("trunk", "health", case.decision.number or trunk.id),
        ),
        requests=(Request("PATCH", f"/trunks/{trunk.id}", {"gateways": [{"host": "HOST"}]}),),
    )
    return Advice(nearest=(said,), remedies=(remedy,))


async def too_many(tx: Transaction, case: Case) -> Advice:
    """A limit of the trunk's own, or of the installation."""
    option, setting = _LIMITS[case.decision.reason]
    says = "Look who calls: fraud, a loop, or growth. "
    if option is None:
        return Advice(remedies=(Remedy(says=f"{says}Then raise {setting}, and start the server again."),))
    trunk = await trunks.get(tx, TrunkId(case.decision.trunk))
    own = getattr(trunk.options, option)
    if own is None or not _own(case, trunk):
        return Advice(remedies=(Remedy(says=f"{says}Then raise {setting}, or give the trunk a limit of its own."),))
    remedy = Remedy(
        says=f"{says}Then raise the trunk's limit, which is {own}.",
        commands=(
            ("trunk", "update", case.decision.number or trunk.id, f"--{option.replace('_', '-')}", str(2 * own)),
        ),
        requests=(Request("PATCH", f"/trunks/{trunk.id}", {"options": {option: 2 * own}}),),
    )
    return Advice(nearest=(f"Trunk {trunk.name!r} may have {own}.",), remedies=(remedy,))


#: The trunk's own option, and the installation's setting.
_LIMITS: Final[dict[Reason, tuple[str | None, str]]] = {
    "trunk-calls-at-once": ("max_calls", "CORDBOARD_TRUNK_MAX_CALLS or CORDBOARD_TRUNK_MAX_INBOUND_CALLS"),
    "trunk-calls-per-second": ("max_calls_per_second", "CORDBOARD_TRUNK_CALLS_PER_SECOND"),
    "tenant-calls-at-once": (None, "CORDBOARD_TENANT_MAX_CALLS"),
    "tenant-calls-per-second": (None, "CORDBOARD_TENANT_CALLS_PER_SECOND"),
    "minutes-used-up": ("max_minutes_per_day", "nothing else"),
}
_RTP: Final = {"offer": "rtp"}


def _own(case: Case, trunk: Trunk) -> bool:
    """Whether what the trunk is told may be shown, and changed."""
    return case.tenant is None or trunk.tenant == case.tenant


def _of_the_installation(what: str) -> Advice:
    """The trunk is everybody's: its list is none of a tenant's business."""
    says = "Ask whoever runs this installation: the trunk is theirs."
    return Advice(
        nearest=(f"The number's trunk, which is not the tenant's own, {what}.",), remedies=(Remedy(says=says),)
    )


ADVISERS: Final[dict[Reason, Adviser]] = {
    "address-not-allowed": address_not_allowed,
    "caller-number-not-allowed": caller_not_listed,
    "trunk-credentials-required": trunk_credentials,
    "encryption-required": media,
    "encryption-not-allowed": media,
    "media-not-supported": media,
    "destination-not-allowed": destination_not_allowed,
    "no-gateway": no_gateway,
    "gateway-unresolved": no_gateway,
    **dict.fromkeys(_LIMITS, too_many),
}
