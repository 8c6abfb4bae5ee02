"""Pages of verifications: what was tried of a trunk, a number, an agent or an account, and what came of it."""

from typing import Any, Final

from starlette.responses import Response

from cordboard.console.api import Refused
from cordboard.console.forms import Field, Form
from cordboard.console.pages import Visit, page
from cordboard.console.parts import STOP, entered, filtered
from cordboard.domain.verifications import KINDS, STEPS, Status

#: How each status looks, and its mark.
TONES: Final = {
    "passed": ("good", "✓"),
    "warning": ("warn", "!"),
    "failed": ("bad", "✗"),
    "skipped": ("plain", "·"),
}
_KIND: Final = Field(
    name="kind", label="What", kind="select", options=tuple((kind, kind.capitalize()) for kind in KINDS)
)
_SUBJECT: Final = Field(
    name="subject_id",
    label="Which",
    required=True,
    help="Its id; a number may be written as +34911234567, an account by its username.",
)
_STEPS: Final = Field(
    name="steps",
    label="Only these steps",
    kind="checkboxes",
    help="All that there are if none is chosen.",
    options=tuple((step, step) for step in STEPS["number"]),
)
NEW: Final = Form(
    fields=(
        _KIND,
        _SUBJECT,
        _STEPS,
        Field(
            name="call",
            label="Place an echo call, too",
            kind="checkbox",
            help="A real call: it rings there, and may cost money. Nothing rings without it.",
        ),
        Field(
            name="echo/to",
            label="Number to call",
            help="Of a trunk it is needed: a number that answers by itself. Empty: the number is called as its carrier "
            "would.",
        ),
    )
)
SCHEDULE: Final = Form(
    fields=(
        _KIND,
        _SUBJECT,
        Field(name="every_minutes", label="Every so many minutes", kind="number", required=True, help="5 to 43,200."),
        _STEPS,
    )
)
FILTERS: Final = (
    Field(name="kind", label="What", kind="select", options=(("", "All"), *_KIND.options)),
    Field(name="subject_id", label="Its id", help="Together with what it is"),
    Field(
        name="status",
        label="Outcome",
        kind="select",
        options=(("", "All"), *((status.value, status.value.capitalize()) for status in Status)),
    ),
)


async def show_list(visit: Visit) -> Response:
    form, found = await filtered(visit, "list_verifications", FILTERS)
    return await visit.show("verifications/list.html", form=form, page=found, tones=TONES)


async def new(visit: Visit) -> Response:
    return await visit.show("verifications/new.html", form=_suggested(visit, NEW))


async def create(visit: Visit) -> Response:
    body = _body(visit, NEW)
    called = body.pop("call")
    if not called:
        body.pop("echo", None)
    try:
        made = (await visit.api("create_verification", body=body, once=visit.once)).body
    except Refused as refused:
        return await visit.show("verifications/new.html", refused.status, form=NEW.again(visit.form, refused))
    return visit.go(f"/verifications/{made['id']}")


async def show(visit: Visit) -> Response:
    found = (await visit.api("get_verification", verification_id=visit.path["verification_id"])).body
    template = "verifications/steps.html" if visit.partial else "verifications/show.html"
    status = STOP if visit.partial and found["state"] != "running" else 200
    return await visit.show(template, status, one=found, tones=TONES)


async def show_schedules(visit: Visit) -> Response:
    _, found = await filtered(visit, "list_verification_schedules", ())
    return await visit.show("verifications/schedules.html", page=found, every=every)


async def new_schedule(visit: Visit) -> Response:
    return await visit.show("verifications/new_schedule.html", form=_suggested(visit, SCHEDULE))


async def create_schedule(visit: Visit) -> Response:
    try:
        body = _body(visit, SCHEDULE)
        made = (await visit.api("create_verification_schedule", body=body, once=visit.once)).body
    except Refused as refused:
        form = SCHEDULE.again(visit.form, refused)
        return await visit.show("verifications/new_schedule.html", refused.status, form=form)
    return visit.go(
        "/verifications/schedules", f"{made['subject']['name']} is verified {every(made['every_minutes'])}."
    )


async def delete_schedule(visit: Visit) -> Response:
    await visit.api("delete_verification_schedule", schedule_id=visit.path["schedule_id"])
    return visit.go("/verifications/schedules", "It is not verified by itself any more.")


def every(minutes: int) -> str:
    """`every 6 hours`."""
    for length, noun in ((1440, "days"), (60, "hours")):
        if minutes % length == 0:
            return f"every {minutes // length} {noun}" if minutes > length else f"every {noun.removesuffix('s')}"
    return f"every {minutes} minutes"


def _suggested(visit: Visit, form: Form) -> Form:
    """Filled in by the address: `?kind=trunk&subject=ID`."""
    filled = entered(visit, form.fields)
    subject = visit.query.get("subject") or visit.query.get("subject_id", "")
    return Form(fields=form.fields, values={**filled.values, "subject_id": subject})


def _body(visit: Visit, form: Form) -> dict[str, Any]:
    body = form.body(visit.form)
    if not body["steps"]:
        body["steps"] = None
    return body


PAGES: Final = (
    page("GET /verifications", "Verifications", show_list, "list_verifications"),
    page("GET /verifications/new", "Verify", new, "create_verification"),
    page("POST /verifications/new", "Verify", create, "create_verification"),
    page("GET /verifications/schedules", "Schedules", show_schedules, "list_verification_schedules"),
    page("GET /verifications/schedules/new", "New schedule", new_schedule, "create_verification_schedule"),
    page("POST /verifications/schedules/new", "New schedule", create_schedule, "create_verification_schedule"),
    page(
        "POST /verifications/schedules/{schedule_id}/delete",
        "Delete schedule",
        delete_schedule,
        "delete_verification_schedule",
    ),
    page("GET /verifications/{verification_id}", "Verification", show, "get_verification"),
)
