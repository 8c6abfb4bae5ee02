"""Sessions of the console: how long they stand, and what is left of them."""

from datetime import timedelta

import pytest

from cordboard.domain.errors import Unauthenticated
from cordboard.usecases.sessions import Sessions, forget_old
from tests.builders import World, dump

pytestmark = pytest.mark.anyio


@pytest.fixture
def sessions(world: World) -> Sessions:
    return Sessions(world.context, timedelta(hours=12))


async def test_a_session_stands_until_its_time_is_over(world: World, sessions: Sessions) -> None:
    kept = await sessions.begin("Bearer sk-1")
    world.clock.advance(hours=11, minutes=59)
    assert await sessions.credentials(kept) == "Bearer sk-1"
    world.clock.advance(minutes=1)
    with pytest.raises(Unauthenticated):
        await sessions.credentials(kept)


async def test_one_that_was_ended_is_over_for_every_copy_of_it(sessions: Sessions) -> None:
    kept, other = await sessions.begin("Bearer sk-1"), await sessions.begin("Bearer sk-1")
    await sessions.end(kept)
    await sessions.end(kept)
    with pytest.raises(Unauthenticated):
        await sessions.credentials(kept)
    assert await sessions.credentials(other) == "Bearer sk-1"


async def test_nothing_but_what_was_given_out_is_a_session(sessions: Sessions) -> None:
    kept, other = await sessions.begin("Bearer sk-1"), await sessions.begin("Bearer sk-2")
    (id, _, sealed), (other_id, _, _) = kept.partition("."), other.partition(".")
    for wrong in ("", ".", id, f"{id}.", f"{id}.{sealed[:-4]}AAA=", f"{other_id}.{sealed}", f"{id}.k9:{sealed[3:]}"):
        with pytest.raises(Unauthenticated):
            await sessions.credentials(wrong)


async def test_the_store_holds_no_credentials_and_forgets_what_is_over(world: World, sessions: Sessions) -> None:
    await sessions.begin("Bearer sk-of-somebody")
    world.clock.advance(hours=1)
    kept = await sessions.begin("Bearer sk-of-somebody")
    rows = (await dump(world))["session"]
    assert len(rows) == 2
    assert "sk-of-somebody" not in str(rows)
    world.clock.advance(hours=11)
    await forget_old(world.context)
    assert len((await dump(world))["session"]) == 1
    assert await sessions.credentials(kept)
