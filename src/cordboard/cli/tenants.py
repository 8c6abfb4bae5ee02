"""`cordboard tenant`."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from cordboard.cli.common import limited, remove, removes, uses
from cordboard.cli.nouns import OPERATOR, TENANT
from cordboard.cli.showing import show_json, show_list, show_object
from cordboard.client import Client, ClientError
from cordboard.domain.tenants import Language, Termination

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--account-limit", type=int, help="SIP accounts that may be created; existing ones go on."),
    click.option("--no-account-limit", is_flag=True, help="As many as there are."),
    click.option("--capacity-limit", type=int, help="Calls at once."),
    click.option("--no-capacity-limit", is_flag=True, help="As many calls at once as the installation takes."),
    click.option(
        "--termination-mode",
        type=click.Choice([str(each) for each in Termination]),
        help="Whose trunks its outbound calls take, in the operator's words.",
    ),
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
@click.option(
    "--operator", type=OPERATOR, help="Name or id: it is this operator's customer; without --reference it gets one."
)
@_describes_tenant
@uses("list_operators", "list_tenants", "create_tenant", once=True)
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
        _tell_of_namesakes(client, name)


def _tell_of_namesakes(client: Client, name: str) -> None:
    """That the name alone says no more which tenant is meant. The tenant is made, whatever comes of this."""
    try:
        client.tenant_id(name)
    except ClientError as error:
        if error.problem.get("code") == "ambiguous-tenant":
            click.echo(f"cordboard: several tenants are called {name} now: say by its id which is meant", err=True)


@tenant.command()
@click.argument("tenant", type=TENANT)
@click.option("--operator", type=OPERATOR, help="Name or id, if several tenants are called so.")
@click.option("--name", help="Its new name.")
@_describes_tenant
@uses("list_tenants", "list_operators", "update_tenant")
def update(client: Client, tenant: str, operator: str | None, name: str | None, as_json: bool, **options: Any) -> None:
    """Change a tenant, by its name, reference or id; what is not named stays as it is."""
    body = _said(options) | ({} if name is None else {"name": name})
    if not body:
        raise click.UsageError("name what is to change; --help lists what can be")
    changed = client.patch(f"/tenants/{client.tenant_id(tenant, operator)}", body)
    if as_json:
        show_json(changed)
    else:
        show_object(changed)


@tenant.command()
@click.argument("tenant", type=TENANT)
@click.option("--operator", type=OPERATOR, help="Name or id, if several tenants are called so.")
@removes
@uses("list_tenants", "list_operators", "delete_tenant")
def delete(client: Client, tenant: str, operator: str | None, as_json: bool, **how: Any) -> None:
    """Delete a tenant with its accounts, numbers, trunks, agents and keys; phones lose their registration."""
    id = client.tenant_id(tenant, operator)
    remove(client, f"/tenants/{id}", tenant, {"id": id, "deleted": True}, as_json=as_json, **how)


def _said(options: dict[str, Any]) -> dict[str, Any]:
    """The part of a body that was spoken of."""
    names = ("account_limit", "capacity_limit", "language", "termination_mode")
    body = {name: options[name] for name in names if options[name] is not None}
    for name in ("account_limit", "capacity_limit"):
        if options[f"no_{name}"]:
            if name in body:
                option = name.replace("_", "-")
                raise click.UsageError(f"--{option} and --no-{option} contradict each other")
            body[name] = None
    return body


_COLUMNS = ("name", "reference", "id", "accounts", "account_limit", "created_at")


@tenant.command("list")
@limited
@uses("list_tenants")
def list_(client: Client, limit: int | None, as_json: bool) -> None:
    """List every tenant."""
    found = client.each("/tenants", most=limit)
    show_list(found, _COLUMNS, as_json=as_json, empty="no tenants yet: cordboard tenant create NAME")


@tenant.command()
@click.argument("tenant", type=TENANT)
@click.option("--operator", type=OPERATOR, help="Name or id, if several tenants are called so.")
@uses("list_tenants", "list_operators", "get_tenant")
def show(client: Client, tenant: str, operator: str | None, as_json: bool) -> None:
    """Show one tenant, by its name, reference or id."""
    found = client.get(f"/tenants/{client.tenant_id(tenant, operator)}")
    if as_json:
        show_json(found)
    else:
        show_object(found)
