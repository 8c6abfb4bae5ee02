"""Imports of many numbers: what becomes of each row, and that no row is taken twice."""

import json
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from cordboard.domain.imports import KEPT, Choices, ImportId, NumberImport, Problem, failed
from cordboard.domain.numbers import Status
from cordboard.domain.tenants import TenantId
from cordboard.storage import imports as stored
from cordboard.storage.transaction import Query, Transaction
from cordboard.usecases import imports
from tests.builders import (
    ADMIN_TOKEN,
    World,
    add_platform_number,
    create_agent,
    create_tenant,
    dump,
    fresh_number,
    import_number,
    unknown_id,
)
from tests.dialects.native.admin import Admin

T = TypeVar("T")

pytestmark = pytest.mark.anyio


async def begin(admin: Admin, tenant: str, **choices: Any) -> dict[str, Any]:
    answer = await admin.send("POST", "/imports", {"tenant_id": tenant, **choices})
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json())


async def feed(admin: Admin, begun: dict[str, Any], rows: str, at: int = 0, *, last: bool = True) -> dict[str, Any]:
    answer = await admin.send(
        "PUT", f"/imports/{begun['id']}/rows", params={"from": at, "last": last}, content=rows.encode()
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def take(admin: Admin, tenant: str, rows: str, **choices: Any) -> list[dict[str, Any]]:
    """The report of an import of these rows alone."""
    begun = await begin(admin, tenant, **choices)
    await feed(admin, begun, rows)
    return await report(admin, begun)


async def report(admin: Admin, begun: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    answer = await admin.send("GET", f"/imports/{begun['id']}/rows", params=query)
    return list(answer.json()["data"])


async def numbers_of(admin: Admin, tenant: str) -> list[dict[str, Any]]:
    """Oldest first."""
    answer = await admin.send("GET", "/numbers", params={"tenant_id": tenant, "order": "asc"})
    return list(answer.json()["data"])


async def create_trunk(admin: Admin, tenant: str, name: str = "Carrier") -> str:
    return str((await admin.done("POST", "/trunks", {"tenant_id": tenant, "name": name}))["id"])


async def test_rows_become_numbers_in_their_order_each_with_its_entry_in_the_audit_log(
    admin: Admin, tenant: TenantId
) -> None:
    trunk = await create_trunk(admin, tenant)
    agent, version = await create_agent(admin.world, tenant)
    numbers = [fresh_number() for _ in range(150)]
    rows = "number,nickname,trunk,inbound_agent\n" + "".join(f"{n},Desk {n},Carrier,Support\n" for n in numbers)
    done = await feed(admin, await begin(admin, tenant), rows)
    assert (done["imported"], done["failed"], done["position"]) == (150, 0, 150)
    assert done["finished_at"] is not None

    shown = (await admin.send("GET", "/numbers", params={"tenant_id": tenant, "order": "asc", "limit": 1000})).json()
    assert [row["number"] for row in shown["data"]] == numbers
    assert {row["nickname"] for row in shown["data"]} == {f"Desk {n}" for n in numbers}
    assert {(row["trunk_id"], row["inbound_agent_id"], row["status"]) for row in shown["data"]} == {
        (trunk, agent.id, "assigned")
    }
    log = [row for row in (await dump(admin.world))["change"] if row["tenant_id"] == tenant and row["kind"] == "number"]
    assert sorted((row["object_id"], row["action"]) for row in log) == sorted(
        (row["id"], "import") for row in shown["data"]
    )
    assert all(json.loads(row["fields"])["trunk"] == [None, trunk] for row in log)
    assert version.id  # it was published when the agent was made


async def test_a_row_brings_a_trunk_of_its_own_as_a_single_import_does(admin: Admin, tenant: TenantId) -> None:
    number = fresh_number()
    rows = (
        "Phone Number;Label;allowed addresses;media_in;termination_uri;username;password\n"
        f"{number};Desk;192.0.2.0/24 198.51.100.7;REQUIRE;sip.carrier.example:5061;user;carrier-secret\n"
    )
    (row,) = await take(admin, tenant, rows)
    assert (row["outcome"], row["row"]) == ("imported", 2)
    trunk = (await admin.send("GET", "/trunks", params={"number": number})).json()["data"][0]
    assert trunk["allowed_addresses"] == ["192.0.2.0/24", "198.51.100.7"]
    assert (trunk["media_in"], trunk["media_out"], trunk["username"]) == ("require", "allow", "user")
    assert (trunk["gateways"][0]["host"], trunk["gateways"][0]["port"]) == ("sip.carrier.example", 5061)
    assert trunk["has_password"] is True
    assert "carrier-secret" not in str(await dump(admin.world))


#: A row's cells by column, then which column is complained of, what is said of it, and what to do.
BAD = [
    ({"number": "34911234567"}, "number", "neither an E.164 number", "+ and the country code"),
    ({"number": "3.49E+10"}, "number", "neither an E.164 number", "in a spreadsheet"),
    ({"number": ""}, "number", "there is no number", "+34911234567"),
    ({"trunk": "Nobody's"}, "trunk", 'there is no trunk "Nobody\'s"', "the id or the name"),
    ({"trunk": ""}, "trunk", "nothing says how calls reach", "`import.trunk`"),
    ({"inbound_agent": "Nobody"}, "inbound_agent", "there is no agent 'Nobody'", "the id or the name"),
    ({"inbound_agent": "Drafted"}, "inbound_agent", "draft", "publish a version"),
    ({"outbound_agent": "Twin"}, "outbound_agent", "2 are called 'Twin'", "write the agent's id"),
    ({"allowed_addresses": "192.0.2.300", "trunk": ""}, "allowed_addresses", "neither an IP address", "192.0.2.0/24"),
    ({"media_in": "maybe", "trunk": ""}, "media_in", "'maybe' is no media policy", "disable, allow or require"),
    ({"termination_uri": "sip:host", "trunk": ""}, "termination_uri", "without a scheme", "sip.carrier.example"),
    ({"username": "u", "trunk": ""}, "termination_uri", "none is named", "termination_uri too"),
    ({"allowed_addresses": "192.0.2.1"}, "trunk", "SIP settings of its own", "leave out the trunk"),
    ({"nickname": "x" * 256}, "nickname", "1 to 255", "at most 255"),
    ({"nickname": '"a\nb"'}, "nickname", "1 to 255", "close the quote"),
    ({"allowed_addresses": "192.0.2.1 " * 1001, "trunk": ""}, "allowed_addresses", "1001", "192.0.2.0/24"),
]


@pytest.mark.parametrize(("cells", "column", "detail", "remedy"), BAD, ids=[f"{c}-{d[:20]}" for _, c, d, _ in BAD])
async def test_a_bad_row_says_what_is_wrong_and_what_to_do_and_holds_up_no_other(
    admin: Admin, tenant: TenantId, cells: dict[str, str], column: str, detail: str, remedy: str
) -> None:
    await create_trunk(admin, tenant)
    for name, draft in (("Twin", False), ("Twin", False), ("Drafted", True)):
        body = {"name": name, "sip_uri": "sip:a@agent.example", "is_draft": draft}
        await admin.done("POST", f"/tenants/{tenant}/agents", body)
    good = fresh_number()
    columns = sorted({"number", "trunk", *cells})
    rows = [{"number": fresh_number(), "trunk": "Carrier", **cells}, {"number": good, "trunk": "Carrier"}]
    text = "".join(",".join(row.get(name, "") for name in columns) + "\n" for row in rows)
    first, second = await take(admin, tenant, ",".join(columns) + "\n" + text)
    assert (first["row"], first["outcome"], first["number_id"]) == (2, "failed", None)
    (problem,) = first["problems"]
    assert problem["column"] == column
    assert detail in problem["detail"]
    assert remedy in problem["remedy"]
    assert (second["row"], second["outcome"]) == (3, "imported")
    assert [row["number"] for row in await numbers_of(admin, tenant)] == [good]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("number,colour\n+34911234567,red\n", "unknown column 'colour'"),
        ("nickname\nDesk\n", "there is no column number"),
        ("number,label,nickname\n", "stands twice"),
        ("number\n\xff\n", "UTF-8"),
        ('number,nickname\n+34911234567,a\n+34911234568,"b\n+34911234569,c\n', "the record on line 3"),
        ('number,nickname\n+34911234567,"a\n+34911234568,"b"\n', "the record on line 2"),
    ],
)
async def test_columns_that_nothing_is_known_of_are_refused_before_anything_is_imported(
    admin: Admin, tenant: TenantId, rows: str, said: str
) -> None:
    begun = await begin(admin, tenant)
    problem = await admin.refused(
        "PUT",
        f"/imports/{begun['id']}/rows",
        params={"from": 0},
        content=rows.encode("latin-1"),
        status=422,
        code="invalid-rows",
    )
    assert said in problem["detail"]


