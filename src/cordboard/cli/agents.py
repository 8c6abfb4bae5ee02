"""`cordboard agent`."""

from typing import Any

import click

from cordboard.cli.common import show_json, show_table, talks_to_server
from cordboard.client import Client

_uri_option = click.option(
    "--sip-uri", required=True, help="Where calls go; {number} in the user part is the called number."
)
_from_option = click.option(
    "--from-address", "from_addresses", multiple=True, help="Address or CIDR the agent calls from; repeat."
)
_draft_option = click.option("--draft", is_flag=True, help="A draft takes no calls.")


@click.group()
def agent() -> None:
    """AI agents: where calls are delivered."""


@agent.command()
@click.option("--tenant", required=True, help="Name, reference or id.")
@click.option("--name", required=True)
@_uri_option
@_from_option
@_draft_option
@talks_to_server
def create(client: Client, tenant: str, name: str, as_json: bool, **version: Any) -> None:
    """Create an agent with its first version, published unless a draft; prints JSON."""
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
@_uri_option
@_from_option
@_draft_option
@click.option("--name", "version_name", help="What is new in it.")
@talks_to_server
def create_version(client: Client, agent_id: str, as_json: bool, version_name: str | None, **version: Any) -> None:
    """Add a version, not published yet; prints JSON."""
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
    return {
        "sip_uri": options["sip_uri"],
        "from_addresses": list(options["from_addresses"]),
        "is_draft": options["draft"],
    }
