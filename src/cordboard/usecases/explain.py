"""Why a call goes where it goes, or does not: the edge's own decision told step by step, with what would change it."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from cordboard.domain.agents import AgentId
from cordboard.domain.dialled import plain_user
from cordboard.domain.errors import NotFound, UnknownAgent, UnknownTrunk
from cordboard.domain.explain import Advice, Explanation, Judgement, Remedy, judgements
from cordboard.domain.lookups import AccountLookup, InboundLookup, Login, OutboundLookup
from cordboard.domain.reasons import CODES, Reason
from cordboard.domain.routing import Decision, Direction, Invite, in_networks
from cordboard.domain.tenants import TenantId
from cordboard.domain.trail import Trail
from cordboard.domain.trunks import Trunk, TrunkId
from cordboard.storage import agents, trunks
from cordboard.storage.transaction import Transaction
from cordboard.usecases import advice_callers, advice_numbers, advice_trunks
from cordboard.usecases.advice import Adviser, Case
from cordboard.usecases.around import Around, Made
from cordboard.usecases.ports import Deciding, Store

#: Challenges: the edge asks for credentials, and decides again with those that come.
_CHALLENGES: Final = ("trunk-credentials-required", "credentials-required", "login-required")
_ADVISERS: Final[dict[Reason, Adviser]] = {
    **advice_numbers.ADVISERS,
    **advice_trunks.ADVISERS,
    **advice_callers.ADVISERS,
}
#: What nothing needs to be looked up for.
_SAID: Final[dict[Reason, str]] = {
    "emergency-not-carried": "Short and emergency codes are never carried: call them by a telephone network.",
    "lookup-failed": "Look at the disk and the permissions of edge/edge.sqlite; a restart of `cordboard serve` makes "
    "the file anew if it is damaged.",
    "media-relay-unavailable": "Look into rtpengine.log. It is started again within seconds; if it goes on, the range "
    "of RTP ports may be too small.",
    "recording-impossible": "The caller's software makes the Call-ID: at most 200 bytes of it.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A call that might come. `invite` has neither login nor trunk proved: what is right of its credentials is here."""

    invite: Invite
    #: The username of credentials that come with it when they are asked for, and are right.
    login: str = ""
    #: Those are the credentials of the carrier whose trunk asks.
    trunk_proved: bool = False
    #: Whoever is asked for credentials answers with the right ones.
    trusted: bool = False
    #: They came and were wrong: how, and with which username.
    wrong: Reason | None = None
    username: str = ""


@dataclass(frozen=True, slots=True)
class Explainer:
    """Explains calls of one installation."""

    store: Store
    deciding: Deciding
    around: Around

    async def explain(self, question: Question, tenant: TenantId | None) -> Explanation:
        """Of a `tenant`'s view: what is another's is not there; None sees everything."""
        made = await self._decided(question, tenant)
        if question.wrong is not None:
            _wrong(question.wrong, question.username, made)
        trunk = None
        if made.decision.trunk:
            trunk = await self.store.read(partial(_trunk, id=TrunkId(made.decision.trunk)))
        if made.decision.accepted:
            await self.around.telephone(made)
        if made.decision.accepted:
            await self.around.limits(trunk, question.invite.offered, made)
        advice = Advice()
        if not made.decision.accepted:
            advice = await self.store.read(partial(_advised, tenant=tenant, question=question, made=made))
        told = judgements(made.trail, made.decision)
        if trunk is not None and tenant not in (None, trunk.tenant):
            told = _without_lists(told, made.decision.direction)
        judged, ban = await self.around.ban(question.invite.source, made, tenant)
        return Explanation(
            decision=made.decision,
            steps=told if judged is None else (judged, *told),
            advice=advice if ban is None else ban + advice,
            banned=ban is not None,
            notes=(*self.deciding.notes, *made.notes),
        )

    async def _decided(self, question: Question, tenant: TenantId | None) -> Made:
        """As call.cfg does it: credentials are looked at if they are asked for, and then it is decided anew."""
        trail = Trail()
        invite = replace(question.invite, login="", proved="")
        decision = await self.deciding.decide(invite, tenant, trail)
        if decision.reason not in _CHALLENGES:
            return Made(decision, trail)
        made = Made(decision, trail)
        # what was seen to be challenged was
        if decision.reason == "login-required" and question.wrong is None and not question.trusted:
            await self._extension_shown(invite, made)
            if made.decision is not decision:
                return made
        proof = await self._proof(question, decision, trail, tenant)
        if proof is None:
            if question.login:
                _wrong("unknown-username", question.login, made)
            return made
        invite = replace(invite, login=proof.get("login", ""), proved=proof.get("proved", ""))
        again = Trail()
        after = await self.deciding.decide(invite, tenant, again)
        if after.code != CODES["login-required"]:
            return Made(after, again)
        # right ones, but nothing that they open
        made = Made(after, again)
        made.step("credentials", "what the right credentials open", "nothing here", "caller-not-allowed")
        return made

    async def _proof(
        self, question: Question, decision: Decision, trail: Trail, tenant: TenantId | None
    ) -> dict[str, str] | None:
        """What right credentials prove where they are asked for; None if there are none, or somebody else's."""
        judged = trail.decisive(decision.reason)
        row = None if judged is None else judged.row
        shown = plain_user(question.invite.caller)
        if decision.reason == "trunk-credentials-required":
            wanted = judged.rules.login if judged is not None and judged.rules is not None else ""
            if question.trunk_proved or question.trusted or question.login == wanted:
                return {"proved": decision.trunk}
        if question.trusted:
            return {"login": row.login if isinstance(row, OutboundLookup) else shown}
        # what the trunk's carrier is asked for, an account may answer whose name stands in From as it is
        by_account = decision.reason == "login-required" or (
            isinstance(row, InboundLookup) and question.invite.caller == question.login
        )
        whose = await self.deciding.whose(question.login) if question.login else Login()
        if by_account:
            return {"login": question.login} if whose.tenant and tenant in (None, whose.tenant) else None
        return {"login": question.login} if await self._is_agent(whose.agent, tenant) else None

    async def _is_agent(self, agent: str, tenant: TenantId | None) -> bool:
        """An agent of that tenant's, or of anybody's if None."""
        if not agent or tenant is None:
            return bool(agent)
        try:
            await self.store.read(partial(agents.get, tenant=tenant, id=AgentId(agent)))
        except UnknownAgent:
            return False
        return True

    async def _extension_shown(self, invite: Invite, made: Made) -> None:
        """Whoever shows digits is asked for a password only where that account is; others hear of no such number."""
        name = plain_user(invite.caller)
        if not name.isdecimal():
            return
        judged = made.trail.decisive("login-required")
        if judged is not None and isinstance(judged.row, AccountLookup):
            row = judged.row
            own = in_networks(invite.source, row.allowed)
            if not row.restricted:
                own = await self.around.registered_from(name, invite.source, made)
            if own:
                return
        found = f"not where account {name} is: whoever shows digits is asked for a password there alone"
        made.step("account", invite.source, found, "unknown-number")
        made.decision = Decision(code=CODES["unknown-number"], reason="unknown-number")


