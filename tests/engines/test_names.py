"""Host names of gateways and agents: where RFC 3263 leads, asked of a real name server."""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from cordboard.domain.addresses import HostPolicy, HostPort
from cordboard.engines.edge.config import EdgeOptions
from cordboard.engines.edge.names.lookup import Answer, Srv, Target, in_order, look_up
from cordboard.engines.edge.names.reach import Reach, reach_of
from cordboard.engines.edge.names.servers import NameServers
from tests.dns import NameServer, name_server

EVERYWHERE = HostPolicy(allow_private=True)
PUBLIC = HostPolicy()


@pytest.fixture
def dns() -> Iterator[NameServer]:
    with name_server() as server:
        yield server


def servers(*dns: NameServer) -> NameServers:
    return NameServers(tuple(HostPort(host=server.address, port=server.port) for server in dns))


def answer(dns: NameServer | NameServers, name: str, reach: Reach | None = None, draw: Random | None = None) -> Answer:
    """What one look at `host;port;transport` finds."""

    async def look() -> Answer:
        asked = servers(dns) if isinstance(dns, NameServer) else dns
        return await look_up(Target.of(name), asked, reach or Reach(hosts=EVERYWHERE), draw or Random(1))

    return asyncio.run(look())


def uris(dns: NameServer, name: str, reach: Reach | None = None, draw: Random | None = None) -> list[str]:
    return [hop.uri for hop in answer(dns, name, reach, draw).hops]


def asked_for(dns: NameServer) -> set[str]:
    return {kind for _, kind in dns.asked}


def test_a_port_says_all_there_is_to_say(dns: NameServer) -> None:
    dns.set("pbx.test", "A", "192.0.2.1")
    dns.set("_sip._udp.pbx.test", "SRV", "0 0 5060 other.test.")
    assert uris(dns, "pbx.test;5070;") == ["sip:192.0.2.1:5070;transport=udp"]
    assert uris(dns, "pbx.test;5070;tls") == ["sip:192.0.2.1:5070;transport=tls"]
    assert asked_for(dns) == {"A"}, "RFC 3263 section 4.2: neither NAPTR nor SRV is asked for"


@pytest.mark.parametrize(
    ("transport", "service", "port"),
    [("udp", "_sip._udp", 5060), ("tcp", "_sip._tcp", 5060), ("tls", "_sips._tcp", 5061)],
)
def test_a_transport_leads_to_its_service_else_to_its_default_port(
    dns: NameServer, transport: str, service: str, port: int
) -> None:
    dns.set("pbx.test", "A", "192.0.2.1")
    dns.set("node.test", "A", "192.0.2.7")
    assert uris(dns, f"pbx.test;;{transport}") == [f"sip:192.0.2.1:{port};transport={transport}"]
    dns.set(f"{service}.pbx.test", "SRV", "0 0 5099 node.test.")
    assert uris(dns, f"pbx.test;;{transport}") == [f"sip:192.0.2.7:5099;transport={transport}"]
    assert "NAPTR" not in asked_for(dns)


def test_naptr_leads_to_srv_leads_to_an_address(dns: NameServer) -> None:
    dns.set(
        "pbx.test",
        "NAPTR",
        '20 10 "s" "SIP+D2U" "" _sip._udp.never.test.',  # of a higher order than one that is used
        '10 20 "S" "sip+d2u" "" _sip._udp.pbx.test.',
        '10 10 "s" "SIP+D2T" "" _sip._tcp.pbx.test.',
        '5 10 "s" "SIP+D2W" "" _sip._ws.pbx.test.',  # not a transport of ours
        '10 30 "a" "SIP+D2T" "" plain.test.',
        '10 5 "u" "E2U+sip" "!^.*$!sip:x@pbx.test!" .',
    )
    dns.set("_sip._tcp.pbx.test", "SRV", "0 0 5061 a.test.")
    dns.set("_sip._udp.pbx.test", "SRV", "0 0 5062 b.test.")
    dns.set("_sip._udp.never.test", "SRV", "0 0 5063 a.test.")
    for name, address in (("a.test", "192.0.2.1"), ("b.test", "192.0.2.2"), ("plain.test", "192.0.2.3")):
        dns.set(name, "A", address)
    assert uris(dns, "PBX.test.;;") == [
        "sip:192.0.2.1:5061;transport=tcp",
        "sip:192.0.2.2:5062;transport=udp",
        "sip:192.0.2.3:5060;transport=tcp",
    ]


