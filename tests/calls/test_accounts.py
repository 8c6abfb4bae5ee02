"""Calls of accounts: to each other, outside by their tenant's trunk, and from outside to them."""

import secrets
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from cordboard.engines.edge.registrar import Registrar
from tests.calls.accounts import account, register
from tests.calls.baresip import Baresip
from tests.calls.digest import credentials
from tests.calls.edges import RunningEdge, number, trunk
from tests.calls.phone import Address, Agent, Call, Message, Phone, media, sdp
from tests.calls.standing import until
from tests.calls.streams import StreamAgent

OURS, CALLED = "+34911234567", "+15125550100"
ALICE = ("alice", "right")


@pytest.fixture
def alice(edge: RunningEdge) -> Iterator[Phone]:
    """Extension 101, which may call outside as +34911234567; not registered."""
    edge.file.rebuild((), "test", edge.revision)
    edge.run(edge.edge.rpc.call("htable.flush", "refused"))
    edge.put(
        account("alice", internal="101", name='Alice "A"', external="34911234567", allow_external=True),
        account("bob", internal="102"),
        account("eve", internal="103", tenant="another"),
    )
    with Phone("127.0.3.1", name="alice") as phone:
        yield phone


@pytest.fixture
def bob(edge: RunningEdge, alice: Phone) -> Iterator[Agent]:
    """Extension 102 of the same tenant, registered."""
    with Agent("127.0.3.2", name="bob") as phone:
        assert register(phone, edge, "bob").status == 200
        yield phone
        register(phone, edge, "bob", contact="*", expires=0)


@pytest.fixture
def gateway(edge: RunningEdge, alice: Phone) -> Iterator[Agent]:
    with Agent("127.0.1.1", name="gateway") as phone:
        edge.put(trunk("trunk", "127.0.1.0/24", gateways=(phone.at,)), number(agent=None))
        yield phone


class Ringing(Agent):
    """It rings until it is cancelled."""

    def heard(self, message: Message, source: Address) -> None:
        if message.method == "INVITE" and message.status is None:
            self.send(self.response(message, 180, tag="rings"), source)
        else:
            super().heard(message, source)


def from_bob(bob: Agent, edge: RunningEdge, invite: Message, call: Call) -> Call:
    """The dialog of that call as bob has it."""
    theirs = Call(phone=bob, edge=edge.sip, uri=invite.contact, id=call.id)
    sent = next(event.message for event in bob.events if event.sent and event.message.status == 200)
    theirs.tag, theirs.caller = sent.tag("To"), "bob"
    headers = (("To", invite.get("From")), ("Contact", f"<{invite.contact}>"))
    theirs.answer = Message("SIP/2.0 200 OK", headers + tuple(h for h in invite.headers if h[0] == "Record-Route"))
    return theirs


def test_an_account_calls_another_by_its_extension(edge: RunningEdge, alice: Phone, bob: Agent) -> None:
    assert alice.call(edge.sip, "102", caller="alice").status == 407
    call = alice.call(edge.sip, "102", caller="alice", credentials=ALICE)
    assert call.status == 200
    (invite,) = bob.calls
    assert invite.first == f"INVITE sip:bob@{bob.at} SIP/2.0"
    assert invite.get("From").startswith('"Alice A" <sip:101@127.0.0.1>;tag=')
    assert invite.get("To") == "<sip:102@127.0.0.1>"
    assert not invite.get("Proxy-Authorization")
    assert edge.relays(call.id)
    assert media(call.answered.body)[0][0] == media(invite.body)[0][0] == "127.0.0.1"
    assert call.hang_up() == 200
    assert bob.wait(lambda m: m.method == "BYE")
    assert until(lambda: not edge.relays(call.id))


def test_either_side_may_end_such_a_call(edge: RunningEdge, alice: Phone, bob: Agent) -> None:
    call = alice.call(edge.sip, "102", caller="alice", credentials=ALICE)
    (invite,) = bob.calls
    assert until(lambda: any(m.method == "ACK" for m in bob.received))
    theirs = from_bob(bob, edge, invite, call)
    bob_says = theirs.text("BYE", f"z9hG4bK{secrets.token_hex(8)}", cseq=7)
    bob.send(bob_says, edge.sip)
    assert alice.wait(lambda m: m.method == "BYE" and m.status is None)


