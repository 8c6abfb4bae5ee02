"""Pages of INVITEs that were turned down before they were calls."""

from typing import Final, get_args

from starlette.responses import Response

from cordboard.console.forms import Field
from cordboard.console.pages import Visit, page
from cordboard.console.parts import BETWEEN, filtered
from cordboard.console.rendering import words
from cordboard.domain.reasons import Reason

REASONS: Final = sorted((words(reason).capitalize(), reason) for reason in get_args(Reason) if reason != "accepted")
FILTERS: Final = (
    Field(
        name="reason",
        label="Reason",
        kind="select",
        options=(("", "All"), *((reason, said) for said, reason in REASONS)),
    ),
    Field(name="called", label="Called number", help="As it was dialled"),
    Field(name="source", label="Came from", help="An address: 192.0.2.7"),
    Field(name="call_id", label="SIP Call-ID"),
    *BETWEEN,
)


async def show_list(visit: Visit) -> Response:
    form, found = await filtered(visit, "list_refusals", FILTERS)
    return await visit.show("refusals/list.html", form=form, page=found)


PAGES: Final = (page("GET /refusals", "Refusals", show_list, "list_refusals"),)
