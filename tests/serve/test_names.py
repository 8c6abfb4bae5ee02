"""Gateways and agents given by name: real calls follow what a name server says, and never wait for one."""

import json
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.calls.edges import data_directory
from tests.calls.phone import Agent, Call, Phone
from tests.dns import NameServer, name_server
from tests.processes import cordboard, start
from tests.serve.installations import Installation, installation
from tests.stores import BOTH

pytestmark = pytest.mark.calls

CALLED = "+15125550100"
#: Where agents call from.
BOT = "127.0.2.9"


@pytest.fixture(scope="module")
def dns() -> Iterator[NameServer]:
    with name_server() as server:
        yield server


@pytest.fixture(scope="module", params=BOTH)
def installed(request: pytest.FixtureRequest, dns: NameServer) -> Iterator[Installation]:
    settings = {"CORDBOARD_DNS_SERVERS": dns.at}
    if request.param == "sqlite":
        with installation(**settings) as made:
            yield made
        return
    server = request.getfixturevalue("postgres_server")
    with (
        server.database(template=request.getfixturevalue("migrated_template")) as url,
        installation(url, **settings) as made,
    ):
        yield made


@pytest.fixture(autouse=True)
def _answering(dns: NameServer) -> Iterator[None]:
    yield
    dns.clear()


@pytest.fixture
def carrier() -> Iterator[Phone]:
    with Phone("127.0.1.1") as phone:
        yield phone


@pytest.fixture
def gateways() -> Iterator[tuple[Agent, Agent]]:
    with Agent("127.0.1.3") as first, Agent("127.0.1.4") as second:
        yield first, second


@pytest.fixture
def bot(installed: Installation) -> Iterator[Phone]:
    """The agent that may call from the installation's number."""
    version = new_agent(installed, "sip:bot@127.0.2.9", "--from-address", BOT)
    assert installed.patch("", {"outbound_version_id": version}) == 200
    with Phone(BOT) as phone:
        yield phone
    assert installed.patch("", {"outbound_version_id": None}) == 200


def new_agent(installed: Installation, uri: str, *arguments: str) -> str:
    """The id of its published version."""
    made = cordboard(
        *(installed.server.data, "agent", "create", "--tenant", "Acme", "--name", "Named", "--sip-uri", uri),
        *arguments,
    )
    return str(json.loads(made.stdout)["version_id"])


def route_through(installed: Installation, gateway: str) -> float:
    """Give the trunk a gateway; the seconds that the answer took."""
    began = time.monotonic()
    assert installed.patch("/sip-config", {"outbound_config": {"termination_uri": gateway}}) == 200
    return time.monotonic() - began


def call_out(installed: Installation, bot: Phone) -> Call:
    return bot.call(installed.sip, CALLED, caller=installed.number)


def serve_at(dns: NameServer, name: str, *places: Agent, ttl: int = 300) -> None:
    """SRV records of the name that lead to these places in order."""
    records = []
    for priority, place in enumerate(places):
        dns.set(f"node{priority}.{name}", "A", place.address[0], ttl=ttl)
        records.append(f"{priority} 0 {place.address[1]} node{priority}.{name}.")
    dns.set(f"_sip._udp.{name}", "SRV", *records, ttl=ttl)


def test_the_first_call_through_a_gateway_given_by_name_arrives(
    installed: Installation, dns: NameServer, bot: Phone, gateways: tuple[Agent, Agent]
) -> None:
    """Each write is answered when its name is resolved: the call that follows at once does not come too early."""
    for turn in range(5):
        serve_at(dns, f"carrier{turn}.test", gateways[0])
        route_through(installed, f"carrier{turn}.test")
        call = call_out(installed, bot)
        assert call.status == 200, f"turn {turn}"
        assert gateways[0].calls[turn].first == f"INVITE sip:{CALLED}@carrier{turn}.test SIP/2.0"
        assert call.hang_up() == 200


def test_the_second_record_takes_the_call_when_the_first_is_dead(
    installed: Installation, dns: NameServer, bot: Phone, gateways: tuple[Agent, Agent]
) -> None:
    first, second = gateways
    first.close()
    serve_at(dns, "pair.test", first, second)
    route_through(installed, "pair.test")
    call = call_out(installed, bot)
    assert call.status == 200
    assert len(second.calls) == 1
    call.hang_up()
    began = time.monotonic()
    call = call_out(installed, bot)
    assert call.status == 200
    assert time.monotonic() - began < 1, "the dead one is known by now"
    call.hang_up()


def test_a_record_that_changes_is_followed(
    installed: Installation, dns: NameServer, bot: Phone, gateways: tuple[Agent, Agent]
) -> None:
    old, new = gateways
    serve_at(dns, "moving.test", old, ttl=5)
    route_through(installed, "moving.test")
    call = call_out(installed, bot)
    assert call.status == 200
    call.hang_up()
    serve_at(dns, "moving.test", new, ttl=5)
    deadline = time.monotonic() + 8
    while not new.calls:
        assert time.monotonic() < deadline, "a time to live of 5 s has passed"
        call = call_out(installed, bot)
        assert call.status == 200
        call.hang_up()
        time.sleep(0.2)


