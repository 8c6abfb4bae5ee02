"""Registering with carriers by TCP and TLS, and by names; and many at once."""

import collections
import contextlib
import sqlite3
import time
from collections.abc import Iterator

import pytest

from cordboard.domain.addresses import HostPort, Transport
from cordboard.domain.edge import TrunkRow, hop
from tests.calls.certificates import Authority, edge_by_tls
from tests.calls.edges import RunningEdge, data_directory, free_port, running_edge, trunk
from tests.calls.registrar import Registrar
from tests.calls.streams import StreamAgent
from tests.calls.test_carriers_registrars import SECRET, forget, registering, stands, until

NAME = "sip.carrier.test"


class StreamRegistrar(StreamAgent, Registrar):
    """A registrar by TCP, or with `context` by TLS."""


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with data_directory() as folder:
        yield Authority(folder)


@pytest.fixture(scope="module")
def tls_edge(authority: Authority) -> Iterator[RunningEdge]:
    with edge_by_tls(authority) as running:
        yield running


def by(transport: Transport, carrier: Registrar, *, verify: bool = True) -> TrunkRow:
    port = carrier.address[1]
    place = hop(HostPort(host=NAME, port=port), transport, verify=verify)
    return trunk("trunk", hops=(place,), username="acme", password=SECRET, register=600)


def resolve(edge: RunningEdge, transport: Transport, *carriers: Registrar) -> None:
    name = f"{NAME};{carriers[0].address[1]};{transport}"
    rows = [(name, rank, f"sip:{carrier.at};transport={transport}") for rank, carrier in enumerate(carriers)]
    with contextlib.closing(sqlite3.connect(edge.folder / "edge.sqlite", timeout=5)) as connection, connection:
        connection.execute("delete from resolved")
        connection.executemany("insert into resolved values(?,?,?)", rows)


def test_by_tcp_calls_are_to_come_by_tcp(tls_edge: RunningEdge) -> None:
    forget(tls_edge)
    with StreamRegistrar("127.0.1.1", free_port("127.0.1.1"), "carrier.example") as carrier:
        carrier.users = {"acme": SECRET}
        resolve(tls_edge, Transport.TCP, carrier)
        tls_edge.put(by(Transport.TCP, carrier))
        until(tls_edge, "registered")
        assert carrier.granted[0].contact.endswith(f"@127.0.0.1:{tls_edge.sip[1]};transport=tcp")
        assert carrier.registers[0].first == f"REGISTER sip:{NAME}:{carrier.address[1]} SIP/2.0"
        assert carrier.granted[0].address == f"<sip:acme@{NAME}>"
        assert all("SIP/2.0/TCP" in register.get("Via") for register in carrier.registers)
        # a connection that the registrar has ended is made anew
        carrier.hang_up_connections()
        time.sleep(0.3)
        tls_edge.put(by(Transport.TCP, carrier), trunk("other"))
        tls_edge.drop("trunk", "trunk")
        assert carrier.until_granted(2)[1].expires == 0


def test_by_tls_a_proof_is_for_who_has_shown_its_name(tls_edge: RunningEdge, authority: Authority) -> None:
    forget(tls_edge)
    with StreamRegistrar(
        "127.0.1.1", free_port("127.0.1.1"), "carrier.example", authority.serving(NAME, NAME)
    ) as carrier:
        carrier.users = {"acme": SECRET}
        resolve(tls_edge, Transport.TLS, carrier)
        tls_edge.put(by(Transport.TLS, carrier))
        until(tls_edge, "registered")
        assert carrier.granted[0].contact.endswith(f"@{tls_edge.options.tls_listen};transport=tls")
        assert carrier.asked == [NAME], "SNI, and one connection"


