"""The native API: the administration that no vendor's API offers."""

import hmac
from functools import partial
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from cordboard.dialects.app import bearer_token, dialect
from cordboard.dialects.http import JSON, parse_body, parse_path, parse_query, reply
from cordboard.dialects.native import accounts, calls, edge, livekit, operators, trunks, wire
from cordboard.dialects.native.errors import MEDIA_TYPE, Problem, respond
from cordboard.dialects.openapi import Answer, Operation, document
from cordboard.domain.accounts import AccountId
from cordboard.domain.agents import AgentId, VersionId
from cordboard.domain.errors import Unauthenticated
from cordboard.domain.keys import KeyId, new_key
from cordboard.domain.operators import OperatorId
from cordboard.domain.tenants import ADMIN, Actor, TenantId
from cordboard.storage import accounts as accounts_stored
from cordboard.storage import agents, keys, tenants
from cordboard.storage.numbers import Filter
from cordboard.usecases import agents as agent_usecases
from cordboard.usecases import keys as key_usecases
from cordboard.usecases import tenants as tenant_usecases
from cordboard.usecases.keys import Keyholders
from cordboard.usecases.numbers import add_platform_number, assign_platform_number, assign_to_account
from cordboard.usecases.pages import page_of_numbers
from cordboard.usecases.ports import Context, EdgeState, KeptRecordings, Reconciliation, Registrations

PREFIX = "/cordboard/v1"


def _agent_id(request: Request) -> AgentId:
    return AgentId(str(parse_path(request, wire.AgentPath).agent_id))


