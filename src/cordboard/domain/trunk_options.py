"""What may be asked of a trunk besides where its calls come from and go to."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cordboard.domain.addresses import Transport
from cordboard.domain.errors import InvalidOption
from cordboard.domain.headers import check_headers
from cordboard.domain.media import check_codecs

#: Entries of one list: the edge reads all of them with each call.
MAX_LISTED: Final = 200
#: Seconds that a registration may ask for (RFC 3261 section 10.2.1.1), and what it asks for if nobody says.
REGISTER_SECONDS: Final = (60, 86_400)
REGISTER_DEFAULT: Final = 600
#: Not 401 and 407, which ask for credentials; not 486 and 487, which are somebody's own word.
_NO_FAILOVER: Final = frozenset({401, 407, 486, 487})

_CALLER = re.compile(r"\+[1-9][0-9]{0,14}\*|\+[1-9][0-9]{1,14}")
_PREFIX = re.compile(r"\+[1-9][0-9]{0,14}")
_COUNTRY = re.compile(r"[1-9][0-9]{0,2}")


class NumberFormat(StrEnum):
    """How a carrier writes numbers: ours, and those that are called."""

    #: +34911234567
    E164 = "e164"
    #: 34911234567
    DIGITS = "digits"
    #: 0034911234567
    INTERNATIONAL = "international"
    #: 911234567 within its own country, 0049301234567 outside.
    NATIONAL = "national"


class CalledNumberFrom(StrEnum):
    """Where the called number stands in the carrier's INVITE."""

    RURI = "ruri"
    TO = "to"
    #: RFC 7315 section 4.2.
    P_CALLED_PARTY_ID = "p-called-party-id"


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """The edge registers at the gateways with the trunk's username and password (RFC 3261 section 10.2)."""

    #: Seconds.
    expires: int = REGISTER_DEFAULT
    #: Host of the address of record; None is that of the gateway.
    domain: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkOptions:
    """Each has a default that asks for nothing."""

    #: Of gateways that say none themselves.
    transport: Transport | None = None
    #: Who may call in: E.164 numbers, or their beginnings with `*` behind them; empty is everybody.
    callers: tuple[str, ...] = ()
    #: Header fields of the INVITE to a gateway: name and value, in order.
    headers: tuple[tuple[str, str], ...] = ()
    #: Of the carrier's leg; empty leaves offers as they are.
    codecs: tuple[str, ...] = ()
    #: At once, both directions together, at each edge.
    max_calls: int | None = None
    max_calls_per_second: int | None = None
    #: Outbound, of one UTC day, at each edge.
    max_minutes_per_day: int | None = None
    #: Beginnings of E.164 numbers that may be called; empty is all but premium rate and satellites.
    destinations: tuple[str, ...] = ()
    number_format: NumberFormat = NumberFormat.E164
    #: Country code (E.164) in whose national form the carrier writes.
    country_code: str | None = None
    called_number_from: CalledNumberFrom = CalledNumberFrom.RURI
    #: Answers after which the next gateway is tried, besides none at all, 408 and 5xx.
    failover_codes: tuple[int, ...] = ()
    registration: Registration | None = None


NO_OPTIONS: Final = TrunkOptions()


def check_options(options: TrunkOptions) -> TrunkOptions:
    """The options themselves. Raises InvalidOption, InvalidHeader, InvalidCodecs."""
    _each("callers", options.callers, _CALLER, "is neither a number such as +34911234567 nor a beginning such as +34*")
    _each("destinations", options.destinations, _PREFIX, "is not the beginning of a number, such as +34")
    check_headers(options.headers)
    check_codecs(options.codecs)
    for option in ("max_calls", "max_calls_per_second", "max_minutes_per_day"):
        limit = getattr(options, option)
        if limit is not None and not 1 <= limit <= 1_000_000:
            raise InvalidOption(option, "a limit is 1 to 1000000, or none at all")
    _check_country(options)
    for code in options.failover_codes:
        if not 400 <= code <= 499 or code in _NO_FAILOVER:
            raise InvalidOption("failover_codes", f"{code} is none of 400 to 499, or no other gateway heals it")
    if options.registration is not None:
        least, most = REGISTER_SECONDS
        if not least <= options.registration.expires <= most:
            raise InvalidOption("registration", f"it expires after {least} to {most} seconds")
    return options


def _each(option: str, values: tuple[str, ...], form: re.Pattern[str], wrong: str) -> None:
    if len(values) > MAX_LISTED:
        raise InvalidOption(option, f"{len(values)} entries; at most {MAX_LISTED} are possible")
    for value in values:
        if not form.fullmatch(value):
            raise InvalidOption(option, f"{value[:40]!r} {wrong}")


def _check_country(options: TrunkOptions) -> None:
    code = options.country_code
    if code is not None and not _COUNTRY.fullmatch(code):
        raise InvalidOption("country_code", f"{code[:10]!r} is not a country code such as 34")
    if options.number_format is NumberFormat.NATIONAL and code is None:
        raise InvalidOption("country_code", "national numbers need one")
