"""Calls as an installation tells of them, whatever was killed meanwhile."""

import contextlib
import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from cordboard.engines.edge import dialogs
from tests.calls.phone import Message, Phone, media, sdp
from tests.calls.tones import ToneEndpoint
from tests.processes import COMMAND, cordboard, start
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


def test_calls_are_followed_as_they_go_on(installed: Installation, carrier: Phone) -> None:
    command = [COMMAND, "calls", "tail", "--count", "4", "--for", "60", "--data", installed.server.data]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tail:
        # what was before it has begun is not told
        until(lambda: installed.server.log.read_text().count("/cordboard/v1/events"), lambda looks: looks > 2, 30)
        made = installed.call(carrier)
        assert made.hang_up() == 200
        carrier.call(installed.sip, "+34911999999")
        told, _ = tail.communicate(timeout=90)
    assert tail.returncode == 0
    words = [line.split() for line in told.splitlines()]
    assert [line[1] for line in words] == ["started", "answered", "ended", "refused"], told
    assert {line[5] for line in words[:3]} == {installed.number}
    assert len({line[-1] for line in words[:3]}) == 1
    assert "the caller hung up" in told
    assert "404 unknown-number" in told


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
    agent = installed.agents[0].at
    assert re.search(rf"(?m)^{agent}  +\+\d+ ms +200 +\d+ +\d+ +sip:{agent};transport=udp$", shown), shown
    assert re.search(r"(?m)^caller +PCMU +none +0 +0 ", shown), shown
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


def test_a_call_that_stands_is_shown_as_it_sounds_and_can_be_hung_up(installed: Installation, carrier: Phone) -> None:
    data = installed.server.data
    with ToneEndpoint("127.0.1.1", 440) as speaking:
        made = carrier.call(installed.sip, installed.number, body=sdp("127.0.1.1", speaking.port))
        speaking.play_to(media(made.answered.body)[0])
        (call,) = until(lambda: listed(installed, "--live"), lambda found: found and found[0]["state"] == "answered")
        assert call["seconds"] > 0

        def shown() -> dict[str, Any]:
            found: dict[str, Any] = json.loads(cordboard(data, "call", "show", call["id"], "--json").stdout)
            return found

        now = until(shown, lambda found: found["legs"][0]["audio"]["packets"] >= 50)
        assert (now["one_way"], now["legs"][1]["audio"]["packets"]) == (True, 0)
        assert "one-way audio: nothing came from the callee" in cordboard(data, "call", "show", call["id"]).stdout
        assert cordboard(data, "call", "end", call["id"]).stdout == ""
        for side in (carrier, installed.agents[0]):
            bye = side.wait(lambda m: m.method == "BYE" and m.status is None)
            assert bye is not None
            assert 'text="ended-by-hand"' in bye.get("Reason")
    (over,) = until(lambda: listed(installed), lambda found: found[0]["ended_at"])
    assert (over["state"], over["reason"]) == ("ended", "ended-by-hand")
    assert until(shown, lambda found: found["legs"][0]["audio"])["one_way"] is True
    assert listed(installed, "--live") == []
    again = cordboard(data, "call", "end", call["id"], ok=False)
    assert (again.returncode, "it is over" in again.stderr) == (1, True)


def test_a_call_that_rings_is_live_but_cannot_be_hung_up_yet(installed: Installation, carrier: Phone) -> None:
    waiting = threading.Event()

    def answers(invite: Message) -> tuple[int, str]:
        waiting.wait(10)
        return 486, ""

    installed.agents[0].answers = answers
    ringing = threading.Thread(target=installed.call, args=(carrier,))
    ringing.start()
    (call,) = until(lambda: listed(installed, "--live"), lambda found: found)
    assert (call["state"], call["seconds"]) == ("started", None)
    refused = cordboard(installed.server.data, "call", "end", call["id"], ok=False)
    assert (refused.returncode, "it has not been answered yet" in refused.stderr) == (1, True)
    waiting.set()
    ringing.join()


def test_a_live_call_whose_relay_hangs_is_shown_without_its_sound(installed: Installation, carrier: Phone) -> None:
    made = installed.call(carrier)
    (call,) = until(lambda: listed(installed, "--live"), lambda found: found and found[0]["state"] == "answered")
    relay = json.loads((installed.server.data / "edge.json").read_text())["processes"]["rtpengine"]["pid"]
    os.kill(relay, signal.SIGSTOP)
    try:
        shown = json.loads(cordboard(installed.server.data, "call", "show", call["id"], "--json").stdout)
    finally:
        os.kill(relay, signal.SIGCONT)
    assert [leg["audio"] for leg in shown["legs"]] == [None, None]
    assert shown["legs"][0]["codec"] == "PCMU"
    made.hang_up()


def test_what_was_heard_while_the_server_was_away_is_in_the_record(installed: Installation, carrier: Phone) -> None:
    with ToneEndpoint("127.0.1.1", 440) as speaking:
        made = carrier.call(installed.sip, installed.number, body=sdp("127.0.1.1", speaking.port))
        speaking.play_to(media(made.answered.body)[0])
        installed.server.kill()
        time.sleep(1.5)
        assert made.hang_up() == 200
    installed.successor()
    (call,) = until(lambda: listed(installed), lambda found: found and found[0]["ended_at"])
    shown = json.loads(cordboard(installed.server.data, "call", "show", call["id"], "--json").stdout)
    caller, callee = shown["legs"]
    assert (caller["codec"], caller["audio"]["packets"] > 20) == ("PCMU", True)
    assert (callee["audio"]["packets"], shown["one_way"]) == (0, True)
    assert [each["code"] for each in shown["tries"]] == [200]
