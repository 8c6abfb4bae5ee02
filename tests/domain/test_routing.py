"""The edge's decision as a pure function. That Kamailio decides alike is shown in tests/calls."""

from dataclasses import dataclass, field, replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.domain.dialled import CandidateKeys, candidate_keys, routing_key
from cordboard.domain.lookups import AccountLookup, CalledLookup, InboundLookup, OutboundLookup, RegisteredLookup
from cordboard.domain.media import MEDIA_RULES, OFFERED, POLICIES, Offered
from cordboard.domain.reasons import CODES
from cordboard.domain.routing import Invite, decide, in_networks
from cordboard.domain.trunk_rules import TrunkRules

CALL = Invite(source="192.0.2.7", user="+34911234567", host="edge.example", offered="rtp")
FOUND = InboundLookup(
    number_id="n",
    number="+34911234567",
    tenant="t",
    trunk="k",
    ruled=0,
    open=0,
    allowed="192.0.2.0/29,2001:db8::/32",
    caller_media="allow",
    callee_media="disable",
    code=200,
    reason="accepted",
    flags="RTP/AVP",
    agent="a",
    version="v",
    target="sip:+34911234567@agent.example",
    account="",
    hops="sip:192.0.2.99:5060;transport=udp>agent.example>1",
    headers="",
)
CALL_OUT = Invite(source="198.51.100.4", user="+15125550100", host="edge.example", caller="+34911234567", offered="rtp")
FOUND_OUT = OutboundLookup(
    number_id="n",
    number="+34911234567",
    tenant="t",
    trunk="k",
    ruled=0,
    agent="a",
    version="v",
    sources="198.51.100.0/29",
    login="",
    caller_media="disable",
    callee_media="allow",
    code=200,
    reason="accepted",
    flags="RTP/AVP",
    hops="sip:203.0.113.1:5060;transport=udp>203.0.113.1>1",
    gateways=1,
)
CALL_BY_NAME = replace(CALL_OUT, caller="alice", login="alice")
FOUND_ACCOUNT = AccountLookup(
    account="c",
    tenant="t",
    restricted=0,
    allowed="",
    allow_external=1,
    display="Alice",
    extension="101",
    callee="",
    number_id="n",
    number="+34911234567",
    trunk="k",
    ruled=0,
    caller_media="allow",
    callee_media="allow",
    code=200,
    reason="accepted",
    flags="RTP/AVP",
    hops="sip:203.0.113.1:5060;transport=udp>203.0.113.1>1",
    gateways=1,
)


@dataclass(frozen=True)
class Found:
    """What the edge's file holds for one call."""

    one_in: InboundLookup | None = None
    one_out: OutboundLookup | None = None
    one_account: AccountLookup | None = None
    trunk_rules: TrunkRules | None = None
    registrations: dict[str, RegisteredLookup] = field(default_factory=dict)
    elsewhere: tuple[CalledLookup, ...] = ()

    def inbound(self, keys: CandidateKeys, offered: Offered) -> InboundLookup | None:
        return self.one_in

    def outbound(self, keys: CandidateKeys, offered: Offered) -> OutboundLookup | None:
        return self.one_out

    def account(self, name: str, called: str, offered: Offered) -> AccountLookup | None:
        return self.one_account

    def registered(self, user: str) -> RegisteredLookup | None:
        return self.registrations.get(user)

    def rules(self, trunk: str) -> TrunkRules | None:
        return self.trunk_rules

    def called(self, keys: CandidateKeys, header: str) -> list[CalledLookup]:
        return list(self.elsewhere)


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
    # 00 is what stands in front of an international number where no + does
    number = digits[2:] if digits.startswith("00") and not plus else digits
    assert candidate_keys("".join(written), "x").digits == number


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
    decision = decide(CALL, Found(FOUND))
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
        ({"hops": ""}, "agent-unreachable"),
        ({"trunk": ""}, "lookup-failed"),
        ({"code": 0, "reason": ""}, "lookup-failed"),
        ({"code": 488, "reason": "a reason from the future"}, "lookup-failed"),
        # the order of the reasons: the address before the media, the media before the agent
        ({"allowed": "", "code": 488, "reason": "encryption-required", "target": ""}, "address-not-allowed"),
        ({"code": 488, "reason": "encryption-required", "target": ""}, "encryption-required"),
    ],
)
def test_each_refusal_has_its_reason(change: dict[str, object], reason: str) -> None:
    decision = decide(CALL, Found(replace(FOUND, **change)))  # type: ignore[arg-type]
    assert decision.reason == reason
    assert decision.code == CODES[decision.reason]
    if not decision.accepted:
        assert decision.target == decision.flags == ""


def test_an_unknown_number_is_404() -> None:
    assert (decide(CALL, Found()).code, decide(CALL, Found()).reason) == (404, "unknown-number")


