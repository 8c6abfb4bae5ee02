"""Nebrija's words: requests to commands, trunks and numbers to what its pages show."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel
from pydantic.alias_generators import to_camel

from cordboard.dialects.fields import Nickname, host, if_sent, printable
from cordboard.dialects.nebrija.advanced import Advanced, AdvancedShown, TransportGiven, advanced, transport
from cordboard.dialects.nebrija.authentication import Authentication, authentication
from cordboard.domain.addresses import Transport
from cordboard.domain.agents import AgentId
from cordboard.domain.numbers import NumberType, number_type
from cordboard.domain.tenants import MAX_NAME, check_name
from cordboard.domain.trunks import MAX_GATEWAYS, Gateway, Trunk, TrunkId
from cordboard.storage.numbers import ShownNumber
from cordboard.usecases.numbers import Connection
from cordboard.usecases.ports import UNCHANGED, NotGiven
from cordboard.usecases.trunks import Patch

#: Of a gateway that names no port, and of one that is spoken to by TLS and whose port DNS has to say.
PORT, TLS_PORT = 5060, 5061


class _Body(BaseModel):
    """What is not known is ignored, as the vendor's own server most plausibly does."""

    model_config = ConfigDict(alias_generator=to_camel)


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(check_name)]
Share = Annotated[int, Field(strict=True, ge=0, le=65535)]


class GatewayGiven(_Body):
    """Where a trunk sends calls; without priorities the order of the list is that of use."""

    ip_or_domain: Annotated[str, AfterValidator(host)] = Field(description="Host or IP address, no scheme and no port")
    port: Annotated[int, Field(strict=True, ge=1, le=65535)] | None = Field(
        default=PORT, description="null is what DNS says (SRV records)"
    )
    name: Annotated[str, Field(max_length=MAX_NAME), AfterValidator(printable)] | None = None
    transport: TransportGiven | None = Field(default=None, description="null and auto are that of `advanced`")
    priority: Share | None = Field(default=None, description="The lowest first; all gateways have one, or none has")
    weight: Share | None = Field(default=None, description="Share of the calls among those of one priority")

    def gateway(self) -> Gateway:
        return Gateway(
            host=self.ip_or_domain,
            port=self.port,
            transport=transport(self.transport),
            name=self.name or None,
            priority=self.priority,
            weight=self.weight,
        )


Gateways = Annotated[list[GatewayGiven], Field(min_length=1, max_length=MAX_GATEWAYS)]


class NewSipTrunk(_Body):
    """Body of POST: a trunk to create."""

    name: Name
    gateways: Gateways
    authentication: Authentication | None = None
    advanced: Advanced | None = None

    def rest(self) -> Patch:
        """All but the name."""
        gateways = tuple(given.gateway() for given in self.gateways)
        return _patch(self.authentication or Authentication(), self.advanced or Advanced(), gateways=gateways)


class SipTrunkUpdate(_Body):
    """Body of PATCH: what is absent stays as it is."""

    name: Name = if_sent()
    gateways: Gateways = if_sent(description="All of them: the list takes the place of the one before")
    authentication: Authentication | None = if_sent(description="null clears both")
    advanced: Advanced = if_sent(description="Only the keys that are sent change; a null one is as by default")

    def patch(self, before: Trunk) -> Patch:
        """The change; a gateway that comes back as `before` was shown stays as it is stored."""
        sent, given = self.model_fields_set, dict[str, Any]()
        if "name" in sent:
            given["name"] = self.name
        if "gateways" in sent:
            kept = {_key(_gateway(gateway, before)): gateway for gateway in before.gateways}
            made = [each.gateway() for each in self.gateways]
            given["gateways"] = tuple(kept.get(_key(_gateway(gateway, before)), gateway) for gateway in made)
        clear = Authentication(username=None, password=None)
        authentication = (self.authentication or clear) if "authentication" in sent else Authentication()
        return _patch(authentication, self.advanced if "advanced" in sent else Advanced(), **given)


def _patch(authentication: Authentication, advanced: Advanced, **given: Any) -> Patch:
    options, named = advanced.options()
    return Patch(**given, **authentication.fields(), **advanced.fields(), options=options, named=named)


