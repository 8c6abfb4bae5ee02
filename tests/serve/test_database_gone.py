"""A database that goes away: requests are told so, calls go on, and all is well when it comes back."""

import time

import pytest

from tests.calls.phone import Phone
from tests.postgres import Server
from tests.processes import call
from tests.serve.installations import installation

pytestmark = pytest.mark.calls


def test_calls_go_on_without_the_database_and_requests_say_503(postgres_server: Server, postgres_url: str) -> None:
    """Its connections are cut and no new ones let in, then they are."""
    database = postgres_url.rpartition("/")[2]
    with installation(postgres_url) as installed, Phone("127.0.1.1") as carrier:
        installed.assign(0)
        postgres_server.run(f"alter database {database} allow_connections false")
        postgres_server.run(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database}'")
        status, answer = call("GET", f"{installed.server.url}/v1/phone/{installed.phone}", installed.key)
        assert (status, answer["error_code"]) == (503, "SERVICE_UNAVAILABLE")
        made = installed.call(carrier)
        assert made.status == 200
        made.hang_up()
        postgres_server.run(f"alter database {database} allow_connections true")
        deadline = time.monotonic() + 10
        while installed.patch("", {"inbound_version_id": installed.versions[1]}) != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        made = installed.call(carrier)
        assert made.status == 200
        assert len(installed.agents[1].calls) == 1
        made.hang_up()