def test_an_agent_given_by_name_is_called(installed: Installation, dns: NameServer, carrier: Phone) -> None:
    with Agent("127.0.2.5") as ai:
        serve_at(dns, "ai.test", ai)
        version = new_agent(installed, "sip:{number}@ai.test;transport=udp")
        assert installed.patch("", {"inbound_version_id": version}) == 200
        call = installed.call(carrier)
        assert call.status == 200
        assert ai.calls[0].first == f"INVITE sip:{installed.number}@ai.test;transport=udp SIP/2.0"
        assert call.hang_up() == 200
    assert installed.patch("", {"inbound_version_id": None}) == 200


def test_a_name_that_leads_to_the_edge_itself_leads_nowhere(
    installed: Installation, dns: NameServer, bot: Phone
) -> None:
    dns.set("loop.test", "A", installed.sip[0])
    route_through(installed, f"loop.test:{installed.sip[1]}")
    assert call_out(installed, bot).status == 503


def test_a_name_that_nobody_answers_for_costs_a_write_half_a_second_and_a_call_nothing(
    installed: Installation, dns: NameServer, bot: Phone
) -> None:
    dns.silent.add("void.test")
    assert 0.4 < route_through(installed, "void.test") < 2
    began = time.monotonic()
    assert call_out(installed, bot).status == 503
    assert time.monotonic() - began < 0.5


def test_calls_and_writes_feel_nothing_of_a_name_server_that_is_a_black_hole(
    installed: Installation, dns: NameServer, carrier: Phone, bot: Phone, gateways: tuple[Agent, Agent]
) -> None:
    """50 calls while the name server answers nobody and names are looked up all the time."""
    serve_at(dns, "carrier.test", gateways[0], ttl=5)
    route_through(installed, "carrier.test")
    installed.assign(0)

    def place(turn: int) -> float:
        began = time.monotonic()
        with Phone(f"127.0.1.{20 + turn}") as phone:
            call = installed.call(phone) if turn % 2 else call_out(installed, bot)
            assert call.status == 200, turn
            took = time.monotonic() - began
            time.sleep(0.3)
            call.hang_up()
        return took

    def write(turn: int) -> float:
        began = time.monotonic()
        assert installed.patch("", {"nickname": f"turn {turn}"}) == 200
        return time.monotonic() - began

    with ThreadPoolExecutor(10) as pool, ThreadPoolExecutor(3) as others:
        usual = max(pool.map(place, range(10)))
        time.sleep(5)  # the time to live is over
        dns.silent.add("")
        asked = sum(dns.asked.values())
        named = others.map(lambda n: new_agent(installed, f"sip:x@dead{n}.test"), range(6))
        took = [pool.submit(place, turn) for turn in range(50)]
        writes = list(others.map(write, range(50)))
        assert max(call.result() for call in took) < usual + 1
        assert max(writes) < 1
        assert len(list(named)) == 6
    assert sum(dns.asked.values()) > asked


def test_names_are_counted(installed: Installation, dns: NameServer, bot: Phone, gateways: tuple[Agent, Agent]) -> None:
    before = counted(installed)
    serve_at(dns, "counted.test", gateways[0])
    route_through(installed, "counted.test")
    route_through(installed, "nothing.test")
    after = counted(installed)
    for sample in ('names{state="resolved"}', 'name_lookups_total{result="resolved"}'):
        assert after[sample] > before[sample]
    assert after['name_lookups_total{result="nothing"}'] > before['name_lookups_total{result="nothing"}']


def counted(installed: Installation) -> dict[str, float]:
    """The samples about names, without the prefix of all."""
    with urllib.request.urlopen(f"{installed.server.url}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    found = (line.removeprefix("cordboard_").rpartition(" ") for line in lines if line.startswith("cordboard_name"))
    return {name: float(value) for name, _, value in found}


@pytest.mark.parametrize("servers", ["ns.example.com", "192.0.2.1:99999", "192.0.2.1;192.0.2.2"])
def test_a_name_server_without_an_address_is_refused_at_the_start(servers: str) -> None:
    with data_directory() as data:
        server = start(data / "data", environment={"CORDBOARD_DNS_SERVERS": servers})
        assert server.process.wait(30) == 1
        assert "CORDBOARD_DNS_SERVERS" in server.log.read_text()


def test_what_was_resolved_outlives_the_server_and_the_name_server(
    installed: Installation, dns: NameServer, bot: Phone, gateways: tuple[Agent, Agent]
) -> None:
    serve_at(dns, "lasting.test", gateways[0])
    route_through(installed, "lasting.test")
    dns.silent.add("")
    installed.successor("--replace-edge")
    call = call_out(installed, bot)
    assert call.status == 200
    call.hang_up()
