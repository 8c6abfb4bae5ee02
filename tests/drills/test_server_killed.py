"""`kill -9` of the server under load: what was acknowledged is there afterwards."""

import asyncio
import json
import random
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.builders import fresh_number
from tests.processes import Server, call, cordboard, start

pytestmark = [pytest.mark.drill, pytest.mark.anyio]

KILLS = 20
WRITES = 100_000
WRITERS = 32


@dataclass
class Phone:
    """One phone and the writer that renames it: `sent` counts up, `acknowledged` follows."""

    id: str
    sent: int = 0
    acknowledged: int = 0


@dataclass
class Load:
    """Writers that rename their phones as fast as they are answered."""

    phones: list[Phone]
    key: str
    enough: int = 0
    acknowledged: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, port: int, phone: Phone) -> None:
        """Write until the server is gone."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            while True:
                phone.sent += 1
                writer.write(self._request(phone))
                status = await reader.readline()
                headers = await reader.readuntil(b"\r\n\r\n")
                length = next(h for h in headers.lower().split(b"\r\n") if h.startswith(b"content-length:"))
                await reader.readexactly(int(length.split(b":")[1]))
                assert status.startswith(b"HTTP/1.1 200"), status
                phone.acknowledged = phone.sent
                self.acknowledged += 1
                if self.acknowledged >= self.enough:
                    self.reached.set()
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    def _request(self, phone: Phone) -> bytes:
        body = json.dumps({"nickname": str(phone.sent)}).encode()
        head = (
            f"PATCH /v1/phone/{phone.id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self.key}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def test_no_acknowledged_write_is_lost_in_twenty_kills(tmp_path: Path) -> None:
    """At least 20 kills and 100,000 acknowledged writes; each phone shows its last one, or one sent after it."""
    server = start(tmp_path, "--no-edge", environment={"CORDBOARD_LOG_LEVEL": "warning"})
    try:
        server.wait()
        load = _prepare(server)
        for kill in range(KILLS):
            load.enough = WRITES * (kill + 1) // KILLS + random.randrange(200)
            load.reached.clear()
            port = int(server.url.rpartition(":")[2])
            writers = [asyncio.create_task(load.run(port, phone)) for phone in load.phones]
            await asyncio.wait_for(load.reached.wait(), 120)
            server.kill()
            await asyncio.gather(*writers)
            server = start(tmp_path, "--no-edge", environment={"CORDBOARD_LOG_LEVEL": "warning"})
            server.wait()
            _nothing_lost(load, server)
    finally:
        server.stop()
    assert load.acknowledged >= WRITES
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    print(f"{KILLS} kills, {load.acknowledged} acknowledged writes, none lost")


def _prepare(server: Server) -> Load:
    cordboard(server.data, "tenant", "create", "Acme")
    key = cordboard(server.data, "key", "create", "--tenant", "Acme").stdout.strip()
    phones = []
    for _ in range(WRITERS):
        status, phone = call("POST", f"{server.url}/v1/phone/import", key, {"phone_number": fresh_number()})
        assert status == 200
        phones.append(Phone(id=phone["id"]))
    return Load(phones=phones, key=key)


def _nothing_lost(load: Load, server: Server) -> None:
    for phone in load.phones:
        _, shown = call("GET", f"{server.url}/v1/phone/{phone.id}", load.key)
        stored = int(shown["nickname"] or 0)
        assert phone.acknowledged <= stored <= phone.sent, f"{phone} but stored {stored}"
        phone.acknowledged = phone.sent = stored
