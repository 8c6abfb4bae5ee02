"""10,000 damaged messages, over UDP and TCP, from the address of a carrier that is let in.

Nothing dies, nothing leaks, and what goes on to the agent is SIP as it should be."""

import contextlib
import os
import random
import re
import socket
import time
from pathlib import Path

import pytest

from tests.calls.edges import RunningEdge, number, running_edge, trunk
from tests.calls.edges import agent as agent_row
from tests.calls.mutations import ELSEWHERE, mutations
from tests.calls.phone import Agent, Call, Phone, sdp

OURS = "+34911234567"
UDP, TCP = 6_000, 4_000
METHODS = "INVITE ACK BYE CANCEL OPTIONS REGISTER INFO UPDATE PRACK REFER MESSAGE NOTIFY SUBSCRIBE".split()
#: More that shared memory may hold after a second round of the same: counters of seconds and minutes, no more.
GROWTH = 1 << 20


def corpus(edge: RunningEdge, phone: Phone, standing: Call) -> list[bytes]:
    """Each method outside a dialog and in one, and answers to it."""
    strange = Call(phone=phone, edge=edge.sip, uri=f"sip:{OURS}@{edge.sip[0]}:{edge.sip[1]}")
    messages = []
    for call in (strange, standing):
        for method in METHODS:
            body = sdp(phone.address[0]) if method in ("INVITE", "UPDATE", "ACK") else ""
            messages.append(
                call.text(method, f"z9hG4bK{method}", body=body, content="application/sdp", cseq=9).encode()
            )
    with Agent(phone.address[0]) as like:
        for status in (100, 183, 200, 302, 401, 407, 486, 500, 699):
            text = like.response(standing.answered, status, sdp(phone.address[0]), tag="x")
            messages.append(text.encode())
    return messages


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


def faults(data: bytes) -> list[str]:
    """What is wrong with a datagram that the edge has sent. It need not say its length (RFC 3261 section 18.3)."""
    head, end, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("utf-8", "surrogateescape").split("\r\n")
    names = [line.partition(":")[0].strip().lower() for line in lines if not line.startswith((" ", "\t"))]
    found = [f"{name} twice" for name in ("call-id", "cseq", "from", "to", "max-forwards") if names.count(name) > 1]
    if re.search(rb"\r[^\n]|[^\r]\n|\0", head):
        found.append("half a line end")
    found += [f"no {name}" for name in ("call-id", "cseq", "from", "to", "via") if name not in names]
    if not re.fullmatch(r"([A-Z]+ sips?:\S+ SIP/2\.0|SIP/2\.0 [1-6]\d\d [^\r\n]*)", first):
        found.append(f"first line {first!r}")
    if not end or len(data) > 20_000:
        found.append(f"{len(data)} bytes")
    lengths = [int(line.partition(":")[2]) for line in lines if line.lower().startswith(("content-length:", "l:"))]
    if lengths not in ([len(body)], []):
        found.append(f"Content-Length {lengths} of {len(body)}")
    return found


class Strict(Agent):
    """Refuses each call, and looks at each datagram."""

    def __init__(self, address: str) -> None:
        self.faults: list[tuple[list[str], bytes]] = []
        super().__init__(address)
        self.ringing = False

    def datagram(self, data: bytes) -> None:
        if found := faults(data):
            self.faults.append((found, data))


@pytest.mark.slow
def test_ten_thousand_damaged_messages_harm_nothing() -> None:
    seed = int(os.environ.get("CORDBOARD_TEST_SEED", random.randrange(1 << 32)))
    print("seed", seed)
    host, _, port = ELSEWHERE.rpartition(":")
    with (
        running_edge(trunk_max_inbound_calls=0) as edge,
        Strict("127.0.2.1") as ai,
        Phone("127.0.1.1") as carrier,
        Phone(host, int(port)) as elsewhere,
        socket.create_server((host, int(port))) as elsewhere_tcp,
    ):
        elsewhere_tcp.settimeout(0.1)
        edge.put(number(), trunk("trunk", "127.0.1.1/32"), agent_row(uri=f"sip:{{number}}@{ai.at}"))
        standing = carrier.call(edge.sip, OURS)
        assert standing.status == 200
        ai.answers = lambda invite: (486, "")
        before, left = processes(edge), []
        for turn in range(2):
            messages = list(mutations(corpus(edge, carrier, standing), UDP + TCP, seed + turn))
            by_udp(edge, carrier, messages[:UDP])
            by_tcp(edge, carrier, messages[UDP:], random.Random(seed))
            left.append(used(edge))
            assert processes(edge) == before
        assert not elsewhere.received, elsewhere.received[0]
        with pytest.raises(TimeoutError):
            elsewhere_tcp.accept()
        assert ai.calls, "some were whole enough to be calls"
        assert not ai.faults, ai.faults[0]
        ai.answers = lambda invite: (200, sdp("127.0.2.1"))
        call = carrier.call(edge.sip, OURS)
        assert call.status == 200
        assert call.hang_up() == 200
        assert left[1] - left[0] < GROWTH, left
        log = (edge.options.data / "kamailio.log").read_text(errors="replace")
        assert "CRITICAL" not in log
