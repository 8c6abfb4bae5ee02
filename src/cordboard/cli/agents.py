"""`cordboard agent`."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from cordboard.cli.catalogue import from_catalogue, set_by
from cordboard.cli.common import Nouns, limited, of_tenant, remove, removes, show_preview, uses, whose
from cordboard.cli.nouns import AGENT, TENANT
from cordboard.cli.showing import show_json, show_list, show_object
from cordboard.client import Client
from cordboard.domain.media import CODECS

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--sip-uri", help="Where calls go; {number} in the user part is the called number."),
    click.option(
        "--from-address", "from_addresses", multiple=True, help="Address or CIDR the agent calls from; repeat."
    ),
    click.option("--no-from-address", is_flag=True, help="No address: those of the version before are dropped."),
    click.option("--username", help="Username with which the agent places calls; its password is printed this once."),
    click.option("--no-username", is_flag=True, help="No username: that of the version before is dropped."),
    click.option(
        "--encryption",
        type=click.Choice(["disable", "allow", "require"]),
        help="Whether the agent's leg is SRTP; disable if nothing says so.",
    ),
    click.option("--auth-username", help="Username that answers a challenge of the agent's platform."),
    click.option("--auth-password", help="The password that goes with it."),
    click.option("--header", "headers", multiple=True, help="'Name: value' of the INVITE to the agent; repeat."),
    click.option(
        "--codec",
        "codecs",
        multiple=True,
        type=click.Choice(CODECS),
        help="What the agent is offered, in this order; repeat.",
    ),
    click.option("--no-tls-verify", is_flag=True, help="Do not check the certificate and name of the agent's host."),
    click.option("--draft", is_flag=True, help="A draft takes no calls."),
)


def _describes_version(command: F) -> F:
    """Give a command the options that describe a version."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return from_catalogue(command)


@click.group(cls=Nouns)
def agent() -> None:
    """AI agents: where calls are delivered, and who may place some."""


@agent.command()
@click.option("--tenant", type=TENANT, required=True, help="Name, reference or id.")
@click.option("--name", required=True, help="What people call it.")
@_describes_version
@uses("list_tenants", "get_catalogue_entry", "create_agent", once=True)
def create(client: Client, tenant: str, name: str, as_json: bool, **version: Any) -> None:
    """Create an agent with its first version, published unless a draft; prints JSON.

    With --username it has the password with which the agent places calls: it is not shown again.
    """
    show_json(client.post(f"/tenants/{client.tenant_id(tenant)}/agents", {"name": name, **_version(client, version)}))


@agent.command("list")
@of_tenant
@limited
@uses("get_me", "list_tenants", "list_agents")
def list_(client: Client, tenant: str | None, limit: int | None, as_json: bool) -> None:
    """List a tenant's agents."""
    show_list(
        client.each(f"/tenants/{whose(client, tenant)}/agents", most=limit),
        ("name", "agent_id", "published", "created_at"),
        as_json=as_json,
        empty="no agents yet: cordboard agent create --tenant NAME --name NAME --sip-uri URI",
        line=lambda agent: {**agent, "published": agent["published_version_id"] is not None},
    )


@agent.command()
@click.argument("agent_id", type=AGENT)
@uses("search", "get_agent")
def show(client: Client, agent_id: str, as_json: bool) -> None:
    """Show one agent, by its id or name."""
    _show(client.get(f"/agents/{client.called('agent', agent_id)}"), as_json)


@agent.command()
@click.argument("agent_id", type=AGENT)
@click.option("--name", required=True, help="Its new name.")
@uses("search", "update_agent")
def update(client: Client, agent_id: str, name: str, as_json: bool) -> None:
    """Rename an agent, by its id or name. What it does is told by its versions."""
    _show(client.patch(f"/agents/{client.called('agent', agent_id)}", {"name": name}), as_json)


@agent.command()
@click.argument("agent_id", type=AGENT)
@click.option("--detach", is_flag=True, help="Take it away from its numbers; without it an agent in use stays.")
@removes
@uses("search", "delete_agent")
def delete(client: Client, agent_id: str, detach: bool, as_json: bool, **how: Any) -> None:
    """Delete an agent with its versions, by its id or name."""
    id = client.called("agent", agent_id)
    done = {"agent_id": id, "deleted": True}
    query = {"detach": True} if detach else {}
    remove(client, f"/agents/{id}", agent_id, done, as_json=as_json, **how, **query)


