"""Objects for tests, made by plain functions with harmless defaults.

A `World` is an installation without HTTP and without an edge; `client` gives it the HTTP of the real app.
"""

import contextlib
import itertools
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any, Literal

import httpx2
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Receive, Scope, Send

from cordboard.console import app as console
from cordboard.dialects import server as http_server
from cordboard.dialects.diga import routes as diga
from cordboard.dialects.native import routes as native
from cordboard.dialects.native.callers import Callers
from cordboard.dialects.nebrija import routes as nebrija
from cordboard.dialects.telecom_center import routes as telecom_center
from cordboard.domain.accounts import Account, AccountId, new_username
from cordboard.domain.addresses import HostPolicy
from cordboard.domain.agents import Agent, AgentId, AgentVersion, VersionId
from cordboard.domain.keys import KeyId, new_key
from cordboard.domain.numbers import NumberId, Status
from cordboard.domain.operators import Operator, OperatorId
from cordboard.domain.tenants import ADMIN, Tenant, TenantId
from cordboard.domain.trunks import TrunkId
from cordboard.engines.edge.deciding import FromStore
from cordboard.engines.edge.rows import Rows
from cordboard.storage.migrations.run import migrate
from cordboard.storage.numbers import ShownNumber
from cordboard.storage.postgres import PostgresStore
from cordboard.storage.secrets import KeyRing
from cordboard.storage.sqlite import SqliteStore
from cordboard.storage.transaction import EngineFile, Row, Transaction
from cordboard.usecases import accounts, agents, customers, keys, numbers, operators, tenants
from cordboard.usecases.attempts import Attempts
from cordboard.usecases.keys import Keyholders
from cordboard.usecases.numbers import Import, NewPlatformNumber, NumberPatch
from cordboard.usecases.ports import Context, Registrations, Store, new_uuid
from cordboard.usecases.sessions import Sessions
from cordboard.usecases.verification_schedules import Scheduler
from cordboard.usecases.verifications import Prober, Verifier

ADMIN_TOKEN = "admin-token-of-the-tests"
_numbers = itertools.count(34911000000)


@dataclass
class ManualClock:
    """A clock that tests move."""

    now: datetime = field(default_factory=lambda: datetime(2026, 1, 10, 12, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **time: float) -> None:
        self.now += timedelta(**time)


@dataclass
class Lazy:
    """An app that is made when it is first asked for: making takes longer than most tests."""

    make: Callable[[], ASGIApp]

    @cached_property
    def app(self) -> ASGIApp:
        return self.make()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@dataclass
class World:
    """A store with its context, and the app that serves it."""

    context: Context
    clock: ManualClock
    keyholders: Keyholders
    #: What a front end asks who is registered; None: nobody is.
    registrar: Registrations | None = None
    #: What tries things on the network; None: nothing does.
    prober: Prober | None = None
    #: The app and the context it was built for: its documents take a while to make.
    _built: tuple[Context, Any] | None = field(default=None, repr=False)

    @property
    def store(self) -> Store:
        return self.context.store

    def app(self) -> Any:
        if self._built is None or self._built[0] is not self.context:
            self._built = (self.context, self._build())
        return self._built[1]

    def _build(self) -> Any:
        installation = self.native()
        operations = cache(partial(native.operations, installation))
        native_app = Lazy(lambda: native.app(operations(), installation.callers, "0"))
        dialects = {
            native.PREFIX: ("native", native_app),
            diga.PREFIX: ("diga", Lazy(partial(diga.app, self.context, self.keyholders, "0"))),
            nebrija.PREFIX: ("nebrija", Lazy(partial(nebrija.app, self.context, self.keyholders, "0"))),
            telecom_center.PREFIX: ("telecom.center", Lazy(lambda: telecom_center.app(self._operators(), "0"))),
        }
        sessions = Sessions(self.context, timedelta(hours=12))
        pages = Lazy(lambda: console.app(native_app, native.PREFIX, operations(), sessions))
        return http_server.server(dialects, CollectorRegistry(), lambda: None, pages)

    def native(self) -> native.Installation:
        callers = Callers(admin_token=ADMIN_TOKEN, keyholders=self.keyholders, logins=self._logins)
        deciding = FromStore(self.store, Rows(self.context.sealer, "cordboard"))
        return native.Installation(
            context=self.context,
            callers=callers,
            deciding=deciding,
            verifier=self.verifier(),
            scheduler=self.scheduler(),
        )

    @cached_property
    def _logins(self) -> operators.Logins:
        return operators.Logins(self.store, Attempts(self.clock))

    def verifier(self) -> Verifier:
        return Verifier(self.context, self.prober)

    def scheduler(self) -> Scheduler:
        """That of a process of its own."""
        return Scheduler.of(self.context, self.verifier())

    def _operators(self) -> telecom_center.Installation:
        return telecom_center.Installation(context=self.context, logins=self._logins, registrar=self.registrar)

    def client(self, key: str | None = None) -> httpx2.AsyncClient:
        """An HTTP client of the app, in process; `key` is its bearer token."""
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=self.app()),
            base_url="http://cordboard",
            headers={} if key is None else {"Authorization": f"Bearer {key}"},
        )