async def test_a_number_that_the_tenant_has_is_told_left_out_or_changed_as_chosen(
    admin: Admin, tenant: TenantId
) -> None:
    trunk = await create_trunk(admin, tenant)
    number = fresh_number()
    id = await import_number(admin.world, tenant, number)
    rows = f"number,nickname,trunk\n{number},New name,Carrier\n"
    before = await numbers_of(admin, tenant)
    (row,) = await take(admin, tenant, rows)
    assert (row["outcome"], row["problems"][0]["column"]) == ("failed", "number")
    assert "on_conflict" in row["problems"][0]["remedy"]
    (row,) = await take(admin, tenant, rows, on_conflict="skip")
    assert (row["outcome"], row["number_id"]) == ("skipped", id)
    assert await numbers_of(admin, tenant) == before
    (row,) = await take(admin, tenant, rows, on_conflict="update")
    assert (row["outcome"], row["number_id"]) == ("updated", id)
    (shown,) = await numbers_of(admin, tenant)
    assert (shown["nickname"], shown["trunk_id"]) == ("New name", trunk)
    (row,) = await take(admin, tenant, rows, on_conflict="update")
    assert row["outcome"] == "unchanged"


async def test_an_update_changes_the_trunk_that_the_number_brought_along_and_no_other(
    admin: Admin, tenant: TenantId
) -> None:
    own, shared = fresh_number(), fresh_number()
    await import_number(admin.world, tenant, own)
    await create_trunk(admin, tenant)
    assert (await take(admin, tenant, f"number,trunk\n{shared},Carrier\n"))[0]["outcome"] == "imported"
    rows = f"number,allowed_addresses\n{own},192.0.2.9\n{shared},192.0.2.9\n"
    first, second = await take(admin, tenant, rows, on_conflict="update")
    assert (first["outcome"], second["outcome"]) == ("updated", "failed")
    assert "change that trunk itself" in second["problems"][0]["remedy"]
    trunk = (await admin.send("GET", "/trunks", params={"number": own})).json()["data"][0]
    assert trunk["allowed_addresses"] == ["192.0.2.9"]
    trunk = (await admin.send("GET", "/trunks", params={"number": shared})).json()["data"][0]
    assert trunk["allowed_addresses"] is None


