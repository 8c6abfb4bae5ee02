"""Every error of the domain has its words in each dialect, and none of them says more than it should."""

import json
from collections.abc import Callable

import pytest
from starlette.responses import Response
from structlog.testing import capture_logs

from cordboard.dialects.diga.errors import respond as diga
from cordboard.dialects.http import BodyTooLarge
from cordboard.dialects.native.errors import respond as native
from cordboard.dialects.nebrija.errors import respond as nebrija
from cordboard.dialects.telecom_center.errors import respond as telecom_center
from cordboard.domain import errors
from scripts.error_tables import every_error, example

dialects = pytest.mark.parametrize(
    "respond", [diga, native, nebrija, telecom_center], ids=["diga", "native", "nebrija", "telecom.center"]
)


@pytest.mark.parametrize("kind", sorted(every_error(), key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
@dialects
def test_every_error_has_an_answer(respond: Callable[[Exception], Response], kind: type[errors.CordboardError]) -> None:
    error = example(kind)
    with capture_logs() as logs:
        answer = respond(error)
    assert 400 <= answer.status_code < 600
    assert answer.status_code != 500, "no line of the table foresees it"
    assert not [line for line in logs if line["event"] == "unexpected failure"]
    said = json.loads(bytes(answer.body))
    assert "{ref}" not in json.dumps(said)
    if error.retry:
        assert answer.status_code in (429, 502, 503), "the same call may work later, and the client is not told so"
    else:
        assert answer.status_code < 500


@dialects
def test_what_nobody_foresaw_is_500_logged_and_says_nothing_of_itself(respond: Callable[[Exception], Response]) -> None:
    with capture_logs() as logs:
        answer = respond(KeyError("hunter2"))
    assert answer.status_code == 500
    assert b"hunter2" not in answer.body
    assert b"KeyError" not in answer.body
    assert [line["log_level"] for line in logs] == ["error"]


def test_the_unforeseen_and_the_passing_have_the_vendor_s_words() -> None:
    with capture_logs():
        assert json.loads(bytes(diga(KeyError("x")).body)) == {
            "status": "error",
            "error_code": "INTERNAL_SERVER_ERROR",
            "message": "An internal server error occurred",
        }
        passing = diga(errors.TooBusy())
    assert (passing.status_code, json.loads(bytes(passing.body))["error_code"]) == (503, "SERVICE_UNAVAILABLE")


@dialects
def test_what_may_work_later_says_when_to_try_again(respond: Callable[[Exception], Response]) -> None:
    assert respond(errors.TooBusy()).headers["retry-after"] == "1"
    assert respond(errors.NotApplied(7)).headers["retry-after"] == "1"
    assert respond(BodyTooLarge()).status_code == 413
