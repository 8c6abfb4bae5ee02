"""Who is heard: floods, scanners and guesses from elsewhere cost the calls of those who are known nothing."""

import contextlib
import multiprocessing
import random
import socket
import time
from collections.abc import Iterator

import pytest

from tests.calls.digest import credentials, ha1
from tests.calls.edges import RunningEdge, agent, number, running_edge, trunk
from tests.calls.mutations import mutations
from tests.calls.phone import Address, Agent, Call, Phone, sdp
from tests.calls.sipp import answering, place_calls
from tests.calls.standing import until

OURS, CALLED = "+34911234567", "+15125550100"
FLOOD_SECONDS = 12
FLOOD_RATE = 5000


@pytest.fixture
def guarded() -> Iterator[RunningEdge]:
    """An edge of its own: what is banned here hurts no other test."""
    with running_edge(ban_seconds=3) as edge:
        yield edge


def options(source: str, port: int, number: int, agent: str = "probe") -> bytes:
    return (
        f"OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {source}:{port};rport;branch=z9hG4bK{source}{number}\r\n"
        f"From: <sip:a@b>;tag={number}\r\nTo: <sip:x@127.0.0.1>\r\nCall-ID: {number}@{source}\r\n"
        f"CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nUser-Agent: {agent}\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def invite(source: str, port: int, number: int) -> bytes:
    return options(source, port, number).replace(b"OPTIONS", b"INVITE").replace(b"sip:x@", b"sip:+34911234567@")


#: Half a header, no header at all, and a response to nothing.
UNREADABLE = (b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP a:b;\r\n\r\n", bytes(range(256)), b"SIP/2.0 200 OK\r\n\r\n")


def flood(edge: Address, sources: list[str], rate: int, seconds: float, sent: "multiprocessing.Queue[int]") -> None:
    """That many messages a second in all, in turn from each of the sources, for so long."""
    sockets = []
    for source in sources:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((source, 0))
        made.connect(edge)
        port = made.getsockname()[1]
        texts = [options(source, port, 0), invite(source, port, 1), *UNREADABLE]
        sockets.append((made, texts))
    began, count = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        while count < passed * rate:
            made, texts = sockets[count % len(sockets)]
            with contextlib.suppress(ConnectionRefusedError):
                made.send(texts[count // len(sockets) % len(texts)])
            count += 1
        time.sleep(0.001)
    sent.put(count)


def heard(phone: Phone, edge: RunningEdge, seconds: float = 3.0) -> bool:
    """Whether an OPTIONS from there is answered."""
    count = time.monotonic_ns()
    phone.send(options(phone.address[0], phone.address[1], count).replace(b"sip:x@", b"sip:", 1), edge.sip)
    return phone.wait(lambda m: m.status == 200 and m.get("Call-ID").startswith(f"{count}@"), seconds) is not None


def shower(phone: Phone, edge: RunningEdge) -> None:
    """More messages than may be, even if they are read over three seconds."""
    for count in range(400):
        phone.send(options(phone.address[0], phone.address[1], count), edge.sip)


@pytest.mark.drill
@pytest.mark.parametrize("sources", [["127.0.9.1"], [f"127.0.9.{i}" for i in range(1, 11)]], ids=["one", "ten"])
def test_a_flood_from_elsewhere_costs_no_call_of_a_carrier(guarded: RunningEdge, sources: list[str]) -> None:
    """1,000 calls at 100 a second, with 5,000 messages a second from elsewhere, each source of which may call us."""
    guarded.put(number(), number("+34911111111", trunk="open"), trunk("trunk", "127.0.1.1"), trunk("open"))
    sent: multiprocessing.Queue[int] = multiprocessing.Queue()
    with answering("127.0.2.1", trace=False) as ai:
        guarded.put(agent(uri=f"sip:ai@{ai.at}"))
        assert place_calls(guarded.sip, [OURS]).failed == 0
        attack = multiprocessing.Process(target=flood, args=(guarded.sip, sources, FLOOD_RATE, FLOOD_SECONDS, sent))
        attack.start()
        try:
            result = place_calls(guarded.sip, [OURS] * 1000, rate=100)
        finally:
            attack.join()
    assert sent.get() > FLOOD_RATE * FLOOD_SECONDS * 0.8
    assert (result.calls, result.failed) == (1000, 0), result.log
    lines = (guarded.options.data / "kamailio.log").read_text()
    assert f"banned flood source={sources[0]}" in lines
    assert "banned flood source=127.0.1.1" not in lines


@pytest.mark.parametrize("sources", [1, 100])
def test_a_flood_of_what_is_no_sip_is_banned_and_fills_no_log(guarded: RunningEdge, sources: int) -> None:
    """Kamailio would write a kilobyte or two about each. Who bounds the log may be away."""
    log = guarded.options.data / "kamailio.log"
    rng = random.Random(5)
    with contextlib.ExitStack() as stack:
        senders = [stack.enter_context(Phone(f"127.0.9.{i + 100}")) for i in range(sources)]
        bot = stack.enter_context(Agent("127.0.2.1"))
        messages = list(mutations([options("127.0.9.9", 5060, 1), invite("127.0.9.9", 5060, 1)], 4000, 5))
        messages += [rng.randbytes(rng.randrange(1, 500)) for _ in range(2000)]
        for i, message in enumerate(messages):
            senders[i % sources].send(message, guarded.sip)
            if i % 50 == 0:
                time.sleep(0.01)
        assert log.stat().st_size < 100_000
        if sources == 1:
            assert "banned flood source=127.0.9.100" in log.read_text(errors="replace")
            assert not heard(senders[0], guarded, 0.3)
        guarded.put(number(), trunk("trunk", "127.0.1.1"), agent(uri=f"sip:ai@{bot.at}"))
        call = stack.enter_context(Phone("127.0.1.1")).call(guarded.sip, OURS)
        assert call.hang_up() == 200


def test_a_ban_is_short_and_can_be_taken_back(guarded: RunningEdge) -> None:
    with Phone("127.0.9.20") as noisy:
        assert heard(noisy, guarded)
        shower(noisy, guarded)
        assert not heard(noisy, guarded, 0.3)
        guarded.run(guarded.edge.rpc.call("htable.delete", "ban", "127.0.9.20"))
        time.sleep(1)
        assert heard(noisy, guarded)
        shower(noisy, guarded)
        assert not heard(noisy, guarded, 0.3)
        time.sleep(5)
        assert heard(noisy, guarded)


def test_a_carrier_in_use_is_not_counted(guarded: RunningEdge) -> None:
    guarded.put(number(), trunk("trunk", "127.0.1.1"), agent(uri="sip:ai@127.0.2.1:9"))
    with Agent("127.0.2.1") as ai, Phone("127.0.1.1") as carrier:
        guarded.put(agent(uri=f"sip:ai@{ai.at}"))
        assert carrier.call(guarded.sip, OURS).status == 200
        shower(carrier, guarded)
        assert heard(carrier, guarded)


@pytest.mark.parametrize("name", ["friendly-scanner", "sipvicious", "sipcli/v1.8", "VaxSIPUserAgent", "pplsip"])
def test_scanners_hear_nothing(guarded: RunningEdge, name: str) -> None:
    with Phone("127.0.9.30") as scanner:
        scanner.send(options("127.0.9.30", scanner.address[1], 1, name), guarded.sip)
        assert not scanner.wait(lambda m: True, 0.3)


def test_passwords_cannot_be_guessed_for_long() -> None:
    with running_edge(ban_seconds=60) as edge, Phone("127.0.9.40") as asks, Phone("127.0.9.41") as guesses:
        edge.put(
            number(agent_out="agent"),
            trunk("trunk", "127.0.1.1", gateways=("127.0.1.1:9",)),
            agent(login="someone", ha1=ha1("someone", "cordboard", "right")),
        )
        for _ in range(25):
            # to ask is no guess
            assert asks.call(edge.sip, CALLED, caller=OURS).status == 407
        for attempt in range(20):
            guess = ("someone", f"guess {attempt}")
            assert guesses.call(edge.sip, CALLED, caller=OURS, credentials=guess).status == 407
        assert heard(guesses, edge)
        last = guesses.call(edge.sip, CALLED, caller=OURS)
        assert last.answer
        guess = credentials(last.answer.get("Proxy-Authenticate"), "INVITE", last.uri, "someone", "the last guess")
        header = f"Proxy-Authorization: {guess}\r\n"
        last.answer = None
        guesses.send(last.text("INVITE", "z9hG4bKlast", headers=header, cseq=9), edge.sip)
        log = edge.options.data / "kamailio.log"
        assert until(lambda: "banned credentials source=127.0.9.41" in log.read_text())
        assert not heard(guesses, edge, 0.3)
        assert heard(asks, edge)


def at_once(phone: Phone, edge: RunningEdge, called: str, caller: str, count: int) -> list[Call]:
    """So many INVITEs without waiting for an answer."""
    host, port = edge.sip
    calls = [Call(phone=phone, edge=edge.sip, uri=f"sip:{called}@{host}:{port}", caller=caller) for _ in range(count)]
    offer = sdp(phone.address[0])
    for call in calls:
        phone.send(call.text("INVITE", f"z9hG4bK{call.tag}", body=offer, content="application/sdp", cseq=1), edge.sip)
    return calls


def finals_of(phone: Phone, calls: list[Call]) -> dict[str, int]:
    """The status that each was answered with, by Call-ID, once all were."""
    wanted = {call.id for call in calls}
    finals: dict[str, int] = {}
    deadline = time.monotonic() + 5
    while len(finals) < len(calls) and time.monotonic() < deadline:
        time.sleep(0.05)
        for message in phone.received:
            if message.method == "INVITE" and (message.status or 0) >= 200 and message.get("Call-ID") in wanted:
                finals[message.get("Call-ID")] = message.status or 0
    return finals


@pytest.mark.parametrize(("which", "limit"), [("trunk_max_calls", 5), ("tenant_max_calls", 5)])
def test_of_many_calls_at_once_exactly_as_many_as_may_pass(which: str, limit: int) -> None:
    with (
        running_edge(trunk_calls_per_second=0, tenant_calls_per_second=0, **{which: limit}) as edge,
        Agent("127.0.1.1", name="gateway") as gateway,
        Phone("127.0.2.1") as bot,
    ):
        edge.put(number(agent_out="agent"), trunk("trunk", gateways=(gateway.at,)), agent(sources="127.0.2.1/32"))
        calls = at_once(bot, edge, CALLED, OURS, 50)
        finals = finals_of(bot, calls)
        assert sorted(finals.values()) == [200] * limit + [503] * (50 - limit)
        assert len(gateway.calls) == limit
        # a call that ends makes room for another
        passed = next(call for call in calls if finals[call.id] == 200)
        passed.answer = next(m for m in bot.received if m.status == 200 and m.get("Call-ID") == passed.id)
        passed._cseq = 1
        passed._acknowledge(passed.answer, "")
        assert passed.hang_up() == 200
        assert until(lambda: bot.call(edge.sip, CALLED, caller=OURS).status == 200)
        assert bot.call(edge.sip, CALLED, caller=OURS).status == 503


@pytest.mark.parametrize("which", ["trunk", "tenant"])
def test_of_many_calls_in_a_second_as_many_begin_as_may(which: str) -> None:
    limits = {"trunk_calls_per_second": 0, "tenant_calls_per_second": 0} | {f"{which}_calls_per_second": 5}
    with (
        running_edge(**limits) as edge,
        Agent("127.0.1.1", name="gateway") as gateway,
        Phone("127.0.2.1") as bot,
    ):
        gateway.answers, gateway.ringing = (lambda invite: (486, "")), False
        edge.put(number(agent_out="agent"), trunk("trunk", gateways=(gateway.at,)), agent(sources="127.0.2.1/32"))
        time.sleep(1.0 - time.time() % 1.0)
        began = time.time()
        calls = [bot.call(edge.sip, CALLED, caller=OURS) for _ in range(20)]
        seconds = int(time.time()) - int(began) + 1
        begun = [call.status for call in calls].count(486)
        assert 5 <= begun <= 5 * seconds
        assert [call.status for call in calls].count(503) == 20 - begun
        assert f"503 {which}-calls-per-second" in edge.refusals()[-1] or seconds > 1
