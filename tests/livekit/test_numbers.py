"""What LiveKit holds for numbers and trunks, and what becomes of it when they change."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from livekit import api

from tests.builders import fresh_number
from tests.livekit.installation import Installation, ask, held, installation
from tests.livekit.servers import LiveKit
from tests.processes import cordboard


@pytest.fixture(scope="module")
def served(livekit: LiveKit, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with installation(tmp_path_factory.mktemp("served"), livekit.url) as running:
        yield running


GATEWAY = {"termination_uri": "gw.example.com:5080", "username": "acme", "password": "s3cret-of-acme"}


def test_a_number_with_an_agent_has_a_trunk_and_a_rule(livekit: LiveKit, served: Installation) -> None:
    number, _ = served.answered(inbound_config={"allowed_addresses": ["192.0.2.0/25", "198.51.100.7"]})
    (trunk,), (rule,) = held(livekit).of(number)
    assert trunk["numbers"] == [number]
    assert trunk["allowed_addresses"] == ["192.0.2.0/25", "198.51.100.7/32"]
    assert trunk["media"]["encryption"] == "SIP_MEDIA_ENCRYPT_ALLOW"
    assert rule["trunk_ids"] == [trunk["sip_trunk_id"]]
    assert rule["rule"] == {"dispatch_rule_individual": {"room_prefix": "call-"}}
    assert [agent["agent_name"] for agent in rule["room_config"]["agents"]] == ["reception"]
    assert rule["attributes"]["cordboard.number"] == number
    assert json.loads(trunk["metadata"])["key"] == f"number:{number}"


def test_a_number_without_an_agent_has_none(livekit: LiveKit, served: Installation) -> None:
    number, _ = served.imported()
    assert held(livekit).of(number) == ([], [])


def test_everything_goes_with_the_number(livekit: LiveKit, served: Installation) -> None:
    before = held(livekit)
    _, phone = served.answered(outbound_config=GATEWAY)
    assert held(livekit) != before
    assert served.request("DELETE", f"/{phone}")[0] == 204
    assert held(livekit) == before


def test_an_import_reaches_livekit_number_by_number_and_its_dry_run_does_not(
    livekit: LiveKit, served: Installation, tmp_path: Path
) -> None:
    numbers = [fresh_number() for _ in range(120)]
    file = tmp_path / "numbers.csv"
    file.write_text("number,allowed_addresses\n" + "".join(f"{number},192.0.2.0/24\n" for number in numbers))
    data = served.server.data
    cordboard(data, "agent", "create", "--tenant", "Acme", "--name", "importer", "--sip-uri", "sip:importer@a.example")
    command = ("number", "import", str(file), "--tenant", "Acme", "--agent", "importer", "--json")
    before = held(livekit)
    cordboard(data, *command, "--dry-run")
    assert held(livekit) == before
    assert json.loads(cordboard(data, *command).stdout)["imported"] == 120
    there = held(livekit)
    for number in numbers:
        (trunk,), (rule,) = there.of(number)
        assert trunk["numbers"] == [number]
        assert [agent["agent_name"] for agent in rule["room_config"]["agents"]] == ["importer"]
    agents = json.loads(cordboard(data, "agent", "list", "--tenant", "Acme", "--json").stdout)["data"]
    (agent,) = [each["agent_id"] for each in agents if each["name"] == "importer"]
    cordboard(data, "agent", "delete", agent, "--detach", "--yes")
    assert held(livekit) == before


def test_a_gateway_is_an_outbound_trunk_and_its_id_the_provider_s(livekit: LiveKit, served: Installation) -> None:
    number, phone = served.imported(outbound_config={**GATEWAY, "media_encryption": "require"})
    (trunk,) = [each for each in held(livekit).outbound if each["numbers"] == [number]]
    assert trunk["address"] == "gw.example.com:5080"
    assert trunk["media"]["encryption"] == "SIP_MEDIA_ENCRYPT_REQUIRE"
    assert (trunk["auth_username"], trunk["auth_password"]) == ("acme", "s3cret-of-acme")
    shown = json.loads(cordboard(served.server.data, "trunk", "show", number, "--json").stdout)
    assert shown["provider_id"] == trunk["sip_trunk_id"]
    assert served.request("PATCH", f"/{phone}/sip-config", {"outbound_config": {"termination_uri": None}})[0] == 200
    assert trunk["sip_trunk_id"] not in {each["sip_trunk_id"] for each in held(livekit).outbound}
    assert json.loads(cordboard(served.server.data, "trunk", "show", number, "--json").stdout)["provider_id"] is None


def test_a_password_stays_when_something_else_changes(livekit: LiveKit, served: Installation) -> None:
    """LiveKit's `replace` wipes what is left out, and its `update` does not reach every field."""
    number, _ = served.answered(outbound_config=GATEWAY)
    data = served.server.data
    cordboard(
        data, "trunk", "update", number, "--inbound-username", "carrier", "--inbound-password", "let-me-in-please"
    )
    cordboard(data, "trunk", "update", number, "--media-in", "require", "--media-out", "require")
    there = held(livekit)
    (trunk,), _ = there.of(number)
    assert (trunk["auth_username"], trunk["auth_password"]) == ("carrier", "let-me-in-please")
    assert trunk["media"]["encryption"] == "SIP_MEDIA_ENCRYPT_REQUIRE"
    (out,) = [each for each in there.outbound if each["numbers"] == [number]]
    assert out["auth_password"] == "s3cret-of-acme"


