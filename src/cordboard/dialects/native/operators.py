"""The native API's operators: logins that see their own customers."""

import asyncio
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_body, parse_path, parse_query, reply
from cordboard.dialects.native import wire
from cordboard.dialects.native.operation import ADMINISTRATOR, NativeOperation, read, write
from cordboard.dialects.native.preview import PREVIEWED, DryRun, is_dry, preview
from cordboard.domain.operators import Operator, OperatorId, check_operator_name, new_operator_password
from cordboard.domain.tenants import Actor
from cordboard.domain.times import to_wire
from cordboard.storage import operators as stored
from cordboard.usecases import operators, previews
from cordboard.usecases.ports import Context


class NewOperator(wire.Body):
    """An operator to create."""

    name: Annotated[str, AfterValidator(check_operator_name)]


class OperatorPath(BaseModel):
    """Path of one operator."""

    operator_id: UUID


class OperatorQuery(BaseModel):
    """All operators by name, or the one that a name or id stands for."""

    ref: Annotated[str, AfterValidator(wire.text)] | None = None
    after: Annotated[str, AfterValidator(wire.text)] | None = Field(default=None, description="A name")
    limit: int = Field(default=100, ge=1, le=1000)


class OperatorShown(BaseModel):
    """An operator."""

    id: UUID
    name: str
    created_at: datetime


class OperatorMade(OperatorShown):
    """An operator with its password, which is shown this once."""

    password: str


class Operators(BaseModel):
    """Some operators."""

    data: list[OperatorShown]


class OperatorViews:
    """Operations on operators."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store

    async def create(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, NewOperator)
        password = new_operator_password()
        made = await self._store.write(
            None,
            partial(
                operators.create,
                who=who,
                now=self._context.clock(),
                id=OperatorId(self._context.new_id()),
                name=body.name,
                password_hash=await asyncio.to_thread(operators.hashed, password),
            ),
        )
        return reply({**_operator(made), "password": password}, 201)

    async def page(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, OperatorQuery)
        if query.ref is not None:
            found = [await self._store.read(partial(stored.find, ref=query.ref))]
        else:
            found = await self._store.read(partial(stored.page, after=query.after or "", limit=query.limit))
        return reply({"data": [_operator(each) for each in found]})

    async def renew_password(self, request: Request, who: Actor) -> Response:
        id, password = _id(request), new_operator_password()
        changed = await self._store.write(
            None,
            partial(
                operators.set_password,
                who=who,
                now=self._context.clock(),
                ref=id,
                password_hash=await asyncio.to_thread(operators.hashed, password),
            ),
        )
        return reply({**_operator(changed), "password": password})

    async def delete(self, request: Request, who: Actor) -> Response:
        remove = partial(operators.delete, who=who, now=self._context.clock(), ref=_id(request))
        if is_dry(request):
            return await preview(self._store, None, remove, previews.of_operator)
        await self._store.write(None, remove)
        return Response(status_code=204)


def _id(request: Request) -> OperatorId:
    return OperatorId(str(parse_path(request, OperatorPath).operator_id))


def _operator(shown: Operator) -> dict[str, Any]:
    return {"id": shown.id, "name": shown.name, "created_at": to_wire(shown.created_at)}


def operations(views: OperatorViews) -> list[NativeOperation]:
    """Every operation, the administrator's alone."""
    path = OperatorPath
    return [
        write(
            "POST /operators",
            "create_operator",
            "Create an operator; its password is shown this once",
            views.create,
            201,
            OperatorMade,
            body=NewOperator,
            least=ADMINISTRATOR,
        ),
        read(
            "GET /operators",
            "list_operators",
            "List operators, or find one by name or id",
            views.page,
            Operators,
            query=OperatorQuery,
            least=ADMINISTRATOR,
        ),
        write(
            "POST /operators/{operator_id}/password",
            "renew_operator_password",
            "Give an operator a new password, shown this once; the old one is refused from then on",
            views.renew_password,
            200,
            OperatorMade,
            path_model=path,
            least=ADMINISTRATOR,
        ),
        write(
            "DELETE /operators/{operator_id}",
            "delete_operator",
            "Delete an operator that has no customers",
            views.delete,
            204,
            None,
            path_model=path,
            query=DryRun,
            also_done=PREVIEWED,
            least=ADMINISTRATOR,
        ),
    ]
