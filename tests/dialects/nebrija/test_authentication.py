"""The password's mask, to the letter: what a PATCH and a POST make of it, and when it is shown.

https://docs.nebrijaai.com/api-reference/sip-trunks/actualizar-sip-trunk
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.builders import World
from tests.dialects.nebrija.caller import TRUNKS, Caller, calling

pytestmark = pytest.mark.anyio

MASK = "********"
ABSENT = object()


@pytest.fixture
async def caller(shared_world: World) -> AsyncIterator[Caller]:
    async with calling(shared_world) as made:
        yield made


def sent(username: Any, password: Any) -> dict[str, Any]:
    given = {"username": username, "password": password}
    return {name: value for name, value in given.items() if value is not ABSENT}


#: What a PATCH sends to a trunk with `office` and `carrier-secret`, what is shown then, and what is stored.
PATCHES: list[tuple[Any, dict[str, Any], str | None]] = [
    # the documentation's rule: eight asterisks keep what is stored
    (sent(ABSENT, MASK), {"username": "office", "password": MASK}, "carrier-secret"),
    (sent("office", MASK), {"username": "office", "password": MASK}, "carrier-secret"),
    (sent("other", MASK), {"username": "other", "password": MASK}, "carrier-secret"),
    # so does a password that is not there
    (sent("other", ABSENT), {"username": "other", "password": MASK}, "carrier-secret"),
    ({}, {"username": "office", "password": MASK}, "carrier-secret"),
    # any other row of asterisks is a password
    (sent(ABSENT, "*"), {"username": "office", "password": MASK}, "*"),
    (sent(ABSENT, "*" * 7), {"username": "office", "password": MASK}, "*" * 7),
    (sent(ABSENT, "*" * 9), {"username": "office", "password": MASK}, "*" * 9),
    (sent(ABSENT, MASK + " "), {"username": "office", "password": MASK}, MASK + " "),
    (sent(ABSENT, "new"), {"username": "office", "password": MASK}, "new"),
    # null and an empty text clear
    (sent(ABSENT, None), {"username": "office"}, None),
    (sent(ABSENT, ""), {"username": "office"}, None),
    (sent(None, ABSENT), {"password": MASK}, "carrier-secret"),
    (sent("", ABSENT), {"password": MASK}, "carrier-secret"),
    (sent(None, None), {}, None),
    # null clears both
    (None, {}, None),
]


@pytest.mark.proves(
    "nebrija: password mask",
    "nebrija: authentication on PATCH",
    "nebrija: password null or empty",
    "nebrija: other asterisks",
    "nebrija: reply when no password is stored",
    "nebrija: reply when there is no authentication",
    "nebrija: trunk authentication",
)
@pytest.mark.parametrize(("authentication", "shown", "stored"), PATCHES)
async def test_what_a_patch_makes_of_a_stored_password(
    caller: Caller, authentication: Any, shown: dict[str, Any], stored: str | None
) -> None:
    made = await caller.trunk()
    changed = await caller.patched(made["id"], {"authentication": authentication})
    assert changed["authentication"] == shown
    assert await caller.password(made["id"]) == stored


#: What is sent where nothing is stored, what is shown then, and what is stored.
NEW: list[tuple[Any, dict[str, Any], str | None]] = [
    (sent("u", "p"), {"username": "u", "password": MASK}, "p"),
    (sent("u", MASK), {"username": "u"}, None),
    (sent(ABSENT, MASK), {}, None),
    (sent("u", "*******"), {"username": "u", "password": MASK}, "*******"),
    (sent("u", None), {"username": "u"}, None),
    (sent("", ""), {}, None),
    ({}, {}, None),
    (None, {}, None),
]


@pytest.mark.proves(
    "nebrija: mask when nothing is stored",
    "nebrija: reply when no password is stored",
    "nebrija: reply when there is no authentication",
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(("authentication", "shown", "stored"), NEW)
async def test_the_mask_makes_no_password(
    caller: Caller, method: str, authentication: Any, shown: dict[str, Any], stored: str | None
) -> None:
    if method == "POST":
        made = await caller.trunk(authentication=authentication)
    else:
        made = await caller.trunk(authentication=None)
        made = await caller.patched(made["id"], {"authentication": authentication})
    assert made["authentication"] == shown
    assert await caller.password(made["id"]) == stored


@pytest.mark.proves("nebrija: validation failure")
@pytest.mark.parametrize(
    ("authentication", "place"),
    [
        ({"username": 5}, "authentication.username"),
        ({"password": ["x"]}, "authentication.password"),
        ({"password": "a\nb"}, "authentication.password"),
        ({"password": "a" * 256}, "authentication.password"),
        ("x", "authentication"),
        ([], "authentication"),
    ],
)
async def test_what_is_no_authentication_is_refused(caller: Caller, authentication: Any, place: str) -> None:
    made = await caller.trunk()
    path = f"{TRUNKS}/{made['id']}"
    (message,) = await caller.refused("PATCH", path, 400, json={"authentication": authentication})
    assert message.startswith(f"{place}: ")
    assert await caller.password(made["id"]) == "carrier-secret"


#: What a PATCH sends to a trunk whose carrier calls with `carrier` and `their-secret`.
INBOUND: list[tuple[Any, dict[str, Any], str | None]] = [
    (sent(ABSENT, MASK), {"username": "carrier", "password": MASK}, "their-secret"),
    (sent("other", MASK), {"username": "other", "password": MASK}, "their-secret"),
    (sent("other", ABSENT), {"username": "other", "password": MASK}, "their-secret"),
    (sent(ABSENT, "*" * 9), {"username": "carrier", "password": MASK}, "*" * 9),
    ({}, {"username": "carrier", "password": MASK}, "their-secret"),
    # half of it is no digest: both go
    (sent(ABSENT, ""), {}, None),
    (sent(ABSENT, None), {}, None),
    (sent(None, ABSENT), {}, None),
    (sent("", MASK), {}, None),
    (None, {}, None),
]


@pytest.mark.proves("nebrija: advanced.inboundAuthentication")
@pytest.mark.parametrize(("authentication", "shown", "stored"), INBOUND)
async def test_the_carrier_s_own_password_is_masked_likewise(
    caller: Caller, authentication: Any, shown: dict[str, Any], stored: str | None
) -> None:
    made = await caller.trunk(advanced={"inboundAuthentication": {"username": "carrier", "password": "their-secret"}})
    assert made["advanced"] == {"inboundAuthentication": {"username": "carrier", "password": MASK}}
    changed = await caller.patched(made["id"], {"advanced": {"inboundAuthentication": authentication}})
    assert changed["advanced"].get("inboundAuthentication", {}) == shown
    assert await caller.inbound_password(made["id"]) == stored
    assert await caller.password(made["id"]) == "carrier-secret"


@pytest.mark.proves("nebrija: advanced.inboundAuthentication")
@pytest.mark.parametrize(
    "authentication",
    [sent("u", ABSENT), sent("u", MASK), sent(ABSENT, "p"), sent("u", None), sent("a b", "p"), {"user": "u"}],
)
async def test_half_a_digest_is_refused_where_nothing_is_stored(caller: Caller, authentication: Any) -> None:
    made = await caller.trunk()
    body = {"advanced": {"inboundAuthentication": authentication}}
    (message,) = await caller.refused("PATCH", f"{TRUNKS}/{made['id']}", 400, json=body)
    assert message.startswith("advanced.inboundAuthentication")
