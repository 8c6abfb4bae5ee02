"""SIP passwords at rest, and the key ring that opens them."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from cordboard.domain.trunks import SealedSecret
from cordboard.storage.secrets import KeyRing, UnreadableSecret

START_TOGETHER = """
import sys, pathlib
from cordboard.storage.secrets import KeyRing
print("ready", flush=True)
sys.stdin.readline()
for n in range(30):
    ring = KeyRing.open(pathlib.Path(sys.argv[1]) / f"{n}.json")
    print(ring.seal("a secret", "row").text)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets.json"


def test_a_sealed_secret_opens_for_its_own_row(path: Path) -> None:
    ring = KeyRing.open(path)
    for plain in ("hunter2", "", "pässwörd €", "x" * 255):
        assert ring.unseal(ring.seal(plain, "row-1"), "row-1") == plain


def test_a_sealed_secret_opens_for_no_other_row(path: Path) -> None:
    ring = KeyRing.open(path)
    with pytest.raises(UnreadableSecret):
        ring.unseal(ring.seal("hunter2", "row-1"), "row-2")


def test_the_same_secret_stays_as_it_is_sealed_and_one_that_does_not_open_is_sealed_anew(path: Path) -> None:
    ring = KeyRing.open(path)
    before = ring.seal("hunter2", "row")
    assert ring.seal_anew("hunter2", "row", before) is before
    for plain, row, sealed in (("other", "row", before), ("hunter2", "row-2", before), ("hunter2", "row", None)):
        assert ring.unseal(ring.seal_anew(plain, row, sealed), row) == plain
    newer = KeyRing("k2", {"k2": bytes(32)})  # the key that sealed it is gone
    assert newer.unseal(newer.seal_anew("hunter2", "row", before), "row") == "hunter2"


def test_a_secret_sealed_twice_looks_different(path: Path) -> None:
    ring = KeyRing.open(path)
    assert ring.seal("hunter2", "row").text != ring.seal("hunter2", "row").text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("k1:", "k2:"),  # a key that the ring does not have
        lambda text: text.partition(":")[2],  # no key named
        lambda text: text[:-4],  # cut off
        lambda text: text + "!",  # not base64
        lambda text: "k1:" + base64.b64encode(b"short").decode(),  # shorter than a nonce
        lambda text: "k1:",  # nothing at all
        lambda text: text[:10] + ("A" if text[10] != "A" else "B") + text[11:],  # one character changed
    ],
)
def test_a_spoilt_secret_is_unreadable_and_the_error_says_nothing_of_it(path: Path, spoil: object) -> None:
    ring = KeyRing.open(path)
    sealed = SealedSecret(text=spoil(ring.seal("hunter2", "row").text))  # type: ignore[operator]
    with pytest.raises(UnreadableSecret) as raised:
        ring.unseal(sealed, "row")
    assert "hunter2" not in str(raised.value)
    assert sealed.text not in str(raised.value)


def test_another_ring_opens_nothing(path: Path, tmp_path: Path) -> None:
    sealed = KeyRing.open(path).seal("hunter2", "row")
    with pytest.raises(UnreadableSecret):
        KeyRing.open(tmp_path / "other.json").unseal(sealed, "row")


def test_a_ring_that_got_a_new_key_still_opens_what_the_old_one_sealed(path: Path) -> None:
    sealed = KeyRing.open(path).seal("hunter2", "row")
    ring = json.loads(path.read_text())
    ring["keys"]["k2"] = base64.b64encode(bytes(range(32))).decode()
    ring["active"] = "k2"
    path.write_text(json.dumps(ring))
    renewed = KeyRing.open(path)
    assert renewed.unseal(sealed, "row") == "hunter2"
    assert renewed.seal("hunter2", "row").text.startswith("k2:")


def test_neither_keys_nor_secrets_are_shown(path: Path) -> None:
    ring = KeyRing.open(path)
    sealed = ring.seal("hunter2", "row")
    key = json.loads(path.read_text())["keys"]["k1"]
    assert key not in repr(ring)
    assert sealed.text not in repr(sealed)


def test_the_file_is_its_owner_s_alone_and_stays_as_it_is(path: Path) -> None:
    KeyRing.open(path)
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    KeyRing.open(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path], "a temporary file was left"


@pytest.mark.slow
def test_processes_that_start_at_once_have_one_ring(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", START_TOGETHER, tmp_path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [error for _, error in outputs] == [""] * len(processes)
    for sealed, _ in outputs:
        for n, text in enumerate(sealed.split()):
            ring = KeyRing.open(tmp_path / f"{n}.json")
            assert ring.unseal(SealedSecret(text=text), "row") == "a secret", f"two rings at {n}"
    assert len(list(tmp_path.iterdir())) == 30, "a temporary file was left"
