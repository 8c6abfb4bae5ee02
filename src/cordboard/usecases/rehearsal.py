"""A use case that is run to see whether it would be done, and taken back."""

from typing import Any, TypeVar

from cordboard.domain.tenants import TenantId
from cordboard.storage.transaction import Query, Transaction
from cordboard.usecases.ports import Store

T = TypeVar("T")


class _TakenBack(Exception):
    """So that the store rolls back; it carries what the use case returned."""

    def __init__(self, result: Any) -> None:
        self.result = result


async def rehearse(store: Store, tenant: TenantId | None, usecase: Query[T]) -> T:
    """What the use case would return; nothing is changed, also at LiveKit. Raises what it raises."""

    async def taken_back(tx: Transaction) -> T:
        raise _TakenBack(await usecase(tx))

    try:
        return await store.write(tenant, taken_back)
    except _TakenBack as done:
        result: T = done.result
        return result