class Administration:
    """Operations of the administrator, on the objects of every tenant."""

    def __init__(self, context: Context, keyholders: Keyholders) -> None:
        self._context = context
        self._store = context.store
        self._keyholders = keyholders

    async def create_tenant(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, wire.NewTenant)
        id = TenantId(self._context.new_id())
        made = await self._store.write(
            id,
            partial(
                tenant_usecases.create,
                who=who,
                now=self._context.clock(),
                id=id,
                name=body.name,
                reference=body.reference,
                operator=None if body.operator_id is None else OperatorId(str(body.operator_id)),
                rest=body.change(),
            ),
        )
        return reply(wire.tenant(made), 201)

    async def update_tenant(self, request: Request, who: Actor) -> Response:
        id, body = wire.tenant_id(request), await parse_body(request, wire.TenantUpdate)
        changed = await self._store.write(
            id, partial(tenant_usecases.update, who=who, now=self._context.clock(), id=id, change=body.change())
        )
        return reply(wire.tenant(changed))

    async def delete_tenant(self, request: Request, who: Actor) -> Response:
        id = wire.tenant_id(request)
        await self._store.write(id, partial(tenant_usecases.delete, who=who, now=self._context.clock(), id=id))
        return Response(status_code=204)

    async def list_tenants(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, wire.TenantQuery)
        if query.ref is not None:
            operator = None if query.operator_id is None else OperatorId(str(query.operator_id))
            found = [await self._store.read(partial(tenants.find, ref=query.ref, operator=operator))]
        else:
            after = "" if query.after is None else str(query.after)
            found = await self._store.read(partial(tenants.page, after=after, limit=query.limit))
        return reply({"data": [wire.tenant(t) for t in found]})

    async def create_key(self, request: Request, who: Actor) -> Response:
        tenant, body = wire.tenant_id(request), await parse_body(request, wire.NewKey)
        secret = new_key()
        made = await self._store.write(
            tenant,
            partial(
                key_usecases.create,
                who=who,
                now=self._context.clock(),
                id=KeyId(self._context.new_id()),
                tenant=tenant,
                secret=secret,
                name=body.name,
                permissions=body.permissions,
            ),
        )
        return reply(wire.key(made, secret), 201)

    async def list_keys(self, request: Request, who: Actor) -> Response:
        tenant, query = wire.tenant_id(request), parse_query(request, wire.ListQuery)
        await self._store.read(partial(tenants.get, id=tenant))
        found = await self._store.read(partial(keys.of_tenant, tenant=tenant, limit=query.limit))
        return reply({"data": [wire.key(k) for k in found]})

    async def revoke_key(self, request: Request, who: Actor) -> Response:
        id = KeyId(str(parse_path(request, wire.KeyPath).key_id))
        revoked = await self._store.write(None, partial(key_usecases.revoke, who=who, now=self._context.clock(), id=id))
        self._keyholders.forget(revoked)
        return Response(status_code=204)

    async def create_agent(self, request: Request, who: Actor) -> Response:
        tenant, body = wire.tenant_id(request), await parse_body(request, wire.NewAgent, self._context.hosts)
        new = body.version(self._context.new_id, self._context.new_password)
        agent, version = await self._store.write(
            tenant,
            partial(
                agent_usecases.create,
                who=who,
                now=self._context.clock(),
                id=AgentId(self._context.new_id()),
                tenant=tenant,
                name=body.name,
                version=new,
                hosts=self._context.hosts,
                sealer=self._context.sealer,
            ),
        )
        return reply(wire.agent_made(agent, version, new), 201)

    async def list_agents(self, request: Request, who: Actor) -> Response:
        tenant, query = wire.tenant_id(request), parse_query(request, wire.ListQuery)
        await self._store.read(partial(tenants.get, id=tenant))
        found = await self._store.read(partial(agents.of_tenant, tenant=tenant, limit=query.limit))
        return reply({"data": [wire.agent(a) for a in found]})

    async def create_version(self, request: Request, who: Actor) -> Response:
        id, body = _agent_id(request), await parse_body(request, wire.NewAgentVersion, self._context.hosts)
        owner = await self._store.read(partial(agents.get, tenant=None, id=id))
        new = body.version(self._context.new_id, self._context.new_password)
        made = await self._store.write(
            owner.tenant,
            partial(
                agent_usecases.add_version,
                who=who,
                now=self._context.clock(),
                tenant=owner.tenant,
                agent=id,
                version=new,
                hosts=self._context.hosts,
                sealer=self._context.sealer,
            ),
        )
        return reply(wire.version_made(made, new), 201)

    async def list_versions(self, request: Request, who: Actor) -> Response:
        id, query = _agent_id(request), parse_query(request, wire.ListQuery)
        await self._store.read(partial(agents.get, tenant=None, id=id))
        found = await self._store.read(partial(agents.versions, agent=id, limit=query.limit))
        return reply({"data": [wire.version(v) for v in found]})

    async def publish(self, request: Request, who: Actor) -> Response:
        id, body = _agent_id(request), await parse_body(request, wire.Publish)
        owner = await self._store.read(partial(agents.get, tenant=None, id=id))
        agent = await self._store.write(
            owner.tenant,
            partial(
                agent_usecases.publish,
                who=who,
                now=self._context.clock(),
                tenant=owner.tenant,
                agent=id,
                version=None if body.version_id is None else VersionId(str(body.version_id)),
            ),
        )
        return reply(wire.agent(agent))

    async def add_number(self, request: Request, who: Actor) -> Response:
        new = (await parse_body(request, wire.NewNumber)).command(self._context.new_id)
        row = await self._store.write(
            new.tenant, partial(add_platform_number, who=who, new=new, now=self._context.clock())
        )
        return reply(wire.number(row), 201)

    async def assign_number(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, wire.Assign)
        if body.account_id is not None:
            return await self._assign_to_account(body.number, AccountId(str(body.account_id)), who)
        tenant = TenantId(str(body.tenant_id))
        row = await self._store.write(
            tenant,
            partial(
                assign_platform_number,
                who=who,
                number=body.number,
                tenant=tenant,
                now=self._context.clock(),
            ),
        )
        return reply(wire.number(row))

    async def _assign_to_account(self, number: str, account: AccountId, who: Actor) -> Response:
        owner = (await self._store.read(partial(accounts_stored.get, id=account))).tenant
        assign = partial(assign_to_account, who=who, number=number, account=account, now=self._context.clock())
        return reply(wire.number(await self._store.write(owner, assign)))

    async def list_numbers(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, wire.NumberQuery)
        where = Filter(tenant=TenantId(str(query.tenant_id)))
        await self._store.read(partial(tenants.get, id=where.tenant))
        page = await self._store.read(partial(page_of_numbers, where=where, asked=query))
        data = [wire.number(row) for row in page.rows]
        return reply({"data": data, "next": data[-1]["id"] if page.more else None})


def _problems(*statuses: int) -> dict[int, Answer]:
    said = {
        400: "A value that names nothing",
        401: "The token is missing or wrong",
        404: "There is no such object",
        409: "It exists already, or its state does not allow this",
        413: "The body is larger than 1 MiB",
        422: "A field is not of the form it must have",
        500: "An internal error",
        502: "LiveKit refused, or did not answer; nothing was changed",
        503: "Too busy, or stored and not yet applied; try again",
    }
    return {
        status: Answer(description=said[status], body=Problem, media_type=MEDIA_TYPE)
        for status in (401, 422, 500, 503, *statuses)
    }


def _read(
    method_path: str, name: str, summary: str, handler: Any, shown: type[BaseModel] | type[bytes], **rest: Any
) -> Operation:
    method, path = method_path.split()
    found = Answer(description="Found", body=shown, media_type=rest.pop("media_type", JSON))
    answers = {200: found, **_problems(404, *rest.pop("also_said", ()))}
    return Operation(
        method=method, path=PREFIX + path, name=name, summary=summary, handler=handler, answers=answers, **rest
    )


def _write(
    method_path: str, name: str, summary: str, handler: Any, status: int, shown: type[BaseModel] | None, **rest: Any
) -> Operation:
    method, path = method_path.split()
    answers = {status: Answer(description="Done", body=shown), **_problems(404, 409, 413, 502)}
    return Operation(
        method=method, path=PREFIX + path, name=name, summary=summary, handler=handler, answers=answers, **rest
    )


