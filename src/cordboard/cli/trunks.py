"""`cordboard trunk`."""

from typing import Any
from uuid import UUID

import click

from cordboard.cli.common import show_json, show_object, show_table, talks_to_server
from cordboard.client import Client
from cordboard.domain.addresses import Transport, parse_host_port
from cordboard.domain.errors import InvalidHost

_POLICIES = click.Choice(["disable", "allow", "require"])


@click.group()
def trunk() -> None:
    """SIP trunks: how calls come from a carrier and go to it. An imported number has one of its own."""


@trunk.command("list")
@click.option("--tenant", required=True, help="Name, reference or id.")
@talks_to_server
def list_(client: Client, tenant: str, as_json: bool) -> None:
    """List a tenant's trunks, newest first."""
    found = _all(client, tenant)
    if as_json:
        show_json({"data": found})
    else:
        rows = [{**each, "gateways": " ".join(map(_gateway_text, each["gateways"])) or None} for each in found]
        show_table(rows, ("id", "name", "gateways", "username", "media_in", "media_out"))


@trunk.command()
@click.argument("trunk")
@talks_to_server
def show(client: Client, trunk: str, as_json: bool) -> None:
    """Show one trunk, by its id or by a number of it."""
    _show(_found(client, trunk), as_json)


@trunk.command()
@click.argument("trunk", required=False)
@click.option("--tenant", help="Of all trunks of this tenant instead: name, reference or id.")
@talks_to_server
def health(client: Client, trunk: str | None, tenant: str | None, as_json: bool) -> None:
    """Show which gateways answer: of one trunk, by its id or a number of it, or of a tenant."""
    if (trunk is None) == (tenant is None):
        raise click.UsageError("name a trunk, or a tenant with --tenant")
    chosen = [_found(client, trunk)] if trunk is not None else _all(client, str(tenant))
    told = [{**client.get(f"/trunks/{each['id']}/health"), "name": each["name"]} for each in chosen]
    if as_json:
        show_json({"data": told})
        return
    rows = [{**hop, "trunk": each["name"]} for each in told for hop in each["gateways"]]
    show_table(rows, ("trunk", "host", "uri", "state", "code", "latency_ms", "asked_at"))


@trunk.command()
@click.argument("trunk")
@click.option("--name", help="Its name.")
@click.option(
    "--gateway",
    "gateways",
    multiple=True,
    metavar="HOST[:PORT][;transport=udp|tcp|tls]",
    help="Where calls go; repeat, in order of use. They replace those there were.",
)
@click.option("--no-gateway", is_flag=True, help="Inbound only: the gateways and the credentials go.")
@click.option("--username", help="Answers the carrier's challenge.")
@click.option("--password", help="The password that goes with it.")
@click.option("--no-credentials", is_flag=True, help="The username and the password go.")
@click.option("--media-in", type=_POLICIES, help="SRTP of calls from the carrier.")
@click.option("--media-out", type=_POLICIES, help="SRTP of calls to the carrier.")
@click.option("--allowed-address", "allowed", multiple=True, help="Address or CIDR that calls come from; repeat.")
@click.option("--allow-all-addresses", is_flag=True, help="Calls may come from everywhere.")
@click.option("--tls-verify/--no-tls-verify", default=None, help="Check the gateways' certificates and names.")
@click.option("--probe/--no-probe", default=None, help="Ask the gateways from time to time if they are there.")
@talks_to_server
def update(client: Client, trunk: str, as_json: bool, **options: Any) -> None:
    """Change a trunk, by its id or by a number of it; what is not named stays as it is."""
    body = _changes(options)
    _show(client.patch(f"/trunks/{_found(client, trunk)['id']}", body), as_json)


def _found(client: Client, ref: str) -> dict[str, Any]:
    """The trunk of that id, or of that number."""
    try:
        id = UUID(ref)
    except ValueError:
        found: dict[str, Any] = client.get("/trunks", number=ref)["data"][0]
    else:
        found = client.get(f"/trunks/{id}")
    return found


def _changes(options: dict[str, Any]) -> dict[str, Any]:
    """The body of an update: what was spoken of."""
    _not_both(options, "gateways", "no_gateway", "--gateway and --no-gateway")
    _not_both(options, "allowed", "allow_all_addresses", "--allowed-address and --allow-all-addresses")
    for name in ("username", "password"):
        _not_both(options, name, "no_credentials", f"--{name} and --no-credentials")
    plain = ("name", "username", "password", "media_in", "media_out", "tls_verify", "probe")
    body = {name: options[name] for name in plain if options[name] is not None}
    if options["gateways"] or options["no_gateway"]:
        body["gateways"] = [_gateway(text) for text in options["gateways"]]
    if options["allowed"] or options["allow_all_addresses"]:
        body["allowed_addresses"] = list(options["allowed"])
    if options["no_credentials"]:
        body |= {"username": None, "password": None}
    if not body:
        raise click.UsageError("name what is to change; --help lists what can be")
    return body


def _not_both(options: dict[str, Any], one: str, other: str, said: str) -> None:
    if options[one] and options[other]:
        raise click.UsageError(f"{said} contradict each other")


def _gateway(text: str) -> dict[str, Any]:
    address, *parameters = text.split(";")
    try:
        where = parse_host_port(address)
        transport = None
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name != "transport":
                raise InvalidHost(f"{parameter!r} is not transport=udp, transport=tcp or transport=tls")
            transport = Transport(value)
    except ValueError as error:
        raise click.UsageError(f"--gateway {text!r}: {error}") from error
    return {"host": where.host, "port": where.port, "transport": transport}


def _gateway_text(shown: dict[str, Any]) -> str:
    host = f"[{shown['host']}]" if ":" in shown["host"] else shown["host"]
    port = "" if shown["port"] is None else f":{shown['port']}"
    return f"{host}{port}" + ("" if shown["transport"] is None else f";transport={shown['transport']}")


def _show(shown: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(shown)
        return
    lines = {
        **shown,
        "gateways": " ".join(map(_gateway_text, shown["gateways"])) or "none: inbound only",
        "allowed_addresses": " ".join(shown["allowed_addresses"] or ["everybody"]),
    }
    show_object(lines)


def _all(client: Client, tenant: str) -> list[dict[str, Any]]:
    """A tenant's trunks."""
    return client.all("/trunks", tenant_id=client.tenant_id(tenant))
