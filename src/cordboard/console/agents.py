"""Pages of agents and their versions."""

from dataclasses import replace
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.responses import Response

from cordboard.console.api import Refused
from cordboard.console.changes import Deleting, Editing
from cordboard.console.forms import Field, Form, wrong
from cordboard.console.lines import header_line, header_of
from cordboard.console.pages import Visit, page
from cordboard.console.parts import NAMED, listed, told, whose

ENCRYPTION: Final = (("disable", "Plain RTP"), ("allow", "SRTP if the other side can"), ("require", "SRTP alone"))
_VERSION: Final = (
    Field(
        name="sip_uri",
        label="SIP URI",
        required=True,
        help="Where calls go: sip:{number}@agent.example.com;transport=tls. {number} stands for the called number.",
    ),
    Field(name="encryption", label="Media", kind="select", options=ENCRYPTION),
    Field(
        name="from_addresses",
        label="Calls from",
        kind="lines",
        help="Addresses and CIDR ranges from which the agent places calls, one a line.",
    ),
    Field(
        name="username",
        label="Username",
        absent_if_empty=True,
        help="Or the digest username with which it places calls; its password is made and shown once.",
    ),
    Field(
        name="auth_username",
        label="Username at the platform",
        absent_if_empty=True,
        help="If the agent's platform asks for credentials.",
    ),
    Field(name="auth_password", label="Password at the platform", kind="password", autocomplete="new-password"),
    Field(name="tls_verify", label="Check its certificate", kind="checkbox", help="Of a SIP URI with TLS."),
    Field(
        name="codecs", label="Codecs", kind="lines", help="What it is offered, in this order, one a line. None: all."
    ),
    Field(
        name="headers",
        label="Headers",
        kind="lines",
        read=header_of,
        write=header_line,
        help="Of calls to the agent, Name: value, one a line.",
    ),
)
NEW: Final = Form(fields=(Field(name="name", label="Name", required=True), *_VERSION))
_AS_BEFORE: Final = (
    "The digest username with which it places calls. Empty: as before; else a password is made, and shown once."
)
NEW_VERSION: Final = Form(
    fields=(
        *(replace(each, help=_AS_BEFORE) if each.name == "username" else each for each in _VERSION),
        Field(name="version_name", label="Version's name", absent_if_empty=True),
    )
)
_NEW: Final = {"tls_verify": True}
RENAME: Final = Form(fields=(Field(name="name", label="Name", required=True),))


async def show_list(visit: Visit) -> Response:
    if (tenant := visit.tenant) is None:
        return await whose(visit)
    found = await listed(visit, "list_agents", tenant_id=tenant)
    return await visit.show("agents/list.html", page=found)


async def new(visit: Visit) -> Response:
    if visit.tenant is None:
        return await whose(visit)
    return await _new_page(visit, NEW.of(_NEW))


async def _new_page(visit: Visit, form: Form, status: int = 200) -> Response:
    known = await told(visit, "list_catalogue")
    return await visit.show("agents/new.html", status, form=form, known=known)


async def create(visit: Visit) -> Response:
    if (tenant := visit.tenant) is None:
        return await whose(visit)
    try:
        body = _body(NEW, visit.form)
        made = await visit.api("create_agent", body=body, once=visit.once, tenant_id=tenant)
    except Refused as refused:
        return await _new_page(visit, NEW.again(visit.form, refused), refused.status)
    if made.body["password"] is None:
        return visit.go(f"/agents/{made.body['agent_id']}", f"{made.body['name']} is there.")
    return await visit.show("agents/password.html", 201, made=made.body)


async def show(visit: Visit) -> Response:
    id = visit.path["agent_id"]
    agent = (await visit.api("get_agent", agent_id=id)).body
    versions = await listed(visit, "list_versions", agent_id=id)
    mine = {"inbound_agent_id": id, "tenant_id": agent["tenant_id"], "limit": NAMED}
    numbers = await told(visit, "list_numbers", mine)
    return await visit.show("agents/show.html", agent=agent, versions=versions, numbers=numbers)


