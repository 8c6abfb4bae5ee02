"""What headers say on each side of a call: as little as the other side needs, and nothing of where anybody is."""

from collections.abc import Iterator

import pytest

from tests.calls.edges import RunningEdge, running_edge
from tests.calls.phone import Agent, Call, Message, Phone, sdp
from tests.calls.standing import OURS, THEIRS, Callee, Scripted, Standing, connect, parties, stand
from tests.calls.test_restarts import kill, settle

DIRECTIONS = pytest.mark.parametrize("direction", ["in", "out"])
#: What an agent's platform may well send, and no carrier should read.
INTERNAL = (
    "User-Agent: secret-agent/1.0 (10.1.2.3)\r\n"
    "Server: secret-agent\r\n"
    "X-Session: abc\r\n"
    "x-internal-host: 10.1.2.3\r\n"
    "P-Charging-Vector: icid-value=1;orig-ioi=10.1.2.3\r\n"
    "P-Asserted-Identity: <sip:+999@10.1.2.3>\r\n"
    "P-Preferred-Identity: <sip:+999@10.1.2.3>\r\n"
    "Remote-Party-ID: <sip:+999@10.1.2.3>;party=calling\r\n"
    "Diversion: <sip:+999@10.1.2.3>;reason=unconditional\r\n"
    "History-Info: <sip:+999@10.1.2.3>;index=1\r\n"
    'Warning: 399 10.1.2.3 "secret"\r\n'
    "Organization: secret\r\n"
    "Reply-To: <sip:me@10.1.2.3>\r\n"
    "Call-Info: <http://10.1.2.3/>;purpose=info\r\n"
    "Referred-By: <sip:me@10.1.2.3>\r\n"
)


@pytest.fixture
def both(edge: RunningEdge) -> Iterator[tuple[Scripted, Scripted]]:
    with parties() as (carrier, ai):
        connect(edge, carrier, ai)
        yield carrier, ai


def text(message: Message) -> str:
    return "\n".join([message.first, *(f"{name}: {value}" for name, value in message.headers), message.body])


def invite(phone: Agent) -> Message:
    return next(m for m in reversed(phone.received) if m.method == "INVITE" and not m.tag("To") and m.status is None)


# To the carrier.


