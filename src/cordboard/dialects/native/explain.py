"""The native API's explanations: why a call goes where it goes, or does not."""

from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_body, parse_path, reply
from cordboard.dialects.native import explain_wire as wire
from cordboard.dialects.native.call_wire import CallPath
from cordboard.dialects.native.operation import NativeOperation, read
from cordboard.domain.calls import Call, Refusal
from cordboard.domain.errors import EdgeUnavailable, NothingKept
from cordboard.domain.tenants import Actor, TenantId
from cordboard.usecases.access import Access
from cordboard.usecases.explain import Explainer
from cordboard.usecases.happened import Historian


class Explanations:
    """Operations that explain."""

    def __init__(self, access: Access, explainer: Explainer | None) -> None:
        self._access = access
        self._maybe = explainer

    @property
    def _explainer(self) -> Explainer:
        if self._maybe is None:
            raise EdgeUnavailable("this server has nothing to explain calls by")
        return self._maybe

    @property
    def _historian(self) -> Historian:
        return Historian(self._explainer)

    async def explain(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, wire.Explain)
        tenant = await self._access.tenant(who, body.tenant_id)
        return reply(wire.explanation(await self._explainer.explain(body.question(), tenant)).model_dump())

    async def explain_past(self, request: Request, who: Actor) -> Response:
        id = parse_path(request, CallPath).call_id
        found = [each for each in await self._historian.named(id) if await self._reaches(who, each, id)]
        if not found:
            raise NothingKept(id)
        first, others = found[0], [str(each.id) for each in found[1:]]
        told = await self._historian.explain(first, None if who.administrator else TenantId(first.tenant))
        return reply(wire.past(first, told, others).model_dump())

    async def _reaches(self, who: Actor, each: Call | Refusal, id: str) -> bool:
        try:
            await self._access.require(who, each.tenant, NothingKept(id))
        except NothingKept:
            return False
        return True


def operations(views: Explanations) -> list[NativeOperation]:
    """Every operation that explains."""
    return [
        read(
            "POST /explain",
            "explain",
            "Explain a call that might come: the decision step by step, the nearest miss, and what would change it",
            views.explain,
            wire.ExplanationShown,
            body=wire.Explain,
            also_said=(413,),
            permission="calls.view",
        ),
        read(
            "GET /calls/{call_id}/explanation",
            "explain_call",
            "Explain what became of a call or a refused INVITE, by its id or its SIP Call-ID",
            views.explain_past,
            wire.PastShown,
            path_model=CallPath,
            permission="calls.view",
        ),
    ]
