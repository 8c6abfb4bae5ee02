"""The tests' own PostgreSQL: durable, and gone afterwards."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg
import pytest

from tests.postgres import Server

ROOT = Path(__file__).parent.parent


@pytest.mark.anyio
async def test_each_test_gets_a_database_of_its_own(postgres_url: str, empty_postgres_url: str) -> None:
    tables = "select count(*) from information_schema.tables where table_schema = 'public'"
    for url, has_tables in ((postgres_url, True), (empty_postgres_url, False)):
        connection = await asyncpg.connect(url)
        assert (await connection.fetchval(tables) > 0) is has_tables
        assert await connection.fetchval("show fsync") == "on"
        await connection.close()


def test_the_server_runs_as_nobody_special(postgres_server: Server) -> None:
    status = Path(f"/proc/{postgres_server.pid}/status").read_text()
    uid = int(status.split("Uid:")[1].split()[1])
    assert uid != 0
    assert os.geteuid() in (0, uid)


@pytest.mark.slow
def test_the_server_dies_with_a_test_run_that_is_killed() -> None:
    lines = "from tests.postgres import running_server\nwith running_server() as s: print(s.pid, flush=True); input()"
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)
        run = subprocess.Popen(
            [sys.executable, "-c", lines],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": directory},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with run:
            assert run.stdout is not None
            pid = int(run.stdout.readline())
            assert b"postgres" in _command(pid)
            run.kill()
        deadline = time.monotonic() + 30
        while _command(pid):
            assert time.monotonic() < deadline, f"PostgreSQL is still there, process {pid}"
            time.sleep(0.05)


def _command(pid: int) -> bytes:
    """Its command line, empty once it has ended and waits to be collected."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
