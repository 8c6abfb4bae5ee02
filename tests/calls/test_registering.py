"""Accounts register: with a digest, over each transport, from where they may, for as long as they say."""

import re
import ssl
import time
from collections.abc import Iterator

import pytest

from cordboard.domain.edge import Binding
from cordboard.engines.edge.registrar import Registrar
from tests.calls.accounts import account, register
from tests.calls.certificates import Authority
from tests.calls.edges import RunningEdge, data_directory, free_port, running_edge
from tests.calls.phone import Message, Phone
from tests.calls.standing import until
from tests.calls.streams import StreamAgent


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with data_directory() as folder:
        yield Authority(folder)


@pytest.fixture(scope="module")
def edge(authority: Authority) -> Iterator[RunningEdge]:
    certificate, key = authority.issue("edge", "127.0.0.1")
    with running_edge(
        register_min=1, tls_listen=f"127.0.0.1:{free_port()}", tls_certificate=certificate, tls_key=key
    ) as running:
        yield running


@pytest.fixture
def alice(edge: RunningEdge) -> Iterator[Phone]:
    """A telephone, and an account of that name which is registered nowhere."""
    edge.put(account("alice"))
    edge.run(Registrar(edge.edge).unregister("alice", allowed=None))
    with Phone("127.0.3.1", name="alice") as phone:
        yield phone


def bindings(edge: RunningEdge, username: str = "alice") -> tuple[Binding, ...]:
    return edge.run(Registrar(edge.edge).registrations([username])).get(username, ())


def shape(answer: Message) -> tuple[str, list[tuple[str, str]]]:
    """An answer without what differs each time."""
    names = ("Via", "From", "To", "Call-ID", "CSeq")
    headers = [(name, re.sub(r'nonce="[^"]*"', "nonce", text)) for name, text in answer.headers if name not in names]
    return answer.first, headers


def test_a_phone_registers_with_its_password_and_is_seen_online(edge: RunningEdge, alice: Phone) -> None:
    assert not bindings(edge)
    answer = register(alice, edge, "alice")
    assert answer.status == 200
    assert f"<sip:alice@{alice.at}>;expires=3600" in answer.get("Contact")
    (binding,) = bindings(edge)
    assert binding.contact == f"sip:alice@{alice.at}"
    assert binding.received == f"sip:{alice.at}"
    assert binding.user_agent == "test phone/1.0"
    assert 3590 <= binding.expires <= 3600


def test_it_is_offline_once_it_says_so(edge: RunningEdge, alice: Phone) -> None:
    register(alice, edge, "alice")
    assert register(alice, edge, "alice", expires=0).status == 200
    assert not bindings(edge)
    register(alice, edge, "alice")
    assert register(alice, edge, "alice", contact="*", expires=0).status == 200
    assert not bindings(edge)


def test_it_is_offline_within_a_second_of_its_expiry(edge: RunningEdge, alice: Phone) -> None:
    assert register(alice, edge, "alice", expires=2).status == 200
    assert bindings(edge)
    time.sleep(3)
    assert not bindings(edge)


def test_a_registration_lasts_no_longer_than_it_may(edge: RunningEdge, alice: Phone) -> None:
    assert "expires=3600" in register(alice, edge, "alice", expires=999_999).get("Contact")


def test_a_wrong_password_an_unknown_user_and_no_credentials_are_answered_alike(
    edge: RunningEdge, alice: Phone
) -> None:
    edge.put(account("bob", restricted=True, allowed="192.0.2.0/24"))
    answers = [
        register(alice, edge, "alice", password=None),
        register(alice, edge, "nobody", password=None),
        register(alice, edge, "bob", password=None),
        register(alice, edge, "alice", password="wrong"),
        register(alice, edge, "nobody", password="wrong"),
        register(alice, edge, "bob", password="wrong"),
    ]
    assert {str(shape(answer)) for answer in answers} == {str(shape(answers[0]))}
    assert answers[0].status == 401
    assert not bindings(edge, "nobody")


def test_an_account_is_heard_from_its_addresses_alone(edge: RunningEdge, alice: Phone) -> None:
    edge.put(account("alice", restricted=True, allowed="127.0.3.9/32,127.0.4.0/24"))
    assert register(alice, edge, "alice").status == 403
    assert not bindings(edge)
    edge.put(account("alice", restricted=True, allowed="127.0.3.0/30"))
    assert register(alice, edge, "alice").status == 200
    edge.put(account("alice", restricted=True))
    assert register(alice, edge, "alice").status == 403


def test_who_is_one_account_does_not_register_as_another(edge: RunningEdge, alice: Phone) -> None:
    edge.put(account("bob"))
    assert register(alice, edge, "bob", login="alice").status == 403
    assert not bindings(edge, "bob")


def test_a_changed_password_holds_from_the_next_register_on(edge: RunningEdge, alice: Phone) -> None:
    assert register(alice, edge, "alice").status == 200
    edge.put(account("alice", password="another"))
    assert register(alice, edge, "alice").status == 401
    assert register(alice, edge, "alice", password="another").status == 200
    edge.drop("account", "id-alice")
    assert register(alice, edge, "alice", password="another").status == 401


