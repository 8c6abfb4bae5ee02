"""What an edge is told, and the files and command lines that follow from it.

The files in kamailio/ are one and the same everywhere; all that differs is generated into local.cfg.
"""

import hashlib
import os
import re
import shutil
import ssl
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from cordboard.domain.addresses import MAX_NETWORKS
from cordboard.domain.edge import MAX_HOPS
from cordboard.domain.media import MEDIA_FLAGS, MEDIA_RULES
from cordboard.domain.trunk_rules import KEEP_ZERO, PREMIUM
from cordboard.engines.edge.file import SCHEMA_VERSION

HERE = Path(__file__).parent
#: kamailio.cfg and what it includes.
KAMAILIO = HERE / "kamailio"
LOOPBACK = "127.0.0.1"
#: The machine's authorities, a file for each.
CA_PATH = ssl.get_default_verify_paths().openssl_capath

#: What Kamailio asks edge.sqlite, each in a file of its name; in the configuration it is NAME_SQL.
STATEMENTS = (
    *("decide", "decide_out", "decide_account", "called", "trunk_rules"),
    *("login", "trunk_login", "account", "record"),
    *("credentials", "failover", "ingested", "probed", "names"),
    *("registrations", "registrations_changed", "registration", "decide_registered"),
)
#: What it asks and tells events.sqlite.
EVENT_STATEMENTS = (
    *("events_file", "events_put", "events_oldest", "events_drop", "events_count"),
    *("events_done", "events_left"),
)
#: Lines that may wait for events.sqlite: of ten minutes with 200 calls a second, ten messages in each, and refusals; of
#: what the media relay tells, some kilobytes for each call, a hundred seconds.
QUEUES = {"CALL_EVENTS": 360_000, "MESSAGE_EVENTS": 1_200_000, "REFUSAL_EVENTS": 60_000, "AUDIO_EVENTS": 20_000}
#: Offers and answers of one call that are told of.
SAID_OF_A_CALL = 16
#: Refusals that are told of: in a second of all sources, in an hour of all and of one. 14 days of usual ones
#: are 2 GB, with their events.
REFUSALS_A_SECOND, REFUSALS_AN_HOUR, REFUSALS_OF_ONE_AN_HOUR = 100, 4_000, 1_000
#: The same of refused REGISTERs; and changes an hour that are told of one account, or of one carrier's registrar.
REGISTERS_A_SECOND, REGISTERS_AN_HOUR, REGISTERS_OF_ONE_AN_HOUR = 20, 2_000, 60
#: Shared memory of Kamailio's, taken as it is used: for calls, and the most that there is if all those lines wait and
#: are as long as they can be. A machine with less than twice that gives half of what it has.
CALL_MEGABYTES, SHARED_MEGABYTES = 192, 1440
#: Memory of one of its processes: that which reads the registrations of the Kamailio before it takes 2 KB for each.
PRIVATE_MEGABYTES = 512
#: Bytes of a page of SQLite's.
PAGE = 4096
#: Milliseconds until a hop that says nothing is given up, one that says no more than 100, and one that rings.
NO_REPLY_MS, NO_RINGING_MS, RING_MS = 4000, 20000, 120000
#: Wrong credentials of one source in a minute.
MAX_GUESSES = 20
#: Of those, after how many one a second is looked at; and how many of an account's own address are in any second.
SLOW_GUESSES, OWN_GUESSES = 5, 10
#: Places at once where an account may be registered.
MAX_CONTACTS = 10
#: Seconds between two OPTIONS to a gateway. One that said nothing is tried last for three times as long.
DEFAULT_PROBE_SECONDS = 30
#: The longest network in text, with its comma.
_LONGEST_NETWORK = len("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128,")
#: A row of events in hexadecimal digits, the longest that Kamailio makes of anything, within its statement.
_LONGEST_ROW = 65536 + 4096


