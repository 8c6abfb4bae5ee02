"""Registering with a carrier that demands it: how it comes about, how it fails, and that it comes back."""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cordboard.domain.addresses import HostPort
from cordboard.domain.edge import GatewayRegistration, TrunkRow, hop
from cordboard.domain.trunks import TrunkId
from cordboard.engines.edge.file import Put
from cordboard.engines.edge.state import State
from tests.calls.edges import RunningEdge, agent, number, trunk
from tests.calls.phone import Agent, Phone
from tests.calls.registrar import Registrar

SECRET = "the carrier's secret"


@pytest.fixture
def carrier() -> Iterator[Registrar]:
    with Registrar("127.0.1.1", name="carrier.example") as phone:
        phone.users = {"acme": SECRET}
        yield phone


@pytest.fixture
def second() -> Iterator[Registrar]:
    with Registrar("127.0.1.2", name="carrier.example") as phone:
        phone.users = {"acme": SECRET}
        yield phone


@pytest.fixture
def routed(edge: RunningEdge) -> Iterator[RunningEdge]:
    """The edge with nobody to register with, before and after."""
    forget(edge)
    yield edge
    forget(edge)


def forget(edge: RunningEdge) -> None:
    edge.file.rebuild((), "test", edge.revision)
    edge.file._connection.execute("delete from registration")
    for table in ("registered", "registering"):
        edge.run(edge.edge.rpc.call("htable.flush", table))


def registering(*gateways: Registrar, **more: Any) -> TrunkRow:
    values = {"username": "acme", "password": SECRET, "register": 600} | more
    return trunk("trunk", "127.0.1.0/24", gateways=[gateway.at for gateway in gateways], **values)


def stands(edge: RunningEdge, trunk: str = "trunk") -> list[GatewayRegistration]:
    return edge.run(State(edge.edge).registrations(TrunkId(trunk)))


def until(edge: RunningEdge, state: str, seconds: float = 15) -> GatewayRegistration:
    """The first gateway's registration once it is in that state."""
    deadline = time.monotonic() + seconds
    while (told := stands(edge)[0]).state != state:
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
    return told


@pytest.mark.parametrize(
    ("algorithms", "proxy", "quality"),
    [
        (["MD5"], False, 'qop="auth", '),
        (["SHA-256"], False, 'qop="auth", '),
        # what we cannot is passed over
        (["SHA-512-256", "MD5"], False, 'qop="auth,auth-int", opaque="x y", '),
        (["MD5"], True, ""),
    ],
)
@pytest.mark.proves("nebrija: advanced.registration")
def test_a_challenge_is_answered(
    routed: RunningEdge, carrier: Registrar, algorithms: list[str], proxy: bool, quality: str
) -> None:
    carrier.algorithms, carrier.proxy, carrier.quality = algorithms, proxy, quality
    routed.put(registering(carrier))
    told = until(routed, "registered")
    (granted,) = carrier.granted
    assert (granted.expires, granted.address) == (600, "<sip:acme@127.0.1.1>")
    user, _, host = granted.contact.removeprefix("sip:").partition("@")
    assert host == f"{routed.sip[0]}:{routed.sip[1]}"
    assert "acme" not in user
    assert told.code == 200
    assert told.since
    assert told.expires_at
    assert told.next_attempt_at
    assert told.since < told.next_attempt_at < told.expires_at
    assert 590 <= told.expires_at.timestamp() - time.time() <= 600


def test_no_challenge_is_no_digest(routed: RunningEdge, carrier: Registrar) -> None:
    carrier.users = {}
    routed.put(registering(carrier, register_domain="sip.example"))
    until(routed, "registered")
    (register,) = carrier.registers
    assert register.first == "REGISTER sip:sip.example SIP/2.0"
    assert carrier.granted[0].address == "<sip:acme@sip.example>"
    assert not register.get("Authorization")


