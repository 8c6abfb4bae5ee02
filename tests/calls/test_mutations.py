"""10,000 damaged messages, over UDP and TCP: nothing dies, nothing leaks, and no damage is passed on.

What may reach the agent is `strays` and `faults`: SIP as it should be, from those who may call it."""

import contextlib
import random
import re
import secrets
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.calls.edges import RunningEdge, number, running_edge, trunk
from tests.calls.edges import agent as agent_row
from tests.calls.mutations import EACH, ELSEWHERE, mutations
from tests.calls.phone import Address, Agent, Call, Message, Phone, sdp
from tests.calls.standing import Scripted, until
from tests.chance import seed

OURS = "+34911234567"
#: In each of two rounds.
UDP, TCP = 3_000, 2_000
METHODS = "INVITE ACK BYE CANCEL OPTIONS REGISTER INFO UPDATE PRACK REFER MESSAGE NOTIFY SUBSCRIBE".split()
#: More that shared memory may hold after a second round of the same: counters of seconds and minutes, no more.
GROWTH = 1 << 20


def corpus(edge: RunningEdge, phone: Phone, standing: Call) -> list[bytes]:
    """Each method outside a dialog and in one, and answers to it."""
    strange = Call(phone=phone, edge=edge.sip, uri=f"sip:{OURS}@{edge.sip[0]}:{edge.sip[1]}", id=f"{EACH}@strange")
    messages = []
    for call in (strange, standing):
        for method in METHODS:
            body = sdp(phone.address[0]) if method in ("INVITE", "UPDATE", "ACK") else ""
            text = call.text(method, f"z9hG4bK{method}{EACH}", body=body, content="application/sdp", cseq=777)
            messages.append(text.replace("CSeq: 777", f"CSeq: {EACH}"))
    with Agent(phone.address[0]) as like:
        said = (100, 183, 200, 302, 401, 407, 486, 500, 699)
        messages += [like.response(standing.answered, status, sdp(phone.address[0]), tag="x") for status in said]
    # as many calls as anything else
    return [message.encode() for message in [messages[0]] * 12 + messages]


def by_udp(edge: RunningEdge, phone: Phone, messages: list[bytes]) -> None:
    sender = phone._socket
    for count, message in enumerate(messages):
        sender.sendto(message, edge.sip)
        if count % 20 == 0:
            time.sleep(0.01)


