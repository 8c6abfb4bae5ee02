"""Calls as an installation tells of them, whatever was killed meanwhile."""

import contextlib
import json
import os
import signal
import time
import urllib.request
from collections.abc import Iterator

import pytest

from cordboard.engines.edge import dialogs
from tests.calls.phone import Phone
from tests.processes import cordboard, start
from tests.serve.installations import Installation, installation
from tests.serve.records import listed, many_calls, until, waiting_events
from tests.stores import BOTH

pytestmark = pytest.mark.calls


@pytest.fixture
def installed() -> Iterator[Installation]:
    with installation() as made:
        made.assign(0)
        yield made


@pytest.fixture
def carrier() -> Iterator[Phone]:
    with Phone("127.0.1.1") as phone:
        yield phone


@pytest.fixture(params=BOTH)
def on_each_store(request: pytest.FixtureRequest) -> Iterator[Installation]:
    with contextlib.ExitStack() as stack:
        database = "sqlite"
        if request.param != "sqlite":
            server, template = map(request.getfixturevalue, ("postgres_server", "migrated_template"))
            database = stack.enter_context(server.database(template=template))
        made = stack.enter_context(installation(database))
        made.assign(0)
        yield made


def test_a_call_and_a_refusal_can_be_read_within_a_second_or_two(on_each_store: Installation, carrier: Phone) -> None:
    installed = on_each_store
    data = installed.server.data
    made = installed.call(carrier)
    assert made.hang_up() == 200
    nobody = carrier.call(installed.sip, "+34911999999")
    (call,) = until(lambda: listed(installed, "--call-id", made.id), lambda found: found and found[0]["ended_at"], 3)
    assert (call["state"], call["reason"], call["number"]) == ("ended", "hangup-caller", installed.number)
    shown = cordboard(data, "call", "show", call["id"]).stdout
    assert "INVITE (1)" in shown
    assert "200 OK (2)" in shown
    assert "the caller hung up" in shown
    assert installed.number in cordboard(data, "call", "list", "--tenant", "Acme").stdout
    assert not listed(installed, "--direction", "outbound")
    refusals = json.loads(cordboard(data, "call", "refusals", "--json", "--source", "127.0.1.1").stdout)
    assert [(r["code"], r["reason"], r["call_id"]) for r in refusals["data"]] == [(404, "unknown-number", nobody.id)]
    assert "unknown-number" in cordboard(data, "call", "refusals").stdout
    assert cordboard(data, "call", "show", "nobody", ok=False).returncode == 1
    assert until(lambda: waiting_events(installed), lambda count: count == 0) == 0
    with urllib.request.urlopen(installed.server.url + "/metrics") as answer:
        metrics = answer.read().decode()
    assert 'cordboard_events_lost_total{kind="calls"} 0.0' in metrics
    assert float(metrics.split("cordboard_events_taken_total ")[-1].split()[0]) > 8


def test_a_call_record_stays_when_its_number_goes(installed: Installation, carrier: Phone) -> None:
    made = installed.call(carrier)
    made.hang_up()
    until(lambda: listed(installed), lambda found: found and found[0]["ended_at"])
    request = urllib.request.Request(
        f"{installed.server.url}/v1/phone/{installed.phone}",
        method="DELETE",
        headers={"Authorization": f"Bearer {installed.key}"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status < 300
    assert [call["number"] for call in listed(installed, "--number", installed.number)] == [installed.number]


def test_no_call_goes_untold_while_the_server_is_away(installed: Installation) -> None:
    """The short form of the drill: 5 s at 60 calls a second, 3 s without a server, then kills while it catches up."""
    with many_calls(installed, 300, 60) as results:
        time.sleep(1)
        installed.server.kill()
        time.sleep(3)
        for _ in range(3):
            installed.successor()
            time.sleep(0.1)
    assert (results[0].calls, results[0].failed) == (300, 0), results[0].log
    found = until(lambda: listed(installed), lambda found: sum(c["state"] == "ended" for c in found) >= 300)
    assert len(found) == 300
    assert {call["reason"] for call in found} == {"hangup-caller"}
    one = json.loads(cordboard(installed.server.data, "call", "show", found[150]["id"], "--json").stdout)
    assert len(one["messages"]) in (6, 7)


def test_calls_that_die_with_kamailio_are_lost_and_those_on_disk_go_on(installed: Installation, carrier: Phone) -> None:
    data = installed.server.data
    old, young = installed.call(carrier), installed.call(carrier)
    until(lambda: listed(installed), lambda found: [c["state"] for c in found] == ["answered", "answered"])
    until(lambda: dialogs.standing(data / "edge" / "dialog.sqlite"), lambda found: len(found) == 2)
    installed.server.kill()
    record = json.loads((data / "edge.json").read_text())
    os.killpg(record["processes"]["kamailio"]["pid"], signal.SIGKILL)
    # as if it had died before it wrote the younger one down
    dialogs.forget(data / "edge" / "dialog.sqlite", [young.id])
    installed.server = start(data, *installed.arguments, environment=installed.environment)
    installed.server.wait("/readyz")

    def states() -> dict[str, str]:
        return {call["call_id"]: call["state"] for call in listed(installed)}

    assert until(states, lambda found: found[young.id] == "lost") == {old.id: "answered", young.id: "lost"}
    assert old.hang_up() == 200
    until(states, lambda found: found[old.id] == "ended")
