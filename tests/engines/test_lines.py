"""What an edge's lines are read as."""

from base64 import b64encode

from cordboard.domain.calls import Refusal
from cordboard.engines.edge.lines import parse


def test_bytes_that_are_no_text_do_not_make_a_text_longer_than_its_limit() -> None:
    texts = "|".join([("ff" * 128), "c3a9" * 64, "", "41" * 128])
    told = parse(f"refusal|1795000000.5|in|404|unknown-number|||||192.0.2.1|5060|1|{texts}", "1")
    assert isinstance(told, Refusal)
    assert told.called == "\\xff" * 32
    assert (told.caller, told.user_agent) == ("é" * 64, "A" * 128)


def test_a_call_without_audio_tells_nothing_of_it() -> None:
    video = b"d4:tagsd1:ad3:tag1:a6:mediasld4:type5:videoeeeee"
    answer = b64encode(b"secret,call,61 " + video).decode()
    assert parse(f"audio|1795000000.5|{answer}", "1") is None