class EdgeFailed(Exception):
    """The edge cannot start; the message says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EdgeOptions:
    """One edge: where it lives, where it listens, as whom it runs."""

    #: The data directory; the edge's own folder is `edge` in it.
    data: Path
    #: `address:port` or `[v6]:port`, each UDP and TCP. Addresses, not names.
    sip_listen: tuple[str, ...] = ("127.0.0.1:5060",)
    #: `host` or `host:port` that Via and Record-Route show instead, behind a NAT; a name must resolve.
    sip_advertise: str | None = None
    #: Like sip_listen, for SIP over TLS; needs the two files.
    tls_listen: str | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    #: Authorities whose certificates are taken from gateways and agents, PEM; None: those of the machine.
    tls_ca_file: Path | None = None
    #: Where rtpengine sends and receives media; by default the host of the first sip_listen of each family.
    media_address: str | None = None
    #: What SDP shows instead, behind a NAT.
    media_advertise: str | None = None
    rtp_min: int = 30000
    rtp_max: int = 39999
    #: As root, both engines run as this user and group, which reach nothing of ours but their folder.
    uid: int = 5060
    gid: int = 5060
    #: The realm in which agents and accounts authenticate (RFC 7616): part of each stored digest.
    realm: str = "cordboard"
    #: What digests are made with, md5 or sha-256.
    digest: str = "md5"
    #: Seconds that a registration lasts at least and at most.
    register_min: int = 60
    register_max: int = 3600
    #: Seconds without media after which a call ends, and the same for a call on hold.
    media_timeout: int = 60
    hold_timeout: int = 3600
    #: Seconds that a call may last.
    max_duration: int = 7200
    #: Seconds between two OPTIONS to each gateway; 0 asks none.
    probe_seconds: int = DEFAULT_PROBE_SECONDS
    #: Messages a second of a source that nothing is known of, above which it is banned; 0 bans nobody.
    flood_messages: int = 100
    ban_seconds: int = 60
    #: Outbound calls of one trunk and of one tenant, at once and begun per second; inbound ones of a trunk at once.
    #: 0: as many as there are.
    trunk_max_calls: int = 100
    trunk_calls_per_second: int = 30
    tenant_max_calls: int = 300
    tenant_calls_per_second: int = 60
    trunk_max_inbound_calls: int = 0
    #: How large events.sqlite may grow while nobody takes what stands in it.
    events_megabytes: int = 1024
    #: Replace engines that run another configuration now, calls or not.
    replace_edge: bool = False

    @property
    def media(self) -> tuple[str, ...]:
        """Of each family of addresses at most one."""
        if self.media_address is not None:
            return (self.media_address,)
        addresses = [split_listen(listen)[0] for listen in self.sip_listen]
        return tuple({":" in address: address for address in reversed(addresses)}.values())[::-1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """Loopback ports on which the engines are told things."""

    #: rtpengine's control protocol, UDP.
    ng: int
    #: Kamailio's `GET /decide`, TCP.
    decide: int


def split_listen(listen: str) -> tuple[str, int]:
    """Address without brackets, and port. Raises EdgeFailed."""
    match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):([0-9]{1,5})", listen)
    try:
        if match is None or not 1 <= int(match[3]) <= 65535:
            raise ValueError
        return str(ip_address(match[1] or match[2])), int(match[3])
    except ValueError:
        raise EdgeFailed(f"{listen!r} is not an address and port such as 192.0.2.1:5060") from None


@cache
def sql(name: str) -> str:
    """A statement of this folder without its comments, in one line; `:name` stands for a value."""
    lines = (HERE / f"{name}.sql").read_text().splitlines()
    return " ".join(" ".join(line for line in lines if not line.startswith("--")).split())


def kamailio_sql(name: str) -> str:
    """The same for Kamailio: each `:name` is `$var(name)`, which enters in hexadecimal digits alone."""
    return re.sub(r":([a-z_]+)", r"cast(x'$(var(\1){s.encode.hexa})' as text)", sql(name))


def kamailio_cfg() -> dict[str, str]:
    """Name and text of each part of the configuration that is the same everywhere."""
    return {path.name: path.read_text() for path in sorted(KAMAILIO.glob("*.cfg"))} | {"rules.cfg": rules_cfg()}


def rules_cfg() -> str:
    """domain/media.py's rules as Kamailio finds them: `caller:offered:callee` leads to `code>reason>flags`."""
    rules = [
        f'\t$sht(media=>{rule.caller}:{rule.offered}:{rule.callee}) = "{rule.code}>{rule.reason}>{rule.flags}";'
        for rule in MEDIA_RULES
    ]
    return "\n".join(["# Generated.", "event_route[htable:mod-init] {", *rules, "}", ""])


