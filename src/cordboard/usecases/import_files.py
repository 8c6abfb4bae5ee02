"""A file of numbers, read a piece at a time: however large it is, little of it is in memory."""

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final, TextIO

from cordboard.domain.imports import OWN_TRUNK, Format, delimiter, records

#: Rows and bytes of a piece, at most: a body of the server's has 1 MiB, and other writes wait for one piece.
ROWS: Final = 500
SIZE: Final = 512 * 1024
MEDIA_TYPES: Final = {Format.CSV: "text/csv", Format.NDJSON: "application/x-ndjson"}


class UnreadableFile(Exception):
    """The message says what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Some rows of the file as they stand there, under its header."""

    #: Rows before it.
    position: int
    rows: int
    body: bytes
    #: Bytes of the file that it came from.
    size: int


@dataclass(slots=True)
class _Lines:
    """The lines of a file, and those that were read since they were last asked for."""

    file: TextIO
    _read: list[str] = field(default_factory=list)

    def __iter__(self) -> Iterator[str]:
        for line in self.file:
            self._read.append(line)
            yield line

    def taken(self) -> str:
        text, self._read = "".join(self._read), []
        return text


def format_of(path: Path) -> Format:
    """By its name's end."""
    return Format.NDJSON if path.suffix.lower() in (".ndjson", ".jsonl", ".json") else Format.CSV


def digest(path: Path) -> str:
    """By which the server knows the file again."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def pieces(path: Path, format: Format, *, start: int, rows: int, own_trunks: int) -> Iterator[Piece]:
    """What comes behind the first `start` rows; the last piece may be without any.

    The file is read once before the first: raises UnreadableFile before anything is sent.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = _header(file, format)
            for _ in _records(file, format, header):
                pass
            file.seek(0)
            most = min(rows, ROWS, own_trunks if _may_own_trunks(header) else rows)
            yield from _cut(file, format, start, most)
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{path} is not in UTF-8; save it as CSV UTF-8") from error
    except csv.Error as error:
        raise UnreadableFile(f"{path} is no CSV: {error}") from error


def _cut(file: TextIO, format: Format, start: int, most: int) -> Iterator[Piece]:
    header = _header(file, format)
    rows = _records(file, format, header)
    size = len(header.encode()) + sum(len(text.encode()) for text in islice(rows, start))
    position, held = start, 0
    texts: list[str] = []
    for text in rows:
        if len(texts) == most or held > SIZE:
            yield _piece(position, header, texts, size)
            position, size, held, texts = position + len(texts), 0, 0, []
        texts.append(text)
        held += len(text.encode())
        size += len(text.encode())
    yield _piece(position, header, texts, size)


def _piece(position: int, header: str, texts: list[str], size: int) -> Piece:
    body = "".join((header, *texts)).encode()
    return Piece(position=position, rows=len(texts), body=body, size=size)


def _header(file: TextIO, format: Format) -> str:
    return file.readline() if format is Format.CSV else ""


def _may_own_trunks(header: str) -> bool:
    """Told by a CSV's header; JSON lines have none, and may."""
    words = re.sub(r"[\s-]+", "_", header.strip().lower())
    return not header or any(column in words for column in OWN_TRUNK)


def _records(file: TextIO, format: Format, header: str) -> Iterator[str]:
    """Each row's text; a cell of a CSV in quotes may hold line ends."""
    if format is Format.NDJSON:
        yield from file
        return
    lines = _Lines(file)
    for _ in records(lines, delimiter(header), first=2):
        yield lines.taken()
