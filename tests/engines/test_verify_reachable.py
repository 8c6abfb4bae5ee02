"""Whether a gateway is there: names, connections, TLS and OPTIONS, each against a carrier broken in that way."""

import contextlib
import datetime
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from cordboard.domain.verifications import Status
from cordboard.engines.edge.verify import prober as probing
from tests.calls.certificates import Authority
from tests.calls.edges import free_port
from tests.calls.phone import Agent, Message
from tests.calls.streams import StreamAgent
from tests.dns import NameServer, name_server
from tests.verifying import only, place, probed, prober, statuses

CARRIER = "127.0.1.31"
YEAR = datetime.timedelta(days=365)


@pytest.fixture
def dns() -> Iterator[NameServer]:
    with name_server() as server:
        yield server


@pytest.fixture
def carrier() -> Iterator[Agent]:
    with Agent(CARRIER) as phone:
        yield phone


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@contextlib.contextmanager
def by_tls(context: ssl.SSLContext) -> Iterator[StreamAgent]:
    with StreamAgent(CARRIER, context=context) as phone:
        yield phone


def test_a_healthy_carrier_passes_each_step(dns: NameServer, authority: Authority) -> None:
    context = authority.serving("gw.carrier.test", "gw.carrier.test", lasts=YEAR)
    with by_tls(context) as carrier:
        port = carrier.address[1]
        dns.set("carrier.test", "NAPTR", '10 10 "s" "SIPS+D2T" "" _sips._tcp.carrier.test.')
        dns.set("_sips._tcp.carrier.test", "SRV", f"10 5 {port} gw.carrier.test.")
        dns.set("gw.carrier.test", "A", CARRIER)
        # the name that was configured is the one that the certificate must have
        context.load_cert_chain(*authority.issue("carrier.test", "carrier.test", lasts=YEAR))
        steps = probed(prober(dns, authorities=authority.certificate), place("carrier.test"))
    assert statuses(steps) == dict.fromkeys(("dns", "connect", "tls", "options"), "passed")
    names, _, shown, answer = steps
    assert names.evidence["records"] == {
        "carrier.test NAPTR": ["10 10 sips+d2t _sips._tcp.carrier.test"],
        "_sips._tcp.carrier.test SRV": [f"10 5 {port} gw.carrier.test"],
        "gw.carrier.test A": [CARRIER],
    }
    assert shown.evidence["names"] == ["carrier.test"]
    assert answer.evidence["answer"] == "200 OK"
    assert answer.target == f"carrier.test ({CARRIER}:{port} tls)"


def test_a_name_that_leads_nowhere(dns: NameServer) -> None:
    step = only(probed(prober(dns), place("gone.test")), "dns")
    assert step.code == "dns-nothing"
    assert "gone.test" in step.summary


def test_an_srv_record_whose_target_is_dead(dns: NameServer) -> None:
    dns.set("_sip._udp.carrier.test", "SRV", "10 5 5060 dead.carrier.test.")
    steps = probed(prober(dns), place("carrier.test"))
    step = only(steps, "dns")
    assert (step.status, step.code) == (Status.FAILED, "srv-target-dead")
    assert "dead.carrier.test" in str(step.remedy)
    assert [each.status for each in steps[1:]] == ["skipped"] * 3


def test_one_of_two_srv_targets_is_dead_and_calls_still_go(dns: NameServer, carrier: Agent) -> None:
    records = (f"10 5 {carrier.address[1]} gw.carrier.test.", "20 5 5060 dead.carrier.test.")
    dns.set("_sip._udp.carrier.test", "SRV", *records)
    dns.set("gw.carrier.test", "A", CARRIER)
    steps = probed(prober(dns), place("carrier.test"))
    step = only(steps, "dns")
    assert (step.status, step.code) == (Status.WARNING, "srv-target-dead")
    assert statuses(steps)["options"] == "passed"


