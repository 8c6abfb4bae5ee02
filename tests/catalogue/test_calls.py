"""Each entry by a real call: the commands of its page are run, and the call reaches a server of that host name.

The server demands what the entry says: transport, request URI, SRTP or not, digest, how numbers are written, headers.
It is the tests' own, so this proves that the edge does what the entry says; that the other side wants it, the entry's
sources say.
"""

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cordboard.usecases.catalogue import entries
from tests.calls.phone import CRYPTO, Agent, Call, Message, Phone, sdp
from tests.calls.streams import StreamAgent
from tests.documents.installations import fresh
from tests.documents.others import Demands, Other
from tests.documents.pages import Block, blocks
from tests.processes import cordboard

pytestmark = [pytest.mark.calls, pytest.mark.slow]

SOMEBODY = "+15125550100"
#: A page's own number, so that pages can be followed one after another.
OURS = r"\+151255501\d\d"
#: Where pages have an agent that is nobody's platform.
AGENT = Other(
    host="agent.example.com",
    address="127.0.2.20",
    demands=(Demands(uri=rf"sip:{OURS}@agent\.example\.com;transport=tcp", transport="tcp"),),
)


@dataclass(frozen=True, kw_only=True)
class Called:
    """The other side of a page: its host, and what it wants of an INVITE by the page's commands."""

    host: str
    address: str
    plain: Demands
    #: By the commands under *Encrypted*, if the page has such.
    encrypted: Demands | None = None
    #: How a carrier writes a number.
    writes: Callable[[str], str] = str
    #: Another of a platform's hosts, which wants the same, and what to `--set` for it.
    elsewhere: tuple[str, str] | None = None

    @property
    def others(self) -> list[Other]:
        demands = tuple(filter(None, (self.plain, self.encrypted)))
        found = [Other(host=self.host, address=self.address, demands=demands)]
        if self.elsewhere is not None:
            host = self.elsewhere[0]
            there = [replace(each, uri=each.uri.replace(re.escape(self.host), re.escape(host))) for each in demands]
            found.append(Other(host=host, address=f"{self.address}1", demands=tuple(there)))
        return found


G722_TOO = ("PCMU", "PCMA", "G722")


def by_tcp(host: str, codecs: tuple[str, ...] = ()) -> Demands:
    uri = rf"sip:{OURS}@{re.escape(host)};transport=tcp"
    return Demands(uri=uri, transport="tcp", called=OURS, codecs=codecs)


def by_tls(host: str, codecs: tuple[str, ...] = ()) -> Demands:
    uri = rf"sip:{OURS}@{re.escape(host)};transport=tls"
    return Demands(uri=uri, transport="tls", called=OURS, codecs=codecs, encrypted=True)


PLATFORMS = {
    "openai": Called(
        host="sip.api.openai.com",
        address="127.0.2.11",
        plain=Demands(
            uri=r"sip:proj_0123456789abcdef@sip\.api\.openai\.com;transport=tls",
            transport="tls",
            called=OURS,
            encrypted=True,
            codecs=("PCMU", "PCMA"),
        ),
        elsewhere=("sip-eu.api.openai.com", "host=sip-eu.api.openai.com"),
    ),
    "elevenlabs": Called(
        host="sip.rtc.elevenlabs.io",
        address="127.0.2.12",
        plain=by_tcp("sip.rtc.elevenlabs.io", G722_TOO),
        encrypted=by_tls("sip.rtc.elevenlabs.io", G722_TOO),
        elsewhere=("sip.rtc.eu.residency.elevenlabs.io", "host=sip.rtc.eu.residency.elevenlabs.io"),
    ),
    "retell": Called(
        host="sip.retellai.com",
        address="127.0.2.13",
        plain=by_tcp("sip.retellai.com", G722_TOO),
        encrypted=by_tls("sip.retellai.com", G722_TOO),
    ),
    "vapi": Called(
        host="sip.vapi.ai",
        address="127.0.2.14",
        plain=Demands(uri=r"sip:acme-support@sip\.vapi\.ai;transport=udp", called=OURS, headers={"X-Customer": "Acme"}),
        elsewhere=("sip.eu.vapi.ai", "host=sip.eu.vapi.ai"),
    ),
    "livekit": Called(
        host="vjnxecm0tjk.sip.livekit.cloud",
        address="127.0.2.15",
        plain=by_tcp("vjnxecm0tjk.sip.livekit.cloud"),
        encrypted=by_tls("vjnxecm0tjk.sip.livekit.cloud"),
        elsewhere=("vjnxecm0tjk.eu.sip.livekit.cloud", "subdomain=vjnxecm0tjk.eu"),
    ),
}
TWILIO = Demands(
    uri=r"sip:\+15125550100@acme\.pstn\.twilio\.com",
    caller=OURS,
    called=r"\+15125550100",
    login=("acme", "TheOneOfTheList1", "sip.twilio.com"),
)
CARRIERS = {
    "twilio": Called(
        host="acme.pstn.twilio.com",
        address="127.0.1.11",
        plain=TWILIO,
        encrypted=replace(TWILIO, transport="tls", encrypted=True),
    ),
    "telnyx": Called(
        host="sip.telnyx.com",
        address="127.0.1.12",
        plain=Demands(
            uri=r"sip:\+15125550100@sip\.telnyx\.com",
            caller=OURS,
            called=r"\+15125550100",
            headers={"X-Telnyx-Username": "acme4711"},
            login=("acme4711", "TheOneOfTheConnection", "sip.telnyx.com"),
        ),
    ),
    "didww": Called(
        host="fra.eu.out.didww.com",
        address="127.0.1.13",
        plain=Demands(
            uri=r"sip:15125550100@fra\.eu\.out\.didww\.com",
            caller=OURS.removeprefix(r"\+"),
            called="15125550100",
            login=("acme", "TheOneOfTheOutboundTrunk", "out.didww.com"),
        ),
        writes=lambda number: number.removeprefix("+"),
    ),
}


