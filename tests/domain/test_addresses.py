"""Hosts, ports, networks and SIP URIs."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.domain.addresses import (
    MAX_NETWORKS,
    HostPolicy,
    HostPort,
    bounds,
    check_sip_uri,
    collapse,
    is_private,
    parse_host_port,
    parse_network,
    supernets,
    with_host,
)
from cordboard.domain.errors import InvalidHost, InvalidNetwork, InvalidSipUri, PrivateHost, TooManyNetworks

ANYWHERE = HostPolicy(allow_private=True)
PUBLIC = HostPolicy(allow_private=False)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("sip.carrier.example", "sip.carrier.example", None),  # a name
        ("sip.carrier.example:5060", "sip.carrier.example", 5060),  # with a port
        ("SIP.Carrier.Example", "SIP.Carrier.Example", None),  # as it was written
        ("sip.carrier.example.", "sip.carrier.example.", None),  # fully qualified
        ("localhost", "localhost", None),  # one label
        ("sip:5060", "sip", 5060),  # a host that is called like a scheme
        ("192.0.2.1", "192.0.2.1", None),
        ("192.0.2.1:1", "192.0.2.1", 1),  # the lowest port
        ("192.0.2.1:65535", "192.0.2.1", 65535),  # the highest
        ("[2001:db8::1]", "2001:db8::1", None),  # IPv6 in brackets
        ("[2001:db8::1]:5061", "2001:db8::1", 5061),
        ("[::ffff:192.0.2.1]:5061", "::ffff:192.0.2.1", 5061),  # mapped
        ("1.carrier.example", "1.carrier.example", None),  # a label of digits, not the last
    ],
)
def test_a_host_with_or_without_a_port(text: str, host: str, port: int | None) -> None:
    found = parse_host_port(text)
    assert found == HostPort(host=host, port=port)
    assert parse_host_port(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "",  # nothing
        " ",
        ":5060",  # no host
        "sip:carrier.example",  # a scheme
        "sips:carrier.example:5061",
        "SIP:carrier.example",
        "sip:user@carrier.example",
        "https://carrier.example",
        "//carrier.example",
        "user@carrier.example",  # a user
        "carrier.example:",  # a colon and no port
        "carrier.example:0",  # ports are 1 to 65535
        "carrier.example:65536",
        "carrier.example:-1",
        "carrier.example:+5",
        "carrier.example:5060x",
        "carrier.example:\uff15\uff10",  # full-width digits
        "carrier.example:5060:5060",
        "carrier.example;transport=tcp",  # parameters
        "carrier.example/path",
        "carrier example",  # a space
        "carrier.example\n",
        "carrier.example\0",
        "car_rier.example",  # an underscore is no host name
        "-carrier.example",
        "carrier-.example",
        "carrier..example",
        ".example",
        "c" * 64 + ".example",  # a label of 64 characters
        "abcdefghi." * 26,  # more than 253 characters
        "2001:db8::1",  # IPv6 without brackets: which colon is the port's?
        "[192.0.2.1]",  # brackets are IPv6's
        "[2001:db8::1",
        "[2001:db8::1]5060",
        "[2001:db8::1]:",
        "[fe80::1%eth0]",  # a zone
        "[]",
        "127.1",  # what resolvers read as 127.0.0.1
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.01",
        "256.0.0.1",
        "1.2.3.4.5",
        "carrier.example.1",  # a name that ends in a number
        "\uff11\uff12\uff17.0.0.1",  # full-width digits
        "127\u30020\u30020\u30021",  # ideographic full stops
        "bücher.example",  # not in its ASCII form
        "carrier'; drop table trunk; --",
    ],
)
def test_what_is_not_a_host_is_refused(text: str) -> None:
    with pytest.raises(InvalidHost):
        parse_host_port(text)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",  # loopback, all of it
        "127.255.255.254",
        "10.1.2.3",  # RFC 1918
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "0.0.0.0",  # this host
        "100.64.0.1",  # carrier-grade NAT
        "169.254.169.254",  # link-local: where clouds keep their credentials
        "224.0.0.1",  # multicast
        "255.255.255.255",  # broadcast
        "192.0.0.9",  # IETF protocol assignments
        "198.19.0.1",  # benchmarks
        "::",  # unspecified
        "::1",  # loopback
        "2001:0:102:304::1",  # Teredo
        "fec0::1",  # site-local, long deprecated
        "fc00::1",  # unique local
        "fd12:3456::1",
        "fe80::1",  # link-local
        "ff02::1",  # multicast
        "::ffff:127.0.0.1",  # mapped
        "::ffff:10.0.0.1",
        "::ffff:7f00:1",  # mapped, in hexadecimal
        "::127.0.0.1",  # compatible, long deprecated
        "2002:7f00:1::",  # 6to4 of 127.0.0.1
        "64:ff9b::7f00:1",  # NAT64 of 127.0.0.1
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",  # NAT64 of a local prefix
        "localhost",  # names that never leave the house
        "LOCALHOST",
        "localhost.",
        "db.localhost",
        "printer.local",
        "metadata.internal",
        "router.home.arpa",
        "host.localdomain",
    ],
)
def test_a_private_host_is_refused_unless_it_is_allowed(host: str) -> None:
    assert is_private(host)
    with pytest.raises(PrivateHost, match="CORDBOARD_ALLOW_PRIVATE_HOSTS"):
        PUBLIC.check(host)
    ANYWHERE.check(host)


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8",
        "172.15.255.255",  # just below RFC 1918
        "172.32.0.0",  # just above
        "100.63.255.255",
        "192.0.2.1",  # documentation: leads nowhere
        "2001:db8::1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "sip.carrier.example",
        "localhost.example",
        "mylocal",  # ends like a private name, and is none
        "notinternal.example",
    ],
)
def test_a_public_host_is_fine(host: str) -> None:
    PUBLIC.check(host)


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("10.0.0.1", "10.0.0.1/32"),
        ("10.0.0.1/24", "10.0.0.0/24"),  # host bits are read as their network
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8::1", "2001:db8::1/128"),
        ("2001:db8::1/32", "2001:db8::/32"),
        ("::/0", "::/0"),
    ],
)
def test_a_network_is_an_address_or_a_range(text: str, network: str) -> None:
    assert parse_network(text) == ip_network(network)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "carrier.example",  # a name
        "10.0.0.0/33",  # too long a prefix
        "10.0.0.0/-1",
        "10.0.0.0/",
        "/24",
        "10.0.0.0/255.255.255.0",  # a netmask
        "10.0.0.0/24/24",
        "10.0.0",
        "10.0.0.0.0",
        "10.0.0.256",
        "10.0.0.01",  # octal to some
        "10.0.0.0 /24",
        " 10.0.0.0",
        "10.0.0.0\n",
        "10.0.0.0/\uff12\uff14",  # full-width digits
        "2001:db8::/129",
        "2001:db8:::1",
        "fe80::1%eth0",
        "[2001:db8::1]",
        "10.0.0.1-10.0.0.9",  # a range of another kind
        "10.0.0.0/24,10.0.1.0/24",  # two in one
        "0.0.0.0/0' or 1=1",
    ],
)
def test_what_is_not_a_network_is_refused(text: str) -> None:
    with pytest.raises(InvalidNetwork):
        parse_network(text)


#: Few addresses, so that networks overlap and touch.
NEAR = st.builds(lambda last, prefix: f"192.0.2.{last}/{prefix}", st.integers(0, 255), st.integers(24, 32))
NEAR_V6 = st.builds(lambda last, prefix: f"2001:db8::{last:x}/{prefix}", st.integers(0, 255), st.integers(120, 128))


@given(st.lists(st.one_of(NEAR, NEAR_V6), max_size=12))
def test_collapsing_keeps_the_same_addresses_in_the_fewest_networks(texts: list[str]) -> None:
    given_networks = [ip_network(text, strict=False) for text in texts]
    collapsed = [ip_network(text) for text in collapse(texts)]
    for last in range(0, 256, 3):
        for address in (ip_address(f"192.0.2.{last}"), ip_address(f"2001:db8::{last:x}")):
            assert any(address in n for n in given_networks) == any(address in n for n in collapsed)
    assert len(set(collapsed)) == len(collapsed) <= len(set(given_networks))
    assert collapse(map(str, collapsed)) == tuple(map(str, collapsed))


def test_as_many_networks_as_the_edge_holds_and_one_more() -> None:
    # every other address, so that none join
    separate = [f"10.{n // 100}.{n % 100}.0/32" for n in range(MAX_NETWORKS + 1)]
    assert len(collapse(separate[:-1])) == MAX_NETWORKS
    with pytest.raises(TooManyNetworks) as raised:
        collapse(separate)
    assert (raised.value.count, raised.value.limit) == (MAX_NETWORKS + 1, MAX_NETWORKS)
    assert collapse([f"10.0.{n // 256}.{n % 256}" for n in range(4096)]) == ("10.0.0.0/20",)


@pytest.mark.parametrize(
    "uri",
    [
        "sip:agent@192.0.2.1",
        "sip:agent@192.0.2.1:5070",
        "sips:agent@agent.example",
        "sip:agent.example",  # no user
        "sip:{number}@agent.example",  # the called number is put in
        "sip:agent-{number}@agent.example;transport=tcp",
        "sip:agent@[2001:db8::1]:5061;transport=tls",
        "sip:agent@agent.example;transport=UDP;lr",
        "sip:+34911234567@sip.livekit.example;foo=bar",
    ],
)
def test_a_sip_uri_is_taken_as_it_is(uri: str) -> None:
    assert check_sip_uri(uri, PUBLIC) == uri


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "agent@agent.example",  # no scheme
        "tel:+34911234567",
        "http://agent.example",
        "sip:",
        "sip:@agent.example",  # an empty user
        "sip:agent@",
        "sip:agent@agent.example:0",
        "sip:agent@agent.example:65536",
        "sip:agent@agent.example:",
        "sip:agent@127.1",  # an address in disguise
        "sip:agent@2130706433",
        "sip:agent@0x7f000001",
        "sip:agent@[127.0.0.1]",  # IPv4 in brackets
        "sip:agent@2001:db8::1",
        "sip:agent@[2001:db8::1",
        "sip:agent@-agent.example",
        "sip:agent@agent.example;transport=ws",
        "sip:agent@agent.example;transport",
        "sip:agent@agent.example?Route=evil",  # headers would be copied into the request
        "sip:{name}@agent.example",  # no such placeholder
        "sip:{number@agent.example",
        "sip:agent@{number}.example",  # not in the host
        "sip:user:password@agent.example",  # a password has no place there
        "sip:agent@agent.example\r\nRoute: <sip:evil>",  # header injection
        "sip:agent@agent.example ",
        "sip:a b@agent.example",
        "sip:'); drop table agent; --@agent.example",
        "sip:" + "a" * 129 + "@agent.example",
        "SIP:agent\0@agent.example",
    ],
)
def test_what_is_not_a_sip_uri_is_refused(uri: str) -> None:
    with pytest.raises(InvalidSipUri):
        check_sip_uri(uri, ANYWHERE)


@pytest.mark.parametrize("uri", ["sip:agent@127.0.0.1", "sip:agent@[::1]", "sip:localhost", "sip:x@[::ffff:10.0.0.1]"])
def test_a_sip_uri_of_a_private_host_needs_permission(uri: str) -> None:
    with pytest.raises(PrivateHost):
        check_sip_uri(uri, PUBLIC)
    assert check_sip_uri(uri, ANYWHERE) == uri


@pytest.mark.parametrize(
    ("uri", "elsewhere"),
    [
        ("sip:nowhere.example", "sip:HOST"),
        ("sip:{number}@nowhere.example", "sip:{number}@HOST"),
        # a project's name
        ("sip:proj_4a@nowhere.example;transport=tls", "sip:proj_4a@HOST;transport=tls"),
        # its port stays
        ("sip:agent@nowhere.example:5071", "sip:agent@HOST:5071"),
        # its scheme stays
        ("sips:agent@nowhere.example:5061", "sips:agent@HOST:5061"),
        # not each word of that kind
        ("sip:host@host:5060;host=host", "sip:host@HOST:5060;host=host"),
        ("sip:agent@[2001:db8::1]", "sip:agent@HOST"),
        ("sips:agent@[2001:db8::1]:5061;transport=tls;lr", "sips:agent@HOST:5061;transport=tls;lr"),
        ("sip:[2001:db8::1]:5070", "sip:HOST:5070"),
    ],
)
def test_a_sip_uri_leads_elsewhere_with_all_but_its_host(uri: str, elsewhere: str) -> None:
    assert check_sip_uri(uri, PUBLIC) == uri
    assert with_host(uri, "HOST") == elsewhere


def test_the_bounds_of_a_network_sort_as_its_addresses_do() -> None:
    assert bounds(parse_network("192.0.2.0/24")) == ("4c0000200", "4c00002ff")
    assert bounds(parse_network("192.0.2.7")) == ("4c0000207", "4c0000207")
    assert bounds(parse_network("2001:db8::/127")) == ("6" + "20010db8" + "0" * 24, "6" + "20010db8" + "0" * 23 + "1")
    texts = ["0.0.0.0", "2.0.0.0", "10.0.0.0", "255.255.255.255", "::", "::1", "ffff::"]
    firsts = [bounds(parse_network(text))[0] for text in texts]
    assert firsts == sorted(firsts)


@given(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)),
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)),
)
def test_two_networks_overlap_if_one_is_a_supernet_of_the_other_or_begins_within_it(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    a, b = (ip_network(each, strict=False) for each in (one, other))
    begins_within = bounds(a)[0] <= bounds(b)[0] <= bounds(a)[1]
    assert (str(b) in supernets(a) or begins_within) == a.overlaps(b)


def test_the_supernets_of_an_address_are_as_many_as_it_has_bits() -> None:
    assert supernets(parse_network("192.0.2.0/30"))[:3] == ("192.0.2.0/30", "192.0.2.0/29", "192.0.2.0/28")
    assert (len(supernets(parse_network("192.0.2.1"))), len(supernets(parse_network("::1")))) == (33, 129)
