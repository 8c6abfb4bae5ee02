"""What a trunk's options make of numbers: who may call in, what may be called, and how the carrier writes both.

trunk.cfg is the same in Kamailio's words.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

#: What costs more than a call to a telephone: called through a trunk that lists a prefix which reaches as far, and
#: through no other. From the numbering plans of ITU-T E.164 and of the countries; there is more of it than this.
PREMIUM: Final[dict[str, str]] = {
    "870": "Inmarsat",
    "881": "satellite telephones (GMSS)",
    "882": "international networks, satellites among them",
    "883": "international networks, satellites among them",
    "979": "international premium rate",
    "1900": "premium rate in North America",
    "34803": "premium rate in Spain",
    "34806": "premium rate in Spain",
    "34807": "premium rate in Spain",
    "34905": "premium rate in Spain",
    "34907": "premium rate in Spain",
    "449": "premium rate in the United Kingdom",
    "49900": "premium rate in Germany",
}

#: Countries whose national numbers keep their 0 behind the country code: Italy, Côte d'Ivoire, Gabon, Congo.
KEEP_ZERO: Final = ("39", "225", "241", "242")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrunkRules:
    """What trunk_rules.sql finds, as far as the decision looks at it; TrunkRow says what it means."""

    callers: str = ""
    destinations: str = ""
    login: str = ""
    #: More for the offer to the carrier.
    flags: str = ""
    number_format: str = "e164"
    country_code: str = ""
    called_from: str = "ruri"

    def canonical(self, digits: str, *, national: bool) -> str:
        """The E.164 digits of a number that the carrier wrote; `national`: without `+` and without 00."""
        if not national or self.number_format != "national":
            return digits
        # a trunk prefix, as most countries have it
        if digits.startswith("0") and self.country_code not in KEEP_ZERO:
            digits = digits[1:]
        return self.country_code + digits

    def written(self, digits: str) -> str:
        """A number as the carrier wants it."""
        match self.number_format:
            case "digits":
                return digits
            case "international":
                return f"00{digits}"
            case "national":
                own = digits.startswith(self.country_code)
                return digits[len(self.country_code) :] if own else f"00{digits}"
            case _:
                return f"+{digits}"

    def take(self, caller: str) -> bool:
        """Whether who shows these digits may call in. Who shows none may where everybody may."""
        if not self.callers:
            return True
        callers = self.callers.split(",")
        return caller in callers or any(caller[:n] + "*" in callers for n in range(1, len(caller) + 1))

    def carry(self, called: str) -> bool:
        """Whether a number, digits alone, may be called."""
        reach = _longest(called, self.destinations.split(","))
        if self.destinations and not reach:
            return False
        return reach >= _longest(called, PREMIUM)


def _longest(digits: str, prefixes: Iterable[str]) -> int:
    """How long the longest of the prefixes is that the digits begin with; 0 if there is none."""
    return max((len(prefix) for prefix in prefixes if digits.startswith(prefix)), default=0)
