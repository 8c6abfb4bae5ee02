"""The native API: search."""

from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from cordboard.domain.tenants import TenantId
from cordboard.storage import search
from tests.builders import (
    ADMIN_TOKEN,
    World,
    create_account,
    create_agent,
    create_customer,
    create_key,
    create_operator,
    create_tenant,
    fresh_number,
    import_number,
    unknown_id,
)
from tests.dialects.native.admin import BASE, Admin, pointers
from tests.dialects.telecom_center.caller import cheap_hash
from tests.usecases.test_calls import Teller, started

pytestmark = pytest.mark.anyio

PASSWORD = "operator-secret"


@dataclass
class Searching:
    """An operator with two customers, and words that nobody else's things begin with."""

    world: World
    operator: Any
    tenants: list[TenantId]
    word: str

    async def find(self, q: str, who: str = "admin", **params: Any) -> list[tuple[str, str, str]]:
        """Kind, id and name of what is found."""
        return [(hit["kind"], hit["id"], hit["name"]) for hit in (await self.answer(q, who, **params))["data"]]

    async def agent(self, admin: Admin, name: str, tenant: TenantId | None = None) -> str:
        """Its id."""
        body = {"name": name, "sip_uri": "sip:bot@agent.example"}
        return str((await admin.done("POST", f"/tenants/{tenant or self.tenants[0]}/agents", body))["agent_id"])

    async def answer(self, q: str, who: str = "admin", **params: Any) -> Any:
        token = {"admin": ADMIN_TOKEN, "operator": None}.get(who, who)
        basic = httpx2.BasicAuth(self.operator.name, PASSWORD) if who == "operator" else None
        async with self.world.client(token) as http:
            answer = await http.get(f"{BASE}/search", params={"q": q, **params}, auth=basic)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
async def searching(shared_world: World) -> Searching:
    operator = await create_operator(shared_world, f"o-{unknown_id()}", cheap_hash(PASSWORD))
    word = f"W{unknown_id()[:8]}"
    tenants = [(await create_customer(shared_world, operator.id, name=f"{word} {n}")).id for n in "AB"]
    return Searching(shared_world, operator, tenants, word)


async def test_everything_is_found_by_what_it_is_called_whatever_the_case(searching: Searching, admin: Admin) -> None:
    s, word = searching, searching.word
    tenant, sibling = s.tenants
    trunk = await admin.done("POST", "/trunks", {"name": f"{word} carrier", "tenant_id": tenant})
    agent = await s.agent(admin, f"{word.upper()} bot")
    theirs = await s.agent(admin, f"{word} other", sibling)
    account = await create_account(s.world, tenant, f"u{word.lower()}")
    named = await admin.done("POST", f"/tenants/{tenant}/accounts", {"caller_id_name": f"{word} Desk"})
    key = await create_key(s.world, tenant)
    ours = [
        ("trunk", trunk["id"], f"{word} carrier"),
        ("account", named["id"], named["username"]),
        ("agent", agent, f"{word.upper()} bot"),
        ("tenant", tenant, f"{word} A"),
    ]
    for q in (word, word.lower(), word.upper()):
        assert await s.find(q, key) == ours
        assert await s.find(q, "operator", tenant_id=tenant) == ours
        everything = [*ours[:2], *sorted([ours[2], ("agent", theirs, f"{word} other")], key=lambda h: h[2]), ours[3]]
        everything.append(("tenant", sibling, f"{word} B"))
        for who in ("operator", "admin"):
            assert await s.find(q, who) == everything
    assert await s.find(f"{word} zz", key) == []
    for who in (key, "operator", "admin"):
        assert await s.find(account.username[:-1], who) == [("account", account.id, account.username)]
        assert await s.find(account.username.upper(), who) == [("account", account.id, account.username)]


