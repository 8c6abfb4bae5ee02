"""The native API's words: what the administration sends and is shown."""

import json
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator
from starlette.requests import Request

from cordboard.dialects.fields import Credential, Networks, if_sent
from cordboard.dialects.http import parse_path
from cordboard.domain.addresses import check_sip_uri as check_uri
from cordboard.domain.agents import (
    Agent,
    AgentVersion,
    VersionId,
    check_sources,
    check_username,
)
from cordboard.domain.headers import check_headers
from cordboard.domain.keys import ApiKey, check_permissions
from cordboard.domain.media import CODECS, check_codecs
from cordboard.domain.numbers import NumberId, Status, parse_number
from cordboard.domain.tenants import Language, Tenant, TenantId, Termination, check_name
from cordboard.domain.times import to_wire
from cordboard.domain.trunks import MediaPolicy, TrunkId
from cordboard.storage.numbers import ShownNumber
from cordboard.usecases import customers
from cordboard.usecases.agents import Credentials, NewVersion
from cordboard.usecases.numbers import NewPlatformNumber
from cordboard.usecases.ports import UNCHANGED, NewId, NewPassword


def _sip_uri(value: str, info: ValidationInfo) -> str:
    return check_uri(value, info.context)  # type: ignore[arg-type]  # parse_body hands the host policy in


def text(value: str) -> str:
    """Text that a store can look for."""
    if "\0" in value:
        raise ValueError("nothing is called by the character U+0000")
    return value


def _permissions(values: list[str]) -> list[str]:
    return list(check_permissions(values))


Name = Annotated[str, AfterValidator(check_name)]
Limit = Annotated[int, Field(ge=0, le=2**31 - 1)]
SipUri = Annotated[str, AfterValidator(_sip_uri)]
Username = Annotated[str, AfterValidator(check_username)]
CredentialGiven = Annotated[Credential, Field(min_length=1)]
Codec = Annotated[str, Field(json_schema_extra={"enum": list(CODECS)})]


class Body(BaseModel):
    """A request body; a field that is not known is refused by name."""

    model_config = ConfigDict(extra="forbid")


class NewKey(Body):
    """An API key to create; no permissions (null) is unrestricted."""

    name: Name | None = None
    permissions: Annotated[list[str], AfterValidator(_permissions)] | None = None


class Header(Body):
    """A header field."""

    name: str
    value: str


def checked_headers(values: list[Header]) -> list[Header]:
    check_headers([(header.name, header.value) for header in values])
    return values


def checked_codecs(values: list[str]) -> list[str]:
    return list(check_codecs(values))


def _sources(values: list[str]) -> list[str]:
    return list(check_sources(values))


class NewAgentVersion(Body):
    """A version of an agent.

    What it is known by when it places calls, `from_addresses` and `username`, is that of the version before if absent.
    """

    sip_uri: SipUri = Field(description="Where calls go; `{number}` in its user part stands for the called number")
    version_name: Name | None = None
    from_addresses: Annotated[Networks, AfterValidator(_sources)] = Field(
        default_factory=list, description="Addresses and CIDR ranges from which the agent places calls; [] drops them"
    )
    username: Username | None = Field(
        default=None,
        description="Digest username with which it places calls; its password is made, and shown in the answer alone. "
        "null drops both",
    )
    encryption: MediaPolicy = Field(default=MediaPolicy.DISABLE, description="Whether the agent's leg is SRTP")
    auth_username: CredentialGiven | None = Field(default=None, description="Answers a 401 or 407 of its platform")
    auth_password: CredentialGiven | None = Field(default=None, repr=False)
    headers: Annotated[list[Header], AfterValidator(checked_headers)] = Field(
        default_factory=list, description="Header fields of the INVITE to the agent"
    )
    codecs: Annotated[list[Codec], AfterValidator(checked_codecs)] = Field(
        default_factory=list,
        description="What it is offered of what the caller has, in this order; all of it for [], or if none of these "
        "is among it",
    )
    tls_verify: bool = Field(default=True, description="Whether its certificate and name are checked")
    is_draft: bool = False

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.auth_username is None) != (self.auth_password is None):
            raise ValueError("auth_username and auth_password go together")
        return self

    def version(self, new_id: NewId, new_password: NewPassword) -> NewVersion:
        sent = self.model_fields_set
        return NewVersion(
            id=VersionId(new_id()),
            sip_uri=self.sip_uri,
            name=self.version_name,
            from_addresses=tuple(self.from_addresses) if "from_addresses" in sent else UNCHANGED,
            from_credentials=_credentials(self.username, new_password()) if "username" in sent else UNCHANGED,
            draft=self.is_draft,
            encryption=self.encryption,
            to_credentials=_credentials(self.auth_username, self.auth_password),
            tls_verify=self.tls_verify,
            headers=tuple((header.name, header.value) for header in self.headers),
            codecs=tuple(self.codecs),
        )