def test_what_somebody_else_set_on_our_trunk_stays(livekit: LiveKit, served: Installation) -> None:
    number, phone = served.answered()
    (trunk,), _ = held(livekit).of(number)

    async def set_krisp(sip: Any) -> None:
        (info,) = (
            await sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest(trunk_ids=[trunk["sip_trunk_id"]]))
        ).items
        info.krisp_enabled = True
        await sip.update_inbound_trunk(info.sip_trunk_id, info)

    ask(livekit, set_krisp)
    assert (
        served.request("PATCH", f"/{phone}/sip-config", {"inbound_config": {"allowed_addresses": ["192.0.2.1"]}})[0]
        == 200
    )
    (after,), _ = held(livekit).of(number)
    assert (after["sip_trunk_id"], after["krisp_enabled"]) == (trunk["sip_trunk_id"], True)
    assert after["allowed_addresses"] == ["192.0.2.1/32"]


def test_a_list_that_is_emptied_is_empty_there_too(livekit: LiveKit, served: Installation) -> None:
    """LiveKit's own client loses the `clear` of a list on its way."""
    number, phone = served.answered(inbound_config={"allowed_addresses": ["192.0.2.1"]})
    cordboard(served.server.data, "trunk", "update", number, "--caller", "+15125550100")
    body = {"inbound_config": {"allowed_addresses": []}}
    assert served.request("PATCH", f"/{phone}/sip-config", body)[0] == 200
    cordboard(served.server.data, "trunk", "update", number, "--default", "callers")
    (trunk,), _ = held(livekit).of(number)
    assert "allowed_addresses" not in trunk
    assert "allowed_numbers" not in trunk


def test_encryption_is_written_to_the_field_that_counts(livekit: LiveKit, served: Installation) -> None:
    """Once the newer field is set the older one is taken, and does nothing."""
    number, phone = served.answered(inbound_config={"media_encryption": "require"})
    (trunk,), _ = held(livekit).of(number)

    async def write_the_older_one(sip: Any) -> Any:
        (info,) = await _of_id(sip, trunk["sip_trunk_id"])
        info.media_encryption = api.SIPMediaEncryption.SIP_MEDIA_ENCRYPT_DISABLE
        return await sip.update_inbound_trunk(info.sip_trunk_id, info)

    assert ask(livekit, write_the_older_one).media.encryption == api.SIPMediaEncryption.SIP_MEDIA_ENCRYPT_REQUIRE
    body = {"inbound_config": {"media_encryption": "disable"}}
    assert served.request("PATCH", f"/{phone}/sip-config", body)[0] == 200
    (trunk,), _ = held(livekit).of(number)
    assert trunk["media"]["encryption"] == "SIP_MEDIA_ENCRYPT_DISABLE"


