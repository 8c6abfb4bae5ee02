"""What the decision about a call reads in the edge's file: the rows of its SELECTs."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from cordboard.domain.dialled import CandidateKeys
from cordboard.domain.media import Offered
from cordboard.domain.trunk_rules import TrunkRules

T = TypeVar("T", "InboundLookup", "OutboundLookup")


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
    #: Whose the trunk is; '' is the installation's own.
    tenant: str = ""


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """Whose a digest username is; '' is nobody's of that kind."""

    #: The id of an agent.
    agent: str = ""
    #: The tenant of an account.
    tenant: str = ""


class Rows(Protocol):
    """The edge's file as the decision reads it."""

    def inbound(self, keys: CandidateKeys, offered: Offered) -> InboundLookup | None: ...

    def outbound(self, keys: CandidateKeys, offered: Offered) -> OutboundLookup | None: ...

    def account(self, name: str, called: str, offered: Offered) -> AccountLookup | None: ...

    def registered(self, user: str) -> RegisteredLookup | None: ...

    def rules(self, trunk: str) -> TrunkRules | None: ...

    def called(self, keys: CandidateKeys, header: str) -> list[CalledLookup]: ...


@dataclass(frozen=True, slots=True)
class OfTenant:
    """The file as it would be if there were this tenant alone: another's numbers and accounts are not there."""

    rows: Rows
    tenant: str

    def inbound(self, keys: CandidateKeys, offered: Offered) -> InboundLookup | None:
        return self._own(keys, lambda keys: self.rows.inbound(keys, offered))

    def outbound(self, keys: CandidateKeys, offered: Offered) -> OutboundLookup | None:
        return self._own(keys, lambda keys: self.rows.outbound(keys, offered))

    def account(self, name: str, called: str, offered: Offered) -> AccountLookup | None:
        row = self.rows.account(name, called, offered)
        return row if row is not None and row.tenant == self.tenant else None

    def registered(self, user: str) -> RegisteredLookup | None:
        row = self.rows.registered(user)
        return row if row is not None and row.tenant in ("", self.tenant) else None

    def rules(self, trunk: str) -> TrunkRules | None:
        return self.rows.rules(trunk)

    def called(self, keys: CandidateKeys, header: str) -> list[CalledLookup]:
        return [row for row in self.rows.called(keys, header) if self._is_own(row.key)]

    def _own(self, keys: CandidateKeys, look: Callable[[CandidateKeys], T | None]) -> T | None:
        """An address goes before digits: where it is another's, the digits may still be the tenant's own."""
        for each in (keys, replace(keys, address="")):
            row = look(each)
            if row is not None and row.tenant == self.tenant:
                return row
        return None

    def _is_own(self, key: str) -> bool:
        row = self.rows.inbound(CandidateKeys(address="", digits=key), "none")
        return row is not None and row.tenant == self.tenant
