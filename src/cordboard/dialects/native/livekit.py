"""The native API's view of LiveKit: how it differs from what is stored."""

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from cordboard.dialects.http import parse_body, reply
from cordboard.dialects.native.operation import ADMINISTRATOR, NativeOperation, read, write
from cordboard.dialects.native.wire import Body
from cordboard.domain.errors import NoProvider
from cordboard.domain.provisioning import Planned
from cordboard.domain.tenants import Actor
from cordboard.usecases.ports import Reconciliation


class ChangeShown(BaseModel):
    """What has to happen under one key: `create`, `update` or `delete`, and what is missing or differs, by name."""

    key: str
    action: str
    fields: list[str]


class ProblemShown(BaseModel):
    """Why LiveKit does not hold an object as it is stored."""

    key: str
    reason: str


class PlanShown(BaseModel):
    """How LiveKit differs, or differed before it was applied. `there` counts what it holds of ours."""

    changes: list[ChangeShown]
    problems: list[ProblemShown]
    there: int
    mass_deletion: bool


class Apply(Body):
    """Make LiveKit what is stored."""

    mass_deletion: bool = Field(default=False, description="Whether a plan that deletes much is meant")


class LiveKitViews:
    """Operations on LiveKit as a whole."""

    def __init__(self, reconciliation: Reconciliation | None) -> None:
        self._maybe = reconciliation

    @property
    def _reconciliation(self) -> Reconciliation:
        if self._maybe is None:
            raise NoProvider
        return self._maybe

    async def plan(self, request: Request, who: Actor) -> Response:
        return reply(_plan(await self._reconciliation.plan()))

    async def apply(self, request: Request, who: Actor) -> Response:
        body = await parse_body(request, Apply)
        return reply(_plan(await self._reconciliation.apply(mass_deletion=body.mass_deletion)))


def _plan(planned: Planned) -> dict[str, object]:
    return {
        "changes": [{"key": c.key, "action": c.action, "fields": list(c.fields)} for c in planned.changes],
        "problems": [{"key": p.key, "reason": p.reason} for p in planned.problems],
        "there": planned.there,
        "mass_deletion": planned.mass_deletion,
    }


def operations(views: LiveKitViews) -> list[NativeOperation]:
    """Every operation, the administrator's alone."""
    return [
        read(
            "GET /livekit/plan",
            "plan_livekit",
            "How LiveKit differs from what is stored",
            views.plan,
            PlanShown,
            also_said=(409, 502),
            least=ADMINISTRATOR,
        ),
        write(
            "POST /livekit/apply",
            "apply_livekit",
            "Make LiveKit what is stored",
            views.apply,
            200,
            PlanShown,
            body=Apply,
            least=ADMINISTRATOR,
            once=False,
        ),
    ]
