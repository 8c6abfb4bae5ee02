"""The console's pages as they are declared."""

import re
from importlib.resources import files
from types import SimpleNamespace
from typing import Any

import pytest

from cordboard.console import rendering
from cordboard.console.api import Me
from cordboard.console.overview import standing, worst
from cordboard.console.pages import Visit, page
from cordboard.console.routes import NAVIGATION, PAGES
from scripts.native_tables import every_operation

TEMPLATES = files("cordboard.console") / "templates"


def test_pages_use_operations_that_there_are() -> None:
    operations = {each.name for each in every_operation()}
    assert {name for each in PAGES for name in each.uses} <= operations
    assert all(each.uses for each in PAGES)


def test_no_two_pages_are_at_one_place_and_the_navigation_leads_to_pages() -> None:
    places = [each.method_path for each in PAGES]
    assert len(places) == len(set(places))
    assert {f"GET {path}" for _, paths in NAVIGATION for path in paths} <= set(places)


def test_each_template_can_be_read_and_none_is_left_over() -> None:
    names = {each.relative_to(TEMPLATES).as_posix() for each in TEMPLATES.rglob("*.html")}  # type: ignore[attr-defined]
    for name in names:
        rendering._environment().get_template(name)
    said = [each.read_text() for each in (files("cordboard.console")).glob("*.py")]  # type: ignore[attr-defined]
    said += [each.read_text() for each in TEMPLATES.rglob("*.html")]  # type: ignore[attr-defined]
    named = set(re.findall(r'"([\w/-]+\.html)"', "".join(said)))
    assert named == names


def test_trunks_that_are_down_come_first_on_the_overview_however_many_are_newer() -> None:
    trunks = [{"id": str(id), "gateways": ["one"] * (id != 3)} for id in range(20)]
    health = dict.fromkeys(map(str, range(20)), "up") | {"18": "degraded", "19": "down", "3": "down"}
    assert [each["id"] for _, each in worst(standing(trunks, health))] == ["19", "18", "0", "1", "2", "4"]


@pytest.mark.anyio
async def test_a_page_may_call_no_operation_that_it_does_not_declare() -> None:
    async def show(visit: Visit) -> Any: ...

    declared = page("GET /x", "X", show, "list_agents")
    me = Me(kind="administrator", name="A", tenant=None, permissions=None)
    nothing: Any = SimpleNamespace()
    visit = Visit(request=nothing, page=declared, me=me, csrf="", _api=nothing, _credentials="")
    with pytest.raises(LookupError, match="list_trunks"):
        await visit.api("list_trunks")
