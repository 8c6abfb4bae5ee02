"""Tenants, who own everything, and the actors that change things in their name."""

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from cordboard.domain.errors import InvalidName

TenantId = NewType("TenantId", str)

MAX_NAME = 255


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who asks: written into the audit log with each change."""

    #: `key:<id>`, `admin` or `clockwork`.
    name: str
    #: The tenant whose objects the actor may touch; None is the administrator.
    tenant: TenantId | None = None


ADMIN = Actor(name="admin")
CLOCKWORK = Actor(name="clockwork")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tenant:
    """Owner of numbers, trunks, agents and keys: a project, customer or organisation of the vendors' APIs."""

    id: TenantId
    name: str
    #: The id that an operator's own system uses for this customer, if any.
    reference: str | None
    created_at: datetime


def check_name(text: str) -> str:
    """A name that people read: 1 to 255 characters, trimmed, no control characters. Raises InvalidName."""
    name = text.strip()
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InvalidName(f"a name has 1 to {MAX_NAME} printable characters")
    return name
