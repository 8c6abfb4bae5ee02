"""Phone numbers: their form, their owner and their life.

reserved ──► assigned ──► released ──► finished        platform-owned numbers
             assigned ──► (deleted at once)            imported numbers
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, Literal, NewType, Self

import phonenumbers
from phonenumbers import PhoneNumberType

from cordboard.domain.accounts import AccountId
from cordboard.domain.addresses import HostPort, as_address, parse_host_port
from cordboard.domain.agents import AgentId
from cordboard.domain.errors import (
    InvalidHost,
    InvalidNumber,
    NotAssignable,
    NotReleasable,
    NotRoutable,
)
from cordboard.domain.tenants import TenantId
from cordboard.domain.times import next_monthly
from cordboard.domain.trunks import TrunkId

NumberId = NewType("NumberId", str)
Direction = Literal["inbound", "outbound"]

#: How long a released platform-owned number rests before it is finished for good.
QUARANTINE = timedelta(days=30)
#: How long a reservation without an owner's decision is kept.
RESERVATION = timedelta(hours=24)

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")
_SIP_USER = re.compile(r"[A-Za-z0-9._+~-]{1,64}")


class Provider(StrEnum):
    """Where a number comes from."""

    #: Imported: the tenant's own, on the tenant's own trunk.
    CUSTOM = "custom"
    #: Platform-owned inventory.
    NETELIP = "netelip"


class Status(StrEnum):
    """A number's place in its life."""

    RESERVED = "reserved"
    PENDING_VERIFICATION = "pending_verification"
    ASSIGNED = "assigned"
    RELEASED = "released"
    FINISHED = "finished"


@dataclass(frozen=True, kw_only=True, slots=True)
class Number:
    """A phone number or SIP address, its owner, and where its calls go."""

    id: NumberId
    #: None while a platform-owned number lies in the inventory.
    tenant: TenantId | None
    #: Canonical: `+34911234567` or `user@domain`.
    number: str
    provider: Provider
    status: Status
    nickname: str | None = None
    #: None after its trunk was deleted: no calls until it has another one.
    trunk: TrunkId | None
    inbound_agent: AgentId | None = None
    outbound_agent: AgentId | None = None
    #: The account that takes inbound calls; then no agent does.
    account: AccountId | None = None
    #: ISO 3166-2:ES letters of the regions that a geographic number serves.
    region_codes: tuple[str, ...] = ()
    created_at: datetime
    assigned_at: datetime | None = None
    released_at: datetime | None = None
    #: When an ordered release takes effect.
    scheduled_release_at: datetime | None = None
    reservation_expires_at: datetime | None = None
    updated_at: datetime

    @property
    def imported(self) -> bool:
        return self.provider is Provider.CUSTOM

    @property
    def agents(self) -> frozenset[AgentId]:
        return frozenset(a for a in (self.inbound_agent, self.outbound_agent) if a is not None)

    def agent(self, direction: Direction) -> AgentId | None:
        return self.inbound_agent if direction == "inbound" else self.outbound_agent

    def named(self, nickname: str | None) -> Self:
        return replace(self, nickname=nickname)

    def carried_by(self, trunk: TrunkId | None) -> Self:
        """Calls come and go by another trunk. Raises NotRoutable once the number is released."""
        if trunk is not None and self.status in (Status.RELEASED, Status.FINISHED):
            raise NotRoutable(self.number, self.status)
        return replace(self, trunk=trunk)

    def routed(self, direction: Direction, agent: AgentId | None) -> Self:
        """Calls of one direction go to `agent`. Raises NotRoutable once the number is released."""
        if agent is not None and self.status in (Status.RELEASED, Status.FINISHED):
            raise NotRoutable(self.number, self.status)
        if direction == "inbound":
            return replace(self, inbound_agent=agent, account=self.account if agent is None else None)
        return replace(self, outbound_agent=agent)

    def answered_by(self, account: AccountId | None) -> Self:
        """Inbound calls go to the phones of an account. Raises NotRoutable unless the number is assigned."""
        if account is None:
            return replace(self, account=None)
        if self.status is not Status.ASSIGNED:
            raise NotRoutable(self.number, self.status)
        return replace(self, account=account, inbound_agent=None)

    def assigned(self, tenant: TenantId, now: datetime) -> Self:
        """The tenant's from now on. Raises NotAssignable unless free, or reserved for that tenant."""
        if self.status is not Status.RESERVED or self.tenant not in (None, tenant):
            raise NotAssignable(self.number, self.status)
        return replace(self, tenant=tenant, status=Status.ASSIGNED, assigned_at=now, reservation_expires_at=None)

    def release_ordered(self, now: datetime) -> Self:
        """A platform-owned number goes at the end of its billing month; ordering twice changes nothing.

        Raises NotReleasable unless assigned.
        """
        if self.status is not Status.ASSIGNED:
            raise NotReleasable(self.number, self.status)
        if self.scheduled_release_at is not None:
            return self
        return replace(self, scheduled_release_at=next_monthly(self.assigned_at or self.created_at, now))

    def at(self, now: datetime) -> Self:
        """What time alone has made of the number by `now`: each step that is due, in order."""
        number = self
        if number.status is Status.ASSIGNED and _due(number.scheduled_release_at, now):
            number = replace(
                number,
                status=Status.RELEASED,
                released_at=number.scheduled_release_at,
                inbound_agent=None,
                outbound_agent=None,
                account=None,
            )
        if number.status is Status.RELEASED and number.released_at and number.released_at + QUARANTINE <= now:
            number = replace(number, status=Status.FINISHED)
        if number.status is Status.RESERVED and _due(number.reservation_expires_at, now):
            # whoever gets it next must not get the words and the agents of the one who did not take it
            number = replace(
                number,
                tenant=None,
                reservation_expires_at=None,
                nickname=None,
                inbound_agent=None,
                outbound_agent=None,
                account=None,
            )
        return number


