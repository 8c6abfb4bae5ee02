"""`cordboard trunk`."""

from typing import Any

import click

from cordboard.cli import registrations as past
from cordboard.cli.catalogue import from_catalogue, set_by
from cordboard.cli.common import fail, limited, of_tenant, remove, removes, show_preview, uses, whose
from cordboard.cli.figures import strip
from cordboard.cli.nouns import TENANT, TRUNK
from cordboard.cli.showing import show_json, show_list, show_object, show_table
from cordboard.cli.trunk_settings import GATEWAY_PARAMETERS, OPTIONS, trunk_body, trunk_settings
from cordboard.cli.words import advised
from cordboard.client import Client


@click.group()
def trunk() -> None:
    """SIP trunks: how calls come from a carrier and go to it. An imported number has one of its own."""


trunk.add_command(strip)


@trunk.command("list")
@of_tenant
@click.option("--system", is_flag=True, help="Those that everybody may call through.")
@limited
@uses("get_me", "list_tenants", "list_trunks")
def list_(client: Client, tenant: str | None, system: bool, limit: int | None, as_json: bool) -> None:
    """List a tenant's trunks, or the system's, newest first."""
    if system and tenant is not None:
        raise click.UsageError("say whose: --tenant, or --system")
    owner = {"system": True} if system else {"tenant_id": whose(client, tenant)}
    show_list(
        client.each("/trunks", most=limit, **owner),
        ("name", "gateways", "id", "username", "media_in", "media_out"),
        as_json=as_json,
        empty="no trunks yet: cordboard trunk create --tenant NAME --name NAME --gateway HOST",
        line=lambda trunk: {**trunk, "gateways": " ".join(map(_gateway_text, trunk["gateways"]))},
    )


@trunk.command()
@click.argument("trunk", type=TRUNK)
@uses("search", "list_trunks", "get_trunk")
def show(client: Client, trunk: str, as_json: bool) -> None:
    """Show one trunk, by its id, its name, or a number of it."""
    _show(client.trunk(trunk), as_json)


@trunk.command()
@click.argument("trunk", required=False, type=TRUNK)
@click.option("--tenant", type=TENANT, help="Of all trunks of this tenant instead: name, reference or id.")
@uses("list_tenants", "search", "list_trunks", "get_trunk", "get_trunk_health")
def health(client: Client, trunk: str | None, tenant: str | None, as_json: bool) -> None:
    """Show which gateways answer: of one trunk, by its id, its name, or a number of it, or of a tenant."""
    columns = ("trunk", "host", "state", "code", "latency_ms", "asked_at", "uri")
    _told(client, "health", trunk, tenant, columns, as_json)


@trunk.command()
@click.argument("trunk", required=False, type=TRUNK)
@click.option("--tenant", type=TENANT, help="Of all trunks of this tenant instead: name, reference or id.")
@click.option("--history", is_flag=True, help="What has become of one trunk's, newest first.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Of a history: shown at most.")
@uses("list_tenants", "search", "list_trunks", "get_trunk", "get_trunk_registrations", "list_registrations")
def registrations(
    client: Client, trunk: str | None, tenant: str | None, history: bool, limit: int, as_json: bool
) -> None:
    """Show how the edge is registered with the gateways of one trunk, or of a tenant.

    TRUNK is its id, its name, or a number of it.
    """
    if history:
        if trunk is None or tenant is not None:
            raise click.UsageError("a history is of one trunk")
        past.show(client, limit, as_json, past.OF_TRUNKS, trunk_id=client.trunk(trunk)["id"])
        return
    columns = ("trunk", "host", "state", "code", "reason", "since", "expires_at", "next_attempt_at")
    _told(client, "registrations", trunk, tenant, columns, as_json)


def _told(
    client: Client, what: str, trunk: str | None, tenant: str | None, columns: tuple[str, ...], as_json: bool
) -> None:
    """What the edge knows of gateways."""
    told = _told_of(client, what, trunk, tenant)
    if as_json:
        show_json({"data": told})
        return
    rows = ({**each, "trunk": one["name"]} for one in told for each in one["gateways"])
    show_table(rows, columns, empty="no gateways: cordboard trunk update TRUNK --gateway HOST")


def _told_of(client: Client, what: str, trunk: str | None, tenant: str | None) -> list[dict[str, Any]]:
    """What is to be said of a trunk, or of each of a tenant's."""
    if (trunk is None) == (tenant is None):
        raise click.UsageError("name a trunk, or a tenant with --tenant")
    chosen = [client.trunk(trunk)] if trunk is not None else _all(client, str(tenant))
    return [{**client.get(f"/trunks/{each['id']}/{what}"), "name": each["name"]} for each in chosen]