def test_every_entry_is_called() -> None:
    kinds = {entry.id: entry.kind for entry in entries().values()}
    assert kinds == dict.fromkeys(PLATFORMS, "platform") | dict.fromkeys(CARRIERS, "carrier")


@pytest.mark.parametrize("entry", PLATFORMS)
def test_a_call_reaches_a_platform_by_the_commands_of_its_page(entry: str) -> None:
    platform, number, (first, encrypted) = PLATFORMS[entry], number_of(entry), parts(entry)
    assert (platform.encrypted is not None) == bool(encrypted)
    with fresh(platform.others) as installed, Phone("127.0.1.1") as carrier:

        def reached(wanted: Demands, host: str = platform.host) -> None:
            servers = installed.others[host]
            call = carrier.call(installed.sip, number, caller=SOMEBODY)
            assert call.status == 200, [server.calls for server in servers.values()]
            assert len(servers[wanted.transport].calls) == 1
            assert_named(servers[wanted.transport], host)
            assert call.hang_up() == 200

        assert_explained(installed.run(first))
        assert carrier.call(installed.sip, number, caller=SOMEBODY).status == 403, "from nobody's address"
        cordboard(installed.folder / "data", "trunk", "allow", number, "127.0.1.1")
        reached(platform.plain)
        if platform.encrypted is not None:
            installed.run(encrypted)
            reached(platform.encrypted)
        if platform.elsewhere is not None:
            host, said = platform.elsewhere
            publish(installed.folder / "data", entry, [block.text for block in first], said)
            reached(platform.plain, host)


@pytest.mark.parametrize("entry", CARRIERS)
def test_calls_come_from_a_carrier_and_go_to_it_by_the_commands_of_its_page(entry: str) -> None:
    carrier, number, (first, encrypted) = CARRIERS[entry], number_of(entry), parts(entry)
    assert (carrier.encrypted is not None) == bool(encrypted)
    with fresh([*carrier.others, AGENT]) as installed, Phone(carrier.address) as theirs, Phone("127.0.2.9") as bot:
        data, servers = installed.folder / "data", installed.others[carrier.host]
        called, caller = carrier.writes(number), carrier.writes(SOMEBODY)
        secret = sdp(theirs.address[0], profile="RTP/SAVP", extra=CRYPTO)
        told = installed.run(first)
        assert_explained(told)
        login = agent_login(told)

        assert theirs.call(installed.sip, called, caller=caller).status == 403, "its ranges are not of this machine"
        cordboard(data, "trunk", "allow", number, carrier.address)
        talk(theirs.call(installed.sip, called, caller=caller))
        assert theirs.call(installed.sip, called, caller=caller, body=secret).status == 488
        talk(bot.call(installed.sip, SOMEBODY, caller=number, credentials=login))
        assert len(for_numbers(servers[carrier.plain.transport])) == 1
        if carrier.encrypted is not None:
            installed.run(encrypted)
            talk(theirs.call(installed.sip, called, caller=caller, body=secret))
            assert theirs.call(installed.sip, called, caller=caller).status == 488
            talk(bot.call(installed.sip, SOMEBODY, caller=number, credentials=login))
            assert len(for_numbers(servers[carrier.encrypted.transport])) == 1
            assert_named(servers[carrier.encrypted.transport], carrier.host)

        cordboard(data, "trunk", "update", number, "--password", "AnotherOne1234")
        assert bot.call(installed.sip, SOMEBODY, caller=number, credentials=login).status == 503, "carrier-auth"


def number_of(entry: str) -> str:
    """The number that a page's commands bring in."""
    text = "\n".join(block.text for block in blocks(f"docs/howto/{entry}.md"))
    (number,) = set(re.findall(OURS, text)) - {SOMEBODY}
    return number


def parts(entry: str) -> tuple[list[Block], list[Block]]:
    """The blocks of an entry's page, those under *Encrypted* apart."""
    found = blocks(f"docs/howto/{entry}.md")
    return [b for b in found if b.heading != "Encrypted"], [b for b in found if b.heading == "Encrypted"]


def agent_login(told: str) -> tuple[str, str]:
    """With what the agent may call out, as the page's commands printed it."""
    found = re.search(r'"username": "([\w-]+)",\s+"password": "(\w{24})"', told)
    assert found is not None, told
    return found[1], found[2]


def assert_explained(told: str) -> None:
    """The page's `explain` said that the call gets through: it ends well with a refused one, too."""
    assert "taken, inbound" in told, told


def publish(data: Path, entry: str, texts: list[str], said: str) -> None:
    """Another version of the page's agent, as `agent create` there has it but for what is said here."""
    command = next(text for text in texts if "agent create" in text).replace("\\\n", "")
    words = shlex.split(command.partition("--from ")[2], comments=True)
    made = cordboard(data, "agent", "version", "create", "--agent", entry, "--from", *words, "--set", said)
    version = json.loads(made.stdout)["version_id"]
    cordboard(data, "agent", "version", "publish", "--agent", entry, "--version", version)


def for_numbers(server: Agent) -> list[Message]:
    """The calls that are no verification's."""
    return [invite for invite in server.calls if "cordboard-verify" not in invite.first]


def assert_named(server: Agent, host: str) -> None:
    """By TLS the server was asked for its own name, by every connection."""
    if isinstance(server, StreamAgent) and server.transport == "TLS":
        assert set(server.asked) == {host}


def talk(call: Call) -> None:
    assert call.status == 200, call.answer
    assert call.hang_up() == 200
