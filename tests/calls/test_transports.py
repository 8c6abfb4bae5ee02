"""SIP over UDP, TCP and TLS, over IPv4 and IPv6."""

import socket
import ssl
from collections.abc import Iterator

import pytest

from tests.calls.certificates import Authority
from tests.calls.edges import RunningEdge, agent, data_directory, free_port, number, running_edge, trunk
from tests.calls.phone import Agent, Call, Phone, media, sdp
from tests.calls.sipp import answering, place_calls
from tests.calls.streams import StreamAgent

CALLED = "+34911234567"


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with data_directory() as folder:
        yield Authority(folder)


@pytest.fixture(scope="module")
def edge(authority: Authority) -> Iterator[RunningEdge]:
    certificate, key = authority.issue("edge", "127.0.0.1")
    with running_edge(
        sip_listen=(f"127.0.0.1:{free_port()}", f"[::1]:{free_port('::1')}"),
        tls_listen=f"127.0.0.1:{free_port()}",
        tls_certificate=certificate,
        tls_key=key,
    ) as running:
        yield running


def test_a_caller_over_ipv6_is_judged_by_its_address(routed: RunningEdge, ai: Agent) -> None:
    port = int(routed.options.sip_listen[1].rpartition(":")[2])
    with Phone("::1", name="carrier") as carrier:
        assert carrier.call(("::1", port), CALLED, body=None).status == 403
        routed.put(trunk("trunk", "127.0.1.0/24", "::1/128"))
        call = carrier.call(("::1", port), CALLED, body=None)
        assert call.status == 200
        assert call.hang_up() == 200
    assert len(ai.calls) == 1


def test_a_call_goes_from_tcp_to_udp_and_back(routed: RunningEdge) -> None:
    routed.put(trunk())
    with answering("127.0.2.3") as uas:
        routed.put(agent(uri=f"sip:{{number}}@{uas.at}"))
        done = place_calls(routed.sip, [CALLED] * 5, transport="tcp", trace=True)
    assert (done.calls, done.failed) == (5, 0), done.log
    assert [message.first for message in done.trace if not message.sent].count("SIP/2.0 200 OK") == 10


def test_a_caller_over_tls_reaches_the_agent(routed: RunningEdge, ai: Agent, authority: Authority) -> None:
    routed.put(trunk())
    context = ssl.create_default_context(cafile=str(authority.certificate))
    address = ("127.0.0.1", int((routed.options.tls_listen or "").rpartition(":")[2]))
    with (
        Phone("127.0.1.1") as phone,
        socket.create_connection(address, 5) as tcp,
        context.wrap_socket(tcp, server_hostname="127.0.0.1") as tls,
    ):
        call = Call(phone=phone, edge=address, uri=f"sip:{CALLED}@127.0.0.1")
        text = call.text("INVITE", "z9hG4bKtls", body=sdp("127.0.1.1"), content="application/sdp", cseq=1)
        tls.sendall(text.replace("SIP/2.0/UDP", "SIP/2.0/TLS").encode())
        tls.settimeout(5)
        received = b""
        while b"SIP/2.0 200" not in received:
            received += tls.recv(65535)
    assert len(ai.calls) == 1


def test_an_invite_too_big_for_udp_goes_by_tcp_where_the_agent_has_it(routed: RunningEdge, carrier: Phone) -> None:
    with StreamAgent("127.0.2.5", free_port("127.0.2.5")) as ai:
        routed.put(agent(uri=f"sip:{{number}}@{ai.at}"))
        for padding, transport in ((1, "UDP"), (1400, "TCP")):
            call = carrier.call(routed.sip, CALLED, headers=f"Subject: {'x' * padding}\r\n")
            assert call.status == 200
            assert call.hang_up() == 200
            assert f"SIP/2.0/{transport}" in ai.calls[-1].get("Via")


def test_an_invite_too_big_for_udp_goes_by_udp_where_there_is_no_tcp(routed: RunningEdge, carrier: Phone) -> None:
    with Agent("127.0.2.6") as ai:
        routed.put(agent(uri=f"sip:{{number}}@{ai.at}"))
        for _ in range(2):
            call = carrier.call(routed.sip, CALLED, headers=f"Subject: {'x' * 1400}\r\n")
            assert call.status == 200
            assert call.hang_up() == 200
        sent = [e.time for e in carrier.events if e.sent and e.message.method == "INVITE"]
        answered = [e.time for e in carrier.events if e.message.status == 200 and e.message.method == "INVITE"]
        assert answered[-1] - sent[-1] < 2, "the second call knows of it"


def test_a_big_invite_goes_on_by_udp_to_the_next_gateway(routed: RunningEdge) -> None:
    with (
        StreamAgent("127.0.1.5", free_port("127.0.1.5")) as busy,
        Agent("127.0.1.6") as second,
        Phone("127.0.2.9") as bot,
    ):
        busy.answers, busy.ringing = (lambda invite: (503, "")), False
        gateways = (busy.at, second.at)
        routed.put(number(agent_out="agent"), trunk("trunk", "127.0.1.0/24", gateways=gateways))
        routed.put(agent(sources="127.0.2.9/32"))
        big = f"Subject: {'x' * 1400}\r\n"
        for _ in range(2):
            call = bot.call(routed.sip, "+15125550100", caller=CALLED, headers=big)
            assert call.status == 200
            assert call.hang_up() == 200
        assert {"TCP" in message.get("Via") for message in busy.calls} == {True}


def test_calls_out_by_ipv6(routed: RunningEdge) -> None:
    with Phone("::1", name="bot") as bot, Agent("::1", name="gateway") as gateway:
        routed.put(
            number(agent_out="agent"), trunk("trunk", "127.0.1.0/24", gateways=(gateway.at,)), agent(sources="::1/128")
        )
        port = int(routed.options.sip_listen[1].rpartition(":")[2])
        call = bot.call(("::1", port), "+15125550100", caller=CALLED)
        assert call.status == 200
        assert gateway.calls[0].first == f"INVITE sip:+15125550100@{gateway.at} SIP/2.0"
        assert media(gateway.calls[0].body)[0][0] == "::1"
        assert media(call.answered.body)[0][0] == "::1"
        assert call.hang_up() == 200


def test_an_agent_whose_name_does_not_exist_is_refused_soon(routed: RunningEdge, carrier: Phone) -> None:
    routed.put(agent(uri="sip:agent@does-not-exist.invalid"), number("+34911000001", agent="second"))
    call = carrier.call(routed.sip, CALLED)
    assert call.status == 480
    assert "480 agent-unreachable" in routed.refusals()[-1]
    took = carrier.events[-2].time - carrier.events[0].time
    assert took < 4
