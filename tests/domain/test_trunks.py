"""A trunk's gateways."""

from datetime import UTC, datetime

import pytest

from cordboard.domain.addresses import HostPort, Transport
from cordboard.domain.errors import TooManyGateways
from cordboard.domain.trunks import MAX_GATEWAYS, Gateway, SealedSecret, Trunk, TrunkId

TRUNK = Trunk(
    id=TrunkId("t"),
    tenant=None,
    name="carrier",
    gateways=(Gateway(host="a.example", transport=Transport.TLS), Gateway(host="b.example", port=5080)),
    username="u",
    password=SealedSecret(text="k1:x"),
    created_at=datetime(2026, 1, 10, tzinfo=UTC),
    updated_at=datetime(2026, 1, 10, tzinfo=UTC),
)


def test_the_credentials_go_with_the_gateways_that_they_were_for() -> None:
    bare = TRUNK.with_gateways(())
    assert (bare.gateways, bare.username, bare.password) == ((), None, None)
    other = TRUNK.with_gateways((Gateway(host="c.example"),))
    assert (other.username, other.password) == (TRUNK.username, TRUNK.password)


def test_a_trunk_has_no_more_gateways_than_a_call_can_try() -> None:
    most = tuple(Gateway(host=f"g{place}.example") for place in range(MAX_GATEWAYS))
    assert TRUNK.with_gateways(most).gateways == most
    with pytest.raises(TooManyGateways):
        TRUNK.with_gateways((*most, Gateway(host="one.more.example")))


def test_a_gateway_keeps_its_transport_on_its_host_alone() -> None:
    first = TRUNK.with_first_gateway_at(HostPort(host="a.example", port=5061)).gateways
    assert first == (Gateway(host="a.example", port=5061, transport=Transport.TLS), TRUNK.gateways[1])
    first = TRUNK.with_first_gateway_at(HostPort(host="c.example")).gateways
    assert first == (Gateway(host="c.example"), TRUNK.gateways[1])
    assert TRUNK.without_gateways().with_first_gateway_at(HostPort(host="c.example")).gateways == first[:1]


def test_a_gateway_is_written_as_people_write_it() -> None:
    assert str(Gateway(host="2001:db8::1", port=5060, transport=Transport.TCP)) == "[2001:db8::1]:5060;transport=tcp"
    assert str(Gateway(host="a.example")) == "a.example"
