"""Events of the edge into the store: how many a second, and what they cost the writes beside them."""

import asyncio
import contextlib
import sqlite3
import statistics
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog
import uvloop

from bench import fill, servers
from bench.fill import Layout
from bench.rounds import progress
from bench.rows import Budget, Row
from cordboard.domain.numbers import NumberId
from cordboard.domain.tenants import Actor, TenantId
from cordboard.engines.edge import dialogs, events
from cordboard.engines.edge.file import EdgeFile
from cordboard.engines.edge.ingest import Ingest
from cordboard.storage.postgres import PostgresStore
from cordboard.storage.sqlite import SqliteStore
from cordboard.usecases.numbers import NumberPatch, update_number
from cordboard.usecases.ports import Store
from tests.postgres import running_server

#: Events a second of 200 calls a second.
FLOOR = 2800
NUMBERS = 10_000
#: Seconds between two writes whose time is taken.
PAUSE = 0.005
ENOUGH = Budget(bound="at least", value=1)
#: Of the time of a write while events come in as fast as they can, which they do only after the server was away.
BESIDE = Budget(value=10, of="measured")


def measure(_client: ProcessPoolExecutor, quick: bool) -> Iterator[Row]:
    """A row of speed and a row of waiting for each store."""
    calls = 2000 if quick else 20_000
    progress(f"events: {calls:,} calls")
    with servers.folder() as data:
        fill.sqlite(data / "store.sqlite", Layout(numbers=NUMBERS))
        yield from _rows("SQLite", *uvloop.run(_measured(data, calls, None)))
    with running_server() as cluster, cluster.database() as url, servers.folder() as data:
        fill.postgres(url, Layout(numbers=NUMBERS))
        yield from _rows("PostgreSQL", *uvloop.run(_measured(data, calls, url)))


def _rows(store: str, rate: float, alone: float, beside: float) -> Iterator[Row]:
    yield Row(name=f"events taken in, {store}", floor=FLOOR, measured=rate, unit="events/s", budget=ENOUGH)
    yield Row(
        name=f"a write beside them (95th percentile), {store}", floor=alone, measured=beside, unit="ms", budget=BESIDE
    )


async def _measured(data: Path, calls: int, url: str | None) -> tuple[float, float, float]:
    """Events a second; milliseconds of a write alone and while events come in."""
    _written(data, calls)
    async with _open(data, url) as store:
        alone = await _writes(store, asyncio.create_task(asyncio.sleep(2)))
        ingest = Ingest(data, "bench", store, structlog.get_logger())

        async def take() -> float:
            began = time.perf_counter()
            while await ingest.step():
                pass
            return ingest.taken / (time.perf_counter() - began)

        taking = asyncio.create_task(take())
        beside = await _writes(store, taking)
        return taking.result(), alone, beside


@contextlib.asynccontextmanager
async def _open(data: Path, url: str | None) -> AsyncIterator[Store]:
    store = SqliteStore(data / "store.sqlite") if url is None else await PostgresStore.open(url, connections=5)
    try:
        yield store
    finally:
        await store.close()


async def _writes(store: Store, until: asyncio.Task[float] | asyncio.Task[None]) -> float:
    """One write after the other until the task is done; milliseconds, the 95th percentile."""
    tenant = TenantId(fill.tenant_id(0))
    taken: list[float] = []
    while not until.done():
        began = time.perf_counter()
        await store.write(
            tenant,
            partial(
                update_number,
                who=Actor(name="bench", tenant=tenant),
                tenant=tenant,
                id=NumberId(fill.number_id(len(taken) * 7919 % NUMBERS)),
                patch=NumberPatch(nickname=f"Desk {len(taken)}"),
                now=datetime.now(UTC),
            ),
        )
        taken.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(PAUSE)
    return statistics.quantiles(taken, n=20)[-1]


