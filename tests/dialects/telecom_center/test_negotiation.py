"""Headers, one row for each sentence of https://doc.telecom.center/headers.html and what it leaves open."""

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordboard.dialects.app import basic_credentials
from cordboard.dialects.telecom_center.errors import Faulty
from cordboard.dialects.telecom_center.negotiation import check_accept, check_content_type
from cordboard.domain.errors import Unauthenticated

TYPE = "application/vnd.api+json"


@pytest.mark.proves("header Content-Type", "error 415")
@pytest.mark.parametrize(
    ("method", "value", "taken"),
    [
        # without parameters: what the page asks for
        ("GET", TYPE, True),
        ("POST", TYPE, True),
        ("PATCH", TYPE, True),
        ("DELETE", TYPE, True),
        # media types are not case-sensitive (RFC 9110, 8.3.1)
        ("PATCH", "Application/VND.api+JSON", True),
        ("PATCH", f" {TYPE} ", True),
        # a semicolon with nothing after it is no parameter
        ("PATCH", f"{TYPE};", True),
        # with any media type parameter, on any method
        ("GET", f"{TYPE}; charset=utf-8", False),
        ("POST", f"{TYPE};charset=utf-8", False),
        ("PATCH", f"{TYPE}; version=1", False),
        ("DELETE", f'{TYPE}; ext="a,b"', False),
        # another type, or none: only where there is a body
        ("PATCH", "application/json", False),
        ("POST", "text/plain", False),
        ("POST", None, False),
        ("PATCH", "", False),
        ("GET", None, True),
        ("GET", "", True),
        ("GET", "application/json", True),
        ("GET", "application/json; charset=utf-8", True),
        ("DELETE", None, True),
        ("GET", ",;,", True),
    ],
)
def test_content_type(method: str, value: str | None, taken: bool) -> None:
    if taken:
        check_content_type(method, value)
        return
    with pytest.raises(Faulty) as refused:
        check_content_type(method, value)
    (fault,) = refused.value.faults
    assert (fault.status, fault.code, fault.title) == (415, "415", "Unsupported media type")
    assert fault.detail == (
        "All requests that create or update must use the 'application/vnd.api+json' Content-Type. "
        f"This request specified '{value or ''}'."
    )


@pytest.mark.proves("header Accept", "error 406")
@pytest.mark.parametrize(
    ("value", "taken"),
    [
        # what needs no type of ours
        (None, True),
        ("", True),
        ("*/*", True),
        ("application/json", True),
        ("text/html, application/xml;q=0.9", True),
        (TYPE, True),
        # at least one without parameters
        (f"{TYPE}; a=1, {TYPE}", True),
        # the weight is not a parameter of the media type, and neither is what follows it
        (f"{TYPE};q=0.5", True),
        (f"{TYPE}; q=0.5; ext=1", True),
        # every one has parameters
        (f"{TYPE}; charset=utf-8", False),
        (f"{TYPE};a=1,{TYPE};b=2", False),
        (f'{TYPE}; a="x,{TYPE}"', False),
        (f"{TYPE}; a=1; q=0.5", False),
        # another type beside it does not help
        (f"{TYPE}; a=1, application/json", False),
        (f"{TYPE}; a=1, */*", False),
    ],
)
def test_accept(value: str | None, taken: bool) -> None:
    if taken:
        check_accept(value)
        return
    with pytest.raises(Faulty) as refused:
        check_accept(value)
    (fault,) = refused.value.faults
    assert (fault.status, fault.code, fault.title) == (406, "406", "Not acceptable")
    assert fault.detail == (
        "All requests must use the 'application/vnd.api+json' Accept without media type parameters. "
        f"This request specified '{value}'."
    )


@given(value=st.text(alphabet=' ,;"\\=qa/*') | st.text())
def test_any_header_is_read(value: str) -> None:
    for check in (check_accept, lambda text: check_content_type("PATCH", text)):
        with contextlib.suppress(Faulty):
            check(value)


def basic(text: bytes | str) -> str:
    return "Basic " + base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


@pytest.mark.proves("header Authorization")
@pytest.mark.parametrize(
    ("value", "credentials"),
    [
        # of the vendor's examples
        ("Basic dXNlcm5hbWU6cGFzc3dvcmQ=", ("username", "password")),
        # the scheme is not case-sensitive (RFC 7617, 2)
        ("basic dXNlcm5hbWU6cGFzc3dvcmQ=", ("username", "password")),
        ("BASIC  dXNlcm5hbWU6cGFzc3dvcmQ= ", ("username", "password")),
        # the password begins at the first colon
        (basic("a:b:c"), ("a", "b:c")),
        (basic("a:"), ("a", "")),
        # in UTF-8
        (basic("münchen:пароль"), ("münchen", "пароль")),
    ],
)
def test_basic(value: str, credentials: tuple[str, str]) -> None:
    assert basic_credentials(value) == credentials


@pytest.mark.proves("header Authorization")
@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "Basic",
        "Basic ",
        # another scheme
        "Bearer dXNlcm5hbWU6cGFzc3dvcmQ=",
        # not base64
        "Basic username:password",
        "Basic dXNlcm5hbWU6cGFzc3dvcmQ",
        "Basic dXNlcm5h\nbWU6cGFzc3dvcmQ=",
        "Basic \xff\xfe",
        # not UTF-8
        basic(b"a:\xff"),
        # no colon
        basic("username"),
        # what no database would take
        basic("a\0:b"),
    ],
)
def test_what_is_no_basic(value: str | None) -> None:
    with pytest.raises(Unauthenticated):
        basic_credentials(value)