async def test_a_row_that_says_what_is_there_changes_nothing_its_password_included(
    admin: Admin, tenant: TenantId
) -> None:
    rows = f"number,termination_uri,username,password\n{fresh_number()},sip.example,u,"
    assert (await take(admin, tenant, f"{rows}one\n"))[0]["outcome"] == "imported"
    before = await dump(admin.world)
    for password, outcome in (("one", "unchanged"), ("another", "updated")):
        (row,) = await take(admin, tenant, f"{rows}{password}\n", on_conflict="update")
        assert row["outcome"] == outcome
        assert ((await dump(admin.world))["trunk"] == before["trunk"]) == (outcome == "unchanged")


async def test_a_number_of_another_tenant_is_taken_whatever_is_chosen(admin: Admin, tenant: TenantId) -> None:
    number = fresh_number()
    await import_number(admin.world, await create_tenant(admin.world), number)
    for choice in ("fail", "skip", "update"):
        rows = f"number,allowed_addresses\n{number},192.0.2.1\n"
        (row,) = await take(admin, tenant, rows, on_conflict=choice)
        assert (row["outcome"], row["number_id"]) == ("failed", None)
        assert "somebody else" in row["problems"][0]["detail"]


@pytest.mark.parametrize("dry_run", [False, True])
async def test_a_number_that_stands_twice_is_taken_once_also_over_pieces(
    admin: Admin, tenant: TenantId, dry_run: bool
) -> None:
    number, other = fresh_number(), fresh_number()
    begun = await begin(admin, tenant, on_conflict="update", dry_run=dry_run)
    header = "number,allowed_addresses\n"
    first = f"{header}{number},192.0.2.1\n{number},192.0.2.1\n"
    await feed(admin, begun, first, last=False)
    done = await feed(admin, begun, f"{header}{other},192.0.2.1\n{number},192.0.2.1\n", at=2)
    assert (done["imported"], done["failed"]) == (2, 2)
    rows = await report(admin, begun)
    assert [row["outcome"] for row in rows] == ["imported", "failed", "imported", "failed"]
    assert all("row 2 has this number" in rows[at]["problems"][0]["detail"] for at in (1, 3))


