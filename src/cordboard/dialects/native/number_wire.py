"""The native API's words for numbers."""

import re
from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, Literal, Self, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, RootModel, model_validator
from pydantic_core import from_json

from cordboard.dialects.fields import Networks, Nickname, Termination, if_sent
from cordboard.dialects.native.preview import Preview
from cordboard.dialects.native.wire import Body, CredentialGiven
from cordboard.domain.agents import AgentId, VersionId
from cordboard.domain.numbers import NumberId, Status, parse_number
from cordboard.domain.tenants import TenantId
from cordboard.domain.trunks import MediaPolicy, TrunkId
from cordboard.storage.numbers import Filter, ShownNumber
from cordboard.usecases.numbers import Connection, Import, NewPlatformNumber, NumberPatch
from cordboard.usecases.ports import UNCHANGED, NewId

T = TypeVar("T")


class NewNumber(Body):
    """A platform-owned number for the inventory, or for a tenant at once."""

    number: Annotated[str, AfterValidator(parse_number)]
    tenant_id: UUID | None = None
    status: Literal[Status.RESERVED, Status.ASSIGNED] = Status.RESERVED
    allowed_addresses: Networks | None = None
    region_codes: list[Annotated[str, Field(pattern="^[A-Z0-9]{1,3}$")]] = Field(default_factory=list)

    @model_validator(mode="after")
    def _owned(self) -> Self:
        if self.status is Status.ASSIGNED and self.tenant_id is None:
            raise ValueError("an assigned number needs a tenant")
        return self

    def command(self, new_id: NewId) -> NewPlatformNumber:
        return NewPlatformNumber(
            id=NumberId(new_id()),
            trunk_id=TrunkId(new_id()),
            number=self.number,
            tenant=None if self.tenant_id is None else TenantId(str(self.tenant_id)),
            status=self.status,
            allowed=None if self.allowed_addresses is None else tuple(self.allowed_addresses),
            region_codes=tuple(self.region_codes),
        )


class Assign(Body):
    """Who gets a number: a tenant one that is reserved, an account of its tenant one that is assigned."""

    number: Annotated[str, AfterValidator(parse_number)]
    tenant_id: UUID | None = None
    account_id: UUID | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.tenant_id is None) == (self.account_id is None):
            raise ValueError("say who gets it: tenant_id or account_id, one of them")
        return self


class NumberPath(BaseModel):
    """Path of one number."""

    number_id: UUID


class OwnNumber(Body):
    """A tenant's own number, on a trunk that stands already, or on one that it brings along."""

    number: Annotated[str, AfterValidator(parse_number)]
    nickname: Nickname | None = None
    trunk_id: UUID | None = Field(default=None, description="null: a trunk of its own, as the fields below say")
    inbound_agent_id: UUID | None = None
    outbound_agent_id: UUID | None = None
    allowed_addresses: Networks | None = Field(default=None, description="null or [] lets everybody in")
    media_in: MediaPolicy = MediaPolicy.ALLOW
    media_out: MediaPolicy = MediaPolicy.ALLOW
    termination_uri: Termination | None = Field(default=None, description="null: inbound alone")
    username: CredentialGiven | None = None
    password: CredentialGiven | None = Field(default=None, repr=False)

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        own = self.model_fields_set & _OWN
        if self.trunk_id is not None and own:
            raise ValueError(f"leave out trunk_id, or {', '.join(sorted(own))}")
        if self.termination_uri is None and not (self.username is None and self.password is None):
            raise ValueError("credentials are for a carrier: send termination_uri too")
        return self

    def command(self, new_id: NewId) -> tuple[Import, Connection]:
        new = Import(
            id=NumberId(new_id()),
            trunk_id=TrunkId(new_id()),
            number=self.number,
            nickname=self.nickname,
            allowed=None if self.allowed_addresses is None else tuple(self.allowed_addresses),
            media_in=self.media_in,
            media_out=self.media_out,
            gateway=self.termination_uri,
            username=self.username,
            password=self.password,
        )
        return new, Connection(
            trunk=UNCHANGED if self.trunk_id is None else TrunkId(str(self.trunk_id)),
            inbound_agent=UNCHANGED if self.inbound_agent_id is None else AgentId(str(self.inbound_agent_id)),
            outbound_agent=UNCHANGED if self.outbound_agent_id is None else AgentId(str(self.outbound_agent_id)),
        )


_OWN = {"allowed_addresses", "media_in", "media_out", "termination_uri", "username", "password"}


