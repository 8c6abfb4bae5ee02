"""The tables of docs/calls.md that the code already knows: reasons, media rules, times."""

import dataclasses
import re

from cordboard.domain.calls import EXPLAINED
from cordboard.domain.media import MEDIA_RULES, OFFERED, POLICIES
from cordboard.domain.reasons import CODES
from cordboard.domain.trunk_rules import PREMIUM
from cordboard.engines.edge.config import (
    KAMAILIO,
    MAX_GUESSES,
    NO_REPLY_MS,
    NO_RINGING_MS,
    RING_MS,
    EdgeOptions,
)
from cordboard.settings import Settings, variable

#: Where a reason stands, and what to do about it. A word that is missing here, or too many, fails a test.
ADVICE = {
    "hangup-caller": ("ended", "Nothing."),
    "hangup-callee": ("ended", "Nothing."),
    "cancelled": ("failed", "Nothing, unless it is frequent: then look how long it rang."),
    "refused-by-callee": (
        "failed",
        "Read the code and the phrase in `call show`. 486 is busy; 404, 484 and 5xx are for whoever runs that side.",
    ),
    "tls-name": (
        "failed",
        "Give the gateway or agent by the name that its certificate has. For an authority of your own set "
        "`CORDBOARD_TLS_CA_FILE`.",
    ),
    "tls-off": ("failed", "Set `CORDBOARD_TLS_LISTEN` with its certificate and key, or choose another transport."),
    "no-answer": ("failed", "Nothing, unless it is an agent: it should answer at once."),
    "gateways-unreachable": ("failed", "`cordboard trunk health`. Then the carrier, or the firewall between."),
    "agent-unreachable": (
        "refusal if its name has no address, else failed",
        "Is the host of the agent's SIP URI right, does it answer on that port? The log tells of names.",
    ),
    "carrier-auth": (
        "failed, or the answer to a request within a call",
        "Compare the trunk's username and password with the carrier's. `cordboard trunk update --username --password`.",
    ),
    "agent-auth": (
        "failed, or the answer to a request within a call",
        "The agent version's `--auth-username` and `--auth-password`, or the platform's own list of addresses.",
    ),
    "answer-not-encrypted": (
        "ended",
        "The far side cannot do SDES SRTP, or not in this call. Mend it there, or set the policy to `allow`.",
    ),
    "media-silent": ("ended", "Does RTP reach the media address? NAT and firewall first, `CORDBOARD_MEDIA_ADVERTISE`."),
    "media-lost": ("ended", "rtpengine died or was restarted: `rtpengine.log`."),
    "max-duration": ("ended", "Nothing, or raise `CORDBOARD_MAX_CALL_SECONDS`."),
    "not-acknowledged": ("ended", "The caller's ACK does not reach the edge: its routing, or NAT on its side."),
    "ended": ("ended", "Somebody ended the call by Kamailio's own RPC. The edge itself always has a word."),
    "lost": ("lost", "`kamailio.log`, and what else the machine did then."),
    "unknown-number": ("refusal", "Is the number imported or assigned, and written as the carrier sends it?"),
    "address-not-allowed": ("refusal", "Add the carrier's address, or the phone's, to the list, if it is theirs."),
    "no-trunk": ("refusal; 403 to who calls from it", "Give the number a trunk: its own was deleted."),
    "caller-number-not-allowed": (
        "refusal",
        "Add the number to the trunk's callers, if it may call. A caller who withholds it is never among them.",
    ),
    "trunk-credentials-required": (
        "nowhere: it is a challenge",
        "The carrier sends the INVITE again with its digest. If it does not, give it the trunk's inbound username and "
        "password.",
    ),
    "caller-not-allowed": (
        "refusal",
        "Is the agent the number's outbound one, its version published, its address or username the one that called?",
    ),
    "credentials-required": (
        "nowhere: it is a challenge",
        "The agent sends the INVITE again with its digest. If it does not, give it username and password.",
    ),
    "login-required": (
        "nowhere: it is a challenge",
        "The phone sends the INVITE again with its digest. A caller whose From is no number is taken for an account.",
    ),
    "external-calls-not-allowed": ("refusal", "`cordboard account update --allow-external-calls`, if it may."),
    "unknown-extension": (
        "refusal",
        "Which account has that internal caller id? Outside, dial `+`, country code, number.",
    ),
    "emergency-not-carried": ("refusal, or the answer to REFER", "Nothing: these are never carried."),
    "not-e164": ("refusal, or the answer to REFER", "Dial `+`, country code, number."),
    "destination-not-allowed": (
        "refusal, or the answer to REFER",
        "Is its prefix among the trunk's destinations? Premium rate and satellites need theirs, whole.",
    ),
    "encryption-required": ("refusal, or the answer to a new offer", "Let the caller offer SDES SRTP."),
    "encryption-not-allowed": ("refusal, or the answer to a new offer", "Set the policy of that leg to `allow`."),
    "media-not-supported": (
        "refusal, or the answer to a new offer",
        "DTLS-SRTP, an unknown suite, or clear and encrypted streams at once. Change the caller's offer.",
    ),
    "no-agent": ("refusal", "Assign an agent to the number, publish a version of it."),
    "account-offline": (
        "refusal if it is registered nowhere, else failed",
        "Is the phone on, its password right, its address allowed? `cordboard account show`.",
    ),
    "no-gateway": ("refusal", "`cordboard trunk update --gateway`."),
    "gateway-unresolved": ("refusal", "The log tells why: no such name, name servers silent, private addresses."),
    "lookup-failed": (
        "refusal, or the answer to a new offer",
        "Disk and permissions of `edge/edge.sqlite`. A restart of the server makes it anew if it is damaged.",
    ),
    "trunk-calls-at-once": (
        "failed",
        "Fraud, a loop, or growth: look who calls. Then the trunk's own limit, `CORDBOARD_TRUNK_MAX_CALLS`, or "
        "`..._INBOUND_CALLS`.",
    ),
    "trunk-calls-per-second": ("refusal", "The same; `CORDBOARD_TRUNK_CALLS_PER_SECOND`."),
    "tenant-calls-at-once": ("failed", "The same; `CORDBOARD_TENANT_MAX_CALLS`."),
    "tenant-calls-per-second": ("refusal", "The same; `CORDBOARD_TENANT_CALLS_PER_SECOND`."),
    "minutes-used-up": ("refusal", "Look who calls. Then the trunk's minutes a day; a day begins at 0:00 UTC."),
    "media-relay-unavailable": (
        "refusal, or ended if the answer could not be taken",
        "`rtpengine.log`. It is started again within seconds; is the range of ports large enough?",
    ),
    "recording-impossible": (
        "failed",
        "The caller's software makes the Call-ID: at most 200 bytes, each odd one as three.",
    ),
}

