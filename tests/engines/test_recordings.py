"""From what rtpengine has finished to what is kept, whoever wrote it."""

import asyncio
import os
import stat
import time
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from cordboard.engines.edge.folder import prepare
from cordboard.engines.edge.recordings import Kept, Recordings
from cordboard.engines.edge.spool import Spool, Told
from tests.calls.edges import data_directory, options, running_as
from tests.engines.test_sound import CALLEE, CALLER, HEAD, code, packet

CALL = "0123abcd-6b01910c-4ea0-1"
SOUND = HEAD + packet(0, payload=code(8000)) + packet(0, port=CALLEE, source=2, payload=code(-2000))


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    for sub in ("metadata", "pcaps", "tmp"):
        (tmp_path / "spool" / sub).mkdir(parents=True)
    return tmp_path / "spool"


def finish(spool: Path, name: str = "call%40host-00ff", told: str = f"{CALL}:{CALLER}", pcap: bytes = SOUND) -> None:
    """What rtpengine leaves."""
    (spool / "pcaps" / f"{name}.pcap").write_bytes(pcap)
    (spool / "metadata" / f"rtpengine-meta-{name}.txt").write_text(
        f"/some/path.pcap\n\n\ncall start time: x\n\n\n{told}\n"
    )


def run(spool: Path, **more: int) -> list[str]:
    """Let everything be made; the reasons for which some was not."""
    values = {"days": 30} | more
    recordings = Recordings(Spool(spool), Kept(spool.parent), log=structlog.get_logger(), **values)  # type: ignore[arg-type]

    async def every() -> None:
        for _ in range(50):
            if not await recordings.step():
                return
        raise AssertionError("it does not come to an end")

    with capture_logs() as logs:
        asyncio.run(every())
        recordings._forget()
    return [log["reason"] for log in logs if log["event"] == "a recording is set aside"]


def kept(spool: Path) -> list[str]:
    return sorted(str(path.relative_to(spool.parent)) for path in (spool.parent / "recordings").glob("*/*"))


def left(spool: Path) -> list[str]:
    return sorted(str(path.relative_to(spool)) for path in spool.rglob("*") if not path.is_dir() or path.is_symlink())


def test_a_finished_recording_becomes_sound_and_its_pcap_is_gone(spool: Path) -> None:
    finish(spool)
    assert run(spool) == []
    assert kept(spool) == [f"recordings/{CALL}/01700000000000000.wav"]
    assert left(spool) == []


def test_whoever_is_killed_in_between_does_it_again_to_the_same_end(spool: Path) -> None:
    finish(spool)
    run(spool)
    before = kept(spool)
    finish(spool)
    (spool.parent / "recordings" / ".new").write_bytes(b"half")
    assert run(spool) == []
    assert kept(spool) == before


def test_one_that_is_not_finished_is_left_alone(spool: Path) -> None:
    (spool / "pcaps" / "call-1.pcap").write_bytes(SOUND)
    (spool / "tmp" / "rtpengine-meta-call-1.tmp").write_bytes(b"")
    assert run(spool) == []
    assert left(spool) == ["pcaps/call-1.pcap", "tmp/rtpengine-meta-call-1.tmp"]


def test_one_that_rtpengine_was_told_to_end_over_is_finished(spool: Path) -> None:
    """It writes down what it was told, and has no time left to say that it is whole."""
    finish(spool, "a-1")
    (spool / "metadata" / "rtpengine-meta-a-1.txt").rename(spool / "tmp" / "rtpengine-meta-a-1.tmp")
    assert Spool(spool).settle({}) == []
    assert run(spool) == []
    assert len(kept(spool)) == 1
    assert left(spool) == []


def test_one_that_rtpengine_died_over_is_finished_if_its_call_stands(spool: Path) -> None:
    for name in ("call%40host-1", "gone-2"):
        (spool / "pcaps" / f"{name}.pcap").write_bytes(SOUND[:-1])
        (spool / "tmp" / f"rtpengine-meta-{name}.tmp").write_bytes(b"")
    assert Spool(spool).settle({"call@host": Told(CALL, CALLER), "gone-2": Told("other", 1)}) == ["gone-2"]
    assert run(spool) == []
    assert len(kept(spool)) == 1
    assert left(spool) == ["aside/gone-2.pcap"]
    assert Spool(spool).settle({}) == []


def test_what_is_finished_is_settled(spool: Path) -> None:
    finish(spool, "a-1")
    before = (spool / "metadata" / "rtpengine-meta-a-1.txt").read_text()
    assert Spool(spool).settle({"a": Told("other", 1)}) == []
    assert (spool / "metadata" / "rtpengine-meta-a-1.txt").read_text() == before


