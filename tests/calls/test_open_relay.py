"""A stranger gets nothing through the edge that is not a call to one of our numbers."""

import secrets
import socket
from collections.abc import Iterator

import pytest

from cordboard.domain.routing import Invite
from tests.calls.edges import RunningEdge, decide_path, number, trunk
from tests.calls.phone import Agent, Phone, sdp
from tests.calls.standing import connect, parties, stand

CALLED = "+34911234567"


@pytest.fixture
def victim() -> Iterator[Agent]:
    """A carrier that trusts the edge's address: what arrives there would be carried and charged."""
    with Agent("127.0.1.7", name="victim") as phone:
        yield phone


def forged(
    edge: RunningEdge,
    stranger: Phone,
    method: str,
    target: str,
    *,
    routes: str,
    tags: str,
    call_id: str,
    body: str = "",
) -> str:
    return (
        f"{method} sip:+390123456@{target} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {stranger.at};rport;branch=z9hG4bK{secrets.token_hex(8)}\r\n"
        f"{routes}{tags}Call-ID: {call_id}\r\nCSeq: 7 {method}\r\n"
        f"Contact: <sip:x@{stranger.at}>\r\nMax-Forwards: 70\r\n"
        + (f"Refer-To: <sip:+390123456@{target}>\r\n" if method == "REFER" else "")
        + ("Content-Type: application/sdp\r\n" if body else "")
        + f"Content-Length: {len(body)}\r\n\r\n{body}"
    )


@pytest.mark.parametrize("method", ["INVITE", "BYE", "REFER", "UPDATE", "MESSAGE", "INFO", "NOTIFY", "OPTIONS", "ACK"])
@pytest.mark.parametrize("routed_by", ["edge", "edge and victim", "nothing"])
def test_a_made_up_dialog_reaches_nobody(
    routed: RunningEdge, stranger: Phone, ai: Agent, victim: Agent, method: str, routed_by: str
) -> None:
    edge = f"{routed.sip[0]}:{routed.sip[1]}"
    routes = {
        "edge": f"Route: <sip:{edge};lr>\r\n",
        "edge and victim": f"Route: <sip:{edge};lr;ftag=a;did=1.2>,<sip:{victim.at};lr>\r\n",
        "nothing": "",
    }[routed_by]
    call_id = secrets.token_hex(8)
    text = forged(
        routed,
        stranger,
        method,
        victim.at,
        routes=routes,
        tags="From: <sip:a@b>;tag=a\r\nTo: <sip:c@d>;tag=b\r\n",
        call_id=call_id,
        body=sdp("127.0.1.9") if method in ("INVITE", "UPDATE") else "",
    )
    since = len(stranger.events)
    stranger.send(text, routed.sip)
    answer = stranger.wait(lambda m: (m.status or 0) >= 200, 0.3 if method == "ACK" else 3, since)
    if method == "ACK":
        assert answer is None, "dropped in silence"
    else:
        assert answer is not None
        assert answer.status == 481
    assert victim.wait(lambda m: True, 0.05) is None
    assert not ai.received
    assert not routed.relays(call_id)


def test_a_route_of_the_callers_is_not_followed(routed: RunningEdge, carrier: Phone, ai: Agent, victim: Agent) -> None:
    """An INVITE without a To-tag, loosely routed past us to somebody else."""
    edge = f"{routed.sip[0]}:{routed.sip[1]}"
    call = carrier.call(routed.sip, CALLED, headers=f"Route: <sip:{edge};lr>,<sip:{victim.at};lr>\r\n")
    assert call.status == 200
    assert not victim.received
    assert ai.calls[0].all("Route") == []
    call.hang_up()


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "INFO", "BYE"])
@pytest.mark.parametrize("more_routes", [False, True])
def test_a_party_of_a_call_cannot_send_its_requests_elsewhere(
    routed: RunningEdge, stranger: Phone, ai: Agent, victim: Agent, method: str, more_routes: bool
) -> None:
    """Who may call one of our numbers has a dialog with the edge; it leads to the agent and to nobody else."""
    routed.put(trunk())
    call = stranger.call(routed.sip, CALLED)
    answered = call.answered
    routes = "".join(f"Route: {route}\r\n" for route in reversed(answered.all("Record-Route")))
    text = forged(
        routed,
        stranger,
        method,
        victim.at,
        routes=routes + (f"Route: <sip:{victim.at};lr>\r\n" if more_routes else ""),
        tags=f"From: <sip:caller@{stranger.at}>;tag={call.tag}\r\nTo: {answered.get('To')}\r\n",
        call_id=call.id,
        body=sdp("127.0.1.9") if method == "INVITE" else "",
    )
    since = len(ai.events)
    stranger.send(text, routed.sip)
    arrived = ai.wait(lambda m: m.method == method, 3, since)
    assert arrived is not None
    assert arrived.first == f"{method} sip:agent@{ai.at} SIP/2.0"
    assert arrived.all("Route") == []
    assert not victim.received
    call.hang_up()


def test_a_number_of_ours_is_all_that_a_stranger_can_call(
    routed: RunningEdge, stranger: Phone, ai: Agent, victim: Agent
) -> None:
    routed.put(trunk(), number())
    for user, host in ((CALLED, victim.at), ("+390123456", victim.at), ("", victim.at)):
        call = stranger.call(routed.sip, user, host=host)
        assert call.status == (200 if user == CALLED else 404), "a foreign host does not matter, a foreign number does"
        if call.status == 200:
            call.hang_up()
    assert len(ai.calls) == 1
    assert not victim.received


