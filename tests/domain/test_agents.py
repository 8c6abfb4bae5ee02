"""What an agent may be sent, and by what it may be known."""

import pytest

from cordboard.domain.agents import MAX_SOURCES, check_sources, check_username, new_password
from cordboard.domain.errors import InvalidCodecs, InvalidHeader, InvalidNetwork, InvalidUsername, TooManyNetworks
from cordboard.domain.headers import MAX_HEADER_BYTES, MAX_HEADERS, check_headers
from cordboard.domain.media import CODECS, check_codecs

#: Each would let whoever configures an agent change who the call is from, where it goes, or what the edge reads.
DANGEROUS = """
From To Via Contact Call-ID CSeq Route Record-Route Content-Type Content-Length Content-Anything Max-Forwards
Authorization Proxy-Authorization Proxy-Anything P-Asserted-Identity P-Preferred-Identity Remote-Party-ID Diversion
Session-Expires Require Supported User-Agent X-Cordboard-Anything f t v m i l c k
""".split()


@pytest.mark.parametrize("name", DANGEROUS)
def test_the_edge_s_own_header_fields_cannot_be_set_in_whatever_letters(name: str) -> None:
    for spelt in (name, name.lower(), name.upper()):
        with pytest.raises(InvalidHeader):
            check_headers([(spelt, "x")])


@pytest.mark.parametrize("value", ["a\rb", "a\nb", "a\r\nVia: x", "a\0b", "", "  ", "a\u2028b", "a\tb"])
def test_a_value_stays_on_its_line(value: str) -> None:
    with pytest.raises(InvalidHeader):
        check_headers([("X-A", value)])


@pytest.mark.parametrize("name", ["", "X A", "X:A", "X-Ä", "X-A\r\n", "x" * 65])
def test_a_header_name_is_a_token(name: str) -> None:
    with pytest.raises(InvalidHeader):
        check_headers([(name, "x")])


def test_headers_are_kept_in_order_trimmed_and_of_bounded_size() -> None:
    assert check_headers([("X-B", " 1 "), ("X-A", 'ä; b="c"')]) == (("X-B", "1"), ("X-A", 'ä; b="c"'))
    largest = MAX_HEADER_BYTES - len("X-A: \r\n")
    check_headers([("X-A", "a" * largest)])
    for headers in (
        [("X-A", "a" * (largest + 1))],
        [("X-A", "ä" * (largest // 2 + 1))],
        [("X-A", "a")] * (MAX_HEADERS + 1),
    ):
        with pytest.raises(InvalidHeader):
            check_headers(headers)


def test_codecs_are_known_named_once_and_carry_sound() -> None:
    assert check_codecs([]) == ()
    assert check_codecs(CODECS) == CODECS
    for codecs in (["pcmu"], ["PCMU", "PCMU"], ["telephone-event"], [""]):
        with pytest.raises(InvalidCodecs):
            check_codecs(codecs)


def test_an_agent_calls_from_a_bounded_number_of_networks() -> None:
    apart = [f"192.0.{place}.0/24" for place in range(0, 2 * MAX_SOURCES, 2)]
    assert check_sources([*apart, apart[0]]) == (*apart, apart[0])
    with pytest.raises(TooManyNetworks):
        check_sources([*apart, "2001:db8::1"])
    with pytest.raises(InvalidNetwork):
        check_sources(["192.0.2.0/33"])


def test_a_username_is_in_characters_that_need_no_quoting() -> None:
    assert check_username("A.b_c+d-9") == "A.b_c+d-9"
    for text in ("", "a" * 65, "a@b", "a b", 'a"b', "a\n", "ä", "a;b", "a$b"):
        with pytest.raises(InvalidUsername):
            check_username(text)


def test_passwords_have_128_bits_and_never_repeat() -> None:
    made = {new_password() for _ in range(1000)}
    assert len(made) == 1000
    assert all(password.isascii() and password.isalnum() for password in made)
    assert min(map(len, made)) >= 22, "62 ** 21 is less than 2 ** 128"