@agent.group("version")
def version_() -> None:
    """An agent's versions: they never change once made, and one is published."""


@version_.command("create")
@click.option("--agent", "agent_id", type=AGENT, required=True, help="The agent's id or name.")
@_describes_version
@click.option("--name", "version_name", help="What is new in it.")
@uses("get_catalogue_entry", "search", "create_version", once=True)
def create_version(client: Client, agent_id: str, as_json: bool, version_name: str | None, **version: Any) -> None:
    """Add a version, not published yet; prints JSON.

    By default the agent goes on to call from the addresses and with the username of its published version, or else
    of its newest one.
    """
    body = {"version_name": version_name, **_version(client, version)}
    show_json(client.post(f"/agents/{client.called('agent', agent_id)}/versions", body))


@version_.command("list")
@click.option("--agent", "agent_id", type=AGENT, required=True, help="The agent's id or name.")
@limited
@uses("search", "list_versions")
def list_versions(client: Client, agent_id: str, limit: int | None, as_json: bool) -> None:
    """List an agent's versions, oldest first."""
    show_list(
        client.each(f"/agents/{client.called('agent', agent_id)}/versions", most=limit),
        ("version", "version_id", "sip_uri", "name", "draft"),
        as_json=as_json,
        empty="no versions: cordboard agent version create --agent ID --sip-uri URI",
        line=lambda version: {
            **version,
            "version": version["version_number"],
            "name": version["version_name"],
            "draft": version["is_draft"],
        },
    )


@version_.command("show")
@click.option("--agent", "agent_id", type=AGENT, required=True, help="The agent's id or name.")
@click.argument("version_id")
@uses("search", "get_version")
def show_version(client: Client, agent_id: str, version_id: str, as_json: bool) -> None:
    """Show one version of an agent."""
    _show(client.get(f"/agents/{client.called('agent', agent_id)}/versions/{version_id}"), as_json)


@version_.command("publish")
@click.option("--agent", "agent_id", type=AGENT, required=True, help="The agent's id or name.")
@click.option("--version", "version_id", help="The version's id; none un-publishes.")
@click.option("--dry-run", is_flag=True, help="Only say which numbers and calls it would touch.")
@uses("search", "publish_version")
def publish(client: Client, agent_id: str, version_id: str | None, dry_run: bool, as_json: bool) -> None:
    """Make a version the one that takes calls, on all numbers of the agent at once."""
    path = f"/agents/{client.called('agent', agent_id)}/published-version"
    body = {"version_id": version_id}
    if dry_run:
        show_preview(client.put(path, body, dry_run=True), as_json=as_json)
        return
    shown = client.put(path, body)
    if as_json:
        show_json(shown)
    else:
        click.echo(f"published {version_id}" if version_id else "un-published")


def _show(shown: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(shown)
    else:
        show_object(shown)


def _version(client: Client, options: dict[str, Any]) -> dict[str, Any]:
    """The body that describes a version: what an entry of the catalogue sets, and before it what was said.

    What the agent is known by is left out unless it was spoken of.
    """
    said = {
        "sip_uri": options["sip_uri"],
        "encryption": options["encryption"],
        "auth_username": options["auth_username"],
        "auth_password": options["auth_password"],
        "headers": [_header(text) for text in options["headers"]] or None,
        "codecs": list(options["codecs"]) or None,
    }
    body = {
        **set_by(client, options["entry"], options["values"], "platform"),
        **{name: value for name, value in said.items() if value is not None},
        "tls_verify": not options["no_tls_verify"],
        "is_draft": options["draft"],
    }
    if "sip_uri" not in body:
        raise click.UsageError("say where calls go: --sip-uri, or --from with an entry of the catalogue")
    if options["from_addresses"] and options["no_from_address"]:
        raise click.UsageError("--from-address and --no-from-address contradict each other")
    if options["username"] is not None and options["no_username"]:
        raise click.UsageError("--username and --no-username contradict each other")
    if options["from_addresses"] or options["no_from_address"]:
        body["from_addresses"] = list(options["from_addresses"])
    if options["username"] is not None or options["no_username"]:
        body["username"] = options["username"]
    return body


def _header(text: str) -> dict[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise click.UsageError(f"--header {text!r}: write 'Name: value'")
    return {"name": name.strip(), "value": value.strip()}
