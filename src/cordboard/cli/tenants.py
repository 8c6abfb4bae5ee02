"""`cordboard tenant`."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from cordboard.cli.common import confirmed, show_json, show_table, talks_to_server
from cordboard.client import Client
from cordboard.domain.tenants import Language

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--account-limit", type=int, help="SIP accounts that may be created; existing ones go on."),
    click.option("--no-account-limit", is_flag=True, help="As many as there are."),
    click.option(
        "--language", type=click.Choice([str(each) for each in Language]), help="In which the customer is spoken to."
    ),
)


def _describes_tenant(command: F) -> F:
    """Give a command the options that describe a tenant."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group()
def tenant() -> None:
    """Tenants: the owners of numbers, trunks, agents and keys."""


@tenant.command()
@click.argument("name")
@click.option("--reference", help="The id that your own system uses for this customer.")
@click.option("--operator", help="Name or id: it is this operator's customer; without --reference it gets one.")
@_describes_tenant
@talks_to_server
def create(
    client: Client, name: str, reference: str | None, operator: str | None, as_json: bool, **options: Any
) -> None:
    """Create a tenant and print its id."""
    operator_id = None if operator is None else client.operator_id(operator)
    body = {"name": name, "reference": reference, "operator_id": operator_id, **_said(options)}
    made = client.post("/tenants", body)
    if as_json:
        show_json(made)
    else:
        click.echo(made["id"])


@tenant.command()
@click.argument("tenant")
@click.option("--operator", help="Name or id, if several tenants are called so.")
@click.option("--name", help="Its new name.")
@_describes_tenant
@talks_to_server
def update(client: Client, tenant: str, operator: str | None, name: str | None, as_json: bool, **options: Any) -> None:
    """Change a tenant, by its name, reference or id; what is not named stays as it is."""
    body = _said(options) | ({} if name is None else {"name": name})
    if not body:
        raise click.UsageError("name what is to change; --help lists what can be")
    changed = client.patch(f"/tenants/{client.tenant_id(tenant, operator)}", body)
    if as_json:
        show_json(changed)
    else:
        show_table([changed], _COLUMNS)


@tenant.command()
@click.argument("tenant")
@click.option("--operator", help="Name or id, if several tenants are called so.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@talks_to_server
def delete(client: Client, tenant: str, operator: str | None, yes: bool, as_json: bool) -> None:
    """Delete a tenant with its accounts, numbers, trunks, agents and keys; phones lose their registration."""
    id = client.tenant_id(tenant, operator)
    confirmed(f"delete the tenant {tenant} with all that it has", yes=yes, as_json=as_json)
    client.delete(f"/tenants/{id}")
    if as_json:
        show_json({"id": id, "deleted": True})
    else:
        click.echo(f"deleted {tenant}")


def _said(options: dict[str, Any]) -> dict[str, Any]:
    """The part of a body that was spoken of."""
    if options["account_limit"] is not None and options["no_account_limit"]:
        raise click.UsageError("--account-limit and --no-account-limit contradict each other")
    body = {name: options[name] for name in ("account_limit", "language") if options[name] is not None}
    return {**body, "account_limit": None} if options["no_account_limit"] else body


_COLUMNS = ("id", "name", "reference", "accounts", "account_limit", "created_at")


@tenant.command("list")
@talks_to_server
def list_(client: Client, as_json: bool) -> None:
    """List every tenant."""
    found: list[dict[str, Any]] = []
    while page := client.get("/tenants", limit=1000, after=found[-1]["id"] if found else None)["data"]:
        found += page
    if as_json:
        show_json({"data": found})
    else:
        show_table(found, _COLUMNS)
