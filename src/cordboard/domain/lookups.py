"""What the decision about a call reads in the edge's file: the rows of its SELECTs."""

from dataclasses import dataclass
from typing import Protocol

from cordboard.domain.dialled import CandidateKeys
from cordboard.domain.media import Offered
from cordboard.domain.trunk_rules import TrunkRules


@dataclass(frozen=True, kw_only=True, slots=True)
class InboundLookup:
    """The row that decide.sql finds: number, its trunk, the media rule and the published agent version.

    An outer join's gap is '' (or -1 in `open`, 0 in `code`), as Kamailio has no NULL worth the name.
    """

    number_id: str
    number: str
    tenant: str
    trunk: str
    #: 1: TrunkRules hold what is called by it; -1: the number has no trunk.
    ruled: int
    open: int
    allowed: str
    caller_media: str
    callee_media: str
    code: int
    reason: str
    flags: str
    agent: str
    version: str
    target: str
    #: The account that takes the call; `target` is its username then.
    account: str
    #: `uri>host>verify` of each place to send to, in order, separated by `|`.
    hops: str
    headers: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisteredLookup:
    """The row that decide_registered.sql finds for the user of one of our Contacts."""

    trunk: str
    #: ruri, to or p-called-party-id.
    called_from: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboundLookup:
    """The row that decide_out.sql finds for the number that the caller shows. Gaps as in InboundLookup."""

    number_id: str
    number: str
    tenant: str
    trunk: str
    ruled: int
    agent: str
    version: str
    sources: str
    login: str
    caller_media: str
    callee_media: str
    code: int
    reason: str
    flags: str
    hops: str
    #: Whether the trunk has gateways, resolved or not.
    gateways: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CalledLookup:
    """A row of called.sql: a number that may be meant, and whom its trunk lets in."""

    key: str
    trunk: str
    open: int
    allowed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountLookup:
    """The row that decide_account.sql finds for the account that calls. Gaps as in InboundLookup."""

    account: str
    tenant: str
    restricted: int
    allowed: str
    allow_external: int
    #: Name and extension that another account sees.
    display: str
    extension: str
    #: Username of the account that is called; '' if it is none.
    callee: str
    #: The number that it shows outside, with its trunk.
    number_id: str
    number: str
    trunk: str
    ruled: int
    caller_media: str
    callee_media: str
    code: int
    reason: str
    flags: str
    hops: str
    gateways: int


class Rows(Protocol):
    """The edge's file as the decision reads it."""

    def inbound(self, keys: CandidateKeys, offered: Offered) -> InboundLookup | None: ...

    def outbound(self, keys: CandidateKeys, offered: Offered) -> OutboundLookup | None: ...

    def account(self, name: str, called: str, offered: Offered) -> AccountLookup | None: ...

    def registered(self, user: str) -> RegisteredLookup | None: ...

    def rules(self, trunk: str) -> TrunkRules | None: ...

    def called(self, keys: CandidateKeys, header: str) -> list[CalledLookup]: ...
