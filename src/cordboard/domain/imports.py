"""Imports of many numbers: what is asked for, how far it is, and what became of each row.

open ──► finished     a finished import takes no rows; its report stays for a while
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NewType, Self

from cordboard.domain.addresses import HostPort
from cordboard.domain.numbers import NumberId
from cordboard.domain.tenants import TenantId
from cordboard.domain.trunks import MediaPolicy, TrunkId

ImportId = NewType("ImportId", str)

#: Rows that are taken in one transaction: no other write of the store waits for longer than these take.
MAX_ROWS: Final = 1000
#: As many that each bring a trunk along, or may change what is there, take as long.
MAX_SLOW_ROWS: Final = 250
#: How long the report of an import is kept.
KEPT: Final = timedelta(days=30)

#: What a row may say, under the names that a file's header has for it.
COLUMNS: Final = (
    *("number", "nickname", "trunk", "inbound_agent", "outbound_agent"),
    *("allowed_addresses", "media_in", "media_out", "termination_uri", "username", "password"),
)
#: Those that describe a trunk of the number's own.
OWN_TRUNK: Final[tuple[str, ...]] = COLUMNS[5:]
#: Other names for the same.
ALIASES: Final = {"phone_number": "number", "label": "nickname"}


class Format(StrEnum):
    """How the rows are written."""

    CSV = "csv"
    NDJSON = "ndjson"

    @property
    def first_row(self) -> int:
        """What people call the first row: a CSV's header is row 1."""
        return 2 if self is Format.CSV else 1


class OnConflict(StrEnum):
    """What becomes of a row whose number the tenant has."""

    #: It is told as failed, and nothing is changed.
    FAIL = "fail"
    #: It is left out without a complaint.
    SKIP = "skip"
    #: What the row says is changed; what it does not say stays.
    UPDATE = "update"


class Outcome(StrEnum):
    """What became of a row."""

    IMPORTED = "imported"
    UPDATED = "updated"
    #: The number was as the row has it.
    UNCHANGED = "unchanged"
    #: The number was there, or the row is empty.
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What is asked for besides the rows. Trunk and agents, by id or name, are those of rows that name none."""

    format: Format = Format.CSV
    on_conflict: OnConflict = OnConflict.FAIL
    #: Everything is checked and told, and nothing imported.
    dry_run: bool = False
    trunk: str | None = None
    inbound_agent: str | None = None
    outbound_agent: str | None = None
    #: By which whoever begins the same import again finds this one: most likely the digest of a file.
    source: str | None = None

    def max_rows(self, most: int) -> int:
        """Rows of a piece where `most` of the quickest are possible."""
        return min(most, MAX_SLOW_ROWS) if self.on_conflict is OnConflict.UPDATE else most


@dataclass(frozen=True, kw_only=True, slots=True)
class NumberImport:
    """An import, and how far it is."""

    id: ImportId
    tenant: TenantId
    choices: Choices
    #: Rows that are done with: the next to be sent is that many rows behind the first.
    position: int = 0
    counts: Mapping[Outcome, int] = field(default_factory=dict)
    created_at: datetime
    finished_at: datetime | None = None

    def after(self, told: Sequence["Told"], *, last: bool, now: datetime) -> Self:
        """The import with some more rows done with."""
        counts = Counter(self.counts)
        counts.update(each.outcome for each in told)
        finished = now if last else None
        return replace(self, position=self.position + len(told), counts=counts, finished_at=finished)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row failed, and what can be done about it; `column` is None if it is about the row as a whole."""

    column: str | None
    detail: str
    remedy: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnTrunk:
    """The trunk that a number brings along, as a single import has it."""

    allowed: tuple[str, ...] | None = None
    media_in: MediaPolicy | None = None
    media_out: MediaPolicy | None = None
    #: None: the number takes inbound calls alone.
    gateway: HostPort | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A row that is well formed, with the ids of what it may make."""

    id: NumberId
    trunk_id: TrunkId
    number: str
    nickname: str | None = None
    #: By id or name, as the agents are.
    trunk: str | None = None
    own: OwnTrunk | None = None
    inbound_agent: str | None = None
    outbound_agent: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What became of a row, or what is known of it before it is tried; `number` as far as it could be read."""

    number: str | None
    outcome: Outcome
    number_id: str | None = None
    problems: tuple[Problem, ...] = ()


def failed(number: str | None, *problems: Problem) -> Told:
    return Told(number=number, outcome=Outcome.FAILED, problems=problems)


def delimiter(header: str) -> str:
    """What stands between the cells of a CSV, told by its first line: a comma, or what spreadsheets write instead."""
    return max(",;\t", key=header.count) if any(mark in header for mark in ",;\t") else ","


def records(lines: Iterable[str], between: str, *, first: int = 1) -> Iterator[list[str]]:
    """The records of a CSV (RFC 4180), its lines counted from `first`; a cell in quotes may hold line ends.

    Raises csv.Error for a quote that is not closed: read as it stands, it would take the rows behind it with it.
    """
    reader = csv.reader(lines, delimiter=between, strict=True)
    begun = 0
    try:
        for cells in reader:
            yield cells
            begun = reader.line_num
    except csv.Error as error:
        raise csv.Error(
            f"the record on line {begun + first}: {error}; close its quote, and write one inside a value twice"
        ) from error
