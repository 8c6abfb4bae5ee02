"""The native API's words for explanations."""

import shlex
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from cordboard.dialects.native.operation import PREFIX
from cordboard.dialects.native.wire import Body, text
from cordboard.domain.addresses import as_address
from cordboard.domain.calls import EXPLAINED, Call, Refusal
from cordboard.domain.explain import Explanation, Judgement, Outcome, Past, Remedy
from cordboard.domain.media import Offered
from cordboard.domain.routing import Invite
from cordboard.domain.trail import Rule
from cordboard.usecases.explain import Question


def _address(value: str) -> str:
    found = as_address(value)
    if found is None:
        raise ValueError("an IPv4 or IPv6 address")
    return str(found)


Address = Annotated[str, Field(max_length=64), AfterValidator(_address)]
Written = Annotated[str, Field(max_length=256), AfterValidator(text)]


class Explain(Body):
    """A call that might come: who calls whom, and from where.

    `from` and `to` are a number, a name, or `user@host`; `sip:` in front is left out.
    """

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    caller: Written = Field(default="", alias="from", description="From; '' shows nobody")
    called: Written = Field(alias="to", description="The request URI's user, or user@host")
    source: Address = Field(description="The address that the INVITE comes from")
    offer: Offered = Field(default="rtp", description="What its SDP offers; `other` is neither RTP nor SDES SRTP")
    to_header: Written = Field(default="", description="To, if it is not as the request URI")
    p_called_party_id: Written = Field(default="", description="P-Called-Party-ID")
    login: Written = Field(default="", description="Username of the right credentials that come when asked for")
    trunk_proved: bool = Field(default=False, description="They are those of the carrier whose trunk asks")
    tenant_id: UUID | None = Field(default=None, description="As this tenant sees it; null is everything one may see")

    def question(self) -> Question:
        user, host = _parted(self.called)
        caller, caller_host = _parted(self.caller)
        to, to_host = _parted(self.to_header or self.called)
        party, party_host = _parted(self.p_called_party_id)
        invite = Invite(
            source=self.source,
            user=user,
            host=host,
            caller=caller,
            caller_host=caller_host,
            to=to,
            to_host=to_host,
            party=party,
            party_host=party_host,
            offered=self.offer,
        )
        return Question(invite=invite, login=self.login, trunk_proved=self.trunk_proved)


def _parted(uri: str) -> tuple[str, str]:
    """User and host of `sip:user@host`, `user@host` or `user`."""
    scheme, colon, rest = uri.partition(":")
    if colon and scheme.lower() in ("sip", "sips", "tel"):
        uri = rest
    user, _, host = uri.rpartition("@")
    return (user, host) if user else (uri, "")


class StepShown(BaseModel):
    """One look: what was looked at, what was found, and whether the call went on.

    `no-match`: it was none of that kind, and was looked at as one of another. `not-reached`: it failed before.
    """

    rule: Rule
    outcome: Outcome
    looked_at: str
    found: str

    @classmethod
    def of(cls, step: Judgement) -> Self:
        return cls(rule=step.rule, outcome=step.outcome, looked_at=step.looked_at, found=step.found)


class RequestShown(BaseModel):
    """A request to this server."""

    method: str
    path: str
    body: dict[str, Any]


class RemedyShown(BaseModel):
    """A change after which the call gets further; words in capitals are the reader's to fill in.

    `commands` and `requests` say the same; `call` is what the caller would have to send instead.
    """

    says: str
    commands: list[str]
    requests: list[RequestShown]
    call: dict[str, str]

    @classmethod
    def of(cls, remedy: Remedy) -> Self:
        requests = [RequestShown(method=r.method, path=PREFIX + r.path, body=dict(r.body)) for r in remedy.requests]
        commands = [f"cordboard {shlex.join(command)}" for command in remedy.commands]
        return cls(says=remedy.says, commands=commands, requests=requests, call=dict(remedy.call))


class ExplanationShown(BaseModel):
    """What becomes of the call. `code` is null if it gets no answer at all; `failed` is the rule that it fails by."""

    accepted: bool
    code: int | None
    reason: str
    detail: str
    direction: Literal["inbound", "outbound", "internal"]
    failed: Rule | None
    steps: list[StepShown]
    #: What nearly fitted, the likeliest first.
    nearest: list[str]
    remedies: list[RemedyShown]
    #: What could not be looked at.
    notes: list[str]
    number: str | None
    number_id: str | None
    tenant_id: str | None
    trunk_id: str | None
    agent_id: str | None
    version_id: str | None
    account_id: str | None


class PastShown(BaseModel):
    """What became of a call or a refused INVITE.

    `happened` is in sentences, in order. `now` is what the edge would do with the same INVITE; of a call that was taken
    it is null if it would be taken again. `changed`: it would end otherwise now. `others` are the ids of what has the
    same Call-ID.
    """

    id: str
    kind: Literal["call", "refusal"]
    at: datetime
    caller: str
    called: str
    source: str
    call_id: str
    tenant_id: str | None
    code: int | None
    reason: str | None
    detail: str | None
    happened: list[str]
    changed: bool
    now: ExplanationShown | None
    nearest: list[str]
    remedies: list[RemedyShown]
    others: list[str]


def past(of: Call | Refusal, told: Past, others: list[str]) -> PastShown:
    return PastShown(
        id=of.id,
        kind="call" if isinstance(of, Call) else "refusal",
        at=of.started_at if isinstance(of, Call) else of.at,
        caller=of.caller,
        called=of.called,
        source=of.source,
        call_id=of.call_id,
        tenant_id=of.tenant or None,
        code=of.code,
        reason=of.reason,
        detail=None if of.reason is None else EXPLAINED.get(of.reason),
        happened=list(told.happened),
        changed=told.changed,
        now=None if told.now is None else explanation(told.now),
        nearest=list(told.advice.nearest),
        remedies=[RemedyShown.of(remedy) for remedy in told.advice.remedies],
        others=others,
    )


_DIRECTIONS: dict[str, Any] = {"in": "inbound", "out": "outbound", "internal": "internal"}
#: What is said of calls that no reason stands for.
_ACCEPTED = "the call is taken"
_BANNED = "the source is banned for a while: it gets no answer"


def explanation(told: Explanation) -> ExplanationShown:
    decision = told.decision
    notes = list(told.notes)
    if told.banned:
        notes.append(f"If it were heard, this would become of it: {decision.code} {decision.reason}.")
    return ExplanationShown(
        accepted=decision.accepted and not told.banned,
        code=None if told.banned else decision.code,
        reason="banned" if told.banned else decision.reason,
        detail=_BANNED if told.banned else EXPLAINED.get(decision.reason, _ACCEPTED),
        direction=_DIRECTIONS[decision.direction],
        failed=next((step.rule for step in told.steps if step.outcome == "failed"), None),
        steps=[StepShown.of(step) for step in told.steps],
        nearest=list(told.advice.nearest),
        remedies=[RemedyShown.of(remedy) for remedy in told.advice.remedies],
        notes=notes,
        number=decision.number or None,
        number_id=decision.number_id or None,
        tenant_id=decision.tenant or None,
        trunk_id=decision.trunk or None,
        agent_id=decision.agent or None,
        version_id=decision.version or None,
        account_id=decision.account or None,
    )