async def _of_id(sip: Any, id: str) -> list[Any]:
    return list((await sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest(trunk_ids=[id]))).items)


def test_a_foreign_trunk_of_the_number_is_a_502_and_nothing_changes(livekit: LiveKit, served: Installation) -> None:
    number, phone = served.imported()
    foreign = ask(livekit, lambda sip: sip.create_inbound_trunk(_foreign(numbers=[number])))
    before, stored = held(livekit), served.request("GET", f"/{phone}")
    status, said = served.request("PATCH", f"/{phone}", {"inbound_version_id": served.version})
    assert (status, said["error_code"]) == (502, "SIP_PROVIDER_ERROR")
    assert "Conflicting inbound SIP Trunks" in said["message"]
    assert held(livekit) == before
    assert served.request("GET", f"/{phone}") == stored
    ask(livekit, lambda sip: sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=foreign.sip_trunk_id)))
    assert served.request("PATCH", f"/{phone}", {"inbound_version_id": served.version})[0] == 200


def test_two_trunks_that_livekit_takes_for_no_conflict_are_one_for_us(livekit: LiveKit, served: Installation) -> None:
    """One names who may call: LiveKit takes both, and then refuses the calls of that caller."""
    number, phone = served.imported()
    foreign = ask(
        livekit, lambda sip: sip.create_inbound_trunk(_foreign(numbers=[number], allowed_numbers=["+15125550100"]))
    )
    status, said = served.request("PATCH", f"/{phone}", {"inbound_version_id": served.version})
    assert (status, said["message"]) == (502, f"LiveKit's trunk {foreign.sip_trunk_id} takes {number} too")
    trunks, _ = held(livekit).of(number)
    assert [each["sip_trunk_id"] for each in trunks] == [foreign.sip_trunk_id]
    ask(livekit, lambda sip: sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=foreign.sip_trunk_id)))


def _foreign(**fields: Any) -> Any:
    return api.CreateSIPInboundTrunkRequest(trunk=api.SIPInboundTrunkInfo(name="foreign", **fields))


def test_the_plan_shows_what_was_changed_by_hand_and_apply_takes_it_back(
    livekit: LiveKit, served: Installation
) -> None:
    number, _ = served.answered(outbound_config=GATEWAY)
    assert served.plan()["changes"] == []
    (trunk,), (rule,) = held(livekit).of(number)

    async def meddle(sip: Any) -> None:
        (info,) = (
            await sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest(trunk_ids=[trunk["sip_trunk_id"]]))
        ).items
        info.allowed_addresses.append("203.0.113.0/24")
        await sip.update_inbound_trunk(info.sip_trunk_id, info)
        await sip.delete_dispatch_rule(
            api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule["sip_dispatch_rule_id"])
        )
        await sip.create_inbound_trunk(_foreign(numbers=["+34600000001"]))

    ask(livekit, meddle)
    assert served.plan()["changes"] == [
        {"key": f"number:{number}", "action": "update", "fields": ["trunk.addresses", "rule"]}
    ]
    assert "trunk.addresses rule" in cordboard(served.server.data, "livekit", "apply").stdout
    assert served.plan()["changes"] == []
    assert any(each["name"] == "foreign" for each in held(livekit).inbound)


def test_a_mass_deletion_must_be_meant(livekit: LiveKit, served: Installation) -> None:
    """As when the server is pointed at an older copy of its store; here numbers lose their agent behind its back."""
    for _ in range(4):
        served.answered()
    with contextlib.closing(sqlite3.connect(served.server.data / "store.sqlite")) as store, store:
        store.execute("update number set inbound_agent_id = null")
    refused = cordboard(served.server.data, "livekit", "apply", ok=False)
    assert refused.returncode == 1
    assert "would be deleted at LiveKit" in refused.stderr
    assert held(livekit).rules
    cordboard(served.server.data, "livekit", "apply", "--yes")
    assert held(livekit).rules == []
    assert served.plan()["changes"] == []
