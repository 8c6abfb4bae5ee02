"""Steps that send nothing: what is stored, and what edges have told, of numbers, media and allow-lists."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import phonenumbers

from cordboard.domain.accounts import Account
from cordboard.domain.addresses import Transport
from cordboard.domain.agents import AgentVersion
from cordboard.domain.allow_lists import Finding, Seen
from cordboard.domain.edge import place_of_uri
from cordboard.domain.numbers import Number
from cordboard.domain.numbers import Status as NumberStatus
from cordboard.domain.trunk_options import NumberFormat
from cordboard.domain.trunks import MediaPolicy, Trunk
from cordboard.domain.verification_steps import Said, failed, passed, skipped, warning

#: rtpengine passes it on and cannot make it into another codec.
_NEVER_TRANSCODED: Final = "G729"

#: What to do about calls that were refused for their media, by reason.
_MEDIA_REMEDIES: Final = {
    "encryption-required": "The carrier offers media in clear and the trunk demands SRTP: have SRTP switched on there, "
    "or let both in (`trunk.media_in=allow`).",
    "encryption-not-allowed": "The carrier offers SRTP alone and the trunk forbids it: let both in "
    "(`trunk.media_in=allow`).",
    "media-not-supported": "The carrier offers neither RTP nor SRTP by SDES, but DTLS perhaps: ask it for SDES.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """Calls of a trunk that were refused for one reason, of one source."""

    reason: str
    address: str
    count: int
    last: datetime


def number_said(number: Number, trunk: Trunk | None, agent: AgentVersion | None) -> Said:
    """Whether the number can be called, and as its carrier writes it."""
    if number.status is not NumberStatus.ASSIGNED:
        summary = f"the number is {number.status}: it takes no calls"
        return failed("number-not-assigned", summary, "Assign it to a tenant.")
    if trunk is None:
        return failed("no-trunk", "the number has no trunk: it takes and places no calls", "Give it one.")
    if number.account is None and agent is None:
        return warning(
            "no-agent",
            "nobody takes its calls: they end with 480",
            "Assign an agent with a published version, or an account.",
        )
    if "@" in number.number:
        return passed(f"{number.number} is a SIP address")
    return _plan_said(number.number, trunk)


def _plan_said(number: str, trunk: Trunk) -> Said:
    parsed = phonenumbers.parse(number)
    country = str(parsed.country_code)
    evidence = {"country_code": country, "number_format": trunk.options.number_format}
    if trunk.options.number_format is NumberFormat.NATIONAL and trunk.options.country_code != country:
        return warning(
            "number-format",
            f"the carrier writes numbers as within +{trunk.options.country_code}, and this one is of +{country}",
            "Set `trunk.options.country_code` to that of the country whose numbers the carrier writes, or "
            "`trunk.options.number_format=e164`.",
            **evidence,
        )
    if not phonenumbers.is_valid_number(parsed):
        return warning(
            "number-not-in-plan",
            f"{number} is in no range that the numbering plan of +{country} gives to anybody",
            "Compare it with what the carrier says, digit by digit. Plans change: a number that works is right.",
            **evidence,
        )
    return passed(f"{number} is a number of +{country}", **evidence)


def media_said(trunk: Trunk, agent: AgentVersion | None) -> Said:
    """Whether what the trunk allows and what the agent takes go together, in both directions."""
    if agent is None:
        return skipped("no-agent", "no agent takes the calls, so there is nothing to compare")
    evidence = {
        "media_in": trunk.media_in,
        "media_out": trunk.media_out,
        "agent": agent.encryption,
        "trunk_codecs": trunk.options.codecs,
        "agent_codecs": agent.codecs,
    }
    ours, theirs = _audio(trunk.options.codecs), _audio(agent.codecs)
    if ours and theirs and not ours & theirs and {_NEVER_TRANSCODED} in (ours, theirs):
        return failed(
            "no-common-codec",
            f"the trunk speaks {_list(ours)} and the agent {_list(theirs)}: G729 cannot be made into anything else",
            "Give both a codec that is not G729.",
            **evidence,
        )
    if unsafe := _keys_in_clear(trunk, agent):
        return warning(
            "keys-in-clear",
            f"SRTP is demanded of {unsafe}, and its keys go there readable: SDES keys are as safe as the SIP",
            "Send it SIP by TLS (transport=tls).",
            **evidence,
        )
    if ours and theirs and not ours & theirs:
        return passed(f"{_list(ours)} is made into {_list(theirs)} and back, which costs processor time", **evidence)
    return passed("media and codecs of trunk and agent go together", **evidence)


def _audio(codecs: Iterable[str]) -> set[str]:
    return {codec for codec in codecs if codec != "telephone-event"}


def _list(codecs: set[str]) -> str:
    return " and ".join(sorted(codecs))


def _keys_in_clear(trunk: Trunk, agent: AgentVersion) -> str:
    """To whom; '' is nobody."""
    _, transport = place_of_uri(agent.sip_uri)
    if agent.encryption is MediaPolicy.REQUIRE and transport in (Transport.UDP, Transport.TCP):
        return "the agent"
    sent = {gateway.transport or trunk.options.transport for gateway in trunk.gateways}
    if trunk.media_out is MediaPolicy.REQUIRE and sent & {Transport.UDP, Transport.TCP}:
        return "the carrier"
    return ""


def refused_media_said(refused: Sequence[Refused]) -> Said | None:
    """That the carrier's offers were refused for their media lately; None if they were not."""
    found = [each for each in refused if each.reason in _MEDIA_REMEDIES]
    if not found:
        return None
    worst = max(found, key=lambda each: each.count)
    return failed(
        worst.reason,
        f"{worst.count} calls from {worst.address} were refused for their media ({worst.reason}), the last at "
        f"{worst.last:%Y-%m-%d %H:%M} UTC",
        _MEDIA_REMEDIES[worst.reason],
        refused=[{"reason": e.reason, "address": e.address, "count": e.count, "last": _at(e.last)} for e in found],
    )


def allow_list_said(findings: Sequence[Finding], seen: Sequence[Seen], trunk: str) -> Said:
    """The findings of a trunk's list as one step; all of them are in its evidence."""
    evidence = {
        "findings": [{"code": f.code, "networks": f.networks, "summary": f.summary} for f in findings],
        "seen_but_not_allowed": [
            {
                "address": s.address,
                "refused": s.refused,
                "last_seen": _at(s.last_seen),
                "command": f"cordboard trunk allow {trunk} {s.address}",
            }
            for s in seen
        ],
    }
    worst = next((finding for finding in findings if finding.warns), None)
    if seen:
        first = seen[0]
        return warning(
            "seen-but-not-allowed",
            f"{first.refused} calls from {first.address} were refused, which is not on the list; the last at "
            f"{first.last_seen:%Y-%m-%d %H:%M} UTC",
            f"If that is the carrier, add {first.address} to the addresses that calls come from.",
            **evidence,
        )
    if worst is not None:
        return warning(worst.code, worst.summary, worst.remedy, **evidence)
    return passed("nothing is wrong with the addresses that calls may come from", **evidence)


def account_said(account: Account, findings: Sequence[Finding]) -> Said:
    """From where an account may register and call."""
    if not account.restricted:
        return passed(f"{account.username} may register and call from everywhere: its password alone tells who it is")
    if not account.allowed:
        return failed(
            "allowed-nowhere",
            f"{account.username} is held to its allowed addresses, and has none: nobody may use it",
            "Name addresses (`account.allowed_ips`), or let it in from everywhere.",
        )
    return allow_list_said(findings, (), account.id)


def _at(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds")