@pytest.mark.parametrize("verify", [True, False])
def test_by_tls_another_name_gets_no_proof_unless_none_is_asked_for(
    tls_edge: RunningEdge, authority: Authority, verify: bool
) -> None:
    forget(tls_edge)
    with StreamRegistrar(
        "127.0.1.1", free_port("127.0.1.1"), "carrier.example", authority.serving("x", "another.test")
    ) as carrier:
        carrier.users = {"acme": SECRET}
        resolve(tls_edge, Transport.TLS, carrier)
        tls_edge.put(by(Transport.TLS, carrier, verify=verify))
        told = until(tls_edge, "failed" if verify else "registered")
        proofs = [register for register in carrier.registers if register.get("Authorization")]
        assert len(proofs) == (0 if verify else 1)
        if verify:
            assert (told.code, told.reason) == (None, "its certificate is not for its name")


def test_without_tls_it_is_said(edge: RunningEdge) -> None:
    forget(edge)
    with Registrar("127.0.1.1") as carrier:
        resolve(edge, Transport.TLS, carrier)
        edge.put(by(Transport.TLS, carrier))
        assert until(edge, "failed").reason == "TLS is off"


def test_of_several_addresses_another_one_is_tried_after_a_failure(edge: RunningEdge) -> None:
    forget(edge)
    with Registrar("127.0.1.1") as dead, Registrar("127.0.1.2", name="carrier.example") as alive:
        dead.judges = lambda register: (503, "")
        alive.users = {"acme": SECRET}
        edge.put(by(Transport.UDP, dead))
        assert until(edge, "failed").reason == "the name has no address"
        resolve(edge, Transport.UDP, dead, alive)
        until(edge, "registered", 40)
        assert len(stands(edge)) == 1
        assert alive.granted


def test_a_port_where_nobody_listens_is_no_answer(edge: RunningEdge) -> None:
    forget(edge)
    with Registrar("127.0.1.1", free_port("127.0.1.1")) as carrier:
        resolve(edge, Transport.TCP, carrier)
        edge.put(by(Transport.TCP, carrier))
        told = until(edge, "failed")
        assert told.code is None
        assert told.reason in ("no answer", "it cannot be sent to")
    forget(edge)


@pytest.mark.slow
def test_by_ipv6() -> None:
    with (
        running_edge(sip_listen=(f"127.0.0.1:{free_port()}", f"[::1]:{free_port('::1')}")) as edge,
        Registrar("::1", name="carrier.example") as carrier,
    ):
        carrier.users = {"acme": SECRET}
        edge.put(registering(carrier))
        until(edge, "registered")
        assert carrier.granted[0].contact.endswith(f"@{edge.options.sip_listen[1]}")
        assert carrier.granted[0].address == "<sip:acme@[::1]>"


@pytest.mark.slow
def test_many_do_not_come_at_once(edge: RunningEdge) -> None:
    forget(edge)
    with Registrar("127.0.1.1", name="carrier.example") as carrier:
        carrier.users = {"acme": SECRET}
        began = time.monotonic()
        edge.put(
            *(
                trunk(f"t{i}", gateways=(carrier.at,), username="acme", password=SECRET, register=600)
                for i in range(500)
            )
        )
        carrier.until_granted(500, 90)
        assert time.monotonic() - began > 5
        seconds = collections.Counter(int(granted.at - began) for granted in carrier.granted)
        print(f"{time.monotonic() - began:.0f} s, in a second at most {max(seconds.values())}")
        assert max(seconds.values()) <= 100
        assert len({granted.contact for granted in carrier.granted}) == 500
        assert all(told.state == "registered" for i in range(500) for told in stands(edge, f"t{i}"))
    forget(edge)


def test_registering_is_of_the_trunk_and_not_of_the_address(edge: RunningEdge) -> None:
    forget(edge)
    with Registrar("127.0.1.1", name="carrier.example") as carrier:
        carrier.users = {"acme": SECRET, "other": SECRET}
        edge.put(
            registering(carrier), trunk("b", gateways=(carrier.at,), username="other", password=SECRET, register=60)
        )
        carrier.until_granted(2)
        assert len({granted.contact for granted in carrier.granted}) == 2
        assert {granted.address for granted in carrier.granted} == {"<sip:acme@127.0.1.1>", "<sip:other@127.0.1.1>"}
    forget(edge)