def end_path(key: str) -> str:
    """Where rtpengine and we tell Kamailio that a call is over: known to whoever may read the installation's key."""
    return "/end/" + _derived(key, "end")


def verify_word(key: str) -> str:
    """By which the edge knows the calls of verifications, likewise."""
    return _derived(key, "verify")


def edge_name(key: str) -> str:
    """What the store calls this edge, and what the ids of its calls begin with."""
    return _derived(key, "edge")[:8]


def local_cfg(options: EdgeOptions, folder: Path, ports: Ports, key: str) -> str:
    """What kamailio.cfg includes. `key` is the installation's."""
    substitutions = {
        "EDGE_DB": folder / "edge.sqlite",
        "DIALOG_DB": folder / "dialog.sqlite",
        "LOCATION_DB": folder / "location.sqlite",
        "EVENTS_DB": folder / "events.sqlite",
        "EDGE_NAME": edge_name(key),
        **queues(machine_megabytes()),
        "EVENTS_PAGES": options.events_megabytes * (1 << 20) // PAGE,
        "SHOWN_HOST": _shown_host(options),
        **_contacts(options),
        "MASK_KEY": _derived(key, "topology"),
        "END_PATH": end_path(key),
        "VERIFY_WORD": verify_word(key),
        "DECOY_HA1": _derived(key, "decoy")[: 64 if options.digest == "sha-256" else 32],
        "RPC_SOCKET": folder / "rpc.sock",
        "NG_ADDRESS": f"{LOOPBACK}:{ports.ng}",
        "NG_COOKIE": _derived(key, "audio")[:16],
        "MEDIA_FLAGS": MEDIA_FLAGS,
        "AUTH_REALM": options.realm,
        "PREMIUM_PREFIXES": ",".join(PREMIUM),
        "PREMIUM_PATTERN": "|".join(PREMIUM),
        "KEEP_ZERO": "|".join(KEEP_ZERO),
        "DOWN_SECONDS": 3 * (options.probe_seconds or DEFAULT_PROBE_SECONDS),
        "BAN_SECONDS": options.ban_seconds,
        "TLS_DOMAINS": folder / "tls.cfg",
    }
    definitions = {
        "DECIDE_PORT": ports.decide,
        "NG_PORT": ports.ng,
        **{f"{name.upper()}_SQL": f'"{kamailio_sql(name)}"' for name in (*STATEMENTS, *EVENT_STATEMENTS)},
        "SAID_OF_A_CALL": SAID_OF_A_CALL,
        "REFUSALS_A_SECOND": REFUSALS_A_SECOND,
        "REFUSALS_AN_HOUR": REFUSALS_AN_HOUR,
        "REFUSALS_OF_ONE_AN_HOUR": REFUSALS_OF_ONE_AN_HOUR,
        "REGISTERS_A_SECOND": REGISTERS_A_SECOND,
        "REGISTERS_AN_HOUR": REGISTERS_AN_HOUR,
        "REGISTERS_OF_ONE_AN_HOUR": REGISTERS_OF_ONE_AN_HOUR,
        "MAX_HOPS": MAX_HOPS,
        "NO_REPLY_MS": NO_REPLY_MS,
        "NO_RINGING_MS": NO_RINGING_MS,
        "RING_MS": RING_MS,
        "BUFFER_SIZE": max(MAX_NETWORKS * _LONGEST_NETWORK + 4096, _LONGEST_ROW),
        "MAX_DURATION": options.max_duration,
        "FLOOD_MESSAGES": options.flood_messages,
        "MAX_GUESSES": MAX_GUESSES,
        "SLOW_GUESSES": SLOW_GUESSES,
        "OWN_GUESSES": OWN_GUESSES,
        "MAX_CONTACTS": MAX_CONTACTS,
        "MIN_REGISTER_SECONDS": options.register_min,
        "MAX_REGISTER_SECONDS": options.register_max,
        "PROBE_SECONDS": options.probe_seconds,
        "TRUNK_MAX_CALLS": options.trunk_max_calls,
        "TRUNK_CALLS_PER_SECOND": options.trunk_calls_per_second,
        "TENANT_MAX_CALLS": options.tenant_max_calls,
        "TENANT_CALLS_PER_SECOND": options.tenant_calls_per_second,
        "TRUNK_MAX_INBOUND_CALLS": options.trunk_max_inbound_calls,
    }
    lines = ["# Generated: changes are lost."]
    lines += [f'#!substdef "!{name}!{_plain(value)}!g"' for name, value in substitutions.items()]
    lines += [f"#!define {name} {value}" for name, value in definitions.items()]
    lines += ["#!define SHA256"] if options.digest == "sha-256" else []
    lines += [*_listens(options), f"listen=tcp:{LOOPBACK}:{ports.decide}"]
    return "\n".join(lines) + "\n"


