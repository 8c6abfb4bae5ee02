"""A look-up that fails blames nobody: 503 lookup-failed, and calls go on once it works again."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator

import pytest

from tests.calls.edges import RunningEdge, agent, number, running_edge, trunk
from tests.calls.phone import Agent, Phone

CALLED = "+34911234567"


@pytest.fixture
def edge() -> Iterator[RunningEdge]:
    """One of its own for each test, since it is spoilt."""
    with running_edge() as running:
        yield running


@pytest.mark.parametrize("table", ["number", "trunk", "agent", "hop"])
def test_a_missing_table_is_503(routed: RunningEdge, carrier: Phone, table: str) -> None:
    assert carrier.call(routed.sip, CALLED).status == 200
    with sqlite3.connect(routed.folder / "edge.sqlite") as other:
        other.execute(f"alter table {table} rename to away")
    assert carrier.call(routed.sip, CALLED).status == 503
    assert carrier.call(routed.sip, "+34911000000").status == 503, "not even an unknown number is judged"
    assert "refused 503 lookup-failed" in routed.refusals()[-1]
    other.execute(f"alter table away rename to {table}")
    other.close()
    assert carrier.call(routed.sip, CALLED).status == 200


def test_an_unreadable_file_is_503(routed: RunningEdge, carrier: Phone) -> None:
    path = routed.folder / "edge.sqlite"
    if os.geteuid() != 0:
        pytest.skip("a file's owner can always be given the right back; needs root to take it away")
    os.chown(path, 0, 0)
    routed.edge.kamailio.place.signal(signal.SIGKILL)
    while routed.edge.ready:
        time.sleep(0.01)
    routed.until_ready()
    try:
        assert carrier.call(routed.sip, CALLED).status == 503
    finally:
        os.chown(path, routed.options.uid, routed.options.gid)
    assert carrier.call(routed.sip, CALLED).status == 200, "it opens the file as soon as it can"


def test_a_dead_relay_is_503_until_it_is_back(routed: RunningEdge, carrier: Phone, ai: Agent) -> None:
    with running_edge() as other:
        other.put(number(), trunk(), agent(uri=f"sip:{ai.at}"))
        routed.run(routed.edge.detach())
        assert routed.edge.rtpengine.place.end(grace=0)
        call = carrier.call(routed.sip, CALLED)
        assert call.status == 503
        assert "refused 503 media-relay-unavailable" in routed.refusals()[-1]
        assert carrier.call(routed.sip, CALLED, body=None).status == 200, (
            "without an offer there is nothing to relay yet"
        )
        routed.start()
        assert carrier.call(routed.sip, CALLED).status == 200