def test_all_telephones_of_an_account_ring_and_one_takes_the_call(edge: RunningEdge, alice: Phone, bob: Agent) -> None:
    def after_a_moment(invite: Message) -> tuple[int, str]:
        time.sleep(0.3)
        return 200, sdp("127.0.3.2")

    bob.answers = after_a_moment
    with Ringing("127.0.3.3") as second:
        assert register(second, edge, "bob").status == 200
        call = alice.call(edge.sip, "102", caller="alice", credentials=ALICE)
        assert call.status == 200
        assert len(bob.calls) == len(second.calls) == 1
        assert second.wait(lambda m: m.method == "CANCEL")
        assert call.hang_up() == 200
        assert [m.method for m in second.received if m.method in ("ACK", "BYE")] == ["ACK"], "of its own 487"


def test_a_caller_that_gives_up_stops_the_ringing(edge: RunningEdge, alice: Phone) -> None:
    with Ringing("127.0.3.3") as bob:
        assert register(bob, edge, "bob").status == 200
        call = Call(phone=alice, edge=edge.sip, uri="sip:102@127.0.0.1", caller="alice")
        challenged = call.request("INVITE", body=sdp("127.0.3.1"))
        assert challenged
        proof = credentials(challenged.get("Proxy-Authenticate"), "INVITE", call.uri, *ALICE)
        call.answer = None
        header, branch = f"Proxy-Authorization: {proof}\r\n", f"z9hG4bK{secrets.token_hex(8)}"
        invite = call.text("INVITE", branch, body=sdp("127.0.3.1"), headers=header, content="application/sdp", cseq=2)
        alice.send(invite, edge.sip)
        assert alice.wait(lambda m: m.status == 180)
        alice.send(call.text("CANCEL", branch, cseq=2), edge.sip)
        assert bob.wait(lambda m: m.method == "CANCEL")
        assert alice.wait(lambda m: m.status == 487)
        assert until(lambda: not edge.relays(call.id))


@pytest.mark.parametrize(
    ("called", "refusal"),
    [
        ("102", "480 account-offline"),
        ("103", "404 unknown-extension"),
        ("105", "404 unknown-extension"),
        ("bob", "404 unknown-extension"),
        ("112", "403 emergency-not-carried"),
        ("0034911", "403 not-e164"),
        (CALLED, "403 caller-not-allowed"),
    ],
)
def test_what_an_account_cannot_call_is_refused_with_a_reason(
    edge: RunningEdge, alice: Phone, called: str, refusal: str
) -> None:
    call = alice.call(edge.sip, called, caller="alice", credentials=ALICE)
    assert f"{call.status}" == refusal.split()[0]
    assert until(lambda: refusal in edge.refusals()[-1])


def test_an_account_calls_outside_by_the_trunk_of_its_number(edge: RunningEdge, alice: Phone, gateway: Agent) -> None:
    call = alice.call(edge.sip, CALLED, caller="alice", credentials=ALICE)
    assert call.status == 200
    (invite,) = gateway.calls
    assert invite.first == f"INVITE sip:{CALLED}@{gateway.at} SIP/2.0"
    assert invite.get("From").startswith(f"<sip:{OURS}@127.0.1.1>")
    assert invite.get("P-Asserted-Identity") == f"<sip:{OURS}@127.0.1.1>"
    assert "alice" not in "".join(text for _, text in invite.headers)
    assert call.hang_up() == 200
    edge.put(account("alice", external="34911234567"))
    refused = alice.call(edge.sip, CALLED, caller="alice", credentials=ALICE)
    assert refused.status == 403
    assert "external-calls-not-allowed" in edge.refusals()[-1]


def test_an_account_shows_no_number_of_another_tenant(edge: RunningEdge, alice: Phone, gateway: Agent) -> None:
    edge.put(account("eve", tenant="another", external="34911234567", allow_external=True))
    assert alice.call(edge.sip, CALLED, caller="eve", credentials=("eve", "right")).status == 403
    assert not gateway.calls


def test_a_number_leads_to_an_account(edge: RunningEdge, bob: Agent, gateway: Agent, carrier: Phone) -> None:
    edge.put(replace(number(), account="id-bob"))
    call = carrier.call(edge.sip, OURS, caller="+34600000000")
    assert call.status == 200
    (invite,) = bob.calls
    assert invite.get("From").startswith("<sip:+34600000000@127.0.0.1>")
    assert call.hang_up() == 200
    register(bob, edge, "bob", contact="*", expires=0)
    assert carrier.call(edge.sip, OURS, caller="+34600000000").status == 480
    assert "account-offline" in edge.refusals()[-1]


