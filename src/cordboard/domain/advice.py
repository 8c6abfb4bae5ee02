"""What to do about each reason that a call or a refusal can end in; docs/calls.md has the same table."""

from typing import Final

#: Where a reason stands, and what to do about it. A word that is missing here, or too many, fails a test.
ADVICE: Final[dict[str, tuple[str, str]]] = {
    "hangup-caller": ("ended", "Nothing."),
    "hangup-callee": ("ended", "Nothing."),
    "cancelled": ("failed", "Nothing, unless it is frequent: then look how long it rang."),
    "refused-by-callee": (
        "failed",
        "Read the code and the phrase that it sent. 486 is busy; 404, 484 and 5xx are for whoever runs that side.",
    ),
    "tls-name": (
        "failed",
        "Give the gateway or agent by the name that its certificate has. For an authority of your own set "
        "`CORDBOARD_TLS_CA_FILE`.",
    ),
    "tls-off": ("failed", "Set `CORDBOARD_TLS_LISTEN` with its certificate and key, or choose another transport."),
    "no-answer": ("failed", "Nothing, unless it is an agent: it should answer at once."),
    "gateways-unreachable": ("failed", "Are the trunk's gateways down? Then the carrier, or the firewall between."),
    "agent-unreachable": (
        "refusal if its name has no address, else failed",
        "Is the host of the agent's SIP URI right, does it answer on that port? The log tells of names.",
    ),
    "carrier-auth": (
        "failed, or the answer to a request within a call",
        "Compare the trunk's username and password with the carrier's, and set both anew.",
    ),
    "agent-auth": (
        "failed, or the answer to a request within a call",
        "The agent version's username and password at the platform, or the platform's own list of addresses.",
    ),
    "answer-not-encrypted": (
        "ended",
        "The far side cannot do SDES SRTP, or not in this call. Mend it there, or set the policy to `allow`.",
    ),
    "media-silent": ("ended", "Does RTP reach the media address? NAT and firewall first, `CORDBOARD_MEDIA_ADVERTISE`."),
    "media-lost": ("ended", "rtpengine died or was restarted: `rtpengine.log`."),
    "max-duration": ("ended", "Nothing, or raise `CORDBOARD_MAX_CALL_SECONDS`."),
    "not-acknowledged": ("ended", "The caller's ACK does not reach the edge: its routing, or NAT on its side."),
    "ended-by-hand": ("ended", "Nothing: it was meant so."),
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
    "wrong-password": (
        "refusal, and challenged again",
        "Set the password anew, of the account, of the trunk's inbound username or by a version of the agent, and give "
        "it to the caller.",
    ),
    "unknown-username": (
        "refusal, and challenged again",
        "The explanation of the refusal says which username is asked for.",
    ),
    "wrong-realm": (
        "refusal, and challenged again",
        "The caller must answer the edge's own challenge: `CORDBOARD_SIP_REALM`, or nothing set as its realm.",
    ),
    "external-calls-not-allowed": ("refusal", "Let the account call outside, if it may."),
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
        "Is the phone on, its password right, its address allowed?",
    ),
    "no-gateway": ("refusal", "Give the trunk a gateway."),
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
