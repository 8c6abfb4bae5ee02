"""Whatever a client sends: a clear answer in the dialect's shape, and nothing changed."""

import asyncio
import http.client
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from cordboard.dialects.http import MAX_BODY
from tests.builders import World, dump, fresh_number, import_body
from tests.dialects.diga import shapes
from tests.dialects.diga.caller import Caller, calling, locations
from tests.live import served

pytestmark = pytest.mark.anyio


@pytest.fixture
async def caller(shared_world: World) -> AsyncIterator[Caller]:
    async with calling(shared_world) as made:
        yield made


def imports(**fields: Any) -> bytes:
    return json.dumps({"phone_number": fresh_number(), **fields}).encode()


OPERATIONS = ("POST /v1/phone/import", "PATCH /v1/phone/{id}", "PATCH /v1/phone/{id}/sip-config")
#: No operation takes these.
NOT_JSON = {
    "nothing": b"",
    "a space": b" ",
    "an object that does not end": b'{"nickname": "x"',
    "two objects": b"{}{}",
    "single quotes": b"{'nickname': 'x'}",
    "a trailing comma": b'{"nickname": "x",}',
    "a comment": b'{} // "x"',
    "an unquoted key": b"{nickname: 1}",
    "invalid UTF-8": b'{"nickname": "\xff\xfe"}',
    "an overlong encoding": b'{"nickname": "\xc0\x80"}',
    "a surrogate in UTF-8": b'{"nickname": "\xed\xa0\x80"}',
    "a lone surrogate, escaped": b'{"nickname": "\\ud800"}',
    "a lone low surrogate, escaped": b'{"nickname": "x\\udc00"}',
    "an unknown escape": b'{"nickname": "\\x41"}',
    "a raw control character": b'{"nickname": "a\x01b"}',
    "UTF-16": '{"nickname": "x"}'.encode("utf-16"),
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    "a form": b"nickname=x&phone_number=y",
    "deep nesting of lists": b"[" * 100_000,
    "deep nesting in a field": b'{"nickname": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    "a list": b"[]",
    "a string": b'"x"',
    "a number": b"5",
    "null": b"null",
    "NUL alone": b"\0",
}


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_what_is_not_a_json_object_is_422(caller: Caller, operation: str) -> None:
    phone = await caller.imported()
    method, path = operation.format(id=phone["id"]).split()
    before = await dump(caller.world)
    for what, content in NOT_JSON.items():
        answer = await caller.http.request(method, path, content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, (what, answer.text)
        shapes.Detail.model_validate(answer.json())
        assert all(field["loc"][0] == "body" for field in answer.json()["detail"]), what
    assert await dump(caller.world) == before


def bad_imports() -> Iterator[tuple[str, bytes]]:
    yield "wrong types all over", json.dumps({"phone_number": 1, "nickname": {}, "inbound_config": True}).encode()
    yield "a huge integer for a number", b'{"phone_number": ' + b"9" * 5000 + b"}"
    yield "infinity", b'{"phone_number": Infinity}'
    yield "a sip: prefix", imports(phone_number="sip:user@domain.com")
    yield "a tel: prefix", imports(phone_number="tel:+34911234567")
    yield "SQL in the number", imports(phone_number="+34911234567'; drop table number; --")
    yield "SQL in the user", imports(phone_number="x'||(select 1)||'@domain.com")
    yield "a header in the number", imports(phone_number="+34911234567\r\nRoute: <sip:evil>")
    yield "a pseudo-variable in the user", imports(phone_number="$ru@domain.com")
    yield "NUL in the number", imports(phone_number="+349112\u000034567")
    yield "NUL in the nickname", imports(nickname="a\u0000b")
    yield "a number of a megabyte", imports(phone_number="+" + "3" * 900_000)
    for bad in ("10.0.0.0/33", "10.0.0", "carrier.example", "", "10.0.0.0/24,", "fe80::1%eth0", "0/0"):
        yield f"a bad CIDR: {bad}", imports(inbound_config={"allowed_addresses": [bad]})
    for bad in ("c.example:0", "c.example:65536", "c.example:-1", "c.example:99999999999", "c.example:1e3"):
        yield f"a bad port: {bad}", imports(outbound_config={"termination_uri": bad})
    for bad in ("sip:c.example", "sips:c.example", "//c.example", "u:p@c.example", "c.example;x=y", "127.1"):
        yield f"a bad host: {bad}", imports(outbound_config={"termination_uri": bad})
    for field in ("username", "password"):
        bad_outbound = {"termination_uri": "c.example", field: "a\r\nVia: evil"}
        yield f"a header in the {field}", imports(outbound_config=bad_outbound)
        yield f"NUL in the {field}", imports(outbound_config={"termination_uri": "c.example", field: "a\u0000"})
    yield "both bodies", imports(sip_config={"termination_uri": "c"}, outbound_config={"termination_uri": "c"})
    yield (
        "a duplicate key of which the last is wrong",
        b'{"phone_number": "+34911234567", "phone_number": "x"}',
    )


async def test_a_bad_import_is_422_and_changes_nothing(caller: Caller) -> None:
    before = await dump(caller.world)
    for what, content in bad_imports():
        answer = await caller.send("POST", "/v1/phone/import", content=content)
        assert answer.status_code == 422, (what, answer.text)
        assert len(answer.content) < 2000, f"{what}: the answer repeats what was sent"
    assert await dump(caller.world) == before


async def test_of_duplicate_keys_the_last_counts(caller: Caller) -> None:
    number = fresh_number()
    content = b'{"phone_number": "x", "phone_number": "' + number.encode() + b'"}'
    answer = await caller.send("POST", "/v1/phone/import", content=content)
    assert answer.json()["number"] == number


async def test_words_from_everywhere_are_kept_as_they_are(caller: Caller) -> None:
    for nickname in ("Ñandú ☎ 日本語 \U0001f600", "'; drop table number; --", '%s {0} \\ " \n\t', "\u202e", "$ru"):
        phone = await caller.imported(nickname=nickname)
        assert phone["nickname"] == nickname
        assert (await caller.phone(phone["id"]))["nickname"] == nickname


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_a_body_over_one_mebibyte_is_413(caller: Caller, operation: str) -> None:
    phone = await caller.imported()
    method, path = operation.format(id=phone["id"]).split()
    before = await dump(caller.world)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 1024 * 1024

    for content in (b" " * (MAX_BODY + 1), b"x" * 11 * 1024 * 1024, chunks()):
        refused = await caller.refused(method, path, 413, content=content)
        assert refused == {
            "status": "error",
            "error_code": "PAYLOAD_TOO_LARGE",
            "message": "The body is larger than 1 MiB",
        }
    assert await dump(caller.world) == before


async def test_a_body_of_one_mebibyte_is_read(caller: Caller) -> None:
    content = json.dumps(import_body()).encode()
    answer = await caller.send("POST", "/v1/phone/import", content=content.ljust(MAX_BODY))
    assert answer.status_code == 200


def send_large(url: str, key: str, *, chunked: bool) -> tuple[int, Any]:
    """POST 11 MB to a real server, with or without a content-length."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
    body = b" " * 11_000_000
    content: Any = (body[at : at + 65536] for at in range(0, len(body), 65536)) if chunked else body
    connection.request(
        "POST",
        "/v1/phone/import",
        body=content,
        headers={"Authorization": f"Bearer {key}"},
        encode_chunked=chunked,
    )
    answer = connection.getresponse()
    result = answer.status, json.loads(answer.read())
    connection.close()
    return result


@pytest.mark.parametrize("chunked", [False, True])
async def test_eleven_megabytes_to_a_real_server_are_413(caller: Caller, chunked: bool) -> None:
    key = str(caller.http.headers["authorization"]).partition(" ")[2]
    async with served(caller.world) as url:
        status, body = await asyncio.to_thread(send_large, url, key, chunked=chunked)
        assert (status, body["error_code"]) == (413, "PAYLOAD_TOO_LARGE")
        # and the server goes on
        assert (await caller.send("GET", "/v1/phone/")).status_code == 200


async def test_a_stranger_s_large_body_is_401_without_being_read(caller: Caller) -> None:
    async with caller.world.client("sk-nobody") as stranger:
        answer = await stranger.post("/v1/phone/import", content=b"x" * (MAX_BODY + 1))
        assert answer.status_code == 401


async def test_a_client_that_goes_away_in_the_middle_of_its_body_is_no_failure_of_ours(caller: Caller) -> None:
    key = str(caller.http.headers["authorization"]).partition(" ")[2]
    before = await dump(caller.world)
    async with served(caller.world) as url:
        where = urlsplit(url)
        with capture_logs() as logs:
            _, writer = await asyncio.open_connection(where.hostname, where.port)
            head = (
                f"POST /v1/phone/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: 100\r\n"
            )
            writer.write(head.encode() + b"\r\n{")
            await writer.drain()
            await asyncio.sleep(0.1)
            writer.close()
            await writer.wait_closed()
            await asyncio.sleep(0.1)
    assert not [line for line in logs if line["log_level"] == "error"], logs
    assert await dump(caller.world) == before


async def test_the_place_of_each_wrong_field_is_told_at_once(caller: Caller) -> None:
    body = {
        "phone_number": "x",
        "nickname": 1,
        "inbound_config": {"media_encryption": "x", "allowed_addresses": ["10.0.0.1", "x", "y"]},
        "outbound_config": {"termination_uri": "sip:x", "username": 2},
    }
    assert locations(await caller.refused("POST", "/v1/phone/import", 422, json=body)) == [
        ["body", "phone_number"],
        ["body", "nickname"],
        ["body", "inbound_config", "media_encryption"],
        ["body", "inbound_config", "allowed_addresses", 1],
        ["body", "inbound_config", "allowed_addresses", 2],
        ["body", "outbound_config", "termination_uri"],
        ["body", "outbound_config", "username"],
    ]
