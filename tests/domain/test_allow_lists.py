"""What is said of a list of addresses that calls may come from."""

import pytest

from cordboard.domain.allow_lists import MOST_ALIKE, Others, compare, lint


def codes(*allowed: str, private: bool = False, proved: bool = False) -> list[str]:
    """Of the findings, with a star if it is a note."""
    return [f.code + ("" if f.warns else "*") for f in lint(allowed, private=private, proved=proved)]


@pytest.mark.parametrize(
    ("allowed", "found"),
    [
        ((), ["open-to-everybody"]),
        (("192.0.2.7", "198.51.100.0/24", "2001:db8::/48"), []),
        (("0.0.0.0/0",), ["whole-internet"]),
        # as resellers tell people to write it
        (("0.0.0.0/1", "128.0.0.0/1"), ["whole-internet", "huge-network", "huge-network"]),
        # in more pieces than two
        (("0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/2"), ["whole-internet", *["huge-network"] * 3]),
        (("::/0", "192.0.2.7"), ["whole-internet"]),
        (("0.0.0.0/1",), ["huge-network"]),
        (("203.0.0.0/15",), ["huge-network"]),
        (("203.0.0.0/16",), []),
        (("2001:db8::/31",), ["huge-network"]),
        (("10.1.2.3",), ["private-network"]),
        (("fd00::/48",), ["private-network"]),
        (("192.0.2.7/24",), ["host-bits"]),
        # written twice, in the same words or not
        (("192.0.2.7", "192.0.2.7/32"), ["duplicate"]),
        (("192.0.2.0/24", "192.0.2.7"), ["overlap"]),
        (("192.0.2.7", "192.0.2.0/24", "192.0.2.128/25"), ["overlap", "overlap"]),
        # neighbours do not overlap, nor do the two families
        (("192.0.2.0/25", "192.0.2.128/25", "::192.0.2.0/120"), []),
    ],
)
def test_a_list_is_looked_at(allowed: tuple[str, ...], found: list[str]) -> None:
    assert codes(*allowed) == found


def test_what_an_installation_allows_is_no_warning() -> None:
    assert codes("10.1.2.3", private=True) == ["private-network*"]
    assert codes(proved=True) == ["open-to-everybody*"]
    assert codes("0.0.0.0/0", proved=True) == ["whole-internet*"]


def test_every_finding_says_what_to_do_and_which_entries_it_is_about() -> None:
    for finding in lint(
        ("0.0.0.0/1", "128.0.0.0/1", "10.0.0.1", "10.0.0.1", "192.0.2.7/24"), private=False, proved=False
    ):
        assert finding.remedy
        assert finding.networks


def test_of_many_alike_the_first_are_told() -> None:
    assert codes(*(f"10.0.0.{n}" for n in range(50))) == ["private-network"] * MOST_ALIKE


def test_lists_of_others_are_compared_and_nothing_is_said_of_whose_they_are() -> None:
    others = [
        Others(same_owner=False, networks=("192.0.2.0/24",)),
        Others(same_owner=False, networks=("192.0.2.0/24", "2001:db8::/32")),
        Others(same_owner=True, networks=("198.51.100.7",)),
        Others(same_owner=False, networks=("203.0.113.0/24",)),
    ]
    shared, own = compare(("192.0.2.7", "198.51.100.0/24", "2001:db8:1::/48", "203.0.114.0/24"), others)
    assert (shared.code, shared.warns, shared.networks) == ("shared-network", True, ("192.0.2.7", "2001:db8:1::/48"))
    assert (own.code, own.warns, own.networks) == ("also-on-own-trunk", False, ("198.51.100.0/24",))
    # the range of theirs, which is not ours to know, is not said
    assert "192.0.2.0/24" not in repr(shared)
    assert compare(("192.0.2.7",), []) == ()
