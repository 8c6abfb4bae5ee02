"""TLS towards gateways and agents: who is at the other end is known before an INVITE goes there."""

import contextlib
import sqlite3
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from cordboard.domain.edge import hop_of_uri
from tests.calls import told
from tests.calls.certificates import Authority, edge_by_tls
from tests.calls.edges import RunningEdge, agent, data_directory, free_port, number, trunk
from tests.calls.phone import Call, Phone, sdp
from tests.calls.standing import until
from tests.calls.streams import StreamAgent

OURS, CALLED = "+34911234567", "+15125550100"
NAME = "sip.carrier.test"


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with data_directory() as folder:
        yield Authority(folder)


@pytest.fixture(scope="module")
def edge(authority: Authority) -> Iterator[RunningEdge]:
    with edge_by_tls(authority) as running:
        yield running


@pytest.fixture
def bot() -> Iterator[Phone]:
    with Phone("127.0.2.1", name="bot") as phone:
        yield phone


def routed(edge: RunningEdge, *gateways: StreamAgent, name: str = NAME, verify: bool = True) -> None:
    """Calls from the bot go to the first gateway by this name, to the others by their addresses and TLS."""
    edge.file.rebuild((), "test", edge.revision)
    edge.run(edge.edge.rpc.call("htable.flush", "down"))
    first, *others = gateways
    port = first.address[1]
    hops = [hop_of_uri(f"sip:{name}:{port};transport=tls", verify=verify)]
    hops += [hop_of_uri(f"sip:{other.at};transport=tls", verify=verify) for other in others]
    ranked = tuple(replace(hop, rank=rank) for rank, hop in enumerate(hops))
    edge.put(number(agent_out="agent"), trunk("trunk", "127.0.1.0/24", hops=ranked), agent(sources="127.0.2.1/32"))
    with contextlib.closing(sqlite3.connect(edge.folder / "edge.sqlite", timeout=5)) as connection, connection:
        connection.execute("delete from resolved")
        address = f"sip:{first.at};transport=tls"
        connection.execute("insert into resolved values(?,0,?)", (f"{name.lower()};{port};tls", address))


def gateway(address: str, context: ssl.SSLContext) -> StreamAgent:
    return StreamAgent(address, free_port(address), name=address, context=context)


def asked(phone: Phone) -> list[str]:
    """Methods of the requests that it got."""
    return [message.method for message in phone.received if message.status is None]


def test_a_gateway_gets_invites_once_it_has_shown_its_name(edge: RunningEdge, bot: Phone, authority: Authority) -> None:
    with gateway("127.0.1.1", authority.serving(NAME, NAME)) as there:
        routed(edge, there)
        for _ in range(3):
            call = bot.call(edge.sip, CALLED, caller=OURS)
            assert call.status == 200
            assert call.hang_up() == 200
        # ACK and BYE come from two processes
        assert sorted(asked(there)) == sorted(["OPTIONS"] + ["INVITE", "ACK", "BYE"] * 3), "one look at one connection"
        assert there.asked == [NAME], "SNI"
        assert all("SIP/2.0/TLS" in message.get("Via") for message in there.received)


@pytest.mark.parametrize(
    ("name", "common_name", "names"),
    [
        (NAME, "x", ("first.test", "second.test", NAME)),
        ("SIP.Carrier.Test", "x", (NAME,)),
        (NAME, "x", ("*.carrier.test",)),
        (NAME, NAME, ()),
    ],
)
def test_each_way_to_show_a_name(
    edge: RunningEdge, bot: Phone, authority: Authority, name: str, common_name: str, names: tuple[str, ...]
) -> None:
    with gateway("127.0.1.1", authority.serving(common_name, *names)) as there:
        routed(edge, there, name=name)
        assert bot.call(edge.sip, CALLED, caller=OURS).status == 200


