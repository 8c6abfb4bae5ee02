"""What becomes of a trunk's credentials, each time at a carrier that is broken in that way."""

import time
from collections.abc import Iterator

import pytest

from cordboard.domain.verifications import Login, Place, Status, Step
from cordboard.engines.edge.verify.credentials import NOBODY, foreign
from tests.calls.phone import Address, Agent, Message, sdp
from tests.calls.registrar import Registrar
from tests.verifying import place, probed, prober, statuses

CARRIER = "127.0.1.34"
USER, SECRET = "acme", "right-secret"


@pytest.fixture
def registrar() -> Iterator[Registrar]:
    """A carrier whose REGISTERs are challenged in the realm of its own address."""
    with Registrar(CARRIER, name=CARRIER) as phone:
        phone.users = {USER: SECRET}
        yield phone


@pytest.fixture
def gateway() -> Iterator[Agent]:
    """A carrier that challenges INVITEs, in the same realm, and knows nobody."""
    with Agent(CARRIER, name=CARRIER) as phone:
        phone.wants = (USER, SECRET)
        phone.answers = lambda invite: (404, "")
        yield phone


def at(carrier: Agent, password: str = SECRET, **rest: object) -> Place:
    login = Login(username=USER, password=password, **rest)  # type: ignore[arg-type]
    return place(carrier.at, login=login)


def digest(where: Place) -> Step:
    """The step, and that all others passed."""
    steps = probed(prober(patience=1.5), where)
    others = {name: status for name, status in statuses(steps).items() if name != "digest"}
    assert set(others.values()) == {"passed"}, steps
    step = next(step for step in steps if step.name == "digest")
    assert SECRET not in repr(steps)
    assert (step.status is Status.PASSED) == (step.remedy is None)
    return step


@pytest.mark.parametrize("algorithms", [["MD5"], ["SHA-256"], ["SHA-256", "MD5"]])
@pytest.mark.parametrize("quality", ['qop="auth", ', ""])
def test_right_credentials_are_taken_by_a_registrar(registrar: Registrar, algorithms: list[str], quality: str) -> None:
    registrar.algorithms, registrar.quality = algorithms, quality
    step = digest(at(registrar, registers=True))
    assert (step.status, step.code) == (Status.PASSED, "")
    assert step.evidence["answered_with"] == ("SHA-256" if "SHA-256" in algorithms else "MD5")
    assert step.evidence["algorithms"] == algorithms
    # nothing was bound: it only asked
    assert all(not register.get("Contact") for register in registrar.registers)


def test_right_credentials_are_taken_by_a_gateway_and_nobody_is_called(gateway: Agent) -> None:
    step = digest(at(gateway, caller="+34911000001"))
    assert (step.status, step.evidence["sent"]) == (Status.PASSED, "INVITE")
    assert step.evidence["answer_to_credentials"] == "404 Answer"
    for invite in (m for m in gateway.received if m.method == "INVITE" and m.status is None):
        assert invite.first.startswith(f"INVITE sip:{NOBODY}@")
        assert "+34911000001@" in invite.get("From")
    deadline = time.monotonic() + 5
    while [m.method for m in gateway.received].count("ACK") < 2:
        assert time.monotonic() < deadline, "each refusal of an INVITE is acknowledged"
        time.sleep(0.01)


def test_a_wrong_password(registrar: Registrar) -> None:
    step = digest(at(registrar, password="wrong-secret", registers=True))
    assert (step.status, step.code) == (Status.FAILED, "bad-secret")
    assert USER in step.summary
    assert "wrong-secret" not in repr(step)


def test_a_wrong_password_at_a_gateway_that_is_called(gateway: Agent) -> None:
    assert digest(at(gateway, password="wrong-secret")).code == "bad-secret"


def test_the_realm_of_another_carrier(registrar: Registrar) -> None:
    registrar.name = "sip.other-carrier.example"
    registrar.users = {"somebody": "else"}
    step = digest(at(registrar, registers=True))
    assert (step.status, step.code) == (Status.FAILED, "wrong-realm")
    assert "sip.other-carrier.example" in step.summary
    assert step.evidence["realm"] == "sip.other-carrier.example"


