"""What no request brings about by itself: crashes, a busy store, and what the domain refuses."""

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from cordboard.dialects.telecom_center.errors import respond
from cordboard.domain import errors
from tests.dialects.telecom_center import shapes


def told(error: Exception) -> tuple[int, dict[str, Any]]:
    """The status, and the one error object of the answer."""
    with capture_logs():
        answer = respond(error)
    body = json.loads(bytes(answer.body))
    shapes.Errors.model_validate(body)
    assert answer.headers["content-type"] == shapes.TYPE
    (one,) = body["errors"]
    return answer.status_code, one


@pytest.mark.proves("error 500")
def test_a_crash_is_told_in_the_vendor_s_words() -> None:
    assert told(KeyError("secret")) == (
        500,
        {"title": "Internal Server Error", "detail": "Internal Server Error", "code": "500", "status": "500"},
    )


@pytest.mark.proves("error 503")
def test_what_may_work_later_is_503() -> None:
    status, error = told(errors.TooBusy())
    assert (status, error["code"], error["title"]) == (503, "503", "Service Unavailable")
    assert error["detail"].startswith("More writes wait")


def test_what_the_domain_alone_finds_invalid_is_422() -> None:
    status, error = told(errors.InvalidNetwork("no network"))
    assert (status, error["code"], error["source"]) == (422, "100", {"pointer": "/data"})


def test_braces_in_what_was_sent_are_only_text() -> None:
    assert told(errors.UnknownTenant("{0.__class__}"))[1]["detail"] == (
        "The record identified by {0.__class__} could not be found."
    )