@pytest.mark.parametrize(
    ("name", "common_name", "names"),
    [
        (NAME, NAME, ("another.test",)),
        ("a.sip.carrier.test", "x", ("*.carrier.test",)),
        ("carrier.test", "x", ("*.test", "*.carrier.test")),
        (NAME, "x", ("127.0.1.1",)),
        (NAME, "x", ("sip.carrier.test.evil.example", "evil-sip.carrier.test", "*", "*.test")),
    ],
)
def test_another_name_gets_no_invite(
    edge: RunningEdge, bot: Phone, authority: Authority, name: str, common_name: str, names: tuple[str, ...]
) -> None:
    with gateway("127.0.1.1", authority.serving(common_name, *names)) as there:
        routed(edge, there, name=name)
        assert bot.call(edge.sip, CALLED, caller=OURS).status == 503
        assert "503 tls-name" in edge.refusals()[-1]
        assert asked(there) == ["OPTIONS"]


def test_what_no_authority_of_ours_signed_gets_nothing(edge: RunningEdge, bot: Phone, authority: Authority) -> None:
    with data_directory() as folder:
        unknown = Authority(folder, "another").serving(NAME, NAME)
        for context in (unknown, authority.serving(NAME, NAME, expired=True)):
            with gateway("127.0.1.1", context) as there:
                routed(edge, there)
                assert bot.call(edge.sip, CALLED, caller=OURS).status == 503
                assert "503 tls-name" in edge.refusals()[-1]
                assert asked(there) == ["OPTIONS"]


@pytest.mark.proves("nebrija: advanced.tlsVerify")
def test_where_it_is_switched_off_anybody_is_taken_and_only_there(
    edge: RunningEdge, bot: Phone, authority: Authority
) -> None:
    with data_directory() as folder:
        unknown = Authority(folder, "another").serving("x", "y.test")
        with gateway("127.0.1.1", unknown) as there:
            routed(edge, there, verify=False)
            call = bot.call(edge.sip, CALLED, caller=OURS)
            assert call.status == 200
            assert call.hang_up() == 200
            # of two that follow each other so soon another process may have the first one
            assert there.wait(lambda m: m.method == "ACK")
            assert sorted(asked(there)) == ["ACK", "BYE", "INVITE"]
            # the connection still stands, and does not do for those who want a name
            routed(edge, there)
            assert bot.call(edge.sip, CALLED, caller=OURS).status == 503
            assert asked(there).count("INVITE") == 1


def test_the_next_gateway_is_looked_at_as_the_first(edge: RunningEdge, bot: Phone, authority: Authority) -> None:
    with (
        gateway("127.0.1.1", authority.serving("x", "wrong.test")) as wrong,
        gateway("127.0.1.2", authority.serving("x", "127.0.1.2")) as busy,
        gateway("127.0.1.3", authority.serving("x", "127.0.1.3")) as right,
    ):
        busy.answers, busy.ringing = (lambda invite: (503, "")), False
        routed(edge, wrong, busy, right)
        call = bot.call(edge.sip, CALLED, caller=OURS)
        assert call.status == 200
        assert call.hang_up() == 200
        assert asked(wrong) == ["OPTIONS"]
        assert asked(busy) == ["OPTIONS", "INVITE", "ACK"]
        assert right.wait(lambda m: m.method == "ACK")
        assert sorted(asked(right)) == ["ACK", "BYE", "INVITE", "OPTIONS"]


@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_what_was_set_for_one_gateway_is_not_there_for_the_next(
    edge: RunningEdge, bot: Phone, authority: Authority, kind: str
) -> None:
    with (
        gateway("127.0.1.1", authority.serving(NAME, NAME)) as busy,
        StreamAgent("127.0.1.2", free_port("127.0.1.2")) as second,
    ):
        busy.answers, busy.ringing = (lambda invite: (503, "")), False
        routed(edge, busy)
        first = hop_of_uri(f"sip:{NAME}:{busy.address[1]};transport=tls")
        hops = (first, replace(hop_of_uri(f"sip:{second.at};transport={kind}"), rank=1))
        edge.put(trunk("trunk", "127.0.1.0/24", hops=hops))
        for _ in range(3):
            call = bot.call(edge.sip, CALLED, caller=OURS)
            assert call.status == 200
            assert call.hang_up() == 200
            second.hang_up_connections()


