"""rtpengine's answers: what is read of them, and what is not taken for one."""

from typing import Any

import pytest

from cordboard.domain.call_details import Audio
from cordboard.engines.edge.ng import audio, decoded


def tag(name: str, packets: int, ssrc: int = 7, **media: Any) -> dict[str, Any]:
    stats = {"packets": packets, "bytes": packets * 172, "errors": 0}
    stream = {"SSRC": ssrc, "stats": stats, "flags": ["RTP"]}
    return {"tag": name, "medias": [{"type": "audio", "protocol": "RTP/AVP", "streams": [stream]} | media]}


def test_each_side_has_its_own_packets_and_what_the_other_reported_of_them() -> None:
    heard = {"MOS": 43, "jitter": 2, "round-trip time": 1500, "packet loss": 3, "samples": 4}
    answer = {
        "tags": {"a": tag("a", 500, 7, codec="PCMA/8000"), "b": tag("b", 0, 8)},
        # of b, which hears a
        "SSRC": {"8": {"cumulative loss": 99, "average MOS": heard, "lowest MOS": {"MOS": 31}}},
    }
    told = audio(answer, "a")
    assert told is not None
    caller, callee = told.streams
    assert (caller.side, caller.codec, caller.packets, caller.loss_percent) == ("caller", "PCMA/8000", 500, 3)
    assert (caller.mos, caller.lowest_mos, caller.jitter_ms, caller.round_trip_ms) == (4.3, 3.1, 2, 1.5)
    assert (callee.side, callee.packets, callee.mos, callee.loss_percent) == ("callee", 0, None, None)


def test_of_several_places_that_rang_the_one_that_was_heard_counts() -> None:
    answer = {"tags": {"a": tag("a", 9), "b": tag("b", 5), "c": tag("c", 0)}}
    told = audio(answer, "a")
    assert told is not None
    assert [(stream.side, stream.packets) for stream in told.streams] == [("caller", 9), ("callee", 5)]


def test_a_call_that_is_not_known_or_has_no_audio_tells_nothing() -> None:
    assert audio(decoded(b"d6:result5:errore"), "a") is None
    assert audio({"tags": {"a": {"tag": "a", "medias": []}}}, "a") is None
    with pytest.raises(ValueError, match="it has no 'stats'"):
        audio({"tags": {"a": {"tag": "a", "medias": [{"type": "audio", "protocol": "x", "streams": [{}]}]}}}, "a")


def test_an_answer_is_decoded_whole_or_not_at_all() -> None:
    whole = b"d4:listli1ei-2e3:abce5:otherd1:x0:ee"
    assert decoded(whole) == {"list": [1, -2, "abc"], "other": {"x": ""}}
    for end in range(len(whole)):
        with pytest.raises(ValueError, match=r"."):
            decoded(whole[:end])
    with pytest.raises(ValueError, match="no dictionary"):
        decoded(b"i1e")
    with pytest.raises(ValueError, match="too soon"):
        decoded(b"l" * 100_000)
    assert isinstance(audio({"tags": {"a": tag("a", 1)}}, "a"), Audio)
