"""`cordboard verify` against a running installation, as a person and a pipeline use it."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.builders import fresh_number
from tests.calls.accounts import register
from tests.calls.phone import Agent, Phone
from tests.calls.registrar import Registrar
from tests.processes import call, cordboard
from tests.serve.installations import Installation
from tests.serve.records import listed, until

pytestmark = pytest.mark.calls


@pytest.fixture
def carrier() -> Iterator[Agent]:
    with Agent("127.0.1.33", name="carrier") as phone:
        yield phone


def trunk_to(installed: Installation, carrier: Agent, *options: str) -> str:
    words = ("trunk", "create", "--tenant", "Acme", "--name", "Carrier", "--gateway", carrier.at)
    made = cordboard(installed.server.data, *words, *options).stdout
    return str(json.loads(made)["id"])


def verify(installed: Installation, subject: str, *options: str) -> tuple[int, Any]:
    """The exit code, and the verification as JSON."""
    done = cordboard(installed.server.data, "verify", subject, "--wait", "--json", *options, ok=False)
    return done.returncode, json.loads(done.stdout)


def test_a_healthy_carrier_passes_and_a_broken_one_fails_the_pipeline(installed: Installation, carrier: Agent) -> None:
    trunk = trunk_to(installed, carrier, "--allowed-address", "198.51.100.7")
    code, done = verify(installed, trunk)
    assert (code, done["status"]) == (0, "passed"), done
    carrier.answers_options = 503
    code, done = verify(installed, trunk)
    assert (code, done["status"]) == (1, "failed")
    assert [change["name"] for change in done["changes"]] == ["options"]
    said = cordboard(installed.server.data, "verify", trunk, "--wait", ok=False)
    assert said.returncode == 1
    assert "failed   options" in said.stdout
    assert "> The carrier takes no calls there now" in said.stdout
    assert said.stdout.splitlines()[-1].startswith("trunk Carrier: failed")
    listed = cordboard(installed.server.data, "verify", "list", "--tenant", "Acme").stdout
    assert listed.count("Carrier") == 3
    assert "changed since" not in cordboard(installed.server.data, "verify", "show", done["id"]).stdout.splitlines()[0]


def test_a_number_is_verified_by_itself(installed: Installation) -> None:
    installed.assign(0)
    code, done = verify(installed, installed.number)
    assert (code, done["subject"]["name"]) == (0, installed.number), done
    assert {step["name"] for step in done["steps"]} >= {"dns", "options"}


def failed(done: Any) -> list[tuple[str, str]]:
    """Name and code of what is wrong."""
    return [(step["name"], step["code"]) for step in done["steps"] if step["status"] in ("failed", "warning")]


def until_told(installed: Installation, subject: str, wanted: tuple[str, str]) -> Any:
    """A verification that has found it: the edge's events are on their way for a moment."""
    return until(lambda: verify(installed, subject, "--step", wanted[0])[1], lambda done: wanted in failed(done))


def test_a_refused_registration_is_told_of_and_a_right_one_passes(installed: Installation) -> None:
    with Registrar("127.0.1.35", name="127.0.1.35") as carrier:
        carrier.users = {"acme": "right-secret"}
        words = ("--username", "acme", "--password", "right-secret", "--register", "--allowed-address", "198.51.100.7")
        trunk = trunk_to(installed, carrier, *words)
        carrier.until_granted()
        code, done = verify(installed, trunk)
        assert (code, failed(done)) == (0, []), done
        assert {"digest", "registration"} <= {step["name"] for step in done["steps"]}
        wrong = (*words[:3], "wrong-secret", *words[4:])
        other = trunk_to(installed, carrier, *wrong)
        done = until_told(installed, other, ("registration", "registration-refused"))
        code, done = verify(installed, other)
        assert (code, sorted(failed(done))) == (1, [("digest", "bad-secret"), ("registration", "registration-refused")])
        assert "wrong-secret" not in json.dumps(done)
        assert [each["before"] for each in done["changes"] if each["name"] == "registration"] == []