async def test_a_dry_run_tells_what_an_import_would_and_changes_nothing(admin: Admin, tenant: TenantId) -> None:
    await create_trunk(admin, tenant)
    yours = fresh_number()
    await import_number(admin.world, tenant, yours)
    await admin.done("POST", f"/tenants/{tenant}/agents", {"name": "Support", "sip_uri": "sip:a@agent.example"})
    rows = "number,trunk,inbound_agent\n" + "".join(
        f"{number},Carrier,Support\n" for number in (fresh_number(), yours, "+1", fresh_number())
    )
    before = await dump(admin.world)
    begun = await begin(admin, tenant, dry_run=True)
    rehearsed = await feed(admin, begun, rows)
    told = await report(admin, begun)
    await admin.done("DELETE", f"/imports/{begun['id']}", status=204)
    assert await dump(admin.world) == before

    really = await begin(admin, tenant)
    done = await feed(admin, really, rows)
    same = ("imported", "updated", "unchanged", "skipped", "failed", "position")
    assert [rehearsed[name] for name in same] == [done[name] for name in same]
    plain = ("row", "number", "outcome", "problems")
    assert [[row[name] for name in plain] for row in told] == [
        [row[name] for name in plain] for row in await report(admin, really)
    ]


async def test_a_piece_is_taken_once_and_whoever_lost_its_answer_learns_where_to_go_on(
    admin: Admin, tenant: TenantId
) -> None:
    source = f"sha256:{unknown_id()}"
    begun = await begin(admin, tenant, source=source)
    header, numbers = "number,allowed_addresses\n", [fresh_number() for _ in range(4)]
    pieces = [header + "".join(f"{n},192.0.2.1\n" for n in some) for some in (numbers[:2], numbers[2:])]
    await feed(admin, begun, pieces[0], last=False)
    path = f"/imports/{begun['id']}/rows"
    for at in (0, 1, 3):
        problem = await admin.refused(
            "PUT", path, params={"from": at}, content=pieces[0].encode(), status=409, code="out-of-place"
        )
        assert problem["position"] == 2
    again = await begin(admin, tenant, source=source)
    assert (again["id"], again["position"]) == (begun["id"], 2)
    other = await begin(admin, tenant, source=source, on_conflict="skip")
    assert other["id"] != begun["id"]
    done = await feed(admin, again, pieces[1], at=2)
    assert (done["imported"], done["position"]) == (4, 4)
    await admin.refused("PUT", path, params={"from": 4}, content=b"", status=409, code="import-finished")
    assert (await begin(admin, tenant, source=source))["id"] != begun["id"]
    assert sorted(row["number"] for row in await numbers_of(admin, tenant)) == numbers