@pytest.mark.proves("nebrija: advanced.registration")
def test_the_domain_is_the_address_s(routed: RunningEdge, carrier: Registrar) -> None:
    routed.put(registering(carrier, register_domain="sip.example", username='we"ird\\user'))
    carrier.users = {'we"ird\\user': SECRET}
    assert until(routed, "failed").code == 401
    routed.put(registering(carrier, register_domain="sip.example", username="34911@telco"))
    carrier.users = {"34911@telco": SECRET}
    until(routed, "registered")
    assert carrier.granted[-1].address == "<sip:34911%40telco@sip.example>"


def test_a_refusal_is_shown_and_tried_again_later_and_later(routed: RunningEdge, carrier: Registrar) -> None:
    carrier.judges = lambda register: (403, "")
    carrier.phrase = "No\x01 such customer <" + "x" * 100
    routed.put(registering(carrier))
    told = until(routed, "failed")
    assert (told.code, told.expires_at) == (403, None)
    assert told.reason
    assert told.reason.startswith("No? such customer <xxx")
    assert len(told.reason) == 64
    assert told.next_attempt_at
    assert told.next_attempt_at.timestamp() - time.time() < 5
    deadline = time.monotonic() + 40
    while len(proofs(carrier)) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    first, second, third = (event.time for event in carrier.events if not event.sent and "username" in proof(event))
    # from 2 s to 4 s, then to 8 s; each is looked at every 5 s
    assert 1.5 < second - first < 10
    assert 3.5 < third - second < 14
    carrier.judges, carrier.phrase = (lambda register: (200, "")), ""
    assert until(routed, "registered", 30).code == 200


def proof(event: Any) -> str:
    return str(event.message.get("Authorization"))


def proofs(carrier: Registrar) -> list[str]:
    return [register.get("Authorization") for register in carrier.registers if register.get("Authorization")]


def test_a_wrong_password_is_proved_once_a_turn(routed: RunningEdge, carrier: Registrar) -> None:
    routed.put(registering(carrier, password="a wrong secret"))
    assert until(routed, "failed").code == 401
    assert len(carrier.registers) == 2
    # the right one is tried as soon as it is there
    carrier.events.clear()
    routed.put(registering(carrier))
    began = time.monotonic()
    until(routed, "registered")
    assert time.monotonic() - began < 3


def test_a_nonce_that_became_stale_is_answered_once_more(routed: RunningEdge, carrier: Registrar) -> None:
    carrier.forgets = 1
    routed.put(registering(carrier))
    until(routed, "registered")
    assert len(proofs(carrier)) == 2


def test_a_registrar_that_takes_no_nonce_is_not_asked_for_ever(routed: RunningEdge, carrier: Registrar) -> None:
    carrier.forgets = 1000
    routed.put(registering(carrier))
    assert until(routed, "failed").code == 401
    assert len(carrier.registers) == 5


def test_what_the_registrar_wants_at_least_is_asked_for(routed: RunningEdge, carrier: Registrar) -> None:
    carrier.judges = lambda register: (
        (200, "") if int(register.get("Expires")) >= 1800 else (423, "Min-Expires: 1800\r\n")
    )
    routed.put(registering(carrier, register=60))
    told = until(routed, "registered")
    assert carrier.granted[0].expires == 1800
    assert told.expires_at
    assert told.expires_at.timestamp() - time.time() > 1700


@pytest.mark.parametrize("wanted", ["Min-Expires: 100000\r\n", "Min-Expires: 10\r\n", ""])
def test_a_wish_that_is_none_is_a_refusal(routed: RunningEdge, carrier: Registrar, wanted: str) -> None:
    carrier.judges = lambda register: (423, wanted)
    routed.put(registering(carrier))
    assert until(routed, "failed").code == 423
    assert len(carrier.registers) == 2


@pytest.mark.slow
def test_it_is_refreshed_before_it_ends(routed: RunningEdge, carrier: Registrar) -> None:
    carrier.grants = lambda asked: 20
    routed.put(registering(carrier))
    before = until(routed, "registered")
    first, second, third = carrier.until_granted(3, 45)[:3]
    assert second.at - first.at < 19
    assert third.at - second.at < 19
    assert first.contact == second.contact == third.contact
    told = stands(routed)[0]
    assert (told.state, told.since) == ("registered", before.since)
    assert len({register.get("Call-ID") for register in carrier.registers}) == 1
    sequence = [int(register.get("CSeq").split()[0]) for register in carrier.registers]
    assert sequence == sorted(set(sequence))


