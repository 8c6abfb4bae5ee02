"""SIP messages with damage: valid ones of every kind, each changed in a few ways. One seed gives the same messages."""

import random
from collections.abc import Callable, Iterator

#: Where a message that is steered by its sender would arrive.
ELSEWHERE = "127.0.9.99:5099"

Change = Callable[[bytes, random.Random], bytes]


#: In a message of a corpus: another number each time, so that it is no retransmission of the one before.
EACH = "0EACH0"


def mutations(corpus: list[bytes], count: int, seed: int) -> Iterator[bytes]:
    """So many messages, none longer than 60,000 bytes."""
    rng = random.Random(seed)
    for number in range(count):
        message = rng.choice(corpus).replace(EACH.encode(), str(number + 1).encode())
        for change in rng.choices(CHANGES, k=rng.choice((1, 1, 1, 2, 2, 3))):
            message = change(message, rng)[:60_000]
        yield message


def _flip(message: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(message)
    for _ in range(rng.randrange(1, 10) if damaged else 0):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def _cut(message: bytes, rng: random.Random) -> bytes:
    return message[: rng.randrange(len(message) + 1)]


def _drop_some(message: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(message) + 1)
    return message[:start] + message[start + rng.randrange(1, 40) :]


def _insert(message: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(message) + 1)
    return message[:at] + rng.choice(_PIECES) * rng.choice((1, 1, 2, 50)) + message[at:]


def _lines(message: bytes, rng: random.Random) -> bytes:
    """Header lines twice, in another order, away, or of one more."""
    head, end, body = message.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    what = rng.randrange(4)
    if lines and what == 0:
        lines.insert(rng.randrange(len(lines)), rng.choice(lines))
    elif lines and what == 1:
        lines.pop(rng.randrange(len(lines)))
    elif what == 2:
        rng.shuffle(lines)
    else:
        lines.insert(rng.randrange(len(lines) + 1), rng.choice(_HEADERS))
    return b"\r\n".join([first, *lines]) + end + body


def _huge(message: bytes, rng: random.Random) -> bytes:
    head, end, body = message.partition(b"\r\n\r\n")
    first, _, rest = head.partition(b"\r\n")
    return first + b"\r\n" + rng.choice(_HUGE) + b"\r\n" + rest + end + body


def _value(message: bytes, rng: random.Random) -> bytes:
    """Another value in a header."""
    lines = message.split(b"\r\n")
    at = rng.randrange(len(lines))
    name, colon, _ = lines[at].partition(b":")
    lines[at] = name + colon + b" " + rng.choice(_VALUES)
    return b"\r\n".join(lines)


def _request_line(message: bytes, rng: random.Random) -> bytes:
    _, _, rest = message.partition(b"\r\n")
    return rng.choice(_FIRST) + b"\r\n" + rest


CHANGES: list[Change] = [_flip, _flip, _cut, _drop_some, _insert, _lines, _lines, _huge, _value, _value, _request_line]
_PLACE = ELSEWHERE.encode()
_PIECES = [
    b"\x00",
    b"\r\n",
    b"\r\n ",
    b"%",
    b"%00",
    b"\xff\xfe",
    b"'",
    b'"',
    b"<",
    b">",
    b";",
    b",",
    b"@",
    b":",
    b"\\",
    b"`",
]
_PIECES += [b"\r\n\r\n", "é☎".encode(), b"$si", b"$(ct)", b"{", b"A" * 500, b"=?", b"' or 1=1 --", b"\x1b[2J"]
_HEADERS = [
    b"Route: <sip:%s;lr>" % _PLACE,
    b"Via: SIP/2.0/UDP %s;branch=z9hG4bKelsewhere" % _PLACE,
    b"Contact: <sip:x@%s>" % _PLACE,
    b"Record-Route: <sip:%s;lr>" % _PLACE,
    b"Path: <sip:%s;lr>" % _PLACE,
    b"Content-Length: 4294967296",
    b"l: 0",
    b"v: SIP/2.0/TCP x",
    b"Max-Forwards: 0",
    b"Require: nothing",
    b"Proxy-Require: x",
    b"Content-Encoding: gzip",
    b"Replaces: a;to-tag=b;from-tag=c",
    b"Subject:",
    b": x",
    b"x",
    b" folded",
]
_HUGE = [
    b"X-Long: " + b"x" * 60_000,
    b"\r\n".join([b"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx"] * 500),
    b"X: " + b"," * 15_000,
]
_HUGE += [b"\r\n".join(b"X-%d: y" % i for i in range(900)), b"\r\n".join([b"Route: <sip:%s;lr>" % _PLACE] * 60)]
_VALUES = [
    b"",
    b"0",
    b"-1",
    b"99999999999999999999",
    b"<sip:x@%s>" % _PLACE,
    b"<sip:x@%s>;tag=" % _PLACE,
    b"SIP/2.0/UDP %s" % _PLACE,
    b"SIP/2.0/UDP [::1",
    b"1 INVITE",
    b"1 BYE",
    b"x" * 3000,
    b"<sip:" * 200,
    b"sip:%40%40%40@[::::]:99999",
    b'"unterminated <sip:a@b',
    b"*",
    b"tel:+1",
    b"multipart/mixed;boundary=x",
]
_FIRST = [
    b"INVITE sip:x@%s SIP/2.0" % _PLACE,
    b"BYE sip:x@%s SIP/2.0" % _PLACE,
    b"SIP/2.0 200 OK",
    b"SIP/2.0 99999 OK",
    b"SIP/2.0 -1 x",
    b"ACK sip:%s SIP/2.0" % _PLACE,
    b"INVITE  sip:a@b  SIP/2.0",
    b"INVITE sip:+34911234567@127.0.0.1;maddr=127.0.9.99;transport=tcp SIP/2.0",
    b"INVITE sips:+34911234567@127.0.0.1 SIP/2.0",
    b"INVITE tel:+34911234567 SIP/2.0",
    b"INVITE urn:service:sos SIP/2.0",
    b"NONSENSE sip:+34911234567@127.0.0.1 SIP/2.0",
    b"CANCEL sip:+34911234567@127.0.0.1 SIP/2.0",
    b"GET / HTTP/1.1",
    b"INVITE sip:+34911234567@127.0.0.1 SIP/3.0",
    b"",
]