def _credentials(username: str | None, password: str | None) -> Credentials | None:
    if username is None or password is None:
        return None
    return Credentials(username=username, password=password)


class NewAgent(NewAgentVersion):
    """An agent with its first version, which is published unless it is a draft."""

    name: Name


class Publish(Body):
    """The version to publish; null un-publishes."""

    version_id: UUID | None


class _TenantFields(Body):
    """What may be said of a tenant: absent is unchanged, null clears."""

    language: Language = if_sent()
    capacity_limit: Limit | None = if_sent(description="Calls at once; null is no limit")
    account_limit: Limit | None = if_sent(description="SIP accounts that may be created; null is no limit")
    termination_mode: Termination = if_sent()

    def change(self) -> customers.Change:
        """Only what was sent."""
        values = {name: getattr(self, name) for name in self.model_fields_set & _TENANT_FIELDS}
        if "termination_mode" in values:
            values["termination"] = values.pop("termination_mode")
        return customers.Change(**values)


_TENANT_FIELDS = {"name", "language", "capacity_limit", "account_limit", "termination_mode"}


class NewTenant(_TenantFields):
    """A tenant to create; an operator's customer gets a reference if it has none."""

    name: Name
    reference: Name | None = None
    operator_id: UUID | None = None


class TenantUpdate(_TenantFields):
    """Changes to a tenant."""

    name: Name = if_sent()


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


class TenantPath(BaseModel):
    """Path of one tenant."""

    tenant_id: UUID


def tenant_id(request: Request) -> TenantId:
    """Of a request to a path under one tenant's."""
    return TenantId(str(parse_path(request, TenantPath).tenant_id))


class KeyPath(BaseModel):
    """Path of one key."""

    key_id: UUID


class AgentPath(BaseModel):
    """Path of one agent."""

    agent_id: UUID


class TenantQuery(BaseModel):
    """All tenants by id, or the one that a name, reference or id stands for."""

    ref: Annotated[str, AfterValidator(text)] | None = None
    operator_id: UUID | None = Field(default=None, description="With `ref`: one of this operator's customers")
    after: UUID | None = None
    limit: int = Field(default=100, ge=1, le=1000)


class ListQuery(BaseModel):
    """How many to show."""

    limit: int = Field(default=100, ge=1, le=1000)


class NumberQuery(BaseModel):
    """The numbers of one tenant."""

    tenant_id: UUID
    after: UUID | None = None
    limit: int = Field(default=100, ge=1, le=1000)
    order: Literal["asc", "desc"] = "desc"
    page: None = None
    before_id: None = None

    @property
    def after_id(self) -> NumberId | None:
        return None if self.after is None else NumberId(str(self.after))


class TenantShown(BaseModel):
    """A tenant."""

    id: UUID
    name: str
    reference: str | None
    operator_id: UUID | None
    language: Language
    capacity_limit: int | None
    account_limit: int | None
    termination_mode: Termination
    accounts: int
    created_at: datetime


class KeyShown(BaseModel):
    """An API key; `key` is there once, in the answer to its creation."""

    id: UUID
    tenant_id: UUID
    name: str | None
    permissions: list[str] | None
    last_four_digits: str
    created_at: datetime
    key: str | None = None


