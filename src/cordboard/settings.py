"""Every setting, and the only reader of the environment.

A setting is a field of `Settings`; its metadata says how it is written and what it means, and `docs/settings.md` must
name it or a test fails.
"""

import dataclasses
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class InvalidSetting(Exception):
    """An environment variable has a value that its setting does not take."""


def _flag(text: str) -> bool:
    values = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}
    if text.strip().lower() not in values:
        raise ValueError("write true or false")
    return values[text.strip().lower()]


def _count(text: str) -> int:
    """Not negative. Raises ValueError."""
    if not text.strip().isascii() or not text.strip().isdigit() or len(text.strip()) > 9:
        raise ValueError("write a whole number, 0 or more")
    return int(text)


def _seconds(text: str) -> int:
    if not 1 <= int(text) <= 86400:
        raise ValueError("write 1 to 86400 seconds")
    return int(text)


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _realm(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text):
        raise ValueError("write 1 to 64 letters, digits, dots, dashes or underscores")
    return text


def _digest(text: str) -> str:
    if text.strip().lower() not in ("md5", "sha-256"):
        raise ValueError("write md5 or sha-256")
    return text.strip().lower()


def _livekit_mode(text: str) -> str:
    if text.strip().lower() not in ("per-number", "edge"):
        raise ValueError("write per-number or edge")
    return text.strip().lower()


def _days(text: str) -> int:
    if not 1 <= int(text) <= 36500:
        raise ValueError("write 1 to 36500 days")
    return int(text)


def _hours(text: str) -> int:
    if not 1 <= int(text) <= 8760:
        raise ValueError("write 1 to 8760 hours")
    return int(text)


def _page(text: str) -> int:
    if not 1 <= int(text) <= 10_000:
        raise ValueError("write 1 to 10000")
    return int(text)


def _event_days(text: str) -> int:
    if not 4 <= int(text) <= 36500:
        raise ValueError("write 4 to 36500 days")
    return int(text)


def _megabytes(text: str) -> int:
    if not 16 <= int(text) <= 1 << 20:
        raise ValueError("write 16 to 1048576 megabytes")
    return int(text)


