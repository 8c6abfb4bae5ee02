"""`advanced`: every option, what it makes of what is sent, how it is merged, and what it refuses by name.

The vendor's page types it as an object and shows it empty; the options are ours (docs/nebrija.md).
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cordboard.dialects.nebrija.advanced import Advanced
from cordboard.domain.trunk_options import TrunkOptions
from tests.builders import World, dump
from tests.dialects.nebrija.caller import TRUNKS, Caller, calling, trunk_body

pytestmark = pytest.mark.anyio

INBOUND = {"username": "carrier", "password": "their-secret"}
#: One value of each option that is not its default, as it is sent and shown.
OPTIONS: dict[str, tuple[Any, Any]] = {
    "transport": ("tcp", "tcp"),
    "mediaEncryption": ("require", "require"),
    "tlsVerify": (False, False),
    "optionsProbing": (False, False),
    "allowedAddresses": (["192.0.2.0/24 ", "2001:db8::1"], ["192.0.2.0/24", "2001:db8::1"]),
    "allowedNumbers": (["+34*", "+15125550100"], ["+34*", "+15125550100"]),
    "headers": ({"X-Account": " 42 "}, {"X-Account": "42"}),
    "codecs": (["PCMA", "opus", "telephone-event"], ["PCMA", "opus", "telephone-event"]),
    "maxConcurrentCalls": (30, 30),
    "maxCallsPerSecond": (5, 5),
    "maxMinutesPerDay": (600, 600),
    "allowedDestinations": (["+34", "+1212"], ["+34", "+1212"]),
    "numberFormat": ("digits", "digits"),
    "countryCode": ("34", "34"),
    "calledNumberFrom": ("to", "to"),
    "failoverCodes": ([404, 480], [404, 480]),
    "registration": (True, True),
    "inboundAuthentication": (INBOUND, {"username": "carrier", "password": "********"}),
}
EVERYTHING = {name: sent for name, (sent, _) in OPTIONS.items()}
SHOWN = {name: shown for name, (_, shown) in OPTIONS.items()}
#: Further words, the default ones among them, and how they are shown; None is not at all.
WORDS: list[tuple[str, Any, Any]] = [
    ("transport", "auto", None),
    ("transport", "udp", "udp"),
    ("transport", "tls", "tls"),
    ("mediaEncryption", "allow", None),
    ("mediaEncryption", "disable", "disable"),
    ("mediaEncryption", {"inbound": "require"}, {"inbound": "require", "outbound": "allow"}),
    ("mediaEncryption", {"outbound": "disable"}, {"inbound": "allow", "outbound": "disable"}),
    ("mediaEncryption", {"inbound": "require", "outbound": "require"}, "require"),
    ("mediaEncryption", {"inbound": "allow", "outbound": "allow"}, None),
    ("mediaEncryption", {}, None),
    ("tlsVerify", True, None),
    ("optionsProbing", True, None),
    ("allowedAddresses", [], []),
    ("allowedNumbers", [], None),
    ("headers", {}, None),
    ("codecs", [], None),
    ("allowedDestinations", [], None),
    ("numberFormat", "e164", None),
    ("numberFormat", "international", "international"),
    ("calledNumberFrom", "ruri", None),
    ("calledNumberFrom", "p-called-party-id", "p-called-party-id"),
    ("failoverCodes", [], None),
    ("registration", False, None),
    ("registration", {}, True),
    ("registration", {"expires": 600}, True),
    ("registration", {"expires": 60, "domain": "x.example"}, {"expires": 60, "domain": "x.example"}),
    ("registration", {"domain": "x.example"}, {"expires": 600, "domain": "x.example"}),
]


@pytest.fixture
async def caller(shared_world: World) -> AsyncIterator[Caller]:
    async with calling(shared_world) as made:
        yield made


def test_there_is_a_value_for_every_option() -> None:
    assert set(OPTIONS) == {field.alias for field in Advanced.model_fields.values()}


@pytest.mark.proves("nebrija: every option of advanced", "nebrija: trunk advanced")
@pytest.mark.parametrize("name", OPTIONS)
async def test_an_option_is_shown_as_it_was_sent_and_taken_away_by_null(caller: Caller, name: str) -> None:
    sent, shown = OPTIONS[name]
    for made in (await caller.trunk(advanced={name: sent}), await caller.trunk()):
        plain = {name: made["advanced"].pop(name)} if made["advanced"] else {}
        assert plain in ({}, {name: shown})
        assert (await caller.patched(made["id"], {"advanced": {name: sent}}))["advanced"] == {name: shown}
        assert (await caller.patched(made["id"], {"advanced": {name: None}}))["advanced"] == {}


@pytest.mark.proves("nebrija: every option of advanced", "nebrija: advanced on PATCH")
async def test_all_options_together(caller: Caller) -> None:
    made = await caller.trunk(advanced=EVERYTHING)
    assert made["advanced"] == SHOWN
    # what was shown may be sent back: it changes nothing
    before = await dump(caller.world)
    assert await caller.patched(made["id"], {"advanced": made["advanced"]}) == made
    assert await dump(caller.world) == before
    assert (await caller.patched(made["id"], {"advanced": dict.fromkeys(EVERYTHING)}))["advanced"] == {}
    trunk = await caller.stored(made["id"])
    assert (trunk.options, trunk.allowed, trunk.inbound) == (TrunkOptions(), None, None)


@pytest.mark.proves("nebrija: every option of advanced")
@pytest.mark.parametrize(("name", "sent", "shown"), WORDS)
async def test_each_word_has_one_form(caller: Caller, name: str, sent: Any, shown: Any) -> None:
    made = await caller.trunk(advanced={name: sent})
    assert made["advanced"] == ({} if shown is None else {name: shown})


@pytest.mark.proves("nebrija: advanced on PATCH")
@pytest.mark.parametrize("name", OPTIONS)
async def test_a_patch_of_one_option_leaves_the_others(caller: Caller, name: str) -> None:
    made = await caller.trunk(advanced=EVERYTHING)
    left = {each: value for each, value in SHOWN.items() if each != name}
    assert (await caller.patched(made["id"], {"advanced": {name: None}}))["advanced"] == left
    assert (await caller.patched(made["id"], {"advanced": {}}))["advanced"] == left


@pytest.mark.proves("nebrija: advanced on PATCH")
async def test_changes_of_different_options_at_once_are_all_there_afterwards(caller: Caller) -> None:
    made = await caller.trunk()
    path = f"{TRUNKS}/{made['id']}"
    await asyncio.gather(*(caller.done("PATCH", path, {"advanced": {name: EVERYTHING[name]}}) for name in EVERYTHING))
    assert (await caller.done("GET", path))["advanced"] == SHOWN


@pytest.mark.proves("nebrija: advanced on PATCH")
async def test_a_direction_that_is_not_named_keeps_its_encryption(caller: Caller) -> None:
    made = await caller.trunk(advanced={"mediaEncryption": "require"})
    changed = await caller.patched(made["id"], {"advanced": {"mediaEncryption": {"inbound": "allow"}}})
    assert changed["advanced"] == {"mediaEncryption": {"inbound": "allow", "outbound": "require"}}


@pytest.mark.proves("nebrija: advanced on PATCH")
@pytest.mark.parametrize("advanced", [None, [], "x", 5, True])
async def test_what_is_no_object_is_refused(caller: Caller, advanced: Any) -> None:
    made = await caller.trunk(advanced=EVERYTHING)
    path = f"{TRUNKS}/{made['id']}"
    (message,) = await caller.refused("PATCH", path, 400, json={"advanced": advanced})
    assert message == "advanced: Input should be an object"
    assert (await caller.done("GET", path)) == made


@pytest.mark.proves("nebrija: unknown keys in advanced")
@pytest.mark.parametrize(
    ("advanced", "named"),
    [
        ({"destinationCountry": "es"}, ["advanced.destinationCountry: there is no such option"]),
        ({"Transport": "udp", "max_calls": 1}, ["advanced.Transport", "advanced.max_calls"]),
        ({"registration": {"expiry": 60}}, ["advanced.registration.expiry: there is no such option"]),
        ({"mediaEncryption": {"both": "allow"}}, ["advanced.mediaEncryption.both: there is no such option"]),
        ({"inboundAuthentication": {"realm": "x"}}, ["advanced.inboundAuthentication.realm: there is no such option"]),
    ],
)
async def test_an_unknown_option_is_refused_by_name(caller: Caller, advanced: dict[str, Any], named: list[str]) -> None:
    made = await caller.trunk()
    before = await dump(caller.world)
    for method, path in (("POST", TRUNKS), ("PATCH", f"{TRUNKS}/{made['id']}")):
        messages = await caller.refused(method, path, 400, json=trunk_body(advanced=advanced))
        assert len(messages) == len(named)
        assert all(message.startswith(name) for message, name in zip(sorted(messages), sorted(named), strict=True))
    assert await dump(caller.world) == before


WRONG: list[tuple[str, Any]] = [
    ("transport", "sctp"),
    ("transport", 5),
    ("mediaEncryption", "yes"),
    ("mediaEncryption", True),
    ("mediaEncryption", {"inbound": None}),
    ("tlsVerify", "false"),
    ("optionsProbing", 0),
    ("allowedAddresses", ["x"]),
    ("allowedAddresses", "192.0.2.1"),
    ("allowedNumbers", ["34911234567"]),
    ("allowedNumbers", ["+*"]),
    ("allowedNumbers", ["+34*5"]),
    ("allowedNumbers", ["+34911234567"] * 201),
    ("headers", {"Via": "x"}),
    ("headers", {"X-A": "a\r\nVia: b"}),
    ("headers", {"X-A": 5}),
    ("headers", ["X-A: 5"]),
    ("headers", {f"X-{n:02}": "x" for n in range(17)}),
    ("codecs", ["MP3"]),
    ("codecs", ["PCMA", "PCMA"]),
    ("codecs", ["telephone-event"]),
    ("maxConcurrentCalls", 0),
    ("maxConcurrentCalls", "5"),
    ("maxConcurrentCalls", 1_000_001),
    ("maxCallsPerSecond", -1),
    ("maxCallsPerSecond", 0.5),
    ("maxMinutesPerDay", True),
    ("allowedDestinations", ["34"]),
    ("allowedDestinations", ["+34*"]),
    ("allowedDestinations", ["+0"]),
    ("numberFormat", "E164"),
    ("countryCode", "+34"),
    ("countryCode", "0"),
    ("countryCode", 34),
    ("calledNumberFrom", "uri"),
    ("failoverCodes", [486]),
    ("failoverCodes", [407]),
    ("failoverCodes", [600]),
    ("failoverCodes", ["404"]),
    ("registration", "yes"),
    ("registration", {"expires": 59}),
    ("registration", {"expires": 86_401}),
    ("registration", {"domain": "sip:x"}),
]


@pytest.mark.proves("nebrija: every option of advanced", "nebrija: validation failure")
@pytest.mark.parametrize(("name", "value"), WRONG)
async def test_a_value_that_an_option_does_not_take_is_refused_with_its_name(
    caller: Caller, name: str, value: Any
) -> None:
    made = await caller.trunk()
    before = await dump(caller.world)
    for method, path in (("POST", TRUNKS), ("PATCH", f"{TRUNKS}/{made['id']}")):
        messages = await caller.refused(method, path, 400, json=trunk_body(advanced={name: value}))
        assert all(message.startswith(f"advanced.{name}") for message in messages), messages
    assert await dump(caller.world) == before


@pytest.mark.proves("nebrija: advanced.numberFormat", "nebrija: advanced.countryCode")
async def test_national_numbers_need_a_country(caller: Caller) -> None:
    body = trunk_body(advanced={"numberFormat": "national"})
    assert await caller.refused("POST", TRUNKS, 400, json=body) == ["advanced.countryCode: national numbers need one"]
    made = await caller.trunk(advanced={"numberFormat": "national", "countryCode": "34"})
    path = f"{TRUNKS}/{made['id']}"
    await caller.refused("PATCH", path, 400, json={"advanced": {"countryCode": None}})
    changed = await caller.patched(made["id"], {"advanced": {"numberFormat": None, "countryCode": None}})
    assert changed["advanced"] == {}


@pytest.mark.proves("nebrija: advanced.registration")
async def test_a_registration_needs_credentials(caller: Caller) -> None:
    body = trunk_body(authentication=None, advanced={"registration": True})
    (message,) = await caller.refused("POST", TRUNKS, 400, json=body)
    assert message.startswith("advanced.registration: ")
    made = await caller.trunk(advanced={"registration": True})
    path = f"{TRUNKS}/{made['id']}"
    await caller.refused("PATCH", path, 400, json={"authentication": {"password": None}})
    await caller.patched(made["id"], {"authentication": None, "advanced": {"registration": False}})
