"""What is looked for by the beginning of what people call it."""

import re
import string
from dataclasses import dataclass
from typing import Final, Literal

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