@pytest.mark.slow
def test_who_goes_silent_is_told_of_and_comes_back(routed: RunningEdge, carrier: Registrar) -> None:
    carrier.grants = lambda asked: 20
    routed.put(registering(carrier))
    until(routed, "registered")
    carrier.deaf = True
    told = until(routed, "failed", 30)
    assert (told.code, told.reason) == (None, "no answer")
    carrier.deaf = False
    until(routed, "registered", 30)


def test_retry_after_is_obeyed(routed: RunningEdge, carrier: Registrar) -> None:
    carrier.judges = lambda register: (503, "Retry-After: 120 (maintenance);duration=60\r\n")
    routed.put(registering(carrier))
    told = until(routed, "failed")
    assert told.next_attempt_at
    assert 110 < told.next_attempt_at.timestamp() - time.time() <= 120


def test_until_there_is_an_answer_it_is_being_tried(routed: RunningEdge, carrier: Registrar, second: Registrar) -> None:
    """Of one that was taken back, too; and nothing is said of another one's failure."""
    place = hop(HostPort(host="nowhere.test"))
    routed.put(trunk("nowhere", hops=(place,), username="acme", password=SECRET, register=600), registering(carrier))
    until(routed, "registered")
    routed.drop("trunk", "trunk")
    carrier.until_granted(2)
    time.sleep(0.2)
    carrier.deaf = second.deaf = True
    routed.put(registering(carrier, second))
    assert carrier.wait(lambda m: m.get("Expires") == "600" and not m.get("Authorization"), 8, len(carrier.events))
    assert second.wait(lambda m: m.method == "REGISTER", 8)
    for told in stands(routed):
        assert (told.state, told.code, told.reason, told.expires_at) == ("trying", None, None, None)
        assert told.since
        assert abs(told.since.timestamp() - time.time()) < 10


def test_every_gateway_is_registered_with_and_by_a_contact_of_its_own(
    routed: RunningEdge, carrier: Registrar, second: Registrar
) -> None:
    second.judges = lambda register: (404, "")
    routed.put(registering(carrier, second))
    until(routed, "registered")
    second.wait(lambda m: bool(m.get("Authorization")), 5)
    time.sleep(0.3)
    assert [(told.host, told.state, told.code) for told in stands(routed)] == [
        (carrier.at, "registered", 200),
        (second.at, "failed", 404),
    ]
    assert carrier.registers[0].contact != second.registers[0].contact


def test_a_trunk_that_does_not_register_is_off(routed: RunningEdge, carrier: Registrar) -> None:
    routed.put(registering(carrier, register=0))
    assert [told.state for told in stands(routed)] == ["off"]
    time.sleep(2)
    assert not carrier.registers


@pytest.mark.parametrize("how", ["switched off", "deleted", "made anew without it"])
def test_it_is_taken_back(routed: RunningEdge, carrier: Registrar, how: str) -> None:
    routed.put(registering(carrier))
    until(routed, "registered")
    if how == "switched off":
        routed.put(registering(carrier, register=0))
    elif how == "deleted":
        routed.drop("trunk", "trunk")
    else:
        routed.file.rebuild((Put(trunk("other")),), "test", 2)
    first, last = carrier.until_granted(2)
    assert (last.expires, last.contact) == (0, first.contact)
    register = carrier.registers[-1]
    assert register.get("Expires") == "0"
    assert register.get("Contact").endswith(";expires=0")
    time.sleep(3)
    assert len(carrier.granted) == 2, "once is enough"
    # and begun again
    routed.put(registering(carrier))
    assert carrier.until_granted(3)[2].expires == 600


def test_another_gateway_takes_the_place_of_one(routed: RunningEdge, carrier: Registrar, second: Registrar) -> None:
    routed.put(registering(carrier))
    until(routed, "registered")
    routed.put(registering(second))
    assert second.until_granted()[0].expires == 600
    assert carrier.until_granted(2)[1].expires == 0


