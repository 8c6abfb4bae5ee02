"""What the edge's file holds of accounts, and whose registrations end when they change."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cordboard.domain.accounts import Account, Recording
from cordboard.domain.edge import AccountRow
from cordboard.domain.tenants import ADMIN
from cordboard.engines.edge.file import EdgeFile
from cordboard.engines.edge.projection import Projection
from cordboard.engines.edge.rows import Rows, ha1
from cordboard.storage.secrets import KeyRing
from cordboard.usecases import accounts
from cordboard.usecases.numbers import assign_to_account
from tests import builders
from tests.builders import World, create_account, create_tenant, import_number

pytestmark = pytest.mark.anyio

NUMBER = "+34911000001"


class Notes:
    """A registrar that notes whose registrations are to end."""

    def __init__(self) -> None:
        self.ended: list[tuple[str, str | None]] = []

    async def unregister(self, username: str, *, allowed: str | None) -> None:
        self.ended.append((username, allowed))


@pytest.fixture
def file(tmp_path: Path) -> Iterator[EdgeFile]:
    made = EdgeFile(tmp_path / "edge.sqlite")
    yield made
    made.close()


async def change(world: World, account: Account, **fields: Any) -> None:
    update = partial(
        accounts.update,
        who=ADMIN,
        now=world.clock(),
        id=account.id,
        change=accounts.Change(**fields),
        sealer=world.context.sealer,
    )
    await world.store.write(account.tenant, update)


def engine_of(file: EdgeFile, folder: Path) -> tuple[Projection, Notes]:
    """With the key ring that the world of this folder seals with."""
    engine, notes = Projection(file, Rows(KeyRing.open(folder / "secrets.json"), "cordboard")), Notes()
    engine.watchers.registrar = notes
    return engine, notes


async def test_the_edge_knows_each_account_as_it_is_now(file: EdgeFile, sqlite_folder: Path) -> None:
    engine, _ = engine_of(file, sqlite_folder)
    async with builders.world("sqlite", sqlite_folder, engine=engine) as world:
        tenant = await create_tenant(world)
        await import_number(world, tenant, NUMBER)
        made = await create_account(world, tenant, "alice", password="wonderland")
        bare = AccountRow(id=made.id, username="alice", tenant=tenant, ha1=ha1("alice", "cordboard", "wonderland"))
        assert file.account(made.id) == bare
        await change(
            world,
            made,
            caller_name="Alice",
            extension=101,
            external_number=34911000001,
            may_call_outside=True,
            restricted=True,
            allowed="127.0.0.2,127.0.0.3,10.0.0.0/9,10.128.0.0/9",
            recording=frozenset({Recording.OUTGOING_EXTERNAL, Recording.INCOMING_INTERNAL, Recording.ON_DEMAND}),
        )
        assert file.account(made.id) == AccountRow(
            id=made.id,
            username="alice",
            tenant=tenant,
            ha1=bare.ha1,
            restricted=True,
            # the longest prefix first
            allowed="127.0.0.2/31,10.0.0.0/8",
            name="Alice",
            internal="101",
            external="34911000001",
            allow_external=True,
            record="in-internal out-external on-demand",
        )
        await world.store.write(
            tenant,
            partial(assign_to_account, who=ADMIN, number=NUMBER, account=made.id, now=world.clock()),
        )
        await world.store.write(tenant, partial(accounts.delete, who=ADMIN, now=world.clock(), id=made.id))
        assert file.account(made.id) is None


@pytest.mark.parametrize(
    ("fields", "ended"),
    [
        # says nothing of who may register
        ({"caller_name": "A"}, []),
        ({"restricted": True, "allowed": "127.0.0.0/8"}, [("alice", "127.0.0.0/8")]),
        # nobody is allowed any more
        ({"restricted": True}, [("alice", "")]),
        # the list does not count yet
        ({"allowed": "127.0.0.0/8"}, []),
        ({"password": "another-one"}, [("alice", None)]),
        ({"username": "bob"}, [("alice", None)]),
    ],
)
async def test_whoever_may_register_no_longer_loses_registrations(
    file: EdgeFile, sqlite_folder: Path, fields: dict[str, Any], ended: list[tuple[str, str | None]]
) -> None:
    engine, notes = engine_of(file, sqlite_folder)
    async with builders.world("sqlite", sqlite_folder, engine=engine) as world:
        made = await create_account(world, await create_tenant(world), "alice")
        await change(world, made, **fields)
        assert notes.ended == ended
        await world.store.write(None, partial(accounts.delete, who=ADMIN, now=world.clock(), id=made.id))
        assert len(notes.ended) == len(ended) + 1
