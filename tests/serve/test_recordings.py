"""Recordings as an installation makes and shows them."""

import json
import os
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.calls.edges import running_as
from tests.calls.phone import Phone
from tests.engines.test_sound import CALLEE, CALLER, HEAD, code, packet
from tests.processes import call, cordboard
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


def test_the_sound_is_for_the_administrator_alone(installed: Installation, id: str) -> None:
    assert call("GET", f"{installed.server.url}/cordboard/v1/calls/{id}/recording", installed.key)[0] == 401


def test_what_was_finished_while_no_server_ran_is_made_by_the_next(installed: Installation, id: str) -> None:
    installed.server.kill()
    finish(installed, id, "call-2")
    installed.successor()
    until(lambda: recorded(installed, id), bool)