def _wrong(reason: Reason, username: str, made: Made) -> None:
    """The challenge was answered, and not rightly."""
    asked = made.decision.reason
    if asked not in _CHALLENGES:
        return
    steps, judged = made.trail.steps, made.trail.judged
    last = max(place for place, step in enumerate(steps) if step.reason == asked)
    found = {
        "wrong-password": f"{username} came, with a wrong password",
        "unknown-username": f"{username} came, who is not meant",
        "wrong-realm": "credentials for another realm came",
    }
    steps[last] = replace(steps[last], found=found.get(reason, reason), reason=reason)
    made.trail.judged = [replace(each, reason=reason) if each.reason == asked else each for each in judged]
    made.decision = replace(made.decision, code=CODES[reason], reason=reason)


async def _advised(tx: Transaction, *, tenant: TenantId | None, question: Question, made: Made) -> Advice:
    reason = made.decision.reason
    if reason in _SAID:
        return Advice(remedies=(Remedy(says=_SAID[reason]),))
    adviser = _ADVISERS.get(reason)
    if adviser is None:
        return Advice()
    invite = replace(question.invite, login=question.login or question.username)
    case = Case(tenant=tenant, invite=invite, decision=made.decision, judged=made.trail.decisive(reason))
    try:
        return await adviser(tx, case)
    except NotFound as error:
        # it went while we looked, or the edge's file is not abreast of the store
        return Advice(nearest=(f"The edge still knows of what is gone: {error}.",))


#: What a trunk lists, or is told, or carries.
_OF_A_TRUNK: Final = (
    *("source-address", "listed-caller", "trunk-credentials", "destination", "gateway-address"),
    *("minutes", "calls-at-once", "gateway-health"),
)


#: An account's own addresses.
_OF_CALLERS: Final = (("out", "source-address"), ("internal", "source-address"))


def _without_lists(told: tuple[Judgement, ...], direction: Direction) -> tuple[Judgement, ...]:
    """What a trunk of the installation lists is not told to those who call through it; who calls out is on a list of
    its own."""
    return tuple(
        replace(step, looked_at="the trunk, which is not the tenant's own", found=step.outcome)
        if step.rule in _OF_A_TRUNK and step.outcome != "not-reached" and (direction, step.rule) not in _OF_CALLERS
        else step
        for step in told
    )


async def _trunk(tx: Transaction, *, id: TrunkId) -> Trunk | None:
    """None if it has gone, and the edge's file is not abreast of that."""
    try:
        return await trunks.get(tx, id)
    except UnknownTrunk:
        return None
