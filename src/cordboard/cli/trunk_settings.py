"""What may be said of a trunk on the command line."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final

import click

from cordboard.domain.addresses import Transport, parse_host_port
from cordboard.domain.errors import InvalidHost
from cordboard.domain.media import CODECS
from cordboard.domain.trunk_options import CalledNumberFrom, NumberFormat, TrunkOptions

OPTIONS = tuple(option.name for option in fields(TrunkOptions))
POLICIES = click.Choice(["disable", "allow", "require"])


def trunk_settings(command: Callable[..., None]) -> Callable[..., None]:
    """What may be said of a trunk, old or new."""
    for option in reversed((*_PLACES, *_CALLS)):
        command = option(command)
    return command


_PLACES = (
    click.option(
        "--gateway",
        "gateways",
        multiple=True,
        metavar="HOST[:PORT][;transport=udp|tcp|tls][;priority=N][;weight=N]",
        help="Where calls go; repeat, in order of use. They replace those there were.",
    ),
    click.option("--username", help="Answers the carrier's challenge."),
    click.option("--password", help="The password that goes with it."),
    click.option("--inbound-username", help="The carrier must call with this digest username."),
    click.option("--inbound-password", help="The password that goes with it."),
    click.option("--media-in", type=POLICIES, help="SRTP of calls from the carrier."),
    click.option("--media-out", type=POLICIES, help="SRTP of calls to the carrier."),
    click.option("--allowed-address", "allowed", multiple=True, help="Address or CIDR that calls come from; repeat."),
    click.option("--tls-verify/--no-tls-verify", default=None, help="Check the gateways' certificates and names."),
    click.option("--probe/--no-probe", default=None, help="Ask the gateways from time to time if they are there."),
)
_CALLS = (
    click.option(
        "--transport", type=click.Choice([*map(str, Transport)]), help="Of gateways that say none themselves."
    ),
    click.option("--caller", "callers", multiple=True, help="Who may call in, +34911234567 or +34*; repeat."),
    click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="Of calls to a gateway; repeat."),
    click.option("--codec", "codecs", type=click.Choice(CODECS), multiple=True, help="Of the carrier's leg; repeat."),
    click.option("--max-calls", type=int, help="At once, both directions together, at each edge."),
    click.option("--max-calls-per-second", type=int, help="Both directions together, at each edge."),
    click.option("--max-minutes-per-day", type=int, help="Outbound, of one UTC day, at each edge."),
    click.option("--destination", "destinations", multiple=True, help="May be called: +34, +1212; repeat."),
    click.option(
        "--number-format", type=click.Choice([*map(str, NumberFormat)]), help="How the carrier writes numbers."
    ),
    click.option("--country-code", help="In whose national form the carrier writes."),
    click.option(
        "--called-number-from",
        type=click.Choice([*map(str, CalledNumberFrom)]),
        help="Where the called number stands in the carrier's INVITE.",
    ),
    click.option(
        "--failover-code", "failover_codes", type=int, multiple=True, help="The next gateway is tried after it; repeat."
    ),
    click.option("--register/--no-register", default=None, help="Register at the gateways."),
    click.option("--register-seconds", type=int, help="For how long a registration is asked."),
    click.option("--register-domain", help="Host of the address of record, if not the gateway's."),
)


def trunk_body(options: dict[str, Any]) -> dict[str, Any]:
    """What was said of a trunk, as the API wants it."""
    body = {name: options[name] for name in _PLAIN if options[name] is not None}
    if options["gateways"]:
        body["gateways"] = [_gateway(text) for text in options["gateways"]]
    if options["allowed"]:
        body["allowed_addresses"] = list(options["allowed"])
    asked = {name: options[name] for name in OPTIONS if options.get(name) not in (None, ()) and name != "headers"}
    if options["headers"]:
        asked["headers"] = [_header(text) for text in options["headers"]]
    asked |= _registration(options)
    return {**body, "options": asked} if asked else body


_PLAIN = (
    *("name", "username", "password", "inbound_username", "inbound_password", "media_in", "media_out"),
    *("tls_verify", "probe"),
)


def _registration(options: dict[str, Any]) -> dict[str, Any]:
    said = {"expires": options["register_seconds"], "domain": options["register_domain"]}
    rest = {name: value for name, value in said.items() if value is not None}
    if options["register"] is None and not rest:
        return {}
    if options["register"] is False:
        if rest:
            raise click.UsageError("--no-register and what a registration is to be contradict each other")
        return {"registration": None}
    return {"registration": rest}


def _header(text: str) -> dict[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise click.UsageError(f"--header {text!r}: write NAME:VALUE")
    return {"name": name.strip(), "value": value.strip()}


def _gateway(text: str) -> dict[str, Any]:
    address, *parameters = text.split(";")
    try:
        where = parse_host_port(address)
        found: dict[str, Any] = {"host": where.host, "port": where.port, "transport": None}
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name not in GATEWAY_PARAMETERS:
                raise InvalidHost(f"{parameter!r} is none of transport=udp|tcp|tls, priority=N, weight=N")
            found[name] = GATEWAY_PARAMETERS[name](value)
    except ValueError as error:
        raise click.UsageError(f"--gateway {text!r}: {error}") from error
    return found


GATEWAY_PARAMETERS: Final[dict[str, Callable[[str], str | int]]] = {
    "transport": Transport,
    "priority": int,
    "weight": int,
}