@contextlib.asynccontextmanager
async def world(
    database: str, folder: Path, *, allow_private: bool = True, engine: EngineFile | None = None
) -> AsyncIterator[World]:
    """An installation on `sqlite` (in `folder`) or on a migrated PostgreSQL database's URL."""
    store: SqliteStore | PostgresStore
    if database == "sqlite":
        path = folder / "store.sqlite"
        if not path.exists():
            migrate(f"sqlite:///{path}")
        store = SqliteStore(path, engine)
    else:
        store = await PostgresStore.open(database, connections=10)
    clock = ManualClock()
    context = Context(
        store=store,
        sealer=KeyRing.open(folder / "secrets.json"),
        hosts=HostPolicy(allow_private=allow_private),
        clock=clock,
    )
    try:
        yield World(context=context, clock=clock, keyholders=Keyholders(store))
    finally:
        await store.close()


async def create_tenant(world: World, name: str = "Acme", reference: str | None = None) -> TenantId:
    id = TenantId(new_uuid())
    made = await world.store.write(
        id, partial(tenants.create, who=ADMIN, now=world.clock(), id=id, name=name, reference=reference)
    )
    return made.id


async def create_key(world: World, tenant: TenantId, permissions: list[str] | None = None) -> str:
    """The key itself."""
    secret = new_key()
    await world.store.write(
        tenant,
        partial(
            keys.create,
            who=ADMIN,
            now=world.clock(),
            id=KeyId(new_uuid()),
            tenant=tenant,
            secret=secret,
            name=None,
            permissions=permissions,
        ),
    )
    return secret


async def create_agent(
    world: World, tenant: TenantId, sip_uri: str = "sip:agent@127.0.2.1:5070", *, draft: bool = False, **more: Any
) -> tuple[Agent, AgentVersion]:
    """`more` are fields of NewVersion: `from_addresses=…`, `from_credentials=…`."""
    return await world.store.write(
        tenant,
        partial(
            agents.create,
            who=ADMIN,
            now=world.clock(),
            id=AgentId(new_uuid()),
            tenant=tenant,
            name="Support",
            version=agents.NewVersion(id=VersionId(new_uuid()), sip_uri=sip_uri, draft=draft, **more),
            hosts=world.context.hosts,
            sealer=world.context.sealer,
        ),
    )


async def add_version(
    world: World, agent: Agent, sip_uri: str = "sip:agent@127.0.2.2:5070", *, draft: bool = False, **more: Any
) -> AgentVersion:
    return await world.store.write(
        agent.tenant,
        partial(
            agents.add_version,
            who=ADMIN,
            now=world.clock(),
            tenant=agent.tenant,
            agent=agent.id,
            version=agents.NewVersion(id=VersionId(new_uuid()), sip_uri=sip_uri, draft=draft, **more),
            hosts=world.context.hosts,
            sealer=world.context.sealer,
        ),
    )


async def add_platform_number(
    world: World,
    number: str | None = None,
    *,
    tenant: TenantId | None = None,
    status: Literal[Status.RESERVED, Status.ASSIGNED] = Status.RESERVED,
) -> ShownNumber:
    """A number of the inventory, as the store shows it."""
    new = NewPlatformNumber(
        id=NumberId(new_uuid()),
        trunk_id=TrunkId(new_uuid()),
        number=number or fresh_number(),
        tenant=tenant,
        status=status,
    )
    usecase = partial(numbers.add_platform_number, who=ADMIN, new=new, now=world.clock())
    return await world.store.write(tenant, usecase)


def fresh_number() -> str:
    """A Spanish number that no other test of this process uses."""
    return f"+{next(_numbers)}"


