"""A running server, a browser, and people who are logged in."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.builders import unknown_id
from tests.calls.edges import EDGE_ADDRESS, data_directory, free_port
from tests.calls.phone import Address
from tests.console.person import DESKTOP, Person, chromium
from tests.processes import Server, call, cordboard, serving

NewPerson = Callable[..., Person]


@dataclass
class Customer:
    """A tenant of its own for each test, so that tests share a server and see nothing of each other."""

    server: Server
    id: str
    name: str
    key: str = field(repr=False)

    @property
    def before(self) -> UUID:
        """After it the administrator's lists of customers begin with this one, however many others there are."""
        return UUID(int=UUID(self.id).int - 1)

    def done(self, method: str, path: str, body: Any = None) -> Any:
        """The answer of the native API to the tenant's key."""
        status, answer = call(method, f"{self.server.url}/cordboard/v1{path}", self.key, body)
        assert status < 300, answer
        return answer


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Of one file's tests: while Playwright's loop runs, no other test of this process could run one."""
    with sync_playwright() as playwright, chromium(playwright) as started:
        yield started


@pytest.fixture(scope="session")
def sip() -> Address:
    """Where the server's edge takes calls."""
    return EDGE_ADDRESS, free_port()


@pytest.fixture(scope="session")
def server(sip: Address) -> Iterator[Server]:
    """With its edge, so that pages show what they show to users."""
    with data_directory() as folder, serving(folder / "data", "--sip-listen", f"{sip[0]}:{sip[1]}") as running:
        yield running


@pytest.fixture
def admin_token(server: Server) -> str:
    return (server.data / "admin.token").read_text().strip()


@pytest.fixture
def customer(server: Server, admin_token: str) -> Customer:
    name = f"Customer {unknown_id()[:8]}"
    _, made = call("POST", f"{server.url}/cordboard/v1/tenants", admin_token, {"name": name})
    key = cordboard(server.data, "key", "create", "--tenant", name).stdout.strip()
    return Customer(server=server, id=made["id"], name=name, key=key)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where the pictures of a run go: PICTURES_IN, or a folder that pytest forgets."""
    return Path(os.environ.get("PICTURES_IN", tmp_path))


@pytest.fixture
def new_person(browser: Browser, server: Server, pictures: Path) -> Iterator[NewPerson]:
    """Makes people, each with a browser that knows nothing of the others'; scripts=False switches scripts off."""
    contexts = []

    def make(*, scripts: bool = True) -> Person:
        context = browser.new_context(viewport=DESKTOP, java_script_enabled=scripts, reduced_motion="reduce")  # type: ignore[arg-type]
        contexts.append(context)
        return Person(page=context.new_page(), url=server.url, pictures=pictures)

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def admin(new_person: NewPerson, admin_token: str) -> Person:
    """The administrator, logged in."""
    person = new_person()
    person.log_in(admin_token)
    return person


@pytest.fixture
def member(new_person: NewPerson, customer: Customer) -> Person:
    """Somebody of the customer, logged in by its key."""
    person = new_person()
    person.log_in(customer.key)
    return person


@pytest.fixture
def onlooker(new_person: NewPerson, customer: Customer) -> Person:
    """Somebody of the customer whose key may look at numbers, and nothing else."""
    made = cordboard(customer.server.data, "key", "create", "--tenant", customer.name, "--permission", "phones.view")
    person = new_person()
    person.log_in(made.stdout.strip())
    return person
