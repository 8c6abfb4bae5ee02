"""Fields that advice names: the API's own words, which each client says in its own."""

import re
from collections.abc import Callable
from typing import Final

#: `trunk.media_in`, or with the value that it is to have `trunk.media_in=allow`, in backticks.
_FIELD: Final = re.compile(r"`((?:trunk|account|import|verification)\.[a-z_.]+)(?:=([^`]+))?`")


def worded(advice: str, word: Callable[[str, str | None], str]) -> str:
    """The advice with each field that it names, and the value that it is to have, as `word` says it."""
    return _FIELD.sub(lambda found: word(found[1], found[2]), advice)
