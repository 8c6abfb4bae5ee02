"""Who changed what, from what to what."""

from typing import Final

from starlette.responses import Response

from cordboard.console.forms import Field
from cordboard.console.pages import Visit, page
from cordboard.console.parts import BETWEEN, filtered

KINDS: Final = ("tenant", "operator", "key", "agent", "version", "trunk", "number", "account", "webhook")
#: Kinds that have pages of their own.
PAGED: Final = ("tenant", "agent", "trunk", "number", "account")
FILTERS: Final = (
    Field(
        name="kind",
        label="What",
        kind="select",
        options=(("", "Everything"), *((kind, f"{kind}s".capitalize()) for kind in KINDS)),
    ),
    Field(name="actor", label="Who", help="admin, clockwork, operator:ID or key:ID"),
    Field(name="object_id", label="Object's id"),
    *BETWEEN,
)


async def show_list(visit: Visit) -> Response:
    form, found = await filtered(visit, "list_audit", FILTERS)
    return await visit.show("audit/list.html", form=form, page=found, paged=PAGED)


PAGES: Final = (page("GET /audit", "Audit", show_list, "list_audit"),)
