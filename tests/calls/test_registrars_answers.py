"""What registrars answer that nobody should: no proof goes astray, nothing breaks, and times stay within bounds."""

import time
from collections.abc import Iterator

import pytest

from tests.calls.edges import RunningEdge
from tests.calls.registrar import Registrar
from tests.calls.test_carriers_registrars import forget, registering, until


@pytest.fixture
def carrier() -> Iterator[Registrar]:
    with Registrar("127.0.1.1", name="carrier.example") as phone:
        yield phone


@pytest.fixture
def routed(edge: RunningEdge) -> Iterator[RunningEdge]:
    forget(edge)
    yield edge
    forget(edge)


_LONG = "9" * 40


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        # what would be put into our credentials with a line of its own, or end them
        (401, 'WWW-Authenticate: Digest realm="a\r\n\tX-Evil: b", nonce="n"\r\n'),
        (401, 'WWW-Authenticate: Digest realm="a", nonce="n\\", qop=auth\r\n'),
        (401, 'WWW-Authenticate: Digest realm="a", nonce=""\r\n'),
        (401, f'WWW-Authenticate: Digest realm="a", nonce="{"n" * 3000}"\r\n'),
        (401, 'WWW-Authenticate: Digest realm="a", nonce="n", algorithm=MD5-sess\r\n'),
        (401, 'WWW-Authenticate: Digest realm="a", nonce="n", qop="auth-int"\r\n'),
        (401, 'WWW-Authenticate: Basic realm="a"\r\n'),
        (401, ""),
        # a 407 is not answered by what stands in a 401
        (407, 'WWW-Authenticate: Digest realm="a", nonce="n"\r\n'),
        (301, "Contact: <sip:elsewhere@192.0.2.1>\r\n"),
        (503, "Retry-After: 4000000000\r\n"),
        (423, f"Min-Expires: {_LONG}\r\n"),
        (699, ""),
    ],
)
def test_what_no_registrar_should_say_is_a_refusal(
    routed: RunningEdge, carrier: Registrar, status: int, headers: str
) -> None:
    carrier.judges = lambda register: (status, headers)
    routed.put(registering(carrier))
    told = until(routed, "failed")
    assert told.code == status
    assert told.next_attempt_at
    assert 0 < told.next_attempt_at.timestamp() - time.time() + 1 < 6
    assert len(carrier.registers) == 1
    assert_sound(routed)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ("", 600),
        ("Expires: 300\r\n", 300),
        (f"Expires: {_LONG}\r\n", 600),
        ("Contact: <sip:rewritten@192.0.2.1>;q=1 ; EXPIRES = 200\r\n", 200),
        ("Contact: <sip:a@192.0.2.1>;expires=1, <sip:b@192.0.2.1>;expires=2\r\nExpires: 400\r\n", 400),
        ("Contact: <sip:x@192.0.2.1>;expires=50\r\n" * 60 + "Expires: 400\r\n", 400),
        ("Contact: *\r\n", 600),
        ("Expires: 999999999\r\n", 86400),
    ],
)
def test_the_time_that_is_granted_is_read_wherever_it_stands(
    routed: RunningEdge, carrier: Registrar, headers: str, seconds: int
) -> None:
    carrier._grant = lambda register: headers  # type: ignore[method-assign]
    routed.put(registering(carrier))
    told = until(routed, "registered")
    assert told.expires_at
    assert told.next_attempt_at
    assert seconds - 5 < told.expires_at.timestamp() - time.time() <= seconds
    assert told.next_attempt_at < told.expires_at
    assert_sound(routed)


def test_no_time_at_all_is_no_registration(routed: RunningEdge, carrier: Registrar) -> None:
    carrier.grants = lambda asked: 0
    carrier._grant = lambda register: "Expires: 0\r\n"  # type: ignore[method-assign]
    routed.put(registering(carrier))
    told = until(routed, "failed")
    assert (told.code, told.reason) == (200, "no time was granted")


def assert_sound(edge: RunningEdge) -> None:
    """Kamailio goes on, and found nothing wrong with itself."""
    assert edge.edge.ready
    log = (edge.options.data / "kamailio.log").read_text()
    assert "CRITICAL" not in log
    assert "ERROR" not in log, log[-2000:]
