"""Pages of webhooks: where events are sent, what became of each, and sending them again."""

from typing import Any, Final

from starlette.responses import Response

from cordboard.console.api import Refused
from cordboard.console.changes import Deleting, Editing, shown
from cordboard.console.forms import Field, Form
from cordboard.console.pages import Visit, page
from cordboard.console.parts import listed, whose

_URL: Final = Field(
    name="url", label="URL", kind="text", required=True, help="https, and no address of a private network."
)
_TYPES: Final = Field(
    name="types",
    label="Types of events",
    kind="lines",
    help="One a line: call.ended, call.* for all of calls, or * for everything.",
)
_DESCRIPTION: Final = Field(name="description", label="Description")
NEW: Final = Form(fields=(_URL, _TYPES, _DESCRIPTION), values={"types": "*"})
EDIT: Final = Form(
    fields=(
        *(_URL, _TYPES, _DESCRIPTION),
        Field(name="enabled", label="Events are sent to it", kind="checkbox"),
    )
)
AGAIN: Final = Form(
    fields=(
        Field(
            name="from", label="From", required=True, help="An instant with its offset from UTC: 2026-11-21T08:00:00Z."
        ),
        Field(name="to", label="To", absent_if_empty=True, help="Not included. Empty is until now."),
    )
)
STATES: Final = (("", "All"), ("failed", "Given up"), ("pending", "On their way"), ("delivered", "Delivered"))
#: Seconds to wait for what comes of a test.
PATIENCE: Final = 10


async def show_list(visit: Visit) -> Response:
    """The administrator sees everybody's; an operator says whose."""
    if visit.must_choose:
        return await whose(visit)
    return await visit.show(
        "webhooks/list.html", page=await listed(visit, "list_webhooks", {"tenant_id": visit.tenant})
    )


async def new(visit: Visit) -> Response:
    if visit.must_choose:
        return await whose(visit)
    return await visit.show("webhooks/new.html", form=NEW)


async def create(visit: Visit) -> Response:
    body = {**NEW.body(visit.form), "tenant_id": visit.tenant}
    try:
        made = (await visit.api("create_webhook", body=body, once=visit.once)).body
    except Refused as refused:
        return await visit.show("webhooks/new.html", refused.status, form=NEW.again(visit.form, refused))
    return await visit.show("webhooks/secret.html", 201, made=made)


async def show(visit: Visit) -> Response:
    id, state = visit.path["webhook_id"], visit.query.get("state", "")
    webhook = (await visit.api("get_webhook", webhook_id=id)).body
    state = state if state in dict(STATES) else ""
    sent = await listed(visit, "list_webhook_deliveries", {"state": state or None}, webhook_id=id)
    return await visit.show("webhooks/show.html", webhook=webhook, sent=sent, state=state, states=STATES)


async def ask_deletion(visit: Visit) -> Response:
    return await _asked(visit, "webhooks/delete.html")


async def ask_rotation(visit: Visit) -> Response:
    return await _asked(visit, "webhooks/rotate.html")


async def rotate(visit: Visit) -> Response:
    id = visit.path["webhook_id"]
    made = await visit.api("rotate_webhook_secret", once=visit.once, webhook_id=id)
    return await visit.show("webhooks/secret.html", made=made.body)


async def test(visit: Visit) -> Response:
    id = visit.path["webhook_id"]
    sent = await visit.api("test_webhook", query={"wait": PATIENCE}, once=visit.once, webhook_id=id)
    return visit.go(f"/webhooks/{id}", _outcome(sent.body))


async def ask_replay(visit: Visit) -> Response:
    return await _asked(visit, "webhooks/replay.html", form=AGAIN)


async def replay(visit: Visit) -> Response:
    """One event, those that were given up, or those of a stretch of time: as the form says."""
    id = visit.path["webhook_id"]
    body: dict[str, Any] = {"event_id": visit.entered("event_id")} if visit.form.get("event_id") else {"failed": True}
    if "from" in visit.form:
        body = AGAIN.body(visit.form)
    try:
        found = (await visit.api("replay_webhook", body=body, once=visit.once, webhook_id=id)).body
    except Refused as refused:
        return await _asked(visit, "webhooks/replay.html", refused.status, form=AGAIN.again(visit.form, refused))
    queued = "1 event is" if found["queued"] == 1 else f"{found['queued']:,} events are"
    rest = " There are more: send again to go on." if found["next"] else ""
    return visit.go(f"/webhooks/{id}", f"{queued} on the way.{rest}")


async def _asked(visit: Visit, template: str, status: int = 200, **more: Any) -> Response:
    found = await shown(visit, "webhook")
    return await visit.show(template, status, webhook=found.body, etag=found.etag, **more)


def _outcome(delivery: dict[str, Any]) -> str:
    if not delivery["attempts"]:
        return "The test is on its way: its outcome will stand below."
    last = delivery["attempts"][-1]
    if last["error"] is None:
        return f"The test was taken with {last['status']}, after {last['ms']} ms."
    return f"The test was not taken: {last['error']}."


EDITING: Final = Editing(noun="webhook", template="webhooks/edit.html", form=EDIT, read=EDIT.body)
DELETING: Final = Deleting(noun="webhook", done="The webhook is deleted.")

_ONE: Final = "/webhooks/{webhook_id}"
PAGES: Final = (
    page("GET /webhooks", "Webhooks", show_list, "list_webhooks"),
    page("GET /webhooks/new", "New webhook", new, "create_webhook"),
    page("POST /webhooks/new", "New webhook", create, "create_webhook"),
    page(f"GET {_ONE}", "Webhook", show, "get_webhook", "list_webhook_deliveries"),
    page(f"GET {_ONE}/edit", "Change webhook", EDITING.edit, "update_webhook", "get_webhook"),
    page(f"POST {_ONE}/edit", "Change webhook", EDITING.update, "update_webhook", "get_webhook"),
    page(f"GET {_ONE}/delete", "Delete webhook", ask_deletion, "delete_webhook", "get_webhook"),
    page(f"POST {_ONE}/delete", "Delete webhook", DELETING.delete, "delete_webhook"),
    page(f"GET {_ONE}/rotate", "New secret", ask_rotation, "rotate_webhook_secret", "get_webhook"),
    page(f"POST {_ONE}/rotate", "New secret", rotate, "rotate_webhook_secret"),
    page(f"POST {_ONE}/test", "Test webhook", test, "test_webhook"),
    page(f"GET {_ONE}/replay", "Send again", ask_replay, "replay_webhook", "get_webhook"),
    page(f"POST {_ONE}/replay", "Send again", replay, "replay_webhook", "get_webhook"),
)
