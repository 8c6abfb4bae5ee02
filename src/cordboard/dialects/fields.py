"""Fields that more than one dialect takes; a dialect adds its own description."""

from typing import Annotated

from pydantic import AfterValidator, Field

from cordboard.domain.addresses import collapse, parse_network


def _network(value: str) -> str:
    text = value.strip()
    parse_network(text)
    return text


def _networks(values: list[str]) -> list[str]:
    collapse(values)
    return values


def _printable(value: str) -> str:
    if not value.isprintable():
        raise ValueError("no control characters are possible here")
    return value


#: A username or password that a digest is made of.
Credential = Annotated[str, Field(max_length=255), AfterValidator(_printable)]
#: IP addresses and CIDR ranges as they were sent, trimmed; no more separate ones than the edge can hold.
Networks = Annotated[list[Annotated[str, AfterValidator(_network)]], AfterValidator(_networks)]