def operations(admin: Administration) -> list[Operation]:
    """Every operation, by noun."""
    tenant, key, agent = wire.TenantPath, wire.KeyPath, wire.AgentPath
    return [
        _write(
            "POST /tenants",
            "create_tenant",
            "Create a tenant",
            admin.create_tenant,
            201,
            wire.TenantShown,
            body=wire.NewTenant,
        ),
        _read(
            "GET /tenants",
            "list_tenants",
            "List tenants, or find one by name, reference or id",
            admin.list_tenants,
            wire.Tenants,
            query=wire.TenantQuery,
            also_said=(409,),
        ),
        _write(
            "PATCH /tenants/{tenant_id}",
            "update_tenant",
            "Change a tenant",
            admin.update_tenant,
            200,
            wire.TenantShown,
            path_model=tenant,
            body=wire.TenantUpdate,
        ),
        _write(
            "DELETE /tenants/{tenant_id}",
            "delete_tenant",
            "Delete a tenant with its accounts, numbers, trunks, agents and keys",
            admin.delete_tenant,
            204,
            None,
            path_model=tenant,
        ),
        _write(
            "POST /tenants/{tenant_id}/keys",
            "create_key",
            "Create an API key; it is shown this once",
            admin.create_key,
            201,
            wire.KeyShown,
            path_model=tenant,
            body=wire.NewKey,
        ),
        _read(
            "GET /tenants/{tenant_id}/keys",
            "list_keys",
            "List a tenant's API keys",
            admin.list_keys,
            wire.Keys,
            path_model=tenant,
            query=wire.ListQuery,
        ),
        _write("DELETE /keys/{key_id}", "revoke_key", "Revoke an API key", admin.revoke_key, 204, None, path_model=key),
        _write(
            "POST /tenants/{tenant_id}/agents",
            "create_agent",
            "Create an agent with its first version",
            admin.create_agent,
            201,
            wire.AgentMade,
            path_model=tenant,
            body=wire.NewAgent,
        ),
        _read(
            "GET /tenants/{tenant_id}/agents",
            "list_agents",
            "List a tenant's agents",
            admin.list_agents,
            wire.Agents,
            path_model=tenant,
            query=wire.ListQuery,
        ),
        _write(
            "POST /agents/{agent_id}/versions",
            "create_version",
            "Add a version to an agent",
            admin.create_version,
            201,
            wire.VersionMade,
            path_model=agent,
            body=wire.NewAgentVersion,
        ),
        _read(
            "GET /agents/{agent_id}/versions",
            "list_versions",
            "List an agent's versions",
            admin.list_versions,
            wire.Versions,
            path_model=agent,
            query=wire.ListQuery,
        ),
        _write(
            "PUT /agents/{agent_id}/published-version",
            "publish_version",
            "Publish a version on all numbers of the agent, or un-publish",
            admin.publish,
            200,
            wire.AgentShown,
            path_model=agent,
            body=wire.Publish,
        ),
        _write(
            "POST /numbers",
            "add_number",
            "Add a platform-owned number",
            admin.add_number,
            201,
            wire.NumberShown,
            body=wire.NewNumber,
        ),
        _write(
            "POST /numbers/assign",
            "assign_number",
            "Assign a reserved number to a tenant, or an assigned one to an account",
            admin.assign_number,
            200,
            wire.NumberShown,
            body=wire.Assign,
        ),
        _read(
            "GET /numbers",
            "list_numbers",
            "List a tenant's numbers",
            admin.list_numbers,
            wire.Numbers,
            query=wire.NumberQuery,
            also_said=(400,),
        ),
    ]


def app(
    context: Context,
    keyholders: Keyholders,
    admin_token: str,
    version: str,
    edge_state: EdgeState | None = None,
    registrar: Registrations | None = None,
    recordings: KeptRecordings | None = None,
    reconciliation: Reconciliation | None = None,
) -> ASGIApp:
    """The native API as one app, to be mounted at PREFIX; `admin_token` opens all of it."""
    listed = operations(Administration(context, keyholders))
    listed += operators.operations(operators.OperatorViews(context), _read, _write)
    listed += trunks.operations(trunks.TrunkViews(context), _read, _write)
    listed += accounts.operations(accounts.AccountViews(context, registrar), _read, _write)
    listed += calls.operations(calls.CallRecords(context, recordings), _read)
    listed += edge.operations(edge.EdgeViews(context, edge_state), _read, _write)
    listed += livekit.operations(livekit.LiveKitViews(reconciliation), _read, _write)
    described = partial(
        document,
        listed,
        title="Cordboard",
        version=version,
        description="The administration of a Cordboard installation.",
        scheme="AdminToken",
    )

    async def administrator(request: Request, operation: Operation) -> Actor:
        if not hmac.compare_digest(bearer_token(request).encode(), admin_token.encode()):
            raise Unauthenticated
        return ADMIN

    return dialect(listed, described, prefix=PREFIX, authorise=administrator, respond=respond)
