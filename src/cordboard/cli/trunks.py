"""`cordboard trunk`."""

from typing import Any
from uuid import UUID

import click

from cordboard.cli.common import confirmed, show_json, show_object, show_table, talks_to_server
from cordboard.cli.trunk_settings import GATEWAY_PARAMETERS, OPTIONS, trunk_body, trunk_settings
from cordboard.client import Client


@click.group()
def trunk() -> None:
    """SIP trunks: how calls come from a carrier and go to it. An imported number has one of its own."""


@trunk.command("list")
@click.option("--tenant", help="Name, reference or id.")
@click.option("--system", is_flag=True, help="Those that everybody may call through.")
@talks_to_server
def list_(client: Client, tenant: str | None, system: bool, as_json: bool) -> None:
    """List a tenant's trunks, or the system's, newest first."""
    if (tenant is None) != system:
        raise click.UsageError("say whose: --tenant, or --system")
    found = client.all("/trunks", system=True) if tenant is None else _all(client, tenant)
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
    columns = ("trunk", "host", "uri", "state", "code", "latency_ms", "asked_at")
    _told(client, "health", trunk, tenant, columns, as_json)


@trunk.command()
@click.argument("trunk", required=False)
@click.option("--tenant", help="Of all trunks of this tenant instead: name, reference or id.")
@talks_to_server
def registrations(client: Client, trunk: str | None, tenant: str | None, as_json: bool) -> None:
    """Show how the edge is registered with gateways: of one trunk, by its id or a number of it, or of a tenant."""
    columns = ("trunk", "host", "state", "code", "reason", "since", "expires_at", "next_attempt_at")
    _told(client, "registrations", trunk, tenant, columns, as_json)


def _told(
    client: Client, what: str, trunk: str | None, tenant: str | None, columns: tuple[str, ...], as_json: bool
) -> None:
    """What the edge knows of gateways."""
    if (trunk is None) == (tenant is None):
        raise click.UsageError("name a trunk, or a tenant with --tenant")
    chosen = [_found(client, trunk)] if trunk is not None else _all(client, str(tenant))
    told = [{**client.get(f"/trunks/{each['id']}/{what}"), "name": each["name"]} for each in chosen]
    if as_json:
        show_json({"data": told})
        return
    show_table([{**each, "trunk": one["name"]} for one in told for each in one["gateways"]], columns)


@trunk.command()
@click.option("--tenant", help="Whose: name, reference or id.")
@click.option("--system", is_flag=True, help="Everybody's: all tenants may call through it, and none changes it.")
@click.option("--name", required=True, help="Its name.")
@trunk_settings
@talks_to_server
def create(client: Client, tenant: str | None, system: bool, as_json: bool, **options: Any) -> None:
    """Create a trunk, a tenant's or the system's; prints it as JSON."""
    if (tenant is None) != system:
        raise click.UsageError("say whose it is: --tenant, or --system")
    owner = {"system": True} if tenant is None else {"tenant_id": client.tenant_id(tenant)}
    show_json(client.post("/trunks", {**owner, **trunk_body(options)}))


@trunk.command()
@click.argument("trunk")
@click.option("--name", help="Its name.")
@trunk_settings
@click.option("--no-gateway", is_flag=True, help="Inbound only: the gateways and the credentials go.")
@click.option("--no-credentials", is_flag=True, help="The username and the password go.")
@click.option("--no-inbound-credentials", is_flag=True, help="The carrier calls without a digest.")
@click.option("--allow-all-addresses", is_flag=True, help="Calls may come from everywhere.")
@click.option("--default", "defaults", type=click.Choice(OPTIONS), multiple=True, help="Back to the default; repeat.")
@talks_to_server
def update(client: Client, trunk: str, as_json: bool, **options: Any) -> None:
    """Change a trunk, by its id or by a number of it; what is not named stays as it is."""
    body = _changes(options)
    _show(client.patch(f"/trunks/{_found(client, trunk)['id']}", body), as_json)


@trunk.command()
@click.argument("trunk")
@click.option("--yes", is_flag=True, help="Do not ask.")
@talks_to_server
def delete(client: Client, trunk: str, yes: bool, as_json: bool) -> None:
    """Delete a trunk, by its id or by a number of it; its numbers have none then, and no calls."""
    found = _found(client, trunk)
    confirmed(f"delete the trunk {found['name']}", yes=yes, as_json=as_json)
    client.delete(f"/trunks/{found['id']}")
    if as_json:
        show_json({"id": found["id"], "deleted": True})
    else:
        click.echo(f"deleted {found['name']}")


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
    _not_both(options, "inbound_username", "no_inbound_credentials", "--inbound-username and --no-inbound-credentials")
    body = trunk_body(options)
    if options["no_gateway"]:
        body["gateways"] = []
    if options["allow_all_addresses"]:
        body["allowed_addresses"] = []
    if options["no_credentials"]:
        body |= {"username": None, "password": None}
    if options["no_inbound_credentials"]:
        body["inbound_username"] = None
    if options["defaults"]:
        body["options"] = dict.fromkeys(options["defaults"]) | body.get("options", {})
    if not body:
        raise click.UsageError("name what is to change; --help lists what can be")
    return body


def _not_both(options: dict[str, Any], one: str, other: str, said: str) -> None:
    if options[one] and options[other]:
        raise click.UsageError(f"{said} contradict each other")


def _gateway_text(shown: dict[str, Any]) -> str:
    host = f"[{shown['host']}]" if ":" in shown["host"] else shown["host"]
    port = "" if shown["port"] is None else f":{shown['port']}"
    given = (f";{name}={shown[name]}" for name in GATEWAY_PARAMETERS if shown[name] is not None)
    return f"{host}{port}" + "".join(given)


def _show(shown: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(shown)
        return
    options = shown.pop("options")
    lines = {
        **shown,
        "gateways": " ".join(map(_gateway_text, shown["gateways"])) or "none: inbound only",
        "allowed_addresses": " ".join(shown["allowed_addresses"] or ["everybody"]),
        **{name: _option_text(value) for name, value in options.items() if value not in (None, [])},
    }
    show_object(lines)


def _option_text(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(f"{each['name']}:{each['value']}" if isinstance(each, dict) else str(each) for each in value)
    if isinstance(value, dict):
        return " ".join(f"{name}={each}" for name, each in value.items() if each is not None)
    return str(value)


def _all(client: Client, tenant: str) -> list[dict[str, Any]]:
    """A tenant's trunks."""
    return client.all("/trunks", tenant_id=client.tenant_id(tenant))
