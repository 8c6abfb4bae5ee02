"""A certificate authority of the tests' own, and the certificates that it gives."""

import contextlib
import datetime
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.calls.edges import RunningEdge, free_port, running_edge

LONGEST = datetime.timedelta(days=1)


class Authority:
    """Signs certificates, whose files it keeps in `folder`."""

    def __init__(self, folder: Path, name: str = "tests' authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        self.certificate = folder / "ca.crt"
        basic = x509.BasicConstraints(ca=True, path_length=None)
        made = self._builder(self._name, self._key, basic).sign(self._key, hashes.SHA256())
        self.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def issue(
        self, common_name: str, *names: str, expired: bool = False, lasts: datetime.timedelta = LONGEST
    ) -> tuple[Path, Path]:
        """A certificate for these names and addresses, and its key. Without names it has a common name alone."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternative = x509.SubjectAlternativeName([_general(name) for name in names]) if names else None
        made = self._builder(_name(common_name), key, alternative, expired, lasts).sign(self._key, hashes.SHA256())
        stem = f"{made.serial_number:x}"
        certificate, private = self._folder / f"{stem}.crt", self._folder / f"{stem}.key"
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate, private

    def serving(
        self, common_name: str, *names: str, expired: bool = False, lasts: datetime.timedelta = LONGEST
    ) -> ssl.SSLContext:
        """What a server shows that has such a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.issue(common_name, *names, expired=expired, lasts=lasts))
        return context

    def _builder(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        extension: x509.ExtensionType | None,
        expired: bool = False,
        lasts: datetime.timedelta = LONGEST,
    ) -> x509.CertificateBuilder:
        end = datetime.datetime.now(datetime.UTC) + (-LONGEST if expired else lasts)
        builder = (
            x509.CertificateBuilder(subject_name=subject, issuer_name=self._name, public_key=key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(end - lasts - LONGEST)
            .not_valid_after(end)
        )
        return builder if extension is None else builder.add_extension(extension, critical=False)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


@contextlib.contextmanager
def edge_by_tls(authority: Authority) -> Iterator[RunningEdge]:
    """An edge that listens by TLS too, with a certificate of the authority's, which it trusts; it asks nobody."""
    certificate, key = authority.issue("edge.test", "edge.test", "127.0.0.1")
    with running_edge(
        sip_listen=(f"127.0.0.1:{free_port()}",),
        tls_listen=f"127.0.0.1:{free_port()}",
        tls_certificate=certificate,
        tls_key=key,
        tls_ca_file=authority.certificate,
        probe_seconds=0,
    ) as running:
        yield running