class VersionShown(BaseModel):
    """A version of an agent."""

    version_id: UUID
    agent_id: UUID
    tenant_id: UUID
    version_number: int
    version_name: str | None
    sip_uri: str
    from_addresses: list[str]
    username: str | None
    encryption: MediaPolicy
    auth_username: str | None
    headers: list[Header]
    codecs: list[str]
    tls_verify: bool
    is_draft: bool
    version_created_at: datetime


class VersionMade(VersionShown):
    """A version just made; `password` goes with a username that was given, and is shown this once."""

    password: str | None


class AgentShown(BaseModel):
    """An agent."""

    agent_id: UUID
    tenant_id: UUID
    name: str
    published_version_id: UUID | None
    created_at: datetime


class AgentMade(AgentShown):
    """An agent just made, with its first version; `password` goes with its username, and is shown this once."""

    version_id: UUID
    username: str | None
    password: str | None


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


class Tenants(BaseModel):
    """Some tenants."""

    data: list[TenantShown]


class Keys(BaseModel):
    """A tenant's keys."""

    data: list[KeyShown]


class Agents(BaseModel):
    """A tenant's agents."""

    data: list[AgentShown]


class Versions(BaseModel):
    """An agent's versions, oldest first."""

    data: list[VersionShown]


class Numbers(BaseModel):
    """Some numbers; `next` is the `after` of the following page, or null at the end."""

    data: list[NumberShown]
    next: UUID | None


def tenant(shown: Tenant) -> dict[str, Any]:
    return {
        "id": shown.id,
        "name": shown.name,
        "reference": shown.reference,
        "operator_id": shown.operator,
        "language": shown.language,
        "capacity_limit": shown.capacity_limit,
        "account_limit": shown.account_limit,
        "termination_mode": shown.termination,
        "accounts": shown.accounts,
        "created_at": to_wire(shown.created_at),
    }


def key(shown: ApiKey, secret: str | None = None) -> dict[str, Any]:
    """`secret` is the key itself, in the answer to its creation alone."""
    made = {
        "id": shown.id,
        "tenant_id": shown.tenant,
        "name": shown.name,
        "permissions": shown.permissions,
        "last_four_digits": shown.last_four,
        "created_at": to_wire(shown.created_at),
    }
    return made if secret is None else {**made, "key": secret}


def agent(shown: Agent) -> dict[str, Any]:
    return {
        "agent_id": shown.id,
        "tenant_id": shown.tenant,
        "name": shown.name,
        "published_version_id": shown.published,
        "created_at": to_wire(shown.created_at),
    }


def agent_made(shown: Agent, first: AgentVersion, made_of: NewVersion) -> dict[str, Any]:
    return {
        **agent(shown),
        "version_id": first.id,
        "username": first.from_credentials and first.from_credentials.username,
        "password": _password(made_of),
    }


def version_made(shown: AgentVersion, made_of: NewVersion) -> dict[str, Any]:
    return {**version(shown), "password": _password(made_of)}


def _password(made_of: NewVersion) -> str | None:
    """The one that was made for a username; one that a version took over is not shown again."""
    given = made_of.from_credentials
    return None if given is None or given is UNCHANGED else given.password


def version(shown: AgentVersion) -> dict[str, Any]:
    return {
        "version_id": shown.id,
        "agent_id": shown.agent,
        "tenant_id": shown.tenant,
        "version_number": shown.number,
        "version_name": shown.name,
        "sip_uri": shown.sip_uri,
        "from_addresses": shown.from_addresses,
        "username": shown.from_credentials and shown.from_credentials.username,
        "encryption": shown.encryption,
        "auth_username": shown.to_credentials and shown.to_credentials.username,
        "headers": [{"name": name, "value": value} for name, value in shown.headers],
        "codecs": shown.codecs,
        "tls_verify": shown.tls_verify,
        "is_draft": shown.draft,
        "version_created_at": to_wire(shown.created_at),
    }


def number(shown: ShownNumber) -> dict[str, Any]:
    """A number in its wire form, from the store's view of it."""
    columns = [name for name in NumberShown.model_fields if name != "region_codes"]
    return {**{name: getattr(shown, name) for name in columns}, "region_codes": json.loads(shown.region_codes)}
