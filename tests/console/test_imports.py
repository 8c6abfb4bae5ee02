"""The console's pages of imports."""

from pathlib import Path

import pytest

from tests.builders import fresh_number
from tests.console.conftest import Customer, NewPerson
from tests.console.person import Person

pytestmark = [pytest.mark.slow, pytest.mark.calls]


def test_a_file_is_imported_and_each_row_that_failed_is_told(
    customer: Customer, member: Person, tmp_path: Path
) -> None:
    trunk = customer.done("POST", "/trunks", {"tenant_id": customer.id, "name": "Carrier"})
    numbers = [fresh_number() for _ in range(1200)]
    file = tmp_path / "numbers.csv"
    file.write_text("number,nickname\n" + "".join(f"{each},Desk\n" for each in numbers) + "12,Wrong\n")
    member.open("/numbers")
    member.follow("a file of many")
    member.page.get_by_label("Trunk of rows that name none").select_option("Carrier")
    member.page.locator("#f-file").set_input_files(file)
    member.is_sound("import-new")
    member.follow("Import")
    member.page.get_by_text("The file is done.").wait_for()
    assert "1,200 rows" in member.text
    assert member.page.locator("tbody tr").count() == 1
    assert "1202" in member.page.locator("tbody th").inner_text()
    assert "country code" in member.text
    member.is_sound("import")
    page = customer.done("GET", f"/numbers?trunk_id={trunk['id']}&limit=1000")
    assert len(page["data"]) == 1000
    member.follow("Show all rows")
    assert member.page.locator("tbody tr").count() == 50
    member.follow("Next page")
    member.follow(numbers[60])
    assert member.page.get_by_role("heading", level=1).inner_text() == numbers[60]
    member.open("/imports")
    assert "finished" in member.text
    member.is_sound("imports")
    member.page.locator("tbody th a").click()
    member.follow("Forget it")
    member.is_sound("import-forget")
    member.follow("Forget it")
    assert "No file was imported lately." in member.text
    assert len(customer.done("GET", "/numbers?limit=1000")["data"]) == 1000


def test_a_file_that_is_no_file_of_numbers_changes_nothing(
    customer: Customer, new_person: NewPerson, tmp_path: Path
) -> None:
    """Without scripts, too."""
    person = new_person(scripts=False)
    person.log_in(customer.key)
    person.open("/imports/new")
    person.follow("Import")
    assert "Choose a file first." in person.text
    file = tmp_path / "people.csv"
    file.write_text("name,age\nAnna,30\n")
    person.page.get_by_label("Only check the file").check()
    person.page.locator("#f-file").set_input_files(file)
    person.follow("Import")
    assert "unknown column" in person.text
    assert person.page.get_by_label("Only check the file").is_checked()
    wrong = {"name": f"a.{'x' * 300}", "mimeType": "text/csv", "buffer": b"number\n\xff\xfe\n"}
    person.page.locator("#f-file").set_input_files(wrong)  # type: ignore[arg-type]
    person.follow("Import")
    assert "xxx is not in UTF-8" in person.text
    assert customer.done("GET", "/imports")["data"] == []
    file.write_text(f"number\n{fresh_number()}\n")
    person.page.locator("#f-file").set_input_files(file)
    person.follow("Import")
    assert "nothing was imported" in person.text
    assert customer.done("GET", "/numbers")["data"] == []


def test_while_a_file_is_imported_the_page_tells_how_far_it_is(customer: Customer, member: Person) -> None:
    """What another window begins meanwhile stands for it."""
    customer.done("POST", "/imports", {"source": "begun before"})
    member.open("/imports/new")
    member.page.locator("main form").evaluate("it => it.addEventListener('submit', event => event.preventDefault())")
    with member.page.expect_response("**/imports/progress?**") as told:
        member.follow("Import")
    assert "done" not in told.value.text()
    begun = customer.done("POST", "/imports", {"source": "elsewhere"})
    member.page.get_by_text("0 rows done").wait_for()
    call = f"{customer.server.url}/cordboard/v1/imports/{begun['id']}/rows"
    body = f"number\n{fresh_number()}\n"
    headers = {"authorization": f"Bearer {customer.key}", "content-type": "text/csv"}
    assert member.page.request.put(f"{call}?from=0&last=false", data=body, headers=headers).ok
    member.page.get_by_text("1 row done").wait_for()
    assert member.page.request.put(f"{call}?from=1&last=true", data="", headers=headers).ok
    member.page.get_by_text("All of it is done.").wait_for()
    assert member.page.locator("[hx-get*=progress][hx-trigger*=load]").count() == 0
