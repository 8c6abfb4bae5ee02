"""The native API's verifications: asking for one, and what came of it."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_body, parse_path, parse_query, reply
from cordboard.dialects.native import verification_wire as wire
from cordboard.dialects.native.operation import NativeOperation, read, write
from cordboard.domain.errors import EdgeUnavailable, UnknownVerification
from cordboard.domain.tenants import Actor
from cordboard.domain.verifications import VerificationId
from cordboard.storage import verifications as stored
from cordboard.usecases import verifications
from cordboard.usecases.access import Access
from cordboard.usecases.ports import Context
from cordboard.usecases.verifications import Verifier


class VerificationViews:
    """Operations on verifications."""

    def __init__(self, context: Context, access: Access, verifier: Verifier | None) -> None:
        self._store = context.store
        self._access = access
        self._maybe = verifier

    @property
    def _verifier(self) -> Verifier:
        if self._maybe is None:
            raise EdgeUnavailable("this server verifies nothing")
        return self._maybe

    async def create(self, request: Request, who: Actor) -> Response:
        query, body = parse_query(request, wire.WaitQuery), await parse_body(request, wire.NewVerification)
        made = await self._verifier.begin(who, body.order(), self._store)
        await self._verifier.wait(made.id, query.wait)
        return reply(wire.detail(await self._store.read(partial(verifications.show, id=made.id))), 201)

    async def get(self, request: Request, who: Actor) -> Response:
        id = VerificationId(str(parse_path(request, wire.VerificationPath).verification_id))
        wait = parse_query(request, wire.WaitQuery).wait
        one = await self._store.read(partial(stored.get, id=id))
        await self._access.require(who, one.subject.tenant, UnknownVerification(id))
        if self._maybe is not None:
            await self._maybe.wait(id, wait)
        return reply(wire.detail(await self._store.read(partial(verifications.show, id=id))))

    async def page(self, request: Request, who: Actor) -> Response:
        query = parse_query(request, wire.VerificationQuery)
        where = query.where(await self._access.tenant(who, query.tenant_id))
        page = await self._store.read(partial(stored.page, where=where, after=query.after, limit=query.limit))
        data = [wire.summary(stored.verification_of(row)) for row in page.rows]
        return reply({"data": data, "next": page.next})


def operations(views: VerificationViews) -> list[NativeOperation]:
    """Every operation on verifications."""
    return [
        write(
            "POST /verifications",
            "create_verification",
            "Verify a trunk, a number, an agent or an account",
            views.create,
            201,
            wire.VerificationDetail,
            query=wire.WaitQuery,
            body=wire.NewVerification,
            permission="verifications.create",
        ),
        read(
            "GET /verifications",
            "list_verifications",
            "List verifications",
            views.page,
            wire.Verifications,
            query=wire.VerificationQuery,
            also_said=(400,),
            permission="verifications.view",
        ),
        read(
            "GET /verifications/{verification_id}",
            "get_verification",
            "Get one verification with its steps, and what is not as it was the time before",
            views.get,
            wire.VerificationDetail,
            path_model=wire.VerificationPath,
            query=wire.WaitQuery,
            permission="verifications.view",
        ),
    ]
