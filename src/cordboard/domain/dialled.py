"""Numbers and names as SIP messages carry them: read tolerantly, and told apart.

decide.cfg, route KEYS, reads them alike.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class CandidateKeys:
    """The keys under which a number may stand; an empty one fits nothing. The address goes first."""

    address: str
    digits: str
    #: The digits may be those of a national number.
    national: bool = False


def routing_key(number: str) -> str:
    """NumberRow.key of a canonical number: `34911234567` for `+34911234567`; an address is its own key."""
    return number.removeprefix("+")


#: Printable ASCII with whole escapes of the same: decide.cfg, route KEYS, has these patterns too.
_USER = re.compile(r"(?:[ -$&-~]|%[2-6][0-9A-Fa-f]|%7[0-9A-Ea-e])+")
#: Digits with visual separators (RFC 3966), or the spaces that some write.
DIALLED = re.compile(r"[-.() ]*\+?[-.() ]*(?:[0-9][-.() ]*){2,15}")
#: The same with 00 in front, which is no digit of a number.
_NUMBER = re.compile(r"[-.() ]*\+?[-.() ]*(?:[0-9][-.() ]*){2,17}")
E164 = re.compile(r"[-.() ]*\+[-.() ]*[1-9][-.() ]*(?:[0-9][-.() ]*){6,14}")
#: Emergency numbers, network services and other short codes, with a country code or without.
SHORT = re.compile(r"[-.() ]*\+?[-.() ]*(?:[0-9*#][-.() ]*){1,6}")
#: Of those, what is no extension in any case.
SERVICE = re.compile(r"[-.() ]*(?:\+.*|.*[*#].*|(?:000|11[0-9]|911|999)[-.() ]*)")
#: What may be the username of an account; no number that a carrier might show is one.
_NAME = re.compile(r"[A-Za-z0-9_.+-]*[A-Za-z_][A-Za-z0-9_.+-]*|[0-9]{1,6}")
#: The user of a Contact of ours (engines/edge/registrations.py).
CONTACT = re.compile("r[0-9a-f]{20}")
#: What carriers write of a caller who does not want to be named.
_NOBODY = ("anonymous", "private", "restricted", "unavailable", "unknown")


def candidate_keys(user: str, host: str) -> CandidateKeys:
    """Read a URI's user (RFC 3261 section 19.1.2) as a number, tolerantly.

    Parameters such as `;npdi=yes` are cut, escapes decoded once, and for digits visual separators and a
    leading `+` or 00 dropped. A broken escape, or one of a character outside printable ASCII, fits nothing.
    """
    plain = plain_user(user)
    if not plain:
        return CandidateKeys(address="", digits="")
    digits = digits_of(plain) if _NUMBER.fullmatch(plain) else ""
    national = "+" not in plain
    if national and digits.startswith("00"):
        national, digits = False, digits[2:]
    digits = digits if len(digits) <= 15 else ""
    address = f"{plain}@{_lower(host)}" if host else ""
    return CandidateKeys(address=address, digits=digits, national=national and len(digits) > 4)


def names_account(user: str) -> bool:
    """Whether who shows this user is taken for an account of that username, and asked to prove it."""
    return len(user) <= 64 and _NAME.fullmatch(user) is not None and _lower(user) not in _NOBODY


def plain_user(user: str) -> str:
    """A URI's user without parameters and escapes; '' if an escape is broken or a character not printable ASCII."""
    user = user.partition(";")[0]
    if not _USER.fullmatch(user):
        return ""
    return re.sub("%(..)", lambda escape: chr(int(escape[1], 16)), user)


def digits_of(text: str) -> str:
    return re.sub("[^0-9]", "", text)


def _lower(host: str) -> str:
    """ASCII alone: what else might stand there is left as it is, by Kamailio too."""
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in host)
