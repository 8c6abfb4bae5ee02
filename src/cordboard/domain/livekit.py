"""How agents that live in LiveKit are called in `edge` mode: by a name of ours, with a password of ours."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

USERNAME: Final = "cordboard"


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveKitSip:
    """Where LiveKit's SIP side is, and what our edges show there."""

    #: `host` or `host:port`, in lower case.
    place: str
    password: str = field(repr=False)

    @classmethod
    def of(cls, place: str, api_secret: str) -> "LiveKitSip":
        """The password follows from the secret, so that every process of an installation has the same."""
        made = hmac.new(api_secret.encode(), b"cordboard: what edges show to LiveKit", hashlib.sha256)
        return cls(place=place.lower(), password=made.hexdigest()[:40])

    @property
    def fingerprint(self) -> str:
        """Another one after a change of either, from which nobody learns the password."""
        return f"{self.place} {hashlib.sha256(self.password.encode()).hexdigest()[:16]}"

    def has(self, sip_uri: str) -> bool:
        """Whether an agent of that address is there."""
        return _place(sip_uri).lower() == self.place

    def address(self, sip_uri: str, agent: str) -> str:
        """The agent's address there, whatever user it names: nobody calls another one's agent by its name."""
        scheme, _, rest = sip_uri.partition(":")
        return f"{scheme}:{dialled(agent)}@{rest.rpartition('@')[2]}"


def dialled(agent: str) -> str:
    """By what LiveKit knows the agent that is called; nothing that it could take for a number."""
    return f"agent-{agent}"


def _place(sip_uri: str) -> str:
    return sip_uri.partition(":")[2].rpartition("@")[2].partition(";")[0]
