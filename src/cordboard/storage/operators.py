"""Operators in the store."""

from datetime import datetime

from cordboard.domain.errors import OperatorTaken, UnknownOperator
from cordboard.domain.operators import Operator, OperatorId
from cordboard.domain.tenants import Actor
from cordboard.domain.times import from_wire, to_wire
from cordboard.storage import changes
from cordboard.storage.transaction import Row, Transaction, UniqueViolation

_COLUMNS = "select id, name, password, created_at from operator"
_INSERT = "insert into operator (id, name, password, created_at) values ($1, $2, $3, $4)"
_BY_NAME = f"{_COLUMNS} where name = $1"
_BY_REF = f"{_COLUMNS} where id = $1 or name = $1"
_PAGE = f"{_COLUMNS} where name > $1 order by name limit $2"
_SAVE = "update operator set password = $2 where id = $1"
_DELETE = "delete from operator where id = $1"
_COUNTERS = "select customers, accounts from operator where id = $1"
_COUNT = "update operator set customers = customers + $2, accounts = accounts + $3 where id = $1"
_NEXT_REFERENCE = "update operator set last_reference = last_reference + 1 where id = $1 returning last_reference"


def _operator(row: Row) -> Operator:
    return Operator(
        id=OperatorId(row["id"]),
        name=row["name"],
        password=row["password"],
        created_at=from_wire(row["created_at"]),
    )


async def add(tx: Transaction, who: Actor, operator: Operator, now: datetime) -> None:
    """Raises OperatorTaken."""
    try:
        await tx.run(_INSERT, operator.id, operator.name, operator.password, to_wire(operator.created_at))
    except UniqueViolation as error:
        raise OperatorTaken(operator.name) from error
    fields = {"name": [None, operator.name]}
    await changes.record(tx, who, now, "operator", operator.id, "create", tenant=None, fields=fields)


async def by_name(tx: Transaction, name: str) -> Operator | None:
    row = await tx.one(_BY_NAME, name)
    return None if row is None else _operator(row)


async def find(tx: Transaction, ref: str) -> Operator:
    """The operator of that id or name. Raises UnknownOperator."""
    row = await tx.one(_BY_REF, ref)
    if row is None:
        raise UnknownOperator(ref)
    return _operator(row)


async def page(tx: Transaction, after: str, limit: int) -> list[Operator]:
    """Operators by name, those after `after` (empty: from the first)."""
    return [_operator(row) for row in await tx.all(_PAGE, after, limit)]


async def set_password(tx: Transaction, who: Actor, operator: Operator, password: str, now: datetime) -> None:
    await tx.run(_SAVE, operator.id, password)
    fields = {"password": ["set"]}
    await changes.record(tx, who, now, "operator", operator.id, "update", tenant=None, fields=fields)


async def remove(tx: Transaction, who: Actor, operator: Operator, now: datetime) -> None:
    await tx.run(_DELETE, operator.id)
    fields = {"name": [operator.name, None]}
    await changes.record(tx, who, now, "operator", operator.id, "delete", tenant=None, fields=fields)


async def counted(tx: Transaction, id: OperatorId) -> tuple[int, int]:
    """How many customers and accounts it has. Raises UnknownOperator."""
    row = await tx.one(_COUNTERS, id)
    if row is None:
        raise UnknownOperator(id)
    return int(row["customers"]), int(row["accounts"])


async def count(tx: Transaction, id: OperatorId, *, customers: int = 0, accounts: int = 0) -> None:
    """Keep the counters of what lists without a filter show."""
    await tx.run(_COUNT, id, customers, accounts)


async def next_reference(tx: Transaction, id: OperatorId) -> str:
    """1, 2, 3…, none twice. Raises UnknownOperator."""
    row = await tx.one(_NEXT_REFERENCE, id)
    if row is None:
        raise UnknownOperator(id)
    return str(row["last_reference"])
