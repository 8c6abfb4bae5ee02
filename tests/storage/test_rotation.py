"""Another key for the stored secrets, while servers run and whenever it is killed."""

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cordboard.dialects.native.operation import PREFIX
from cordboard.domain.accounts import AccountId
from cordboard.domain.tenants import ADMIN
from cordboard.domain.trunks import SealedSecret
from cordboard.storage import sealed
from cordboard.storage.ring_file import RingUnusable, changing, put, read
from cordboard.storage.sealed import KINDS
from cordboard.storage.secrets import KeyRing, UnreadableSecret
from cordboard.storage.transaction import Transaction
from cordboard.usecases import accounts, rotation
from tests.builders import ADMIN_TOKEN, World, create_account, create_tenant, dump, unknown_id

pytestmark = pytest.mark.anyio

MANY = rotation.PIECE + 50
#: Rotates as the command does, and is killed when the first piece is stored.
KILLED = """
import asyncio, os, pathlib, signal, sys
from cordboard.storage.postgres import PostgresStore
from cordboard.storage.sqlite import SqliteStore
from cordboard.usecases import rotation

folder, database, kill_at = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

def tell(done, expected):
    if done >= kill_at:
        os.kill(os.getpid(), signal.SIGKILL)

async def run():
    sqlite = database == "sqlite"
    store = SqliteStore(folder / "store.sqlite") if sqlite else await PostgresStore.open(database, connections=1)
    await rotation.rotate(store, folder / "secrets.json", tell)

asyncio.run(run())
"""


@pytest.fixture
def path(sqlite_folder: Path) -> Path:
    """The ring of `world`."""
    return sqlite_folder / "secrets.json"


async def one_of_every_kind(world: World) -> None:
    tenant = await create_tenant(world)
    async with world.client(ADMIN_TOKEN) as http:

        async def post(where: str, body: dict[str, Any], **headers: str) -> Any:
            answer = await http.post(PREFIX + where, json=body, headers=headers)
            assert answer.is_success, answer.text
            return answer.json()

        trunk = {"name": "Carrier", "tenant_id": tenant, "gateways": [{"host": "127.0.1.1"}]}
        trunk |= {"username": "out", "password": "of-the-trunk"}
        await post("/trunks", trunk | {"inbound_username": "in", "inbound_password": "of-the-carrier"})
        agent = {"name": "Support", "sip_uri": "sip:a@127.0.2.1", "username": "support"}
        agent |= {"auth_username": "platform", "auth_password": "of-the-platform"}
        await post(f"/tenants/{tenant}/agents", agent, **{"Idempotency-Key": "once"})
        hook = await post("/webhooks", {"url": "https://127.0.0.1:9/", "tenant_id": tenant})
        for _ in range(2):
            await post(f"/webhooks/{hook['id']}/rotate", {})
    await create_account(world, tenant, password="of-the-account")


async def many_accounts(world: World) -> None:
    tenant = await create_tenant(world)

    async def make(tx: Transaction) -> None:
        for n in range(MANY):
            await accounts.create(
                tx,
                who=ADMIN,
                now=world.clock(),
                id=AccountId(unknown_id()),
                tenant=tenant,
                username=f"account-{n}",
                password=f"of-account-{n}",
                rest=accounts.Change(),
                sealer=world.context.sealer,
            )

    await world.store.write(None, make)


async def opened(world: World, ring: KeyRing) -> dict[tuple[str, str], list[str]]:
    """Every secret that is stored, by kind and row."""
    found = {}
    for kind in KINDS:
        piece = await world.store.read(partial(sealed.piece, kind=kind, after=sealed.beginning(kind), limit=MANY * 2))
        for each in piece.holdings:
            found[kind.name, each.row] = [ring.unseal(secret, each.row) for secret in each.secrets]
    return found


def aged(path: Path) -> None:
    """As if the ring had been changed long ago."""
    then = path.stat().st_mtime - 120
    os.utime(path, (then, then))


def quiet(_done: int, _expected: int) -> None:
    """Nobody is told."""