def test_tls_is_chosen_only_by_an_edge_that_has_it(dns: NameServer) -> None:
    dns.set(
        "pbx.test", "NAPTR", '1 1 "s" "SIPS+D2T" "" _sips._tcp.pbx.test.', '1 2 "s" "SIP+D2U" "" _sip._udp.pbx.test.'
    )
    dns.set("_sips._tcp.pbx.test", "SRV", "0 0 5061 a.test.")
    dns.set("_sip._udp.pbx.test", "SRV", "0 0 5060 a.test.")
    dns.set("a.test", "A", "192.0.2.1")
    assert uris(dns, "pbx.test;;") == ["sip:192.0.2.1:5060;transport=udp"]
    assert uris(dns, "pbx.test;;", Reach(hosts=EVERYWHERE, tls=True))[0] == "sip:192.0.2.1:5061;transport=tls"


def test_without_naptr_the_first_transport_with_a_service_is_taken(dns: NameServer) -> None:
    dns.set("a.test", "A", "192.0.2.1")
    dns.set("pbx.test", "A", "192.0.2.9")
    dns.set("_sip._tcp.pbx.test", "SRV", "0 0 5070 a.test.")
    assert uris(dns, "pbx.test;;") == ["sip:192.0.2.1:5070;transport=tcp"]
    dns.set("_sip._udp.pbx.test", "SRV", "0 0 5071 a.test.")
    assert uris(dns, "pbx.test;;") == ["sip:192.0.2.1:5071;transport=udp"]


def test_without_any_service_the_address_is_called_by_udp(dns: NameServer) -> None:
    dns.set("pbx.test", "A", "192.0.2.1", "192.0.2.2")
    assert set(uris(dns, "pbx.test;;")) == {"sip:192.0.2.1:5060;transport=udp", "sip:192.0.2.2:5060;transport=udp"}
    assert asked_for(dns) == {"NAPTR", "SRV", "A"}


def test_a_service_that_is_decidedly_not_there_is_not_sought_elsewhere(dns: NameServer) -> None:
    dns.set("_sip._udp.pbx.test", "SRV", "0 0 0 .")
    dns.set("pbx.test", "A", "192.0.2.1")
    assert uris(dns, "pbx.test;;") == []
    assert uris(dns, "pbx.test;;udp") == []
    assert uris(dns, "pbx.test;;tcp") == ["sip:192.0.2.1:5060;transport=tcp"]


def test_services_go_by_priority_and_each_address_of_theirs_counts(dns: NameServer) -> None:
    dns.set("_sip._udp.pbx.test", "SRV", "20 0 5060 c.test.", "10 0 5060 a.test.", "15 9 5080 b.test.")
    dns.set("a.test", "A", "192.0.2.1", "192.0.2.2")
    dns.set("b.test", "A", "192.0.2.3")
    dns.set("c.test", "A", "192.0.2.1", "192.0.2.4")  # one of them stands there already
    first, second, *rest = uris(dns, "pbx.test;;udp")
    assert {first, second} == {"sip:192.0.2.1:5060;transport=udp", "sip:192.0.2.2:5060;transport=udp"}
    assert rest == ["sip:192.0.2.3:5080;transport=udp", "sip:192.0.2.4:5060;transport=udp"]


