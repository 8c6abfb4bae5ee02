"""What became of registrations: of accounts at the edge, and of the edge at carriers."""

from typing import Final

from starlette.responses import Response

from cordboard.console.forms import Field
from cordboard.console.pages import Visit, page
from cordboard.console.parts import BETWEEN, filtered
from cordboard.domain.registrations import WHATS

#: How each looks.
TONES: Final = {"registered": "good", "moved": "good", "refused": "bad", "failed": "bad", "expired": "warn"}
FILTERS: Final = (
    Field(
        name="what",
        label="What happened",
        kind="select",
        options=(("", "All"), *((what, what.capitalize()) for what in WHATS)),
    ),
    Field(name="username", label="Username"),
    Field(name="account_id", label="Account's id"),
    Field(name="trunk_id", label="Trunk's id"),
    *BETWEEN,
)


async def show_list(visit: Visit) -> Response:
    form, found = await filtered(visit, "list_registrations", FILTERS)
    return await visit.show("registrations/list.html", form=form, page=found, tones=TONES)


PAGES: Final = (page("GET /registrations", "Registrations", show_list, "list_registrations"),)