def test_a_call_that_an_agent_may_place_is_accepted() -> None:
    decision = decide(CALL_OUT, Found(None, FOUND_OUT))
    assert decision.accepted
    assert (decision.direction, decision.target, decision.hops) == ("out", "+15125550100", FOUND_OUT.hops)


@pytest.mark.parametrize(
    ("invite", "change", "reason"),
    [
        # who calls: by address, by credentials, by both if it has both, and nobody by nothing
        ({"source": "198.51.100.9"}, {}, "caller-not-allowed"),
        ({}, {"sources": ""}, "caller-not-allowed"),
        ({}, {"sources": "", "login": "u"}, "credentials-required"),
        ({"login": "u"}, {"sources": "", "login": "u"}, "accepted"),
        ({"login": "somebody"}, {"sources": "", "login": "u"}, "caller-not-allowed"),
        ({"login": "u", "source": "198.51.100.9"}, {"login": "u"}, "caller-not-allowed"),
        ({}, {"login": "u"}, "credentials-required"),
        # right credentials of another agent open nothing
        ({"login": "u", "source": "198.51.100.9"}, {}, "caller-not-allowed"),
        # whom: E.164 alone
        ({"user": "112"}, {}, "emergency-not-carried"),
        ({"user": "+34112"}, {}, "emergency-not-carried"),
        ({"user": "*123#"}, {}, "emergency-not-carried"),
        ({"user": "15125550100"}, {}, "not-e164"),
        ({"user": "0034911234567"}, {}, "not-e164"),
        ({"user": "+0034911234567"}, {}, "not-e164"),
        ({"user": "sales"}, {}, "not-e164"),
        ({"user": "+1234567890123456"}, {}, "not-e164"),
        ({"user": "%2B1-512-555-0100;npdi"}, {}, "accepted"),
        # how, and through what
        ({}, {"code": 488, "reason": "encryption-required"}, "encryption-required"),
        ({}, {"trunk": ""}, "lookup-failed"),
        ({}, {"code": 0, "reason": ""}, "lookup-failed"),
        ({}, {"gateways": 0, "hops": ""}, "no-gateway"),
        ({}, {"hops": ""}, "gateway-unresolved"),
        # in that order
        ({"source": "198.51.100.9", "user": "112"}, {"gateways": 0}, "caller-not-allowed"),
        ({"user": "112"}, {"code": 488, "reason": "encryption-required"}, "emergency-not-carried"),
    ],
)
def test_each_refusal_of_an_agents_call_has_its_reason(
    invite: dict[str, str], change: dict[str, object], reason: str
) -> None:
    decision = decide(replace(CALL_OUT, **invite), Found(None, replace(FOUND_OUT, **change)))  # type: ignore[arg-type]
    assert (decision.reason, decision.code, decision.direction) == (reason, CODES[decision.reason], "out")
    if not decision.accepted:
        assert decision.target == decision.hops == decision.flags == ""


def test_a_call_that_a_trunk_takes_is_inbound_whatever_it_shows() -> None:
    assert decide(replace(CALL, caller="+34911234567"), Found(FOUND, FOUND_OUT)).direction == "in"
    refused = decide(replace(CALL, source="203.0.113.9", caller="+34911234567"), Found(FOUND, FOUND_OUT))
    assert (refused.direction, refused.reason) == ("out", "caller-not-allowed")
    stranger = decide(replace(CALL, source="203.0.113.9", caller="+1"), Found(FOUND))
    assert (stranger.direction, stranger.reason) == ("in", "address-not-allowed")


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


def test_every_pair_of_policies_has_a_rule_for_every_offer() -> None:
    rules = {(rule.caller, rule.offered, rule.callee): rule for rule in MEDIA_RULES}
    assert set(rules) == set(product(POLICIES, OFFERED, POLICIES))
    assert all(rule.code == CODES[rule.reason] for rule in MEDIA_RULES)
    assert {o for (caller, o, _), rule in rules.items() if caller == "require" and rule.code == 200} == {"srtp"}
    assert {rule.flags.split()[0] for rule in MEDIA_RULES if rule.callee == "require" and rule.flags} == {"RTP/SAVP"}


def test_no_suite_without_encryption_is_ever_offered() -> None:
    for rule in MEDIA_RULES:
        if rule.code == 200:
            assert {"SDES-no-NULL_HMAC_SHA1_80", "SDES-no-NULL_HMAC_SHA1_32"} <= set(rule.flags.split())


