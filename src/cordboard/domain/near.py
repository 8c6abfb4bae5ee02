"""What nearly fits: numbers that somebody may have meant, and the network that an address just misses."""

from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address, ip_network
from typing import Final

import phonenumbers

#: Prefixes by which people leave their own country, which are no digits of a number.
_EXITS: Final = ("00", "011", "810", "0011")


def variants(digits: str) -> dict[str, str]:
    """Digits that may have been meant by these, and how they differ; the likeliest first. A few hundred at most."""
    found: dict[str, str] = {}
    for other, how in _variants(digits):
        if other != digits and 2 <= len(other) <= 15:
            found.setdefault(other, how)
    return found


def _variants(digits: str) -> Iterator[tuple[str, str]]:
    for prefix in _EXITS:
        if digits.startswith(prefix):
            yield digits.removeprefix(prefix), f"{prefix} stands in front of it"
    yield from within_country(digits)
    for at in range(len(digits) - 1):
        yield digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :], "two digits are swapped"
    for at, digit in enumerate(digits):
        for other in "0123456789":
            if other != digit:
                yield digits[:at] + other + digits[at + 1 :], "one digit differs"
    for at in range(len(digits) + 1):
        for other in "0123456789":
            yield digits[:at] + other + digits[at:], "one digit is missing"
    for at in range(len(digits)):
        yield digits[:at] + digits[at + 1 :], "there is one digit too many"


def within_country(digits: str) -> Iterator[tuple[str, str]]:
    """The same in full, for each country that there is."""
    for code in country_codes():
        yield code + digits, f"the country code {code} is missing"
        if digits.startswith("0"):
            yield code + digits[1:], f"it is in the national form of country code {code}"


@cache
def country_codes() -> tuple[str, ...]:
    """Every country code of E.164."""
    return tuple(map(str, sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)))


def nearest_network(source: str, allowed: tuple[str, ...]) -> str | None:
    """Of networks of the same family the one that the address is fewest addresses away from."""
    address = ip_address(source)
    networks = [network for text in allowed if (network := ip_network(text, strict=False)).version == address.version]

    def away(text: int) -> int:
        first, last = int(networks[text].network_address), int(networks[text].broadcast_address)
        return max(first - int(address), int(address) - last, 0)

    return str(networks[min(range(len(networks)), key=away)]) if networks else None


def closest_prefix(text: str, entries: tuple[str, ...]) -> str | None:
    """Of these beginnings the one that shares most with the text, if any digit."""

    def shared(entry: str) -> int:
        return next(
            (n for n, (a, b) in enumerate(zip(text, entry, strict=False)) if a != b), min(len(text), len(entry))
        )

    best = max(entries, key=shared, default=None)
    return best if best is not None and shared(best) > 0 else None
