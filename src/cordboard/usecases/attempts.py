"""How often one address may try to log in: who guesses waits, and nobody waits for the check of the guesses."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Final

#: Tries that are not yet right, of one address within WINDOW of the first.
MOST: Final = 10
WINDOW: Final = timedelta(minutes=1)
#: Addresses remembered at most; past it the oldest is forgotten.
REMEMBERED: Final = 10_000
#: What one subscriber has of IPv6 (RFC 6177).
_PREFIX: Final = 64


@dataclass(slots=True)
class _Tries:
    since: datetime
    count: int = 0


class Attempts:
    """Tries by address, in this process. One counts from its beginning, so that many at once count, too."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        #: In order of their beginning.
        self._tries: dict[str, _Tries] = {}

    def begin(self, address: str) -> int:
        """Count one more. Not 0: it is one too many, and none is taken for so many seconds."""
        now = self._clock()
        self._forget_old(now)
        tries = self._tries.setdefault(_whose(address), _Tries(now))
        if tries.count >= MOST:
            return max(1, ceil((tries.since + WINDOW - now).total_seconds()))
        tries.count += 1
        return 0

    def forgive(self, address: str) -> None:
        """One that was begun was no guess."""
        if tries := self._tries.get(_whose(address)):
            tries.count = max(0, tries.count - 1)

    def _forget_old(self, now: datetime) -> None:
        while self._tries:
            oldest = next(iter(self._tries))
            if len(self._tries) < REMEMBERED and now - self._tries[oldest].since < WINDOW:
                break
            del self._tries[oldest]


def _whose(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return ""  # no address of the Internet: a socket file, perhaps
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or int(found) >> 128 - _PREFIX)
