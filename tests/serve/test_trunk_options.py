"""What a trunk is told through `advanced`, its next call is held to: from the request to the wire.

tests/calls has every case of each option; here each has one, through a whole installation.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.calls.phone import Agent, Call, Message, Phone
from tests.serve.installations import Installation, installation
from tests.serve.test_trunks import CALLED, ask, caller, gateway

pytestmark = pytest.mark.calls


@dataclass
class Scene:
    """A trunk of two gateways that carries the installation's number, a carrier that calls and an agent that does."""

    installed: Installation
    trunk: str
    gateways: tuple[Agent, Agent]
    carrier: Phone
    bot: Phone

    @contextmanager
    def told(self, **advanced: Any) -> Iterator[None]:
        """What the trunk is told; afterwards it is as by default."""
        self._patch(advanced)
        try:
            yield
        finally:
            self._patch(dict.fromkeys(advanced))

    def _patch(self, advanced: Any) -> None:
        ask(self.installed, "PATCH", f"/sip-trunks/{self.trunk}", {"advanced": advanced})

    def into(self, **more: Any) -> Call:
        """A call from the carrier."""
        return self.carrier.call(self.installed.sip, self.installed.number, **more)

    def out(self, called: str = CALLED) -> Call:
        """A call of the agent."""
        return self.bot.call(self.installed.sip, called, caller=self.installed.number)


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with (
        installation() as installed,
        Agent("127.0.1.7") as first,
        Agent("127.0.1.8") as second,
        Phone("127.0.1.1") as carrier,
        Phone("127.0.2.9") as bot,
    ):
        caller(installed)
        installed.assign(0)
        body = {"name": "Main office", "gateways": [gateway(first), gateway(second)]}
        trunk = ask(installed, "POST", "/sip-trunks", body)["id"]
        ask(installed, "PATCH", f"/phone-numbers/{installed.phone}", {"sipTrunkId": trunk})
        yield Scene(installed=installed, trunk=trunk, gateways=(first, second), carrier=carrier, bot=bot)


def ended(call: Call) -> int | None:
    """The final answer of a call, which is over then."""
    if call.status == 200:
        assert call.hang_up() == 200
    return call.status


def seen(agent: Agent, call: Call) -> Message:
    """The INVITE that a call out has become."""
    assert ended(call) == 200
    return agent.calls[-1]


@pytest.mark.proves("nebrija: advanced.allowedNumbers")
def test_allowed_numbers(scene: Scene) -> None:
    with scene.told(allowedNumbers=["+3491*"]):
        assert ended(scene.into(caller="+34911000001")) == 200
        assert ended(scene.into(caller="+15125550100")) == 403
    assert ended(scene.into(caller="+15125550100")) == 200


@pytest.mark.proves("nebrija: advanced.allowedAddresses")
def test_allowed_addresses(scene: Scene) -> None:
    with scene.told(allowedAddresses=["127.0.1.2", "127.0.9.0/24"]):
        assert ended(scene.into()) == 403
    assert ended(scene.into()) == 200


@pytest.mark.proves("nebrija: advanced.inboundAuthentication")
def test_inbound_authentication(scene: Scene) -> None:
    login = ("acme-trunk", "inbound secret")
    with scene.told(inboundAuthentication={"username": login[0], "password": login[1]}):
        assert ended(scene.into(caller="+34911000001")) == 407
        assert ended(scene.into(caller="+34911000001", credentials=login)) == 200
        # masked and sent back it stays
        shown = ask(scene.installed, "GET", f"/sip-trunks/{scene.trunk}")
        ask(scene.installed, "PATCH", f"/sip-trunks/{scene.trunk}", shown)
        assert ended(scene.into(caller="+34911000001", credentials=login)) == 200


@pytest.mark.proves("nebrija: advanced.mediaEncryption")
def test_media_encryption(scene: Scene) -> None:
    with scene.told(mediaEncryption={"inbound": "require", "outbound": "disable"}):
        assert ended(scene.into()) == 488
        assert "RTP/AVP " in seen(scene.gateways[0], scene.out()).body
    with scene.told(mediaEncryption={"inbound": "allow", "outbound": "require"}):
        assert ended(scene.into()) == 200
        # the gateway answers in clear: the call is ended as soon as it is answered
        scene.out()
        assert "RTP/SAVP " in scene.gateways[0].calls[-1].body


@pytest.mark.proves("nebrija: advanced.maxConcurrentCalls")
def test_max_concurrent_calls(scene: Scene) -> None:
    with scene.told(maxConcurrentCalls=1):
        held = scene.into()
        assert (held.status, ended(scene.out())) == (200, 503)
        assert held.hang_up() == 200
        assert ended(scene.out()) == 200


@pytest.mark.proves("nebrija: advanced.allowedDestinations")
def test_allowed_destinations(scene: Scene) -> None:
    with scene.told(allowedDestinations=["+34"]):
        assert ended(scene.out()) == 403
        assert ended(scene.out("+34911000001")) == 200
    assert ended(scene.out()) == 200


@pytest.mark.proves("nebrija: advanced.headers")
def test_headers(scene: Scene) -> None:
    with scene.told(headers={"X-Account": "4711", "X-Plan": "voz, datos"}):
        invite = seen(scene.gateways[0], scene.out())
        assert (invite.get("X-Account"), invite.get("X-Plan")) == ("4711", "voz, datos")
    assert not seen(scene.gateways[0], scene.out()).all("X-Account")


@pytest.mark.proves("nebrija: advanced.codecs")
def test_codecs(scene: Scene) -> None:
    with scene.told(codecs=["PCMA"]):
        offered = seen(scene.gateways[0], scene.out()).body
        assert "PCMA/8000" in offered
        assert "PCMU/8000" not in offered


@pytest.mark.proves("nebrija: advanced.failoverCodes")
def test_failover_codes(scene: Scene) -> None:
    first, second = scene.gateways
    usual, first.answers = first.answers, lambda invite: (404, "")
    first.ringing = False  # after it has rung, its answer is the last word
    try:
        assert ended(scene.out()) == 404
        with scene.told(failoverCodes=[404]):
            before = len(second.calls)
            assert (ended(scene.out()), len(second.calls)) == (200, before + 1)
    finally:
        first.answers, first.ringing = usual, True


@pytest.mark.proves("nebrija: advanced.numberFormat", "nebrija: advanced.countryCode")
@pytest.mark.parametrize(
    ("advanced", "called", "user"),
    [
        ({"numberFormat": "e164"}, CALLED, "+15125550100"),
        ({"numberFormat": "digits"}, CALLED, "15125550100"),
        ({"numberFormat": "international"}, CALLED, "0015125550100"),
        ({"numberFormat": "national", "countryCode": "34"}, "+34911000001", "911000001"),
        ({"numberFormat": "national", "countryCode": "34"}, CALLED, "0015125550100"),
    ],
)
def test_number_formats(scene: Scene, advanced: dict[str, str], called: str, user: str) -> None:
    with scene.told(**advanced):
        assert seen(scene.gateways[0], scene.out(called)).first.startswith(f"INVITE sip:{user}@")


@pytest.mark.proves("nebrija: advanced.calledNumberFrom")
def test_called_number_from(scene: Scene) -> None:
    sip, number = scene.installed.sip, scene.installed.number
    with scene.told(calledNumberFrom="to"):
        assert ended(scene.carrier.call(sip, "trunk-4711", to=f"sip:{number}@{sip[0]}")) == 200
    assert ended(scene.carrier.call(sip, "trunk-4711", to=f"sip:{number}@{sip[0]}")) == 404
