"""LiveKit's SIP objects as we want them, and what is found there in the same words.

Each of ours bears a mark in its `metadata`: which installation made it, and for what. Whatever bears another mark, or
none, is somebody else's. Fields of which nothing is said here belong to whoever sets them in LiveKit, and stay.
"""

import json
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

from livekit.protocol import agent_dispatch, sip

from cordboard.domain.trunks import MediaPolicy

#: LiveKit's words for SRTP. The older field `media_encryption` is never written: it is ignored once this one is set.
ENCRYPTION: Final = {
    MediaPolicy.DISABLE: sip.SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE,
    MediaPolicy.ALLOW: sip.SIPMediaEncryption.SIP_MEDIA_ENCRYPT_ALLOW,
    MediaPolicy.REQUIRE: sip.SIPMediaEncryption.SIP_MEDIA_ENCRYPT_REQUIRE,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """Whose an object is, and what it stands for."""

    installation: str
    key: str

    @property
    def text(self) -> str:
        return json.dumps({"cordboard": self.installation, "key": self.key}, separators=(",", ":"))


def mark_of(metadata: str) -> Mark | None:
    """None: somebody else's."""
    try:
        values = json.loads(metadata)
        return Mark(installation=str(values["cordboard"]), key=str(values["key"]))
    except (ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Inbound:
    """An inbound trunk."""

    name: str
    numbers: tuple[str, ...] = ()
    #: Addresses and CIDR ranges; empty is everybody.
    addresses: tuple[str, ...] = ()
    #: Numbers that may call; empty is everybody.
    callers: tuple[str, ...] = ()
    username: str = ""
    password: str = field(default="", repr=False)
    encryption: int
    #: Header of the INVITE to attribute of the participant, in order of the header.
    attributes: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, info: sip.SIPInboundTrunkInfo) -> "Inbound":
        return cls(
            name=info.name,
            numbers=tuple(info.numbers),
            addresses=tuple(info.allowed_addresses),
            callers=tuple(info.allowed_numbers),
            username=info.auth_username,
            password=info.auth_password,
            encryption=info.media.encryption,
            attributes=tuple(sorted(info.headers_to_attributes.items())),
        )

    def info(self, mark: Mark, found: sip.SIPInboundTrunkInfo | None = None) -> sip.SIPInboundTrunkInfo:
        """The whole object, as `replace` needs it: what is left out there is wiped, a password included."""
        info = sip.SIPInboundTrunkInfo() if found is None else _copied(found)
        info.name, info.metadata = self.name, mark.text
        info.numbers[:], info.allowed_addresses[:], info.allowed_numbers[:] = self.numbers, self.addresses, self.callers
        info.auth_username, info.auth_password = self.username, self.password
        info.media.encryption = self.encryption
        info.headers_to_attributes.clear()
        info.headers_to_attributes.update(self.attributes)
        return info


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """A dispatch rule: a room for each call, and the agent that is sent into it."""

    name: str
    #: Never empty in LiveKit: a rule of no trunk takes the calls of all, and of none.
    trunks: tuple[str, ...]
    #: Called numbers, compared letter by letter; empty is all of the trunks'.
    numbers: tuple[str, ...] = ()
    prefix: str
    agent: str
    attributes: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, info: sip.SIPDispatchRuleInfo) -> "Rule":
        return cls(
            name=info.name,
            trunks=tuple(info.trunk_ids),
            numbers=tuple(info.numbers),
            prefix=info.rule.dispatch_rule_individual.room_prefix,
            agent=",".join(agent.agent_name for agent in info.room_config.agents),
            attributes=tuple(sorted(info.attributes.items())),
        )

    def on(self, trunk: str) -> "Rule":
        """Of that trunk, whose id is known when it stands in LiveKit."""
        return replace(self, trunks=(trunk,))

    def info(self, mark: Mark, found: sip.SIPDispatchRuleInfo | None = None) -> sip.SIPDispatchRuleInfo:
        assert self.trunks, "a rule without a trunk takes everybody's calls"
        info = sip.SIPDispatchRuleInfo() if found is None else _copied(found)
        info.name, info.metadata = self.name, mark.text
        info.trunk_ids[:], info.numbers[:] = self.trunks, self.numbers
        info.rule.dispatch_rule_individual.room_prefix = self.prefix
        info.room_config.ClearField("agents")
        info.room_config.agents.append(agent_dispatch.RoomAgentDispatch(agent_name=self.agent))
        info.attributes.clear()
        info.attributes.update(self.attributes)
        return info


@dataclass(frozen=True, kw_only=True, slots=True)
class Outbound:
    """An outbound trunk."""

    name: str
    #: `host` or `host:port`.
    address: str
    transport: int
    numbers: tuple[str, ...]
    username: str = ""
    password: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    encryption: int

    @classmethod
    def of(cls, info: sip.SIPOutboundTrunkInfo) -> "Outbound":
        return cls(
            name=info.name,
            address=info.address,
            transport=info.transport,
            numbers=tuple(info.numbers),
            username=info.auth_username,
            password=info.auth_password,
            headers=tuple(sorted(info.headers.items())),
            encryption=info.media.encryption,
        )

    def info(self, mark: Mark, found: sip.SIPOutboundTrunkInfo | None = None) -> sip.SIPOutboundTrunkInfo:
        info = sip.SIPOutboundTrunkInfo() if found is None else _copied(found)
        info.name, info.metadata, info.address = self.name, mark.text, self.address
        info.transport = self.transport
        info.numbers[:] = self.numbers
        info.auth_username, info.auth_password = self.username, self.password
        info.headers.clear()
        info.headers.update(self.headers)
        info.media.encryption = self.encryption
        return info


def differing(before: Any, after: Any) -> tuple[str, ...]:
    """The fields in which two of a kind differ, by name alone: values may be secret."""
    return tuple(each.name for each in fields(after) if getattr(before, each.name) != getattr(after, each.name))


def _copied(found: Any) -> Any:
    """Of what was found, all that we say nothing of; not what the server writes itself, nor what is ignored."""
    info = type(found)()
    info.CopyFrom(found)
    for name in ("sip_trunk_id", "sip_dispatch_rule_id", "created_at", "updated_at", "media_encryption"):
        if name in info.DESCRIPTOR.fields_by_name:
            info.ClearField(name)
    return info
