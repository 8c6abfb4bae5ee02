"""Numbers, gateways and headers as people enter them."""

import re
from collections.abc import Mapping
from typing import Any


def number_of(typed: str) -> str:
    """A number without what people put between its digits; anything else stays as it is."""
    return re.sub(r"[\s()-]", "", typed) if re.match(r"[+\d(]", typed) else typed


def gateway_of(line: str) -> dict[str, Any]:
    """`HOST[:PORT][;transport=…]` as the API has it; what is wrong with it is the API's to say."""
    address, *parameters = line.split(";")
    found = re.fullmatch(r"(\[.*\]|[^:]*):(\d+)", address.strip())
    made: dict[str, Any] = {"host": found[1], "port": int(found[2])} if found else {"host": address.strip()}
    for parameter in parameters:
        name, _, value = parameter.strip().partition("=")
        made[name] = int(value) if value.isdecimal() else value
    return made


def gateway_line(shown: Mapping[str, Any]) -> str:
    """As it is entered."""
    host = f"[{shown['host']}]" if ":" in shown["host"] else shown["host"]
    port = "" if shown["port"] is None else f":{shown['port']}"
    more = (f";{key}={shown[key]}" for key in ("transport", "priority", "weight", "name") if shown[key] is not None)
    return f"{host}{port}{''.join(more)}"


def header_of(line: str) -> dict[str, str]:
    name, _, value = line.partition(":")
    return {"name": name.strip(), "value": value.strip()}


def header_line(shown: Mapping[str, str]) -> str:
    return f"{shown['name']}: {shown['value']}"
