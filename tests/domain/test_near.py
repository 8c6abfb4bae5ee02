"""What nearly fits."""

import pytest

from cordboard.domain.near import closest_prefix, nearest_network, variants


@pytest.mark.parametrize(
    ("meant", "written", "how"),
    [
        ("34911234567", "911234567", "the country code 34 is missing"),
        ("442079460000", "02079460000", "it is in the national form of country code 44"),
        ("34911234567", "0034911234567", "00 stands in front of it"),
        ("34911234567", "01134911234567", "011 stands in front of it"),
        ("34911234567", "34911234576", "two digits are swapped"),
        ("34911234567", "34911234568", "one digit differs"),
        ("34911234567", "3491123456", "one digit is missing"),
        ("34911234567", "349112345677", "there is one digit too many"),
    ],
)
def test_a_number_that_may_have_been_meant_is_among_the_variants(meant: str, written: str, how: str) -> None:
    assert variants(written)[meant] == how


def test_variants_are_a_few_hundred_at_most_and_never_the_number_itself() -> None:
    for digits in ("1234", "34911234567", "123456789012345", "0" * 15):
        found = variants(digits)
        assert digits not in found
        assert len(found) < 900
        assert all(2 <= len(other) <= 15 for other in found)


@pytest.mark.parametrize(
    ("source", "allowed", "nearest"),
    [
        ("192.0.2.8", ("192.0.2.0/29", "198.51.100.0/24"), "192.0.2.0/29"),
        ("192.0.2.255", ("192.0.2.0/29", "192.0.3.0/24"), "192.0.3.0/24"),
        ("2001:db8::9", ("192.0.2.0/29", "2001:db8::/126"), "2001:db8::/126"),
        ("2001:db8::9", ("192.0.2.0/29",), None),
        ("192.0.2.8", (), None),
    ],
)
def test_the_nearest_network_is_of_the_same_family(source: str, allowed: tuple[str, ...], nearest: str | None) -> None:
    assert nearest_network(source, allowed) == nearest


def test_the_closest_prefix_shares_a_digit() -> None:
    assert closest_prefix("+34911", ("+1512", "+3460", "+349")) == "+349"
    assert closest_prefix("+34911", ()) is None