async def new_version(visit: Visit) -> Response:
    """Filled with the one from which the API takes what is not said: the published one, or else the newest; but for
    passwords, which nobody is shown."""
    id = visit.path["agent_id"]
    agent = (await visit.api("get_agent", agent_id=id)).body
    if published := agent["published_version_id"]:
        before = (await visit.api("get_version", agent_id=id, version_id=published)).body
    else:
        before = await _newest(visit, id)
    form = NEW_VERSION.of({**before, "username": None, "version_name": None})
    return await visit.show("agents/version.html", agent=agent, form=form, before=before)


async def _newest(visit: Visit, agent: str) -> dict[str, Any]:
    after = None
    while True:
        page = (await visit.api("list_versions", query={"limit": 1000, "after": after}, agent_id=agent)).body
        if (after := page["next"]) is None:
            newest: dict[str, Any] = page["data"][-1]
            return newest


def _body(form: Form, entered: FormData) -> dict[str, Any]:
    """What was entered. Raises Refused if one of username and password at the platform is missing."""
    body = form.body(entered)
    if "auth_username" in body and "auth_password" not in body:
        raise wrong({"auth_password": "enter it, even if it is as before: nobody is shown it"})
    if "auth_password" in body and "auth_username" not in body:
        raise wrong({"auth_username": "say whose password it is"})
    return body


async def create_version(visit: Visit) -> Response:
    id = visit.path["agent_id"]
    try:
        body = _body(NEW_VERSION, visit.form)
        made = await visit.api("create_version", body=body, once=visit.once, agent_id=id)
    except Refused as refused:
        agent = (await visit.api("get_agent", agent_id=id)).body
        form = NEW_VERSION.again(visit.form, refused)
        return await visit.show("agents/version.html", refused.status, agent=agent, form=form, before=None)
    if made.body["password"] is None:
        return visit.go(f"/agents/{id}", f"Version {made.body['version_number']} is there.")
    return await visit.show("agents/password.html", 201, made=made.body)


async def ask_unpublishing(visit: Visit) -> Response:
    id = visit.path["agent_id"]
    agent = (await visit.api("get_agent", agent_id=id)).body
    preview = await visit.api("publish_version", body={"version_id": None}, query={"dry_run": "true"}, agent_id=id)
    return await visit.show("agents/unpublish.html", agent=agent, preview=preview.body)


async def publish(visit: Visit) -> Response:
    id, version = visit.path["agent_id"], visit.entered("version_id") or None
    await visit.api("publish_version", body={"version_id": version}, agent_id=id)
    return visit.go(f"/agents/{id}", "Published." if version else "No version is published now.")


EDITING: Final = Editing(noun="agent", template="agents/edit.html", form=RENAME, read=RENAME.body)
DELETING: Final = Deleting(noun="agent", done="The agent is deleted.", query={"detach": "true"})

PAGES: Final = (
    page("GET /agents", "Agents", show_list, "list_agents"),
    page("GET /agents/new", "New agent", new, "create_agent", "list_catalogue"),
    page("POST /agents/new", "New agent", create, "create_agent", "list_catalogue"),
    page("GET /agents/{agent_id}", "Agent", show, "get_agent", "list_versions", "list_numbers"),
    page("GET /agents/{agent_id}/edit", "Rename agent", EDITING.edit, "update_agent", "get_agent"),
    page("POST /agents/{agent_id}/edit", "Rename agent", EDITING.update, "update_agent", "get_agent"),
    page(
        "GET /agents/{agent_id}/versions/new",
        "New version",
        new_version,
        *("create_version", "get_agent", "get_version", "list_versions"),
    ),
    page("POST /agents/{agent_id}/versions/new", "New version", create_version, "create_version", "get_agent"),
    page("GET /agents/{agent_id}/published-version", "Un-publish", ask_unpublishing, "publish_version", "get_agent"),
    page("POST /agents/{agent_id}/published-version", "Publish", publish, "publish_version"),
    page("GET /agents/{agent_id}/delete", "Delete agent", DELETING.ask, "delete_agent", "get_agent"),
    page("POST /agents/{agent_id}/delete", "Delete agent", DELETING.delete, "delete_agent"),
)
