"""Lists in pages: by cursor, or by number."""

from dataclasses import dataclass
from typing import Protocol

from cordboard.domain.numbers import NumberId
from cordboard.storage import numbers
from cordboard.storage.numbers import Filter, Order, ShownNumber
from cordboard.storage.transaction import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Rows in list order; `more` tells whether there are others in the direction of reading."""

    rows: list[ShownNumber]
    more: bool
    #: Of a page asked for by number.
    number: int | None = None
    pages: int | None = None


class Asked(Protocol):
    """Which page is wanted: by at most one of the three."""

    @property
    def order(self) -> Order: ...
    @property
    def limit(self) -> int: ...
    @property
    def after_id(self) -> NumberId | None: ...
    @property
    def before_id(self) -> NumberId | None: ...
    @property
    def page(self) -> int | None: ...


async def page_by_number(tx: Transaction, where: Filter, asked: Asked, prefix: str) -> Page:
    """Numbers that begin so, in their own order. Raises UnknownCursor."""
    rows = await numbers.beginning_with(tx, where, prefix, asked.after_id, asked.limit + 1)
    return Page(rows=rows[: asked.limit], more=len(rows) > asked.limit)


async def page_of_numbers(tx: Transaction, where: Filter, asked: Asked) -> Page:
    """The page of a tenant's numbers, in order of creation and then of id. Raises UnknownCursor."""
    if asked.page is not None:
        return await _numbered(tx, where, asked, asked.page)
    backwards = asked.before_id is not None
    rows = await numbers.after_cursor(
        tx, where, asked.order, asked.limit + 1, asked.before_id or asked.after_id, backwards=backwards
    )
    more = len(rows) > asked.limit
    rows = rows[: asked.limit]
    return Page(rows=rows[::-1] if backwards else rows, more=more)


async def _numbered(tx: Transaction, where: Filter, asked: Asked, number: int) -> Page:
    total = await numbers.count(tx, where)
    pages = -(-total // asked.limit)
    rows = await numbers.page(tx, where, asked.order, asked.limit, number, total)
    return Page(rows=rows, more=number < pages, number=number, pages=pages)