_SENT = {"cancelled": "487", "refused-by-callee": "the far side's own"}


def reasons() -> str:
    """Every word that a call or a refusal can end in."""
    rows = ["| reason | SIP code | recorded as | what it says | what to do |", "|---|---|---|---|---|"]
    for word, sentence in EXPLAINED.items():
        where, advice = ADVICE[word]
        rows.append(f"| `{word}` | {_code(word, where)} | {where} | {sentence} | {advice} |")
    return "\n".join(rows)


def _code(word: str, where: str) -> str:
    codes: dict[str, int] = {**CODES}
    code = _SENT.get(word) or str(codes.get(word, "none"))
    return "none" if where == "ended" else code


def media() -> str:
    """What becomes of an offer, by the policy of the leg that it comes from."""
    said = {"accepted": "goes on"}
    rows = ["| offered \\ policy | " + " | ".join(f"`{policy}`" for policy in POLICIES) + " |", "|---|---|---|---|"]
    for offered in OFFERED:
        cells = []
        for policy in POLICIES:
            verdicts = {
                (rule.code, rule.reason) for rule in MEDIA_RULES if (rule.caller, rule.offered) == (policy, offered)
            }
            (verdict,) = verdicts
            cells.append(said.get(verdict[1]) or f"{verdict[0]} `{verdict[1]}`")
        rows.append(f"| {_OFFERED[offered]} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


_OFFERED = {
    "none": "no SDP",
    "rtp": "RTP, with keys or without",
    "srtp": "SRTP by SDES, with a suite of ours",
    "other": "anything else",
}


def times() -> str:
    """What is waited for, how long, and what follows."""
    rows = ["| what | how long | then | setting |", "|---|---|---|---|"]
    rows += [f"| {what} | {long} | {then} | {_named(name)} |" for what, long, then, name in _times()]
    return "\n".join(rows)


def _times() -> list[tuple[str, str, str, str]]:
    return [
        ("a place says nothing at all to an INVITE", _s(NO_REPLY_MS), "marked down; the next place", ""),
        ("it says 100 and no more", _s(NO_RINGING_MS), "the next place", ""),
        ("it rings, since it last said so", _s(RING_MS), "CANCEL, 480 `no-answer`", ""),
        ("an INVITE altogether, from its first hop on", "180 s", "the same, whatever was left to try", ""),
        ("a request within a call gets no answer", _s(_tm("fr_timer")), "408 to whoever sent it", ""),
        ("a re-INVITE has got a provisional answer", _s(_tm("fr_inv_timer")), "408 to whoever sent it", ""),
        ("OPTIONS that a new TLS connection, or a large INVITE, waits for", _s(_tm("fr_timer")), "see Transports", ""),
        ("a TCP connection is being made", f"{_core('tcp_connect_timeout')} s", "as if nothing was said", ""),
        ("OPTIONS to each gateway, from one to the next", _default("probe_seconds"), "see Health", "probe_seconds"),
        ("a gateway stays down without news", "3 times that", "it has its old place again", ""),
        ("no media on an answered call", _default("media_timeout"), "BYE to both, `media-silent`", ""),
        ("the same on hold", _default("hold_timeout"), "BYE to both, `media-silent`", ""),
        ("a call altogether", _default("max_duration"), "BYE to both, `max-duration`", "max_call_seconds"),
        ("an answer that is never acknowledged", "70 s to 160 s", "BYE to both, `not-acknowledged`", ""),
        ("a challenge of ours is good for", f"{_modparam('auth', 'nonce_expire')} s", "another challenge", ""),
        (f"more than {MAX_GUESSES} wrong passwords of one source", "in 60 s", "a ban", ""),
        ("a ban", _default("ban_seconds"), "heard again", "ban_seconds"),
    ]


def _named(setting: str) -> str:
    if not setting:
        return ""
    assert setting in {field.name for field in dataclasses.fields(Settings)}
    return f"`{variable(setting)}`"


def _s(milliseconds: int) -> str:
    return f"{milliseconds / 1000:g} s"


def _default(option: str) -> str:
    (value,) = (field.default for field in dataclasses.fields(EdgeOptions) if field.name == option)
    return f"{value} s"


def _tm(name: str) -> int:
    return int(_modparam("tm", name))


def _modparam(module: str, name: str) -> str:
    return _configured(rf'modparam\("{module}", "{name}", ([0-9]+)\)')


def _core(name: str) -> str:
    return _configured(rf"^{name}=([0-9]+)$")


def _configured(pattern: str) -> str:
    (value,) = re.findall(pattern, (KAMAILIO / "kamailio.cfg").read_text(), re.MULTILINE)
    return str(value)


def premium() -> str:
    """What may be called only where it is listed."""
    rows = ["| prefix | what it is |", "|---|---|"]
    return "\n".join(rows + [f"| +{prefix} | {what} |" for prefix, what in PREMIUM.items()])


#: Each table by the name between its marks.
TABLES = {"reasons": reasons, "media": media, "times": times, "premium": premium}


def filled(page: str) -> str:
    """The page with each `<!-- table: NAME -->` … `<!-- /table -->` as the code has it."""

    def table(match: re.Match[str]) -> str:
        return f"{match[1]}\n{TABLES[match[2]]()}\n{match[3]}"

    return re.sub(r"(<!-- table: ([a-z]+) -->)\n.*?\n?(<!-- /table -->)", table, page, flags=re.DOTALL)
