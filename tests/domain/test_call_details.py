"""What two sides' SDP and the relay's word make of a call's legs."""

from dataclasses import replace

import pytest

from cordboard.domain.call_details import Audio, Detail, Said, Side, Stream, legs, one_way, said

OFFER = """v=0\r
o=- 1 1 IN IP4 192.0.2.1\r
s=-\r
c=IN IP4 192.0.2.1\r
t=0 0\r
m=audio 4000 RTP/SAVP 111 9 0 8 101\r
a=rtpmap:111 opus/48000/2\r
a=rtpmap:101 telephone-event/8000\r
a=crypto:1 AEAD_AES_256_GCM inline:\r
a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:\r
a=sendonly\r
m=video 4002 RTP/SAVP 96\r
a=rtpmap:96 H264/90000\r
a=inactive\r
"""


def spoke(side: Side, *codecs: str, suites: tuple[str, ...] = (), secure: bool = False) -> Said:
    profile = "RTP/SAVP" if secure else "RTP/AVP"
    return Said(side=side, codecs=codecs, profile=profile, suites=suites, direction="sendrecv")


def stream(side: Side, codec: str = "", suite: str = "", packets: int = 1) -> Stream:
    return Stream(side=side, codec=codec, profile="RTP/AVP", suite=suite, packets=packets, bytes=172, errors=0)


def codecs(*details: Detail) -> list[str | None]:
    return [leg.codec for leg in legs(details)]


def test_an_offer_names_its_codecs_in_order_and_its_suites() -> None:
    assert said("caller", OFFER) == Said(
        side="caller",
        codecs=("opus", "G722", "PCMU", "PCMA", "telephone-event"),
        profile="RTP/SAVP",
        suites=("AEAD_AES_256_GCM", "AES_CM_128_HMAC_SHA1_32"),
        direction="sendonly",
    )


def test_what_is_no_sdp_or_ends_too_soon_names_what_there_is() -> None:
    assert said("caller", "").codecs == ()
    assert said("callee", OFFER[: OFFER.index("a=rtpmap:101")]).codecs == ("opus", "G722", "PCMU", "PCMA", "101")
    assert len(said("caller", "m=audio 1 RTP/AVP" + " 0" * 500).codecs) == 32


def test_the_codec_in_use_is_the_first_of_the_answer() -> None:
    assert codecs() == [None, None]
    assert codecs(spoke("caller", "PCMU", "PCMA")) == [None, None], "nobody has answered"
    assert codecs(spoke("caller", "PCMU", "PCMA"), spoke("callee", "telephone-event", "PCMA")) == ["PCMA", "PCMA"]
    # a new offer of the callee's, which the caller answers
    assert codecs(spoke("caller", "PCMU"), spoke("callee", "PCMU", "G722"), spoke("caller", "G722")) == ["G722"] * 2


def test_a_relay_that_translates_tells_the_callers_codec() -> None:
    both = (spoke("caller", "PCMU"), spoke("callee", "opus"))
    assert codecs(*both) == [None, "opus"]
    heard = Audio(streams=(stream("caller", "PCMU/8000"), stream("callee", "opus/48000/2")))
    assert codecs(*both, heard) == ["PCMU", "opus"]


def test_keys_of_encrypted_audio_name_its_suite() -> None:
    keys = ("AES_CM_128_HMAC_SHA1_32", "AES_CM_128_HMAC_SHA1_80")
    caller, callee = legs([spoke("caller", "PCMU", suites=keys, secure=True), spoke("callee", "PCMU")])
    assert (caller.encryption, caller.suite) == ("sdes", "AES_CM_128_HMAC_SHA1_80")
    assert (callee.encryption, callee.suite) == ("none", None)
    assert legs([])[0].encryption is None


def test_whether_keys_beside_plain_audio_were_taken_only_the_relay_knows() -> None:
    suggested = spoke("caller", "PCMU", suites=("AES_CM_128_HMAC_SHA1_80",))
    caller, _ = legs([suggested])
    assert (caller.encryption, caller.suite) == (None, None)
    caller, _ = legs([suggested, Audio(streams=(stream("caller"), stream("callee")))])
    assert (caller.encryption, caller.suite) == ("none", None)
    caller, _ = legs([suggested, Audio(streams=(stream("caller", suite="AES_CM_128_HMAC_SHA1_80"),))])
    assert (caller.encryption, caller.suite) == ("sdes", "AES_CM_128_HMAC_SHA1_80")


def test_a_fingerprint_encrypts_nothing() -> None:
    plain = said(
        "caller", OFFER.replace("RTP/SAVP", "RTP/AVP").replace("a=crypto", "a=x") + "a=fingerprint:sha-256 00\r\n"
    )
    assert [leg.encryption for leg in legs([plain])] == ["none", None]


@pytest.mark.parametrize(
    ("directions", "packets", "told"),
    [
        (("sendrecv", "sendrecv"), (500, 0), True),
        (("sendrecv", "sendrecv"), (0, 50), True),
        (("sendrecv", "sendrecv"), (500, 1), False),
        (("sendrecv", "sendrecv"), (0, 0), False),
        # hung up before the other side's first packet
        (("sendrecv", "sendrecv"), (49, 0), None),
        # a recorder that only listens, and a call on hold
        (("sendonly", "recvonly"), (500, 0), None),
        (("sendrecv", "inactive"), (500, 0), None),
    ],
)
def test_audio_goes_one_way_if_both_were_to_send(
    directions: tuple[str, str], packets: tuple[int, int], told: bool | None
) -> None:
    sides: tuple[Side, Side] = ("caller", "callee")
    words = [
        replace(spoke(side, "PCMU"), direction=direction) for side, direction in zip(sides, directions, strict=True)
    ]
    heard = Audio(streams=tuple(stream(side, packets=sent) for side, sent in zip(sides, packets, strict=True)))
    assert one_way(legs([*words, heard])) is told
    assert one_way(legs(words)) is None
