"""baresip as the telephone of an account: it registers, calls and is called, with sound both ways."""

from collections.abc import Iterator

import pytest

from cordboard.engines.edge.registrar import Registrar
from tests.calls.accounts import account
from tests.calls.baresip import Baresip
from tests.calls.edges import RunningEdge, running_edge

PASSWORD = "long-enough"


@pytest.fixture
def edge() -> Iterator[RunningEdge]:
    with running_edge() as running:
        running.put(
            account("alice", password=PASSWORD, internal="101"),
            account("bob", password=PASSWORD, internal="102"),
            account("eve", password=PASSWORD, restricted=True, allowed="127.0.3.2/32"),
        )
        yield running


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_two_telephones_register_and_hear_each_other(edge: RunningEdge, transport: str) -> None:
    where = f"{edge.sip[0]}:{edge.sip[1]}"
    with (
        Baresip("127.0.3.1", 440, user="alice", registrar=f"{where};transport={transport}", password=PASSWORD) as alice,
        Baresip(
            "127.0.3.2",
            1000,
            user="bob",
            registrar=f"{where};transport={transport}",
            password=PASSWORD,
            answering=True,
        ) as bob,
    ):
        assert (alice.registered(), bob.registered()) == ("200 OK", "200 OK")
        online = edge.run(Registrar(edge.edge).registrations(["alice", "bob"]))
        assert [bindings[0].user_agent for bindings in online.values()] == [online["bob"][0].user_agent] * 2
        assert "baresip" in str(online["bob"][0].user_agent)
        alice.dial(f"sip:102@{where};transport={transport}")
        assert alice.talks()
        assert (alice.hears(), bob.hears()) == (1000, 440)
        alice.hang_up()
        assert bob.closed()


def test_a_telephone_that_is_not_where_it_may_be_is_told_so(edge: RunningEdge) -> None:
    where = f"{edge.sip[0]}:{edge.sip[1]}"
    with Baresip("127.0.3.3", 440, user="eve", registrar=where, password=PASSWORD) as eve:
        assert eve.registered() == "403 Forbidden"
    with Baresip("127.0.3.2", 440, user="eve", registrar=where, password="wrong-password") as eve:
        assert eve.registered().startswith("401")
