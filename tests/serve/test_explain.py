"""What a new user meets first, understood from `cordboard explain` alone: real calls to a whole installation."""

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from tests.calls.phone import CRYPTO, Agent, Call, Phone, sdp
from tests.processes import cordboard
from tests.serve.installations import Installation
from tests.serve.records import until

pytestmark = pytest.mark.calls

CALLED, THEIRS = "+15125550100", "+34600111222"


@pytest.fixture
def carrier() -> Iterator[Phone]:
    with Phone("127.0.1.1", name="carrier") as phone:
        yield phone


def explained(installed: Installation, id: str, *words: str) -> str:
    """What is printed of a call or refusal, as soon as there is something."""

    def told() -> str:
        done = cordboard(installed.server.data, "explain", id, *words, ok=False)
        return done.stdout if done.returncode == 0 else ""

    return str(until(told, bool))


def run_the_command(installed: Installation, text: str) -> None:
    """The first command that is printed."""
    command = next(line.strip() for line in text.splitlines() if line.startswith("  cordboard "))
    cordboard(installed.server.data, *shlex.split(command)[1:])


def ended(call: Call) -> int:
    if call.status == 200:
        assert call.hang_up() == 200
    return int(call.status or 0)


def caller(installed: Installation, *options: str) -> Any:
    """An agent that may show the installation's number."""
    words = ("--tenant", "Acme", "--name", "caller", "--sip-uri", "sip:bot@127.0.2.9", *options)
    made = json.loads(cordboard(installed.server.data, "agent", "create", *words).stdout)
    assert installed.patch("", {"outbound_version_id": made["version_id"]}) == 200
    return made


def test_a_stranger_is_told_with_the_list_and_let_in_by_the_printed_command(
    installed: Installation, carrier: Phone
) -> None:
    installed.assign(0)
    cordboard(installed.server.data, "trunk", "update", installed.number, "--allowed-address", "127.0.1.1")
    with Phone("127.0.1.9") as stranger:
        refused = stranger.call(installed.sip, installed.number, caller=THEIRS)
        assert ended(refused) == 403
        text = explained(installed, refused.id)
        assert "It was refused with 403 (address-not-allowed)" in text
        assert re.search(r"NO +source address +127\.0\.1\.9: not in the list: 127\.0\.1\.1/32\n", text)
        assert "Nearest: 127.0.1.9 is not in 127.0.1.1/32" in text
        words = ("--from", THEIRS, "--to", installed.number, "--source", "127.0.1.9")
        assert "refused with 403 (address-not-allowed)" in cordboard(installed.server.data, "explain", *words).stdout
        run_the_command(installed, text)
        assert ended(stranger.call(installed.sip, installed.number, caller=THEIRS)) == 200
        assert "taken, inbound" in cordboard(installed.server.data, "explain", *words).stdout
        assert "Now it would be taken" in explained(installed, refused.id)
    assert ended(carrier.call(installed.sip, installed.number, caller=THEIRS)) == 200
    cordboard(installed.server.data, "trunk", "update", installed.number, "--allow-all-addresses")


def test_a_wrong_password_is_told_from_a_wrong_username_and_never_shown(installed: Installation) -> None:
    made = caller(installed, "--username", f"bot-{installed.number[-5:]}", "--header", "X-Desk: 7")
    with Agent("127.0.1.7") as gateway, Phone("127.0.2.9") as bot:
        cordboard(installed.server.data, "trunk", "update", installed.number, "--gateway", gateway.at)
        login = made["username"]
        wrong = bot.call(installed.sip, CALLED, caller=installed.number, credentials=(login, "guessed-secret"))
        assert ended(wrong) == 407
        text = explained(installed, wrong.id)
        assert "It was refused with 407 (wrong-password)" in text
        assert f"{login} came, with a wrong password" in text
        assert f"The username {login} is right: it is agent caller. The password is not." in text
        (another,) = (line for line in text.splitlines() if line.startswith("  cordboard agent version create"))
        assert another.endswith(f"--encryption disable --header 'X-Desk: 7' --username {login}")
        assert "guessed-secret" not in text
        assert made["password"] not in text
        unknown = bot.call(installed.sip, CALLED, caller=installed.number, credentials=("bob", "x"))
        assert ended(unknown) == 407
        assert f"received username bob, expected {login}." in explained(installed, unknown.id)
        right = bot.call(installed.sip, CALLED, caller=installed.number, credentials=(login, made["password"]))
        assert ended(right) == 200


