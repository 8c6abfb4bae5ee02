"""Recordings as an installation makes and shows them."""

import contextlib
import json
import os
import wave
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.calls.accounts import register
from tests.calls.edges import running_as
from tests.calls.phone import Agent, Call, Phone, media, sdp
from tests.calls.tones import ToneEndpoint, loudest
from tests.engines.test_sound import CALLEE, CALLER, HEAD, code, packet
from tests.processes import call, cordboard, start
from tests.serve.installations import Installation, installation
from tests.serve.records import listed, until

pytestmark = pytest.mark.calls


@pytest.fixture(scope="module")
def installed() -> Iterator[Installation]:
    with installation() as made:
        made.assign(0)
        yield made


@pytest.fixture
def id(installed: Installation) -> str:
    """Of a call that has ended."""
    with Phone("127.0.1.1") as carrier:
        made = installed.call(carrier)
        assert made.hang_up() == 200
    (found,) = until(lambda: listed(installed, "--call-id", made.id), lambda calls: calls and calls[0]["ended_at"])
    assert found["recording"] is False
    return str(found["id"])


def finish(installed: Installation, id: str, name: str = "call-1", size: int = 160) -> None:
    """What rtpengine leaves of a recorded call, as its user."""
    spool = installed.server.data / "edge" / "recordings"
    both = packet(0, payload=code(8000, size)) + packet(0, port=CALLEE, source=2, payload=code(-2000, size))
    meta = spool / "tmp" / f"rtpengine-meta-{name}.tmp"
    for path, content in ((spool / "pcaps" / f"{name}.pcap", HEAD + both), (meta, f"x\n\n{id}:{CALLER}\n".encode())):
        path.write_bytes(content)
        if os.geteuid() == 0:
            os.chown(path, running_as(), running_as())
    meta.rename(spool / "metadata" / f"rtpengine-meta-{name}.txt")


def recorded(installed: Installation, id: str) -> bool:
    return bool(json.loads(cordboard(installed.server.data, "call", "show", id, "--json").stdout)["recording"])


def test_a_recorded_call_says_so_and_its_sound_can_be_written_to_a_file(
    installed: Installation, id: str, tmp_path: Path
) -> None:
    finish(installed, id)
    until(lambda: recorded(installed, id), bool)
    assert next(found["recording"] for found in listed(installed) if found["id"] == id) is True
    output = tmp_path / "call.wav"
    cordboard(installed.server.data, "call", "recording", id, "--output", str(output))
    with wave.open(str(output)) as sound:
        assert (sound.getnchannels(), sound.getnframes()) == (2, 160)
    assert cordboard(installed.server.data, "call", "show", id).stdout.count("recording") == 1


def test_a_call_without_a_recording_has_none(installed: Installation, id: str, tmp_path: Path) -> None:
    output = tmp_path / "none.wav"
    for which in (id, "no-such-call"):
        refused = cordboard(installed.server.data, "call", "recording", which, "--output", str(output), ok=False)
        assert (refused.returncode, which in refused.stderr) == (1, True)
        assert not output.exists()


def test_the_sound_is_for_nobody_but_whose_call_it_is(installed: Installation, id: str) -> None:
    path = f"{installed.server.url}/cordboard/v1/calls/{id}/recording"
    data = installed.server.data
    cordboard(data, "tenant", "create", "Others")
    theirs = cordboard(data, "key", "create", "--tenant", "Others").stdout.strip()
    assert call("GET", path, "wrong")[0] == 401
    for key, why in ((theirs, "unknown-call"), (installed.key, "no-recording")):
        status, problem = call("GET", path, key)
        assert (status, problem["code"]) == (404, why)


def test_what_was_finished_while_no_server_ran_is_made_by_the_next(installed: Installation, id: str) -> None:
    installed.server.kill()
    finish(installed, id, "call-2")
    installed.successor()
    until(lambda: recorded(installed, id), bool)


@dataclass
class Account:
    """A SIP account as the administrator gets it."""

    username: str
    password: str


@pytest.fixture(scope="module")
def accounts(installed: Installation) -> tuple[Account, Account]:
    """One that is recorded when it calls another, and that one, extension 102."""

    def create(extension: int, *options: str) -> Account:
        arguments = ("--tenant", "Acme", "--internal-caller-id", str(extension), *options)
        made = json.loads(cordboard(installed.server.data, "account", "create", *arguments).stdout)
        return Account(made["username"], made["password"])

    return create(101, "--record", "outgoing-internal"), create(102, "--on-demand")


@contextlib.contextmanager
def talk(installed: Installation, accounts: tuple[Account, Account]) -> Iterator[Call]:
    """The first account calls the second, 440 Hz against 1000 Hz, and both have heard each other."""
    caller, callee = accounts
    with (
        Phone("127.0.3.1") as alice,
        Agent("127.0.3.2") as bob,
        ToneEndpoint("127.0.3.1", 440) as mine,
        ToneEndpoint("127.0.3.2", 1000) as theirs,
    ):
        assert register(bob, installed, callee.username, password=callee.password).status == 200  # type: ignore[arg-type]
        bob.media_port = theirs.port
        made = alice.call(
            installed.sip,
            "102",
            body=sdp("127.0.3.1", mine.port),
            caller=caller.username,
            credentials=(caller.username, caller.password),
        )
        mine.play_to(media(made.answered.body)[0])
        theirs.play_to(media(bob.calls[-1].body)[0])
        assert theirs.hears() == 440
        assert mine.hears() == 1000
        yield made


def heard(installed: Installation, made: Call, folder: Path) -> tuple[int | None, int | None]:
    """The tones of that call's recording, the left one first, once it is there."""
    (found,) = until(lambda: listed(installed, "--call-id", made.id), lambda calls: calls and calls[0]["recording"])
    output = folder / "call.wav"
    cordboard(installed.server.data, "call", "recording", found["id"], "--output", str(output))
    with wave.open(str(output)) as sound:
        both = array("h", sound.readframes(sound.getnframes()))
    return loudest(list(both[0::2])), loudest(list(both[1::2]))


def test_a_switch_of_an_account_leads_to_a_file_with_both_voices(
    installed: Installation, accounts: tuple[Account, Account], tmp_path: Path
) -> None:
    with talk(installed, accounts) as made:
        assert made.hang_up() == 200
    assert heard(installed, made, tmp_path) == (440, 1000)


def test_what_a_server_that_is_told_to_stop_leaves_is_made_by_the_next(
    installed: Installation, accounts: tuple[Account, Account], tmp_path: Path
) -> None:
    """It takes its engines with it, in the middle of a call."""
    with talk(installed, accounts) as made:
        installed.server.stop()
    installed.server = start(installed.server.data, *installed.arguments, environment=installed.environment)
    installed.server.wait("/readyz")
    assert heard(installed, made, tmp_path) == (440, 1000)
