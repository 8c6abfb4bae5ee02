"""The catalogue as the native API shows it."""

import pytest

from cordboard.dialects.native.operation import PREFIX
from cordboard.usecases.catalogue import entries
from tests.builders import ADMIN_TOKEN, World

pytestmark = pytest.mark.anyio


async def test_every_entry_is_listed_and_shown_with_all_it_says(shared_world: World) -> None:
    async with shared_world.client(ADMIN_TOKEN) as http:
        listed = (await http.get(f"{PREFIX}/catalogue")).json()["data"]
        assert [each["id"] for each in listed] == list(entries())
        for each in listed:
            shown = (await http.get(f"{PREFIX}/catalogue/{each['id']}")).json()
            assert {name: shown[name] for name in each} == each
            entry = entries()[each["id"]]
            assert shown["sets"] == entry.sets
            assert shown["checked"] == entry.checked.isoformat()
            assert [p["name"] for p in shown["parameters"]] == [p.name for p in entry.parameters]
            assert [n["ranges"] for n in shown["networks"]] == [list(n.ranges) for n in entry.networks]


async def test_an_entry_that_is_not_there_is_404(shared_world: World) -> None:
    async with shared_world.client(ADMIN_TOKEN) as http:
        answer = await http.get(f"{PREFIX}/catalogue/acme")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown-entry")
    assert answer.json()["detail"] == "catalogue entry acme not found"
