"""What advice about a refused call is given by: looked up when it has been decided, by index alone."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cordboard.domain.explain import Advice
from cordboard.domain.routing import Decision, Invite
from cordboard.domain.tenants import TenantId
from cordboard.domain.trail import Judged
from cordboard.storage.transaction import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A refused call, and for whom it is explained."""

    #: Whose numbers, trunks and agents may be named; None: everybody's.
    tenant: TenantId | None
    invite: Invite
    decision: Decision
    judged: Judged | None


Adviser = Callable[[Transaction, Case], Awaitable[Advice]]