def test_services_of_one_priority_are_drawn_by_weight() -> None:
    heavy, light, idle = (Srv(priority=1, weight=weight, port=1, target=f"w{weight}.test") for weight in (75, 25, 0))
    last = Srv(priority=2, weight=65535, port=1, target="last.test")
    draw = Random(7)
    orders = [in_order([idle, last, light, heavy], draw) for _ in range(4000)]
    first = Counter(order[0].target for order in orders)
    assert 0.71 < first["w75.test"] / 4000 < 0.79
    assert 0.21 < first["w25.test"] / 4000 < 0.29
    assert 0 < first["w0.test"] < 100, "RFC 2782: a very small chance"
    assert {order[3].target for order in orders} == {"last.test"}


def test_ipv6_is_for_edges_that_listen_on_it(dns: NameServer) -> None:
    dns.set("pbx.test", "A", "192.0.2.1")
    dns.set("pbx.test", "AAAA", "2001:db8::1")
    v4, v6 = "sip:192.0.2.1:5060;transport=udp", "sip:[2001:db8::1]:5060;transport=udp"
    assert uris(dns, "pbx.test;5060;") == [v4]
    assert "AAAA" not in asked_for(dns)
    assert uris(dns, "pbx.test;5060;", Reach(hosts=EVERYWHERE, v6=True)) == [v4, v6]
    assert uris(dns, "pbx.test;5060;", Reach(hosts=EVERYWHERE, v4=False, v6=True)) == [v6]


def test_the_shortest_time_to_live_on_the_way_counts(dns: NameServer) -> None:
    dns.set("pbx.test", "NAPTR", '1 1 "s" "SIP+D2U" "" _sip._udp.pbx.test.', ttl=900)
    dns.set("_sip._udp.pbx.test", "SRV", "0 0 5060 alias.test.", ttl=800)
    dns.set("alias.test", "CNAME", "a.test.", ttl=77)
    dns.set("a.test", "A", "192.0.2.1", ttl=600)
    found = answer(dns, "pbx.test;;")
    assert [hop.uri for hop in found.hops] == ["sip:192.0.2.1:5060;transport=udp"]
    assert found.ttl == 77
    dns.negative_ttl = 44
    assert answer(dns, "nothing.test;;").ttl == 44, "the SOA's minimum"


def test_an_answer_too_long_for_udp_is_fetched_by_tcp(dns: NameServer) -> None:
    dns.set("pbx.test", "A", *(f"192.0.2.{n}" for n in range(1, 200)))
    assert len(answer(dns, "pbx.test;5060;").hops) == 16, "no more: a decision takes no more"
    assert dns.by_tcp == 1


def test_private_addresses_are_refused_whatever_name_gave_them(dns: NameServer) -> None:
    dns.set("pbx.test", "A", "10.0.0.1", "192.0.2.1", "127.0.0.1", "169.254.169.254")
    dns.set("pbx.test", "AAAA", "::ffff:10.0.0.2", "fd00::1", "2001:db8::1", "64:ff9b::a00:1")
    found = answer(dns, "pbx.test;5060;", Reach(hosts=PUBLIC, v6=True))
    assert {hop.address for hop in found.hops} == {"192.0.2.1", "2001:db8::1"}
    assert {(hop.address, reason) for hop, reason in found.refused} == {
        (address, "private-host")
        for address in ("10.0.0.1", "127.0.0.1", "169.254.169.254", "10.0.0.2", "fd00::1", "64:ff9b::a00:1")
    }


def test_the_edges_own_addresses_are_refused(dns: NameServer) -> None:
    dns.set("pbx.test", "A", "127.0.0.1", "192.0.2.1", "203.0.113.9")
    own = frozenset({("127.0.0.1", 5060), ("203.0.113.9", 5060)})
    found = answer(dns, "pbx.test;5060;", Reach(hosts=EVERYWHERE, own=own))
    assert [hop.address for hop in found.hops] == ["192.0.2.1"]
    assert {reason for _, reason in found.refused} == {"loop"}
    assert len(uris(dns, "pbx.test;5061;", Reach(hosts=EVERYWHERE, own=own))) == 3, "another port is another server"
    everywhere = Reach(hosts=EVERYWHERE, own=frozenset({("0.0.0.0", 5060)}))
    assert {hop.address for hop in answer(dns, "pbx.test;5060;", everywhere).hops} == {"192.0.2.1", "203.0.113.9"}
    advertised = Reach(hosts=EVERYWHERE, own=frozenset({("pbx.test", 5060)}))
    assert uris(dns, "pbx.test;5060;", advertised) == []


