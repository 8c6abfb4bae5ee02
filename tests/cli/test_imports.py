"""Commands of numbers, agents and keys against a running server; imports during which it is killed, or the command."""

import contextlib
import json
import re
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import Server as Postgres
from tests.processes import COMMAND, Server, call, cordboard, serving, start
from tests.stores import BOTH

pytestmark = pytest.mark.slow

ROWS = 20_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("data"), "--no-edge", ready="/readyz") as running:
        furnish(running.data)
        yield running


def furnish(data: Path) -> None:
    cordboard(data, "tenant", "create", "Acme")
    cordboard(data, "trunk", "create", "--tenant", "Acme", "--name", "Carrier")
    cordboard(data, "agent", "create", "--tenant", "Acme", "--name", "Support", "--sip-uri", "sip:a@127.0.2.1")


def write(path: Path, first: int, count: int, *, bad: int | None = None) -> Path:
    """A CSV of that many numbers; a `bad` row has none, and a line end in a cell."""
    lines = [f'+3460{first + n:07d},"Desk, {n}"\n' if n != bad else 'none,"Desk\n1"\n' for n in range(count)]
    path.write_text("number,nickname\n" + "".join(lines))
    return path


def choices(*more: str) -> tuple[str, ...]:
    return ("--tenant", "Acme", "--trunk", "Carrier", "--agent", "Support", *more)


def test_a_file_is_checked_then_imported_and_its_report_written(server: Server, tmp_path: Path) -> None:
    file, report = write(tmp_path / "numbers.csv", 0, 1200, bad=700), tmp_path / "report.ndjson"
    checked = cordboard(server.data, "number", "import", str(file), *choices("--dry-run"), ok=False)
    assert checked.returncode == 1
    assert checked.stdout.splitlines()[0] == "checked, nothing was changed; of 1,200 rows 1,199 imported, 1 failed"
    assert listed(server) == []

    done = cordboard(server.data, "number", "import", str(file), *choices("--report", str(report)), ok=False)
    assert done.returncode == 1
    first, heading, failed, nickname = done.stdout.splitlines()
    assert first == "done: of 1,200 rows 1,199 imported, 1 failed"
    assert heading.split() == ["ROW", "NUMBER", "COLUMN", "DETAIL", "REMEDY"]
    assert failed.startswith("702  -       number    'none' is neither an E.164 number")
    assert nickname.startswith("702  -       nickname")
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    assert [row["row"] for row in rows] == list(range(2, 1202))
    assert len(listed(server)) == 1199

    again = cordboard(server.data, "number", "import", str(file), *choices("--on-conflict", "skip", "--json"), ok=False)
    answer = json.loads(again.stdout)
    assert (answer["imported"], answer["skipped"], answer["failed"]) == (0, 1199, 1)
    assert [row["row"] for row in answer["rows"]] == [702]


def test_a_file_that_cannot_be_read_says_what_to_do(server: Server, tmp_path: Path) -> None:
    file, before = tmp_path / "numbers.csv", len(listed(server))
    for content, said in (
        (b"number,colour\n+34911234567,red\n", "unknown column 'colour'"),
        (b"number\n\xff\n", "save it as CSV UTF-8"),
        (b"number,nickname\n" + b"+34911234567,a\n" * 600 + b'+34911234568,"b\n+34911234569,c\n', "on line 602"),
    ):
        file.write_bytes(content)
        done = cordboard(server.data, "number", "import", str(file), *choices(), ok=False)
        assert done.returncode == 1
        assert said in done.stderr
        assert len(listed(server)) == before


def test_numbers_agents_and_keys_are_shown_changed_and_deleted_once_it_is_known_what_goes(server: Server) -> None:
    data = server.data
    cordboard(data, "tenant", "create", "Beta")
    made = cordboard(data, "agent", "create", "--tenant", "Beta", "--name", "Sales", "--sip-uri", "sip:a@127.0.2.1")
    agent, version = (json.loads(made.stdout)[name] for name in ("agent_id", "version_id"))
    made = cordboard(data, "key", "create", "--tenant", "Beta", "--json")
    key = json.loads(made.stdout)["id"]
    number = "+34919990001"
    token = (data / "admin.token").read_text().strip()
    tenant = json.loads(cordboard(data, "key", "show", key, "--json").stdout)["tenant_id"]
    assert call("POST", f"{server.url}/cordboard/v1/tenants/{tenant}/numbers", token, {"number": number})[0] == 201

    cordboard(data, "number", "update", number, "--nickname", "Desk", "--agent", agent)
    shown = cordboard(data, "number", "show", number).stdout
    assert re.search(r"^nickname +Desk$", shown, re.MULTILINE)
    assert number in cordboard(data, "number", "list", "--tenant", "Beta", "--prefix", "+3491999").stdout
    assert "Sales" in cordboard(data, "agent", "show", agent).stdout
    cordboard(data, "agent", "update", agent, "--name", "Support")
    assert version in cordboard(data, "agent", "version", "show", "--agent", agent, version).stdout

    refused = cordboard(data, "agent", "delete", agent, "--yes", ok=False)
    assert (refused.returncode, "1 numbers" in refused.stderr) == (1, True)
    for arguments, said in (
        (("agent", "delete", agent, "--detach"), f"it would touch 1 number ({number}), 1 agent; nothing was changed"),
        (("agent", "version", "publish", "--agent", agent), f"it would touch 1 number ({number}), 1 agent; nothing"),
        (("tenant", "delete", "Beta"), f"it would touch 1 number ({number}), 1 trunk, 1 agent, 1 key; nothing"),
        (("number", "release", number), f"it would touch 1 number ({number}), 1 trunk; nothing was changed"),
        (("key", "revoke", key), "it would touch 1 key; nothing was changed"),
    ):
        assert cordboard(data, *arguments, "--dry-run").stdout.startswith(said)
    unasked = cordboard(data, "number", "release", number, ok=False)
    assert (unasked.returncode, "say --yes" in unasked.stderr) == (1, True)
    cordboard(data, "agent", "delete", agent, "--yes", "--detach")
    assert cordboard(data, "number", "release", number, "--yes").stdout == f"deleted {number}\n"
    told = cordboard(data, "audit", "--tenant", "Beta", "--kind", "number", "--from", "2026-01-01").stdout.splitlines()
    assert [line.split()[3] for line in told[1:]] == ["delete", "update", "update", "import"]
    gone = cordboard(data, "number", "show", number, ok=False)
    assert (gone.returncode, "not found" in gone.stderr) == (1, True)


