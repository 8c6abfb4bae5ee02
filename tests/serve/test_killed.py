"""`kill -9` of the server: its engines carry calls on, and its successor finds them."""

import sqlite3
import subprocess
import threading
from collections.abc import Iterator

import pytest

from tests.calls.phone import Phone
from tests.calls.sipp import Result, answering, place_calls
from tests.processes import COMMAND, cordboard
from tests.serve.installations import Installation, installation

pytestmark = pytest.mark.calls


@pytest.fixture
def installed() -> Iterator[Installation]:
    with installation() as made:
        yield made


def test_no_call_is_refused_while_the_server_is_killed_and_succeeded(installed: Installation) -> None:
    """400 calls at 40 a second; the server dies twice meanwhile."""
    with answering("127.0.2.3", trace=False) as agent:
        made = cordboard(
            *(installed.server.data, "agent", "create", "--tenant", "Acme", "--name", "sipp"),
            *("--sip-uri", f"sip:{{number}}@{agent.at}", "--json"),
        )
        version = made.stdout.split('"version_id": "')[1].split('"')[0]
        assert installed.patch("", {"inbound_version_id": version}) == 200
        results: list[Result] = []
        calls = threading.Thread(
            target=lambda: results.append(place_calls(installed.sip, [installed.number] * 400, rate=40))
        )
        calls.start()
        installed.successor()
        installed.successor()
        calls.join()
    assert (results[0].calls, results[0].failed) == (400, 0), results[0].log


def test_the_successors_first_change_is_effective_at_the_adopted_edge(installed: Installation) -> None:
    installed.assign(0)
    installed.successor()
    installed.assign(1)
    with Phone("127.0.1.1") as carrier:
        made = installed.call(carrier)
        assert made.status == 200
        assert len(installed.agents[1].calls) == 1
        made.hang_up()


def test_a_change_stored_just_before_the_kill_is_projected_by_the_successor(installed: Installation) -> None:
    """As if the server had died between the store's COMMIT and the edge's: the edge's file is put back by hand."""
    installed.assign(0)
    with sqlite3.connect(installed.server.data / "edge" / "edge.sqlite") as edge:
        (revision,) = edge.execute("select revision from meta").fetchone()
        edge.execute("update number set agent_in = null")
        edge.execute("update meta set revision = ?", (revision - 1,))
    installed.successor()
    with Phone("127.0.1.1") as carrier:
        made = installed.call(carrier)
        assert made.status == 200
        made.hang_up()


def test_down_ends_what_a_killed_server_left(installed: Installation) -> None:
    installed.server.kill()
    data = installed.server.data
    ended = subprocess.run([COMMAND, "down", "--data", data], capture_output=True, text=True, timeout=30, check=True)
    assert ended.stdout.strip() == "ended kamailio, rtpengine"
    again = subprocess.run([COMMAND, "down", "--data", data], capture_output=True, text=True, timeout=30, check=True)
    assert again.stdout.strip() == "nothing was running"


def test_a_stopped_server_leaves_nothing_running(installed: Installation) -> None:
    assert installed.server.stop() == 0
    done = subprocess.run(
        [COMMAND, "down", "--data", installed.server.data], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.strip() == "nothing was running"


def test_a_taken_sip_port_is_said_at_once(installed: Installation) -> None:
    other = installed.server.data.parent / "other"
    refused = subprocess.run(
        [COMMAND, "serve", "--data", other, "--listen", "127.0.0.1:0", *installed.arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert refused.returncode == 1
    assert str(installed.sip[1]) in refused.stderr