@pytest.mark.parametrize(
    ("told", "pcap", "reason"),
    [
        (f"{CALL}:{CALLER}", b"no pcap", "it does not begin as a pcap"),
        ("", SOUND, "it does not say of which call it is"),
        ("../../etc/cron.d/x:30000", SOUND, "it does not say of which call it is"),
        ("..:30000", SOUND, "it does not say of which call it is"),
        (f"{CALL}/..:30000", SOUND, "it does not say of which call it is"),
        (f"{CALL}:{CALLER}", HEAD + packet(0, kind=96), "it has no G.711, but RTP of the payload types 96"),
    ],
    ids=["no pcap", "no call", "a path", "the folder above", "a path in a call", "a codec that nobody reads"],
)
def test_what_cannot_be_made_is_set_aside_with_a_reason(spool: Path, told: str, pcap: bytes, reason: str) -> None:
    finish(spool, told=told, pcap=pcap)
    finish(spool, "another-1", f"{CALL}:{CALLER}")
    assert run(spool) == [reason]
    assert [path for path in left(spool) if not path.startswith("aside/")] == []
    assert len(left(spool)) == 2
    assert kept(spool) == [f"recordings/{CALL}/01700000000000000.wav"]


def test_as_much_sdp_as_two_sides_can_send_hides_no_recording(spool: Path) -> None:
    finish(spool, told=f"{'v=0 ' * 1_000_000}\n{CALL}:{CALLER}")
    assert run(spool) == []
    assert len(kept(spool)) == 1


def test_no_link_is_followed(spool: Path) -> None:
    secret = spool.parent / "secret"
    secret.write_bytes(SOUND)
    finish(spool, "a-1")
    (spool / "pcaps" / "a-1.pcap").unlink()
    (spool / "pcaps" / "a-1.pcap").symlink_to(secret)
    finish(spool, "b-1")
    (spool / "metadata" / "rtpengine-meta-b-1.txt").unlink()
    (spool / "metadata" / "rtpengine-meta-b-1.txt").symlink_to(secret)
    os.mkfifo(spool / "metadata" / "rtpengine-meta-c-1.txt")
    assert len(run(spool)) == 3
    assert kept(spool) == []
    assert secret.read_bytes() == SOUND


def test_a_folder_that_is_a_link_leads_nowhere(spool: Path) -> None:
    elsewhere = spool.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a-1.pcap").write_bytes(SOUND)
    finish(spool, "a-1")
    (spool / "pcaps" / "a-1.pcap").unlink()
    (spool / "pcaps").rmdir()
    (spool / "pcaps").symlink_to(elsewhere)
    (spool / "aside").symlink_to(elsewhere)
    with pytest.raises(NotADirectoryError):
        run(spool)
    assert [path.name for path in elsewhere.iterdir()] == ["a-1.pcap"]
    assert kept(spool) == []


def test_a_link_in_place_of_the_spool_is_replaced_and_what_it_leads_to_is_left_alone(tmp_path: Path) -> None:
    with data_directory() as data:
        folder = prepare(options(data))
        (folder / "recordings").rmdir()
        (folder / "recordings").symlink_to(tmp_path)
        tmp_path.chmod(0o755)
        before = tmp_path.stat()
        prepare(options(data))
        assert (tmp_path.stat().st_mode, tmp_path.stat().st_uid) == (before.st_mode, before.st_uid)
        made = (folder / "recordings").lstat()
        assert stat.S_ISDIR(made.st_mode)
        assert (stat.S_IMODE(made.st_mode), made.st_uid) == (0o700, running_as())


def test_what_is_old_is_forgotten(spool: Path) -> None:
    finish(spool, "a-1")
    finish(spool, "b-1", pcap=b"no pcap")
    run(spool)
    assert len(kept(spool)) == 1
    long_ago = time.time() - 31 * 86400
    for path in [*(spool.parent / "recordings").glob("*/*"), *(spool / "aside").iterdir()]:
        os.utime(path, (long_ago, long_ago))
    run(spool)
    assert kept(spool) == []
    assert left(spool) == []
    assert not Kept(spool.parent).has(CALL)


def test_parts_of_one_call_are_one_sound(spool: Path) -> None:
    later = SOUND[:24] + packet(60, payload=code(-2000, 80))
    finish(spool, "a-2", pcap=later)
    finish(spool, "a-1")
    run(spool)
    opened = Kept(spool.parent).open(CALL)
    assert opened is not None
    size, parts = opened
    sound = b"".join(parts)
    assert len(sound) == size == 44 + 4 * (160 + 80)
    assert sound[44:48] != sound[-4:]


@pytest.mark.parametrize("call", ["..", "", ".", "../recordings", f"{CALL}/", "x" * 200, ".new"])
def test_nothing_else_is_taken_for_a_call(spool: Path, call: str) -> None:
    finish(spool)
    run(spool)
    assert not Kept(spool.parent).has(call)
    assert Kept(spool.parent).open(call) is None
