"""What use cases are handed from outside."""

import secrets
import time
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Final, Literal, Protocol, TypeVar

from cordboard.domain.addresses import HostPolicy
from cordboard.domain.agents import new_password
from cordboard.domain.call_details import Audio
from cordboard.domain.calls import Call
from cordboard.domain.edge import Ban, Binding, GatewayRegistration, HopHealth, Load
from cordboard.domain.errors import Invalid
from cordboard.domain.imports import MAX_ROWS
from cordboard.domain.lookups import Login
from cordboard.domain.provisioning import Planned
from cordboard.domain.routing import Decision, Direction, Invite
from cordboard.domain.tenants import TenantId
from cordboard.domain.trail import Trail
from cordboard.domain.trunks import SealedSecret, TrunkId
from cordboard.storage.changes import Kind
from cordboard.storage.transaction import Query, Transaction

T = TypeVar("T")
Clock = Callable[[], datetime]
NewId = Callable[[], str]
NewPassword = Callable[[], str]


class Unchanged(Enum):
    """The value of a field that a partial update did not mention; None means that it was cleared."""

    UNCHANGED = "unchanged"

    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED: Final = Unchanged.UNCHANGED
NotGiven = Literal[Unchanged.UNCHANGED]


def given(value: T | NotGiven, otherwise: T) -> T:
    """The value if a partial update mentioned it, else what there was."""
    return otherwise if value is UNCHANGED else value


class Store(Protocol):
    """Either store: reads at once, writes by use case."""

    async def read(self, query: Query[T]) -> T: ...

    async def write(self, tenant: TenantId | None, usecase: Query[T]) -> T:
        """Run `usecase` in one transaction and return after COMMIT; it may be run more than once.

        `tenant` is the one whose writes it must not interleave with.
        """
        ...


async def in_bites(store: Store, bite: Query[bool]) -> None:
    """Run a use case, each time in a transaction of its own, for as long as it says that there is more."""
    while await store.write(None, bite):
        pass


class EdgeState(Protocol):
    """What the edge of this machine knows that no store does. Each raises EdgeUnavailable."""

    async def hops(self, trunk: TrunkId) -> list[HopHealth]:
        """The trunk's gateways in order, each record of a name apart."""
        ...

    async def hops_of(self, trunks: Sequence[TrunkId]) -> dict[TrunkId, list[HopHealth]]:
        """The same of many at once; a trunk without gateways is not in it."""
        ...

    async def registrations(self, trunk: TrunkId) -> list[GatewayRegistration]:
        """How we are registered with each of the trunk's gateways, in order."""
        ...

    async def bans(self) -> list[Ban]: ...

    async def banned(self, address: str) -> Ban | None: ...

    def relays_media(self) -> bool:
        """Whether the media relay answers. Raises nothing."""
        ...

    async def load(self, direction: Direction, trunk: TrunkId, tenant: str, own_limit: int | None) -> Load:
        """What counts against the next call; `own_limit` is the trunk's own, of calls at once."""
        ...

    async def ban(self, address: str, now: datetime) -> None:
        """Hear no more of a source for as long as bans last."""
        ...

    async def unban(self, address: str) -> bool:
        """Hear it again. False: it was not banned."""
        ...


class Deciding(Protocol):
    """The edge's decision about a call that may come."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is not looked at here, in sentences."""
        ...

    async def decide(self, invite: Invite, tenant: TenantId | None, trail: Trail) -> Decision:
        """As the edge decides now; with a `tenant` as if there were that one alone."""
        ...

    async def whose(self, login: str) -> Login:
        """Whose a digest username is."""
        ...


class Registrations(Protocol):
    """The edge's registrar. Each raises EdgeUnavailable."""

    async def registrations(self, usernames: Sequence[str]) -> Mapping[str, tuple[Binding, ...]]:
        """The unexpired bindings of those that are online, the newest first; one batch of look-ups."""
        ...

    async def unregister(self, username: str, *, allowed: str | None) -> None:
        """Take away the bindings that did not come from the networks `allowed`; None: all of them."""
        ...


class LiveCalls(Protocol):
    """The calls that stand at the edge of this machine."""

    async def audio(self, call: Call) -> Audio | None:
        """What both sides have sent so far; None if nobody here can say."""
        ...

    async def end(self, call: Call) -> None:
        """Hang up on both sides. Raises CallNotStanding and EdgeUnavailable."""
        ...


class KeptRecordings(Protocol):
    """The sound of recorded calls, on this machine. Blocks, as files do."""

    def has(self, call: str) -> bool: ...

    def open(self, call: str) -> tuple[int, Iterator[bytes]] | None:
        """Length and bytes of a WAV; None if nothing is kept of the call."""
        ...


class Sealer(Protocol):
    """Encrypts a SIP password for the row that will hold it, and opens it for that row again."""

    def seal(self, plain: str, row: str) -> SealedSecret: ...
    def unseal(self, secret: SealedSecret, row: str) -> str: ...
    def seal_anew(self, plain: str, row: str, before: SealedSecret | None) -> SealedSecret: ...


#: What an object must be at a provider: compared, and handed to the provider again; None is that there is none.
Wanted = object


@dataclass(frozen=True, slots=True)
class CannotBe:
    """What a provider is wanted to hold, and has no words for."""

    error: Invalid

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CannotBe) and str(other.error) == str(self.error)

    def __hash__(self) -> int:
        return hash(str(self.error))


class Provider(Protocol):
    """A service that holds objects of its own for ours, each under a key that never changes: `number:+34911234567`."""

    async def keys(self, tx: Transaction, touched: Collection[tuple[Kind, str]]) -> list[str]:
        """Which of its objects a change of these objects of ours, by kind and id, may be about."""
        ...

    async def wanted(self, tx: Transaction, keys: Collection[str]) -> dict[str, Wanted]:
        """What these must be by the store, or that they CannotBe; a key that must have nothing is left out."""
        ...

    async def put(self, key: str, wanted: Wanted | None, *, before: Wanted | None = None, search: bool = False) -> str:
        """Make it so; the provider's id, '' of nothing.

        `before` is what the store says that it is now. `search` does not trust that: something may have been left.
        Raises ProviderFailed; it may then be half done.
        """
        ...

    async def record(self, tx: Transaction, key: str, id: str, now: datetime) -> None:
        """Write the provider's id to where the store keeps it, if it does."""
        ...


class Reconciliation(Protocol):
    """Compares a provider with the store. Each raises ProviderFailed."""

    async def plan(self) -> Planned: ...

    async def apply(self, *, mass_deletion: bool) -> Planned:
        """What was planned, with what of it failed. Raises TooMuchWouldGo unless a mass deletion is meant."""
        ...


def utc_now() -> datetime:
    return datetime.now(UTC)


def new_uuid() -> str:
    return str(uuid.uuid4())


def new_ordered_uuid() -> str:
    """A UUID of version 7 (RFC 9562 section 5.7): those made one after another stand side by side in an index, and
    many of them together touch few of its pages."""
    time_, random = f"{time.time_ns() // 1_000_000:012x}", secrets.token_hex(10)
    variant = "89ab"[int(random[3], 16) & 3]
    return f"{time_[:8]}-{time_[8:]}-7{random[:3]}-{variant}{random[4:7]}-{random[7:19]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """The world as a front end sees it: a store, a clock, and the rules of this installation."""

    store: Store
    sealer: Sealer
    hosts: HostPolicy
    clock: Clock = field(default=utc_now)
    new_id: NewId = field(default=new_uuid)
    new_password: NewPassword = field(default=new_password)
    #: Rows of an import that are taken in one transaction at most.
    import_rows: int = MAX_ROWS
