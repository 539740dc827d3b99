"""What the ledger knows of sequence numbers; inside one transaction of the caller.

Gaps are made anew from the arrivals at every commit, so they need no state of their own: a late file
closes its gap. Numbers that a person closed count as arrived at the place
in the order of arrival where they were closed, so they are missed again a whole round later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from collectors.sequence import Gap, Ring, gaps_of

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True)
class Closed:
    """Numbers that will never come, and who said so."""

    gap: Gap
    made: str
    who: str
    reason: str


@dataclass(frozen=True, slots=True)
class Retold:
    """A name of a source that came with several contents."""

    source: str
    name: str
    files: int


def write_gaps(db: sqlite3.Connection, batch: int | None) -> None:
    """Writes the gaps as of now; notes which files of `batch` filled one that was known."""
    before = [Gap(*row) for row in db.execute("SELECT source, first, last FROM gaps")]
    db.execute("DELETE FROM gaps")
    for source in _sources(db):
        db.executemany(
            "INSERT INTO gaps VALUES (?, ?, ?)",
            [
                (gap.source, gap.first, gap.last)
                for gap in gaps_of(source, _told(db, source), _ring(db, source))
            ],
        )
    if batch is None:
        return
    for gap in before:
        db.execute(
            "INSERT INTO fills SELECT DISTINCT ?1, source, sequence FROM arrivals"
            " WHERE batch = ?1 AND source = ?2 AND sequence BETWEEN ?3 AND ?4",
            (batch, gap.source, gap.first, gap.last),
        )


def _sources(db: sqlite3.Connection) -> list[str]:
    rows = db.execute(
        "SELECT DISTINCT source FROM arrivals WHERE sequence IS NOT NULL ORDER BY source"
    )
    return [source for (source,) in rows]


def _ring(db: sqlite3.Connection, source: str) -> Ring | None:
    row = db.execute("SELECT first, last FROM rings WHERE source = ?", (source,)).fetchone()
    return None if row is None else Ring(*row)


def _told(db: sqlite3.Connection, source: str) -> list[int]:
    """Returns the numbers of a source in order of arrival, closed ones where they were closed."""
    told = [
        (row, 0, number)
        for row, number in db.execute(
            "SELECT rowid, sequence FROM arrivals WHERE source = ? AND sequence IS NOT NULL",
            (source,),
        )
    ]
    for first, last, after in db.execute(
        "SELECT first, last, after FROM closed_gaps WHERE source = ?", (source,)
    ):
        told += [(after, 1, number) for number in range(first, last + 1)]
    return [number for _, _, number in sorted(told)]


def set_rings(db: sqlite3.Connection, rings: dict[str, Ring]) -> None:
    """Writes where the numbers of each source begin again."""
    db.execute("DELETE FROM rings")
    db.executemany(
        "INSERT INTO rings VALUES (?, ?, ?)",
        [(source, ring.first, ring.last) for source, ring in sorted(rings.items())],
    )


def rings(db: sqlite3.Connection) -> dict[str, Ring]:
    """Returns where the numbers of each source begin again."""
    return {source: Ring(a, b) for source, a, b in db.execute("SELECT * FROM rings")}


def close_gap(db: sqlite3.Connection, gap: Gap, made: str, who: str, reason: str) -> None:
    """Notes that numbers will never come."""
    db.execute(
        "INSERT INTO closed_gaps (source, first, last, after, made, who, reason)"
        " VALUES (?, ?, ?, (SELECT max(rowid) FROM arrivals), ?, ?, ?)",
        (gap.source, gap.first, gap.last, made, who, reason),
    )
    write_gaps(db, None)


def closed(db: sqlite3.Connection) -> list[Closed]:
    """Returns what was closed, in order."""
    rows = db.execute("SELECT source, first, last, made, who, reason FROM closed_gaps ORDER BY id")
    return [Closed(Gap(source, a, b), *rest) for source, a, b, *rest in rows]


def fills(db: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """Returns files that came late: (batch, source, number) in order of commit."""
    rows = db.execute(
        "SELECT batches.name, source, number FROM fills JOIN batches ON batches.id = batch"
        " ORDER BY batch, source, number"
    )
    return rows.fetchall()


def retold(db: sqlite3.Connection) -> list[Retold]:
    """Returns names that came with several contents.

    Numbers repeat after a round, names do not: a name with another digest is a sender's mistake, or
    a file that somebody changed.
    """
    rows = db.execute(
        "SELECT source, name, count(DISTINCT file_id) FROM arrivals GROUP BY source, name"
        " HAVING count(DISTINCT file_id) > 1 ORDER BY source, name"
    )
    return [Retold(*row) for row in rows]