async def test_json_lines_say_what_a_csv_says_and_a_broken_line_fails_alone(admin: Admin, tenant: TenantId) -> None:
    number = fresh_number()
    lines = [
        json.dumps({"number": number, "label": "Desk", "allowed_addresses": ["192.0.2.1", "192.0.2.2"]}),
        '{"number": "+349112',
        '"+34911234567"',
        json.dumps({"number": 34911234567}),
        json.dumps({"number": fresh_number(), "colour": "red"}),
        "",
        json.dumps({f"f{n}": 1 for n in range(2000)}),
    ]
    rows = await take(admin, tenant, "\n".join(lines) + "\n", format="ndjson")
    assert [row["row"] for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert [row["outcome"] for row in rows] == ["imported", *["failed"] * 4, "skipped", "failed"]
    (problem,) = rows[6]["problems"]
    assert problem["detail"].endswith("fields f0, f1, f2, f3, f4 and 1,995 more")
    said = [row["problems"][0]["detail"] for row in rows[1:5]]
    assert [text[:21] for text in said] == [
        "the line is no JSON: ",
        "the line is no JSON o",
        "the value is no text",
        "nothing is known of t",
    ]
    trunk = (await admin.send("GET", "/trunks", params={"number": number})).json()["data"][0]
    assert trunk["allowed_addresses"] == ["192.0.2.1", "192.0.2.2"]


async def test_more_rows_than_one_transaction_takes_are_refused(admin: Admin, tenant: TenantId) -> None:
    begun = await begin(admin, tenant)
    rows = "number\n" + "+34911234567\n" * (begun["max_rows"] + 1)
    problem = await admin.refused(
        "PUT",
        f"/imports/{begun['id']}/rows",
        params={"from": 0},
        content=rows.encode(),
        status=422,
        code="invalid-rows",
    )
    assert "at most 1000" in problem["detail"]


async def test_of_rows_that_take_longer_fewer_are_taken_at_once(admin: Admin, tenant: TenantId) -> None:
    updating = await begin(admin, tenant, on_conflict="update")
    adding = await begin(admin, tenant)
    assert (updating["max_rows"], adding["max_rows"], adding["max_own_trunks"]) == (250, 1000, 250)
    for begun, header, cells in ((updating, "number", ""), (adding, "number,allowed_addresses", ",192.0.2.1")):
        rows = f"{header}\n" + f"+34911234567{cells}\n" * 251
        path, at = f"/imports/{begun['id']}/rows", {"from": 0}
        problem = await admin.refused("PUT", path, params=at, content=rows.encode(), status=422, code="invalid-rows")
        assert "at most 250" in problem["detail"]


async def test_a_report_comes_in_pages_all_of_it_or_the_failed_rows_alone(admin: Admin, tenant: TenantId) -> None:
    begun = await begin(admin, tenant)
    rows = "number,allowed_addresses\n" + "".join(f"{fresh_number() if n % 3 else 'bad'},192.0.2.1\n" for n in range(9))
    await feed(admin, begun, rows)
    seen: list[int] = []
    after = 0
    while after is not None:
        params = {"after": after, "limit": 4}
        page = (await admin.send("GET", f"/imports/{begun['id']}/rows", params=params)).json()
        seen += [row["row"] for row in page["data"]]
        after = page["next"]
    assert seen == list(range(2, 11))
    assert [row["row"] for row in await report(admin, begun, failed=True)] == [2, 5, 8]
    listed = (await admin.send("GET", "/imports", params={"tenant_id": tenant})).json()["data"]
    assert [each["id"] for each in listed] == [begun["id"]]
    assert (await admin.send("GET", f"/imports/{begun['id']}")).json() == listed[0]


async def test_a_tenant_s_imports_go_with_it(admin: Admin, tenant: TenantId) -> None:
    await take(admin, tenant, f"number,allowed_addresses\n{fresh_number()},192.0.2.1\n")
    await admin.done("DELETE", f"/tenants/{tenant}", status=204)
    rows = await dump(admin.world)
    assert tenant not in str(rows["number_import"])


class Counting:
    """A store that counts the rows of reports after each write."""

    def __init__(self, world: World) -> None:
        self._store = world.store
        self.rows: list[int] = []
        self.read = world.store.read

    async def write(self, tenant: TenantId | None, usecase: Query[T]) -> T:
        done = await self._store.write(tenant, usecase)
        self.rows.append(await self.read(count_rows))
        return done


async def count_rows(tx: Transaction) -> int:
    row = await tx.one("select count(*) as found from number_import_row")
    assert row is not None
    return int(row["found"])


async def test_a_long_report_is_deleted_bite_by_bite_by_its_tenant_or_when_it_is_old(world: World) -> None:
    tenant = await create_tenant(world)
    store = Counting(world)
    context = replace(world.context, store=store)
    told = [failed(None, Problem("number", "bad", "mend it"))] * 6000

    async def add(tx: Transaction) -> ImportId:
        begun = NumberImport(id=ImportId(unknown_id()), tenant=tenant, choices=Choices(), created_at=world.clock())
        await stored.add(tx, begun)
        await stored.advance(tx, begun, begun.after(told, last=True, now=world.clock()), told)
        return begun.id

    await imports.remove(context, tenant, await world.store.write(tenant, add))
    await world.store.write(tenant, add)
    world.clock.advance(seconds=KEPT.total_seconds() + 1)
    await imports.forget_old(context)
    assert store.rows == [1000, 0] * 2
    assert (await dump(world))["number_import"] == []


async def test_reports_are_kept_for_thirty_days(world: World) -> None:
    tenant = await create_tenant(world)
    async with world.client(ADMIN_TOKEN) as http:
        admin = Admin(world=world, http=http)
        for _ in range(7):
            await take(admin, tenant, f"number,allowed_addresses\n{fresh_number()},192.0.2.1\n")
        world.clock.advance(seconds=KEPT.total_seconds() - 1)
        await imports.forget_old(world.context)
        assert len((await dump(world))["number_import"]) == 7
        world.clock.advance(seconds=2)
        await imports.forget_old(world.context)
        rows = await dump(world)
        assert (rows["number_import"], rows["number_import_row"]) == ([], [])
        assert len(rows["number"]) == 7


async def test_a_row_that_fails_publishes_no_agent(admin: Admin, tenant: TenantId) -> None:
    number = await add_platform_number(admin.world, tenant=tenant, status=Status.ASSIGNED)
    for name, draft in (("Support", False), ("Drafted", True)):
        body = {"name": name, "sip_uri": "sip:a@agent.example", "is_draft": draft}
        made = await admin.done("POST", f"/tenants/{tenant}/agents", body)
        await admin.done("PUT", f"/agents/{made['agent_id']}/published-version", {"version_id": None}, status=200)
    rows = (
        "number,inbound_agent,outbound_agent,allowed_addresses\n"
        f"{number.number},Support,,192.0.2.1\n{fresh_number()},Support,Drafted,192.0.2.1\n"
    )
    told = await take(admin, tenant, rows, on_conflict="update")
    assert [row["outcome"] for row in told] == ["failed", "failed"]
    listed = (await admin.send("GET", f"/tenants/{tenant}/agents")).json()["data"]
    assert [agent["published_version_id"] for agent in listed] == [None, None]


async def test_a_number_s_own_trunk_goes_when_the_number_moves_to_another_and_no_number_is_left_on_it(
    admin: Admin, tenant: TenantId
) -> None:
    carrier = await create_trunk(admin, tenant)
    alone, leader, follower = [fresh_number() for _ in range(3)]
    for number in (alone, leader):
        await import_number(admin.world, tenant, number)
    own = {row["number"]: row["trunk_id"] for row in await numbers_of(admin, tenant)}
    rows = f"number,trunk\n{alone},Carrier\n{leader},Carrier\n{follower},{own[leader]}\n"
    told = await take(admin, tenant, rows, on_conflict="update")
    assert [row["outcome"] for row in told] == ["updated", "updated", "imported"]
    listed = (await admin.send("GET", "/trunks", params={"tenant_id": tenant})).json()["data"]
    assert {trunk["id"] for trunk in listed} == {carrier, own[leader]}
