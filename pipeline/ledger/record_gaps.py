"""What people are told of sequence control on record level, and what they close."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from collectors.sequence import Ring
from pipeline.ledger.records import close_in, read_series, recounted, write_series

if TYPE_CHECKING:
    import sqlite3

    from pipeline.ledger.database import Database
    from pipeline.ledger.records import Series


@dataclass(frozen=True, slots=True, order=True)
class RecordGap:
    """Running numbers `first` to `last` of a node that are missing between two files."""

    source: str
    node: str
    first: int
    last: int
    after: str
    """Name of the file that the number before them stands in."""
    before: str
    """Name of the file that the number behind them stands in; the same where it is within one."""

    @property
    def count(self) -> int:
        """Returns how many records are missing."""
        return self.last - self.first + 1

    @property
    def words(self) -> str:
        """Returns what is missing where, for people."""
        between = f"in {self.after}"
        if self.after != self.before:
            between = f"between {self.after} and {self.before}"
        place = place_of(self.source, self.node)
        return f"{place} {span_of(self.first, self.last)} ({self.count:,}), {between}"


@dataclass(frozen=True, slots=True)
class Noted:
    """Numbers of a file that came late, or had come before."""

    batch: str
    source: str
    node: str
    name: str
    """Of the file."""
    first: int
    last: int
    numbers: int
    """How many there are between `first` and `last`."""

    @property
    def words(self) -> str:
        """Returns which numbers of which file, for people."""
        place = place_of(self.source, self.node)
        return f"{place} {span_of(self.first, self.last)} ({self.numbers:,}), in {self.name}"


@dataclass(frozen=True, slots=True)
class ClosedRecords:
    """Running numbers that will never come, and who said so."""

    source: str
    node: str
    first: int
    last: int
    made: str
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class Node:
    """One node whose records are counted."""

    source: str
    node: str
    given_up: int
    """Missing numbers that are not followed any more: the node has too many gaps."""
    restarts: int
    """How often it began its count anew."""


def place_of(source: str, node: str) -> str:
    """Returns source and node as people write them."""
    return f"{source}/{node}" if node else source


def span_of(first: int, last: int) -> str:
    """Returns numbers as people write them."""
    return f"{first}" if first == last else f"{first}-{last}"


class Records:
    """Sequence control on record level, as of the last commit."""

    def __init__(self, ledger: Database) -> None:
        self.ledger = ledger

    def gaps(self) -> list[RecordGap]:
        """Returns what is missing, by source, node and order of the count."""
        rows = self.ledger.rows(
            "SELECT record_series.*, seen.first, seen.last, first_file, last_file FROM record_series"
            " JOIN record_ranges AS seen USING (source, node)"
            " WHERE (SELECT count(*) FROM record_ranges AS more WHERE more.source = seen.source"
            "  AND more.node = seen.node) > 1"
            " ORDER BY source, node, seen.first"
        )
        names = dict(
            self.ledger.rows(
                "SELECT file_id, name FROM files WHERE file_id IN (SELECT first_file FROM"
                " record_ranges UNION SELECT last_file FROM record_ranges)"
            )
        )
        found = []
        for before, behind in pairwise(rows):
            source, node, ring_first, ring_last = before[:4]
            if (source, node) != behind[:2]:
                continue
            ends = [names.get(end, end) for end in (before[-1], behind[-2])]
            found += [
                RecordGap(source, node, first, last, *ends)
                for first, last in Ring(ring_first, ring_last).numbers(before[7] + 1, behind[6] - 1)
            ]
        return found

    def late(self, batch: str | None = None) -> list[Noted]:
        """Returns numbers that filled a gap, of one batch or all."""
        return self._noted("record_fills", batch)

    def repeated(self, batch: str | None = None) -> list[Noted]:
        """Returns numbers that had come before, of one batch or all."""
        return self._noted("record_repeats", batch)

    def _noted(self, table: str, batch: str | None) -> list[Noted]:
        wanted = "" if batch is None else "WHERE batches.name = ?"
        rows = self.ledger.rows(
            "SELECT batches.name, one.source, node, files.name, first, last, numbers"  # noqa: S608 - ours
            f" FROM batches JOIN {table} AS one ON one.batch = batches.id"
            f" JOIN files ON files.file_id = one.file_id {wanted} ORDER BY one.batch, one.rowid",
            () if batch is None else (batch,),
        )
        return [Noted(*row) for row in rows]

    def repeated_by_source(self) -> dict[str, int]:
        """Returns how many numbers had come before, by source."""
        return dict(
            self.ledger.rows("SELECT source, sum(numbers) FROM record_repeats GROUP BY source")
        )

    def closed(self) -> list[ClosedRecords]:
        """Returns what was closed, in order."""
        rows = self.ledger.rows(
            "SELECT source, node, first, last, made, who, reason FROM closed_records ORDER BY id"
        )
        return [ClosedRecords(*row) for row in rows]

    def nodes(self) -> list[Node]:
        """Returns the nodes whose records are counted."""
        rows = self.ledger.rows(
            "SELECT source, node, given_up, restarts FROM record_series ORDER BY source, node"
        )
        return [Node(*row) for row in rows]

    def close(self, closed: ClosedRecords) -> None:
        """Takes note that numbers, which must be missing, will never come."""
        where = (closed.source, closed.node)
        with self.ledger.writing() as db:
            db.execute(
                "INSERT INTO closed_records (source, node, first, last, after, made, who, reason)"
                " VALUES (?1, ?2, ?3, ?4, (SELECT max(batch) FROM record_numbers"
                "  WHERE source = ?1 AND node = ?2), ?5, ?6, ?7)",
                (*where, closed.first, closed.last, closed.made, closed.who, closed.reason),
            )
            series = read_series(db, *where)
            if series is not None:
                close_in(series, closed.first, closed.last)
                write_series(db, *where, series)


def miscounted(db: sqlite3.Connection) -> list[str]:
    """Returns the nodes whose ranges are not what their batches say; there should be none."""
    found = []
    known = db.execute("SELECT source, node FROM record_series ORDER BY source, node").fetchall()
    for source, node in known:
        kept = read_series(db, source, node)
        if kept is None or kept.seen.ring is None:
            continue
        if _facts(kept) != _facts(recounted(db, source, node, kept.seen.ring)):
            found.append(f"the running numbers of {place_of(source, node)} are miscounted")
    return found


def _facts(series: Series) -> tuple[object, ...]:
    return sorted(series.rows()), series.given_up, series.restarts
