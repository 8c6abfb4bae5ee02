"""Usernames and passwords, and the mask that stands for a stored password in both directions."""

from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, model_validator

from cordboard.dialects.fields import Credential, if_sent
from cordboard.domain.agents import check_username

#: Exactly this is the stored password, whatever it is; any other row of asterisks is a password itself.
MASK: Final = "********"


class Authentication(BaseModel):
    """A username and a password: what is absent stays as it is, null or an empty text clears."""

    username: Credential | None = if_sent()
    password: Credential | None = if_sent(
        repr=False, description="******** (eight) keeps the stored one, and stores none where there is none"
    )

    def fields(self) -> dict[str, Any]:
        """What was sent, for a change; None clears."""
        sent = {name: getattr(self, name) or None for name in self.model_fields_set}
        return {name: value for name, value in sent.items() if (name, value) != ("password", MASK)}


class InboundAuthentication(Authentication):
    """As `authentication`, but both or none: to clear one is to clear both."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="after")
    def _both(self) -> Self:
        if self.username and "password" in self.model_fields_set and not self.password:
            raise ValueError("a username needs a password")
        if self.username:
            check_username(self.username)
        return self

    def fields(self) -> dict[str, Any]:
        sent = super().fields()
        return sent if sent.get("password", MASK) else {"username": None}


def authentication(username: str | None, *, stored: bool) -> dict[str, Any]:
    """As it is shown; `stored` tells whether there is a password."""
    found = {"username": username} if username else {}
    return found | ({"password": MASK} if stored else {})
