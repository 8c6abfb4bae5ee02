"""What became of registrations: of accounts at the edge, and of the edge at carriers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NewType

RegistrationId = NewType("RegistrationId", str)

#: What happened. `moved`, `expired` and `refused` are of accounts alone, `failed` of carriers.
What = Literal["registered", "moved", "unregistered", "expired", "refused", "failed"]
WHATS: Final[tuple[What, ...]] = ("registered", "moved", "unregistered", "expired", "refused", "failed")


@dataclass(frozen=True, kw_only=True, slots=True)
class Registration:
    """One change of an account's or a trunk's registration, or a REGISTER that was refused. '' is not known."""

    id: RegistrationId
    at: datetime
    what: What
    #: Whose, of what is there still when it is told.
    tenant: str = ""
    account: str = ""
    trunk: str = ""
    #: Of an account, as it was given: nobody's perhaps.
    username: str = ""
    #: Why it was refused, a word of domain.calls; or what the carrier's registrar has said.
    reason: str = ""
    #: The registrar's answer; None is that there was none.
    code: int | None = None
    #: Where the REGISTER came from, `udp:192.0.2.1:5060`, or the URI of the gateway that ours went to.
    place: str = ""
    #: The telephone's, or the user of the edge's own, the same for all addresses of one gateway.
    contact: str = ""
    user_agent: str = ""
    #: At how many places the account is registered now.
    bindings: int | None = None
