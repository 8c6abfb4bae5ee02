"""Fields that more than one dialect takes; a dialect adds its own description."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator, ValidationInfo

from cordboard.domain.addresses import HostPolicy, HostPort, check_host, collapse, parse_host_port, parse_network


def _network(value: str) -> str:
    text = value.strip()
    parse_network(text)
    return text


def _termination(value: object, info: ValidationInfo) -> HostPort:
    if not isinstance(value, str):
        raise ValueError("write a host name or IP address with an optional port, as a string")
    where = parse_host_port(value.strip())
    hosts: HostPolicy = info.context  # type: ignore[assignment]  # parse_body hands it in
    hosts.check(where.host)
    return where


def _networks(values: list[str]) -> list[str]:
    collapse(values)
    return values


def host(value: str, info: ValidationInfo) -> str:
    """A host name or an address, without brackets, where this installation lets gateways live."""
    found = check_host(value.strip().removeprefix("[").removesuffix("]"))
    hosts: HostPolicy = info.context  # type: ignore[assignment]  # parse_body hands it in
    hosts.check(found)
    return found


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


def if_sent(**rest: Any) -> Any:
    """A field of a partial update: it has no default, since what is absent stays as it is."""
    return Field(default=None, json_schema_extra=_without_default, **rest)


def printable(value: str) -> str:
    """Raises ValueError for control characters."""
    if not value.isprintable():
        raise ValueError("no control characters are possible here")
    return value


def _storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("the character U+0000 cannot be stored")
    return value


#: What a tenant calls a number.
Nickname = Annotated[str, Field(max_length=255), AfterValidator(_storable)]
#: A username or password that a digest is made of.
Credential = Annotated[str, Field(max_length=255), AfterValidator(printable)]
#: IP addresses and CIDR ranges as they were sent, trimmed; no more separate ones than the edge can hold.
Networks = Annotated[list[Annotated[str, AfterValidator(_network)]], AfterValidator(_networks)]
#: Where calls go out.
Termination = Annotated[
    HostPort,
    PlainValidator(_termination, json_schema_input_type=str),
    Field(description="Host name or IP address with an optional port, without sip: or sips:"),
]