@pytest.mark.parametrize(
    ("call", "row", "reason"),
    [
        ({}, {}, "accepted"),
        # who it is comes first, and says nothing about anything else
        ({"login": ""}, {"restricted": 1}, "login-required"),
        ({"login": "bob"}, {}, "caller-not-allowed"),
        ({}, {"restricted": 1, "allowed": "192.0.2.0/24"}, "address-not-allowed"),
        ({}, {"restricted": 1, "allowed": "198.51.100.0/24"}, "accepted"),
        # an extension needs neither number nor trunk
        ({"user": "102"}, {"callee": "bob", "number_id": "", "trunk": "", "allow_external": 0}, "accepted"),
        ({"user": "102"}, {"callee": "bob", "code": 488, "reason": "media-not-supported"}, "media-not-supported"),
        ({"user": "105"}, {}, "unknown-extension"),
        ({"user": "bob"}, {}, "unknown-extension"),
        ({"user": "112"}, {"allow_external": 0}, "emergency-not-carried"),
        ({"user": "+34112"}, {}, "emergency-not-carried"),
        ({"user": "*43"}, {}, "emergency-not-carried"),
        ({"user": "0034911234567"}, {}, "not-e164"),
        ({}, {"allow_external": 0}, "external-calls-not-allowed"),
        ({}, {"number_id": ""}, "caller-not-allowed"),
        ({}, {"trunk": ""}, "lookup-failed"),
        ({}, {"gateways": 0}, "no-gateway"),
        ({}, {"hops": ""}, "gateway-unresolved"),
    ],
)
def test_the_first_rule_that_an_accounts_call_breaks_is_its_reason(
    call: dict[str, str], row: dict[str, str | int], reason: str
) -> None:
    decision = decide(
        replace(CALL_BY_NAME, **call),  # type: ignore[arg-type]
        Found(one_account=replace(FOUND_ACCOUNT, **row)),  # type: ignore[arg-type]
    )
    assert (decision.code, decision.reason) == (CODES[decision.reason], reason)


@pytest.mark.parametrize(
    "name", ["anonymous", "Unknown", "1234567", "34600000000", "+34600000000", "a b", "a" * 65, ""]
)
def test_who_shows_no_name_of_an_account_is_asked_for_no_password(name: str) -> None:
    assert decide(replace(CALL_BY_NAME, caller=name, login=""), Found()).reason == "unknown-number"


def test_a_name_that_is_no_accounts_is_answered_as_one_that_is() -> None:
    for login, reason in (("", "login-required"), ("bob", "caller-not-allowed")):
        call = replace(CALL_BY_NAME, login=login)
        assert decide(call, Found()).reason == decide(call, Found(one_account=FOUND_ACCOUNT)).reason == reason


def test_a_number_may_lead_to_an_account() -> None:
    decision = decide(CALL, Found(one_in=replace(FOUND, account="c", target="alice", hops="", agent="", version="")))
    assert (decision.reason, decision.target, decision.account) == ("accepted", "alice", "c")
    gone = decide(CALL, Found(one_in=replace(FOUND, account="c", target="", hops="", agent="", version="")))
    assert gone.reason == "account-offline"


CONTACT = "r0123456789abcdef0123"


@pytest.mark.parametrize(
    ("trunk", "called_from", "reason"),
    [
        (FOUND.trunk, "ruri", "accepted"),
        # a number of another trunk does not come by this one
        ("another", "ruri", "unknown-number"),
    ],
)
def test_a_call_to_a_contact_of_ours_is_for_a_number_of_its_trunk(trunk: str, called_from: str, reason: str) -> None:
    registered = {CONTACT: RegisteredLookup(trunk=trunk, called_from=called_from)}
    call = replace(CALL, user=CONTACT, to="+34911234567", to_host="x", caller="+34911234567")
    decision = decide(call, Found(one_in=FOUND, one_out=FOUND_OUT, registrations=registered))
    assert (decision.reason, decision.direction) == (reason, "in")
    assert decision.number == (FOUND.number if reason == "accepted" else "")


def test_who_is_called_by_a_contact_stands_in_its_to_or_where_the_trunk_says() -> None:
    asked: list[CandidateKeys] = []

    class Listening(Found):
        def inbound(self, keys: CandidateKeys, offered: Offered) -> InboundLookup | None:
            asked.append(keys)
            return self.one_in

    call = replace(CALL, user=CONTACT, to="+34911", to_host="to", party="+34922", party_host="party")
    for called_from in ("ruri", "to", "p-called-party-id"):
        registered = {CONTACT: RegisteredLookup(trunk=FOUND.trunk, called_from=called_from)}
        decide(call, Listening(one_in=FOUND, registrations=registered))
        decide(replace(call, party="", party_host=""), Listening(one_in=FOUND, registrations=registered))
    assert [keys.digits for keys in asked] == ["34911"] * 4 + ["34922", "34911"]
    # a Contact of which nothing is known is a user like any other
    asked.clear()
    assert decide(replace(call, user=CONTACT), Listening()).reason == "unknown-number"
    assert [keys.digits for keys in asked] == [""]
