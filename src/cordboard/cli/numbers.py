"""`cordboard number`."""

from typing import Any, Literal

import click

from cordboard.cli.accounts import account_id
from cordboard.cli.common import limited, of_tenant, remove, removes, show_preview, uses, whose
from cordboard.cli.imports import import_
from cordboard.cli.nouns import ACCOUNT, AGENT, NUMBER, TENANT, TRUNK
from cordboard.cli.showing import show_json, show_list, show_object
from cordboard.cli.trunk_settings import POLICIES
from cordboard.client import Client
from cordboard.domain.numbers import Status


@click.group()
def number() -> None:
    """Phone numbers: a tenant's own, and the platform's."""


number.add_command(import_)


@number.command()
@click.argument("number")
@click.option("--tenant", type=TENANT, help="Name, reference or id; none: into the inventory.")
@click.option("--status", type=click.Choice(["reserved", "assigned"]), help="Default: assigned with --tenant.")
@click.option("--allowed-address", "allowed", multiple=True, help="Address or CIDR it takes calls from; none: all.")
@click.option("--region", "regions", multiple=True, metavar="CODE", help="Where it is from, such as 28; repeat.")
@uses("list_tenants", "add_number", once=True)
def add(
    client: Client,
    number: str,
    tenant: str | None,
    status: str | None,
    allowed: tuple[str, ...],
    regions: tuple[str, ...],
    as_json: bool,
) -> None:
    """Add a platform-owned number, for a tenant or for nobody yet."""
    body = {
        "number": number,
        "tenant_id": None if tenant is None else client.tenant_id(tenant),
        "status": status or ("assigned" if tenant else "reserved"),
        "allowed_addresses": list(allowed) or None,
        "region_codes": list(regions),
    }
    _show(client.post("/numbers", body), as_json)


@number.command("import-one")
@click.argument("number")
@click.option("--tenant", type=TENANT, required=True, help="Whose: name, reference or id.")
@click.option("--nickname", help="What it is called.")
@click.option("--trunk", "trunk_id", type=TRUNK, help="Carries it: id or name; none: one of its own, as follows.")
@click.option("--agent", "inbound_agent_id", type=AGENT, help="Takes its calls: id or name.")
@click.option("--outbound-agent", "outbound_agent_id", type=AGENT, help="May call out by it: id or name.")
@click.option(
    "--allowed-address", "allowed_addresses", multiple=True, help="Address or CIDR it takes calls from; repeat."
)
@click.option("--media-in", type=POLICIES, help="SRTP of calls from the carrier.")
@click.option("--media-out", type=POLICIES, help="SRTP of calls to the carrier.")
@click.option("--termination-uri", help="The carrier's HOST[:PORT], where its calls go; none: inbound only.")
@click.option("--username", help="Answers the carrier's challenge.")
@click.option("--password", help="The password that goes with it.")
@uses("list_tenants", "search", "import_number", once=True)
def import_one(client: Client, number: str, tenant: str, as_json: bool, **options: Any) -> None:
    """Bring a tenant's own number, on a trunk that there is or on one of its own."""
    tenant_id = client.tenant_id(tenant)
    said = _named(client, options, tenant_id)
    body = {name: list(value) if isinstance(value, tuple) else value for name, value in said.items() if value}
    _show(client.post(f"/tenants/{tenant_id}/numbers", {"number": number, **body}), as_json)


@number.command()
@click.argument("number", type=NUMBER)
@click.option("--tenant", type=TENANT, help="Name, reference or id: it gets a reserved number.")
@click.option("--account", type=ACCOUNT, help="Id or username: its phones get the calls of a number of its tenant's.")
@uses("list_tenants", "list_accounts", "assign_number", once=True)
def assign(client: Client, number: str, tenant: str | None, account: str | None, as_json: bool) -> None:
    """Give a reserved number to a tenant, or a tenant's number to one of its SIP accounts."""
    if (tenant is None) == (account is None):
        raise click.UsageError("say who gets it: --tenant or --account, one of them")
    who = {"account_id": account_id(client, account)} if account else {"tenant_id": client.tenant_id(tenant or "")}
    _show(client.post("/numbers/assign", {"number": number, **who}), as_json)