def listed(server: Server) -> list[dict[str, Any]]:
    return list(json.loads(cordboard(server.data, "number", "list", "--tenant", "Acme", "--json").stdout)["data"])


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The URL of a PostgreSQL database, or None."""
    if request.param == "sqlite":
        yield None
        return
    postgres: Postgres = request.getfixturevalue("postgres_server")
    with postgres.database(template=request.getfixturevalue("migrated_template")) as url:
        yield url


@pytest.mark.parametrize("victim", ["server", "command"])
def test_an_import_that_was_killed_half_way_goes_on_without_a_double(
    database: str | None, victim: str, tmp_path: Path
) -> None:
    file = write(tmp_path / "numbers.csv", 100_000, ROWS)
    environment = {} if database is None else {"CORDBOARD_DATABASE_URL": database}
    with serving(tmp_path / "data", "--no-edge", environment=environment) as first:
        furnish(first.data)
        command = [COMMAND, "number", "import", file, *choices("--data", str(first.data))]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_until_taken(first, ROWS // 2)
        server = first
        if victim == "server":
            first.kill()
            _, said = running.communicate(timeout=60)
            assert running.returncode == 1
            assert "give the same command again" in said
            server = start(first.data, "--no-edge", environment=environment)
        else:
            running.kill()
            running.communicate(timeout=60)
        try:
            server.wait("/readyz")
            begun = imports(server)[0]
            assert ROWS // 2 <= begun["position"] < ROWS
            done = cordboard(server.data, "number", "import", str(file), *choices("--json"))
            answer = json.loads(done.stdout)
            assert (answer["id"], answer["imported"], answer["failed"]) == (begun["id"], ROWS, 0)
            numbers = [row["number"] for row in listed(server)]
            assert len(numbers) == len(set(numbers)) == ROWS
            if database is None:
                assert_each_has_one_entry(server.data / "store.sqlite")
        finally:
            server.stop()


def test_whoever_did_not_get_to_read_the_result_gives_the_command_again(server: Server, tmp_path: Path) -> None:
    file = write(tmp_path / "numbers.csv", 500_000, 3)
    command = [COMMAND, "number", "import", file, *choices("--data", str(server.data))]
    with Path("/dev/full").open("w") as full:
        assert subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False).returncode != 0
    told = cordboard(server.data, "number", "import", str(file), *choices()).stdout
    assert told == "done: of 3 rows 3 imported\n"
    assert imports(server)[0]["finished_at"] is not None
    again = cordboard(server.data, "number", "import", str(file), *choices(), ok=False)  # it is told: another import
    assert again.stdout.startswith("done: of 3 rows 3 failed\n")


def assert_each_has_one_entry(store: Path) -> None:
    with contextlib.closing(sqlite3.connect(store)) as connection:
        entries = "select count(*), count(distinct object_id) from change where kind = 'number' and action = 'import'"
        assert connection.execute(entries).fetchone() == (ROWS, ROWS)
        assert connection.execute("select listed_numbers from tenant").fetchone() == (ROWS,)


def wait_until_taken(server: Server, rows: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (begun := imports(server)) and begun[0]["position"] >= rows:
            return
        time.sleep(0.02)
    raise AssertionError("the import did not come so far")


def imports(server: Server) -> list[dict[str, Any]]:
    token = (server.data / "admin.token").read_text().strip()
    tenant = call("GET", f"{server.url}/cordboard/v1/tenants?ref=Acme", token)[1]["data"][0]["id"]
    return list(call("GET", f"{server.url}/cordboard/v1/imports?tenant_id={tenant}", token)[1]["data"])
