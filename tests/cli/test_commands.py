"""The commands against a running server, as scripts outside rely on them."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests import processes
from tests.builders import fresh_number
from tests.cli.sessions import cordboard
from tests.processes import Server, call, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("data"), "--no-edge", ready="/readyz") as running:
        yield running


@pytest.fixture(scope="module")
def tenant(server: Server) -> str:
    return cordboard(server.data, "tenant", "create", "Acme", "--reference", "123").stdout.strip()


def test_a_key_is_printed_alone_and_opens_the_api(server: Server, tenant: str) -> None:
    key = cordboard(server.data, "key", "create", "--tenant", "Acme").stdout
    assert key.startswith("sk-")
    assert len(key.strip()) == 67
    assert call("GET", f"{server.url}/v1/phone/", key.strip())[0] == 200


def test_what_is_given_again_with_its_idempotency_key_is_done_once_and_prints_the_same(
    server: Server, tenant: str
) -> None:
    def create(name: str, key: str, *, ok: bool = True) -> CompletedProcess[str]:
        who = ("--tenant", "Acme", "--name", name)
        return cordboard(server.data, "key", "create", *who, "--idempotency-key", key, "--json", ok=ok)

    first = create("Given twice", "once").stdout
    assert json.loads(first)["key"].startswith("sk-")
    assert create("Given twice", "once").stdout == first
    listed = json.loads(cordboard(server.data, "key", "list", "--tenant", "Acme", "--json").stdout)["data"]
    assert [key["name"] for key in listed].count("Given twice") == 1
    assert create("Another", "once", ok=False).returncode == 1
    for unfit in ("two words", "clé", ""):
        assert create("Another", unfit, ok=False).returncode == 2


@pytest.mark.parametrize("ref", ["Acme", "123", "id"])
def test_a_tenant_is_found_by_name_reference_or_id(server: Server, tenant: str, ref: str) -> None:
    made = cordboard(server.data, "key", "create", "--tenant", tenant if ref == "id" else ref, "--json")
    assert json.loads(made.stdout)["tenant_id"] == tenant


def test_an_ambiguous_name_is_refused_with_the_ids(server: Server) -> None:
    first, second = (cordboard(server.data, "tenant", "create", "Twin") for _ in range(2))
    assert (first.stderr, "several tenants are called Twin now" in second.stderr) == ("", True)
    ids = {made.stdout.strip() for made in (first, second)}
    refused = cordboard(server.data, "key", "create", "--tenant", "Twin", ok=False)
    assert refused.returncode == 1
    assert all(refused.stderr.count(id) == 1 for id in ids)


def test_a_key_with_permissions_has_those_alone(server: Server, tenant: str) -> None:
    key = cordboard(server.data, "key", "create", "--tenant", "Acme", "--permission", "phones.view").stdout.strip()
    assert call("GET", f"{server.url}/v1/phone/", key)[0] == 200
    assert call("POST", f"{server.url}/v1/phone/import", key, {"phone_number": fresh_number()})[0] == 403


def test_an_unknown_permission_is_refused_with_the_known_ones(server: Server, tenant: str) -> None:
    refused = cordboard(server.data, "key", "create", "--tenant", "Acme", "--permission", "phones.eat", ok=False)
    assert refused.returncode == 1
    assert "phones.view" in refused.stderr


def test_a_revoked_key_is_refused_at_once(server: Server, tenant: str) -> None:
    made = json.loads(cordboard(server.data, "key", "create", "--tenant", "Acme", "--json").stdout)
    assert call("GET", f"{server.url}/v1/phone/", made["key"])[0] == 200
    cordboard(server.data, "key", "revoke", made["id"])
    assert call("GET", f"{server.url}/v1/phone/", made["key"])[0] == 401


def test_an_agent_prints_the_ids_that_the_api_takes(server: Server, tenant: str) -> None:
    uri = "sip:{number}@127.0.2.1:5070;transport=tcp"
    made = cordboard(
        server.data,
        "agent",
        "create",
        "--tenant",
        "Acme",
        "--name",
        "A",
        "--sip-uri",
        uri,
        "--from-address",
        "127.0.2.1",
    )
    agent = json.loads(made.stdout)
    key = cordboard(server.data, "key", "create", "--tenant", "Acme").stdout.strip()
    _, phone = call("POST", f"{server.url}/v1/phone/import", key, {"phone_number": fresh_number()})
    body = {"inbound_version_id": agent["version_id"]}
    _, phone = call("PATCH", f"{server.url}/v1/phone/{phone['id']}", key, body)
    assert phone["inbound_agent_id"] == agent["agent_id"]


def test_a_further_version_is_published_by_command(server: Server, tenant: str) -> None:
    made = cordboard(server.data, "agent", "create", "--tenant", "Acme", "--name", "B", "--sip-uri", "sip:b@127.0.2.1")
    agent = json.loads(made.stdout)["agent_id"]
    second = json.loads(
        cordboard(server.data, "agent", "version", "create", "--agent", agent, "--sip-uri", "sip:b@127.0.2.2").stdout
    )["version_id"]
    cordboard(server.data, "agent", "version", "publish", "--agent", agent, "--version", second)
    listed = json.loads(cordboard(server.data, "agent", "list", "--tenant", "Acme", "--json").stdout)["data"]
    assert {a["agent_id"]: a["published_version_id"] for a in listed}[agent] == second


def test_an_agent_s_password_is_printed_once_and_goes_on_with_its_versions(server: Server, tenant: str) -> None:
    options = (
        *("--tenant", "Acme", "--name", "C", "--sip-uri", "sip:c@127.0.2.1", "--username", "agent-c"),
        *("--encryption", "require", "--auth-username", "u", "--auth-password", "p", "--no-tls-verify"),
        *("--header", "X-One: 1: 2", "--header", "X-Two:2", "--codec", "opus", "--codec", "PCMA"),
    )
    agent = json.loads(cordboard(server.data, "agent", "create", *options, "--json").stdout)
    assert len(agent["password"]) >= 22
    again = ("agent", "version", "create", "--agent", agent["agent_id"], "--sip-uri", "sip:c@127.0.2.2")
    kept = json.loads(cordboard(server.data, *again).stdout)
    assert (kept["username"], kept["password"]) == ("agent-c", None)
    dropped = json.loads(cordboard(server.data, *again, "--no-username", "--from-address", "127.0.2.9").stdout)
    assert (dropped["username"], dropped["from_addresses"]) == (None, ["127.0.2.9"])
    dropped = json.loads(cordboard(server.data, *again, "--no-from-address").stdout)
    assert (dropped["username"], dropped["from_addresses"]) == ("agent-c", [])
    listed = cordboard(server.data, "agent", "version", "list", "--agent", agent["agent_id"], "--json").stdout
    first = json.loads(listed)["data"][0]
    assert first["headers"] == [{"name": "X-One", "value": "1: 2"}, {"name": "X-Two", "value": "2"}]
    assert (first["encryption"], first["codecs"], first["tls_verify"]) == ("require", ["opus", "PCMA"], False)
    assert agent["password"] not in listed
    refused = cordboard(server.data, "agent", "create", *options, ok=False)
    assert (refused.returncode, "agent-c" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    "options",
    [
        ("--username", "x", "--no-username"),
        ("--from-address", "192.0.2.1", "--no-from-address"),
        ("--header", "no colon"),
        ("--codec", "GSM"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_use(server: Server, tenant: str, options: tuple[str]) -> None:
    agent = ("agent", "create", "--tenant", "Acme", "--name", "D", "--sip-uri", "sip:d@127.0.2.1")
    assert cordboard(server.data, *agent, *options, ok=False).returncode == 2


#: What a gateway has if nothing is said of it.
NOTHING = dict.fromkeys(("port", "transport", "name", "priority", "weight"))


def test_a_system_trunk_is_made_listed_and_deleted(server: Server, tenant: str) -> None:
    options = ("--system", "--name", "Everybody's", "--gateway", "127.0.1.1", "--username", "u", "--password", "hidden")
    made = json.loads(cordboard(server.data, "trunk", "create", *options).stdout)
    assert (made["is_system"], made["tenant_id"], made["has_password"]) == (True, None, True)
    assert "hidden" not in str(made)
    assert made["id"] in cordboard(server.data, "trunk", "list", "--system").stdout
    assert made["id"] not in cordboard(server.data, "trunk", "list", "--tenant", "Acme").stdout
    own = json.loads(cordboard(server.data, "trunk", "create", "--tenant", "Acme", "--name", "Own").stdout)
    assert (own["is_system"], own["tenant_id"] is None) == (False, False)
    for trunk in (made, own):
        refused = cordboard(server.data, "trunk", "delete", trunk["id"], ok=False)
        assert (refused.returncode, "--yes" in refused.stderr) == (1, True)
        assert cordboard(server.data, "trunk", "delete", trunk["id"], "--yes").stdout == f"deleted {trunk['name']}\n"
        assert cordboard(server.data, "trunk", "show", trunk["id"], ok=False).returncode == 1
    neither = cordboard(server.data, "trunk", "create", "--name", "Nobody's", ok=False)
    assert (neither.returncode, "--tenant, or --system" in neither.stderr) == (2, True)


def test_a_trunk_is_shown_and_changed_by_its_number_or_its_id(server: Server, tenant: str) -> None:
    number = fresh_number()
    cordboard(server.data, "number", "add", number, "--tenant", "Acme")
    trunk = json.loads(cordboard(server.data, "trunk", "show", number, "--json").stdout)
    assert trunk["gateways"] == []
    options = (
        *("--gateway", "127.0.1.1:5080;priority=1", "--gateway", "[::1];transport=tcp;priority=10;weight=3"),
        *("--gateway", "localhost;transport=tls;priority=20"),
        *("--caller", "+34*", "--header", "X-Account: 7", "--max-calls", "5", "--failover-code", "404", "--register"),
        *("--number-format", "national", "--country-code", "34", "--called-number-from", "p-called-party-id"),
        *("--transport", "tls"),
        *("--username", "u", "--password", "top-secret", "--media-in", "require", "--media-out", "disable"),
        *("--allowed-address", "127.0.1.0/24", "--no-tls-verify", "--no-probe"),
    )
    changed = json.loads(cordboard(server.data, "trunk", "update", number, *options, "--json").stdout)
    assert changed == {
        **trunk,
        "gateways": [
            {**NOTHING, "host": "127.0.1.1", "port": 5080, "priority": 1},
            {**NOTHING, "host": "::1", "transport": "tcp", "priority": 10, "weight": 3},
            {**NOTHING, "host": "localhost", "transport": "tls", "priority": 20},
        ],
        "username": "u",
        "has_password": True,
        "media_in": "require",
        "media_out": "disable",
        "allowed_addresses": ["127.0.1.0/24"],
        "tls_verify": False,
        "probe": False,
        "options": {
            **trunk["options"],
            "callers": ["+34*"],
            "headers": [{"name": "X-Account", "value": "7"}],
            "max_calls": 5,
            "failover_codes": [404],
            "number_format": "national",
            "country_code": "34",
            "called_number_from": "p-called-party-id",
            "transport": "tls",
            "registration": {"expires": 600, "domain": None},
        },
        "updated_at": changed["updated_at"],
    }
    shown = cordboard(server.data, "trunk", "show", trunk["id"]).stdout
    assert "127.0.1.1:5080;priority=1 [::1];transport=tcp;priority=10;weight=3 localhost;transport=tls" in shown
    assert "X-Account:7" in shown
    assert "expires=600" in shown
    assert "top-secret" not in shown
    listed = cordboard(server.data, "trunk", "list", "--tenant", "Acme").stdout
    assert trunk["id"] in listed
    back = ("--no-gateway", "--allow-all-addresses", "--tls-verify", "--probe", "--default", "callers")
    cleared = json.loads(cordboard(server.data, "trunk", "update", trunk["id"], *back, "--json").stdout)
    assert (cleared["gateways"], cleared["username"], cleared["has_password"]) == ([], None, False)
    assert (cleared["allowed_addresses"], cleared["tls_verify"], cleared["probe"]) == ([], True, True)
    assert (cleared["options"]["callers"], cleared["options"]["registration"]) == ([], None)
    assert cleared["options"]["max_calls"] == 5
    refused = cordboard(server.data, "trunk", "update", fresh_number(), *back, ok=False)
    assert (refused.returncode, "not found" in refused.stderr) == (1, True)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--gateway", "sip:a.example"),
        ("--gateway", "a.example;transport=sctp"),
        ("--gateway", "a.example;lr"),
        ("--gateway", "a.example", "--no-gateway"),
        ("--username", "u", "--no-credentials"),
        ("--media-in", "maybe"),
    ],
)
def test_a_trunk_s_options_that_say_nothing_or_nonsense_are_wrong_use(
    server: Server, tenant: str, options: tuple[str, ...]
) -> None:
    assert cordboard(server.data, "trunk", "update", "+34911234567", *options, ok=False).returncode == 2


def test_platform_numbers_are_added_assigned_and_listed(server: Server, tenant: str) -> None:
    free, taken = fresh_number(), fresh_number()
    assert " reserved " in cordboard(server.data, "number", "add", free).stdout
    assert " assigned " in cordboard(server.data, "number", "add", taken, "--tenant", "Acme").stdout
    cordboard(server.data, "number", "assign", free, "--tenant", "123")
    listed = cordboard(server.data, "number", "list", "--tenant", "Acme").stdout
    assert free in listed
    assert taken in listed
    refused = cordboard(server.data, "number", "add", free, ok=False)
    assert (refused.returncode, "already in use" in refused.stderr) == (1, True)


def test_wrong_use_exits_with_2(server: Server) -> None:
    assert cordboard(server.data, "key", "create", ok=False).returncode == 2


def test_without_a_server_the_command_says_how_to_reach_one(tmp_path: Path) -> None:
    refused = cordboard(tmp_path, "tenant", "list", ok=False)
    assert refused.returncode == 1
    assert "cordboard serve --data" in refused.stderr


def test_the_servers_secrets_are_its_owners_alone(server: Server) -> None:
    for name in ("admin.token", "secrets.json", "store.sqlite"):
        assert stat.S_IMODE((server.data / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o711


@pytest.mark.slow
def test_a_second_server_on_the_same_directory_is_refused(server: Server) -> None:
    refused = processes.cordboard(server.data, "serve", "--no-edge", "--listen", "127.0.0.1:0", ok=False)
    assert refused.returncode == 1
    assert "another `cordboard serve` uses" in refused.stderr


@pytest.mark.slow
def test_a_taken_port_is_refused_with_what_to_do(server: Server, tmp_path: Path) -> None:
    listen = server.url.removeprefix("http://")
    refused = processes.cordboard(tmp_path, "serve", "--no-edge", "--listen", listen, ok=False)
    assert refused.returncode == 1
    assert "choose another --listen" in refused.stderr


@pytest.mark.slow
def test_an_operator_is_printed_with_its_password_once(server: Server) -> None:
    name, _, password = cordboard(server.data, "operator", "create", "acme-telecom").stdout.strip().partition(":")
    assert name == "acme-telecom"
    assert len(password) == 32
    again = cordboard(server.data, "operator", "password", "acme-telecom").stdout.strip()
    assert again.startswith("acme-telecom:")
    assert again.partition(":")[2] != password
    assert password not in cordboard(server.data, "operator", "list", "--json").stdout
    refused = cordboard(server.data, "operator", "create", "acme-telecom", ok=False)
    assert refused.returncode == 1
    assert "acme-telecom" in refused.stderr
    cordboard(server.data, "tenant", "create", "Its customer", "--operator", "acme-telecom")
    refused = cordboard(server.data, "operator", "delete", "acme-telecom", "--yes", ok=False)
    assert "1 customers" in refused.stderr
    cordboard(server.data, "tenant", "delete", "Its customer", "--yes")
    cordboard(server.data, "operator", "delete", "acme-telecom", "--yes")


@pytest.mark.slow
def test_two_operators_may_have_a_customer_of_one_reference(server: Server) -> None:
    for operator in ("one-op", "two-op"):
        cordboard(server.data, "operator", "create", operator)
        cordboard(server.data, "tenant", "create", f"of {operator}", "--operator", operator, "--reference", "77")
    refused = cordboard(server.data, "account", "create", "--tenant", "77", ok=False)
    assert refused.returncode == 1
    made = cordboard(server.data, "account", "create", "--tenant", "77", "--operator", "two-op")
    owner = json.loads(made.stdout)["tenant_id"]
    assert owner == cordboard(server.data, "tenant", "list", "--json").stdout.split("of two-op")[0].split('"')[-5]


def test_an_account_has_a_username_and_password_that_are_made_or_given(server: Server, tenant: str) -> None:
    made = json.loads(cordboard(server.data, "account", "create", "--tenant", "Acme").stdout)
    assert len(made["username"]) == 10
    assert len(made["password"]) == 20
    options = ("--username", "desk-1", "--password", "some-secret", "--internal-caller-id", "101", "--on-demand")
    given = json.loads(cordboard(server.data, "account", "create", "--tenant", "Acme", *options).stdout)
    assert (given["username"], given["password"], given["record"]) == ("desk-1", "some-secret", ["on-demand"])
    listed = cordboard(server.data, "account", "list", "--tenant", "Acme").stdout
    assert "desk-1" in listed
    assert "some-secret" not in listed


def test_an_account_is_changed_by_its_id_or_username(server: Server, tenant: str) -> None:
    cordboard(server.data, "account", "create", "--tenant", "Acme", "--username", "desk-2")
    options = ("--use-allowed-ips", "--allowed-ips", "127.0.0.1, 10.0.0.1/8", "--record", "incoming-external")
    changed = json.loads(cordboard(server.data, "account", "update", "desk-2", *options, "--json").stdout)
    assert (changed["use_allowed_ips"], changed["allowed_ips"]) == (True, "127.0.0.1/32,10.0.0.0/8")
    assert changed["record"] == ["incoming-external"]
    assert changed["registrations"] is None, "there is no edge to ask"
    cleared = ("--any-ip", "--allowed-ips", "", "--no-record")
    changed = json.loads(cordboard(server.data, "account", "update", changed["id"], *cleared, "--json").stdout)
    assert (changed["use_allowed_ips"], changed["allowed_ips"], changed["record"]) == (False, None, [])
    refused = cordboard(server.data, "account", "update", "desk-2", "--allow-external-calls", ok=False)
    assert refused.returncode == 1
    assert "external caller id" in refused.stderr
    assert cordboard(server.data, "account", "update", "desk-2", ok=False).returncode == 2


@pytest.mark.slow
def test_nothing_is_deleted_where_nobody_can_be_asked(server: Server, tenant: str) -> None:
    cordboard(server.data, "account", "create", "--tenant", "Acme", "--username", "desk-3")
    refused = cordboard(server.data, "account", "delete", "desk-3", ok=False)
    assert refused.returncode == 1
    assert "--yes" in refused.stderr
    cordboard(server.data, "account", "delete", "desk-3", "--yes")
    assert cordboard(server.data, "account", "show", "desk-3", ok=False).returncode == 1


@pytest.mark.slow
def test_a_limit_of_accounts_is_refused_with_the_limit(server: Server) -> None:
    cordboard(server.data, "tenant", "create", "Small", "--account-limit", "1")
    cordboard(server.data, "account", "create", "--tenant", "Small")
    refused = cordboard(server.data, "account", "create", "--tenant", "Small", ok=False)
    assert refused.returncode == 1
    assert "limit of 1 SIP accounts" in refused.stderr
    cordboard(server.data, "tenant", "update", "Small", "--no-account-limit")
    cordboard(server.data, "account", "create", "--tenant", "Small")


@pytest.mark.slow
def test_a_number_is_assigned_to_an_account_of_its_tenant_s(server: Server, tenant: str) -> None:
    number = fresh_number()
    cordboard(server.data, "number", "add", number, "--tenant", "Acme")
    made = json.loads(cordboard(server.data, "account", "create", "--tenant", "Acme").stdout)
    shown = json.loads(cordboard(server.data, "number", "assign", number, "--account", made["id"], "--json").stdout)
    assert shown["account_id"] == made["id"]
    cordboard(server.data, "tenant", "create", "Stranger")
    other = json.loads(cordboard(server.data, "account", "create", "--tenant", "Stranger").stdout)
    assert cordboard(server.data, "number", "assign", number, "--account", other["id"], ok=False).returncode == 1


def test_what_happens_is_listed_within_a_second_and_a_filter_that_is_none_is_refused(server: Server) -> None:
    made = cordboard(server.data, "tenant", "create", "Told of").stdout.strip()
    look = ("event", "list", "--type", "tenant.*", "--subject", made, "--json")
    for _ in range(50):
        found = json.loads(cordboard(server.data, *look).stdout)["data"]
        if found:
            break
    assert [event["type"] for event in found] == ["tenant.created"]
    assert "tenant.created" in cordboard(server.data, "event", "show", found[0]["id"]).stdout
    assert cordboard(server.data, "event", "list", "--type", "call.*").stdout == ""
    refused = cordboard(server.data, "event", "list", "--type", "calls!", ok=False)
    assert refused.returncode == 1
    assert "call.*" in refused.stderr


def test_a_webhook_is_made_tried_and_deleted(server: Server) -> None:
    made = json.loads(
        cordboard(
            server.data, "webhook", "create", "--url", "https://hooks.invalid/x", "--type", "call.*", "--json"
        ).stdout
    )
    assert made["secret"].startswith("whsec_")
    assert "whsec_" not in cordboard(server.data, "webhook", "show", made["id"]).stdout
    tried = cordboard(server.data, "webhook", "test", made["id"], ok=False)
    assert tried.returncode == 1
    assert "hooks.invalid" in tried.stderr
    assert "webhook.test" in cordboard(server.data, "webhook", "deliveries", made["id"]).stdout
    assert cordboard(server.data, "webhook", "replay", made["id"], "--failed").stdout == "1 on their way\n"
    assert "whsec_" in cordboard(server.data, "webhook", "rotate", made["id"]).stdout
    changed = cordboard(server.data, "webhook", "update", made["id"], "--disable", "--description", "Ours").stdout
    assert "Ours" in changed
    assert made["id"] in cordboard(server.data, "webhook", "list").stdout
    cordboard(server.data, "webhook", "delete", made["id"], "--yes")
    assert made["id"] not in cordboard(server.data, "webhook", "list").stdout
    assert cordboard(server.data, "webhook", "replay", made["id"], ok=False).returncode == 2
