"""The console: who is let in, and how a session ends."""

import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.console.conftest import Customer, NewPerson
from tests.console.person import Person
from tests.processes import Server, call, cordboard

pytestmark = [pytest.mark.slow, pytest.mark.calls]


def test_the_administrator_logs_in_and_out(new_person: NewPerson, admin_token: str) -> None:
    person = new_person()
    person.open("/agents")
    assert person.path == "/login?next=/agents"
    person.is_sound("login")
    person.log_in("nothing-of-the-kind")
    assert "not the credentials" in person.text
    person.is_sound("login-refused")
    person.log_in(admin_token)
    assert person.page.locator(".me").inner_text() == "Administrator"
    before = person.page.context.cookies()
    person.follow("Log out")
    assert person.path == "/login"
    # who has kept a copy of it has nothing
    person.page.context.add_cookies(before)  # type: ignore[arg-type]
    person.open("/agents")
    assert person.path.startswith("/login")


def test_a_key_that_is_revoked_ends_its_sessions(customer: Customer, admin_token: str, member: Person) -> None:
    member.open("/agents")
    url = f"{customer.server.url}/cordboard/v1"
    _, keys = call("GET", f"{url}/tenants/{customer.id}/keys", admin_token)
    assert call("DELETE", f"{url}/keys/{keys['data'][0]['id']}", admin_token)[0] == 204
    member.open("/agents")
    assert member.path == "/login?next=/agents"


def test_an_operator_sees_its_customers_alone(server: Server, customer: Customer, new_person: NewPerson) -> None:
    name, _, password = (
        cordboard(server.data, "operator", "create", f"op-{customer.id[:8]}").stdout.strip().partition(":")
    )
    person = new_person()
    person.log_in(password, name)
    assert person.page.locator(".me").inner_text() == name
    person.open(f"/agents?tenant={customer.id}", status=404)


def test_a_page_that_a_key_does_not_permit_is_not_shown_the_way_to(
    server: Server, customer: Customer, new_person: NewPerson
) -> None:
    made = cordboard(server.data, "key", "create", "--tenant", customer.name, "--permission", "calls.view")
    person = new_person()
    person.log_in(made.stdout.strip())
    assert person.page.get_by_role("link", name="Agents").count() == 0
    person.open("/agents", status=403)
    assert "agents.view" in person.text


def _post(url: str, fields: dict[str, str], **headers: str) -> int:
    """A form as a program sends it; redirects are not followed."""

    return _answer(url, fields, **headers)[0]


def _answer(url: str, fields: dict[str, str], **headers: str) -> tuple[int, str]:
    """Its status, and the cookies that it sets."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *args: object) -> None:
            return None

    body = urllib.parse.urlencode(fields).encode()
    request = urllib.request.Request(url, body, {name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=10) as answer:
            return int(answer.status), ""
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Set-Cookie", "")


def test_a_form_from_elsewhere_changes_nothing(customer: Customer, member: Person) -> None:
    member.open("/agents/new")
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in member.page.context.cookies())  # type: ignore[typeddict-item]
    token = member.page.locator("[name=csrf]").first.get_attribute("value") or ""
    url = f"{customer.server.url}/agents/new"
    fields = {"name": "Theirs", "sip_uri": "sip:a@127.0.2.1", "encryption": "disable", "once": "1"}
    assert _post(url, fields, Cookie=cookie) == 403
    assert _post(url, {**fields, "csrf": "0" * 64}, Cookie=cookie) == 403
    assert _post(url, {**fields, "csrf": token}, Cookie=cookie, Sec_Fetch_Site="cross-site") == 403
    assert _post(url, {**fields, "csrf": token}, Cookie=cookie, Origin="https://elsewhere.example") == 403
    assert _post(f"{customer.server.url}/login", {"secret": customer.key}, Sec_Fetch_Site="cross-site") == 403
    assert customer.done("GET", f"/tenants/{customer.id}/agents")["data"] == []
    assert _post(url, {**fields, "csrf": token}, Cookie=cookie) == 303


@pytest.mark.parametrize(
    "onward", ["//elsewhere.example", "//[", "https://elsewhere.example/", "/\\elsewhere.example", "x"]
)
def test_a_login_leads_to_pages_of_ours_alone(customer: Customer, new_person: NewPerson, onward: str) -> None:
    person = new_person()
    person.open(f"/login?next={urllib.parse.quote(onward)}")
    assert person.page.locator("[name=next]").get_attribute("value") == "/"


def test_behind_a_proxy_with_tls_the_cookie_goes_over_tls_alone(customer: Customer) -> None:
    url, fields = f"{customer.server.url}/login", {"secret": customer.key}
    plain = _answer(url, fields)[1]
    assert plain.startswith("cordboard=")
    assert "HttpOnly" in plain
    assert "SameSite=lax" in plain
    secure = _answer(url, fields, X_Forwarded_Proto="https")[1]
    assert secure.startswith("__Host-cordboard=")
    assert "Secure" in secure
    assert "Domain" not in secure


def test_a_form_that_comes_after_the_sessions_end_is_said_to_be_lost(customer: Customer, member: Person) -> None:
    member.open("/agents/new")
    member.fill(name="Anna", sip_uri="sip:a@127.0.2.1")
    member.page.context.clear_cookies()
    member.follow("Create agent")
    assert "session is over" in member.text
    assert "next=%2Fagents%2Fnew" in member.path


def test_a_form_that_lacks_what_ours_carry_is_told_so(customer: Customer, member: Person) -> None:
    member.open("/agents/new")
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in member.page.context.cookies())  # type: ignore[typeddict-item]
    token = member.page.locator("[name=csrf]").first.get_attribute("value") or ""
    url, fields = f"{customer.server.url}/agents/new", {"csrf": token, "name": "Anna", "sip_uri": "sip:a@127.0.2.1"}
    assert _post(url, fields, Cookie=cookie) == 400
    assert _post(url, {**fields, "once": "\u260e"}, Cookie=cookie) == 400
    assert _post(url, {**fields, "once": "1"}, Cookie=cookie, Origin="http://[") == 403


@pytest.mark.parametrize("path", ["/agents?tenant=nobody", "/agents/nothing", "/nothing"])
def test_an_address_that_leads_nowhere_is_a_page(admin: Person, path: str) -> None:
    admin.open(path, status=404)
    assert "There is no" in admin.text or "nothing" in admin.text or "Not Found" in admin.text