def _written(data: Path, calls: int) -> None:
    """An edge's folder with the events of that many calls, as Kamailio writes them."""
    EdgeFile(data / "edge.sqlite").close()
    dialogs.prepare(data / "dialog.sqlite", -1, -1)
    events.prepare(data / "events.sqlite", -1, -1)
    with contextlib.closing(sqlite3.connect(data / "events.sqlite")) as file, file:
        told: list[tuple[int, str]] = []
        for number in range(calls):
            told += _call(f"bench-{number:x}", 1_795_000_000 + number / 200)
            if len(told) >= 1000 or number == calls - 1:
                for kind in (0, 1):
                    lines = [line for of, line in told if of == kind]
                    for first in range(0, len(lines), 100):
                        some = lines[first : first + 100]
                        body = "".join(f"{line}\n" for line in some)
                        file.execute("insert into event(class, lines, body) values (?,?,?)", (kind, len(some), body))
                told = []


def _call(id: str, at: float) -> list[tuple[int, str]]:
    """Fourteen events: a start, an answer, an end, seven messages, two sides' SDP, a try, and how it sounded."""
    times = [f"{at + step / 100:.6f}" for step in range(10)]
    texts = "|".join(text.encode().hex() for text in ("+34911234567", "+34600123456", f"{id}@192.0.2.1", "carrier"))
    who = "+34911234567|number-id|tenant-id|trunk-id|agent-id|version-id"
    invite, ack, bye = (method.encode().hex() for method in ("INVITE", "ACK", "BYE"))
    carrier, agent, branch = "192.0.2.1|5060|udp", "192.0.2.9|5060", "z9hG4bK1234.5678901234567890abcdef.0"
    return [
        (0, f"start|{id}|{times[0]}|in|{who}|rtp|{carrier}|{texts}|"),
        (1, f"request|{id}|{times[0]}|{invite}|{carrier}|{agent}|1|31|{branch}"),
        *((1, f"response|{id}|{times[1]}|{invite}|{agent}|udp|{code}|4f4b|31|{branch}") for code in (100, 180, 200)),
        (0, f"answer|{id}|{times[2]}"),
        (1, f"request|{id}|{times[3]}|{ack}|{carrier}|{agent}|1|31|{branch}"),
        (1, f"request|{id}|{times[8]}|{bye}|{carrier}|{agent}|1|32|{branch}"),
        (0, f"end|{id}|{times[8]}|hangup-caller|<null>"),
        (1, f"response|{id}|{times[9]}|{bye}|{agent}|udp|200|4f4b|32|{branch}"),
        *((1, f"said|{id}|{times[1]}|{side}|{SDP}") for side in ("caller", "callee")),
        (1, f"try|{id}|{times[0]}|{times[2]}|{times[1]}|sip:192.0.2.9:5060;transport=udp|192.0.2.9|200|"),
        (1, f"audio|{times[9]}|{b64encode(f'bench,{id},61 '.encode() + AUDIO).decode()}"),
    ]


def _stream(port: int, packets: int) -> str:
    """One of rtpengine's, bencoded."""
    address = "d6:family4:IPv47:address9:192.0.2.94:porti4000ee"
    return (
        f"d10:local porti{port}e13:local address9:127.0.0.16:family4:IPv48:endpoint{address}"
        f"19:advertised endpoint{address}"
        f"11:last packeti1795285538e5:flagsl3:RTP6:filled9:confirmed21:strict source addresse4:SSRCi{port}e"
        f"5:statsd7:packetsi{packets}e5:bytesi{172 * packets}e6:errorsi0eee"
    )


def _side(tag: str, port: int) -> str:
    return (
        f"1:{tag}d3:tag1:{tag}7:createdi1795285538e6:mediasld5:indexi1e4:type5:audio8:protocol7:RTP/AVP5:codec9:PCMU/8000"
        f"7:streamsl{_stream(port, 9000)}{_stream(port + 1, 30)}e5:flagsl11:initialized4:send4:recveeee"
    )


_HEARD = "d3:MOSi44e15:round-trip timei320e6:jitteri1e11:packet lossi0e7:samplesi30ee"
#: What rtpengine says when a call is over.
AUDIO = (
    f"d7:createdi1795285538e4:SSRCd4:4000d15:cumulative lossi0e11:average MOS{_HEARD}10:lowest MOS{_HEARD}ee"
    f"4:tagsd{_side('a', 4000)}{_side('b', 4002)}e6:result2:oke"
).encode()
SDP = b64encode(
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n"
    b"a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n"
).decode()