def test_who_calls_and_is_not_let_in_is_suggested_and_the_command_lets_it_in(installed: Installation) -> None:
    number = fresh_number()
    body = {"phone_number": number, "inbound_config": {"allowed_addresses": ["198.51.100.7"]}}
    _, phone = call("POST", f"{installed.server.url}/v1/phone/import", installed.key, body)
    path = f"{installed.server.url}/v1/phone/{phone['id']}"
    assert call("PATCH", path, installed.key, {"inbound_version_id": installed.versions[0]})[0] == 200
    with Phone("127.0.1.36") as stranger:
        assert stranger.call(installed.sip, number).status == 403
        done = until_told(installed, number, ("allow-list", "seen-but-not-allowed"))
        (step,) = [step for step in done["steps"] if step["code"] == "seen-but-not-allowed"]
        command = step["evidence"]["seen_but_not_allowed"][0]["command"].split()[1:]
        said = cordboard(installed.server.data, "trunk", "lint", number).stdout
        assert f"> if that is the carrier: cordboard {' '.join(command)}" in said
        cordboard(installed.server.data, *command)
        assert stranger.call(installed.sip, number).status == 200
        assert "127.0.1.36 is not on the list" not in cordboard(installed.server.data, "trunk", "lint", number).stdout
    trunk = json.loads(cordboard(installed.server.data, "trunk", "show", number, "--json").stdout)
    assert trunk["allowed_addresses"] == ["198.51.100.7", "127.0.1.36"]
    everybodys = trunk_to(installed, installed.agents[0])
    refused = cordboard(installed.server.data, "trunk", "allow", everybodys, "127.0.1.36", ok=False)
    assert (refused.returncode, "lets everybody in" in refused.stderr) == (1, True)


def test_an_encryption_mismatch_is_understood_from_the_verification(installed: Installation) -> None:
    number = fresh_number()
    body = {"phone_number": number, "inbound_config": {"media_encryption": "require"}}
    _, phone = call("POST", f"{installed.server.url}/v1/phone/import", installed.key, body)
    path = f"{installed.server.url}/v1/phone/{phone['id']}"
    assert call("PATCH", path, installed.key, {"inbound_version_id": installed.versions[0]})[0] == 200
    assert "media" not in [name for name, _ in failed(verify(installed, number)[1])]
    with Phone("127.0.1.37") as carrier:
        assert carrier.call(installed.sip, number).status == 488
        done = until_told(installed, number, ("media", "encryption-required"))
        (step,) = [step for step in done["steps"] if step["code"] == "encryption-required"]
        assert "`trunk.media_in=allow`" in step["remedy"]
        assert "127.0.1.37" in step["summary"]
        # what is refused no more is told of no more
        cordboard(installed.server.data, "trunk", "update", number, "--media-in", "allow")
        assert "media" not in [name for name, _ in failed(verify(installed, number)[1])]


def test_an_account_is_there_or_not(installed: Installation) -> None:
    data = installed.server.data
    made = json.loads(cordboard(data, "account", "create", "--tenant", "Acme", "--password", "secret-1234").stdout)
    code, done = verify(installed, made["username"])
    assert (code, failed(done)) == (1, [("registration", "account-offline")])
    with Agent("127.0.3.31") as phone:
        answer = register(phone, installed, made["username"], password="secret-1234")  # type: ignore[arg-type]
        assert answer.status == 200
        code, done = verify(installed, made["username"])
        assert (code, failed(done)) == (0, []), done
    steps = {step["name"]: step for step in done["steps"]}
    assert steps["registration"]["evidence"]["bindings"][0]["contact"].startswith("sip:")
    assert steps["options"]["evidence"]["answer"] == "200 OK"
    none = ("--use-allowed-ips", "--username", f"nobody{made['username']}")
    cordboard(data, "account", "create", "--tenant", "Acme", *none)
    code, done = verify(installed, f"nobody{made['username']}")
    assert ("allow-list", "allowed-nowhere") in failed(done)


def test_an_echo_call_is_placed_if_it_is_asked_for(installed: Installation) -> None:
    installed.assign(1)
    silent = installed.agents[1]
    before = len(silent.calls)
    assert "echo" not in [step["name"] for step in verify(installed, installed.number)[1]["steps"]]
    assert len(silent.calls) == before, "nobody is called who was not asked for"
    code, done = verify(installed, installed.number, "--echo")
    assert (code, ("echo", "one-way-audio") in failed(done)) == (1, True), done
    (step,) = [step for step in done["steps"] if step["name"] == "echo"]
    assert len(silent.calls) == before + 1
    assert step["evidence"]["packets_sent"] > 100
    # the call is a call like others, and explained as they are
    found = until(lambda: listed(installed, "--call-id", step["evidence"]["call_id"]), lambda calls: calls)
    assert found[0]["number"] == installed.number
    agents = json.loads(cordboard(installed.server.data, "agent", "list", "--tenant", "Acme", "--json").stdout)["data"]
    (agent,) = [each for each in agents if each["name"] == "127.0.2.2"]
    code, done = verify(installed, agent["agent_id"], "--echo", "--step", "echo")
    assert [step["name"] for step in done["steps"]] == ["echo"]
    assert len(silent.calls) == before + 2


