"""The native API: everything that Cordboard has, and what no vendor's API offers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from starlette.types import ASGIApp

from cordboard.dialects.app import dialect
from cordboard.dialects.native import (
    accounts,
    agents,
    allow_lists,
    audit,
    calls,
    catalogue,
    edge,
    events,
    explain,
    figures,
    imports,
    keys,
    livekit,
    me,
    numbers,
    operators,
    registrations,
    search,
    tenants,
    trunks,
    verification_schedules,
    verifications,
    webhooks,
)
from cordboard.dialects.native.callers import Callers
from cordboard.dialects.native.errors import respond
from cordboard.dialects.native.frame import Frame
from cordboard.dialects.native.operation import PREFIX as PREFIX
from cordboard.dialects.native.operation import NativeOperation
from cordboard.dialects.openapi import document
from cordboard.usecases.access import Access
from cordboard.usecases.around import Around
from cordboard.usecases.edges import Edges, Local
from cordboard.usecases.explain import Explainer
from cordboard.usecases.idempotency import OnceStore
from cordboard.usecases.ports import (
    Context,
    Deciding,
    EdgeState,
    KeptRecordings,
    LiveCalls,
    Reconciliation,
    Registrations,
)
from cordboard.usecases.verification_schedules import Scheduler
from cordboard.usecases.verifications import Verifier


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What the native API speaks for; what an installation is without is None, and said so to who asks for it."""

    context: Context
    callers: Callers
    edge: EdgeState | None = None
    registrar: Registrations | None = None
    deciding: Deciding | None = None
    recordings: KeptRecordings | None = None
    live: LiveCalls | None = None
    reconciliation: Reconciliation | None = None
    #: What this process's edge says of itself.
    own_edge: Local | None = None

    @property
    def edges(self) -> Edges:
        return Edges(self.context.store, self.own_edge)

    verifier: Verifier | None = None
    scheduler: Scheduler | None = None


def operations(of: Installation) -> list[NativeOperation]:
    """Every operation, by noun, with what goes around each."""
    frame = Frame(context=of.context, edges=of.edges)
    once = replace(of, context=replace(of.context, store=OnceStore(of.context.store)))
    return [frame.around(operation) for operation in _operations(once)]


def _operations(of: Installation) -> list[NativeOperation]:
    context, access = of.context, Access(of.context.store)
    return [
        *me.operations(me.Callers(context.store)),
        *tenants.operations(tenants.TenantViews(context, access, of.callers.keyholders)),
        *keys.operations(keys.KeyViews(context, access, of.callers.keyholders)),
        *agents.operations(agents.AgentViews(context, access)),
        *numbers.operations(numbers.NumberViews(context, access)),
        *audit.operations(audit.AuditViews(context, access)),
        *imports.operations(imports.ImportViews(context, access)),
        *operators.operations(operators.OperatorViews(context)),
        *trunks.operations(trunks.TrunkViews(context, access, of.edge)),
        *accounts.operations(accounts.AccountViews(context, access, of.registrar)),
        *calls.operations(calls.CallRecords(context, access, of.recordings, of.live)),
        *registrations.operations(registrations.RegistrationHistory(context, access)),
        *events.operations(events.EventFeed(context, access)),
        *explain.operations(explain.Explanations(access, _explainer(of))),
        *webhooks.operations(webhooks.WebhookViews(context, access)),
        *catalogue.operations(),
        *edge.operations(edge.EdgeViews(context, access, of.edge, of.edges)),
        *figures.operations(figures.FigureViews(context, access, of.edge)),
        *search.operations(search.SearchViews(context, access)),
        *allow_lists.operations(allow_lists.AllowListViews(context, access)),
        *verification_schedules.operations(verification_schedules.ScheduleViews(context, access, of.scheduler)),
        *verifications.operations(verifications.VerificationViews(context, access, of.verifier)),
        *livekit.operations(livekit.LiveKitViews(of.reconciliation)),
    ]


def _explainer(of: Installation) -> Explainer | None:
    if of.deciding is None:
        return None
    return Explainer(store=of.context.store, deciding=of.deciding, around=Around(of.edge, of.registrar))


def app(listed: Sequence[NativeOperation], callers: Callers, version: str) -> ASGIApp:
    """The native API as one app, to be mounted at PREFIX."""
    described = partial(
        document,
        listed,
        title="Cordboard",
        version=version,
        description="Everything that a Cordboard installation has: for its administrator, operators and tenants.",
        scheme="Token",
        more_schemes={"Operator": {"type": "http", "scheme": "basic"}},
    )
    return dialect(listed, described, prefix=PREFIX, authorise=callers.authorise, respond=respond)
