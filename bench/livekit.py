"""LiveKit's own server beside ours: creating and finding a trunk as trunks grow, and when a call is answered.

LiveKit has no trunk by id but in a list; it is asked for those of one number, which is what it does itself for each
call. Calls go to a LiveKit that holds every number's trunk and rule, and through our edge, which holds the numbers, to
one that holds a trunk and a rule. Somebody is in the room already.
"""

import contextlib
import http.client
import json
import socket
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from livekit.api import AccessToken, SIPGrants
from livekit.protocol import sip

from bench import trunks
from bench.rounds import progress
from bench.rows import Row
from cordboard.domain.edge import AgentRow, NumberRow, TrunkRow
from cordboard.engines.edge.file import Put
from tests.calls.edges import EDGE_ADDRESS, RunningEdge, agent, number, running_edge, trunk
from tests.calls.phone import Address, Phone, sdp
from tests.livekit.room import Participant
from tests.livekit.servers import KEY, SECRET, LiveKit, NotBuilt, running_livekit

CARRIER = "127.0.1.1"
ROOM = "bench"
#: By which LiveKit knows the agent behind the edge.
AGENT = "agent-00000000-0000-4000-8000-000000000001"
CALLS = 20


class Theirs:
    """LiveKit with so many inbound trunks, each of one number with a rule."""

    def __init__(self, livekit: LiveKit, count: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", livekit.port, timeout=30)
        token = AccessToken(KEY, SECRET).with_sip_grants(SIPGrants(admin=True)).to_jwt()
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._count = count
        self._turn = 0

    def create(self) -> float:
        body = {"trunk": {"name": "Main office", "numbers": ["+34600000000"], "allowed_addresses": ["127.0.1.0/24"]}}
        took, made = self._timed("CreateSIPInboundTrunk", body)
        self._timed("DeleteSIPTrunk", {"sip_trunk_id": made["sip_trunk_id"]})
        return took

    def find(self) -> float:
        self._turn += 1
        took, found = self._timed("ListSIPInboundTrunk", {"numbers": [_number(self._turn * 7919 % self._count)]})
        assert len(found["items"]) == 1
        return took

    def _timed(self, method: str, body: Any) -> tuple[float, Any]:
        began = time.perf_counter()
        self._connection.request("POST", f"/twirp/livekit.SIP/{method}", json.dumps(body), self._headers)
        answer = self._connection.getresponse()
        told = answer.read()
        took = time.perf_counter() - began
        assert answer.status == 200, told
        return took, json.loads(told)


def measure(_client: ProcessPoolExecutor, quick: bool) -> Iterator[Row]:
    """Ours against LiveKit's, at each size. Nothing where LiveKit is not built."""
    sizes = trunks.SIZES[:2] if quick else trunks.SIZES
    with contextlib.ExitStack() as stack:
        try:
            many, one = (stack.enter_context(running_livekit(sip=True)) for _ in range(2))
        except NotBuilt as error:
            progress(str(error))
            return
        _provide(one, [(AGENT, sip.SIPInboundTrunkInfo(sip_trunk_id="ST_edge", allowed_addresses=[EDGE_ADDRESS]))])
        edge = stack.enter_context(running_edge())
        there = 0
        for size in sizes:
            progress(f"livekit: {size:,} trunks")
            _provide(many, [_of_a_number(n) for n in range(there, size)])
            _put(edge, one, there, size)
            there = size
            yield from _of_requests(many, size, trunks.REQUESTS // (10 if quick else 1))
            yield _of_calls(many, one, edge, size, CALLS // (4 if quick else 1))


def _of_requests(livekit: LiveKit, size: int, requests: int) -> Iterator[Row]:
    with trunks.ours(size) as ours:
        found = trunks.latencies({"ours": ours, "theirs": Theirs(livekit, size)}, requests)
    for operation in trunks.OPERATIONS:
        floor, measured = found["theirs"][operation], found["ours"][operation]
        name = f"{operation} a trunk, {size:,}, ours against LiveKit's"
        yield Row(name=name, floor=floor, measured=measured, unit="µs", budget=None)


def _of_calls(many: LiveKit, one: LiveKit, edge: RunningEdge, size: int, calls: int) -> Row:
    host, port = many.sip_at.split(":")
    taken: dict[Address, list[float]] = {(host, int(port)): [], edge.sip: []}
    with Participant(many, ROOM, 1000), Participant(one, ROOM, 1000), Phone(CARRIER) as phone:
        for turn in range(calls + 2):
            for place, times in taken.items():
                took = _answered_after(phone, place, _number(turn * 7919 % size))
                if turn >= 2:  # the first ones warm up
                    times.append(took * 1e3)
    floor, measured = map(statistics.median, taken.values())
    name = f"a call to a room, {size:,} numbers: through the edge, against LiveKit with a trunk for each"
    return Row(name=name, floor=floor, measured=measured, unit="ms", budget=None)


def _answered_after(phone: Phone, place: Address, called: str) -> float:
    began = time.perf_counter()
    call = phone.call(place, called, body=sdp(CARRIER))
    took = time.perf_counter() - began
    assert call.status == 200, call.answer
    call.hang_up()
    return took


def _number(index: int) -> str:
    return f"+3491{index:07}"


def _of_a_number(index: int) -> tuple[str, sip.SIPInboundTrunkInfo]:
    info = sip.SIPInboundTrunkInfo(sip_trunk_id=f"ST_{index:012}", numbers=[_number(index)], name="Main office")
    info.allowed_addresses.append("127.0.1.0/24")
    return "", info


def _provide(livekit: LiveKit, wanted: Sequence[tuple[str, sip.SIPInboundTrunkInfo]]) -> None:
    """Trunks, each with a rule, written to where LiveKit keeps them: by its API each takes longer than the last."""
    with socket.create_connection(("127.0.0.1", livekit.redis_port), 10) as redis, redis.makefile("rb") as answers:
        for called, info in wanted:
            room = sip.SIPDispatchRule(dispatch_rule_direct=sip.SIPDispatchRuleDirect(room_name=ROOM))
            rule = sip.SIPDispatchRuleInfo(
                sip_dispatch_rule_id=info.sip_trunk_id.replace("ST_", "SDR_"), rule=room, trunk_ids=[info.sip_trunk_id]
            )
            if called:
                rule.numbers.append(called)
            redis.sendall(_hset("sip_inbound_trunk", info.sip_trunk_id, info.SerializeToString()))
            redis.sendall(_hset("sip_dispatch_rule", rule.sip_dispatch_rule_id, rule.SerializeToString()))
            assert answers.readline()[:1] == answers.readline()[:1] == b":"


def _hset(key: str, field: str, value: bytes) -> bytes:
    parts = (b"HSET", key.encode(), field.encode(), value)
    return b"*4\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def _put(edge: RunningEdge, livekit: LiveKit, first: int, last: int) -> None:
    """Numbers with a trunk each, all answered by the agent in LiveKit."""
    rows: list[NumberRow | TrunkRow | AgentRow] = [agent(uri=f"sip:{AGENT}@{livekit.sip_at}")]
    for index in range(first, last):
        rows += [number(_number(index), trunk=f"trunk-{index}"), trunk(f"trunk-{index}", f"{CARRIER}/32")]
    edge.file.stage(Put(row) for row in rows)
    edge.revision += 1
    edge.file.commit(edge.revision)
