"""What the ledger knows of sequence numbers; inside one transaction of the caller.

What has come of a source is kept as ranges of an endless count, and a commit adds what is new: a late
file closes its gap. Numbers that a person closed count as arrived at the place in the order of arrival
where they were closed, so they are missed again a whole round later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collectors.sequence import Gap, Ring, Seen, gaps_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable


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
    """Writes the gaps as of now; notes which files of `batch` filled one that was known.

    Reads what has come since the last time only: it costs the same after years.
    """
    upto = _counted(db)
    for source, told in _told(db, upto).items():
        seen = _read_seen(db, source)
        known = seen.missing()
        came = _add(seen, told)
        _write_seen(db, source, seen)
        if batch is not None:
            late = {
                (batch, source, one.first)
                for one, place in came
                if one.batch == batch and any(a <= place <= b for a, b in known)
            }
            db.executemany("INSERT INTO fills VALUES (?, ?, ?)", sorted(late))
    db.execute("DELETE FROM counted")
    db.execute(
        "INSERT INTO counted SELECT coalesce((SELECT max(rowid) FROM arrivals), 0),"
        " coalesce((SELECT max(id) FROM closed_gaps), 0)"
    )


def missing_before(
    db: sqlite3.Connection, files: Iterable[tuple[str, str, int | None]]
) -> dict[str, int]:
    """Returns by file id how many numbers are missing just before (file id, source, number)."""
    seen: dict[str, Seen] = {}
    new = _told(db, _counted(db))
    found = {}
    for file_id, source, number in files:
        if number is None:
            continue
        if source not in seen:
            seen[source] = _read_seen(db, source)
            _add(seen[source], new.get(source, []))
        found[file_id] = seen[source].missing_before(seen[source].place(number))
    return found


@dataclass(frozen=True, slots=True, order=True)
class _Told:
    """Numbers that came or were closed, in the order in which that was."""

    after: int
    """The latest arrival by then."""
    closed: int
    first: int
    last: int
    batch: int | None = field(compare=False, default=None)


def _counted(db: sqlite3.Connection) -> tuple[int, int]:
    """Returns up to which arrival and which closed gap the ranges are made."""
    row: tuple[int, int] | None = db.execute("SELECT arrivals, closed FROM counted").fetchone()
    return (0, 0) if row is None else row


def _told(db: sqlite3.Connection, since: tuple[int, int]) -> dict[str, list[_Told]]:
    """Returns by source what has been told since, in order."""
    told: dict[str, list[_Told]] = {}
    for row, source, number, batch in db.execute(
        "SELECT rowid, source, sequence, batch FROM arrivals"
        " WHERE rowid > ? AND sequence IS NOT NULL",
        since[:1],
    ):
        told.setdefault(source, []).append(_Told(row, 0, number, number, batch))
    for number, source, first, last, after in db.execute(
        "SELECT id, source, first, last, after FROM closed_gaps WHERE id > ?", since[1:]
    ):
        told.setdefault(source, []).append(_Told(after, number, first, last))
    return {source: sorted(told[source]) for source in sorted(told)}


def _add(seen: Seen, told: list[_Told]) -> list[tuple[_Told, int]]:
    """Adds what was told; returns it with its places in the endless count."""
    came = []
    for one in told:
        place = (seen.place_missing if one.closed else seen.place)(one.first)
        seen.add(place, place + one.last - one.first)
        came.append((one, place))
    return came


def _read_seen(db: sqlite3.Connection, source: str) -> Seen:
    rows = db.execute(
        "SELECT first, last FROM file_ranges WHERE source = ? ORDER BY first", (source,)
    ).fetchall()
    return Seen(_ring(db, source), [first for first, _ in rows], [last for _, last in rows])


def _write_seen(db: sqlite3.Connection, source: str, seen: Seen) -> None:
    for table in ("file_ranges", "gaps"):
        db.execute(f"DELETE FROM {table} WHERE source = ?", (source,))  # noqa: S608 - fixed names
    db.executemany(
        "INSERT INTO file_ranges VALUES (?, ?, ?)",
        [(source, a, b) for a, b in zip(seen.firsts, seen.lasts, strict=True)],
    )
    db.executemany(
        "INSERT OR IGNORE INTO gaps VALUES (?, ?, ?)",  # one of an earlier round has the same numbers
        [(gap.source, gap.first, gap.last) for gap in gaps_of(source, seen)],
    )


def _ring(db: sqlite3.Connection, source: str) -> Ring | None:
    row = db.execute("SELECT first, last FROM rings WHERE source = ?", (source,)).fetchone()
    return None if row is None else Ring(*row)


def set_rings(db: sqlite3.Connection, rings: dict[str, Ring]) -> None:
    """Writes where the numbers of each source begin again; counts anew where that is another."""
    counted = _counted(db)
    before = known_rings(db)
    db.execute("DELETE FROM rings")
    db.executemany(
        "INSERT INTO rings VALUES (?, ?, ?)",
        [(source, ring.first, ring.last) for source, ring in sorted(rings.items())],
    )
    if before == rings:
        return
    for source, told in _told(db, (0, 0)).items():
        if before.get(source) != rings.get(source):
            seen = Seen(rings.get(source))
            _add(seen, [one for one in told if one.after <= counted[0]])
            _write_seen(db, source, seen)


def miscounted(db: sqlite3.Connection) -> list[str]:
    """Returns the sources whose ranges are not what their files say; there should be none."""
    arrivals, closed_id = _counted(db)
    found = []
    for source, told in _told(db, (0, 0)).items():
        seen = Seen(_ring(db, source))
        _add(seen, [one for one in told if one.after <= arrivals and one.closed <= closed_id])
        kept = _read_seen(db, source)
        if (kept.firsts, kept.lasts) != (seen.firsts, seen.lasts):
            found.append(f"the sequence numbers of {source} are miscounted")
    return found


def known_rings(db: sqlite3.Connection) -> dict[str, Ring]:
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


def fills(db: sqlite3.Connection, batch: str | None = None) -> list[tuple[str, str, int]]:
    """Returns files that came late, with one batch or any: (batch, source, number) in order."""
    wanted = "" if batch is None else "WHERE batches.name = ?"
    rows = db.execute(
        "SELECT batches.name, source, number FROM batches JOIN fills ON batches.id = batch"  # noqa: S608 - ours
        f" {wanted} ORDER BY batch, source, number",
        () if batch is None else (batch,),
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


def retold_among(db: sqlite3.Connection, names: Iterable[tuple[str, str]]) -> list[Retold]:
    """Returns those of some (source, name) that came with several contents."""
    found = []
    for source, name in sorted(names):
        (files,) = db.execute(
            "SELECT count(DISTINCT file_id) FROM arrivals WHERE source = ? AND name = ?",
            (source, name),
        ).fetchone()
        if files > 1:
            found.append(Retold(source, name, files))
    return found
