"""The edge's rows, made of the store's: final values, secrets opened."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from cordboard.domain.accounts import Recording
from cordboard.domain.addresses import HostPort, Transport, collapse
from cordboard.domain.dialled import routing_key
from cordboard.domain.edge import AccountRow, AgentRow, HopRow, NumberRow, TrunkRow, hop, hop_of_uri
from cordboard.domain.livekit import USERNAME, LiveKitSip
from cordboard.domain.media import codec_flags, codec_names
from cordboard.domain.numbers import dialled_user
from cordboard.domain.trunks import SealedSecret, TrunkId, inbound_row
from cordboard.storage.secrets import UnreadableSecret
from cordboard.storage.transaction import Row
from cordboard.storage.trunks import options_from

log = structlog.get_logger()

_SWITCHES = tuple(map(str, Recording))


class Unsealer(Protocol):
    """Opens a SIP password that was sealed for a row."""

    def unseal(self, secret: SealedSecret, row: str) -> str:
        """Raises UnreadableSecret."""
        ...


@dataclass(frozen=True, slots=True)
class Rows:
    """Makes rows for one installation."""

    unsealer: Unsealer
    #: In which agents authenticate; part of every HA1.
    realm: str
    #: What digests are made with: md5 or sha-256.
    digest: str = "md5"
    #: Where LiveKit's agents are, if they are called by our name for them.
    livekit: LiveKitSip | None = None

    def history(self, epoch: str) -> str:
        """What an edge's file must be of: another realm or digest makes every HA1 another one."""
        history = f"{epoch} {self.realm}" if self.digest == "md5" else f"{epoch} {self.realm} {self.digest}"
        return history if self.livekit is None else f"{history} {self.livekit.fingerprint}"

    def number(self, row: Row) -> NumberRow:
        return NumberRow(
            key=routing_key(row["number"]),
            number_id=row["id"],
            number=row["number"],
            user=dialled_user(row["number"]),
            tenant=row["tenant_id"],
            trunk=row["trunk_id"] or "",
            agent_in=row["inbound_agent_id"],
            agent_out=row["outbound_agent_id"],
            account=row["account_id"],
        )

    def trunk(self, row: Row, gateways: Sequence[Row]) -> TrunkRow:
        allowed = collapse(json.loads(row["allowed"] or "[]"))
        options = options_from(row["options"])
        registration, login = options.registration, row["inbound_username"] or ""
        password = self._opened(row["inbound_password"], inbound_row(TrunkId(row["id"])))
        return TrunkRow(
            id=row["id"],
            tenant=row["tenant_id"] or "",
            open=not allowed,
            allowed=",".join(allowed),
            media_in=row["media_in"],
            media_out=row["media_out"],
            username=row["username"] or "",
            password=self._opened(row["password"], row["id"]),
            hops=tuple(
                _gateway(gateway, place, options.transport, trunk=row) for place, gateway in enumerate(gateways)
            ),
            callers=_digits(options.callers),
            destinations=_digits(options.destinations),
            max_calls=options.max_calls or 0,
            max_rate=options.max_calls_per_second or 0,
            max_minutes=options.max_minutes_per_day or 0,
            number_format=options.number_format,
            country_code=options.country_code or "",
            called_from=options.called_number_from,
            headers=_lines(options.headers),
            flags=codec_flags(options.codecs),
            codecs=codec_names(options.codecs),
            login=login,
            ha1=self._ha1(login, password) if login and password else "",
            failover=",".join(map(str, options.failover_codes)),
            register=0 if registration is None else registration.expires,
            register_domain="" if registration is None else registration.domain or "",
        )

    def agent(self, row: Row) -> AgentRow:
        version, login = row["published_version_id"], row["from_username"] or ""
        password = self._opened(row["from_password"], version)
        made = AgentRow(
            id=row["id"],
            version=version,
            uri=row["sip_uri"],
            hops=(hop_of_uri(row["sip_uri"], verify=bool(row["tls_verify"])),),
            media=row["encryption"],
            sources=",".join(collapse(json.loads(row["from_addresses"]))),
            login=login,
            ha1=self._ha1(login, password) if login and password else "",
            username=row["to_username"] or "",
            password=self._opened(row["to_password"], version),
            flags=codec_flags(json.loads(row["codecs"])),
            headers=_lines(json.loads(row["headers"])),
        )
        if self.livekit is None or not self.livekit.has(made.uri):
            return made
        return replace(
            made,
            uri=self.livekit.address(made.uri, made.id),
            username=USERNAME,
            password=self.livekit.password,
            headers=f"{made.headers}X-Cordboard-Tenant: {row['tenant_id']}\r\n",
        )

    def account(self, row: Row) -> AccountRow:
        password = self._opened(row["password"], row["id"])
        switches = (name for name in _SWITCHES if row[f"record_{name.replace('-', '_')}"])
        return AccountRow(
            id=row["id"],
            username=row["username"],
            tenant=row["tenant_id"],
            ha1=self._ha1(row["username"], password) if password else "",
            restricted=bool(row["restricted"]),
            allowed=",".join(collapse(filter(None, (row["allowed"] or "").split(",")))),
            name=row["caller_name"] or "",
            internal="" if row["extension"] is None else str(row["extension"]),
            external="" if row["external_number"] is None else str(row["external_number"]),
            allow_external=bool(row["may_call_outside"]),
            record=" ".join(name.replace("incoming", "in").replace("outgoing", "out") for name in switches),
        )

    def _ha1(self, username: str, password: str) -> str:
        return ha1(username, self.realm, password, self.digest)

    def _opened(self, sealed: str | None, row: str) -> str:
        """A secret that does not open is none: its calls are refused, and nothing else suffers."""
        if sealed is None:
            return ""
        try:
            return self.unsealer.unseal(SealedSecret(text=sealed), row)
        except UnreadableSecret:
            log.error("a stored password does not open with this key ring; restore secrets.json", row=row)
            return ""


def ha1(username: str, realm: str, password: str, digest: str = "md5") -> str:
    """What a digest proves knowledge of (RFC 7616 section 3.4.2); `digest` is md5 or sha-256."""
    text = f"{username}:{realm}:{password}".encode()
    return hashlib.new(digest.replace("-", ""), text, usedforsecurity=False).hexdigest()


def _digits(numbers: Sequence[str]) -> str:
    return ",".join(number.removeprefix("+") for number in numbers)


def _lines(headers: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers)


def _gateway(row: Row, place: int, otherwise: Transport | None, *, trunk: Row) -> HopRow:
    """Without a priority each stands after the one before it."""
    transport = otherwise if row["transport"] is None else Transport(row["transport"])
    where = HostPort(host=row["host"], port=row["port"])
    made = hop(where, transport, verify=bool(trunk["tls_verify"]), probe=bool(trunk["probe"]))
    rank, weight = row["priority"], row["weight"]
    return replace(made, rank=place if rank is None else rank, weight=1 if weight is None else weight)