def test_a_carrier_that_never_asks_is_told_of(registrar: Registrar, gateway: Agent) -> None:
    registrar.users = {}
    step = digest(at(registrar, registers=True))
    assert (step.status, step.code) == (Status.WARNING, "never-challenged")
    gateway.wants = None
    assert digest(at(gateway)).code == "never-challenged"


def test_a_carrier_that_does_not_know_us_and_asks_for_nothing(gateway: Agent) -> None:
    gateway.wants, gateway.answers = None, lambda invite: (403, "")
    step = digest(at(gateway))
    assert (step.status, step.code) == (Status.FAILED, "refused-unchallenged")
    assert "127.0.0.1" in str(step.remedy)


def test_a_refusal_after_the_right_credentials(registrar: Registrar, gateway: Agent) -> None:
    registrar.judges = lambda register: (403, "")
    step = digest(at(registrar, registers=True))
    assert (step.status, step.code) == (Status.FAILED, "refused-after-auth")
    # of an INVITE to nobody it may be nobody who is meant
    gateway.answers = lambda invite: (403, "")
    step = digest(at(gateway))
    assert (step.status, step.code) == (Status.WARNING, "refused-after-auth")
    assert "verification.echo.to" in str(step.remedy)


def test_a_nonce_that_was_too_old_is_no_wrong_password(registrar: Registrar) -> None:
    registrar.forgets = 1
    assert digest(at(registrar, registers=True)).status is Status.PASSED


@pytest.mark.slow
def test_silence_after_the_credentials(registrar: Registrar) -> None:
    registrar.judges = lambda register: None
    assert digest(at(registrar, registers=True)).code == "digest-silence"


def test_an_algorithm_that_nobody_here_knows(registrar: Registrar) -> None:
    registrar.algorithms = ["SHA-512-256"]
    step = digest(at(registrar, registers=True))
    assert (step.status, step.code) == (Status.FAILED, "digest-algorithm")


class Ringing(Agent):
    """A telephone that nobody picks up."""

    def heard(self, message: Message, source: Address) -> None:
        if message.method == "INVITE":
            self.send(self.response(message, 180, tag="rings"), source)
        else:
            super().heard(message, source)


def test_an_invite_that_rings_after_all_is_taken_back() -> None:
    with Ringing(CARRIER) as phone:
        assert digest(at(phone)).evidence["answer"] == "487 Request Terminated"
        assert phone.wait(lambda m: m.method == "ACK")
    assert [m.method for m in phone.received if m.status is None] == ["OPTIONS", "OPTIONS", "INVITE", "CANCEL", "ACK"]


def test_an_invite_that_is_answered_is_hung_up(gateway: Agent) -> None:
    gateway.ringing, gateway.wants = False, None
    gateway.answers = lambda invite: (200, sdp(CARRIER))
    assert digest(at(gateway)).code == "never-challenged"
    assert [m.method for m in gateway.received if m.status is None][-2:] == ["ACK", "BYE"]


@pytest.mark.parametrize(
    ("realm", "host", "domain", "strange"),
    [
        # a name of no domain may be anybody's
        ("asterisk", "gw.carrier.example", None, False),
        ("cordboard", "192.0.2.1", None, False),
        ("carrier.example", "gw.carrier.example", None, False),
        ("sip.carrier.example", "gw.carrier.example", None, False),
        ("Other.Example", "gw.carrier.example", None, True),
        # the address of record's domain counts
        ("other.example", "192.0.2.1", "other.example", False),
        ("192.0.2.1", "192.0.2.1", None, False),
        ("192.0.2.9", "192.0.2.1", None, True),
        ("carrier.example", "192.0.2.1", None, True),
        ("", "gw.carrier.example", None, False),
    ],
)
def test_a_realm_is_somebody_elses_if_it_names_somebody_else(
    realm: str, host: str, domain: str | None, strange: bool
) -> None:
    assert foreign(realm, host, domain) is strange
