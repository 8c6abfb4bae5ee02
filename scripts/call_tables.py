"""The tables of docs/calls.md that the code already knows: reasons, media rules, times."""

import dataclasses
import re

from cordboard.domain.advice import ADVICE
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

_SENT = {"cancelled": "487", "refused-by-callee": "the far side's own; 500 for 503"}


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