def test_who_calls_by_a_name_must_be_that_account(edge: RunningEdge, alice: Phone, bob: Agent) -> None:
    """Names that are no account's, wrong passwords, and other accounts' are told from each other by nothing."""
    for name, guess in (
        ("alice", None),
        ("nobody", None),
        ("alice", ("alice", "wrong")),
        ("nobody", ("nobody", "wrong")),
        ("nobody", ("nobody2", "right")),
    ):
        assert alice.call(edge.sip, "102", caller=name, credentials=guess).status == 407, name
    assert alice.call(edge.sip, "102", caller="nobody", credentials=ALICE).status == 403
    assert alice.call(edge.sip, "102", caller="eve", credentials=ALICE).status == 403
    assert not bob.calls


def test_an_account_calls_from_its_addresses_alone(edge: RunningEdge, alice: Phone, bob: Agent) -> None:
    edge.put(account("alice", internal="101", restricted=True, allowed="127.0.3.9/32"))
    assert alice.call(edge.sip, "102", caller="alice").status == 407
    assert alice.call(edge.sip, "102", caller="alice", credentials=ALICE).status == 403
    assert "address-not-allowed" in edge.refusals()[-1]
    edge.put(account("alice", internal="101", restricted=True, allowed="127.0.3.0/30"))
    assert alice.call(edge.sip, "102", caller="alice", credentials=ALICE).status == 200


def test_a_telephone_behind_a_nat_is_called_by_the_way_that_it_came(edge: RunningEdge, alice: Phone) -> None:
    """Nothing leads to its Contact, and over TCP no connection can be made to it."""
    with StreamAgent("127.0.3.4", name="bob") as bob:
        bob._listener.close()
        bob.connect(edge.sip)
        bob.transport = "TCP"
        assert register(bob, edge, "bob", contact="<sip:bob@192.168.1.7:5060;transport=tcp>").status == 200
        answer = bob.response
        bob.response = lambda *a, **k: answer(*a, **k).replace(f"agent@{bob.at}", "bob@192.168.1.7:5060")  # type: ignore[method-assign]
        call = alice.call(edge.sip, "102", caller="alice", credentials=ALICE)
        assert call.status == 200
        assert until(lambda: any(m.method == "ACK" for m in bob.received))
        assert call.request("INVITE", body="")
        assert call.hang_up() == 200
        bob.hang_up_connections()
    assert until(lambda: alice.call(edge.sip, "102", caller="alice", credentials=ALICE).status == 480)


def test_a_short_number_is_asked_for_a_password_where_it_is_registered_alone(
    edge: RunningEdge, alice: Phone, bob: Agent
) -> None:
    edge.put(account("7001"))
    assert alice.call(edge.sip, "102", caller="7001").status == 404
    assert alice.call(edge.sip, "102", caller="7002").status == 404
    assert register(alice, edge, "7001").status == 200
    call = alice.call(edge.sip, "102", caller="7001", credentials=("7001", "right"))
    assert call.status == 200
    assert call.hang_up() == 200
    with Phone("127.0.3.8") as elsewhere:
        assert elsewhere.call(edge.sip, "102", caller="7001").status == 404


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_telephones_hear_each_other(edge: RunningEdge, alice: Phone, transport: str) -> None:
    """baresip registers, is called, calls, and has real audio."""
    registrar, at = Registrar(edge.edge), f"{edge.sip[0]}:{edge.sip[1]};transport={transport}"
    edge.run(registrar.unregister("bob", allowed=None))
    with (
        Baresip("127.0.3.5", 440, user="alice", registrar=at, password="right") as caller,
        Baresip("127.0.3.6", 1000, user="bob", registrar=at, password="right", answering=True) as called,
    ):
        assert until(lambda: len(edge.run(registrar.registrations(["alice", "bob"]))) == 2)
        (binding,) = edge.run(registrar.registrations(["bob"]))["bob"]
        assert (binding.user_agent or "").startswith("baresip")
        assert binding.received.endswith(";transport=tcp") == (transport == "tcp")
        caller.dial(f"sip:102@{at}")
        assert called.hears() == 440
        assert caller.hears() == 1000
        caller.hang_up()
        assert called.closed()
    edge.run(registrar.unregister("bob", allowed=None))