def test_a_service_that_could_not_be_asked_for_is_not_taken_for_absent(dns: NameServer) -> None:
    dns.set("pbx.test", "A", "192.0.2.1")  # their web site, perhaps
    dns.failing.add("_sip._udp.pbx.test")
    found = answer(dns, "pbx.test;;udp")
    assert found.hops == ()
    assert found.unanswered == ("_sip._udp.pbx.test SRV: SERVFAIL",)


def test_a_name_server_that_drops_naptr_hides_no_service(dns: NameServer) -> None:
    dns.set("_sip._udp.pbx.test", "SRV", "0 0 5060 a.test.")
    dns.set("a.test", "A", "192.0.2.1")
    dns.failing.add("pbx.test")
    found = answer(dns, "pbx.test;;")
    assert [hop.address for hop in found.hops] == ["192.0.2.1"]
    assert found.unanswered, "and is asked again soon"


def test_the_next_server_is_asked_and_then_first(dns: NameServer) -> None:
    with name_server("127.0.0.54") as other:
        other.silent.add("")
        dns.set("pbx.test", "A", "192.0.2.1")
        both = servers(other, dns)
        assert len(answer(both, "pbx.test;5060;").hops) == 1
        assert len(answer(both, "pbx.test;5060;").hops) == 1
        assert sum(other.asked.values()) == 1


def test_a_hostile_domain_makes_us_ask_only_so_much(dns: NameServer) -> None:
    for n in range(40):
        dns.set(f"_sip._udp.p{n}.test", "SRV", *(f"{m} 0 5060 t{n}-{m}.victim.test." for m in range(40)))
    dns.set("pbx.test", "NAPTR", *(f'1 {n} "s" "SIP+D2U" "" _sip._udp.p{n}.test.' for n in range(40)))
    dns.largest = 65535
    found = answer(dns, "pbx.test;;", Reach(hosts=EVERYWHERE, v6=True))
    assert found.hops == ()
    assert sum(dns.asked.values()) <= 64


@pytest.mark.slow
def test_the_systems_name_servers_are_followed_when_they_change(dns: NameServer, tmp_path: Path) -> None:
    conf = tmp_path / "resolv.conf"
    system = NameServers(resolv_conf=conf)
    assert answer(system, "pbx.test;5060;").unanswered == ("there is no name server",)
    conf.write_text(f"nameserver {dns.address}\nnameserver ::1\nsearch example\noptions ndots:5\n")
    answer(system, "pbx.test;5060;")
    assert [server.host for server in system.asked] == [dns.address, "::1"]


def test_what_an_edge_reaches_follows_from_where_it_listens() -> None:
    options = EdgeOptions(data=Path("/nowhere"), sip_listen=("127.0.0.1:5070",))
    assert reach_of(options, PUBLIC) == Reach(hosts=PUBLIC, own=frozenset({("127.0.0.1", 5070)}))
    behind_nat = dataclasses.replace(
        options, sip_listen=("10.0.0.1:5060", "[::1]:5062"), tls_listen="10.0.0.1:5061", sip_advertise="SIP.example.com"
    )
    reach = reach_of(behind_nat, PUBLIC)
    assert (reach.v4, reach.v6, reach.tls) == (True, True, True)
    assert reach.own == {
        ("10.0.0.1", 5060),
        ("::1", 5062),
        ("10.0.0.1", 5061),
        *(("sip.example.com", port) for port in (5060, 5061, 5062)),
    }
    assert ("203.0.113.1", 5099) in reach_of(dataclasses.replace(options, sip_advertise="203.0.113.1:5099"), PUBLIC).own
    assert ("2001:db8::1", 5070) in reach_of(dataclasses.replace(options, sip_advertise="[2001:db8::1]"), PUBLIC).own
