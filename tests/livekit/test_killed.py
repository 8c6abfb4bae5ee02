"""The server dies while LiveKit is being changed, at every request to it; the next one makes both sides agree."""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.builders import fresh_number
from tests.livekit.installation import Installation, clear, held, installation
from tests.livekit.proxy import Place, Proxy, proxied
from tests.livekit.servers import LiveKit
from tests.livekit.test_numbers import GATEWAY

OTHER = {
    "inbound_config": {"allowed_addresses": ["192.0.2.9"]},
    "outbound_config": {"username": "b", "password": "b" * 12},
}
#: What is asked of a number that an agent answers.
WRITES: dict[str, tuple[str, str, Any]] = {
    "loses its agent": ("PATCH", "", {"inbound_version_id": None}),
    "changes its trunk": ("PATCH", "/sip-config", OTHER),
    "is released": ("DELETE", "", None),
}


@pytest.fixture(scope="module")
def proxy(livekit: LiveKit) -> Iterator[Proxy]:
    with proxied(livekit.url) as running:
        yield running


@pytest.fixture(scope="module")
def served(livekit: LiveKit, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    clear(livekit)
    with installation(tmp_path_factory.mktemp("killed"), proxy.url) as running:
        yield running


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("write", WRITES)
def test_a_number_that_changes(served: Installation, proxy: Proxy, livekit: LiveKit, write: str, place: Place) -> None:
    method, path, body = WRITES[write]
    for step in itertools.count():
        number, phone = served.answered(outbound_config=GATEWAY)
        stored = served.request("GET", f"/{phone}")
        if not _killed(served, proxy, step, place, partial(served.request, method, f"/{phone}{path}", body)):
            break
        assert _agrees(served), f"step {step}: {served.plan()}"
        assert served.request("GET", f"/{phone}") == stored, "it was stored, and never answered"
        trunks, rules = held(livekit).of(number)
        assert (len(trunks), len(rules)) == (1, 1)
    assert step >= 4


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_number_that_gets_an_agent(served: Installation, proxy: Proxy, livekit: LiveKit, place: Place) -> None:
    for step in itertools.count():
        number, phone = served.imported()
        patch = partial(served.request, "PATCH", f"/{phone}", {"inbound_version_id": served.version})
        if not _killed(served, proxy, step, place, patch):
            break
        assert _agrees(served), f"step {step}: {served.plan()}"
        assert held(livekit).of(number) == ([], [])
    assert step >= 4
    assert [len(each) for each in held(livekit).of(number)] == [1, 1]


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_trunk_that_is_made(served: Installation, proxy: Proxy, livekit: LiveKit, place: Place) -> None:
    for step in itertools.count():
        before = held(livekit)
        body = {"phone_number": fresh_number(), "outbound_config": GATEWAY}
        if not _killed(served, proxy, step, place, partial(served.request, "POST", "/import", body)):
            break
        assert _agrees(served), f"step {step}: {served.plan()}"
        assert held(livekit) == before
    assert step >= 1
    assert len(held(livekit).outbound) == len(before.outbound) + 1


@pytest.mark.parametrize("place", ["before", "after"])
def test_an_agent_that_is_made_in_edge_mode(livekit: LiveKit, proxy: Proxy, tmp_path: Path, place: Place) -> None:
    clear(livekit)
    edge = {
        "CORDBOARD_LIVEKIT_MODE": "edge",
        "CORDBOARD_LIVEKIT_SIP": "127.0.2.1",
        "CORDBOARD_LIVEKIT_EDGES": "127.0.0.1",
    }
    with installation(tmp_path, proxy.url, **edge) as served:
        for step in itertools.count():
            before = held(livekit)
            body = {"name": f"agent {step}", "sip_uri": "sip:x@127.0.2.1"}
            create = partial(served.administer, "POST", f"/tenants/{served.tenant}/agents", body)
            if not _killed(served, proxy, step, place, create):
                break
            assert _agrees(served), f"step {step}: {served.plan()}"
            assert held(livekit) == before
        assert len(held(livekit).rules) == len(before.rules) + 1
    assert step >= 3


def _killed(served: Installation, proxy: Proxy, step: int, place: Place, ask: Callable[[], object]) -> bool:
    """Ask, and kill the server when its request of that number stands in the proxy; then start another server.

    False: it needed fewer requests than that, and is done.
    """
    _until_quiet(proxy)
    proxy.stop_at(step, place)
    asking = threading.Thread(target=_asked, args=(ask,), daemon=True)
    asking.start()
    while asking.is_alive() and not proxy.stopped.wait(0.02):
        pass
    if not proxy.stopped.is_set():
        proxy.let_go()
        return False
    served.server.kill()
    proxy.let_go()
    asking.join(10)
    served.again()
    return True


def _asked(ask: Callable[[], object]) -> None:
    with contextlib.suppress(OSError):  # the server dies, and answers nothing
        ask()


def _until_quiet(proxy: Proxy) -> None:
    """The server compares everything at its start: its requests are not to be counted."""
    before = -1
    while len(proxy.methods) != before:
        before = len(proxy.methods)
        time.sleep(0.2)


def _agrees(served: Installation, seconds: float = 10) -> bool:
    """Whether both sides are the same before long, without anybody's help."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        planned = served.plan()
        if not planned["changes"] and not planned["problems"]:
            return True
        time.sleep(0.1)
    return False