def test_a_missing_plus_is_told_with_the_number_as_it_should_be(installed: Installation) -> None:
    caller(installed, "--from-address", "127.0.2.9")
    with Agent("127.0.1.7") as gateway, Phone("127.0.2.9") as bot:
        cordboard(installed.server.data, "trunk", "update", installed.number, "--gateway", gateway.at)
        refused = bot.call(installed.sip, CALLED.removeprefix("+"), caller=installed.number)
        assert ended(refused) == 403
        text = explained(installed, refused.id)
        assert "It was refused with 403 (not-e164)" in text
        assert "received 15125550100, which would be +15125550100: it differs by a leading +." in text
        assert "What to do: Dial +15125550100." in text
        assert ended(bot.call(installed.sip, CALLED, caller=installed.number)) == 200


def test_an_encryption_mismatch_is_told_with_both_ways_out(installed: Installation, carrier: Phone) -> None:
    installed.assign(0)
    cordboard(installed.server.data, "trunk", "update", installed.number, "--media-in", "require")
    refused = carrier.call(installed.sip, installed.number, caller=THEIRS)
    assert ended(refused) == 488
    text = explained(installed, refused.id)
    assert "It was refused with 488 (encryption-required)" in text
    assert "The caller offers plain RTP (RTP/AVP), and trunk" in text
    assert "Let the caller offer SRTP" in text
    srtp = sdp("127.0.1.1", profile="RTP/SAVP", extra=CRYPTO)
    assert ended(carrier.call(installed.sip, installed.number, caller=THEIRS, body=srtp)) == 200
    run_the_command(installed, text)
    assert ended(carrier.call(installed.sip, installed.number, caller=THEIRS)) == 200


def test_a_call_is_told_with_each_gateway_that_it_tried(installed: Installation) -> None:
    caller(installed, "--from-address", "127.0.2.9")
    with Agent("127.0.1.7") as first, Agent("127.0.1.8") as second, Phone("127.0.2.9") as bot:
        first.answers = lambda invite: (503, "")
        first.ringing = False
        gateways = ("--gateway", first.at, "--gateway", second.at)
        cordboard(installed.server.data, "trunk", "update", installed.number, *gateways)
        made = bot.call(installed.sip, CALLED, caller=installed.number)
        assert ended(made) == 200
        text = str(until(lambda: explained(installed, made.id), lambda text: "ended after" in text))
        assert f"It went to udp:{first.at}, which answered 503" in text
        assert f"It went to udp:{second.at}, which answered 200" in text
        assert "(hangup-caller): the caller hung up." in text
        second.answers = lambda invite: (486, "")
        busy = bot.call(installed.sip, CALLED, caller=installed.number)
        assert ended(busy) == 486
        text = str(until(lambda: explained(installed, busy.id), lambda text: "never answered" in text))
        assert "ended with 486 (refused-by-callee)" in text
        told = json.loads(explained(installed, busy.id, "--json"))
        assert (told["kind"], told["now"]) == ("call", None)
        assert json.loads(explained(installed, told["id"], "--json"))["id"] == told["id"]


def test_of_a_call_that_nobody_has_seen_it_is_said_why_that_may_be(installed: Installation) -> None:
    done = cordboard(installed.server.data, "explain", "nobody@nowhere", ok=False)
    assert done.returncode == 1
    assert "nothing is kept of nobody@nowhere. Of banned sources" in done.stderr


def test_a_banned_source_is_told_with_the_way_out(installed: Installation) -> None:
    installed.assign(0)
    cordboard(installed.server.data, "ban", "add", "127.0.1.44")
    words = ("explain", "--from", THEIRS, "--to", installed.number, "--source", "127.0.1.44")
    text = cordboard(installed.server.data, *words).stdout
    assert "not heard (banned)" in text
    assert "127.0.1.44 is banned. Somebody has banned it" in text
    assert "If it were heard, this would become of it: 200 accepted." in text
    run_the_command(installed, text)
    assert "taken, inbound" in cordboard(installed.server.data, *words).stdout
