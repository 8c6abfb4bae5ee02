"""What is looked for by the beginning of what people call it."""

import re
import string
from dataclasses import dataclass
from typing import Final, Literal

import phonenumbers

Kind = Literal["number", "trunk", "account", "agent", "tenant", "call"]
KINDS: Final[tuple[Kind, ...]] = ("number", "trunk", "account", "agent", "tenant", "call")

#: Sorts behind whatever a text may go on with.
_LAST: Final = "\U0010ffff"
_FOLD: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
#: A telephone number as people write it.
_WRITTEN: Final = re.compile(r"(\+|00)?([0-9][0-9 ().-]*)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """Something that is called so, or begins so."""

    kind: Kind
    id: str
    name: str
    tenant: str | None
    detail: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Hits by kind."""

    hits: tuple[Hit, ...]
    #: There are others: a longer text finds them.
    more: bool
    #: There may be others among everybody's that were not looked at: naming a tenant finds its own, other than calls.
    cut: bool


def folded(text: str) -> str:
    """As both stores fold a name: A to Z alone."""
    return text.translate(_FOLD)


def between(text: str) -> tuple[str, str]:
    """Whatever begins so sorts from the first on, and before the second."""
    return text, text + _LAST


def number(text: str) -> str | None:
    """`+34911` of `34 911`, `+34911` and `0034 911`; None if it is no beginning of an E.164 number."""
    match = _WRITTEN.fullmatch(text)
    if match is None:
        return None
    digits = re.sub(r"[^0-9]", "", match[2])
    return f"+{digits}" if len(digits) <= 15 else None


def country_of(number: str) -> str:
    """`+34` of `+34911234567`; of a number that no country has, its first digit."""
    try:
        return f"+{phonenumbers.parse(number).country_code}"
    except phonenumbers.NumberParseException:
        return number[:2]


def within(country: str, text: str) -> list[str]:
    """`+34911` of `911` and of `0911`, as it is dialled within `+34`; none if it says a country itself."""
    match = _WRITTEN.fullmatch(text)
    if match is None or match[1]:
        return []
    digits = re.sub(r"[^0-9]", "", match[2])
    meant = {f"{country}{digits}", f"{country}{digits.removeprefix('0')}"}  # Italy's keep their 0
    return sorted(each for each in meant if len(each) <= 16)
