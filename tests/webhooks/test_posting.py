"""A post goes to an address that may be used and to no other, in bounded time, and follows nobody."""

import asyncio
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cordboard.domain.addresses import HostPolicy, HostPort
from cordboard.domain.errors import InvalidUrl, PrivateHost
from cordboard.domain.webhooks import Attempt, Message, check_url
from cordboard.engines.edge.names.servers import NameServers
from cordboard.engines.webhooks import post as posting
from cordboard.engines.webhooks.post import Post
from tests.calls.certificates import Authority
from tests.dns import NameServer
from tests.webhooks.receiver import receiver

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    with NameServer() as server:
        yield server


async def sent(url: str, names: NameServer, *, private: bool = True, authorities: Path | None = None) -> Attempt:
    dns = NameServers((HostPort(host=names.address, port=names.port),))
    made = Post(dns, HostPolicy(allow_private=private), "Cordboard/test", authorities)
    try:
        return await made.send(Message(url=url, headers=(("webhook-id", "e1"),), body=b"{}"), NOW)
    finally:
        await made.close()


async def test_a_name_is_looked_up_when_something_is_sent_there(names: NameServer) -> None:
    names.set("hooks.example", "A", "127.0.0.1")
    async with receiver() as there:
        took = await sent(f"http://hooks.example:{there.port}/a%20b?c=d", names)
        assert (took.status, took.error) == (204, None)
        (got,) = there.received
        assert (got.path, got.headers["host"]) == ("/a%20b?c=d", f"hooks.example:{there.port}")
        assert got.headers["user-agent"] == "Cordboard/test"
        await sent(f"http://hooks.example:{there.port}/", names)
        assert names.asked["hooks.example", "A"] == 2, "once for each attempt, and the connection goes where that led"


async def test_a_name_that_leads_inside_is_not_followed_there(names: NameServer) -> None:
    names.set("inside.example", "A", "127.0.0.1", "10.0.0.1")
    names.set("inside6.example", "AAAA", "::ffff:127.0.0.1", "fd00::1", "::1")
    async with receiver() as there:
        for host in ("inside.example", "inside6.example", "127.0.0.1", "localhost", "[::ffff:7f00:1]"):
            refused = await sent(f"http://{host}:{there.port}/", names, private=False)
            assert refused.status is None
            assert "private" in (refused.error or ""), host
        assert there.received == []


async def test_of_several_addresses_those_inside_are_left_out_and_the_others_tried(names: NameServer) -> None:
    names.set("mixed.example", "A", "127.0.0.1", "192.0.2.1")
    async with receiver() as there:
        judged = posting.Judged(NameServers((HostPort(host=names.address, port=names.port),)), HostPolicy())
        assert await judged._addresses("mixed.example") == ["192.0.2.1"]
        assert there.received == []


async def test_a_name_that_is_nowhere_is_said_so(names: NameServer) -> None:
    assert (await sent("http://nowhere.example/", names)).error == "nowhere.example has no address"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_a_failure_and_is_not_followed(names: NameServer, status: int) -> None:
    async with receiver() as inside, receiver(status=status, headers={"Location": inside.url}) as there:
        refused = await sent(there.url, names)
        assert (refused.status, inside.received) == (status, [])
        assert "not followed" in (refused.error or "")


async def test_what_takes_too_long_is_left(names: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "TIME", 0.2)
    async with receiver(delay=5) as there:
        began = asyncio.get_running_loop().time()
        late = await sent(there.url, names)
        assert asyncio.get_running_loop().time() - began < 2
        assert (late.status, late.error) == (None, "no answer within 0 seconds")


async def test_who_is_not_there_or_says_nonsense_is_a_failure(names: NameServer) -> None:
    async with receiver() as there:
        url = there.url
    assert "ConnectError" in ((await sent(url, names)).error or "")

    async def nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-nonsense\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(nonsense, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert "Error" in ((await sent(f"http://127.0.0.1:{port}/", names)).error or "")


async def test_https_is_held_to_the_certificate_of_its_name(names: NameServer, tmp_path: Path) -> None:
    names.set("hooks.example", "A", "127.0.0.1")
    authority = Authority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("hooks.example"))
    async with receiver(tls=context) as there:
        good = f"https://hooks.example:{there.port}/hook"
        assert (await sent(good, names, authorities=authority.certificate)).error is None
        stranger = await sent(good, names)
        wrong = await sent(f"https://127.0.0.1:{there.port}/hook", names, authorities=authority.certificate)
        for refused in (stranger, wrong):
            assert refused.status is None
            assert "certificate" in (refused.error or "").lower()
        assert len(there.received) == 1


@pytest.mark.parametrize("text", ["https://a.example", "https://a.example:8443/x?y=z", "https://192.0.2.1/"])
def test_a_url_that_can_be_posted_to(text: str) -> None:
    assert check_url(text, HostPolicy()) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("http://a.example/", "in clear"),
        ("ftp://a.example/", "another scheme"),
        ("a.example", "no scheme"),
        ("https://", "no host"),
        ("https://user:secret@a.example/", "a secret in it"),
        ("https://a.example/#part", "a fragment"),
        ("https://a.example:0/", "no port"),
        ("https://a.example:99999/", "no port"),
        ("https://a.example/a b", "a space"),
        ("https://a.example\\@127.0.0.1/", "read differently by others"),
        ("https://a.example/\r\nx: y", "a second header"),
        ("https://á.example/", "not ASCII"),
        ("https://127.1/", "an address in disguise"),
        ("https://0x7f000001/", "an address in disguise"),
        ("https://2130706433/", "an address in disguise"),
        ("https://[::1%25lo]/", "a zone"),
        ("https://a.example/" + "x" * 2048, "too long"),
    ],
)
def test_a_url_that_cannot(text: str, why: str) -> None:
    with pytest.raises(InvalidUrl):
        check_url(text, HostPolicy())
    if "http://" not in text:
        with pytest.raises(InvalidUrl):
            check_url(text, HostPolicy(allow_private=True))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "localhost", "x.internal", "[::1]", "[::ffff:10.0.0.1]", "[fd00::1]"],
)
def test_a_private_host_is_refused_when_it_is_written(host: str) -> None:
    with pytest.raises(PrivateHost):
        check_url(f"https://{host}/", HostPolicy())
    assert check_url(f"http://{host}:8080/x", HostPolicy(allow_private=True))
