"""Who may touch what: the administrator everything, an operator what is its customers', a tenant's key its tenant's."""

from functools import partial
from uuid import UUID

from cordboard.domain.errors import Invalid, UnknownTenant
from cordboard.domain.tenants import Actor, TenantId
from cordboard.storage import tenants
from cordboard.usecases.ports import Store


class Access:
    """What is another's is answered as what is not there."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def require(self, who: Actor, tenant: str | None, missing: Exception) -> None:
        """Raise `missing` unless what belongs to `tenant` is open to `who`; nobody's is the administrator's alone."""
        if not who.administrator and not (tenant and await self._reaches(who, tenant)):
            raise missing

    async def tenant(self, who: Actor, asked: UUID | str | None) -> TenantId | None:
        """Whose objects are meant: a key's tenant if it names none; None is everybody's, for the administrator alone.

        Raises UnknownTenant, and Invalid for an operator that names none.
        """
        tenant = None if asked is None else TenantId(str(asked))
        if tenant is None and who.operator is not None:
            raise Invalid("an operator must say whose: tenant_id")
        if tenant is None:
            return who.tenant
        if who.administrator:
            await self._store.read(partial(tenants.get, id=tenant))
        else:
            await self.require(who, tenant, UnknownTenant(tenant))
        return tenant

    async def of(self, who: Actor, asked: UUID | str | None) -> TenantId:
        """As `tenant`, where one must be meant. Raises UnknownTenant, and Invalid if none is."""
        tenant = await self.tenant(who, asked)
        if tenant is None:
            raise Invalid("say whose: tenant_id")
        return tenant

    async def _reaches(self, who: Actor, tenant: str) -> bool:
        if who.tenant is not None:
            return who.tenant == tenant
        try:
            owner = await self._store.read(partial(tenants.get, id=TenantId(tenant)))
        except UnknownTenant:
            return False
        return owner.operator == who.operator
