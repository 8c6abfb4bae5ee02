"""Every secret that the store holds sealed, whatever it is of: for counting them, and for sealing them anew."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

from cordboard.domain.trunks import SealedSecret, TrunkId, inbound_row
from cordboard.storage.idempotency import answer_row
from cordboard.storage.transaction import Row, Transaction

Table = Literal["account", "agent_version", "idempotency", "trunk", "webhook"]


def _by_id(row: Row) -> str:
    return str(row["id"])


def _by_trunk_inbound(row: Row) -> str:
    return inbound_row(TrunkId(row["id"]))


def _by_request(row: Row) -> str:
    return answer_row(row["actor"], row["name"])


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A column of sealed secrets."""

    #: For people.
    name: str
    table: Table
    column: str
    #: The table's key, by which it is walked.
    key: tuple[str, ...] = ("id",)
    #: What the secrets of a row are sealed for.
    bound_to: Callable[[Row], str] = _by_id


KINDS: Final = (
    Kind(name="password of a trunk", table="trunk", column="password"),
    Kind(name="inbound password of a trunk", table="trunk", column="inbound_password", bound_to=_by_trunk_inbound),
    Kind(name="password of an account", table="account", column="password"),
    Kind(name="password that an agent calls with", table="agent_version", column="from_password"),
    Kind(name="password for an agent's platform", table="agent_version", column="to_password"),
    Kind(name="secret of a webhook", table="webhook", column="secret"),
    Kind(name="former secrets of a webhook", table="webhook", column="previous_secret"),
    Kind(
        name="kept answer to a request",
        table="idempotency",
        column="body",
        key=("actor", "name"),
        bound_to=_by_request,
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """What one row holds of a kind."""

    kind: Kind
    place: tuple[str, ...]
    row: str
    #: As it is stored; several stand with spaces between them.
    text: str = field(repr=False)

    @property
    def secrets(self) -> tuple[SealedSecret, ...]:
        return tuple(SealedSecret(text=text) for text in self.text.split())


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Some rows of a table, in the order of its key."""

    holdings: list[Holding]
    #: Where the next piece begins; None if this was the last.
    next: tuple[str, ...] | None


def beginning(kind: Kind) -> tuple[str, ...]:
    """Before every row."""
    return ("",) * len(kind.key)


async def piece(tx: Transaction, kind: Kind, after: tuple[str, ...], limit: int) -> Piece:
    """At most `limit` rows, looked at by the table's key; those without a secret are not in it."""
    key, places = ", ".join(kind.key), ", ".join(f"${n}" for n in range(1, len(kind.key) + 1))
    rows = await tx.all(
        f"select {key}, {kind.column} as sealed from {kind.table} where ({key}) > ({places}) "
        f"order by {key} limit ${len(kind.key) + 1}",
        *after,
        limit,
    )
    holdings = [
        Holding(kind=kind, place=_place(kind, row), row=kind.bound_to(row), text=row["sealed"])
        for row in rows
        if row["sealed"] is not None
    ]
    return Piece(holdings=holdings, next=_place(kind, rows[-1]) if len(rows) == limit else None)


async def replace(tx: Transaction, holding: Holding, text: str) -> bool:
    """Whether it was still what the holding says: what has been written meanwhile is left as it is."""
    kind = holding.kind
    where = " and ".join(f"{name} = ${n}" for n, name in enumerate(kind.key, 3))
    row = await tx.one(
        f"update {kind.table} set {kind.column} = $1 where {kind.column} = $2 and {where} returning 1 as done",
        text,
        holding.text,
        *holding.place,
    )
    return row is not None


def _place(kind: Kind, row: Row) -> tuple[str, ...]:
    return tuple(row[name] for name in kind.key)
