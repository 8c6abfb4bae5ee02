"""The native API's SIP accounts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.fields import if_sent
from cordboard.dialects.http import parse_body, parse_path, parse_query, reply
from cordboard.dialects.native import wire
from cordboard.dialects.native.frame import if_match, shown
from cordboard.dialects.native.operation import NativeOperation, read, write
from cordboard.dialects.native.preview import PREVIEWED, DryRun, is_dry, preview
from cordboard.domain.accounts import (
    Account,
    AccountId,
    Recording,
    check_account_username,
    check_caller_name,
    check_extension,
    check_external,
    check_password,
    networks,
    new_account_password,
    new_username,
)
from cordboard.domain.edge import Binding
from cordboard.domain.errors import EdgeUnavailable, UnknownAccount
from cordboard.domain.tenants import Actor, TenantId
from cordboard.domain.times import to_wire
from cordboard.storage import accounts as stored
from cordboard.storage.transaction import Query
from cordboard.usecases import accounts, previews
from cordboard.usecases.access import Access
from cordboard.usecases.ports import Context, Registrations


def _networks(value: str) -> str:
    networks(value)
    return value


Username = Annotated[str, AfterValidator(check_account_username)]
Password = Annotated[str, AfterValidator(check_password)]


class _AccountFields(wire.Body):
    """What may be said of an account: absent is unchanged, null clears."""

    caller_id_name: Annotated[str, AfterValidator(check_caller_name)] | None = if_sent(
        description="Display name of its calls"
    )
    internal_caller_id: Annotated[int, AfterValidator(check_extension)] | None = if_sent(
        description="Extension: shown on internal calls, and what the tenant's other accounts dial"
    )
    external_caller_id: Annotated[int, AfterValidator(check_external)] | None = if_sent(
        description="Digits of the tenant's E.164 number that is shown outside"
    )
    allow_external_calls: bool = if_sent(description="Whether it may call outside; needs an external caller id")
    use_allowed_ips: bool = if_sent(description="Whether it is taken from `allowed_ips` alone")
    allowed_ips: Annotated[str, AfterValidator(_networks)] | None = if_sent(
        description="Addresses and CIDR ranges with commas between"
    )
    record: list[Recording] = if_sent(description="Which of its calls are recorded")

    def change(self) -> accounts.Change:
        """Only what was sent."""
        values = {ours: getattr(self, theirs) for theirs, ours in _NAMES.items() if theirs in self.model_fields_set}
        if "recording" in values:
            values["recording"] = frozenset(values["recording"])
        return accounts.Change(**values)


_NAMES = {
    "username": "username",
    "password": "password",
    "caller_id_name": "caller_name",
    "internal_caller_id": "extension",
    "external_caller_id": "external_number",
    "allow_external_calls": "may_call_outside",
    "use_allowed_ips": "restricted",
    "allowed_ips": "allowed",
    "record": "recording",
}


class NewAccount(_AccountFields):
    """An account; its username and password are made if they are not given."""

    username: Username = if_sent()
    password: Password = if_sent(repr=False)


class AccountUpdate(_AccountFields):
    """Changes to an account; another username or password ends its registrations."""

    username: Username = if_sent()
    password: Password = if_sent(repr=False)


class AccountPath(BaseModel):
    """Path of one account."""

    account_id: UUID


class AccountQuery(BaseModel):
    """The accounts of one tenant, oldest first, or the one of a username."""

    tenant_id: UUID | None = None
    username: Annotated[str, AfterValidator(wire.text)] | None = None
    after: UUID | None = None
    limit: int = Field(default=100, ge=1, le=1000)


class BindingShown(BaseModel):
    """Where a registered account is reached; `expires_in` is in seconds."""

    contact: str
    received: str
    user_agent: str | None
    expires_in: int


class AccountShown(BaseModel):
    """An account; `registrations` is null where it is not known, since this server has no edge that answers."""

    id: UUID
    tenant_id: UUID
    username: str
    caller_id_name: str | None
    internal_caller_id: int | None
    external_caller_id: int | None
    allow_external_calls: bool
    use_allowed_ips: bool
    allowed_ips: str | None
    record: list[Recording]
    created_at: datetime
    registrations: list[BindingShown] | None


class AccountMade(AccountShown):
    """An account with its password, which this API shows this once."""

    password: str


class Accounts(BaseModel):
    """Some accounts; `next` is the `after` of the following page, or null at the end."""

    data: list[AccountShown]
    next: UUID | None


class AccountViews:
    """Operations on accounts."""

    def __init__(self, context: Context, access: Access, registrar: Registrations | None) -> None:
        self._context = context
        self._store = context.store
        self._access = access
        self._registrar = registrar

    async def create(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, NewAccount)
        tenant = await self._access.of(who, wire.tenant_id(request))
        sent = body.model_fields_set
        password = body.password if "password" in sent else new_account_password()
        made = await self._store.write(
            tenant,
            partial(
                accounts.create,
                who=who,
                now=self._context.clock(),
                id=AccountId(self._context.new_id()),
                tenant=tenant,
                username=body.username if "username" in sent else new_username(),
                password=password,
                rest=body.change(),
                sealer=self._context.sealer,
            ),
        )
        (told,) = await self._shown([made])
        return shown({**told, "password": password}, 201, versioned=_stored(made))

    async def page(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, AccountQuery)
        if query.username is not None:
            found = [await self._named(query.username, who)]
        else:
            tenant = await self._access.tenant(who, query.tenant_id)
            found = await self._some(tenant, query.after, query.limit + 1)
        data = await self._shown(found[: query.limit])
        return reply({"data": data, "next": data[-1]["id"] if len(found) > query.limit else None})

    async def _named(self, username: str, who: Actor) -> Account:
        one = await self._store.read(partial(stored.by_username, username=username))
        if one is None:
            raise UnknownAccount(username)
        await self._access.require(who, one.tenant, UnknownAccount(username))
        return one

    async def _some(self, tenant: TenantId | None, after: UUID | None, limit: int) -> list[Account]:
        if tenant is None:
            return await self._store.read(partial(stored.after, after=str(after or ""), limit=limit))
        start = None if after is None else AccountId(str(after))
        return await self._store.read(partial(accounts.of_tenant, tenant=tenant, after=start, limit=limit))

    async def get(self, request: Request, who: Actor) -> Response:
        return await self._one(await self._account(request, who))

    async def update(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, AccountUpdate)
        account = await self._account(request, who)
        update = partial(
            accounts.update,
            who=who,
            now=self._context.clock(),
            id=account.id,
            change=body.change(),
            sealer=self._context.sealer,
        )
        current = partial(stored.get, id=account.id)
        return await self._one(await self._store.write(account.tenant, if_match(request, current, _stored, update)))

    async def delete(self, request: Request, who: Actor) -> Response:
        account = await self._account(request, who)
        remove: Query[None] = partial(accounts.delete, who=who, now=self._context.clock(), id=account.id)
        remove = if_match(request, partial(stored.get, id=account.id), _stored, remove)
        if is_dry(request):
            touched = partial(previews.of_account, id=account.id)
            return await preview(self._store, account.tenant, remove, touched)
        await self._store.write(account.tenant, remove)
        return Response(status_code=204)

    async def _account(self, request: Request, who: Actor) -> Account:
        id = AccountId(str(parse_path(request, AccountPath).account_id))
        account = await self._store.read(partial(stored.get, id=id))
        await self._access.require(who, account.tenant, UnknownAccount(id))
        return account

    async def _one(self, account: Account) -> Response:
        (told,) = await self._shown([account])
        return shown(told, versioned=_stored(account))

    async def _shown(self, found: Sequence[Account]) -> list[dict[str, Any]]:
        """With their live state, of all at once."""
        online = None
        if self._registrar is not None:
            try:
                online = await self._registrar.registrations([account.username for account in found])
            except EdgeUnavailable:
                online = None
        return [{**_stored(account), "registrations": _bindings(account, online)} for account in found]


def _stored(shown: Account) -> dict[str, Any]:
    """Without who is registered, which is no part of its ETag."""
    return {
        "id": shown.id,
        "tenant_id": shown.tenant,
        "username": shown.username,
        "caller_id_name": shown.caller_name,
        "internal_caller_id": shown.extension,
        "external_caller_id": shown.external_number,
        "allow_external_calls": shown.may_call_outside,
        "use_allowed_ips": shown.restricted,
        "allowed_ips": None if shown.allowed is None else ",".join(shown.allowed),
        "record": [switch for switch in Recording if switch in shown.recording],
        "created_at": to_wire(shown.created_at),
    }


def _bindings(account: Account, online: Mapping[str, Sequence[Binding]] | None) -> list[dict[str, Any]] | None:
    return None if online is None else [_binding(each) for each in online.get(account.username, ())]


def _binding(shown: Binding) -> dict[str, Any]:
    return {
        "contact": shown.contact,
        "received": shown.received,
        "user_agent": shown.user_agent,
        "expires_in": shown.expires,
    }


def operations(views: AccountViews) -> list[NativeOperation]:
    """Every operation on accounts."""
    path = AccountPath
    return [
        write(
            "POST /tenants/{tenant_id}/accounts",
            "create_account",
            "Create a SIP account",
            views.create,
            201,
            AccountMade,
            path_model=wire.TenantPath,
            body=NewAccount,
            permission="accounts.create",
        ),
        read(
            "GET /accounts",
            "list_accounts",
            "List SIP accounts with their registrations",
            views.page,
            Accounts,
            query=AccountQuery,
            also_said=(400,),
            permission="accounts.view",
        ),
        read(
            "GET /accounts/{account_id}",
            "get_account",
            "Get one SIP account with its registrations",
            views.get,
            AccountShown,
            path_model=path,
            permission="accounts.view",
        ),
        write(
            "PATCH /accounts/{account_id}",
            "update_account",
            "Change a SIP account",
            views.update,
            200,
            AccountShown,
            path_model=path,
            body=AccountUpdate,
            permission="accounts.update",
            versioned=True,
        ),
        write(
            "DELETE /accounts/{account_id}",
            "delete_account",
            "Delete a SIP account; its registrations end",
            views.delete,
            204,
            None,
            path_model=path,
            query=DryRun,
            also_done=PREVIEWED,
            permission="accounts.delete",
            versioned=True,
        ),
    ]
