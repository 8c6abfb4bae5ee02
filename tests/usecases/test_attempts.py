"""How often one address may try to log in, by the console itself."""

import httpx2
import pytest

from cordboard.usecases import attempts
from cordboard.usecases.attempts import MOST, Attempts
from tests.builders import ADMIN_TOKEN, ManualClock, World

pytestmark = pytest.mark.anyio


async def log_in(world: World, address: str, secret: str) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=world.app(), client=(address, 40000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://cordboard") as http:
        return await http.post("/login", data={"secret": secret})


async def test_who_guesses_waits_until_the_minute_is_over_and_nobody_else_does(world: World) -> None:
    for _ in range(MOST):
        assert (await log_in(world, "192.0.2.1", "guessed")).status_code == 401
    world.clock.advance(seconds=18)
    refused = await log_in(world, "192.0.2.1", ADMIN_TOKEN)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "42")
    assert "Try again in 42 seconds." in refused.text
    assert (await log_in(world, "192.0.2.2", ADMIN_TOKEN)).status_code == 303
    world.clock.advance(seconds=42)
    assert (await log_in(world, "192.0.2.1", ADMIN_TOKEN)).status_code == 303


async def test_right_logins_are_no_guesses(world: World) -> None:
    for _ in range(2 * MOST):
        assert (await log_in(world, "192.0.2.3", ADMIN_TOKEN)).status_code == 303


def test_many_at_once_are_as_many_as_one_after_the_other() -> None:
    tried = Attempts(ManualClock())
    assert [tried.begin("192.0.2.1") for _ in range(MOST + 2)] == [0] * MOST + [60, 60]
    tried.forgive("192.0.2.1")
    assert tried.begin("192.0.2.1") == 0


def test_of_ipv6_a_network_is_one_and_ipv4_within_it_is_not() -> None:
    tried = Attempts(ManualClock())
    for last in range(MOST):
        assert tried.begin(f"2001:db8::{last:x}") == 0
        assert tried.begin(f"::ffff:192.0.2.{last}") == 0
    assert tried.begin("2001:db8::ffff:1") == 60
    assert tried.begin("2001:db8:0:1::1") == 0
    assert tried.begin("192.0.2.1") == 0


def test_no_more_addresses_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "REMEMBERED", 3)
    clock = ManualClock()
    tried = Attempts(clock)
    for last in range(100):
        tried.begin(f"192.0.2.{last}")
    assert len(tried._tries) == 3
    clock.advance(minutes=1)
    tried.begin("192.0.2.1")
    assert len(tried._tries) == 1
