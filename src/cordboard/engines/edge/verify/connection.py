"""The steps `connect` and `tls`: a TCP connection, and who is at its other end."""

import contextlib
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from cordboard.domain.addresses import Transport, as_address
from cordboard.domain.verification_steps import Said, failed, passed, warning
from cordboard.domain.verifications import EXPIRY_DAYS
from cordboard.engines.edge.config import CA_PATH
from cordboard.engines.edge.names.lookup import Hop
from cordboard.engines.edge.verify.sip import ANSWER_SECONDS, CONNECT_SECONDS, Line, Unreached, line_to

#: OpenSSL's verify codes (X509_V_ERR_…) for a certificate that is not valid now, and for one that nobody vouches for.
_NOT_YET, _EXPIRED, _UNVOUCHED = 9, 10, frozenset({2, 18, 19, 20, 21})


@dataclass(frozen=True, kw_only=True, slots=True)
class Trust:
    """What the edge shows and believes by TLS."""

    certificate: Path | None = None
    key: Path | None = None
    #: None: the machine's authorities.
    authorities: Path | None = None

    def context(self, *, verify: bool) -> ssl.SSLContext:
        """As the edge connects: TLS 1.2 at least; the name is looked at by ourselves. Raises OSError."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
        if self.authorities is not None:
            context.load_verify_locations(cafile=self.authorities)
        else:
            context.load_verify_locations(capath=CA_PATH)
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How a place is spoken to."""

    #: The address that is sent from; None: the machine chooses.
    source: str | None
    trust: Trust
    #: Who looks after the place (see Place).
    keeper: str
    #: Seconds that it has to take a connection, and to say something final.
    connect: float = CONNECT_SECONDS
    answer: float = ANSWER_SECONDS

    def to(self, hop: Hop, host: str) -> contextlib.AbstractAsyncContextManager[Line]:
        """A line to it, whoever it may be. Raises Unreached, SSLError."""
        tls = self.trust.context(verify=False) if hop.transport is Transport.TLS else None
        return line_to(hop, self.source, tls, None if tls is None else host, self.connect)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a far side showed."""

    certificate: x509.Certificate
    protocol: str
    cipher: str


async def connects(hop: Hop, way: Way) -> Said:
    """A TCP connection, closed again."""
    try:
        async with line_to(hop, way.source, seconds=way.connect) as line:
            return passed(f"{hop.address}:{hop.port} takes connections", **{"from": str(line.us)})
    except Unreached as error:
        return no_connection(hop, way, error)


def no_connection(hop: Hop, way: Way, error: Unreached) -> Said:
    remedies = {
        "refused": f"Nothing listens at port {hop.port} there: check the port and the transport with {way.keeper}.",
        "timeout": f"A firewall may be in between: ask {way.keeper} to let {way.source or 'this machine'} in, and look "
        "at your own rules for outgoing connections.",
    }
    return failed(
        f"connect-{error.code}",
        f"no connection to {hop.address}:{hop.port}: {error}",
        remedies.get(error.code, "Check this machine's routes, and that the address is right."),
        **{"from": way.source},
    )


async def shows(hop: Hop, host: str, way: Way, now: datetime, *, verify: bool) -> Said:
    """A TLS handshake, and whether the edge would believe it: chain, validity, and the name (RFC 5922 section 7)."""
    wrong, code = "", 0
    try:
        try:
            shown = await _shake_hands(hop, host, way, way.trust.context(verify=True))
        except ssl.SSLCertVerificationError as error:
            wrong, code = error.verify_message, error.verify_code
            shown = await _shake_hands(hop, host, way, way.trust.context(verify=False))
    except Unreached as error:
        return no_connection(hop, way, error) if error.code == "refused" else _no_handshake(str(error), way)
    except ssl.SSLError as error:
        return _no_handshake((error.reason or str(error)).replace("_", " ").lower(), way)
    said = _judged(shown, host, code, wrong, now, way.keeper)
    if verify or not said.code or said.code == "tls-expires-soon":
        return said
    return warning(
        said.code,
        f"{said.summary}; calls go there all the same, since certificates are not checked",
        f"{said.remedy} Then have certificates checked again.",
        **said.evidence,
    )


async def _shake_hands(hop: Hop, host: str, way: Way, context: ssl.SSLContext) -> _Shown:
    async with line_to(hop, way.source, context, host, way.connect) as line:
        side = line.tls
        assert side is not None
        der, cipher = side.getpeercert(binary_form=True), side.cipher()
        assert der is not None
        return _Shown(x509.load_der_x509_certificate(der), side.version() or "", cipher[0] if cipher else "")


def _judged(shown: _Shown, host: str, code: int, wrong: str, now: datetime, keeper: str) -> Said:
    names = names_of(shown.certificate)
    until = shown.certificate.not_valid_after_utc
    evidence = {
        "names": names,
        "issuer": shown.certificate.issuer.rfc4514_string(),
        "not_before": shown.certificate.not_valid_before_utc.isoformat(),
        "not_after": until.isoformat(),
        "protocol": shown.protocol,
        "cipher": shown.cipher,
        "verification": wrong or "ok",
    }
    if code == _EXPIRED:
        summary = f"the certificate, or one above it, has expired ({until:%Y-%m-%d})"
        return failed("tls-expired", summary, f"{keeper.capitalize()} must renew it.", **evidence)
    if code == _NOT_YET:
        summary = "the certificate is not valid yet"
        return failed("tls-not-yet-valid", summary, f"Check this machine's clock, then ask {keeper}.", **evidence)
    if code in _UNVOUCHED:
        return failed(
            "tls-unknown-authority",
            f"nobody whom this installation trusts has signed the certificate: {wrong}",
            f"Put its authority into the file of CORDBOARD_TLS_CA_FILE, or ask {keeper} to send its intermediate "
            "certificates.",
            **evidence,
        )
    if code:
        return failed("tls-chain", f"the certificate is not accepted: {wrong}", f"Ask {keeper}.", **evidence)
    if not stands_for(names, host):
        return failed(
            "tls-name",
            f"the certificate is not for {host}, but for {', '.join(names) or 'nobody'}",
            f"Name the host as its certificate does ({names[0] if names else 'it has no name'}), or have {keeper} "
            f"put {host} into it.",
            **evidence,
        )
    days = (until - now).days
    if days < EXPIRY_DAYS:
        summary = f"the certificate ends in {days} days, on {until:%Y-%m-%d}"
        return warning("tls-expires-soon", summary, f"Ask {keeper} when it renews it.", **evidence)
    return passed(f"{shown.protocol}; the certificate is for {host} until {until:%Y-%m-%d}", **evidence)


def _no_handshake(reason: str, way: Way) -> Said:
    if "protocol" in reason or "version" in reason:
        remedy = "The far side must speak TLS 1.2 or 1.3."
    else:
        remedy = (
            f"Check that the port speaks TLS (5061, as a rule), and whether {way.keeper} asks for a certificate of "
            "ours."
        )
    return failed("tls-handshake", f"no TLS handshake: {reason}", remedy, error=reason)


def names_of(certificate: x509.Certificate) -> list[str]:
    """What a certificate stands for, as names.sql reads it."""
    try:
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return [str(each.value).lower() for each in common[:1]]
    except ValueError:
        return []
    names = [name.lower() for name in held.get_values_for_type(x509.DNSName)]
    return names + [str(address) for address in held.get_values_for_type(x509.IPAddress)]


def stands_for(names: Iterable[str], host: str) -> bool:
    """A star stands for one label, and for no more than a part of somebody's own domain."""
    address = as_address(host)
    if address is not None:
        return any(as_address(name) is not None and ip_address(name) == address for name in names)
    host = host.lower().removesuffix(".")
    domain = host.partition(".")[2]
    return host in names or ("." in domain and f"*.{domain}" in names)
