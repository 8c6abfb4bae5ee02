"""`cordboard agent`."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from cordboard.cli.common import show_json, show_table, talks_to_server
from cordboard.client import Client
from cordboard.domain.media import CODECS

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--sip-uri", required=True, help="Where calls go; {number} in the user part is the called number."),
    click.option(
        "--from-address", "from_addresses", multiple=True, help="Address or CIDR the agent calls from; repeat."
    ),
    click.option("--no-from-address", is_flag=True, help="No address: those of the version before are dropped."),
    click.option("--username", help="Username with which the agent places calls; its password is printed this once."),
    click.option("--no-username", is_flag=True, help="No username: that of the version before is dropped."),
    click.option(
        "--encryption",
        type=click.Choice(["disable", "allow", "require"]),
        default="disable",
        show_default=True,
        help="Whether the agent's leg is SRTP.",
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
    return command


@click.group()
def agent() -> None:
    """AI agents: where calls are delivered, and who may place some."""


@agent.command()
@click.option("--tenant", required=True, help="Name, reference or id.")
@click.option("--name", required=True)
@_describes_version
@talks_to_server
def create(client: Client, tenant: str, name: str, as_json: bool, **version: Any) -> None:
    """Create an agent with its first version, published unless a draft; prints JSON.

    With --username it has the password with which the agent places calls: it is not shown again.
    """
    show_json(client.post(f"/tenants/{client.tenant_id(tenant)}/agents", {"name": name, **_version(version)}))


@agent.command("list")
@click.option("--tenant", required=True, help="Name, reference or id.")
@talks_to_server
def list_(client: Client, tenant: str, as_json: bool) -> None:
    """List a tenant's agents."""
    found = client.get(f"/tenants/{client.tenant_id(tenant)}/agents", limit=1000)
    if as_json:
        show_json(found)
    else:
        show_table(found["data"], ("agent_id", "name", "published_version_id", "created_at"))


@agent.group("version")
def version_() -> None:
    """An agent's versions: they never change once made, and one is published."""


@version_.command("create")
@click.option("--agent", "agent_id", required=True, help="The agent's id.")
@_describes_version
@click.option("--name", "version_name", help="What is new in it.")
@talks_to_server
def create_version(client: Client, agent_id: str, as_json: bool, version_name: str | None, **version: Any) -> None:
    """Add a version, not published yet; prints JSON.

    By default the agent goes on to call from the addresses and with the username of its published version, or else
    of its newest one.
    """
    body = {"version_name": version_name, **_version(version)}
    show_json(client.post(f"/agents/{agent_id}/versions", body))


@version_.command("list")
@click.option("--agent", "agent_id", required=True, help="The agent's id.")
@talks_to_server
def list_versions(client: Client, agent_id: str, as_json: bool) -> None:
    """List an agent's versions, oldest first."""
    found = client.get(f"/agents/{agent_id}/versions", limit=1000)
    if as_json:
        show_json(found)
    else:
        show_table(found["data"], ("version_number", "version_id", "version_name", "sip_uri", "is_draft"))


@version_.command("publish")
@click.option("--agent", "agent_id", required=True, help="The agent's id.")
@click.option("--version", "version_id", help="The version's id; none un-publishes.")
@talks_to_server
def publish(client: Client, agent_id: str, version_id: str | None, as_json: bool) -> None:
    """Make a version the one that takes calls, on all numbers of the agent at once."""
    shown = client.put(f"/agents/{agent_id}/published-version", {"version_id": version_id})
    if as_json:
        show_json(shown)
    else:
        click.echo(f"published {version_id}" if version_id else "un-published")


def _version(options: dict[str, Any]) -> dict[str, Any]:
    """The body that describes a version. What the agent is known by is left out unless it was spoken of."""
    body = {
        "sip_uri": options["sip_uri"],
        "encryption": options["encryption"],
        "auth_username": options["auth_username"],
        "auth_password": options["auth_password"],
        "headers": [_header(text) for text in options["headers"]],
        "codecs": list(options["codecs"]),
        "tls_verify": not options["no_tls_verify"],
        "is_draft": options["draft"],
    }
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