def by_tcp(edge: RunningEdge, phone: Phone, messages: list[bytes], rng: random.Random) -> None:
    """Several in a connection, some in pieces; a connection that was ended is made anew."""
    connection: socket.socket | None = None
    for message in messages:
        data = message.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP")
        for piece in (data[: len(data) // 2], data[len(data) // 2 :]) if rng.random() < 0.3 else (data,):
            with contextlib.suppress(OSError):
                if connection is None:
                    connection = socket.create_connection(edge.sip, 2, source_address=(phone.address[0], 0))
                    connection.settimeout(2)
                connection.sendall(piece)
                continue
            if connection is not None:
                connection.close()
            connection = None
        if connection is not None and rng.random() < 0.1:
            connection.close()
            connection = None
    if connection is not None:
        connection.close()


def processes(edge: RunningEdge) -> set[int]:
    """Kamailio's, all of them."""
    first = edge.edge.kamailio.process
    assert first is not None
    # the one that takes connections is started last
    with socket.create_connection(edge.sip, 5) as connection:
        connection.settimeout(5)
        # one that says the same as another that is still being looked at is dropped as its retransmission
        chance = secrets.token_hex(8)
        connection.sendall(
            f"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK{chance}\r\n"
            f"From: <sip:a@b>;tag=1\r\nTo: <sip:x>\r\nCall-ID: {chance}\r\nCSeq: 1 OPTIONS\r\n"
            "Content-Length: 0\r\n\r\n".encode()
        )
        assert connection.recv(100)
    return {first.pid, *map(int, Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split())}


def used(edge: RunningEdge) -> int:
    """Bytes of shared memory, once what was under way is over."""
    deadline, least = time.monotonic() + 15, 1 << 60
    while time.monotonic() < deadline:
        now = int(edge.run(edge.edge.rpc.call("core.shmmem"))["used"])
        standing = edge.run(edge.edge.rpc.call("tm.stats"))["current"]
        least = min(least, now)
        if standing == 0 and edge.run(edge.edge.calls()) <= 1:
            return now
        time.sleep(0.5)
    return least


#: RFC 3261 section 7.3.3.
SHORT = {"v": "via", "i": "call-id", "f": "from", "t": "to"}


def faults(data: bytes) -> list[str]:
    """What is wrong with a datagram that the edge has sent. It need not say its length (RFC 3261 section 18.3)."""
    head, end, body = data.partition(b"\r\n\r\n")
    unfolded = re.sub(rb"\r\n[ \t]+", b" ", head)
    first, *lines = unfolded.decode("utf-8", "surrogateescape").split("\r\n")
    names = [line.partition(":")[0].strip().lower() for line in lines]
    names = [SHORT.get(name, name) for name in names]
    found = [f"{name} twice" for name in ("call-id", "cseq", "from", "to", "max-forwards") if names.count(name) > 1]
    if re.search(rb"\r[^\n]|[^\r]\n|\0", head):
        found.append("half a line end")
    found += [f"no {name}" for name in ("call-id", "cseq", "from", "to", "via") if name not in names]
    if not re.fullmatch(r"([A-Z]+ sips?:\S+ SIP/2\.0|SIP/2\.0 [1-6]\d\d [^\r\n]*)", first):
        found.append(f"first line {first!r}")
    if not end or len(data) > 20_000:
        found.append(f"{len(data)} bytes")
    lengths = [line.partition(":")[2].strip() for line in lines if line.lower().startswith(("content-length:", "l:"))]
    # 1*DIGIT (RFC 3261 section 25.1): 00 is a length, too
    if lengths and not (len(lengths) == 1 and re.fullmatch(f"0*{len(body)}", lengths[0])):
        found.append(f"Content-Length {lengths} of {len(body)}")
    return found


class Strict(Scripted):
    """Looks at each datagram."""

    def __init__(self, address: str) -> None:
        self.faults: list[tuple[list[str], bytes]] = []
        super().__init__(address)
        self.ringing = False

    def datagram(self, data: bytes) -> None:
        if found := faults(data):
            self.faults.append((found, data))

    def strays(self, standing: Call) -> list[str]:
        """What came and was no call to our number, nothing about such a call, and nothing within the standing one."""
        begun = {invite.get("Call-ID") for invite in self.calls}
        known = {f"INVITE sip:{OURS}@{self.at} SIP/2.0"}
        return [
            message.first
            for message in self.received
            if message.status is not None
            or message.get("Call-ID") not in begun
            or (message.tag("To") == "" and message.method != "CANCEL" and message.first not in known)
            or (message.tag("To") and message.method != "ACK" and message.get("Call-ID") != standing.id)
        ]


#: What topoh makes of a Via of the caller's side, with whatever stands before it.
MASKED = re.compile(rb"\w{0,16}sr-[^;,\s]*")


class Garbled(Strict):
    """Answers each call with damage, but for what topoh has masked: bent in one way that ends Kamailio 5.6.3."""

    def __init__(self, address: str, chance: int) -> None:
        self.rng = random.Random(chance)
        self.said = 0
        super().__init__(address)

    def heard(self, message: Message, source: Address) -> None:
        if message.method != "INVITE" or message.status is not None:
            super().heard(message, source)
            return
        good = [
            self.response(message, status, sdp(self.address[0]), tag="x").encode()
            for status in (100, 180, 183, 200, 486)
        ]
        masked = set(MASKED.findall(good[0]))
        for damaged in mutations(good, 4, self.rng.randrange(1 << 32)):
            if set(MASKED.findall(damaged)) <= masked:
                self._deliver(damaged, source)
                self.said += 1


@contextlib.contextmanager
def elsewhere() -> Iterator[Phone]:
    """Who must not hear anything, by UDP or TCP."""
    host, _, port = ELSEWHERE.rpartition(":")
    with Phone(host, int(port)) as phone, socket.create_server((host, int(port))) as tcp:
        yield phone
        assert not phone.received, phone.received[0]
        tcp.settimeout(0.1)
        with pytest.raises(TimeoutError):
            tcp.accept()


def health(edge: RunningEdge) -> tuple[set[int], list[str]]:
    """Kamailio's processes, and what it has called CRITICAL so far."""
    log = (edge.options.data / "kamailio.log").read_text(errors="replace")
    # the dialog module's word for requests in an order that it does not know, and for an ACK and a BYE at once
    return processes(edge), [line for line in log.splitlines() if "CRITICAL" in line and "bogus " not in line]


def goes_on(edge: RunningEdge, carrier: Phone, before: tuple[set[int], list[str]]) -> None:
    """The same processes carry a good call."""
    call = carrier.call(edge.sip, OURS)
    assert call.status == 200
    assert call.hang_up() == 200
    assert health(edge) == before


@pytest.mark.slow
def test_ten_thousand_damaged_messages_of_a_carrier_harm_nothing() -> None:
    """The same number twice, to see what shared memory keeps."""
    chance = seed()
    with (
        elsewhere(),
        running_edge(trunk_max_inbound_calls=0) as edge,
        Strict("127.0.2.1") as ai,
        Strict("127.0.1.1") as carrier,
    ):
        edge.put(number(), trunk("trunk", "127.0.1.1/32"), agent_row(uri=f"sip:{{number}}@{ai.at}"))
        standing = carrier.call(edge.sip, OURS)
        assert standing.status == 200
        ai.answers = lambda invite: (486, "")
        before, left = health(edge), []
        for turn in range(2):
            messages = list(mutations(corpus(edge, carrier, standing), UDP + TCP, chance + turn))
            by_udp(edge, carrier, messages[:UDP])
            by_tcp(edge, carrier, messages[UDP:], random.Random(chance))
            left.append(used(edge))
        print("shared memory", left, "calls", len(ai.calls))
        assert len(ai.calls) > 100, "some were whole enough to be calls"
        assert not ai.faults, (len(ai.faults), ai.faults[:5])
        assert not ai.strays(standing)
        ai.answers = lambda invite: (200, sdp("127.0.2.1"))
        goes_on(edge, carrier, before)
        assert left[1] - left[0] < GROWTH, left


@pytest.mark.slow
def test_nothing_at_all_of_a_strangers_damaged_messages_is_passed_on() -> None:
    """It knows our number, and may call nobody. Bans are off, so that each message is looked at."""
    chance = seed()
    with (
        elsewhere(),
        running_edge(flood_messages=0) as edge,
        Strict("127.0.2.1") as ai,
        Strict("127.0.1.1") as carrier,
        Phone("127.0.4.1") as stranger,
    ):
        edge.put(
            number(agent_out="agent"),
            trunk("trunk", "127.0.1.1/32", gateways=(carrier.at,)),
            agent_row(uri=f"sip:{{number}}@{ai.at}", sources="127.0.2.1/32"),
        )
        standing = carrier.call(edge.sip, OURS)
        assert standing.status == 200
        assert ai.wait(lambda m: m.method == "ACK")
        heard, before = (len(ai.received), len(carrier.received)), health(edge)
        messages = list(mutations(corpus(edge, stranger, standing), 5_000, chance))
        # what only the two of them can know
        messages = [message for message in messages if standing.tag.encode() not in message]
        by_udp(edge, stranger, messages[1_000:])
        by_tcp(edge, stranger, messages[:1_000], random.Random(chance))
        assert (len(ai.received), len(carrier.received)) == heard
        goes_on(edge, carrier, before)


@pytest.mark.slow
def test_damaged_answers_harm_nothing_and_go_no_further() -> None:
    """Of an agent to 500 calls; those that get no answer for it are given up by their caller."""
    chance = seed()
    with (
        running_edge(trunk_max_inbound_calls=0) as edge,
        Garbled("127.0.2.2", chance) as garbled,
        Strict("127.0.2.1") as ai,
        Strict("127.0.1.1") as carrier,
    ):
        before = health(edge)
        edge.put(number(), trunk("trunk", "127.0.1.1/32"), agent_row(uri=f"sip:{{number}}@{garbled.at}"))
        calls = [Call(phone=carrier, edge=edge.sip, uri=f"sip:{OURS}@{edge.sip[0]}:{edge.sip[1]}") for _ in range(500)]
        # again, since of so many at once a datagram may be lost
        for _ in range(3):
            heard = {message.get("Call-ID") for message in carrier.received}
            for i, call in enumerate(calls):
                if call.id not in heard:
                    sdp_, branch = sdp("127.0.1.1"), f"z9hG4bKgarbled{i}"
                    carrier.send(call.text("INVITE", branch, body=sdp_, content="application/sdp", cseq=1), edge.sip)
                    time.sleep(0.005)
        for i, call in enumerate(calls):
            carrier.send(call.text("CANCEL", f"z9hG4bKgarbled{i}", cseq=1), edge.sip)
        assert until(lambda: garbled.said >= 1500, 20)
        assert {call.id for call in calls} <= {message.get("Call-ID") for message in carrier.received}
        assert any(message.status == 180 for message in carrier.received), "some were whole enough to be passed on"
        assert not carrier.faults, repr(carrier.faults[:5])
        # what it sent itself it may be told in an answer
        assert not [fault for fault in garbled.faults if not fault[1].upper().startswith(b"SIP/2.0")]
        edge.put(agent_row(uri=f"sip:{{number}}@{ai.at}"))
        goes_on(edge, carrier, before)


SIZES = {
    "a header of 60 kB": "X-Long: " + "x" * 60_000 + "\r\n",
    "60 kB of headers": "".join(f"X-{i}: {'y' * 50}\r\n" for i in range(1000)),
    "500 Vias": "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\n" * 500,
    "500 short Vias": "v:SIP/2.0/UDP a\r\n" * 500,
    "500 Vias in one": "v:SIP/2.0/UDP a" + ",SIP/2.0/UDP a" * 499 + "\r\n",
    "200 Record-Routes": "Record-Route: <sip:192.0.2.1;lr>\r\n" * 200,
}


@pytest.mark.parametrize("what", SIZES)
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_what_is_too_much_goes_no_further(edge: RunningEdge, transport: str, what: str) -> None:
    """Neither as a call, nor within one, nor as an answer."""
    with Strict("127.0.2.1") as ai, Strict("127.0.1.1") as carrier:
        edge.put(number(), trunk("trunk", "127.0.1.1/32"), agent_row(uri=f"sip:{{number}}@{ai.at}"))
        before = health(edge)
        standing = carrier.call(edge.sip, OURS)
        assert standing.status == 200
        assert ai.wait(lambda m: m.method == "ACK")
        heard = len(ai.received)
        strange = Call(phone=carrier, edge=edge.sip, uri=f"sip:{OURS}@{edge.sip[0]}:{edge.sip[1]}")
        for call, method in ((strange, "INVITE"), (standing, "INFO")):
            data = call.text(method, f"z9hG4bK{method}much", headers=SIZES[what], cseq=9).encode()
            if transport == "TCP":
                by_tcp(edge, carrier, [data], random.Random(2))
            else:
                by_udp(edge, carrier, [data])
        time.sleep(0.3)
        assert len(ai.received) == heard
        assert standing.request("INFO"), "the call goes on"
        ai.script["INVITE"] = lambda invite: [(200, sdp("127.0.2.1"), SIZES[what])]
        asking = Call(phone=carrier, edge=edge.sip, uri=strange.uri)
        text = asking.text("INVITE", "z9hG4bKanswered", body=sdp("127.0.1.1"), content="application/sdp", cseq=1)
        carrier.send(text, edge.sip)
        assert ai.wait(lambda m: m.method == "INVITE" and m.get("Call-ID") == asking.id)
        time.sleep(0.3)
        carrier.send(asking.text("CANCEL", "z9hG4bKanswered", cseq=1), edge.sip)
        final = carrier.wait(
            lambda m: m.get("Call-ID") == asking.id and m.method == "INVITE" and (m.status or 0) >= 200
        )
        assert final
        assert final.status == 487
        assert not ai.faults + carrier.faults
        ai.script.clear()
        goes_on(edge, carrier, before)


@pytest.mark.parametrize("status", [0, 99, 700, 999])
def test_an_answer_with_a_status_that_there_is_not_goes_no_further(edge: RunningEdge, status: int) -> None:
    """RFC 3261 section 21 has 100 to 699. The call goes on by the answer that follows."""
    with Strict("127.0.2.1") as ai, Strict("127.0.1.1") as carrier:
        edge.put(number(), trunk("trunk", "127.0.1.1/32"), agent_row(uri=f"sip:{{number}}@{ai.at}"))
        before = health(edge)
        ai.script["INVITE"] = lambda invite: [(status, "", ""), (200, sdp("127.0.2.1"), "")]
        call = carrier.call(edge.sip, OURS)
        assert call.status == 200
        assert not [message for message in carrier.received if message.status == status]
        assert call.hang_up() == 200
        ai.script.clear()
        goes_on(edge, carrier, before)


#: What Kamailio 5.6.3 does not outlive where it follows CSeq numbers: it looks for its mark in each reply, of whomever,
#: before any route of ours.
DEADLY = {
    "no CSeq": ("z9hG4bKx", ""),
    "a CSeq below the header": ("z9hG4bKx", "Content-Length: 15\r\n\r\nCSeq: 1 INVITE\r\n"),
    "a CSeq on a folded line": ("z9hG4bKx", "X-Folded: a\r\n CSeq: 1 INVITE\r\n"),
    "a branch of two characters": ("z9", "CSeq: 1 INVITE\r\n"),
    "a branch of one character": ("z", "CSeq: 1 INVITE\r\n"),
    "a short branch after a long one": ("z9hG4bKx;branch=z9", "CSeq: 1 INVITE\r\n"),
    "a short branch in quotes": ('"z9h"', "CSeq: 1 INVITE\r\n"),
    "a short branch with spaces": (" z9 ", "CSeq: 1 INVITE\r\n"),
    "a short branch on a folded line": ("\r\n z9", "CSeq: 1 INVITE\r\n"),
    "a short branch behind a NUL": ("z9", ""),
    "a short branch in a Via of one letter": ("z9", "CSeq: 1 INVITE\r\n"),
    "empty lines in front": ("z9", "CSeq: 1 INVITE\r\n"),
}


@pytest.mark.parametrize("vias", [1, 2])
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
@pytest.mark.parametrize("what", DEADLY)
def test_a_reply_that_ends_kamailio_is_not_heard(edge: RunningEdge, what: str, transport: str, vias: int) -> None:
    """Of a stranger."""
    branch, rest = DEADLY[what]
    via = f"Via: SIP/2.0/{transport} 127.0.0.1;branch={branch}\r\n"
    reply = f"SIP/2.0 200 OK\r\n{via * vias}From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: x\r\n{rest}"
    if "NUL" in what:
        reply = reply.replace("\r\nVia", "\r\nCSeq: 1 INVITE\r\nSubject: a\0b\r\nVia", 1)
    if "letter" in what:
        reply = reply.replace("\r\nVia", "\r\nv")
    reply = reply if "\r\n\r\n" in reply else f"{reply}Content-Length: 0\r\n\r\n"
    with Strict("127.0.2.1") as ai, Strict("127.0.1.1") as carrier, Phone("127.0.4.1") as stranger:
        edge.put(number(), trunk("trunk", "127.0.1.1/32"), agent_row(uri=f"sip:{{number}}@{ai.at}"))
        before = health(edge)
        if transport == "UDP":
            by_udp(edge, stranger, [(("\r\n" if "front" in what else "") + reply).encode()])
        else:
            by_tcp(edge, stranger, [reply.encode()], random.Random(1))
        time.sleep(0.05)
        goes_on(edge, carrier, before)
