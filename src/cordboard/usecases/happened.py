"""What became of a call or an INVITE that was refused, in sentences, and what the edge would do with it now."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from cordboard.domain.advice import ADVICE
from cordboard.domain.calls import EXPLAINED, Call, CallId, Message, Refusal, State
from cordboard.domain.errors import UnknownCall
from cordboard.domain.explain import Advice, Explanation, Past, Remedy
from cordboard.domain.media import OFFERED, Offered
from cordboard.domain.reasons import Reason
from cordboard.domain.routing import Invite
from cordboard.domain.tenants import TenantId
from cordboard.storage import calls
from cordboard.storage.transaction import Transaction
from cordboard.usecases.explain import Explainer, Question

#: Credentials that came and were wrong: what the edge asked for stands in the decision without them.
WRONG: Final[tuple[Reason, ...]] = ("wrong-password", "unknown-username", "wrong-realm")


@dataclass(frozen=True, slots=True)
class Historian:
    """Explains what was."""

    explainer: Explainer

    async def named(self, id: str) -> list[Call | Refusal]:
        """The call or refusal of that id, or those of that SIP Call-ID, newest first."""
        return await self.explainer.store.read(partial(_named, id=id))

    async def explain(self, of: Call | Refusal, tenant: TenantId | None) -> Past:
        """As that tenant sees it; None sees everything."""
        return await (self._call(of, tenant) if isinstance(of, Call) else self._refusal(of, tenant))

    async def _refusal(self, refusal: Refusal, tenant: TenantId | None) -> Past:
        """By the decision as it would be made now, and whether that differs."""
        wrong = next((word for word in WRONG if word == refusal.reason), None)
        question = Question(
            invite=_invite(refusal), login="" if wrong else refusal.login, wrong=wrong, username=refusal.login
        )
        now = await self.explainer.explain(question, tenant)
        changed = now.decision.reason != refusal.reason
        said = EXPLAINED.get(refusal.reason, refusal.reason)
        return Past(
            happened=(f"It was refused with {refusal.code} ({refusal.reason}): {said}.",),
            now=now,
            changed=changed,
            advice=_for(refusal.reason, now) if changed else now.advice,
        )

    async def _call(self, call: Call, tenant: TenantId | None) -> Past:
        """By its record and its SIP messages."""
        messages = await self.explainer.store.read(partial(calls.messages, id=call.id))
        now = await self.explainer.explain(Question(invite=_again(call), trusted=True), tenant)
        changed = not now.decision.accepted or now.banned
        return Past(
            happened=(*_tries(call, messages), *_own_words(messages), _end(call)),
            now=now if changed else None,
            changed=changed,
            advice=Advice() if call.reason is None else _advised(call.reason),
        )


async def _named(tx: Transaction, id: str) -> list[Call | Refusal]:
    for one in (calls.get, calls.refusal):
        try:
            return [await one(tx, CallId(id))]
        except UnknownCall:
            pass
    return await calls.by_call_id(tx, id)


def _invite(refusal: Refusal) -> Invite:
    to, _, to_host = refusal.to.rpartition("@")
    party, _, party_host = refusal.party.rpartition("@")
    return Invite(
        source=refusal.address,
        user=refusal.called,
        host=refusal.host,
        caller=refusal.caller,
        caller_host=refusal.caller_host,
        to=to,
        to_host=to_host,
        party=party,
        party_host=party_host,
        offered=_offered(refusal.offered),
    )


def _again(call: Call) -> Invite:
    """What is known of its INVITE; of a number that is an address the host is its own."""
    host = call.number.partition("@")[2]
    return Invite(
        source=_address(call.source),
        user=call.called,
        host=host if call.direction == "inbound" else "",
        caller=call.caller,
        caller_host=host if call.direction == "outbound" else "",
        to=call.number.partition("@")[0] if call.direction == "inbound" else call.called,
        to_host=host,
        offered=_offered(call.offered),
    )


def _offered(text: str) -> Offered:
    return next((each for each in OFFERED if each == text), "rtp")


def _address(place: str) -> str:
    """`192.0.2.1` of `udp:192.0.2.1:5060`."""
    return place.partition(":")[2].rpartition(":")[0].strip("[]")


#: What passes by itself, and comes again.
_PASSING: Final = (
    *("trunk-calls-at-once", "trunk-calls-per-second", "tenant-calls-at-once", "tenant-calls-per-second"),
    *("minutes-used-up", "media-relay-unavailable", "lookup-failed", "account-offline", "gateway-unresolved"),
    "agent-unreachable",
)


def _for(reason: str, now: Explanation) -> Advice:
    """What was refused then, and would not be now, or not for that."""
    if now.decision.accepted and not now.banned and reason not in _PASSING:
        return Advice(remedies=(Remedy(says="Nothing: it has been mended since, and the same call would be taken."),))
    return _advised(reason) + now.advice


def _advised(reason: str) -> Advice:
    told = ADVICE.get(reason)
    return Advice() if told is None or told[1] == "Nothing." else Advice(remedies=(Remedy(says=told[1]),))


def _tries(call: Call, messages: list[Message]) -> tuple[str, ...]:
    """Each place that the call was sent to until it was answered, and what that said."""
    said = []
    for request in messages:
        if request.method != "INVITE" or request.status is not None or not request.destination:
            continue
        if call.answered_at is not None and request.at > call.answered_at:
            continue
        answers = [m for m in messages if m.method == "INVITE" and m.status and m.branch == request.branch]
        final = next((m for m in answers if m.status is not None and m.status >= 200), None)
        if final is None:
            rang = any(m.status == 180 or m.status == 183 for m in answers)
            said.append(f"It went to {request.destination}, which {'rang and ' if rang else ''}never answered.")
            continue
        after = (final.at - request.at).total_seconds() * 1000
        said.append(
            f"It went to {request.destination}, which answered {final.status} {final.phrase} after {after:.0f} ms."
        )
    return tuple(said)


def _own_words(messages: list[Message]) -> tuple[str, ...]:
    """Answers of the edge's own."""
    return tuple(
        f"The edge itself answered the {m.method} with {m.status} ({m.phrase})."
        for m in messages
        if m.status is not None and not m.source
    )


def _end(call: Call) -> str:
    why = "" if call.reason is None else f" ({call.reason}): {EXPLAINED.get(call.reason, call.reason)}."
    match call.state:
        case State.STARTED:
            return "It is being tried, or rings."
        case State.ANSWERED:
            return "It stands."
        case State.LOST:
            return f"What became of it is not known{why}"
        case State.FAILED:
            return f"It was never answered, and ended with {call.code}{why}"
    assert call.ended_at is not None
    lasted = "" if call.answered_at is None else f" after {(call.ended_at - call.answered_at).total_seconds():.1f} s"
    return f"It was answered, and ended{lasted}{why}"