def _due(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


def parse_number(text: str) -> str:
    """The canonical form of an E.164 number or of `user@domain`. Raises InvalidNumber.

    E.164 (ITU-T E.164, RFC 3966 global form without separators): `+`, country code, at most 15 digits, and a
    length that exists in that country; whether the number is in use is not judged, since numbering plans change
    faster than their metadata. Of a SIP address the domain is put in lower case (RFC 3261 section 19.1.4).
    """
    if "@" in text:
        return _parse_address(text)
    if not _E164.fullmatch(text):
        raise InvalidNumber(_not_e164(text))
    try:
        parsed = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException as error:
        raise InvalidNumber(f"{text} has no country code that exists") from error
    canonical = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if canonical != text or not phonenumbers.is_possible_number(parsed):
        raise InvalidNumber(f"{text} is not a possible number in its country")
    return canonical


def _parse_address(text: str) -> str:
    if re.match(r"(?i)(sips?|tel):", text):
        raise InvalidNumber("write a SIP address as user@domain, without sip:")
    user, _, domain = text.partition("@")
    try:
        where = parse_host_port(domain)
        # one domain, one form: the same number must not be owned twice
        if where.port is not None or domain.endswith(".") or not _SIP_USER.fullmatch(user):
            raise InvalidHost()
    except InvalidHost as error:
        raise InvalidNumber(f"{text[:80]!r} is not a SIP address of the form user@domain") from error
    address = as_address(where.host)
    canonical = HostPort(host=where.host.lower() if address is None else str(address))
    return f"{user}@{canonical}"


def _not_e164(text: str) -> str:
    message = f"{text[:80]!r} is neither an E.164 number such as +34911234567 nor a SIP address user@domain"
    digits = re.sub(r"[\s().-]", "", text)
    if digits != text and _E164.fullmatch(digits):
        return f"{message}; write it without separators: {digits}"
    return message


class NumberType(StrEnum):
    """What a number is for, as its country's numbering plan has it."""

    MOBILE = "mobile"
    LANDLINE = "landline"
    #: A plan in which they look alike, such as North America's.
    LANDLINE_OR_MOBILE = "landline-or-mobile"
    TOLL_FREE = "toll-free"
    PREMIUM_RATE = "premium-rate"
    SHARED_COST = "shared-cost"
    VOIP = "voip"
    PERSONAL = "personal"
    PAGER = "pager"
    UNIVERSAL = "universal"
    VOICEMAIL = "voicemail"
    #: A SIP address.
    SIP = "sip"
    UNKNOWN = "unknown"


_TYPES: Final = {
    PhoneNumberType.MOBILE: NumberType.MOBILE,
    PhoneNumberType.FIXED_LINE: NumberType.LANDLINE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: NumberType.LANDLINE_OR_MOBILE,
    PhoneNumberType.TOLL_FREE: NumberType.TOLL_FREE,
    PhoneNumberType.PREMIUM_RATE: NumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST: NumberType.SHARED_COST,
    PhoneNumberType.VOIP: NumberType.VOIP,
    PhoneNumberType.PERSONAL_NUMBER: NumberType.PERSONAL,
    PhoneNumberType.PAGER: NumberType.PAGER,
    PhoneNumberType.UAN: NumberType.UNIVERSAL,
    PhoneNumberType.VOICEMAIL: NumberType.VOICEMAIL,
}


@lru_cache(maxsize=16_384)  # the plan is asked once for each number of a list, not with each list
def number_type(number: str) -> NumberType:
    """What a number in its canonical form is for."""
    if "@" in number:
        return NumberType.SIP
    return _TYPES.get(phonenumbers.number_type(phonenumbers.parse(number, None)), NumberType.UNKNOWN)


def dialled_user(number: str) -> str:
    """What `{number}` in an agent's SIP URI stands for: the E.164 number, or the user of the SIP address."""
    return number.partition("@")[0]