def tls_cfg(options: EdgeOptions, folder: Path) -> str:
    """Kamailio's TLS domains. Both of a client show our certificate to whoever asks for one.

    The machine's authorities are read from their directory, one when it is needed: of a file each process keeps all.
    """
    authorities = folder / "ca.crt" if options.tls_ca_file else None
    trust = f"ca_list = {authorities}\n" if authorities else f"ca_path = {CA_PATH}\n"
    own = f"method = TLSv1.2+\ncertificate = {folder / 'tls.crt'}\nprivate_key = {folder / 'tls.key'}\n"
    quiet = "verify_certificate = no\nrequire_certificate = no\n"
    strict = "verify_certificate = yes\nrequire_certificate = yes\n"
    return (
        f"[server:default]\n{own}{quiet}"
        f"[client:default]\n{own}{strict}{trust}"
        f"[client:any]\n{own}{quiet}{trust}server_name = unverified\nserver_id = unverified\n"
    )


def machine_megabytes() -> int:
    """The memory of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20


def shared_megabytes(machine: int) -> int:
    """Kamailio's shared memory on a machine with so much memory: Linux lends nobody more than it has."""
    return min(SHARED_MEGABYTES, max(CALL_MEGABYTES, machine // 2))


def private_megabytes(machine: int) -> int:
    """The most that each of Kamailio's processes has for itself, taken as it is used."""
    return min(PRIVATE_MEGABYTES, max(64, machine // 4))


def queues(machine: int) -> dict[str, int]:
    """How many lines may wait there: as many as fit whatever their length, and some in any case."""
    share = (shared_megabytes(machine) - CALL_MEGABYTES) / (SHARED_MEGABYTES - CALL_MEGABYTES)
    return {name: max(length // 100, int(length * share)) for name, length in QUEUES.items()}


def kamailio_command(folder: Path) -> list[str]:
    """`-DD -E`: it stays our child and writes to the log it is given. `tlsf`: the default allocator costs 2.6 times.

    `-M`: when it starts, all calls that stand and all that are registered come into a process's own memory at once.
    """
    machine = machine_megabytes()
    shared = shared_megabytes(machine)
    return [
        *(_binary("kamailio"), "-f", str(folder / "kamailio.cfg"), "-Y", str(folder), "-w", str(folder)),
        *(
            "-P",
            str(folder / "kamailio.pid"),
            "-m",
            str(shared),
            "-M",
            str(private_megabytes(machine)),
            "-x",
            "tlsf",
            "-DD",
            "-E",
        ),
    ]


def rtpengine_conf(ports: Ports, key: str) -> str:
    """What must not stand on a command line: where to tell that a call has no media any more."""
    url = f"http://{LOOPBACK}:{ports.decide}{end_path(key)}"
    return f"[rtpengine]\nb2b-url = {url}\nxmlrpc-format = 2\n"


def rtpengine_command(options: EdgeOptions, folder: Path, ports: Ports) -> list[str]:
    """No configuration file of the machine is read, and every port is ours. Userspace only: no kernel table."""
    return [
        *(_binary("rtpengine"), f"--config-file={folder / 'rtpengine.conf'}", "--table=-1"),
        *(f"--interface={_interface(address, options.media_advertise)}" for address in options.media),
        *(f"--listen-ng={LOOPBACK}:{ports.ng}", f"--port-min={options.rtp_min}", f"--port-max={options.rtp_max}"),
        # ports are free again with the call: the default keeps them for 30 s
        *("--delete-delay=0", "--num-threads=2"),
        *(f"--timeout={options.media_timeout}", f"--silent-timeout={options.hold_timeout}"),
        # calls that are to be recorded, decrypted: recordings.py reads what is written there
        *(f"--recording-dir={folder / 'recordings'}", "--recording-method=pcap", "--recording-format=eth"),
        *("--foreground", "--log-stderr", "--log-level=5"),
    ]


def _interface(address: str, advertise: str | None) -> str:
    """The advertised address stands for the one of its own family."""
    return f"{address}!{advertise}" if advertise is not None and (":" in advertise) == (":" in address) else address


def fingerprint(command: list[str], *texts: str) -> str:
    """Changes with the program, its command line, its configuration and the schema of the edge's file."""
    binary = Path(command[0]).stat()
    parts = (str(SCHEMA_VERSION), str(binary.st_size), str(binary.st_mtime_ns), *command, *texts)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _derived(key: str, purpose: str) -> str:
    return hashlib.sha256(f"{purpose} {key}".encode()).hexdigest()


def _shown_host(options: EdgeOptions) -> str:
    """What stands in URIs of ours."""
    address, _ = split_listen(options.sip_listen[0])
    host = _advertise(options.sip_listen[0], options.sip_advertise).removeprefix(" advertise ")
    return re.sub(r":[0-9]+$", "", host) if host else f"[{address}]" if ":" in address else address


def _contacts(options: EdgeOptions) -> dict[str, str]:
    """Where calls for our registrations are to come: by IPv4, by IPv6 and by TLS; `none` if they cannot."""
    found = {"CONTACT_V4": "none", "CONTACT_V6": "none", "CONTACT_TLS": "none"}
    for listen in reversed(options.sip_listen):
        found["CONTACT_V6" if listen.startswith("[") else "CONTACT_V4"] = _contact(listen, options.sip_advertise)
    if options.tls_listen is not None:
        port = split_listen(options.tls_listen)[1]
        found["CONTACT_TLS"] = _contact(options.tls_listen, options.sip_advertise, port)
    return found


def _contact(listen: str, advertise: str | None, port: int | None = None) -> str:
    shown = _advertise(listen, advertise, port).removeprefix(" advertise ") or listen
    return shown if re.search(r":[0-9]+$", shown) else f"{shown}:{split_listen(listen)[1]}"


def _listens(options: EdgeOptions) -> list[str]:
    lines = []
    for listen in options.sip_listen:
        advertise = _advertise(listen, options.sip_advertise)
        lines += [f"listen={protocol}:{listen}{advertise}" for protocol in ("udp", "tcp")]
    if options.tls_listen is not None:
        port = split_listen(options.tls_listen)[1]
        lines.append("#!define WITH_TLS")
        lines.append(f"listen=tls:{options.tls_listen}{_advertise(options.tls_listen, options.sip_advertise, port)}")
    return lines


def shown_at(options: EdgeOptions) -> tuple[str, ...]:
    """Where the edge takes SIP, as others are told: `udp:192.0.2.1:5060`."""
    places = [
        (protocol, _contact(listen, options.sip_advertise))
        for listen in options.sip_listen
        for protocol in ("udp", "tcp")
    ]
    if options.tls_listen is not None:
        port = split_listen(options.tls_listen)[1]
        places.append(("tls", _contact(options.tls_listen, options.sip_advertise, port)))
    return tuple(f"{protocol}:{place}" for protocol, place in places)


def _advertise(listen: str, advertise: str | None, port: int | None = None) -> str:
    """What goes behind a listen address: nothing if the advertised one is of the other family of addresses."""
    address, _ = split_listen(listen)
    if advertise is None:
        return ""
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?", advertise)
    if match is None:
        raise EdgeFailed(f"{advertise!r} is not a host or host:port that SIP messages can name")
    host, told = match[1], match[2]
    literal = host.startswith("[") or re.fullmatch(r"[0-9.]+", host)
    if literal and host.startswith("[") != (":" in address):
        return ""
    shown = port or told
    return f" advertise {host}:{shown}" if shown else f" advertise {host}"


def _plain(value: object) -> str:
    text = str(value)
    if re.search(r'[!"\s\\$]', text.replace(" ", "") if text == MEDIA_FLAGS else text):
        raise EdgeFailed(f'the path {text!r} holds a space or one of ! " \\ $, which Kamailio cannot read')
    return text


def _binary(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
    if found is None:
        raise EdgeFailed(f"there is no {name} on this machine: run scripts/packages.sh, or serve with --no-edge")
    return found