def test_a_host_that_its_platform_has_given_up(dns: NameServer, carrier: Agent) -> None:
    host = "5t4n6j0wnrl.sip.livekit.cloud"
    step = only(probed(prober(dns), place(host)), "dns")
    assert (step.status, step.code) == (Status.FAILED, "host-retired")
    dns.set(f"_sip._udp.{host}", "SRV", f"10 5 {carrier.address[1]} {host}.")
    dns.set(host, "A", CARRIER)
    step = only(probed(prober(dns), place(host)), "dns")
    assert (step.status, step.code) == (Status.WARNING, "host-retired")
    assert "Retell AI" in step.summary
    assert "2026-09-30" in step.summary
    assert "sip.retellai.com" in (step.remedy or "")
    assert step.evidence["leads_to"] == [f"sip:{CARRIER}:{carrier.address[1]};transport=udp"]


def test_name_servers_that_say_nothing_are_not_taken_for_a_name_that_is_not_there(dns: NameServer) -> None:
    dns.failing.update({"carrier.test", "_sip._udp.carrier.test", "_sip._tcp.carrier.test"})
    step = only(probed(prober(dns), place("carrier.test")), "dns")
    assert step.code == "dns-unanswered"
    assert "SERVFAIL" in step.summary


def test_nothing_is_sent_to_a_private_address_that_a_name_gave(dns: NameServer, carrier: Agent) -> None:
    dns.set("carrier.test", "A", CARRIER)
    where = f"carrier.test:{carrier.address[1]}"
    step = only(probed(prober(dns, private=False), place(where)), "dns")
    assert step.code == "private-host"
    step = only(probed(prober(dns, private=False), place(carrier.at)), "dns")
    assert step.code == "private-host"
    assert carrier.received == []


def test_a_gateway_that_is_the_edge_itself(carrier: Agent) -> None:
    step = only(probed(prober(own=[carrier.address]), place(carrier.at)), "dns")
    assert step.code == "loop"
    assert carrier.received == []


@pytest.mark.slow
def test_a_port_that_nobody_listens_at(carrier: Agent) -> None:
    step = only(probed(prober(), place(f"{CARRIER}:{free_port(CARRIER)}", "tcp")), "connect")
    assert step.code == "connect-refused"
    assert "port" in str(step.remedy)
    step = only(probed(prober(), place(f"{CARRIER}:{free_port(CARRIER)}", "udp")), "options")
    assert step.code == "options-refused"


@pytest.mark.slow
def test_a_port_that_speaks_no_tls(authority: Authority) -> None:
    with StreamAgent(CARRIER) as carrier:
        steps = probed(prober(authorities=authority.certificate), place(carrier.at, "tls"))
    step = only(steps, "tls")
    assert step.code == "tls-handshake"
    assert statuses(steps)["options"] == "skipped"


def test_an_edge_without_tls_says_so(authority: Authority) -> None:
    with by_tls(authority.serving("carrier.test", CARRIER)) as carrier:
        step = only(probed(prober(), place(carrier.at, "tls")), "tls")
    assert step.code == "tls-off"
    assert "CORDBOARD_TLS_LISTEN" in str(step.remedy)


BROKEN = {
    # for another name
    "tls-name": {"names": ("other.test",), "lasts": YEAR},
    # its end is in the past
    "tls-expired": {"names": (CARRIER,), "expired": True},
    # for as long as tests' certificates are, which is a day
    "tls-expires-soon": {"names": (CARRIER,)},
}


@pytest.mark.parametrize("code", BROKEN)
def test_a_certificate_is_judged_as_the_edge_judges_it(authority: Authority, code: str) -> None:
    names, rest = BROKEN[code]["names"], {k: v for k, v in BROKEN[code].items() if k != "names"}
    with by_tls(authority.serving("carrier.test", *names, **rest)) as carrier:  # type: ignore[misc,arg-type]
        steps = probed(prober(authorities=authority.certificate), place(carrier.at, "tls"))
        unchecked = probed(prober(authorities=authority.certificate), place(carrier.at, "tls", verify=False))
    step = only(steps, "tls")
    assert step.code == code
    assert step.status == (Status.WARNING if code == "tls-expires-soon" else Status.FAILED)
    assert statuses(steps)["options"] == "passed", "somebody is there all the same"
    # whoever has switched the check off is told, and calls go there
    assert only(unchecked, "tls").status is Status.WARNING