async def test_every_secret_is_sealed_anew_and_a_running_server_reads_and_seals_by_the_new_key(
    world: World, path: Path
) -> None:
    await one_of_every_kind(world)
    sealer = world.context.sealer
    assert isinstance(sealer, KeyRing)
    before = await opened(world, sealer)
    assert {kind for kind, _ in before} == {kind.name for kind in KINDS}, "one of every kind is not there"
    secrets = Counter(kind for (kind, _), texts in before.items() for _ in texts)
    found = await rotation.survey(world.store, path)
    assert found.counts == {(kind, "k1"): count for kind, count in secrets.items()}
    assert (found.target().active, read(path).active) == ("k2", "k1"), "to count changes nothing"

    done = await rotation.rotate(world.store, path, quiet)

    assert (done.active, done.begun, done.old, done.sealed_anew) == ("k2", True, ("k1",), secrets.total())
    assert path.stat().st_mode & 0o777 == 0o600
    assert "k1:" not in str(await dump(world)), "a column with secrets is not known to the rotation"
    assert await opened(world, sealer) == before
    assert sealer.seal("another", "row").text.startswith("k2:")
    aged(path)
    assert await rotation.drop_old(world.store, path, datetime.now(UTC), dry_run=True) == ("k1",)
    assert list(read(path).keys) == ["k1", "k2"]
    assert await rotation.drop_old(world.store, path, datetime.now(UTC), dry_run=False) == ("k1",)
    assert list(read(path).keys) == ["k2"]
    assert await opened(world, KeyRing.open(path)) == before


@pytest.mark.slow
async def test_a_rotation_that_was_killed_goes_on_with_its_key(world: World, path: Path, database: str) -> None:
    await many_accounts(world)
    before = await opened(world, KeyRing.open(path))
    # 0: the key is in the ring, and nothing is sealed by it; 1: the first piece is stored
    for kill_at, left in ((0, MANY), (1, MANY - rotation.PIECE)):
        command = [sys.executable, "-c", KILLED, path.parent, database, str(kill_at)]
        killed = subprocess.run(command, check=False, timeout=60, capture_output=True)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        found = await rotation.survey(world.store, path)
        assert (found.ring.active, found.to_seal()) == ("k2", left)
        assert await opened(world, KeyRing.open(path)) == before
        aged(path)
        with pytest.raises(RingUnusable, match=f"{left} secrets are still sealed by k1"):
            await rotation.drop_old(world.store, path, datetime.now(UTC), dry_run=False)

    told: list[tuple[int, int]] = []
    done = await rotation.rotate(world.store, path, lambda *progress: told.append(progress))

    assert (done.active, done.begun, done.sealed_anew) == ("k2", False, MANY - rotation.PIECE)
    assert told == [(0, done.sealed_anew), (done.sealed_anew, done.sealed_anew)]
    assert await opened(world, KeyRing.open(path)) == before
    assert await rotation.drop_old(world.store, path, datetime.now(UTC), dry_run=False) == ("k1",)
    assert await opened(world, KeyRing.open(path)) == before


async def test_what_is_written_meanwhile_is_never_replaced(world: World) -> None:
    tenant = await create_tenant(world)
    account = await create_account(world, tenant)
    kind = next(kind for kind in KINDS if kind.table == "account")
    piece = await world.store.read(partial(sealed.piece, kind=kind, after=sealed.beginning(kind), limit=10))
    change = accounts.Change(password="newer-one")
    sealer = world.context.sealer
    await world.store.write(
        tenant, partial(accounts.update, who=ADMIN, now=world.clock(), id=account.id, change=change, sealer=sealer)
    )
    assert not await world.store.write(None, partial(sealed.replace, holding=piece.holdings[0], text="k2:late"))
    row = (await dump(world))["account"][0]
    assert sealer.unseal(SealedSecret(text=row["password"]), account.id) == "newer-one"


