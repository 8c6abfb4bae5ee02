"""Operators: logins that see their own customers, who are tenants."""

import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NewType

from cordboard.domain.errors import InvalidUsername
from cordboard.domain.tenants import Actor

OperatorId = NewType("OperatorId", str)

_NAME: Final = re.compile(r"[A-Za-z0-9_.@+-]{1,64}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """A login for HTTP Basic (RFC 7617)."""

    id: OperatorId
    #: Unique; has no colon, since the password begins at the first one.
    name: str
    #: argon2id of the password, in PHC form.
    password: str = field(repr=False)
    created_at: datetime

    @property
    def actor(self) -> Actor:
        return Actor(name=f"operator:{self.id}", operator=self.id)


def check_operator_name(text: str) -> str:
    """1 to 64 letters, digits and _ . @ + -. Raises InvalidUsername."""
    if not _NAME.fullmatch(text):
        raise InvalidUsername("an operator's name has 1 to 64 letters, digits and _ . @ + -")
    return text


def new_operator_password() -> str:
    """32 characters of the URL-safe alphabet: 192 random bits."""
    return secrets.token_urlsafe(24)