def _setting(default: Any, doc: str, read: Any = str, *, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"doc": doc, "read": read})


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What an installation can be told. Each field `x` is read from `CORDBOARD_X`."""

    database_url: str | None = _setting(
        None,
        "Where everything is stored: `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST:PORT/NAME`. "
        "Default: `store.sqlite` in the data directory.",
        secret=True,
    )
    database_connections: int = _setting(20, "PostgreSQL connections that one server process opens at most.", int)
    secrets_file: Path | None = _setting(
        None,
        "The key ring that seals SIP passwords. Default: `secrets.json` in the data directory. Without it the stored "
        "passwords cannot be read: back it up, apart from the database.",
        Path,
    )
    allow_private_hosts: bool = _setting(
        False, "Whether gateways, agents and webhooks may live at private or loopback addresses.", _flag
    )
    sip_listen: tuple[str, ...] = _setting(
        ("127.0.0.1:5060",), "Addresses on which SIP is taken, UDP and TCP, separated by commas: `HOST:PORT`.", _list
    )
    sip_advertise: str | None = _setting(
        None, "The `HOST:PORT` that SIP messages name instead of the listen address, behind NAT."
    )
    sip_realm: str = _setting(
        "cordboard",
        "The realm in which accounts, and agents that have a username, authenticate. It is part of what they compute "
        "from their password.",
        _realm,
    )
    sip_digest: str = _setting(
        "md5",
        "What passwords of agents and accounts are proved with: `md5`, which every SIP client knows, or `sha-256` "
        "(RFC 8760). One for all of an installation: a phone that knows MD5 alone cannot register with `sha-256`.",
        _digest,
    )
    register_min_seconds: int = _setting(60, "The shortest time for which an account registers.", _seconds)
    register_max_seconds: int = _setting(3600, "The longest, which is also that of a phone that names none.", _seconds)
    tls_listen: str | None = _setting(None, "The `HOST:PORT` on which SIP over TLS is taken. Unset: no TLS.")
    tls_certificate: Path | None = _setting(None, "Certificate chain of the TLS address, PEM.", Path)
    tls_key: Path | None = _setting(None, "Private key of the TLS address, PEM.", Path)
    tls_ca_file: Path | None = _setting(
        None, "Authorities that sign the certificates of gateways and agents, PEM. Unset: those of the machine.", Path
    )
    media_address: str | None = _setting(
        None, "The address that RTP comes to. Default: the host of the first SIP listen address."
    )
    media_advertise: str | None = _setting(None, "The address that SDP names instead of the media address, behind NAT.")
    rtp_min: int = _setting(30000, "First UDP port for media.", int)
    rtp_max: int = _setting(39999, "Last UDP port for media; a call takes four.", int)
    max_call_seconds: int = _setting(7200, "The longest that a call may last.", _seconds)
    trunk_max_calls: int = _setting(
        100,
        "Outbound calls at once of one trunk; 0: as many as there are. This and the next three guard against fraud.",
        _count,
    )
    trunk_calls_per_second: int = _setting(30, "Outbound calls of one trunk that may begin in one second.", _count)
    tenant_max_calls: int = _setting(300, "Outbound calls at once of one tenant.", _count)
    tenant_calls_per_second: int = _setting(60, "Outbound calls of one tenant that may begin in one second.", _count)
    trunk_max_inbound_calls: int = _setting(0, "Inbound calls at once of one trunk; 0: as many as there are.", _count)
    probe_seconds: int = _setting(
        30, "Seconds between two OPTIONS to each gateway whose trunk is probed; 0 asks none.", _count
    )
    flood_messages: int = _setting(
        100,
        "SIP messages a second of a source that nothing is known of, above which it is not heard for a while. Sources "
        "of trunks and agents in use are not counted. 0: nobody is banned.",
        _count,
    )
    ban_seconds: int = _setting(60, "How long a banned source is not heard.", _seconds)
    keep_calls_days: int = _setting(90, "Days for which calls are kept, with their SIP messages.", _days)
    keep_refusals_days: int = _setting(14, "Days for which refused INVITEs and past registrations are kept.", _days)
    keep_events_days: int = _setting(
        14,
        "Days for which events are kept: at least 4, since a webhook is tried again for three and more.",
        _event_days,
    )
    keep_verifications_days: int = _setting(
        90, "Days for which verifications are kept; the newest 20 of one subject at most.", _days
    )
    webhooks_ca_file: Path | None = _setting(
        None, "Authorities that sign the certificates of webhooks' receivers, PEM. Unset: those of the machine.", Path
    )
    keep_recordings_days: int = _setting(
        30,
        "Days for which the recordings of calls are kept, in `recordings` in the data directory of the edge's host.",
        _days,
    )
    events_megabytes: int = _setting(
        1024,
        "How large the edge's file of events may grow while no server takes them. Past it the oldest refusals go "
        "first, then SIP messages, then calls; what went is counted.",
        _megabytes,
    )
    console: bool = _setting(True, "Whether the console is served, at `/`.", _flag)
    console_session_hours: int = _setting(12, "Hours for which a login to the console lasts.", _hours)
    operator_max_page: int = _setting(1000, "Objects on one page of the operator API (telecom.center), at most.", _page)
    edge_uid: int = _setting(
        5060, "The uid that Kamailio and rtpengine run as when the server runs as root; needs no account.", int
    )
    edge_gid: int = _setting(5060, "The gid that goes with it.", int)
    dns_servers: tuple[str, ...] = _setting(
        (),
        "Name servers that host names of gateways and agents are looked up at, separated by commas: `ADDRESS[:PORT]`. "
        "Default: those of `/etc/resolv.conf`.",
        _list,
    )
    clockwork_seconds: float = _setting(
        15.0, "Seconds between two looks at what time alone changes, such as a release that is due.", float
    )
    livekit_url: str | None = _setting(
        None,
        "A LiveKit server, or project of LiveKit Cloud, that is kept in step: `https://…` or `wss://…`. Unset: none. "
        "See [livekit.md](livekit.md), as for the settings that follow.",
    )
    livekit_api_key: str = _setting("", "An API key of it.")
    livekit_api_secret: str = _setting("", "The secret of that key.", secret=True)
    livekit_mode: str = _setting(
        "per-number",
        "What LiveKit holds: `per-number`, a trunk and a rule for each number, or `edge`, one trunk that our edges "
        "call and a rule for each agent.",
        _livekit_mode,
    )
    livekit_sip: str | None = _setting(
        None,
        "In `edge` mode: the `HOST` or `HOST:PORT` of LiveKit's SIP side. Agents of that address are LiveKit's.",
    )
    livekit_edges: tuple[str, ...] = _setting(
        (),
        "Addresses and CIDR ranges that our edges call LiveKit from, separated by commas: let in beside those that a "
        "trunk lets in.",
        _list,
    )
    livekit_room_prefix: str = _setting("call-", "What the names of rooms begin with; each call has its own.")
    livekit_timeout_seconds: int = _setting(5, "How long one answer of LiveKit's is waited for.", _seconds)
    livekit_interval_seconds: int = _setting(
        300, "Seconds between two comparisons of all of LiveKit with what is stored.", _seconds
    )
    log_level: str = _setting("info", "Least severe message that is logged: debug, info, warning, error.", str.lower)


@dataclass(frozen=True, kw_only=True)
class ServerAddress:
    """Where a running server is, and the token that opens its administration."""

    url: str
    token: str = field(repr=False)


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"CORDBOARD_{name.upper()}"


def read(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of the process, or of a given environment. Raises InvalidSetting."""
    source = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    for setting in dataclasses.fields(Settings):
        name = variable(setting.name)
        if name in source:
            try:
                values[setting.name] = setting.metadata["read"](source[name])
            except ValueError as error:
                raise InvalidSetting(f"{name}: {error}") from error
    return Settings(**values)


def server_address(data: Path, environment: Mapping[str, str] | None = None) -> ServerAddress | None:
    """The server that CORDBOARD_URL and CORDBOARD_ADMIN_TOKEN name, or the one that serves `data`; None if neither.

    Raises InvalidSetting if one of the two is given alone.
    """
    source = os.environ if environment is None else environment
    url, token = source.get("CORDBOARD_URL"), source.get("CORDBOARD_ADMIN_TOKEN")
    if url and token:
        return ServerAddress(url=url, token=token)
    if url or token:
        given, other = ("URL", "ADMIN_TOKEN") if url else ("ADMIN_TOKEN", "URL")
        raise InvalidSetting(f"CORDBOARD_{given} is set without CORDBOARD_{other}: set both, or neither and use --data")
    try:
        return ServerAddress(
            url=(data / "server.url").read_text().strip(), token=(data / "admin.token").read_text().strip()
        )
    except FileNotFoundError:
        return None
