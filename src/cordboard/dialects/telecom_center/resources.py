"""What there is to ask for: the types, their attributes in the documented order, and what lists of them can do."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a filter's values are."""

    TEXT = "text"
    INTEGER = "integer"
    BOOLEAN = "boolean"


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One type of the API; its name is also its path."""

    type: str
    attributes: tuple[str, ...]
    #: The type that each relationship leads to.
    relationships: Mapping[str, str]
    filters: Mapping[str, Kind]
    #: Stored attributes, and `id`.
    sorts: tuple[str, ...]

    @property
    def fields(self) -> frozenset[str]:
        """What `fields[type]` may name."""
        return frozenset(("id", *self.attributes, *self.relationships))


SIP_ACCOUNTS = Resource(
    type="sip_device_routes",
    attributes=(
        "username",
        "password",
        "incoming_internal",
        "incoming_external",
        "outgoing_internal",
        "outgoing_external",
        "on_demand",
        "caller_id_name",
        "internal_caller_id",
        "external_caller_id",
        "allow_external_calls",
        "is_online",
        "user_agent",
        "use_allowed_ips",
        "allowed_ips",
    ),
    relationships={"customer": "customers"},
    filters={
        "id": Kind.TEXT,
        "customer.id": Kind.TEXT,
        "username": Kind.TEXT,
        "caller_id_name": Kind.TEXT,
        "allow_external_calls": Kind.BOOLEAN,
        "internal_caller_id": Kind.INTEGER,
        "external_caller_id": Kind.INTEGER,
    },
    sorts=(
        "id",
        "username",
        "incoming_internal",
        "incoming_external",
        "outgoing_internal",
        "outgoing_external",
        "on_demand",
        "caller_id_name",
        "internal_caller_id",
        "external_caller_id",
        "allow_external_calls",
        "use_allowed_ips",
        "allowed_ips",
    ),
)

CUSTOMERS = Resource(
    type="customers",
    attributes=("name", "language", "trm_mode", "capacity_limit", "sip_account_limit"),
    relationships={},
    filters={"id": Kind.TEXT, "name": Kind.TEXT},
    sorts=("id", "name", "language", "trm_mode", "capacity_limit", "sip_account_limit"),
)

BY_TYPE = {resource.type: resource for resource in (SIP_ACCOUNTS, CUSTOMERS)}
