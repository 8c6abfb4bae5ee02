"""LiveKit refuses, hangs, or is asked for what it cannot hold: nothing changes on either side."""

import contextlib
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.livekit.installation import Installation, clear, held, installation
from tests.livekit.proxy import Proxy, proxied
from tests.livekit.servers import LiveKit
from tests.livekit.test_numbers import GATEWAY
from tests.processes import cordboard


@pytest.fixture(scope="module")
def proxy(livekit: LiveKit) -> Iterator[Proxy]:
    with proxied(livekit.url) as running:
        yield running


@pytest.fixture(scope="module")
def served(livekit: LiveKit, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    clear(livekit)
    folder = tmp_path_factory.mktemp("refused")
    with installation(folder, proxy.url, CORDBOARD_LIVEKIT_TIMEOUT_SECONDS="1") as running:
        yield running


@pytest.fixture
def refusing(proxy: Proxy) -> Iterator[dict[str, int]]:
    yield proxy.refusing
    proxy.refusing.clear()


@pytest.mark.parametrize("method", ["CreateSIPDispatchRule", "CreateSIPInboundTrunk"])
def test_a_refusal_of_any_part_undoes_the_rest(
    livekit: LiveKit, served: Installation, refusing: dict[str, int], method: str
) -> None:
    _, phone = served.imported()
    before, stored = held(livekit), served.request("GET", f"/{phone}")
    refusing[method] = 500
    status, said = served.request("PATCH", f"/{phone}", {"inbound_version_id": served.version})
    assert (status, said["error_code"]) == (502, "SIP_PROVIDER_ERROR")
    assert held(livekit) == before
    assert served.request("GET", f"/{phone}") == stored
    refusing.clear()
    assert served.request("PATCH", f"/{phone}", {"inbound_version_id": served.version})[0] == 200
    assert served.plan()["changes"] == []


def test_an_answer_that_does_not_come_is_a_502(livekit: LiveKit, served: Installation, proxy: Proxy) -> None:
    """The trunk is made, and nobody hears of it: it goes again, and is not made twice."""
    number, phone = served.imported()
    stored = served.request("GET", f"/{phone}")
    proxy.stop_at(1, "after")
    began = time.monotonic()
    status, said = served.request("PATCH", f"/{phone}", {"inbound_version_id": served.version})
    proxy.let_go()
    assert (status, said["message"]) == (502, "LiveKit did not answer: TimeoutError")
    assert time.monotonic() - began < 5
    assert served.request("GET", f"/{phone}") == stored
    assert held(livekit).of(number) == ([], [])


def test_rules_go_before_their_trunks(served: Installation, proxy: Proxy) -> None:
    """A rule that has lost its trunk takes every call."""
    _, phone = served.answered()
    proxy.methods.clear()
    assert served.request("PATCH", f"/{phone}", {"inbound_version_id": None})[0] == 200
    assert proxy.methods.index("DeleteSIPDispatchRule") < proxy.methods.index("DeleteSIPTrunk")


def test_what_livekit_need_not_know_does_not_ask_it(served: Installation, refusing: dict[str, int]) -> None:
    _, phone = served.answered()
    for method in ("ListSIPInboundTrunk", "UpdateSIPInboundTrunk", "CreateSIPInboundTrunk", "ListSIPOutboundTrunk"):
        refusing[method] = 500
    assert served.request("PATCH", f"/{phone}", {"nickname": "Front desk"})[0] == 200
    cordboard(served.server.data, "tenant", "create", "Other")


def test_writers_of_one_number_take_turns(livekit: LiveKit, served: Installation) -> None:
    number, phone = served.answered(outbound_config=GATEWAY)
    bodies = [{"inbound_config": {"allowed_addresses": [f"192.0.2.{n}"]}} for n in range(8)]
    with ThreadPoolExecutor(8) as several:
        answers = list(several.map(lambda body: served.request("PATCH", f"/{phone}/sip-config", body)[0], bodies))
    assert set(answers) <= {200, 503}
    assert 200 in answers
    assert served.plan()["changes"] == []
    assert [len(each) for each in held(livekit).of(number)] == [1, 1]


def test_beginnings_of_callers_numbers_are_refused_since_livekit_knows_whole_ones_alone(served: Installation) -> None:
    number, phone = served.imported()
    cordboard(served.server.data, "trunk", "update", number, "--caller", "+34*")
    status, said = served.request("PATCH", f"/{phone}", {"inbound_version_id": served.version})
    assert status == 422
    assert "LiveKit knows whole numbers alone" in said["detail"][0]["msg"]


def test_what_livekit_cannot_hold_hinders_nothing_else(served: Installation) -> None:
    """As where LiveKit was set up when such trunks were there already."""
    number, phone = served.answered()
    data = served.server.data
    with contextlib.closing(sqlite3.connect(data / "store.sqlite")) as store, store:
        options = '{"callers":["+34*"]}'
        store.execute("update trunk set options = ? where number_id = ?", (options, phone))
    (problem,) = served.plan()["problems"]
    assert problem["key"] == f"number:{number}"
    assert served.request("PATCH", f"/{phone}", {"nickname": "Front desk"})[0] == 200
    assert cordboard(data, "livekit", "apply", ok=False).returncode == 1
    cordboard(data, "trunk", "update", number, "--default", "callers")
    planned = served.plan()
    assert (planned["changes"], planned["problems"]) == ([], [])


@pytest.mark.parametrize("address", ["192.0.2.1,192.0.2.2", "sip://192.0.2.1", "a.example", "192.0.2.1:5060"])
def test_an_address_that_livekit_would_not_read_is_refused(served: Installation, address: str) -> None:
    _, phone = served.imported()
    body = {"inbound_config": {"allowed_addresses": [address]}}
    assert served.request("PATCH", f"/{phone}/sip-config", body)[0] == 422


@pytest.mark.slow
def test_without_livekit_nothing_of_it_is_loaded() -> None:
    loaded = "import sys, cordboard.bootstrap; print({'livekit', 'aiohttp', 'google.protobuf'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", loaded], check=True, capture_output=True, text=True, timeout=60)
    assert told.stdout.strip() == "set()"
