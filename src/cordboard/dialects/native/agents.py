"""The native API's agents and their versions."""

from functools import partial
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_body, parse_path, parse_query, reply
from cordboard.dialects.native import agent_wire as wire
from cordboard.dialects.native.frame import if_match, shown
from cordboard.dialects.native.operation import NativeOperation, read, write
from cordboard.dialects.native.preview import PREVIEWED, DryRun, is_dry, preview
from cordboard.dialects.native.wire import ListQuery, TenantPath, page_of, tenant_id
from cordboard.domain.agents import Agent, AgentId, VersionId
from cordboard.domain.errors import UnknownAgent, UnknownVersion
from cordboard.domain.tenants import Actor
from cordboard.storage import agents as stored
from cordboard.storage.transaction import Query
from cordboard.usecases import agents, previews
from cordboard.usecases.access import Access
from cordboard.usecases.ports import Context

T = TypeVar("T")


class AgentViews:
    """Operations on agents and their versions."""

    def __init__(self, context: Context, access: Access) -> None:
        self._context = context
        self._store = context.store
        self._access = access

    async def create(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, wire.NewAgent, self._context.hosts)
        tenant = await self._access.of(who, tenant_id(request))
        new = body.version(self._context.new_id, self._context.new_password)
        agent, version = await self._store.write(
            tenant,
            partial(
                agents.create,
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
        return shown(wire.agent_made(agent, version, new), 201, versioned=wire.agent(agent))

    async def page(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, ListQuery)
        tenant = await self._access.of(who, tenant_id(request))
        after = None if query.after is None else AgentId(str(query.after))
        page = partial(stored.of_tenant, tenant=tenant, after=after, limit=query.limit + 1)
        return reply(page_of(await self._store.read(page), query.limit, wire.agent, "agent_id"))

    async def get(self, request: Request, who: Actor) -> Response:
        return shown(wire.agent(await self._agent(request, who)))

    async def update(self, request: Request, who: Actor) -> Response:
        body, agent = await parse_body(request, wire.AgentUpdate), await self._agent(request, who)
        if "name" not in body.model_fields_set:
            return shown(wire.agent(agent))
        rename = partial(
            agents.rename,
            who=who,
            now=self._context.clock(),
            tenant=agent.tenant,
            agent=agent.id,
            name=body.name,
        )
        return shown(wire.agent(await self._store.write(agent.tenant, self._if_match(request, agent, rename))))

    async def delete(self, request: Request, who: Actor) -> Response:
        query, agent = parse_query(request, wire.AgentDeletion), await self._agent(request, who)
        if query.dry_run:  # to take it from all of its numbers for a moment would keep other writers waiting
            check = partial(agents.deletable, tenant=agent.tenant, agent=agent.id, detach=query.detach)
            known = self._if_match(request, agent, check)
            return await preview(self._store, agent.tenant, known, partial(previews.of_agent, id=agent.id))
        remove = partial(
            agents.delete,
            who=who,
            now=self._context.clock(),
            tenant=agent.tenant,
            agent=agent.id,
            detach=query.detach,
        )
        await self._store.write(agent.tenant, self._if_match(request, agent, remove))
        return Response(status_code=204)

    async def create_version(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, wire.NewAgentVersion, self._context.hosts)
        agent = await self._agent(request, who)
        new = body.version(self._context.new_id, self._context.new_password)
        made = await self._store.write(
            agent.tenant,
            partial(
                agents.add_version,
                who=who,
                now=self._context.clock(),
                tenant=agent.tenant,
                agent=agent.id,
                version=new,
                hosts=self._context.hosts,
                sealer=self._context.sealer,
            ),
        )
        return reply(wire.version_made(made, new), 201)

    async def versions(self, request: Request, who: Actor) -> Response:
        query, agent = parse_query(request, ListQuery), await self._agent(request, who)
        after = None if query.after is None else VersionId(str(query.after))
        page = partial(stored.versions, agent=agent.id, after=after, limit=query.limit + 1)
        return reply(page_of(await self._store.read(page), query.limit, wire.version, "version_id"))

    async def version(self, request: Request, who: Actor) -> Response:
        agent, id = await self._agent(request, who), VersionId(str(parse_path(request, wire.VersionPath).version_id))
        found = await self._store.read(partial(stored.version, tenant=agent.tenant, id=id))
        if found.agent != agent.id:
            raise UnknownVersion(id)
        return reply(wire.version(found))

    async def publish(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, wire.Publish)
        agent = await self._agent(request, who)
        publish: Query[Agent] = partial(
            agents.publish,
            who=who,
            now=self._context.clock(),
            tenant=agent.tenant,
            agent=agent.id,
            version=None if body.version_id is None else VersionId(str(body.version_id)),
        )
        publish = self._if_match(request, agent, publish)
        if is_dry(request):
            return await preview(self._store, agent.tenant, publish, partial(previews.of_agent, id=agent.id))
        return shown(wire.agent(await self._store.write(agent.tenant, publish)))

    def _if_match(self, request: Request, agent: Agent, usecase: Query[T]) -> Query[T]:
        return if_match(request, partial(stored.get, tenant=None, id=agent.id), wire.agent, usecase)

    async def _agent(self, request: Request, who: Actor) -> Agent:
        id = AgentId(str(parse_path(request, wire.AgentPath).agent_id))
        agent = await self._store.read(partial(stored.get, tenant=None, id=id))
        await self._access.require(who, agent.tenant, UnknownAgent(id))
        return agent


def operations(views: AgentViews) -> list[NativeOperation]:
    """Every operation on agents."""
    path = wire.AgentPath
    return [
        write(
            "POST /tenants/{tenant_id}/agents",
            "create_agent",
            "Create an agent with its first version",
            views.create,
            201,
            wire.AgentMade,
            path_model=TenantPath,
            body=wire.NewAgent,
            permission="agents.create",
        ),
        read(
            "GET /tenants/{tenant_id}/agents",
            "list_agents",
            "List a tenant's agents",
            views.page,
            wire.Agents,
            path_model=TenantPath,
            query=ListQuery,
            also_said=(400,),
            permission="agents.view",
        ),
        read(
            "GET /agents/{agent_id}",
            "get_agent",
            "Get one agent",
            views.get,
            wire.AgentShown,
            path_model=path,
            permission="agents.view",
        ),
        write(
            "PATCH /agents/{agent_id}",
            "update_agent",
            "Change an agent's name",
            views.update,
            200,
            wire.AgentShown,
            path_model=path,
            body=wire.AgentUpdate,
            permission="agents.update",
            versioned=True,
        ),
        write(
            "DELETE /agents/{agent_id}",
            "delete_agent",
            "Delete an agent with its versions",
            views.delete,
            204,
            None,
            path_model=path,
            query=wire.AgentDeletion,
            also_done=PREVIEWED,
            permission="agents.delete",
            versioned=True,
        ),
        write(
            "POST /agents/{agent_id}/versions",
            "create_version",
            "Add a version to an agent",
            views.create_version,
            201,
            wire.VersionMade,
            path_model=path,
            body=wire.NewAgentVersion,
            permission="agents.update",
        ),
        read(
            "GET /agents/{agent_id}/versions",
            "list_versions",
            "List an agent's versions",
            views.versions,
            wire.Versions,
            path_model=path,
            query=ListQuery,
            also_said=(400,),
            permission="agents.view",
        ),
        read(
            "GET /agents/{agent_id}/versions/{version_id}",
            "get_version",
            "Get one version of an agent",
            views.version,
            wire.VersionShown,
            path_model=wire.VersionPath,
            permission="agents.view",
        ),
        write(
            "PUT /agents/{agent_id}/published-version",
            "publish_version",
            "Publish a version on all numbers of the agent, or un-publish",
            views.publish,
            200,
            wire.AgentOrPreview,
            path_model=path,
            query=DryRun,
            body=wire.Publish,
            permission="agents.update",
            versioned=True,
        ),
    ]