async def test_numbers_are_found_as_people_write_them(searching: Searching) -> None:
    s = searching
    number = fresh_number()
    id = await import_number(s.world, s.tenants[0], number)
    address = f"{s.word.lower()}@pbx.example"
    other = await import_number(s.world, s.tenants[0], address)
    key = await create_key(s.world, s.tenants[0])
    spoken = f"{number[:3]} {number[3:6]}-{number[6:]}"
    for q in (number, number[1:], f"00{number[1:]}", number[:-1], number[1:-1], spoken):
        for who in (key, "operator"):
            assert ("number", id, number) in await s.find(q, who)
    for q in (number[3:], f"0{number[3:]}", f"{number[3:6]} {number[6:]}", number[3:-1]):
        assert ("number", id, number) in await s.find(q, key), "as it is dialled at home"
        assert ("number", id, number) in await s.find(q, "operator", tenant_id=s.tenants[0])
    assert await s.find(f"+{number[3:]}", key) == []
    for q in (s.word.lower(), f"{s.word.upper()}@pbx"):
        assert ("number", other, address) in await s.find(q, key)


async def test_calls_are_found_by_call_id_number_and_id_and_anything_by_its_id(searching: Searching) -> None:
    s, (tenant, sibling) = searching, searching.tenants
    key, others = await create_key(s.world, tenant), await create_key(s.world, sibling)
    number = fresh_number()
    agent, _ = await create_agent(s.world, tenant)
    id = unknown_id()
    await Teller(s.world, file=unknown_id()).tell(started(id, tenant=tenant, number=number, call_id=f"{s.word}@pbx"))
    for who in (key, "operator", "admin"):
        for q in (f"{s.word}@", number, number[1:], id):
            assert await s.find(q, who) == [("call", id, number)]
        assert await s.find(agent.id.upper(), who) == [("agent", agent.id, agent.name)]
    for q in (f"{s.word}@", number, id, agent.id, tenant):
        assert await s.find(q, others) == []


async def test_there_are_no_more_than_twenty_and_some_of_each_kind(searching: Searching, admin: Admin) -> None:
    s = searching
    for n in range(25):
        await s.agent(admin, f"{s.word} {n:02}")
    answer = await s.answer(s.word, "operator")
    assert len(answer["data"]) == 20
    assert answer["more"] is True
    assert [hit["name"] for hit in answer["data"] if hit["kind"] == "tenant"] == [f"{s.word} A", f"{s.word} B"]
    assert [hit["name"] for hit in answer["data"][:18]] == [f"{s.word} {n:02}" for n in range(18)]
    narrower = await s.answer(f"{s.word} 2", "operator")
    assert [len(narrower["data"]), narrower["more"]] == [5, False]


async def test_what_stands_behind_the_rows_that_are_looked_at_is_found_by_naming_its_tenant(
    searching: Searching, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    s = searching
    other = await create_tenant(s.world)
    for n in range(3):
        await s.agent(admin, f"{s.word} {n}", other)
    id = await s.agent(admin, f"{s.word} last")
    monkeypatch.setattr(search, "WINDOW", 3)
    answer = await s.answer(s.word, "operator")
    assert [hit["kind"] for hit in answer["data"]] == ["tenant", "tenant"]
    assert (answer["more"], answer["cut"]) == (False, True)
    answer = await s.answer(s.word, "operator", tenant_id=s.tenants[0])
    assert ("agent", id) in [(hit["kind"], hit["id"]) for hit in answer["data"]]
    assert (answer["more"], answer["cut"]) == (False, False)
    assert (await s.answer(f"{s.word} last", "operator"))["cut"] is False


async def test_a_key_finds_what_it_may_view_and_the_systems_trunks(searching: Searching, admin: Admin) -> None:
    s, tenant = searching, searching.tenants[0]
    await s.agent(admin, f"{s.word} bot")
    made = await admin.done("POST", "/trunks", {"name": f"{s.word} everybody's", "system": True})
    restricted = await create_key(s.world, tenant, ["phones.view", "trunks.view"])
    assert await s.find(s.word, restricted) == [("trunk", made["id"], made["name"])]
    assert await s.find(made["id"], await create_key(s.world, s.tenants[1])) == [("trunk", made["id"], made["name"])]


@pytest.mark.parametrize("q", ["", "\t", "a\0b", "x" * 513])
async def test_a_text_that_nothing_can_begin_with_is_refused(admin: Admin, q: str) -> None:
    answer = await admin.send("GET", "/search", params={"q": q})
    assert (answer.status_code, pointers(answer.json())) == (422, ["q"])