@number.command("list")
@of_tenant
@click.option("--status", type=click.Choice([str(each) for each in Status]), help="Only these.")
@click.option("--prefix", help="Only those that begin so, such as +3491.")
@click.option("--agent", "inbound_agent_id", type=AGENT, help="Only those whose calls this one takes: id or name.")
@click.option(
    "--outbound-agent",
    "outbound_agent_id",
    type=AGENT,
    help="Only those by which this one may call out: id or name.",
)
@click.option("--trunk", "trunk_id", type=TRUNK, help="Only those that this one carries: id or name.")
@click.option("--oldest-first", is_flag=True, help="Not newest first.")
@limited
@uses("get_me", "list_tenants", "search", "list_numbers")
def list_(
    client: Client, tenant: str | None, oldest_first: bool, limit: int | None, as_json: bool, **where: str | None
) -> None:
    """List a tenant's numbers, newest first; with --prefix in their own order."""
    tenant_id = whose(client, tenant)
    query = {**_named(client, where, tenant_id), "order": "asc" if oldest_first else None}
    show_list(
        client.each("/numbers", most=limit, tenant_id=tenant_id, **query),
        ("number", "status", "nickname", "id", "provider", "inbound_agent_id"),
        as_json=as_json,
        empty="no such numbers: cordboard number import FILE --tenant NAME, or number add NUMBER --tenant NAME",
    )


@number.command()
@click.argument("number", type=NUMBER)
@uses("list_numbers", "get_number")
def show(client: Client, number: str, as_json: bool) -> None:
    """Show one number and what it is connected to."""
    found = client.by_number("/numbers", number)
    if as_json:
        show_json(found)
    else:
        show_object({**found, "region_codes": " ".join(found["region_codes"]) or None})


@number.command()
@click.argument("number", type=NUMBER)
@click.option("--nickname", help="What it is called; '' for nothing.")
@click.option("--trunk", "trunk_id", type=TRUNK, help="Carries it: id or name; '' for none.")
@click.option("--agent", "inbound_agent_id", type=AGENT, help="Takes its calls: id or name; '' for none.")
@click.option(
    "--outbound-agent",
    "outbound_agent_id",
    type=AGENT,
    help="May call out by it: id or name; '' for none.",
)
@click.option("--version", "inbound_version_id", help="Id of a version: its agent takes the calls, by it; published.")
@click.option("--outbound-version", "outbound_version_id", help="Id of a version: its agent may call out; published.")
@click.option("--dry-run", is_flag=True, help="Only say which calls it would touch.")
@uses("search", "list_numbers", "get_number", "update_number")
def update(client: Client, number: str, dry_run: bool, as_json: bool, **options: str | None) -> None:
    """Rename a number, or send its calls elsewhere; what is not named stays as it is."""
    body = {name: value or None for name, value in _named(client, options).items() if value is not None}
    if not body:
        raise click.UsageError("name what is to change; --help lists what can be")
    path = f"/numbers/{client.by_number('/numbers', number)['id']}"
    if dry_run:
        show_preview(client.patch(path, body, dry_run=True), as_json=as_json)
    else:
        _show(client.patch(path, body), as_json)


@number.command()
@click.argument("number", type=NUMBER)
@removes
@uses("list_numbers", "get_number", "release_number")
def release(client: Client, number: str, as_json: bool, **how: Any) -> None:
    """Release a number: an imported one goes at once, a platform-owned one at the end of its billing month."""
    found = client.by_number("/numbers", number)
    remove(client, f"/numbers/{found['id']}", number, {"id": found["id"], "released": True}, as_json=as_json, **how)


def _named(client: Client, options: dict[str, Any], tenant_id: str | None = None) -> dict[str, Any]:
    """With the ids of what is called by its name, of that tenant if one is given."""
    kinds: dict[str, Literal["trunk", "agent"]] = {"trunk_id": "trunk"}
    kinds |= {"inbound_agent_id": "agent", "outbound_agent_id": "agent"}
    ids = {name: client.called(kind, options[name], tenant_id) for name, kind in kinds.items() if options.get(name)}
    return {**options, **ids}


def _show(shown: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(shown)
    else:
        click.echo(f"{shown['number']} {shown['status']} {shown['id']}")
