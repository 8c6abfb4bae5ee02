"""The carriers and platforms of these tests refuse what does not come as they demand."""

from dataclasses import replace

import pytest

from tests.calls.phone import CRYPTO, Message, sdp
from tests.documents.others import Demands, offered, refusal

WANTED = Demands(
    uri=r"sip:\+15125550100@sip\.carrier\.example",
    caller=r"\+15125550142",
    called=r"\+15125550100",
    encrypted=True,
    codecs=("PCMU", "PCMA"),
    headers={"X-User": "acme"},
)
INVITE = Message(
    "INVITE sip:+15125550100@sip.carrier.example SIP/2.0",
    (("From", "<sip:+15125550142@edge>;tag=1"), ("To", "<sip:+15125550100@edge>"), ("X-User", "acme")),
    sdp("127.0.0.1", 4000, "RTP/SAVP", CRYPTO),
)


def test_a_call_as_it_must_be_is_taken() -> None:
    assert refusal(WANTED, INVITE) is None
    assert offered(INVITE) == ("PCMU", "PCMA")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"uri": r"sip:15125550100@sip\.carrier\.example"}, 404),
        ({"uri": r"sip:\+15125550100@127\.0\.0\.1"}, 404),
        ({"caller": r"15125550142"}, 403),
        ({"called": r"15125550100"}, 484),
        ({"headers": {"X-User": "globex"}}, 403),
        ({"headers": {"X-Other": "acme"}}, 403),
        ({"encrypted": False}, 488),
        ({"codecs": ("PCMA", "PCMU")}, 488),
        ({"codecs": ("PCMU",)}, 488),
    ],
)
def test_whatever_is_otherwise_is_refused(changed: dict[str, object], code: int) -> None:
    assert refusal(replace(WANTED, **changed), INVITE) == code  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body", ["", sdp("127.0.0.1"), sdp("127.0.0.1", extra=CRYPTO), sdp("127.0.0.1", 4, "RTP/SAVP")]
)
def test_media_without_keys_are_refused_where_keys_are_wanted(body: str) -> None:
    assert refusal(WANTED, replace(INVITE, body=body)) == 488


def test_keys_are_refused_where_none_are_wanted() -> None:
    plain = replace(WANTED, encrypted=False)
    assert refusal(plain, replace(INVITE, body=sdp("127.0.0.1"))) is None
    assert refusal(plain, replace(INVITE, body=sdp("127.0.0.1", extra=CRYPTO))) == 488
