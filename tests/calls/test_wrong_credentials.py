"""Credentials that are wrong are challenged again, and told of as a refusal that says in what they are."""

import secrets
import time

import pytest

from cordboard.domain.calls import Refusal
from tests.calls import told
from tests.calls.accounts import account
from tests.calls.digest import ha1
from tests.calls.edges import RunningEdge, agent, number, trunk
from tests.calls.phone import Call, Message, Phone

pytestmark = pytest.mark.calls

OURS, GUARDED, CALLED, THEIRS = "+34911234567", "+34911234568", "+15125550100", "+34600111222"
AGENT, CARRIER, ALICE = ("bot", "agent-secret"), ("acme-trunk", "carrier-secret"), ("alice", "right")
SECRETS = ("secret", "guess", "response=")


@pytest.fixture
def edge(edge: RunningEdge) -> RunningEdge:
    """An agent, a carrier and an account, each with a password."""
    edge.file.rebuild((), "test", edge.revision)
    edge.put(
        number(OURS, agent=None, agent_out="agent"),
        number(GUARDED, trunk="guarded"),
        trunk("trunk", "127.0.1.0/24", gateways=("127.0.1.77:5060",)),
        trunk("guarded", "127.0.1.0/24", login=CARRIER[0], ha1=ha1(CARRIER[0], "cordboard", CARRIER[1])),
        agent("agent", login=AGENT[0], ha1=ha1(AGENT[0], "cordboard", AGENT[1])),
        agent("other", login="other", ha1=ha1("other", "cordboard", "other-secret")),
        account("alice"),
        account("bob"),
    )
    return edge


@pytest.mark.parametrize(
    ("source", "caller", "called", "given", "reason"),
    [
        ("127.0.2.9", OURS, CALLED, (AGENT[0], "guess"), "wrong-password"),
        ("127.0.2.9", OURS, CALLED, ("nobody", "guess"), "unknown-username"),
        ("127.0.2.9", OURS, CALLED, ("a b", "guess"), "unknown-username"),
        # that somebody else's username is there is not told
        ("127.0.2.9", OURS, CALLED, ("other", "guess"), "unknown-username"),
        ("127.0.2.9", OURS, CALLED, ("alice", "guess"), "unknown-username"),
        ("127.0.3.9", "alice", "102", ("bob", "guess"), "unknown-username"),
        ("127.0.1.9", THEIRS, GUARDED, ("other", "guess"), "unknown-username"),
        ("127.0.1.9", THEIRS, GUARDED, (CARRIER[0], "guess"), "wrong-password"),
        ("127.0.1.9", THEIRS, GUARDED, ("nobody", "guess"), "unknown-username"),
        ("127.0.3.9", "alice", "102", ("alice", "guess"), "wrong-password"),
        ("127.0.3.9", "nobody", "102", ("nobody", "guess"), "unknown-username"),
    ],
)
def test_wrong_ones_are_a_refusal_with_their_username(
    edge: RunningEdge, source: str, caller: str, called: str, given: tuple[str, str], reason: str
) -> None:
    with Phone(source) as phone:
        call = phone.call(edge.sip, called, caller=caller, credentials=given)
    assert call.status == 407
    refusal = told.refusal(edge, call.id)
    assert (refusal.code, refusal.reason, refusal.login) == (407, reason, given[0])
    assert (refusal.called, refusal.caller, refusal.offered) == (called, caller, "rtp")
    assert f"refused 407 {reason} source={source}" in edge.refusals()[-1]
    lines = repr(told.events(edge)) + repr(edge.refusals())
    assert not [word for word in SECRETS if word in lines]


def test_a_first_challenge_and_right_credentials_are_none(edge: RunningEdge) -> None:
    with Phone("127.0.2.9") as phone:
        challenged = phone.call(edge.sip, CALLED, caller=OURS)
        assert challenged.status == 407
        taken = phone.call(edge.sip, CALLED, caller=OURS, credentials=AGENT)
        assert taken.status == 503, "the gateway is not there"
        wrong = phone.call(edge.sip, CALLED, caller=OURS, credentials=(AGENT[0], "guess"))
    told.refusal(edge, wrong.id)
    assert not {call.id for call in (challenged, taken)} & {each.call_id for each in told.of(edge, Refusal)}


def test_a_nonce_that_was_used_before_is_no_refusal(edge: RunningEdge) -> None:
    with Phone("127.0.2.9") as phone, Phone("127.0.2.8") as again:
        first = phone.call(edge.sip, CALLED, caller=OURS, credentials=AGENT)
        used = next(e.message for e in phone.events if e.sent and e.message.get("Proxy-Authorization"))
        second = Call(phone=again, edge=edge.sip, uri=first.uri, caller=OURS)
        answer = second.request("INVITE", headers=f"Proxy-Authorization: {used.get('Proxy-Authorization')}\r\n")
        assert isinstance(answer, Message)
        assert answer.status == 407
        wrong = phone.call(edge.sip, CALLED, caller=OURS, credentials=(AGENT[0], "guess"))
    told.refusal(edge, wrong.id)
    assert second.id not in {each.call_id for each in told.of(edge, Refusal)}


def test_credentials_for_another_realm_say_so(edge: RunningEdge) -> None:
    header = (
        'Proxy-Authorization: Digest username="bot", realm="sip.elsewhere.example", nonce="x", '
        f'uri="sip:x", response="{secrets.token_hex(16)}"\r\n'
    )
    with Phone("127.0.2.9") as phone:
        call = phone.call(edge.sip, CALLED, caller=OURS, headers=header)
    assert call.status == 407
    refusal = told.refusal(edge, call.id)
    assert (refusal.code, refusal.reason) == (407, "wrong-realm")


def test_what_a_refusal_was_decided_by_is_kept_with_it(edge: RunningEdge) -> None:
    header = "P-Called-Party-ID: <sip:+34911999998@party.example>\r\n"
    with Phone("127.0.1.9") as phone:
        call = phone.call(
            *(edge.sip, "+34911999999"), host="edge.example", caller=THEIRS, to="sip:pilot@pbx.example", headers=header
        )
    refusal = told.refusal(edge, call.id)
    assert refusal.reason == "unknown-number"
    assert (refusal.host, refusal.caller_host) == ("edge.example", "127.0.1.9")
    assert (refusal.to, refusal.party) == ("pilot@pbx.example", "+34911999998@party.example")
    assert (refusal.offered, refusal.login) == ("rtp", "")


def test_of_one_source_no_more_than_ten_a_second_are_told(edge: RunningEdge) -> None:
    """Those of an agent that calls are counted by nobody else: no ban ends them."""
    with Phone("127.0.2.9") as phone:
        assert phone.call(edge.sip, CALLED, caller=OURS, credentials=AGENT).status == 503
        time.sleep(1 - time.time() % 1)
        second = int(time.time())
        made = [phone.call(edge.sip, CALLED, caller=OURS, credentials=(AGENT[0], "guess")) for _ in range(15)]
        took = int(time.time()) - second
    told.refusal(edge, made[0].id)
    time.sleep(0.5)
    kept = {each.call_id for each in told.of(edge, Refusal)} & {call.id for call in made}
    assert len(kept) <= 10 * (took + 1)
