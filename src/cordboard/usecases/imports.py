"""Imports of many numbers: begun, fed with rows a piece at a time, finished; what was begun goes on where it was.

A piece is one transaction, and the import's position is stored in it: a piece is in the store as a whole, once, or
not at all, whatever is killed meanwhile.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from cordboard.domain.errors import ImportFinished, OutOfPlace, UnknownImport
from cordboard.domain.imports import KEPT, Choices, ImportId, NumberImport, Row, Told
from cordboard.domain.tenants import Actor, TenantId
from cordboard.storage import imports, tenants
from cordboard.storage.transaction import Transaction
from cordboard.usecases.import_rows import take
from cordboard.usecases.import_updates import Piece
from cordboard.usecases.ports import Context

#: Old imports that are looked up at once.
BATCH = 5
#: Rows of a report that are deleted in one transaction: no other write waits for a whole one.
BITE = 5000


@dataclass(frozen=True, kw_only=True, slots=True)
class Rows:
    """Rows from a position on, each well formed or told why it is not."""

    position: int
    rows: Sequence[Row | Told]
    #: Whether the import is finished with them.
    last: bool = False


class _Rehearsed(Exception):
    """A dry run is rolled back; this is what would have become of the rows."""

    def __init__(self, told: list[Told]) -> None:
        self.told = told


async def begin(
    tx: Transaction, now: datetime, *, id: ImportId, tenant: TenantId, choices: Choices
) -> tuple[NumberImport, bool]:
    """The import, and whether it is new: one of the same source with the same choices goes on. Raises UnknownTenant."""
    await tenants.get(tx, tenant)
    found = await imports.open_one(tx, tenant, choices)
    if found is not None:
        return found, False
    made = NumberImport(id=id, tenant=tenant, choices=choices, created_at=now)
    await imports.add(tx, made)
    return made, True


async def feed(context: Context, who: Actor, tenant: TenantId, id: ImportId, given: Rows) -> NumberImport:
    """Take in rows; the import as it then is.

    Raises UnknownImport, ImportFinished, OutOfPlace; what is wrong with a row fails that row alone.
    """
    now = context.clock()
    piece = Piece(who=who, tenant=tenant, sealer=context.sealer, at=now)
    try:
        return await context.store.write(tenant, partial(_feed, id=id, given=given, piece=piece))
    except _Rehearsed as rehearsed:
        store = partial(_advance, id=id, given=given, told=rehearsed.told, tenant=tenant, now=now)
        return await context.store.write(tenant, store)


async def _feed(tx: Transaction, id: ImportId, given: Rows, piece: Piece) -> NumberImport:
    before = await _expected(tx, piece.tenant, id, given)
    told = await take(tx, before, given.rows, piece)
    if before.choices.dry_run:
        raise _Rehearsed(told)
    after = before.after(told, last=given.last, now=piece.at)
    await imports.advance(tx, before, after, told)
    return after


async def _advance(
    tx: Transaction, id: ImportId, given: Rows, told: list[Told], tenant: TenantId, now: datetime
) -> NumberImport:
    before = await _expected(tx, tenant, id, given)
    after = before.after(told, last=given.last, now=now)
    await imports.advance(tx, before, after, told)
    return after


async def _expected(tx: Transaction, tenant: TenantId, id: ImportId, given: Rows) -> NumberImport:
    found = await imports.get(tx, tenant, id)
    if found.finished_at is not None:
        raise ImportFinished(id)
    if given.position != found.position:
        raise OutOfPlace(found.position)
    return found


async def remove(context: Context, tenant: TenantId | None, id: ImportId) -> None:
    """Forget the import and its report, bite by bite and the import last; its numbers stay. Raises UnknownImport."""
    rows = (await context.store.read(partial(imports.get, tenant=tenant, id=id))).position
    for below in range(BITE, rows, BITE):
        await context.store.write(tenant, partial(imports.remove_rows, id=id, below=below))
    await context.store.write(tenant, partial(imports.remove, id=id))


async def forget_old(context: Context) -> None:
    """Reports are kept for as long as KEPT, and no import is resumed after that."""
    before = context.clock() - KEPT
    while ids := await context.store.read(partial(imports.old, before=before, limit=BATCH)):
        for id in ids:
            with suppress(UnknownImport):  # its tenant may have forgotten it meanwhile
                await remove(context, None, id)