def test_a_certificate_that_a_stranger_has_signed(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other", "somebody else")
    with by_tls(other.serving("carrier.test", CARRIER, lasts=YEAR)) as carrier:
        step = only(probed(prober(authorities=authority.certificate), place(carrier.at, "tls")), "tls")
    assert step.code == "tls-unknown-authority"
    assert "CORDBOARD_TLS_CA_FILE" in str(step.remedy)


def test_a_far_side_that_speaks_nothing_newer_than_tls_1_1(authority: Authority) -> None:
    context = authority.serving("carrier.test", CARRIER, lasts=YEAR)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1
    with by_tls(context) as carrier:
        step = only(probed(prober(authorities=authority.certificate), place(carrier.at, "tls")), "tls")
    assert step.code == "tls-handshake"
    assert "1.2" in str(step.remedy)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_any_final_answer_to_options_is_one(transport: str) -> None:
    with StreamAgent(CARRIER) as carrier:
        carrier.answers_options = 404
        steps = probed(prober(), place(carrier.at, transport))
    assert statuses(steps)["options"] == "passed"
    assert steps[-1].evidence["answer"] == "404 Answer"


def test_a_carrier_that_takes_no_calls_now(carrier: Agent) -> None:
    carrier.answers_options = 503
    step = only(probed(prober(), place(carrier.at)), "options")
    assert step.code == "options-unavailable"


@pytest.mark.slow
def test_silence_counts_if_the_gateway_is_expected_to_answer(carrier: Agent) -> None:
    carrier.heard = lambda message, source: None  # type: ignore[method-assign]
    step = only(probed(prober(), place(carrier.at)), "options")
    assert (step.status, step.code) == (Status.FAILED, "options-silence")
    assert "`trunk.probe=false`" in str(step.remedy)
    step = only(probed(prober(), place(carrier.at, asked=False)), "options")
    assert step.status is Status.WARNING
    asked: list[Message] = [message for message in carrier.received if message.method == "OPTIONS"]
    assert len(asked) > 2, "over UDP it is sent again"


@pytest.mark.parametrize("answer", [None, 503])
def test_what_is_wrong_with_an_agent_is_not_to_be_asked_of_the_carrier(carrier: Agent, answer: int | None) -> None:
    if answer is None:
        carrier.heard = lambda message, source: None  # type: ignore[method-assign]
    else:
        carrier.answers_options = answer
    remedy = str(only(probed(prober(), place(carrier.at, agent=True)), "options").remedy)
    assert "he agent's platform" in remedy
    assert "carrier" not in remedy
    assert "trunk" not in remedy


def test_what_is_sent_comes_from_the_edges_address(carrier: Agent) -> None:
    probed(prober(), place(carrier.at))
    assert {event.peer[0] for event in carrier.events} == {"127.0.0.1"}


@pytest.mark.slow
def test_several_gateways_are_tried_at_the_same_time(carrier: Agent) -> None:
    silent = []
    with contextlib.ExitStack() as stack:
        for _ in range(6):
            held = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            held.bind((CARRIER, 0))
            silent.append(place(f"{CARRIER}:{held.getsockname()[1]}", asked=False))
        steps = probed(prober(), *silent, place(carrier.at))
    waited = [step for step in steps if step.code == "options-silence"]
    assert len(waited) == 6
    assert sum(step.ms for step in waited) > 6 * 650
    assert max(s.started_at for s in steps) - min(s.started_at for s in steps) < datetime.timedelta(seconds=0.6)


@pytest.mark.slow
def test_what_takes_too_long_is_cut_off_and_said(carrier: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "LONGEST", 0.5)
    carrier.heard = lambda message, source: None  # type: ignore[method-assign]
    steps = probed(prober(patience=20), place(carrier.at))
    assert [(step.name, step.status) for step in steps] == [("dns", "passed"), ("options", "skipped")]
    assert "the rest was not tried" in steps[-1].summary
    assert steps[-1].ms < 2000
