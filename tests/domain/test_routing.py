"""The edge's decision as a pure function. That Kamailio decides alike is shown in tests/calls."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.domain.routing import (
    CODES,
    MEDIA_RULES,
    OFFERED,
    Inbound,
    Lookup,
    candidate_keys,
    decide,
    in_networks,
    routing_key,
)

CALL = Inbound(source="192.0.2.7", user="+34911234567", host="edge.example", offered="rtp")
FOUND = Lookup(
    number_id="n",
    number="+34911234567",
    tenant="t",
    trunk="k",
    open=0,
    allowed="192.0.2.0/29,2001:db8::/32",
    media_in="allow",
    code=200,
    reason="accepted",
    flags="RTP/AVP",
    agent="a",
    version="v",
    target="sip:+34911234567@agent.example",
)


@pytest.mark.parametrize(
    ("user", "address", "digits"),
    [
        ("+34911234567", "+34911234567", "34911234567"),
        ("34911234567", "34911234567", "34911234567"),
        ("%2B34911234567", "+34911234567", "34911234567"),
        ("+34911234567;npdi=yes", "+34911234567", "34911234567"),
        ("+34-(911) 23.45.67", "+34-(911) 23.45.67", "34911234567"),
        ("-+34911234567", "-+34911234567", "34911234567"),
        ("sales", "sales", ""),
        ("Sales", "Sales", ""),
        # too short, too long, a second +, a letter: no number
        ("1", "1", ""),
        ("1234567890123456", "1234567890123456", ""),
        ("++34911234567", "++34911234567", ""),
        ("34911a", "34911a", ""),
        # decoded once, and after the parameters were cut
        ("%252B349", "%2B349", ""),
        ("349%3Bx", "349;x", ""),
        # Arabic-Indic digits are no digits of a URI
        ("٣٤٩", None, ""),
        # broken or unprintable escapes fit nothing
        ("349%", None, ""),
        ("349%2", None, ""),
        ("349%zz", None, ""),
        ("349%00", None, ""),
        ("%7f349", None, ""),
        ("%ff349", None, ""),
        ("", None, ""),
        (";npdi", None, ""),
    ],
)
def test_a_request_uris_user_is_read_tolerantly(user: str, address: str | None, digits: str) -> None:
    keys = candidate_keys(user, "Example.COM")
    assert keys.digits == digits
    assert keys.address == ("" if address is None else f"{address}@example.com")


def test_without_a_host_there_is_no_address() -> None:
    assert candidate_keys("+34911234567", "").address == ""


@given(
    st.text(alphabet="0123456789", min_size=2, max_size=15),
    st.text(alphabet="-.() ", max_size=20),
    st.booleans(),
    st.data(),
)
def test_separators_never_change_a_number(digits: str, separators: str, plus: bool, data: st.DataObject) -> None:
    written = ["+"] * plus + list(digits)
    for separator in separators:
        written.insert(data.draw(st.integers(0, len(written))), separator)
    assert candidate_keys("".join(written), "x").digits == digits


@given(st.text(max_size=60), st.text(max_size=20))
def test_no_user_and_no_host_break_the_reading(user: str, host: str) -> None:
    keys = candidate_keys(user, host)
    assert keys.digits == "" or keys.digits.isdecimal()


def test_a_numbers_key_is_found_by_what_carriers_dial() -> None:
    for number in ("+34911234567", "sales@example.com"):
        user, _, host = number.partition("@")
        keys = candidate_keys(user, host or "edge.example")
        assert routing_key(number) in (keys.address, keys.digits)


def test_a_call_that_passes_everything_is_accepted() -> None:
    decision = decide(CALL, FOUND)
    assert decision.accepted
    assert (decision.code, decision.target, decision.flags) == (200, FOUND.target, "RTP/AVP")
    assert (decision.number_id, decision.trunk, decision.agent, decision.version) == ("n", "k", "a", "v")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"allowed": "192.0.2.8/29"}, "address-not-allowed"),
        ({"allowed": ""}, "address-not-allowed"),
        ({"allowed": "", "open": 1}, "accepted"),
        ({"code": 488, "reason": "encryption-required", "flags": ""}, "encryption-required"),
        ({"target": ""}, "no-agent"),
        ({"trunk": ""}, "lookup-failed"),
        ({"code": 0, "reason": ""}, "lookup-failed"),
        ({"code": 488, "reason": "a reason from the future"}, "lookup-failed"),
        # the order of the reasons: the address before the media, the media before the agent
        ({"allowed": "", "code": 488, "reason": "encryption-required", "target": ""}, "address-not-allowed"),
        ({"code": 488, "reason": "encryption-required", "target": ""}, "encryption-required"),
    ],
)
def test_each_refusal_has_its_reason(change: dict[str, object], reason: str) -> None:
    decision = decide(CALL, replace(FOUND, **change))  # type: ignore[arg-type]
    assert decision.reason == reason
    assert decision.code == CODES[decision.reason]
    if not decision.accepted:
        assert decision.target == decision.flags == ""


def test_an_unknown_number_is_404() -> None:
    assert (decide(CALL, None).code, decide(CALL, None).reason) == (404, "unknown-number")


@pytest.mark.parametrize(
    ("source", "allowed", "inside"),
    [
        ("192.0.2.7", "192.0.2.7/32", True),
        ("192.0.2.7", "192.0.2.8/32,192.0.2.0/24", True),
        ("192.0.2.7", "0.0.0.0/0", True),
        ("192.0.2.7", "::/0", False),
        ("2001:db8::1", "2001:db8::/128,2001:db8::/64", True),
        ("2001:db8:1::1", "2001:db8::/64", False),
        ("not an address", "0.0.0.0/0", False),
        ("192.0.2.7", "", False),
    ],
)
def test_networks(source: str, allowed: str, inside: bool) -> None:
    assert in_networks(source, allowed) is inside


def test_every_policy_has_a_rule_for_every_offer() -> None:
    rules = {(rule.policy, rule.offered): rule for rule in MEDIA_RULES}
    assert set(rules) == {(policy, offered) for policy in ("disable", "allow", "require") for offered in OFFERED}
    assert all(rule.code == CODES[rule.reason] for rule in MEDIA_RULES)
    assert {offered for (policy, offered), rule in rules.items() if policy == "require" and rule.code == 200} == {
        "srtp"
    }


def test_no_suite_without_encryption_is_ever_offered() -> None:
    for rule in MEDIA_RULES:
        if rule.code == 200:
            assert {"SDES-no-NULL_HMAC_SHA1_80", "SDES-no-NULL_HMAC_SHA1_32"} <= set(rule.flags.split())
