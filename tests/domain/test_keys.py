"""API keys and names."""

import re

import pytest

from cordboard.domain.errors import InvalidName, InvalidPermission, MissingPermission
from cordboard.domain.keys import PERMISSIONS, ApiKey, KeyId, check_permissions, digest, new_key
from cordboard.domain.tenants import TenantId, check_name
from tests.builders import ManualClock


def key(permissions: tuple[str, ...] | None) -> ApiKey:
    secret = new_key()
    return ApiKey(
        id=KeyId("key"),
        tenant=TenantId("tenant"),
        name=None,
        digest=digest(secret),
        last_four=secret[-4:],
        permissions=permissions,
        created_at=ManualClock().now,
    )


def test_a_key_is_256_random_bits_in_the_vendor_s_form() -> None:
    made = {new_key() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"sk-[0-9a-f]{64}", secret) for secret in made)


def test_a_digest_is_sha_256_of_whatever_came_over_the_wire() -> None:
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert len(digest("\udcff€")) == 64


@pytest.mark.parametrize("needed", PERMISSIONS)
def test_a_key_may_do_what_it_carries_and_an_unrestricted_one_everything(needed: str) -> None:
    key(None).require(needed)
    for carried in PERMISSIONS:
        if carried == needed:
            key((carried,)).require(needed)
        else:
            with pytest.raises(MissingPermission):
                key((carried,)).require(needed)
    with pytest.raises(MissingPermission):
        key(()).require(needed)


def test_permissions_come_once_each_in_their_usual_order() -> None:
    assert check_permissions(["phones.update", "phones.view", "phones.update"]) == ("phones.view", "phones.update")
    assert check_permissions([]) == ()


@pytest.mark.parametrize("unknown", ["phones", "phones.*", "PHONES.VIEW", "", "phones.view "])
def test_a_permission_that_does_not_exist_is_refused(unknown: str) -> None:
    with pytest.raises(InvalidPermission):
        check_permissions(["phones.view", unknown])


def test_a_key_does_not_show_its_digest() -> None:
    shown = key(None)
    assert shown.digest not in repr(shown)


def test_a_key_acts_in_its_own_name_for_its_own_tenant() -> None:
    actor = key(None).actor
    assert (actor.name, actor.tenant) == ("key:key", "tenant")


@pytest.mark.parametrize(
    ("text", "name"), [("Acme", "Acme"), ("  Acme S.L. ", "Acme S.L."), ("Ñandú ☎", "Ñandú ☎"), ("x" * 255, "x" * 255)]
)
def test_a_name_is_trimmed(text: str, name: str) -> None:
    assert check_name(text) == name


@pytest.mark.parametrize("text", ["", "   ", "x" * 256, "a\nb", "a\0b", "a\x1bb", "a\u202eb", "\ud800"])
def test_a_name_that_nobody_can_read_is_refused(text: str) -> None:
    with pytest.raises(InvalidName):
        check_name(text)
