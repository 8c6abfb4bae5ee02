"""Whatever valid body is sent, the phone shows it; whatever patches follow, it shows what the contract makes of them.

https://docs.diga.io/api-reference/phones/import-phone-number
https://docs.diga.io/api-reference/phones/update-sip-config
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import World, fresh_number
from tests.dialects.diga.caller import Caller, calling

pytestmark = pytest.mark.anyio

ENCRYPTION = st.sampled_from(["disable", "allow", "require"])
#: What a JSON text can hold and both stores can keep.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
PRINTABLE = st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=40)
SPACES = st.sampled_from(["", " ", "\t"])
ADDRESS = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.builds("{}/{}".format, st.ip_addresses(v=4), st.integers(0, 32)),
    st.builds("{}/{}".format, st.ip_addresses(v=6), st.integers(0, 128)),
)
ADDRESSES = st.lists(st.builds("{}{}{}".format, SPACES, ADDRESS, SPACES), max_size=4)
HOST = st.one_of(
    st.sampled_from(["sip.carrier.example", "SIP.Carrier.Example", "localhost"]),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map("[{}]".format),
)
TERMINATION = st.one_of(HOST, st.builds("{}:{}".format, HOST, st.integers(1, 65535)))


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


CREDENTIALS = {"username": st.none() | PRINTABLE, "password": st.none() | PRINTABLE}
INBOUND = st.none() | some(media_encryption=ENCRYPTION, allowed_addresses=st.none() | ADDRESSES)
OUTBOUND = st.fixed_dictionaries(
    {"termination_uri": TERMINATION}, optional={**CREDENTIALS, "media_encryption": ENCRYPTION}
)
LEGACY = st.fixed_dictionaries({"termination_uri": TERMINATION}, optional=CREDENTIALS)
IMPORTS = st.one_of(
    some(nickname=st.none() | TEXT, inbound_config=INBOUND, outbound_config=st.none() | OUTBOUND),
    some(nickname=st.none() | TEXT, inbound_config=INBOUND, sip_config=st.none() | LEGACY),
)
PATCHES = some(
    inbound_config=st.none() | some(media_encryption=st.none() | ENCRYPTION, allowed_addresses=st.none() | ADDRESSES),
    outbound_config=st.none()
    | some(
        termination_uri=st.none() | TERMINATION,
        media_encryption=st.none() | ENCRYPTION,
        **CREDENTIALS,
    ),
)


def trimmed(addresses: list[str] | None) -> list[str] | None:
    return None if addresses is None else [address.strip() for address in addresses]


def imported(body: dict[str, Any]) -> dict[str, Any]:
    """The sip_config that an import makes."""
    inbound = body.get("inbound_config") or {}
    outbound = body.get("outbound_config") or body.get("sip_config") or {}
    return {
        "termination_uri": outbound.get("termination_uri"),
        "username": outbound.get("username"),
        "inbound_media_encryption": inbound.get("media_encryption", "allow"),
        "outbound_media_encryption": outbound.get("media_encryption", "allow"),
        "allowed_addresses": trimmed(inbound.get("allowed_addresses")),
    }


def patched(config: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any] | None:
    """The sip_config after a patch; None if it is refused for want of a termination address."""
    after = dict(config)
    inbound, outbound = patch.get("inbound_config") or {}, patch.get("outbound_config")
    after["inbound_media_encryption"] = inbound.get("media_encryption") or config["inbound_media_encryption"]
    if "allowed_addresses" in inbound:
        after["allowed_addresses"] = trimmed(inbound["allowed_addresses"])
    if outbound is None:
        return after
    after["outbound_media_encryption"] = outbound.get("media_encryption") or config["outbound_media_encryption"]
    if "termination_uri" in outbound:
        after["termination_uri"] = outbound["termination_uri"]
    elif config["termination_uri"] is None:
        return None
    after["username"] = outbound.get("username", config["username"]) if after["termination_uri"] else None
    return after


async def import_as(caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    answer = await caller.send("POST", "/v1/phone/import", json={"phone_number": fresh_number(), **body})
    assert answer.status_code == 200, answer.text
    phone: dict[str, Any] = answer.json()
    return phone


@settings(max_examples=40)
@given(body=IMPORTS)
async def test_an_import_is_shown_as_it_was_sent(shared_world: World, body: dict[str, Any]) -> None:
    async with calling(shared_world) as caller:
        phone = await import_as(caller, body)
        assert phone["nickname"] == body.get("nickname")
        assert phone["sip_config"] == imported(body)
        assert await caller.phone(phone["id"]) == phone
        assert (await caller.send("GET", "/v1/phone/")).json()["data"] == [phone]


@settings(max_examples=40)
@given(body=IMPORTS, patches=st.lists(PATCHES, min_size=1, max_size=5))
async def test_patches_one_after_another_make_what_the_contract_says(
    shared_world: World, body: dict[str, Any], patches: list[dict[str, Any]]
) -> None:
    async with calling(shared_world) as caller:
        phone = await import_as(caller, body)
        for patch in patches:
            expected = patched(phone["sip_config"], patch)
            answer = await caller.send("PATCH", f"/v1/phone/{phone['id']}/sip-config", json=patch)
            if expected is None:
                assert answer.status_code == 422
            else:
                phone["sip_config"] = expected
                assert (answer.status_code, answer.json()) == (200, phone)
            assert await caller.phone(phone["id"]) == phone