def test_a_phone_behind_a_nat_is_known_by_where_it_came_from(edge: RunningEdge, alice: Phone) -> None:
    assert register(alice, edge, "alice", contact="<sip:alice@192.168.1.7:5062>").status == 200
    (binding,) = bindings(edge)
    assert (binding.contact, binding.received) == ("sip:alice@192.168.1.7:5062", f"sip:{alice.at}")


def test_a_binding_from_an_address_that_is_no_longer_allowed_is_taken_away(edge: RunningEdge, alice: Phone) -> None:
    with Phone("127.0.3.2") as other:
        register(alice, edge, "alice", call_id="one")
        register(other, edge, "alice", call_id="two", contact="<sip:alice@192.168.1.7>")
        assert len(bindings(edge)) == 2
        edge.run(Registrar(edge.edge).unregister("alice", allowed="127.0.3.2/32"))
        assert [binding.received for binding in bindings(edge)] == [f"sip:{other.at}"]
        edge.run(Registrar(edge.edge).unregister("alice", allowed=None))
        assert not bindings(edge)
        edge.run(Registrar(edge.edge).unregister("nobody", allowed=None))


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_a_registration_over_a_connection_ends_with_it(
    edge: RunningEdge, alice: Phone, authority: Authority, transport: str
) -> None:
    with StreamAgent("127.0.3.1") as phone:
        to = edge.sip
        if transport == "tls":
            to = ("127.0.0.1", int((edge.options.tls_listen or "").rpartition(":")[2]))
            phone.connect(to, ssl.create_default_context(cafile=str(authority.certificate)), "127.0.0.1")
        else:
            phone.connect(to)
        phone.transport = transport.upper()
        assert register(phone, edge, "alice", to=to).status == 200
        (binding,) = bindings(edge)
        assert re.fullmatch(rf"(?i)sip:127\.0\.3\.1:\d+;transport={transport}", binding.received)
        phone.hang_up_connections()
        assert until(lambda: not bindings(edge), 3)


def test_a_registration_over_udp_outlasts_kamailio(edge: RunningEdge, alice: Phone) -> None:
    register(alice, edge, "alice", contact="<sip:alice@192.168.1.7>")
    before = bindings(edge)
    time.sleep(2.5)
    process = edge.edge.kamailio.process
    assert process
    edge.run(edge.edge.kamailio.end(grace=0))
    assert until(lambda: edge.edge.kamailio.process not in (None, process) and edge.edge.ready, 10)
    (after,) = bindings(edge)
    assert (after.contact, after.received, after.user_agent) == (
        before[0].contact,
        before[0].received,
        before[0].user_agent,
    )
    assert register(alice, edge, "alice", expires=0).status == 200


def test_a_registration_over_tcp_ends_with_kamailio(edge: RunningEdge, alice: Phone) -> None:
    """Its connection has ended, and there is no other way to it."""
    with StreamAgent("127.0.3.1") as phone:
        phone.connect(edge.sip)
        phone.transport = "TCP"
        assert register(phone, edge, "alice").status == 200
        time.sleep(2.5)
        process = edge.edge.kamailio.process
        edge.run(edge.edge.kamailio.end(grace=0))
        assert until(lambda: edge.edge.kamailio.process not in (None, process) and edge.edge.ready, 10)
        time.sleep(0.5)
        assert not bindings(edge)


def test_a_page_of_accounts_is_one_batch_of_look_ups(edge: RunningEdge, alice: Phone) -> None:
    register(alice, edge, "alice")
    names = [f"nobody{i}" for i in range(99)]
    found = edge.run(Registrar(edge.edge).registrations([*names, "alice"]))
    assert list(found) == ["alice"]


def test_digests_may_be_of_sha_256() -> None:
    with running_edge(digest="sha-256") as edge, Phone("127.0.3.1") as phone:
        edge.put(account("alice", algorithm="SHA-256"), account("bob", algorithm="MD5"))
        assert "algorithm=SHA-256" in register(phone, edge, "alice", password=None).get("WWW-Authenticate")
        assert register(phone, edge, "alice").status == 200
        assert register(phone, edge, "alice", password="wrong").status == 401
        assert register(phone, edge, "bob").status == 401
        assert register(phone, edge, "nobody").status == 401


def test_a_telephone_that_registered_by_tls_is_called_by_that_connection(
    edge: RunningEdge, alice: Phone, authority: Authority
) -> None:
    edge.put(account("bob", internal="102"))
    to = ("127.0.0.1", int((edge.options.tls_listen or "").rpartition(":")[2]))
    with StreamAgent("127.0.3.2") as bob:
        bob.connect(to, ssl.create_default_context(cafile=str(authority.certificate)), "127.0.0.1")
        bob.transport = "TLS"
        assert register(bob, edge, "bob", to=to, contact="<sip:bob@192.168.1.7;transport=tls>").status == 200
        call = alice.call(edge.sip, "102", caller="alice", credentials=("alice", "right"))
        assert call.status == 200
        assert until(lambda: any(message.method == "ACK" for message in bob.received))
        assert call.hang_up() == 200
        assert bob.received[-1].method == "BYE"