def test_a_file_that_is_made_anew_keeps_what_it_still_says(routed: RunningEdge, carrier: Registrar) -> None:
    routed.put(registering(carrier))
    until(routed, "registered")
    routed.file.rebuild((Put(registering(carrier)),), "test", 2)
    time.sleep(3)
    assert all(granted.expires == 600 for granted in carrier.granted)
    assert len({granted.contact for granted in carrier.granted}) == 1


@pytest.mark.slow
def test_a_kamailio_that_is_killed_goes_on_registering(routed: RunningEdge, carrier: Registrar) -> None:
    carrier.grants = lambda asked: 60
    routed.put(registering(carrier))
    until(routed, "registered")
    before = carrier.registers[-1]
    os.kill(int((routed.folder / "kamailio.pid").read_text()), signal.SIGKILL)
    time.sleep(0.5)
    routed.until_ready(20)
    last = carrier.until_granted(2, 20)[-1]
    assert last.contact == carrier.granted[0].contact
    after = carrier.registers[-1]
    assert before.get("Call-ID") == after.get("Call-ID")
    assert int(before.get("CSeq").split()[0]) < int(after.get("CSeq").split()[0])
    # and takes back what was taken away meanwhile
    routed.drop("trunk", "trunk")
    assert carrier.until_granted(3)[-1].expires == 0


OURS = "+34911234567"


@pytest.fixture
def contact(routed: RunningEdge, carrier: Registrar, ai: Agent) -> str:
    """The user by which the carrier reaches the trunk, which has one number, and another trunk has another one."""
    routed.put(
        *(number(OURS), number("+34922222222", trunk="other"), agent(uri=f"sip:{{number}}@{ai.at}")),
        trunk("other", "127.0.1.0/24"),
        registering(carrier),
    )
    until(routed, "registered")
    return carrier.granted[0].contact.removeprefix("sip:").partition("@")[0]


@pytest.mark.proves("nebrija: advanced.registration")
def test_a_call_comes_in_by_the_contact(routed: RunningEdge, carrier: Registrar, ai: Agent, contact: str) -> None:
    call = carrier.call(routed.sip, contact, to="sip:0034911@carrier.example", caller="+15125550100")
    assert call.status == 404
    call = carrier.call(routed.sip, contact, to="sip:34911234567@carrier.example", caller="+15125550100")
    assert call.status == 200
    (invite,) = ai.calls
    assert invite.first.startswith(f"INVITE sip:{OURS}@{ai.at} ")
    assert invite.get("X-Cordboard-Number") == OURS
    assert contact not in str(invite)
    assert call.hang_up() == 200
    assert ai.wait(lambda m: m.method == "BYE")


def test_by_a_contact_come_numbers_of_its_trunk_alone(routed: RunningEdge, carrier: Registrar, contact: str) -> None:
    assert carrier.call(routed.sip, contact, to="sip:+34922222222@carrier.example").status == 404
    assert carrier.call(routed.sip, "r" + "0" * 20, to=f"sip:{OURS}@carrier.example").status == 404
    with Phone("127.0.9.9", name="stranger") as stranger:
        assert stranger.call(routed.sip, contact, to=f"sip:{OURS}@carrier.example").status == 403
    routed.put(registering(carrier, called_from="p-called-party-id"))
    asserted = f'P-Called-Party-ID: "Front" <sip:{OURS}@carrier.example>\r\n'
    call = carrier.call(routed.sip, contact, to="sip:acme@carrier.example", headers=asserted)
    assert call.status == 200
    assert call.hang_up() == 200
    # without it, To is looked at
    assert carrier.call(routed.sip, contact, to="sip:acme@carrier.example").status == 404


def test_no_secret_is_told_by_kamailio(routed: RunningEdge, carrier: Registrar) -> None:
    carrier.judges = lambda register: (403, "")
    routed.put(registering(carrier))
    until(routed, "failed")
    for table in ("registered", "registering"):
        assert SECRET not in str(routed.run(routed.edge.rpc.call("htable.dump", table)))
    assert SECRET not in (routed.options.data / "kamailio.log").read_text()
    assert SECRET not in str(stands(routed))
