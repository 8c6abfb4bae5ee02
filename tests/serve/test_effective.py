"""A change that was answered 200 is what the next INVITE meets."""

from collections.abc import Iterator

import pytest

from tests.calls.phone import Phone
from tests.processes import call
from tests.serve.installations import Installation

pytestmark = pytest.mark.calls


@pytest.fixture
def carrier() -> Iterator[Phone]:
    with Phone("127.0.1.1") as phone:
        yield phone


def test_the_first_call_after_each_assignment_is_at_the_new_agent(installed: Installation, carrier: Phone) -> None:
    for turn in range(30):
        which = turn % 2
        before = len(installed.agents[which].calls)
        installed.assign(which)
        made = installed.call(carrier)
        assert made.status == 200, f"turn {turn}"
        assert len(installed.agents[which].calls) == before + 1, f"turn {turn}"
        made.hang_up()


def test_an_address_that_is_taken_off_the_list_is_refused_by_the_next_call(
    installed: Installation, carrier: Phone
) -> None:
    installed.assign(0)
    for allowed, status in (["127.0.1.1"], 200), (["127.0.1.2"], 403), ([], 200), (["127.0.1.0/30"], 200):
        assert installed.patch("/sip-config", {"inbound_config": {"allowed_addresses": allowed}}) == 200
        made = installed.call(carrier)
        assert made.status == status, allowed
        if status == 200:
            made.hang_up()


def test_the_agent_taken_away_is_480_and_the_number_released_is_404(installed: Installation, carrier: Phone) -> None:
    assert installed.patch("", {"inbound_version_id": None}) == 200
    assert installed.call(carrier).status == 480
    assert call("DELETE", f"{installed.server.url}/v1/phone/{installed.phone}", installed.key)[0] == 204
    assert installed.call(carrier).status == 404