def test_a_connection_that_ended_is_replaced_and_looked_at_again(
    edge: RunningEdge, bot: Phone, authority: Authority
) -> None:
    with gateway("127.0.1.1", authority.serving(NAME, NAME)) as there:
        routed(edge, there)
        assert bot.call(edge.sip, CALLED, caller=OURS).hang_up() == 200
        there.hang_up_connections()
        call = bot.call(edge.sip, CALLED, caller=OURS)
        assert call.status == 200
        # within the call, too
        there.hang_up_connections()
        time.sleep(0.3)  # what is sent before Kamailio has read the end of the connection is lost with it
        assert call.hang_up() == 200
        assert asked(there).count("OPTIONS") == 2
        assert there.asked == [NAME] * 3


def test_within_a_call_nobody_unknown_is_talked_to_either(edge: RunningEdge, bot: Phone, authority: Authority) -> None:
    with data_directory() as folder:
        with gateway("127.0.1.1", authority.serving(NAME, NAME)) as there:
            routed(edge, there)
            call = bot.call(edge.sip, CALLED, caller=OURS)
            assert call.status == 200
            port = there.address[1]
        unknown = Authority(folder, "another").serving(NAME, NAME)
        with StreamAgent("127.0.1.1", port, context=unknown) as thief:
            call.hang_up()
            assert thief.asked, "it was there"
            assert asked(thief) == []


def test_a_call_that_is_cancelled_while_it_waits_goes_nowhere(
    edge: RunningEdge, bot: Phone, authority: Authority
) -> None:
    with gateway("127.0.1.1", authority.serving(NAME, NAME)) as there:
        routed(edge, there)
        answering, there.heard = there.heard, lambda message, source: None  # type: ignore[method-assign]
        call = Call(phone=bot, edge=edge.sip, uri=f"sip:{CALLED}@127.0.0.1", caller=OURS)
        invite = call.text("INVITE", "z9hG4bKwaits", body=sdp("127.0.2.1"), content="application/sdp", cseq=1)
        bot.send(invite, edge.sip)
        question = there.wait(lambda m: m.method == "OPTIONS")
        assert question
        bot.send(call.text("CANCEL", "z9hG4bKwaits", cseq=1), edge.sip)
        assert bot.wait(lambda m: m.method == "INVITE" and m.status == 487)
        assert until(lambda: not edge.relays(call.id)), "media ports are given back"
        end = told.ended(edge, call.id)[2]
        assert (end.reason, end.code) == ("cancelled", 487)
        there.heard = answering  # type: ignore[method-assign]
        there.heard(question, next(event.peer for event in there.events if event.message is question))
        assert bot.call(edge.sip, CALLED, caller=OURS).status == 200
        assert len(there.calls) == 1


def test_an_agent_is_looked_at_as_a_gateway_is(edge: RunningEdge, carrier: Phone, authority: Authority) -> None:
    for names, expected in ((("127.0.2.4",), 200), (("other.test",), 503)):
        with gateway("127.0.2.4", authority.serving("x", *names)) as there:
            edge.put(number(), trunk("trunk", "127.0.1.1/32"), agent(uri=f"sip:{{number}}@{there.at};transport=tls"))
            call = carrier.call(edge.sip, OURS)
            assert call.status == expected
            if expected == 200:
                assert there.calls[0].first.startswith(f"INVITE sip:{OURS}@127.0.2.4")
                assert call.hang_up() == 200
            else:
                assert "503 tls-name" in edge.refusals()[-1]


def test_a_gateway_that_is_not_there_is_given_up_for_the_next(
    edge: RunningEdge, bot: Phone, authority: Authority
) -> None:
    with gateway("127.0.1.2", authority.serving("x", "127.0.1.2")) as second:
        with gateway("127.0.1.1", authority.serving(NAME, NAME)) as first:
            routed(edge, first, second)
        for _ in range(2):
            call = bot.call(edge.sip, CALLED, caller=OURS)
            assert call.status == 200
            assert call.hang_up() == 200
        took = [e.time for e in bot.events if e.message.method == "INVITE"]
        assert took[-1] - took[-4] < 2, "the second call knows of it"
