"""What the native API's nouns have in common on the wire."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.requests import Request

from cordboard.dialects.fields import Credential
from cordboard.dialects.http import parse_path
from cordboard.domain.agents import check_username
from cordboard.domain.headers import check_headers
from cordboard.domain.media import CODECS, check_codecs
from cordboard.domain.tenants import TenantId, check_name

T = TypeVar("T")


def text(value: str) -> str:
    """Text that a store can look for."""
    if "\0" in value:
        raise ValueError("nothing is called by the character U+0000")
    return value


Name = Annotated[str, AfterValidator(check_name)]
Username = Annotated[str, AfterValidator(check_username)]
CredentialGiven = Annotated[Credential, Field(min_length=1)]
Codec = Annotated[str, Field(json_schema_extra={"enum": list(CODECS)})]


class Body(BaseModel):
    """A request body; a field that is not known is refused by name."""

    model_config = ConfigDict(extra="forbid")


class Header(Body):
    """A header field."""

    name: str
    value: str


def checked_headers(values: list[Header]) -> list[Header]:
    check_headers([(header.name, header.value) for header in values])
    return values


def checked_codecs(values: list[str]) -> list[str]:
    return list(check_codecs(values))


class TenantPath(BaseModel):
    """Path of one tenant."""

    tenant_id: UUID


def tenant_id(request: Request) -> TenantId:
    """Of a request to a path under one tenant's."""
    return TenantId(str(parse_path(request, TenantPath).tenant_id))


class ListQuery(BaseModel):
    """How many to show, and from where on."""

    after: UUID | None = Field(default=None, description="The `next` of the page before")
    limit: int = Field(default=100, ge=1, le=1000)


def page_of(found: Sequence[T], limit: int, shown: Callable[[T], dict[str, Any]], id: str) -> dict[str, Any]:
    """A page of what was found, one more of which than is shown; `id` is the field by which the list goes on."""
    data = [shown(each) for each in found[:limit]]
    return {"data": data, "next": data[-1][id] if len(found) > limit else None}