def test_http_is_for_the_loopback_listener_and_sip_is_not(routed: RunningEdge) -> None:
    def says(port: int, what: str) -> bytes:
        with socket.create_connection(("127.0.0.1", port), 3) as tcp:
            tcp.settimeout(3)
            tcp.sendall(what.encode())
            try:
                return tcp.recv(4096)
            except ConnectionResetError:
                return b""

    asked = decide_path(Invite(source="127.0.1.1", user="3", host="x", offered="rtp"))
    http = f"GET {asked} HTTP/1.1\r\nHost: x\r\n\r\n"
    sip = (
        "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK1\r\n"
        "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n"
        "Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 9\r\nContent-Length: 0\r\n\r\n"
    )
    decide = routed.edge.ports.decide
    assert b"200 OK" in says(decide, http)
    assert says(decide, sip) == b""
    assert says(routed.sip[1], http) == b""
    assert b"SIP/2.0 200" in says(routed.sip[1], sip)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/RPC",
        "/decide",
        "/decide?source=127.0.1.1&user=zz&host=78&offered=rtp",
        "/decide?source=127.0.1.1&user=333&host=78&offered=rtp",
        "/decide?source=1';drop table number;--&user=33&host=78&offered=rtp",
        "/decide?source=127.0.1.1&user=33&host=78&offered=all",
        "/decide?user=33&source=127.0.1.1&host=78&offered=rtp",
        "/decide?source=127.0.1.1&user=33&host=78&caller=&caller_host=&login=&offered=rtp&x=1",
    ],
)
def test_anything_but_a_well_formed_question_is_404(routed: RunningEdge, path: str) -> None:
    with socket.create_connection(("127.0.0.1", routed.edge.ports.decide), 3) as tcp:
        tcp.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        tcp.settimeout(3)
        assert b" 404 " in tcp.recv(4096) or " " in path, "what is not even HTTP gets no answer"


def test_a_response_to_nothing_is_not_handed_on(routed: RunningEdge, stranger: Phone, victim: Agent) -> None:
    edge = f"{routed.sip[0]}:{routed.sip[1]}"
    stranger.send(
        f"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP {edge};branch=z9hG4bK1.0\r\n"
        f"Via: SIP/2.0/UDP {victim.at};branch=z9hG4bK2\r\n"
        "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
        routed.sip,
    )
    assert victim.wait(lambda m: True, 0.3) is None


@pytest.mark.parametrize("method", ["INVITE", "MESSAGE", "INFO", "UPDATE", "REFER", "BYE"])
@pytest.mark.parametrize("who", ["agent", "carrier"])
def test_a_party_of_an_outbound_call_reaches_the_other_one_alone(
    edge: RunningEdge, victim: Agent, method: str, who: str
) -> None:
    """Neither its request URI, with or without our own marks, nor its Routes, nor its Refer-To lead anywhere else."""
    with parties() as (carrier, ai):
        connect(edge, carrier, ai)
        standing = stand(edge, carrier, ai, "out")
        side = standing.agents if who == "agent" else standing.carriers
        other = standing.other(side)
        mark = side.uri if who == "carrier" else standing.caller.answered.contact
        text = side.text(method, f"z9hG4bK{secrets.token_hex(8)}", body=sdp(side.phone.address[0]), cseq=9)
        assert mark in text.splitlines()[0]
        text = text.replace(mark, f"sip:+390123456@{victim.at};{mark.partition(';')[2]}", 1)
        routes = f"Route: <sip:{victim.at};lr>\r\nMax-Forwards: 70\r\n"
        if method == "REFER":
            routes += f"Refer-To: <sip:+390123456@{victim.at}>\r\n"
        side.phone.send(text.replace("Max-Forwards: 70\r\n", routes), edge.sip)
        if (method, who) == ("REFER", "carrier"):
            assert side.phone.wait(lambda m: m.status == 603, 3)
        else:
            arrived = other.wait(lambda m: m.method == method and "9 " in m.get("CSeq") and m.status is None, 3)
            assert arrived is not None
            assert other.at in arrived.first
            assert arrived.all("Route") == []
            assert victim.at not in arrived.get("Refer-To")
        assert not victim.received


@pytest.mark.parametrize("method", ["INVITE", "BYE", "REFER", "INFO"])
def test_a_stranger_with_a_guessed_call_id_has_no_call(edge: RunningEdge, stranger: Phone, method: str) -> None:
    with parties() as (carrier, ai):
        connect(edge, carrier, ai)
        standing = stand(edge, carrier, ai, "out")
        before = len(carrier.received), len(ai.received)
        text = forged(
            edge,
            stranger,
            method,
            carrier.at,
            routes="",
            tags=f"From: <sip:a@b>;tag={standing.caller.tag}\r\nTo: <sip:c@d>;tag=guessed\r\n",
            call_id=standing.caller.id,
        )
        stranger.send(text, edge.sip)
        assert stranger.wait(lambda m: m.status == 481, 3)
        assert (len(carrier.received), len(ai.received)) == before
        assert standing.agents.hang_up() == 200
