"""The native API's catalogue: what carriers and AI platforms ask of SIP. It is the same for every caller."""

from dataclasses import asdict
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_path, reply
from cordboard.dialects.native.operation import NativeOperation, read
from cordboard.domain.catalogue import Entry
from cordboard.domain.tenants import Actor
from cordboard.usecases import catalogue


class EntryPath(BaseModel):
    """Path of one entry."""

    entry_id: str


class EntryListed(BaseModel):
    """An entry of the catalogue; `checked` is the day on which it was compared with its sources."""

    id: str
    kind: Literal["carrier", "platform"]
    name: str
    checked: date


class EntriesShown(BaseModel):
    """All of them."""

    data: list[EntryListed]


class ParameterShown(BaseModel):
    """What an entry has to be told; `pattern` is a regular expression that the whole value matches."""

    name: str
    means: str
    example: str
    pattern: str
    default: str | None


class NetworkShown(BaseModel):
    """Addresses that the other side publishes."""

    use: str
    where: str
    ranges: list[str]


class RetiredShown(BaseModel):
    """A host at which the other side was, and is no more."""

    host: str
    since: date
    instead: str


class EntryShown(EntryListed):
    """An entry: what it has to be told, what is set here and there, and what goes wrong."""

    sources: list[str]
    parameters: list[ParameterShown]
    sets: dict[str, Any] = Field(
        description="What `POST /trunks` (a carrier's) or `POST /tenants/{tenant_id}/agents` (a platform's) takes, but "
        "for the name; `{parameter}` in its texts stands for the value"
    )
    authentication: list[str]
    numbers: list[str]
    there: list[str] = Field(description="What to set at the other side")
    networks: list[NetworkShown]
    retired: list[RetiredShown]
    caveats: list[str]


async def page(request: Request, who: Actor) -> Response:
    return reply({"data": [_listed(each) for each in catalogue.entries().values()]})


async def get(request: Request, who: Actor) -> Response:
    found = catalogue.entry(parse_path(request, EntryPath).entry_id)
    retired = [{**asdict(each), "since": each.since.isoformat()} for each in found.retired]
    return reply({**asdict(found), **_listed(found), "retired": retired})


def _listed(entry: Entry) -> dict[str, object]:
    return {"id": entry.id, "kind": entry.kind, "name": entry.name, "checked": entry.checked.isoformat()}


def operations() -> list[NativeOperation]:
    """Every operation on the catalogue."""
    return [
        read(
            "GET /catalogue",
            "list_catalogue",
            "List the carriers and AI platforms that are known",
            page,
            EntriesShown,
            unrestricted=True,
        ),
        read(
            "GET /catalogue/{entry_id}",
            "get_catalogue_entry",
            "Get what a carrier or an AI platform asks of SIP",
            get,
            EntryShown,
            path_model=EntryPath,
            unrestricted=True,
        ),
    ]