class PhoneNumberInbound(_Body):
    """Who answers a number."""

    assistant_id: UUID | None = if_sent(description="null: nobody")


class PhoneNumberUpdate(_Body):
    """Body of PATCH: what is absent stays as it is, null clears."""

    label: Nickname | None = if_sent()
    sip_trunk_id: UUID | None = if_sent(description="One of your trunks, or a system trunk")
    inbound: PhoneNumberInbound | None = if_sent(description="null takes the assistant away")

    def connection(self) -> Connection:
        sent = self.model_fields_set
        return Connection(
            nickname=self.label if "label" in sent else UNCHANGED,
            trunk=_trunk(self.sip_trunk_id) if "sip_trunk_id" in sent else UNCHANGED,
            inbound_agent=self._assistant() if "inbound" in sent else UNCHANGED,
        )

    def _assistant(self) -> AgentId | NotGiven | None:
        if self.inbound is None:
            return None
        if "assistant_id" not in self.inbound.model_fields_set:
            return UNCHANGED
        return None if self.inbound.assistant_id is None else AgentId(str(self.inbound.assistant_id))


def _trunk(id: UUID | None) -> TrunkId | None:
    return None if id is None else TrunkId(str(id))


class ListQuery(BaseModel):
    """Query of a list: the newest ones."""

    limit: int = Field(default=50, ge=1, le=1000)


class IdPath(BaseModel):
    """Path of one object."""

    id: UUID


class GatewayShown(_Body):
    """A gateway; but for its place, only what was sent."""

    ip_or_domain: str
    port: int
    name: str = if_sent()
    transport: Transport = if_sent()
    priority: int = if_sent()
    weight: int = if_sent()


class SipTrunk(_Body):
    """A trunk as every operation shows it."""

    id: UUID
    name: str
    gateways: list[GatewayShown]
    authentication: Authentication = Field(description="The password is ******** where one is stored")
    advanced: AdvancedShown = Field(description="Advanced settings: what is not as by default")
    is_system: bool = Field(description="Whether it is the system's, and cannot be changed or deleted")
    provider_id: str | None = Field(description="Its id at LiveKit, if it is there")
    created_at: datetime
    updated_at: datetime


class SipTrunks(RootModel[list[SipTrunk]]):
    """A list without an envelope, the newest first."""


class PhoneNumber(_Body):
    """A number as every operation shows it."""

    id: UUID
    number: str
    label: str | None
    type: NumberType
    sip_trunk_id: UUID | None
    assistant_id: UUID | None
    is_platform_number: bool
    created_at: datetime
    updated_at: datetime


class PhoneNumbers(RootModel[list[PhoneNumber]]):
    """A list without an envelope, the newest first."""


def sip_trunk(shown: Trunk) -> dict[str, Any]:
    """A trunk in its wire form."""
    return {
        "id": shown.id,
        "name": shown.name,
        "gateways": [_gateway(gateway, shown) for gateway in shown.gateways],
        "authentication": authentication(shown.username, stored=shown.password is not None),
        "advanced": advanced(shown),
        "isSystem": shown.system,
        "providerId": shown.provider_id,
        "createdAt": shown.created_at,
        "updatedAt": shown.updated_at,
    }


def _gateway(gateway: Gateway, trunk: Trunk) -> dict[str, Any]:
    by_tls = (gateway.transport or trunk.options.transport) is Transport.TLS
    found = {
        "ipOrDomain": gateway.host,
        "port": gateway.port or (TLS_PORT if by_tls else PORT),
        "name": gateway.name,
        "transport": gateway.transport,
        "priority": gateway.priority,
        "weight": gateway.weight,
    }
    return {name: value for name, value in found.items() if value is not None}


def _key(shown: dict[str, Any]) -> frozenset[tuple[str, Any]]:
    return frozenset(shown.items())


def phone_number(shown: ShownNumber) -> dict[str, Any]:
    """A number in its wire form, from the store's view of it."""
    return {
        "id": shown.id,
        "number": shown.number,
        "label": shown.nickname,
        "type": number_type(shown.number),
        "sipTrunkId": shown.trunk_id,
        "assistantId": shown.inbound_agent_id,
        "isPlatformNumber": shown.provider == "netelip",
        "createdAt": shown.created_at,
        "updatedAt": shown.updated_at,
    }