def test_the_carrier_sees_the_number_and_its_own_host(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    carrier, ai = both
    call = ai.call(edge.sip, THEIRS, caller=OURS, headers=INTERNAL + "Subject: kept\r\n")
    assert call.status == 200
    seen = invite(carrier)
    assert seen.get("From") == f"<sip:{OURS}@127.0.1.1>;tag={call.tag}"
    assert seen.get("To") == f"<sip:{THEIRS}@127.0.1.1>"
    assert seen.all("P-Asserted-Identity") == [f"<sip:{OURS}@127.0.1.1>"]
    assert seen.get("Subject") == "kept"
    for word in ("10.1.2.3", "secret", "+999", "X-Session"):
        assert word not in text(seen)
    # the agent sees what it has said
    assert call.answered.get("From") == f"<sip:{OURS}@{ai.at}>;tag={call.tag}"
    assert call.answered.get("To").startswith(f"<sip:{THEIRS}@127.0.0.1:{edge.sip[1]}>;tag=")
    assert call.hang_up() == 200


@pytest.mark.parametrize("privacy", ["id", "user;id", "header"])
def test_an_agent_that_asks_for_privacy_is_anonymous_but_for_its_carrier(
    edge: RunningEdge, both: tuple[Scripted, Scripted], privacy: str
) -> None:
    """RFC 3323, RFC 3325 section 9.3: the carrier keeps P-Asserted-Identity to itself."""
    carrier, ai = both
    call = ai.call(edge.sip, THEIRS, caller=OURS, headers=f"Privacy: {privacy}\r\n")
    seen = invite(carrier)
    assert seen.get("From") == f'"Anonymous" <sip:anonymous@anonymous.invalid>;tag={call.tag}'
    assert seen.get("P-Asserted-Identity") == f"<sip:{OURS}@127.0.1.1>"
    assert seen.all("Privacy") == ["id"]
    assert call.hang_up() == 200
    bye = carrier.only("BYE")
    assert "anonymous.invalid" in bye.get("From")
    assert OURS not in text(bye)


def test_any_other_privacy_is_taken_away(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    carrier, ai = both
    call = ai.call(edge.sip, THEIRS, caller=OURS, headers="Privacy: none\r\n")
    assert not invite(carrier).all("Privacy")
    assert OURS in invite(carrier).get("From")
    assert call.hang_up() == 200


# To the agent.


def test_the_agent_sees_who_called_whom(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    carrier, ai = both
    call = carrier.call(
        edge.sip,
        OURS,
        caller=THEIRS,
        headers='P-Asserted-Identity: "Ann" <sip:+15125550100@127.0.1.1:5060;user=phone>, <tel:+15125550100>\r\n'
        "Diversion: <sip:+34900111222@127.0.1.1>;reason=user-busy\r\n"
        "Identity: eyJhbGciOiJFUzI1NiJ9.e30.c2ln;info=<https://cert.example.org/passport.cer>;alg=ES256\r\n"
        "X-Cordboard-Call-Id: forged\r\n"
        "X-Cordboard-Number: +666\r\nX-CORDBOARD-Tenant: other\r\nX-Carrier-Trace: 42\r\n"
        "User-Agent: SBC 9 (127.0.1.1)\r\nHistory-Info: <sip:+34900111222@127.0.1.1>;index=1\r\n",
    )
    assert call.status == 200
    seen = invite(ai)
    assert seen.get("From") == f"<sip:{THEIRS}@127.0.0.1>;tag={call.tag}"
    assert seen.get("To") == f"<sip:{OURS}@127.0.0.1>"
    assert seen.get("P-Asserted-Identity") == '"Ann" <sip:+15125550100@127.0.0.1;user=phone>, <tel:+15125550100>'
    assert seen.get("Diversion") == "<sip:+34900111222@127.0.0.1>;reason=user-busy"
    assert seen.get("Identity").endswith("info=<https://cert.example.org/passport.cer>;alg=ES256")
    assert seen.get("X-Carrier-Trace") == "42"
    assert seen.all("X-Cordboard-Number") == [OURS]
    (record,) = seen.all("X-Cordboard-Call-Id")
    assert record
    assert record != "forged"
    assert not seen.all("X-Cordboard-Tenant")
    assert not seen.all("User-Agent")
    assert not seen.all("History-Info")
    assert call.answered.get("From") == f"<sip:{THEIRS}@{carrier.at}>;tag={call.tag}"
    assert call.hang_up() == 200


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ('"Ann B." <sip:+15125550100@127.0.1.1>', '"Ann B." <sip:+15125550100@127.0.0.1>'),
        ("sip:+15125550100@127.0.1.1", "<sip:+15125550100@127.0.0.1>"),
        ("<sip:127.0.1.1>", "<sip:127.0.0.1>"),
        ('"Anonymous" <sip:anonymous@anonymous.invalid>', '"Anonymous" <sip:anonymous@anonymous.invalid>'),
        ("<tel:+15125550100>", "<tel:+15125550100>"),
    ],
)
def test_the_callers_name_is_kept_and_its_host_is_not(
    edge: RunningEdge, both: tuple[Scripted, Scripted], sent: str, seen: str
) -> None:
    carrier, ai = both
    call = Call(phone=carrier, edge=edge.sip, uri=f"sip:{OURS}@127.0.0.1")
    branch = f"z9hG4bK{call.tag}"
    offer = call.text("INVITE", branch, body=sdp("127.0.1.1"), content="application/sdp", cseq=1)
    answer = carrier.ask(offer.replace(f"<sip:anonymous@{carrier.at}>;tag", f"{sent};tag"), edge.sip, branch)
    assert answer is not None
    assert answer.status == 200
    assert invite(ai).get("From") == f"{seen};tag={call.tag}"
    assert answer.get("From") == f"{sent};tag={call.tag}"


# Neither side learns where the other is.


def whole_call(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str, *, restart: bool = False
) -> Standing:
    """A call in which everything is said that may be said, by both sides."""
    carrier, ai = both
    for phone in both:
        address = phone.address[0]
        tell = f"Server: it ({address})\r\nX-Where: {address}\r\nWarning: 399 {address} x\r\n"
        if phone is carrier:
            # the carrier's own words are the agent's to read
            tell = f"Server: it ({address})\r\nWarning: 399 {address} x\r\n"
        phone.script["INVITE"] = lambda m, a=address, t=tell: [  # type: ignore[misc]
            *([(183, sdp(a, 4002), t)] if not m.tag("To") else []),
            (200, sdp(a, 4002), t),
        ]
        for method in ("INFO", "UPDATE", "BYE"):
            phone.script[method] = lambda m, t=tell: [(200, "", t)]  # type: ignore[misc]
    sender = carrier if direction == "in" else ai
    standing = stand(edge, *both, direction, headers=f"User-Agent: it ({sender.address[0]})\r\n")
    if restart:
        settle()
        kill(edge)
    for side in (standing.caller, standing.callee):
        tell = f"User-Agent: it ({side.phone.address[0]})\r\n"
        for method in ("INFO", "UPDATE", "OPTIONS"):
            assert side.request(method, headers=tell) is not None
        answer = side.request("INVITE", body=sdp(side.phone.address[0]), headers=tell)
        assert answer is not None
        assert answer.status == 200
    assert standing.agents.hang_up() == 200
    return standing


def shows_nothing(both: tuple[Scripted, Scripted]) -> None:
    for phone, other in (both, both[::-1]):
        assert phone.received
        for message in phone.received:
            assert other.address[0] not in text(message), text(message)


@DIRECTIONS
def test_no_message_shows_where_the_other_side_is(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str
) -> None:
    whole_call(edge, both, direction)
    shows_nothing(both)


@pytest.mark.slow
@DIRECTIONS
def test_nor_after_a_restart(edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str) -> None:
    whole_call(edge, both, direction, restart=True)
    shows_nothing(both)


@DIRECTIONS
def test_refusals_and_cancels_show_nothing_either(
    edge: RunningEdge, both: tuple[Scripted, Scripted], direction: str
) -> None:
    carrier, ai = both
    caller, callee, ours, theirs = (carrier, ai, THEIRS, OURS) if direction == "in" else (ai, carrier, OURS, THEIRS)
    for status in (404, 486, 500, 603):
        where = callee.address[0]
        callee.script["INVITE"] = lambda m, s=status, w=where: [(s, "", f"Warning: 399 {w} x\r\nServer: {w}\r\n")]  # type: ignore[misc]
        assert caller.call(edge.sip, theirs, caller=ours).status in (status, 500, 503)
    shows_nothing(both)


@DIRECTIONS
def test_our_own_bye_shows_nothing(both: tuple[Scripted, Scripted], direction: str) -> None:
    with running_edge(media_timeout=1) as edge:
        connect(edge, *both)
        standing = stand(edge, *both, direction)
        assert "none came" not in standing.ended()
        shows_nothing(both)
        carriers = both[0].only("BYE")
        ours = f"<sip:{OURS}@127.0.1.1>" if direction == "out" else f"<sip:{OURS}@127.0.0.1:{edge.sip[1]}>"
        assert carriers.get("From").startswith(ours)


def test_a_carriers_proxies_stay_on_its_side(edge: RunningEdge, both: tuple[Scripted, Scripted]) -> None:
    """A call that comes through two proxies of the carrier's goes back through them."""
    carrier, ai = both
    with Scripted("127.0.1.1", name="proxy") as proxy:
        call = Call(phone=carrier, edge=edge.sip, uri=f"sip:{OURS}@127.0.0.1", caller=THEIRS)
        branch = f"z9hG4bK{call.tag}"
        routes = (
            "Via: SIP/2.0/UDP 127.0.1.6:5060;branch=z9hG4bKinner\r\n"
            f"Record-Route: <sip:{proxy.at};lr>\r\nRecord-Route: <sip:127.0.1.6:5060;lr>\r\n"
        )
        offer = call.text("INVITE", branch, body=sdp("127.0.1.1"), content="application/sdp", headers=routes, cseq=1)
        answer = carrier.ask(offer, edge.sip, branch)
        assert answer is not None
        assert answer.status == 200
        assert [via.split(";")[0] for via in answer.all("Via")][1:] == ["SIP/2.0/UDP 127.0.1.6:5060"]
        assert [route for route in answer.all("Record-Route") if "127.0.1" in route] == [
            f"<sip:{proxy.at};lr>",
            "<sip:127.0.1.6:5060;lr>",
        ]
        call.answer = answer
        assert "127.0.1." not in text(invite(ai))
        callee = standing_callee(ai, edge, call)
        callee.request("BYE")
        bye = proxy.only("BYE")
        assert bye.first.startswith(f"BYE sip:caller@{carrier.at}")
        assert ",".join(bye.all("Route")).replace(" ", "") == f"<sip:{proxy.at};lr>,<sip:127.0.1.6:5060;lr>"


def standing_callee(phone: Scripted, edge: RunningEdge, call: Call) -> Call:
    return Callee(phone, edge.sip, invite(phone))


@pytest.mark.parametrize(
    ("privacy", "told"), [("", True), ("Privacy: none\r\n", True), ("Privacy: id;critical\r\n", False)]
)
def test_who_wants_to_stay_unknown_does(
    routed: RunningEdge, carrier: Phone, ai: Agent, privacy: str, told: bool
) -> None:
    asserted = "P-Asserted-Identity: <sip:+34600000000@192.0.2.7>\r\n"
    assert carrier.call(routed.sip, "+34911234567", headers=asserted + privacy).status == 200
    assert ("+34600000000" in ai.calls[0].get("P-Asserted-Identity")) is told


def test_an_agent_learns_no_host_of_the_carriers(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    names = ("Remote-Party-ID", "Reply-To", "Call-Info", "Referred-By", "P-Preferred-Identity")
    headers = "".join(f"{name}: <sip:x@192.0.2.7>\r\n" for name in names)
    assert carrier.call(routed.sip, "+34911234567", headers=headers).status == 200
    assert "192.0.2.7" not in str(ai.calls[0])


def test_a_redirection_names_nobody(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    ai.ringing, ai.answers = False, lambda invite: (302, "")
    call = carrier.call(routed.sip, "+34911234567")
    assert call.answer
    assert (call.status, call.answer.get("Contact")) == (302, "")