class NumberUpdate(Body):
    """Changes to a number: absent is unchanged, null clears. A direction's agent or its version, not both."""

    nickname: Nickname | None = if_sent()
    trunk_id: UUID | None = if_sent(description="Of an imported number")
    inbound_agent_id: UUID | None = if_sent(description="Its published version takes calls, or else its newest")
    outbound_agent_id: UUID | None = if_sent()
    inbound_version_id: UUID | None = if_sent(description="It is published on all numbers of its agent")
    outbound_version_id: UUID | None = if_sent()

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        for direction in ("inbound", "outbound"):
            if {f"{direction}_agent_id", f"{direction}_version_id"} <= self.model_fields_set:
                raise ValueError(f"send {direction}_agent_id or {direction}_version_id")
        return self

    def connection(self) -> Connection:
        sent = self.model_fields_set
        return Connection(
            nickname=self.nickname if "nickname" in sent else UNCHANGED,
            trunk=_id(self.trunk_id, TrunkId) if "trunk_id" in sent else UNCHANGED,
            inbound_agent=_id(self.inbound_agent_id, AgentId) if "inbound_agent_id" in sent else UNCHANGED,
            outbound_agent=_id(self.outbound_agent_id, AgentId) if "outbound_agent_id" in sent else UNCHANGED,
        )

    def patch(self) -> NumberPatch:
        sent = self.model_fields_set
        return NumberPatch(
            inbound_version=_id(self.inbound_version_id, VersionId) if "inbound_version_id" in sent else UNCHANGED,
            outbound_version=_id(self.outbound_version_id, VersionId) if "outbound_version_id" in sent else UNCHANGED,
        )


def _id(given: UUID | None, kind: Callable[[str], T]) -> T | None:
    return None if given is None else kind(str(given))


def _prefix(value: str) -> str:
    if not re.fullmatch(r"\+[0-9]{1,15}|[A-Za-z0-9._~-]{1,64}", value):
        raise ValueError("write + and digits, or the beginning of a SIP address")
    return value


class NumberQuery(BaseModel):
    """The numbers of one tenant, a key's own if it names none; or the one `number`."""

    tenant_id: UUID | None = None
    number: Annotated[str, AfterValidator(parse_number)] | None = None
    prefix: Annotated[str, AfterValidator(_prefix)] | None = Field(
        default=None, description="How the numbers begin; they are then in their own order, whatever `order` says"
    )
    status: Status | None = None
    trunk_id: UUID | None = None
    inbound_agent_id: UUID | None = None
    outbound_agent_id: UUID | None = None
    after: UUID | None = None
    limit: int = Field(default=100, ge=1, le=1000)
    order: Literal["asc", "desc"] = "desc"
    page: None = None
    before_id: None = None

    @property
    def after_id(self) -> NumberId | None:
        return None if self.after is None else NumberId(str(self.after))

    def where(self, tenant: TenantId) -> Filter:
        return Filter(
            tenant=tenant,
            status=self.status,
            trunk=_id(self.trunk_id, str),
            inbound_agent=_id(self.inbound_agent_id, str),
            outbound_agent=_id(self.outbound_agent_id, str),
        )


class NumberShown(BaseModel):
    """A number and what it is connected to."""

    id: UUID
    tenant_id: UUID | None
    number: str
    provider: str
    status: Status
    nickname: str | None
    trunk_id: UUID | None
    inbound_agent_id: UUID | None
    outbound_agent_id: UUID | None
    account_id: UUID | None
    region_codes: list[str]
    assigned_at: datetime | None
    released_at: datetime | None
    scheduled_release_at: datetime | None
    reservation_expires_at: datetime | None
    created_at: datetime


class NumberOrPreview(RootModel[NumberShown | Preview]):
    """The number; with `dry_run` what the change would touch."""


class Numbers(BaseModel):
    """Some numbers; `next` is the `after` of the following page, or null at the end."""

    data: list[NumberShown]
    next: UUID | None
    names: dict[UUID, str] = Field(description="What their trunks, agents and accounts are called, by id")


_COLUMNS = tuple(name for name in NumberShown.model_fields if name != "region_codes")
_values = attrgetter(*_COLUMNS)


def number(shown: ShownNumber) -> dict[str, Any]:
    """A number in its wire form, from the store's view of it."""
    return dict(zip(_COLUMNS, _values(shown), strict=True), region_codes=from_json(shown.region_codes))
