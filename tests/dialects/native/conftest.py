"""The administrator's client, and a tenant of the test's own."""

from collections.abc import AsyncIterator

import pytest

from cordboard.domain.tenants import TenantId
from tests.builders import ADMIN_TOKEN, World, create_tenant, unknown_id
from tests.dialects.native.admin import Admin


@pytest.fixture
async def admin(shared_world: World) -> AsyncIterator[Admin]:
    async with shared_world.client(ADMIN_TOKEN) as http:
        yield Admin(world=shared_world, http=http)


@pytest.fixture
async def tenant(shared_world: World) -> TenantId:
    return await create_tenant(shared_world, f"Tenant {unknown_id()}")
