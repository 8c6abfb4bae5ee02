"""Phone numbers: which forms are taken, and the life of one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cordboard.domain.agents import AgentId
from cordboard.domain.errors import InvalidNumber, NotAssignable, NotReleasable, NotRoutable
from cordboard.domain.numbers import (
    QUARANTINE,
    Number,
    NumberId,
    Provider,
    Status,
    dialled_user,
    parse_number,
)
from cordboard.domain.tenants import TenantId
from cordboard.domain.trunks import TrunkId

NOW = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
TENANT, OTHER = TenantId("tenant"), TenantId("other")
AGENT = AgentId("agent")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("+34911234567", "+34911234567"),  # Madrid
        ("+34612345678", "+34612345678"),  # Spanish mobile
        ("+15005550006", "+15005550006"),  # a test number of a vendor: possible, though not in use
        ("+390612345678", "+390612345678"),  # Rome keeps its leading zero
        ("+4915112345678", "+4915112345678"),  # German mobile, eleven digits
        ("+870773111632", "+870773111632"),  # Inmarsat: no country
        ("+80012345678", "+80012345678"),  # international freephone
        ("user@domain.com", "user@domain.com"),  # the vendor's example of a SIP identifier
        ("User.Name+tag@DOMAIN.com", "User.Name+tag@domain.com"),  # the domain is put in lower case, the user is not
        ("+34911234567@sip.example", "+34911234567@sip.example"),  # a number as a SIP user stays an address
        ("100@192.0.2.1", "100@192.0.2.1"),  # an address as the domain
        ("100@[2001:DB8::1]", "100@[2001:db8::1]"),  # IPv6 in brackets, as in a SIP URI
        ("100@[2001:db8:0:0::1]", "100@[2001:db8::1]"),  # one address has one form
        ("a@b", "a@b"),  # a host of one label, inside a company
        ("~x-1@xn--bcher-kva.example", "~x-1@xn--bcher-kva.example"),  # a domain in its ASCII form
    ],
)
def test_a_number_has_one_canonical_form(text: str, canonical: str) -> None:
    assert parse_number(text) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "",  # nothing
        "+",  # a plus alone
        "34911234567",  # no plus: a national number of somewhere
        "911234567",  # national
        "0034911234567",  # with an international prefix
        "+0911234567",  # no country code begins with 0
        "+34 911 234 567",  # separators: RFC 3966 allows them, the canonical form does not
        "+34-911-234-567",
        "+34911234567;ext=5",  # parameters of a tel URI
        "tel:+34911234567",  # a scheme
        "sip:user@domain.com",  # the prefix that people paste
        "SIPS:user@domain.com",
        "<sip:user@domain.com>",  # a whole name-addr
        "+349112345678901",  # sixteen digits
        "+34911",  # too short for Spain
        "+3491123456789",  # too long for Spain
        "+999123456789",  # a country code that is not assigned
        "+34911234567\n",  # a line end
        " +34911234567",  # spaces around
        "+34911234567 ",
        "+\u0663\u0664911234567",  # Arabic-Indic digits
        "+\uff13\uff14911234567",  # full-width digits
        "+1800FLOWERS",  # letters
        "@domain.com",  # no user
        "user@",  # no domain
        "user@@domain.com",  # two at signs
        "us er@domain.com",  # a space in the user
        "user@domain.com:5060",  # a port belongs to no identity
        "user@domain.com;transport=tcp",  # parameters
        "user@-domain.com",  # not a host name
        "user@do_main.com",
        "user@domain..com",
        "user@domain.com.",  # the same domain as without the dot: it must not be owned twice
        "user@127.1",  # resolvers read it as an address
        "user@::1",  # IPv6 without brackets
        "user@[192.0.2.1]",  # IPv4 in brackets
        "user@[]",
        "user@[fe80::1%eth0]",  # a zone means something on one machine alone
        "user'); drop table number; --@domain.com",  # an injection
        "+34911234567'; --",
        "user\0@domain.com",  # NUL
        "u" * 65 + "@domain.com",  # a user of 65 characters
        "user@" + "d" * 64 + ".com",  # a label of 64 characters
        "user@" + "abcdefgh." * 29,  # a name of more than 253 characters
        "пользователь@domain.com",  # not ASCII
        "user@bücher.example",
    ],
)
def test_what_is_not_a_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidNumber):
        parse_number(text)


def test_separators_are_refused_with_the_form_to_write() -> None:
    with pytest.raises(InvalidNumber, match=r"without separators: \+34911234567"):
        parse_number("+34 (911) 234-567")


@given(
    st.one_of(
        st.text(max_size=40),
        st.from_regex(r"\+[0-9]{1,17}", fullmatch=True),
        st.from_regex(r"[A-Za-z0-9._+~-]{1,8}@[A-Za-z0-9.:\[\]-]{1,20}", fullmatch=True),
    )
)
@example("a@[::FFFF:1.2.3.4]")
@example("a@EXAMPLE.com")
def test_parsing_is_idempotent_and_gives_a_canonical_form_or_refuses(text: str) -> None:
    try:
        canonical = parse_number(text)
    except InvalidNumber:
        return
    assert parse_number(canonical) == canonical
    assert canonical.isascii()
    assert canonical.isprintable()
    user, at, domain = canonical.partition("@")
    if at:
        assert user == text.partition("@")[0]
        assert domain == domain.lower()
        assert not domain.endswith(".")
    else:
        assert canonical == text
        assert 3 <= len(canonical) <= 16
    assert dialled_user(canonical) == user


def number(**changes: Any) -> Number:
    defaults: dict[str, Any] = {
        "id": NumberId("number"),
        "tenant": TENANT,
        "number": "+34911234567",
        "provider": Provider.NETELIP,
        "status": Status.ASSIGNED,
        "trunk": TrunkId("trunk"),
        "created_at": NOW,
        "updated_at": NOW,
        "assigned_at": NOW,
    }
    return Number(**{**defaults, **changes})


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("owner", [None, TENANT, OTHER])
def test_a_number_is_assigned_from_reserved_alone_and_to_whom_it_is_reserved_for(
    status: Status, owner: TenantId | None
) -> None:
    before = number(status=status, tenant=owner, assigned_at=None, reservation_expires_at=NOW)
    if status is Status.RESERVED and owner in (None, TENANT):
        after = before.assigned(TENANT, NOW)
        assert (after.status, after.tenant, after.assigned_at) == (Status.ASSIGNED, TENANT, NOW)
        assert after.reservation_expires_at is None
    else:
        with pytest.raises(NotAssignable):
            before.assigned(TENANT, NOW)


@pytest.mark.parametrize("status", list(Status))
def test_a_release_can_be_ordered_while_assigned_alone(status: Status) -> None:
    before = number(status=status)
    if status is Status.ASSIGNED:
        after = before.release_ordered(NOW + timedelta(days=40))
        assert after == replace(before, scheduled_release_at=datetime(2026, 3, 10, 12, 0, tzinfo=UTC))
        assert after.release_ordered(NOW + timedelta(days=50)) == after, "ordering twice moved it"
    else:
        with pytest.raises(NotReleasable):
            before.release_ordered(NOW)


@pytest.mark.parametrize("status", list(Status))
def test_a_released_number_takes_no_agent_but_gives_one_up(status: Status) -> None:
    before = number(status=status)
    assert before.routed("inbound", None).inbound_agent is None
    if status in (Status.RELEASED, Status.FINISHED):
        with pytest.raises(NotRoutable):
            before.routed("inbound", AGENT)
    else:
        assert before.routed("inbound", AGENT).agent("inbound") == AGENT
        assert before.routed("outbound", AGENT).agents == {AGENT}


DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("before", "now", "status", "owner"),
    [
        # nothing is due
        ({}, NOW, Status.ASSIGNED, TENANT),
        # a release one moment before it is due, and at that moment
        ({"scheduled_release_at": NOW}, NOW - timedelta(microseconds=1), Status.ASSIGNED, TENANT),
        ({"scheduled_release_at": NOW}, NOW, Status.RELEASED, TENANT),
        # the quarantine, one moment before its end, and at its end
        (
            {"status": Status.RELEASED, "released_at": NOW},
            NOW + QUARANTINE - timedelta(microseconds=1),
            Status.RELEASED,
            TENANT,
        ),
        ({"status": Status.RELEASED, "released_at": NOW}, NOW + QUARANTINE, Status.FINISHED, TENANT),
        # a clock that slept through both takes both steps
        ({"scheduled_release_at": NOW}, NOW + QUARANTINE, Status.FINISHED, TENANT),
        # a reservation that lapses goes back to the inventory
        ({"status": Status.RESERVED, "reservation_expires_at": NOW}, NOW, Status.RESERVED, None),
        ({"status": Status.RESERVED, "reservation_expires_at": NOW}, NOW - DAY, Status.RESERVED, TENANT),
        # finished is the end
        ({"status": Status.FINISHED, "released_at": NOW}, NOW + 999 * DAY, Status.FINISHED, TENANT),
        # verification is nothing that time decides
        ({"status": Status.PENDING_VERIFICATION}, NOW + 999 * DAY, Status.PENDING_VERIFICATION, TENANT),
    ],
)
def test_time_alone_takes_each_step_that_is_due(
    before: dict[str, Any], now: datetime, status: Status, owner: TenantId | None
) -> None:
    after = number(**before).at(now)
    assert (after.status, after.tenant) == (status, owner)
    assert after.at(now) == after, "a second look changed something"


def test_a_release_that_takes_effect_late_dates_from_when_it_was_due_and_takes_the_agents_away() -> None:
    after = number(scheduled_release_at=NOW, inbound_agent=AGENT, outbound_agent=AGENT).at(NOW + DAY)
    assert after.released_at == NOW
    assert after.agents == frozenset()
