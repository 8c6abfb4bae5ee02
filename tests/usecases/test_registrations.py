"""Registrations as edges tell of them: whose they are, who came and went with them, and how they are read again."""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from cordboard.domain.registrations import Registration, RegistrationId, What
from cordboard.domain.tenants import TenantId
from cordboard.storage import registrations
from cordboard.storage.registrations import RegistrationFilter
from cordboard.storage.transaction import Transaction
from cordboard.usecases.registrations import forget_old, take
from tests.builders import World, create_account, create_tenant, unknown_id

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def told(what: What, at: float = 0, **more: Any) -> Registration:
    return Registration(id=RegistrationId(f"e-{at:g}"), at=START + timedelta(seconds=at), what=what, **more)


async def taken(world: World, *events: Registration) -> list[tuple[str, str, TenantId | None]]:
    """What has happened with these, told one after the other."""

    async def work(tx: Transaction) -> list[tuple[str, str, TenantId | None]]:
        return [(each.type, each.subject, each.tenant) for each in await take(tx, events)]

    return await world.store.write(None, work)


async def read(world: World, limit: int = 100, **where: Any) -> list[Registration]:
    page = await world.store.read(
        partial(registrations.page, where=RegistrationFilter(**where), after=None, limit=limit)
    )
    return [registrations.registration_of(row) for row in page.rows]


async def test_an_account_comes_with_its_first_place_and_goes_with_its_last(world: World) -> None:
    tenant = await create_tenant(world)
    account = await create_account(world, tenant, "alice")
    happened = await taken(
        world,
        told("registered", 1, username="alice", bindings=1, place="udp:127.0.3.1:5060"),
        told("registered", 2, username="alice", bindings=2),
        told("moved", 3, username="alice", bindings=2),
        told("expired", 4, username="alice", bindings=1),
        told("unregistered", 5, username="alice", bindings=0),
        told("refused", 6, username="alice", reason="wrong-password"),
        told("refused", 7, username="nobody", reason="unknown-username"),
    )
    assert happened == [("account.online", account.id, tenant), ("account.offline", account.id, tenant)]
    found = await read(world, account=account.id)
    assert [each.what for each in found] == ["refused", "unregistered", "expired", "moved", "registered", "registered"]
    assert {each.tenant for each in found} == {tenant}
    (nobody,) = await read(world, username="nobody")
    assert (nobody.account, nobody.tenant, nobody.reason) == ("", "", "unknown-username")
    assert await read(world, username="nobody", tenant=tenant) == [], "it is nobody's, hence the administrator's alone"
    assert [each.what for each in await read(world, tenant=tenant, what="moved")] == ["moved"]


async def test_several_places_that_come_or_go_at_once_are_one_change(world: World) -> None:
    account = await create_account(world, await create_tenant(world), "alice")
    alice: dict[str, Any] = {"username": "alice"}
    happened = await taken(
        world,
        # two Contacts of one REGISTER
        told("registered", 1, bindings=2, **alice),
        # one for another
        told("registered", 2, bindings=1, **alice),
        told("registered", 3, bindings=2, **alice),
        told("refused", 4, reason="wrong-password", **alice),
        # what is left is looked at once both have run out
        told("expired", 5, bindings=0, **alice),
        told("expired", 6, bindings=0, **alice),
    )
    assert [(type, subject) for type, subject, _ in happened] == [
        ("account.online", account.id),
        ("account.offline", account.id),
    ]
    again = await taken(world, told("registered", 7, bindings=1, **alice), told("expired", 8, bindings=0, **alice))
    assert [type for type, _, _ in again] == ["account.online", "account.offline"]


async def test_a_gateway_of_several_addresses_is_one(world: World) -> None:
    gateway: dict[str, Any] = {"trunk": unknown_id(), "contact": "r1"}
    happened = await taken(
        world,
        told("registered", 1, code=200, place="sip:192.0.2.1", **gateway),
        told("failed", 2, place="sip:192.0.2.1", **gateway),
        # each failure moves on to the next address
        told("registered", 3, code=200, place="sip:192.0.2.2", **gateway),
        told("failed", 4, place="sip:192.0.2.2", **gateway),
    )
    lost, restored = "trunk.registration.lost", "trunk.registration.restored"
    assert [type for type, _, _ in happened] == [lost, restored, lost]


async def test_a_trunk_is_lost_once_it_was_registered_and_restored_once_it_was_lost(world: World) -> None:
    trunk = unknown_id()
    one: dict[str, Any] = {"trunk": trunk, "contact": "r1", "place": "sip:192.0.2.1"}
    happened = await taken(
        world,
        told("failed", 1, code=403, **one),
        told("registered", 2, code=200, trunk=trunk, contact="r2", place="sip:192.0.2.2"),
        told("failed", 3, code=503, **one),
        told("registered", 4, code=200, **one),
        told("failed", 5, **one),
        told("unregistered", 6, code=200, **one),
        told("registered", 7, code=200, **one),
    )
    types = [type for type, _, _ in happened]
    assert types == ["trunk.registration.restored", "trunk.registration.lost"]
    assert {(subject, owner) for _, subject, owner in happened} == {(trunk, None)}
    # what came in an earlier batch counts as well
    assert await taken(world, told("failed", 8, **one)) == [("trunk.registration.lost", trunk, None)]
    assert [each.code for each in await read(world, trunk=trunk)] == [None, 200, 200, None, 200, 503, 200, 403]


async def test_they_are_read_between_two_instants_and_forgotten_when_they_are_old(world: World) -> None:
    await taken(world, *(told("refused", at, username="x") for at in range(5)))
    between = {"since": "2026-11-21T08:00:01.000000Z", "until": "2026-11-21T08:00:03.000000Z"}
    assert [each.id for each in await read(world, **between)] == ["e-2", "e-1"]
    world.clock.now = START + timedelta(days=3, seconds=3)
    await forget_old(world.context, timedelta(days=3))
    assert [each.id for each in await read(world)] == ["e-4", "e-3"]
