"""Tenants, who own everything, and the actors that change things in their name."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, NewType

from cordboard.domain.errors import InvalidName, InvalidReference, MissingPermission

if TYPE_CHECKING:
    from cordboard.domain.operators import OperatorId

TenantId = NewType("TenantId", str)

MAX_NAME = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who asks: written into the audit log with each change."""

    #: `key:<id>`, `operator:<id>`, `admin` or `clockwork`.
    name: str
    #: The tenant whose objects the actor may touch.
    tenant: TenantId | None = None
    #: The operator whose customers' objects the actor may touch.
    operator: "OperatorId | None" = None
    #: What a key is restricted to; None: nothing.
    permissions: tuple[str, ...] | None = None

    def require(self, permission: str) -> None:
        """Raise MissingPermission unless the actor carries `permission`."""
        if self.permissions is not None and permission not in self.permissions:
            raise MissingPermission(permission)

    @property
    def administrator(self) -> bool:
        """Whether everything is open to it: it is nobody's in particular."""
        return self.tenant is None and self.operator is None


ADMIN = Actor(name="admin")
CLOCKWORK = Actor(name="clockwork")


class Language(StrEnum):
    """In which a customer is spoken to."""

    ENGLISH = "EN"
    RUSSIAN = "RU"
    LITHUANIAN = "LT"
    LATVIAN = "LV"


class Termination(StrEnum):
    """Whose trunks a customer's outbound calls take, in the words of the operator's own system."""

    OPERATOR = "operator"
    OPERATOR_CUSTOMER = "operator_customer"
    SYSTEM = "system"
    SYSTEM_CUSTOMER = "system_customer"
    CUSTOMER = "customer"


@dataclass(frozen=True, kw_only=True, slots=True)
class Tenant:
    """Owner of numbers, trunks, agents and keys: a project, customer or organisation of the vendors' APIs."""

    id: TenantId
    name: str
    #: The id that an operator's own system uses for this customer, if any; unique among the operator's.
    reference: str | None
    created_at: datetime
    #: Whose customer it is; None is nobody's but the administrator's.
    operator: "OperatorId | None" = None
    language: Language = Language.ENGLISH
    #: Calls at once; None is no limit of its own.
    capacity_limit: int | None = None
    #: Accounts that may be created; None is no limit. Lowered below what there are, it hurts none of these.
    account_limit: int | None = None
    termination: Termination = Termination.OPERATOR
    #: How many there are.
    accounts: int = 0


def check_reference(text: str) -> str:
    """The id of a customer in its operator's own system: 1 to 64 characters that a URL's path can hold as they are.

    Raises InvalidReference.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.~-]{1,64}", text) or text in (".", ".."):
        raise InvalidReference("a customer's id has 1 to 64 letters, digits and _ . ~ -")
    return text


def check_name(text: str) -> str:
    """A name that people read: 1 to 255 characters, trimmed, no control characters. Raises InvalidName."""
    name = text.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidName(f"a name has 1 to {MAX_NAME} printable characters")
    return name