@trunk.command()
@click.option("--tenant", type=TENANT, help="Whose: name, reference or id.")
@click.option("--system", is_flag=True, help="Everybody's: all tenants may call through it, and none changes it.")
@click.option("--name", required=True, help="Its name.")
@from_catalogue
@trunk_settings
@uses("list_tenants", "get_catalogue_entry", "create_trunk", once=True)
def create(
    client: Client,
    tenant: str | None,
    system: bool,
    as_json: bool,
    entry: str | None,
    values: tuple[str, ...],
    **options: Any,
) -> None:
    """Create a trunk, a tenant's or the system's; prints it as JSON."""
    if (tenant is None) != system:
        raise click.UsageError("say whose it is: --tenant, or --system")
    owner = {"system": True} if tenant is None else {"tenant_id": client.tenant_id(tenant)}
    given, said = set_by(client, entry, values, "carrier"), trunk_body(options)
    asked = {**given.get("options", {}), **said.get("options", {})}
    show_json(client.post("/trunks", {**owner, **given, **said, **({"options": asked} if asked else {})}))


@trunk.command()
@click.argument("trunk", type=TRUNK)
@click.option("--name", help="Its name.")
@trunk_settings
@click.option("--no-gateway", is_flag=True, help="Inbound only: the gateways and the credentials go.")
@click.option("--no-credentials", is_flag=True, help="The username and the password go.")
@click.option("--no-inbound-credentials", is_flag=True, help="The carrier calls without a digest.")
@click.option("--allow-all-addresses", is_flag=True, help="Calls may come from everywhere.")
@click.option("--default", "defaults", type=click.Choice(OPTIONS), multiple=True, help="Back to the default; repeat.")
@click.option("--dry-run", is_flag=True, help="Only say which numbers and calls it would touch.")
@uses("search", "list_trunks", "get_trunk", "update_trunk")
def update(client: Client, trunk: str, as_json: bool, dry_run: bool, **options: Any) -> None:
    """Change a trunk, by its id, its name, or a number of it; what is not named stays as it is."""
    body = _changes(options)
    path = f"/trunks/{client.trunk(trunk)['id']}"
    if dry_run:
        show_preview(client.patch(path, body, dry_run=True), as_json=as_json)
        return
    _show(client.patch(path, body), as_json)


@trunk.command()
@click.argument("trunk", required=False, type=TRUNK)
@click.option("--tenant", type=TENANT, help="All trunks of this tenant instead: name, reference or id.")
@uses("list_tenants", "search", "list_trunks", "get_trunk", "lint_allow_list")
def lint(client: Client, trunk: str | None, tenant: str | None, as_json: bool) -> None:
    """Look at lists of allowed addresses: what is wrong with them, and who calls and is not on them."""
    told = _told_of(client, "allow-list", trunk, tenant)
    if as_json:
        show_json({"data": told})
        return
    for one in told:
        click.echo(f"{one['name']} ({one['trunk_id']})")
        for each in one["findings"]:
            click.echo(f"  {each['severity']:8} {each['code']}: {each['summary']}")
            click.echo(f"  {'':8} > {advised(each['remedy'])}")
        for each in one["seen_but_not_allowed"]:
            seen = f"{each['refused']} calls refused, the last at {each['last_seen'][:16].replace('T', ' ')} UTC"
            click.echo(f"  seen     {each['address']} is not on the list: {seen}")
            click.echo(f"  {'':8} > if that is the carrier: {each['command']}")
        if not one["findings"] and not one["seen_but_not_allowed"]:
            click.echo("  nothing is wrong")


@trunk.command()
@click.argument("trunk", type=TRUNK)
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...")
@uses("search", "list_trunks", "get_trunk", "update_trunk")
def allow(client: Client, trunk: str, addresses: tuple[str, ...], as_json: bool) -> None:
    """Let calls come from more addresses or CIDR ranges than now."""
    found = client.trunk(trunk)
    if not found["allowed_addresses"]:
        fail(
            "the trunk lets everybody in, and would let nobody else in then: name all of them with "
            "`cordboard trunk update --allowed-address`",
            as_json=as_json,
        )
    allowed = list(dict.fromkeys([*(found["allowed_addresses"] or ()), *addresses]))
    _show(client.patch(f"/trunks/{found['id']}", {"allowed_addresses": allowed}), as_json)


@trunk.command()
@click.argument("trunk", type=TRUNK)
@removes
@uses("search", "list_trunks", "get_trunk", "delete_trunk")
def delete(client: Client, trunk: str, as_json: bool, **how: Any) -> None:
    """Delete a trunk, by its id, its name, or a number of it; its numbers have none then, and no calls."""
    found = client.trunk(trunk)
    done = {"id": found["id"], "deleted": True}
    remove(client, f"/trunks/{found['id']}", found["name"], done, as_json=as_json, **how)


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
