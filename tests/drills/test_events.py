"""A minute without a server, under 200 calls a second: every call has its record."""

import time

import pytest

from tests.serve.installations import installation
from tests.serve.records import listed, many_calls, until

pytestmark = [pytest.mark.drill, pytest.mark.calls]

RATE = 200
AWAY = 60


def test_no_call_goes_untold_while_the_server_is_away_for_a_minute() -> None:
    calls = RATE * (AWAY + 20)
    with installation() as installed:
        with many_calls(installed, calls, RATE) as results:
            time.sleep(10)
            installed.server.kill()
            time.sleep(AWAY)
            installed.successor()
        assert results[0].calls == calls
        carried = calls - results[0].failed
        found = until(lambda: listed(installed), lambda all: all and all[0]["state"] == "ended", 120)
        found = until(lambda: listed(installed), lambda all: sum(c["state"] == "ended" for c in all) >= carried, 120)
        assert len(found) == calls
        # a call that SIPp gave up for a slow machine's sake may have ended well all the same
        assert sum(call["state"] == "ended" for call in found) >= carried
