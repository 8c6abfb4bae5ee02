"""API keys: bearer tokens of one tenant."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NewType

from cordboard.domain.errors import InvalidPermission
from cordboard.domain.tenants import Actor, TenantId

KeyId = NewType("KeyId", str)

#: Those of numbers are Diga's words; the others follow them.
PERMISSIONS = (
    *("phones.view", "phones.purchase", "phones.import", "phones.update", "phones.delete"),
    *("trunks.view", "trunks.create", "trunks.update", "trunks.delete"),
    *("agents.view", "agents.create", "agents.update", "agents.delete"),
    *("accounts.view", "accounts.create", "accounts.update", "accounts.delete"),
    *("calls.view", "calls.update"),
    *("verifications.view", "verifications.create", "verifications.update", "verifications.delete"),
    "verifications.echo",
    *("webhooks.view", "webhooks.create", "webhooks.update", "webhooks.delete"),
    *("events.view", "audit.view", "tenants.view", "edges.view"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """What is kept of a key: never the key itself."""

    id: KeyId
    tenant: TenantId
    name: str | None
    #: SHA-256 of the key in hex. The key has 256 random bits, so a fast hash is enough.
    digest: str = field(repr=False)
    last_four: str
    #: None is unrestricted.
    permissions: tuple[str, ...] | None
    created_at: datetime

    def require(self, permission: str) -> None:
        """Raise MissingPermission unless the key carries `permission`."""
        self.actor.require(permission)

    @property
    def actor(self) -> Actor:
        return Actor(name=f"key:{self.id}", tenant=self.tenant, permissions=self.permissions)


def new_key() -> str:
    """`sk-` and 64 hex digits: 256 random bits."""
    return "sk-" + secrets.token_hex(32)


def digest(key: str) -> str:
    """SHA-256 of a key, in hex."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def check_permissions(permissions: Iterable[str]) -> tuple[str, ...]:
    """The permissions in their usual order, each once. Raises InvalidPermission."""
    given = set(permissions)
    for permission in sorted(given.difference(PERMISSIONS)):
        raise InvalidPermission(permission, PERMISSIONS)
    return tuple(p for p in PERMISSIONS if p in given)