def import_body(number: str | None = None, **changes: Any) -> dict[str, Any]:
    """An import in the July 2026 shape."""
    body: dict[str, Any] = {
        "phone_number": number or fresh_number(),
        "nickname": "Front desk",
        "inbound_config": {"media_encryption": "allow", "allowed_addresses": ["127.0.1.0/24"]},
        "outbound_config": {
            "termination_uri": "127.0.1.1:5080",
            "username": "carrier-user",
            "password": "carrier-secret",
        },
    }
    return {**body, **changes}


def unknown_id() -> str:
    return str(uuid.uuid4())


#: Each after those that refer to it, so that they can be emptied in this order.
TABLES = (
    *("change", "number_import_row", "number_import", "number", "gateway", "trunk"),
    *("agent_source", "account", "login", "agent_version", "agent"),
    *("webhook_delivery", "webhook", "api_key", "tenant", "operator"),
    *("idempotency", "session", "edge"),
    *("call", "call_message", "call_detail", "refusal", "registration", "event_file", "event", "gateway_health"),
    *("verification", "verification_schedule"),
    *("tally", "refusal_tally", "registered"),
)


async def create_operator(world: World, name: str = "operator", password_hash: str = "unused") -> Operator:
    """An operator that cannot log in unless its hash is given."""
    return await world.store.write(
        None,
        partial(
            operators.create,
            who=ADMIN,
            now=world.clock(),
            id=OperatorId(unknown_id()),
            name=name,
            password_hash=password_hash,
        ),
    )


async def create_customer(
    world: World,
    operator: OperatorId,
    reference: str | None = None,
    *,
    name: str = "customer",
    rest: customers.Change = customers.Change(),  # noqa: B008  frozen
) -> Tenant:
    id = TenantId(unknown_id())
    make = partial(
        customers.create,
        who=ADMIN,
        now=world.clock(),
        id=id,
        operator=operator,
        name=name,
        reference=reference,
        rest=rest,
    )
    return await world.store.write(id, make)


async def create_account(
    world: World,
    tenant: TenantId,
    username: str | None = None,
    *,
    password: str = "account-secret",
    id: str | None = None,
    **rest: Any,
) -> Account:
    make = partial(
        accounts.create,
        who=ADMIN,
        now=world.clock(),
        id=AccountId(id or unknown_id()),
        tenant=tenant,
        username=username or new_username(),
        password=password,
        rest=accounts.Change(**rest),
        sealer=world.context.sealer,
    )
    return await world.store.write(tenant, make)


async def empty(world: World) -> None:
    """Forget everything: quicker than another database."""

    async def delete_all(tx: Transaction) -> None:
        for table in TABLES:
            await tx.run(f"delete from {table}")

    await world.store.write(None, delete_all)


async def dump(world: World) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, as far as two equal installations would have them equal."""

    async def all_rows(tx: Transaction) -> dict[str, list[dict[str, Any]]]:
        return {table: _sorted(await tx.all(f"select * from {table}")) for table in TABLES}

    return await world.store.read(all_rows)


def _sorted(rows: list[Row]) -> list[dict[str, Any]]:
    names = tuple(rows[0].keys()) if rows else ()
    return [dict(zip(names, values, strict=True)) for values in sorted(map(tuple, rows), key=repr)]


async def import_number(world: World, tenant: TenantId, number: str | None = None) -> NumberId:
    """A tenant's own number, inbound only."""
    new = Import(id=NumberId(new_uuid()), trunk_id=TrunkId(new_uuid()), number=number or fresh_number())
    usecase = partial(
        numbers.import_number, who=ADMIN, tenant=tenant, new=new, sealer=world.context.sealer, now=world.clock()
    )
    await world.store.write(tenant, usecase)
    return new.id


async def route(world: World, tenant: TenantId, number: NumberId, **patch: Any) -> ShownNumber:
    """Change a number: `inbound_version=…`, `outbound_version=…`, `nickname=…`."""
    usecase = partial(
        numbers.update_number,
        who=ADMIN,
        tenant=tenant,
        id=number,
        patch=NumberPatch(**patch),
        now=world.clock(),
    )
    return await world.store.write(tenant, usecase)


async def release(world: World, tenant: TenantId, number: NumberId) -> None:
    await world.store.write(tenant, partial(numbers.release, who=ADMIN, tenant=tenant, id=number, now=world.clock()))
