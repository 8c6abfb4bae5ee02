"""The native API's words for agents and their versions."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, RootModel, ValidationInfo, model_validator

from cordboard.dialects.fields import Networks, if_sent
from cordboard.dialects.native.preview import DryRun, Preview
from cordboard.dialects.native.wire import (
    Body,
    Codec,
    CredentialGiven,
    Header,
    Name,
    Username,
    checked_codecs,
    checked_headers,
)
from cordboard.domain.addresses import check_sip_uri as check_uri
from cordboard.domain.agents import Agent, AgentVersion, VersionId, check_sources
from cordboard.domain.times import to_wire
from cordboard.domain.trunks import MediaPolicy
from cordboard.usecases.agents import Credentials, NewVersion
from cordboard.usecases.ports import UNCHANGED, NewId, NewPassword


def _sip_uri(value: str, info: ValidationInfo) -> str:
    return check_uri(value, info.context)  # type: ignore[arg-type]  # parse_body hands the host policy in


def _sources(values: list[str]) -> list[str]:
    return list(check_sources(values))


SipUri = Annotated[str, AfterValidator(_sip_uri)]


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


class AgentUpdate(Body):
    """Changes to an agent."""

    name: Name = if_sent()


class AgentDeletion(DryRun):
    """How an agent is deleted."""

    detach: bool = Field(default=False, description="Take it away from its numbers; without it an agent in use stays")


class Publish(Body):
    """The version to publish; null un-publishes."""

    version_id: UUID | None


class AgentPath(BaseModel):
    """Path of one agent."""

    agent_id: UUID


class VersionPath(AgentPath):
    """Path of one version of an agent."""

    version_id: UUID


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


class Agents(BaseModel):
    """A tenant's agents, oldest first; `next` is the `after` of the following page, or null at the end."""

    data: list[AgentShown]
    next: UUID | None


class Versions(BaseModel):
    """An agent's versions, oldest first; `next` is the `after` of the following page, or null at the end."""

    data: list[VersionShown]
    next: UUID | None


class AgentOrPreview(RootModel[AgentShown | Preview]):
    """The agent; with `dry_run` what the change would touch."""


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
