"""telecom.center's operator API: each operation reads, calls one use case, presents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from cordboard.dialects.app import address_of, basic_credentials, dialect
from cordboard.dialects.http import read_body, reply
from cordboard.dialects.openapi import Operation, document
from cordboard.dialects.telecom_center import bodies, documents, wire
from cordboard.dialects.telecom_center.described import PREFIX as PREFIX
from cordboard.dialects.telecom_center.described import operations
from cordboard.dialects.telecom_center.documents import Shown, Site
from cordboard.dialects.telecom_center.errors import MEDIA_TYPE, respond
from cordboard.dialects.telecom_center.negotiation import check_accept, check_content_type
from cordboard.dialects.telecom_center.query import View, parse_list, parse_view
from cordboard.dialects.telecom_center.resources import CUSTOMERS, SIP_ACCOUNTS
from cordboard.domain.accounts import Account, AccountId
from cordboard.domain.edge import Binding
from cordboard.domain.errors import EdgeUnavailable, UnknownAccount, UnknownTenant
from cordboard.domain.operators import Operator
from cordboard.domain.tenants import Tenant, TenantId
from cordboard.storage import tenants
from cordboard.usecases import accounts, customers
from cordboard.usecases.operators import Logins
from cordboard.usecases.ports import Context, Registrations

#: Largest page that is given, unless a setting says otherwise.
LARGEST_PAGE = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Installation:
    """What the operations work on."""

    context: Context
    logins: Logins
    #: None: this server runs without an edge, and nobody is online.
    registrar: Registrations | None = None
    largest_page: int = LARGEST_PAGE


class SipAccounts:
    """The operations on `sip_device_routes`."""

    def __init__(self, installation: Installation) -> None:
        self._context = installation.context
        self._store = installation.context.store
        self._registrar = installation.registrar
        self._largest_page = installation.largest_page

    async def list(self, request: Request, operator: Operator) -> Response:
        asked = parse_list(request.query_params.multi_items(), SIP_ACCOUNTS, self._largest_page)
        found = await self._store.read(
            partial(
                customers.page_of_accounts,
                operator=operator.id,
                filters=wire.account_filters(asked),
                sort=wire.account_sort(asked),
                number=asked.page.number,
                size=asked.page.size,
            )
        )
        shown = await self._shown(found.accounts, found.tenants, asked.view)
        return _reply(documents.many(_site(request), SIP_ACCOUNTS.type, shown, found.total, asked))

    async def get(self, request: Request, operator: Operator) -> Response:
        id, view = _account_id(request), parse_view(request.query_params.multi_items(), SIP_ACCOUNTS)
        account, tenant = await self._store.read(partial(accounts.one, id=id, operator=operator.id))
        return await self._answer(request, account, tenant, view)

    async def update(self, request: Request, operator: Operator) -> Response:
        id, view = _account_id(request), parse_view(request.query_params.multi_items(), SIP_ACCOUNTS)
        key = request.path_params["id"]
        attributes = bodies.parse_update(await read_body(request), SIP_ACCOUNTS, key, bodies.ACCOUNT_READERS)
        before, tenant = await self._store.read(partial(accounts.one, id=id, operator=operator.id))
        account = await self._store.write(
            before.tenant,
            partial(
                accounts.update,
                who=operator.actor,
                now=self._context.clock(),
                id=id,
                change=wire.account_change(attributes),
                sealer=self._context.sealer,
                operator=operator.id,
            ),
        )
        return await self._answer(request, account, tenant, view)

    async def _answer(self, request: Request, account: Account, tenant: Tenant, view: View) -> Response:
        (shown,) = await self._shown([account], {tenant.id: tenant}, view)
        return _reply(documents.one(_site(request), shown, view))

    async def _shown(self, found: Sequence[Account], owners: Mapping[TenantId, Tenant], view: View) -> Sequence[Shown]:
        """Accounts with their live state, which is asked for all at once, and not unless it is to be seen."""
        live = any(view.shows(SIP_ACCOUNTS.type, name) for name in ("is_online", "user_agent"))
        online = await self._online(found) if live and found else {}
        password = view.shows(SIP_ACCOUNTS.type, "password")
        customers_shown = {id: wire.customer(tenant) for id, tenant in owners.items()}
        return [
            wire.account(
                account,
                customers_shown[account.tenant],
                password=self._context.sealer.unseal(account.password, account.id) if password else None,
                bindings=online.get(account.username, ()),
            )
            for account in found
        ]

    async def _online(self, found: Sequence[Account]) -> Mapping[str, Sequence[Binding]]:
        """Nobody is online on an edge that is not there."""
        if self._registrar is None:
            return {}
        try:
            return await self._registrar.registrations([account.username for account in found])
        except EdgeUnavailable:
            return {}


class Customers:
    """The operations on `customers`."""

    def __init__(self, installation: Installation) -> None:
        self._context = installation.context
        self._store = installation.context.store
        self._largest_page = installation.largest_page

    async def list(self, request: Request, operator: Operator) -> Response:
        asked = parse_list(request.query_params.multi_items(), CUSTOMERS, self._largest_page)
        found = await self._store.read(
            partial(
                customers.page,
                operator=operator.id,
                filters=wire.customer_filters(asked),
                sort=wire.customer_sort(asked),
                number=asked.page.number,
                size=asked.page.size,
            )
        )
        shown = [wire.customer(tenant) for tenant in found.customers]
        return _reply(documents.many(_site(request), CUSTOMERS.type, shown, found.total, asked))

    async def get(self, request: Request, operator: Operator) -> Response:
        view = parse_view(request.query_params.multi_items(), CUSTOMERS)
        tenant = await self._tenant(request, operator)
        return _reply(documents.one(_site(request), wire.customer(tenant), view))

    async def create(self, request: Request, operator: Operator) -> Response:
        view = parse_view(request.query_params.multi_items(), CUSTOMERS)
        new = bodies.parse_new(await read_body(request), CUSTOMERS, bodies.CUSTOMER_READERS, required="name")
        id = TenantId(self._context.new_id())
        tenant = await self._store.write(
            id,
            partial(
                customers.create,
                who=operator.actor,
                now=self._context.clock(),
                id=id,
                operator=operator.id,
                name=new.attributes["name"],
                reference=new.id,
                rest=wire.customer_change(new.attributes),
            ),
        )
        made, site = wire.customer(tenant), _site(request)
        return _reply(documents.one(site, made, view), 201, {"Location": site.one(made.type, made.id)})

    async def update(self, request: Request, operator: Operator) -> Response:
        id, view = _customer_id(request), parse_view(request.query_params.multi_items(), CUSTOMERS)
        attributes = bodies.parse_update(await read_body(request), CUSTOMERS, id, bodies.CUSTOMER_READERS)
        change = wire.customer_change(attributes)
        before = await self._tenant(request, operator)
        tenant = await self._store.write(
            before.id,
            partial(
                customers.update,
                who=operator.actor,
                now=self._context.clock(),
                operator=operator.id,
                reference=id,
                change=change,
            ),
        )
        return _reply(documents.one(_site(request), wire.customer(tenant), view))

    async def delete(self, request: Request, operator: Operator) -> Response:
        tenant = await self._tenant(request, operator)
        await self._store.write(
            tenant.id,
            partial(
                customers.delete,
                who=operator.actor,
                now=self._context.clock(),
                operator=operator.id,
                reference=_customer_id(request),
            ),
        )
        return Response(status_code=204)

    async def _tenant(self, request: Request, operator: Operator) -> Tenant:
        find = partial(tenants.customer, operator=operator.id, reference=_customer_id(request))
        return await self._store.read(find)


def _account_id(request: Request) -> AccountId:
    """The id in the path. Raises UnknownAccount if it cannot be one."""
    text = request.path_params["id"]
    try:
        if str(UUID(text)) != text.lower():
            raise UnknownAccount(text)
    except ValueError as error:
        raise UnknownAccount(text) from error
    return AccountId(text.lower())


def _customer_id(request: Request) -> str:
    """The id in the path. Raises UnknownTenant if it cannot be one."""
    text: str = request.path_params["id"]
    if "\0" in text:
        raise UnknownTenant(text)
    return text


def _site(request: Request) -> Site:
    """As the client spells it: what its Host header says is not parsed, since it is only handed back."""
    host = request.headers.get("host")
    if host is None:
        name, port = request.scope["server"] or ("localhost", None)
        host = f"{name}:{port}"
    return Site(base=f"{request.scope['scheme']}://{host}{PREFIX}")


def _reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return reply(body, status, media_type=MEDIA_TYPE, headers=headers)


def app(installation: Installation, version: str) -> ASGIApp:
    """The dialect as one app, to be mounted at PREFIX."""
    listed = operations(SipAccounts(installation), Customers(installation), installation.largest_page)
    described = partial(
        document,
        listed,
        title="Cordboard: telecom.center operator API",
        version=version,
        description="SIP accounts and customers in the words of telecom.center's operator API (JSON:API 1.0).",
        scheme="OperatorBasic",
        http="basic",
        media_type=MEDIA_TYPE,
    )

    async def operator(request: Request, operation: Operation) -> Operator:
        who = await installation.logins.operator(
            *basic_credentials(request.headers.get("authorization")), address_of(request)
        )
        check_content_type(request.method, request.headers.get("content-type"))
        check_accept(", ".join(request.headers.getlist("accept")))
        return who

    return dialect(listed, described, prefix=PREFIX, authorise=operator, respond=respond)
