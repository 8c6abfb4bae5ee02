"""TLS as a user sets it up: three settings, a gateway by name, and the certificate of that name."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.calls.certificates import Authority
from tests.calls.edges import data_directory, free_port
from tests.calls.phone import Phone
from tests.calls.streams import StreamAgent
from tests.dns import NameServer, name_server
from tests.processes import cordboard
from tests.serve.installations import Installation, installation

pytestmark = pytest.mark.calls

CALLED, BOT = "+15125550100", "127.0.2.9"


@pytest.fixture(scope="module")
def dns() -> Iterator[NameServer]:
    with name_server() as server:
        yield server


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with data_directory() as folder:
        yield Authority(folder)


@pytest.fixture(scope="module")
def installed(dns: NameServer, authority: Authority) -> Iterator[Installation]:
    certificate, key = authority.issue("edge.test", "edge.test")
    settings = {
        "CORDBOARD_DNS_SERVERS": dns.at,
        "CORDBOARD_TLS_LISTEN": f"127.0.0.1:{free_port()}",
        "CORDBOARD_TLS_CERTIFICATE": str(certificate),
        "CORDBOARD_TLS_KEY": str(key),
        "CORDBOARD_TLS_CA_FILE": str(authority.certificate),
        "CORDBOARD_PROBE_SECONDS": "1",
    }
    with installation(**settings) as made:
        agent = ("agent", "create", "--tenant", "Acme", "--name", "Bot", "--sip-uri", f"sip:bot@{BOT}")
        version = json.loads(cordboard(made.server.data, *agent, "--from-address", BOT).stdout)["version_id"]
        assert made.patch("", {"outbound_version_id": version}) == 200
        yield made


def health(installed: Installation) -> dict[str, object]:
    shown = cordboard(installed.server.data, "trunk", "health", installed.number, "--json")
    return dict(json.loads(shown.stdout)["data"][0]["gateways"][0])


def is_told(installed: Installation, reason: str) -> bool:
    """Whether a call's record says so; they come within a second."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if reason in cordboard(installed.server.data, "call", "list", "--tenant", "Acme", "--json").stdout:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("probed", ["--probe", "--no-probe"])
def test_a_gateway_of_a_domain_shows_the_domain_s_certificate(
    installed: Installation, dns: NameServer, authority: Authority, probed: str
) -> None:
    domain = f"{probed[2:]}.carrier.test"
    context = authority.serving("node", domain)
    with StreamAgent("127.0.1.7", free_port("127.0.1.7"), context=context) as gateway, Phone(BOT) as bot:
        dns.set(f"_sips._tcp.{domain}", "SRV", f"0 0 {gateway.address[1]} node.test.")
        dns.set("node.test", "A", "127.0.1.7")
        cordboard(installed.server.data, "trunk", "update", installed.number, "--gateway", domain, probed)
        if probed == "--probe":
            assert gateway.wait(lambda m: m.method == "OPTIONS", 10)
        call = bot.call(installed.sip, CALLED, caller=installed.number)
        assert call.status == 200
        assert gateway.calls[0].first == f"INVITE sip:{CALLED}@{domain} SIP/2.0"
        assert gateway.asked == [domain], "one connection for questions and calls"
        assert call.hang_up() == 200
        assert health(installed)["uri"] == f"sip:{gateway.at};transport=tls"


def test_a_gateway_with_another_certificate_is_taken_once_the_user_says_so(
    installed: Installation, authority: Authority
) -> None:
    context = authority.serving("x", "another.test")
    with StreamAgent("127.0.1.8", free_port("127.0.1.8"), context=context) as gateway, Phone(BOT) as bot:
        update = ("trunk", "update", installed.number)
        cordboard(installed.server.data, *update, "--gateway", f"{gateway.at};transport=tls")
        refused = bot.call(installed.sip, CALLED, caller=installed.number)
        assert refused.status == 503
        assert is_told(installed, "tls-name")
        cordboard(installed.server.data, *update, "--no-tls-verify")
        call = bot.call(installed.sip, CALLED, caller=installed.number)
        assert call.status == 200
        assert call.hang_up() == 200