async def test_what_does_not_open_is_told_of_and_keeps_its_key_in_the_ring(sqlite_world: World, path: Path) -> None:
    tenant = await create_tenant(sqlite_world)
    good, bad = await create_account(sqlite_world, tenant), await create_account(sqlite_world, tenant)

    async def spoil(tx: Transaction) -> None:
        await tx.run("update account set password = 'k1:spoilt' where id = $1", bad.id)

    await sqlite_world.store.write(None, spoil)
    done = await rotation.rotate(sqlite_world.store, path, quiet)
    assert (done.sealed_anew, done.unreadable) == (1, (("password of an account", bad.id),))
    assert good.id not in str(done.unreadable)
    aged(path)
    with pytest.raises(RingUnusable, match="1 secrets are still sealed by k1"):
        await rotation.drop_old(sqlite_world.store, path, datetime.now(UTC), dry_run=False)


async def test_an_old_key_stays_for_what_a_request_has_sealed_and_not_stored_yet(
    sqlite_world: World, path: Path
) -> None:
    await create_account(sqlite_world, await create_tenant(sqlite_world))
    await rotation.rotate(sqlite_world.store, path, quiet)
    with pytest.raises(RingUnusable, match="in a minute"):
        await rotation.drop_old(sqlite_world.store, path, read(path).changed_at + timedelta(seconds=59), dry_run=False)
    assert list(read(path).keys) == ["k1", "k2"]


async def test_a_prepared_key_opens_and_seals_nothing_until_a_rotation_takes_it(
    sqlite_world: World, path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "secrets.json"
    assert rotation.prepare(path) == ("k2", True)
    assert rotation.prepare(path) == ("k2", False)
    elsewhere.write_bytes(path.read_bytes())  # of a server on another machine
    account = await create_account(sqlite_world, await create_tenant(sqlite_world))
    assert account.password.text.startswith("k1:")
    assert (await rotation.rotate(sqlite_world.store, path, quiet)).active == "k2"
    row = (await dump(sqlite_world))["account"][0]
    assert row["password"].startswith("k2:")
    assert KeyRing.open(elsewhere).unseal(SealedSecret(text=row["password"]), account.id) == "account-secret"


def test_a_ring_is_changed_as_a_whole_and_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    there, link = tmp_path / "kept" / "ring.json", tmp_path / "secrets.json"
    KeyRing.open(there)
    link.symlink_to(there)
    there.with_name("ring.json.new").write_text("half of a r")  # of one that was killed while it wrote
    put(link, read(link).with_next_active())
    assert link.is_symlink()
    assert (read(link).active, list(read(there).keys)) == ("k2", ["k1", "k2"])
    assert there.stat().st_mode & 0o777 == 0o600
    assert list(there.parent.iterdir()) == [there]


def test_two_commands_do_not_change_a_ring_at_once(tmp_path: Path) -> None:
    KeyRing.open(tmp_path / "secrets.json")
    with changing(tmp_path / "secrets.json"), pytest.raises(RingUnusable, match="wait for its end"):
        rotation.prepare(tmp_path / "secrets.json")


def test_half_a_copy_of_a_ring_leaves_a_server_the_keys_that_it_has(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    ring = KeyRing.open(path)
    sealed_before = ring.seal("hunter2", "row")
    put(path, read(path).with_next_active())
    whole = path.read_bytes()
    newer = KeyRing.open(path).seal("hunter2", "row")
    path.write_bytes(whole[:40])
    assert ring.seal("hunter2", "row").text.startswith("k1:")
    assert ring.unseal(sealed_before, "row") == "hunter2"
    with pytest.raises(UnreadableSecret):
        ring.unseal(newer, "row")
    path.write_bytes(whole)
    assert ring.unseal(newer, "row") == "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        "",  # nothing
        "[]",  # no object
        '{"active": "k1"}',  # no keys
        '{"active": "k2", "keys": {"k1": "AAAA"}}',  # its active key is missing
        '{"active": "k1", "keys": {"k1": "AAAA"}}',  # too short a key
        '{"active": "k1", "keys": {"k1": "top secret"}}',  # no base64
    ],
)
def test_what_is_no_ring_is_refused_without_quoting_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "secrets.json"
    path.write_text(text)
    with pytest.raises(RingUnusable) as raised:
        KeyRing.open(path)
    assert "is no key ring" in str(raised.value)
    assert "AAAA" not in str(raised.value)
    assert "top secret" not in str(raised.value)
