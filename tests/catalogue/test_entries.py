"""The entries that come with this version: dated, fit for the API, and each with its page."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cordboard.dialects.native.agent_wire import NewAgent
from cordboard.dialects.native.trunk_wire import NewTrunk
from cordboard.domain.addresses import HostPolicy
from cordboard.domain.catalogue import Entry, filled
from cordboard.domain.headers import check_headers
from cordboard.usecases.catalogue import entries

ROOT = Path(__file__).parents[2]
ENTRIES = list(entries().values())
#: Of networks from which calls come.
CALLING = {"signalling", "signalling and media"}
each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=[entry.id for entry in ENTRIES])


@each_entry
def test_an_entry_was_checked_before_today_ends(entry: Entry) -> None:
    assert entry.checked <= datetime.now(UTC).date()


@each_entry
def test_what_an_entry_sets_is_what_the_api_takes(entry: Entry) -> None:
    examples = {each.name: each.example for each in entry.parameters}
    body: dict[str, Any] = {"name": "Acme", **filled(entry.sets, entry.parameters, examples)}
    hosts = HostPolicy(allow_private=False)
    if entry.kind == "platform":
        assert NewAgent.model_validate(body, context=hosts).sip_uri == body["sip_uri"]
        return
    credentials = {"username": "acme", "password": "secret"}
    made = NewTrunk.model_validate({**credentials, **body, "system": True}, context=hosts)
    check_headers([(header["name"], header["value"]) for header in body["options"].get("headers", ())])
    assert [str(each) for each in made.allowed_addresses or ()] == body["allowed_addresses"]


@each_entry
def test_the_page_of_an_entry_has_its_date_and_its_sources(entry: Entry) -> None:
    page = " ".join((ROOT / entry.page).read_text().split())
    assert f"Checked on {entry.checked.isoformat()}" in page
    assert f"Seen on {entry.checked.isoformat()}" in page
    assert [source for source in entry.sources if f"<{source}>" not in page] == []


@pytest.mark.parametrize("entry", [pytest.param(each, id=each.id) for each in ENTRIES if each.kind == "carrier"])
def test_a_carriers_trunk_lets_in_all_addresses_that_call_and_no_others(entry: Entry) -> None:
    calling = [each for network in entry.networks if network.use in CALLING for each in network.ranges]
    assert calling
    assert sorted(entry.sets["allowed_addresses"]) == sorted(calling)


@pytest.mark.parametrize("entry", [pytest.param(each, id=each.id) for each in ENTRIES if each.kind == "platform"])
def test_a_platforms_agent_is_not_known_by_addresses_that_all_its_customers_share(entry: Entry) -> None:
    assert "from_addresses" not in entry.sets