def test_a_carrier_is_called_by_the_number_that_is_named(installed: Installation, carrier: Agent) -> None:
    trunk = trunk_to(installed, carrier)
    refused = cordboard(installed.server.data, "verify", trunk, "--echo", ok=False)
    assert (refused.returncode, "may cost money" in refused.stderr) == (1, True)
    # no agent may call from a number of it
    code, done = verify(installed, trunk, "--echo-to", "+15125550100", "--step", "echo")
    assert [(step["status"], step["code"]) for step in done["steps"]] == [("skipped", "echo-no-caller")]
    assert carrier.calls == []
    number = fresh_number()
    body = {"phone_number": number, "outbound_config": {"termination_uri": carrier.at}}
    _, phone = call("POST", f"{installed.server.url}/v1/phone/import", installed.key, body)
    words = ("agent", "create", "--tenant", "Acme", "--name", "caller", "--sip-uri", "sip:a@127.0.2.9")
    made = json.loads(cordboard(installed.server.data, *words, "--from-address", "127.0.2.9").stdout)
    path = f"{installed.server.url}/v1/phone/{phone['id']}"
    assert call("PATCH", path, installed.key, {"outbound_version_id": made["version_id"]})[0] == 200
    carrier.answers = lambda invite: (488, "")
    code, done = verify(installed, number, "--echo-to", "+15125550100", "--step", "echo")
    assert (code, failed(done)) == (1, [("echo", "echo-refused")])
    assert "encryption or codecs" in done["steps"][0]["remedy"]
    assert [invite.first.split("@")[0] for invite in carrier.calls] == ["INVITE sip:+15125550100"]


def test_a_schedule_is_made_listed_and_dropped(installed: Installation) -> None:
    data = installed.server.data
    said = cordboard(data, "verify", "schedule", installed.number, "--every", "6h").stdout
    assert "every 360 minutes" in said
    (made,) = json.loads(cordboard(data, "verify", "schedules", "--tenant", "Acme", "--json").stdout)["data"]
    assert made["subject"]["name"] == installed.number
    assert installed.number in cordboard(data, "verify", "schedules").stdout
    cordboard(data, "verify", "unschedule", made["id"])
    assert json.loads(cordboard(data, "verify", "schedules", "--json").stdout)["data"] == []
    assert cordboard(data, "verify", "schedule", installed.number, "--every", "often", ok=False).returncode == 2


def test_the_running_server_takes_a_turn_that_is_due(installed: Installation) -> None:
    if installed.environment.get("CORDBOARD_DATABASE_URL"):
        pytest.skip("its clock is moved in the file of SQLite")
    data = installed.server.data
    made = json.loads(cordboard(data, "verify", "schedule", installed.number, "--every", "1d", "--json").stdout)
    with closing(sqlite3.connect(data / "store.sqlite", timeout=10)) as store, store:
        store.execute("update verification_schedule set next_at = '2026-01-01T00:00:00.000000Z'")

    def taken() -> list[Any]:
        found = json.loads(cordboard(data, "verify", "list", "--json", "--limit", "1000").stdout)["data"]
        return [each for each in found if each["by"] == f"schedule:{made['id']}" and each["state"] == "finished"]

    assert len(until(taken, lambda found: found, 40)) == 1
    cordboard(data, "verify", "unschedule", made["id"])


def test_who_is_not_there_and_what_is_wrong_use(installed: Installation) -> None:
    for words, code in ((("nobody", "--wait"), 1), (("+34911999999",), 1), (("nobody", "--kind", "dog"), 2)):
        done = cordboard(installed.server.data, "verify", *words, ok=False)
        assert done.returncode == code, done
    assert "is called nobody" in cordboard(installed.server.data, "verify", "nobody", ok=False).stderr
