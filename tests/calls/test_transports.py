"""SIP over UDP, TCP and TLS, over IPv4 and IPv6."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.calls.edges import RunningEdge, agent, free_port, number, running_edge, trunk
from tests.calls.phone import Agent, Call, Message, Phone, sdp
from tests.calls.sipp import answering, place_calls

CALLED = "+34911234567"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "edge")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key(), serial_number=1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "crt", folder / "key"


@pytest.fixture(scope="module")
def edge(certificate: tuple[Path, Path]) -> Iterator[RunningEdge]:
    with running_edge(
        sip_listen=(f"127.0.0.1:{free_port()}", f"[::1]:{free_port('::1')}"),
        tls_listen=f"127.0.0.1:{free_port()}",
        tls_certificate=certificate[0],
        tls_key=certificate[1],
    ) as running:
        yield running


def test_a_caller_over_ipv6_is_judged_by_its_address(routed: RunningEdge, ai: Agent) -> None:
    port = int(routed.options.sip_listen[1].rpartition(":")[2])
    with Phone("::1", name="carrier") as carrier:
        assert carrier.call(("::1", port), CALLED, body=None).status == 403
        routed.put(trunk("trunk", "127.0.1.0/24", "::1/128"))
        call = carrier.call(("::1", port), CALLED, body=None)
        assert call.status == 200
        assert call.hang_up() == 200
    assert len(ai.calls) == 1


def test_a_call_goes_from_tcp_to_udp_and_back(routed: RunningEdge) -> None:
    routed.put(trunk())
    with answering("127.0.2.3") as uas:
        routed.put(agent(uri=f"sip:{{number}}@{uas.at}"))
        done = place_calls(routed.sip, [CALLED] * 5, transport="tcp", trace=True)
    assert (done.calls, done.failed) == (5, 0), done.log
    assert [message.first for message in done.trace if not message.sent].count("SIP/2.0 200 OK") == 10


def test_a_caller_over_tls_reaches_the_agent(routed: RunningEdge, ai: Agent, certificate: tuple[Path, Path]) -> None:
    routed.put(trunk())
    context = ssl.create_default_context(cafile=str(certificate[0]))
    address = ("127.0.0.1", int((routed.options.tls_listen or "").rpartition(":")[2]))
    with (
        Phone("127.0.1.1") as phone,
        socket.create_connection(address, 5) as tcp,
        context.wrap_socket(tcp, server_hostname="127.0.0.1") as tls,
    ):
        call = Call(phone=phone, edge=address, uri=f"sip:{CALLED}@127.0.0.1")
        text = call.text("INVITE", "z9hG4bKtls", body=sdp("127.0.1.1"), content="application/sdp", cseq=1)
        tls.sendall(text.replace("SIP/2.0/UDP", "SIP/2.0/TLS").encode())
        tls.settimeout(5)
        received = b""
        while b"SIP/2.0 200" not in received:
            received += tls.recv(65535)
    assert len(ai.calls) == 1


def test_an_agent_over_tls_is_called(routed: RunningEdge, carrier: Phone, certificate: tuple[Path, Path]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    received: list[Message] = []
    with socket.create_server(("127.0.2.4", 0)) as listener:
        listener.settimeout(5)

        def answer() -> None:
            with listener.accept()[0] as tcp, context.wrap_socket(tcp, server_side=True) as tls:
                received.append(Message.parse(tls.recv(65535)))
                with Agent("127.0.2.4") as like:
                    tls.sendall(like.response(received[0], 486, tag="x").encode())
                tls.recv(65535)

        thread = threading.Thread(target=answer)
        thread.start()
        routed.put(agent(uri=f"sip:{{number}}@127.0.2.4:{listener.getsockname()[1]};transport=tls"))
        assert carrier.call(routed.sip, CALLED).status == 486
        thread.join()
    assert received[0].first.startswith(f"INVITE sip:{CALLED}@127.0.2.4")
    assert "TLS" in received[0].get("Via")


def test_an_agent_whose_name_does_not_exist_is_refused_soon(routed: RunningEdge, carrier: Phone) -> None:
    routed.put(agent(uri="sip:agent@does-not-exist.invalid"), number("+34911000001", agent="second"))
    call = carrier.call(routed.sip, CALLED)
    assert call.status == 480
    assert "480 agent-unreachable" in routed.refusals()[-1]
    took = carrier.events[-2].time - carrier.events[0].time
    assert took < 4
