"""Following what happens: each event once, as it becomes known."""

import json
import os
import signal
import subprocess
import time
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from click.testing import CliRunner

from cordboard.cli import main
from cordboard.domain.events import Happened
from cordboard.domain.tenants import TenantId
from cordboard.usecases.events import emit
from tests.cli.conftest import Running
from tests.cli.furnished import NOW
from tests.processes import COMMAND

pytestmark = pytest.mark.slow


def happened(running: Running, type: str, subject: str, *, after: float, tenant: str = "acme", **data: Any) -> Happened:
    """Something of a call, so many seconds after now."""
    call = {"caller": "+34600123456", "called": "+34911000001", "direction": "inbound", "source": "udp:127.0.1.1:5060"}
    at = NOW + timedelta(seconds=after)
    return Happened(type=type, tenant=TenantId(running.ids[tenant]), subject=subject, at=at, data={**call, **data})


def tell(running: Running, *what: Happened) -> None:
    running.portal.call(running.world.store.write, None, partial(emit, happened=what))


def following(running: Running, *arguments: str) -> subprocess.Popen[str]:
    """A process that follows, and has begun to."""
    before = len(running.asked)
    process = subprocess.Popen(
        [COMMAND, *arguments],
        env={**os.environ, **running.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # who starts the tests in the background hands an ignored SIGINT down, which Python then leaves ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    for _ in range(2000):
        if running.asked[before:].count("list_events") >= 3:
            break
        time.sleep(0.01)
    return process


def test_calls_are_told_as_they_go_on_and_late_ones_too(running: Running) -> None:
    tail = following(running, "calls", "tail", "--count", "5", "--for", "30")
    tell(running, happened(running, "call.started", "c1", after=0))
    time.sleep(1)
    at = {"answered_at": "2026-01-11T12:00:01.000000Z", "ended_at": "2026-01-11T12:00:05.500000Z"}
    tell(
        running,
        happened(running, "call.answered", "c1", after=1),
        happened(running, "call.ended", "c1", after=5.5, reason="hangup-caller", detail="the caller hung up", **at),
        happened(running, "number.updated", "n1", after=6),
    )
    time.sleep(1)
    late = {"code": 403, "reason": "address-not-allowed", "detail": "not let in", "called": "+34911000002"}
    tell(running, happened(running, "call.refused", "r1", after=3, **late))
    tell(running, happened(running, "call.failed", "c2", after=7, code=486, reason="busy", detail="it is busy"))
    said, problems = tail.communicate(timeout=30)
    assert problems == ""
    way = "+34600123456 -> +34911000001    "
    assert said.splitlines() == [
        f"12:00:00  started   inbound   {way}from udp:127.0.1.1:5060  c1",
        f"12:00:01  answered  inbound   {way}  c1",
        f"12:00:05  ended     inbound   {way}4.5 s: the caller hung up  c1",
        "12:00:03  refused   inbound   +34600123456 -> +34911000002    403 address-not-allowed: not let in  r1",
        f"12:00:07  failed    inbound   {way}486 busy: it is busy  c2",
    ]


def test_a_tenants_calls_are_a_line_of_json_each_until_ctrl_c(running: Running) -> None:
    tail = following(running, "call", "tail", "--tenant", "Globex", "--json")
    tell(running, happened(running, "call.started", "c1", after=0))
    tell(running, happened(running, "call.started", "c2", after=1, tenant="globex"))
    assert tail.stdout is not None
    first = json.loads(tail.stdout.readline())
    assert (first["type"], first["subject"]) == ("call.started", "c2")
    tail.send_signal(signal.SIGINT)
    assert tail.communicate(timeout=10) == ("", "")
    assert tail.returncode == 0


def test_following_ends_when_its_time_is_over(running: Running) -> None:
    begun = time.monotonic()
    done = CliRunner().invoke(main, ["events", "tail", "--for", "0.3"], env=running.environment)
    assert (done.exit_code, done.output) == (0, "")
    assert time.monotonic() - begun < 5


def test_a_server_that_is_gone_is_waited_for_as_long_as_there_is_time() -> None:
    nowhere = {"CORDBOARD_URL": "http://127.0.0.1:9", "CORDBOARD_ADMIN_TOKEN": "x"}
    done = CliRunner().invoke(main, ["calls", "tail", "--for", "0.1"], env=nowhere)
    assert (done.exit_code, "is `cordboard serve` running?" in done.stderr) == (1, True)
