"""Sequence control on record level: which running numbers of each node have come.

`record_numbers` has what each file of a batch holds, in ranges; it goes with the batch. Of these,
`record_ranges` keeps what has come of a node in all, and a commit adds what is new: its cost depends
on the gaps of the nodes that it touches, not on what came before. Inside one transaction of the caller.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from collectors.sequence import Ring, Seen

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

Range = tuple[int, int]

MOST_GAPS: Final = 1_000
"""Gaps of one node that are followed; beyond these the oldest are given up, and that is told."""


@dataclass(frozen=True, slots=True)
class FileNumbers:
    """Running numbers of one node in one file, as the node writes them."""

    file_id: str
    source: str
    node: str
    """Empty where the records name none: then the source is the node."""
    ring: Ring
    ranges: tuple[Range, ...]
    again: int = 0
    """How many numbers the file holds more than once, the lowest and the highest of them."""
    lowest: int = -1
    highest: int = -1
    fresh: bool = True
    """Whether most records of the file are no duplicates."""


@dataclass(slots=True)
class Series:
    """What has come of one node, and which files the ends of its ranges stand in."""

    seen: Seen
    begins: dict[int, str] = field(default_factory=dict)
    ends: dict[int, str] = field(default_factory=dict)
    given_up: int = 0
    """Missing numbers that are not followed any more."""
    restarts: int = 0
    """How often the node began its count anew before the end of it."""

    def add(self, first: int, last: int, file_id: str) -> list[Range]:
        """Adds numbers of the endless count; returns those that had come before."""
        known = self.seen.add(first, last)
        at = bisect_left(self.seen.lasts, last)
        self.begins.setdefault(self.seen.firsts[at], file_id)
        self.ends.setdefault(self.seen.lasts[at], file_id)
        return known

    def add_file(self, numbers: FileNumbers, gaps: Sequence[Range]) -> tuple[list[Range], int]:
        """Adds a file; returns what it repeats, and how many numbers it fills of `gaps`."""
        repeated: list[Range] = []
        filled = 0
        for first, last in clipped(numbers.ranges, numbers.ring):
            begin = self.seen.place(first)
            if numbers.fresh and self.begins_anew(first, begin, begin + last - first):
                begin = self.restart(first)
            end = begin + last - first
            known = self.add(begin, end, numbers.file_id)
            filled += _common(gaps, [(begin, end)]) - _common(gaps, known)
            repeated += known
        return repeated, filled

    def begins_anew(self, first: int, begin: int, end: int) -> bool:
        """Returns whether new records with numbers from `begin` on are of a count begun anew.

        They bear the first number of all, which is not the next one, fills no gap, and does not
        stand just before what has come: a node that was started again, not one that wraps around.
        """
        ring, seen = self.seen.ring, self.seen
        if ring is None or not seen.lasts or not 0 <= first - ring.first <= 1:
            return False
        if begin > seen.lasts[-1]:
            return False
        if begin < seen.firsts[0]:
            return end + 1 < seen.firsts[0]
        return seen.lasts[bisect_right(seen.firsts, begin) - 1] >= begin

    def restart(self, first: int) -> int:
        """Goes on with a number of the next round; what lies between counts as if it had come."""
        high, ring = self.seen.lasts[-1], self.seen.ring
        assert ring is not None  # noqa: S101 - see begins_anew
        begin = high + 1 + (first - high - 1) % ring.size
        if begin > high + 1:
            self.add(high + 1, begin - 1, self.ends[high])
        self.restarts += 1
        return begin

    def rows(self) -> set[tuple[int, int, str, str]]:
        """Returns the ranges with the files of their ends."""
        return {
            (a, b, self.begins[a], self.ends[b])
            for a, b in zip(self.seen.firsts, self.seen.lasts, strict=True)
        }


def _common(gaps: Sequence[Range], ranges: list[Range]) -> int:
    """Returns how many numbers of `ranges` lie in `gaps`, which are ascending."""
    count = 0
    for first, last in ranges:
        for at in range(bisect_left(gaps, first, key=lambda gap: gap[1]), len(gaps)):
            begin, end = gaps[at]
            if begin > last:
                break
            count += min(end, last) - max(begin, first) + 1
    return count


def write_numbers(
    db: sqlite3.Connection, batch: int, numbers: Sequence[FileNumbers], *, repeats: bool
) -> None:
    """Adds the numbers of a batch; notes late fills and, if wanted, what had come before.

    Args:
        db: The ledger, in a transaction.
        batch: The batch.
        numbers: Of its files, in their order.
        repeats: Whether a number that comes again is told: what is recycled has come before.
    """
    by_series: dict[tuple[str, str], list[FileNumbers]] = {}
    for one in numbers:
        by_series.setdefault((one.source, one.node), []).append(one)
        db.execute(
            "INSERT INTO record_numbers VALUES (?, ?, ?, ?, ?, ?)",
            (batch, one.file_id, one.source, one.node, _text(one.ranges), int(one.fresh)),
        )
    for (source, node), files in sorted(by_series.items()):
        ring = files[-1].ring
        series = read_series(db, source, node)
        if series is None or series.seen.ring != ring:
            series = recounted(db, source, node, ring, before=batch)
        gaps = series.seen.missing()
        for one in files:
            repeated, filled = series.add_file(one, gaps)
            if filled:
                row = _noted(batch, one, list(one.ranges), filled)
                db.execute("INSERT INTO record_fills VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            again = one.again + sum(last - first + 1 for first, last in repeated)
            if repeats and again:
                inside = [(one.lowest, one.highest)] if one.again else []
                placed = [piece for a, b in repeated for piece in series.seen.written(a, b)]
                row = _noted(batch, one, placed + inside, again)
                db.execute("INSERT INTO record_repeats VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        write_series(db, source, node, series)


def _noted(batch: int, one: FileNumbers, pieces: list[Range], count: int) -> tuple[object, ...]:
    """Returns a row about some numbers of a file: between which they lie, and how many."""
    first, last = min(a for a, _ in pieces), max(b for _, b in pieces)
    return batch, one.file_id, one.source, one.node, first, last, count


def read_series(db: sqlite3.Connection, source: str, node: str) -> Series | None:
    """Returns what has come of a node, None if nothing has."""
    known = db.execute(
        "SELECT first, last, given_up, restarts FROM record_series WHERE source = ? AND node = ?",
        (source, node),
    ).fetchone()
    if known is None:
        return None
    rows = db.execute(
        "SELECT first, last, first_file, last_file FROM record_ranges"
        " WHERE source = ? AND node = ? ORDER BY first",
        (source, node),
    ).fetchall()
    seen = Seen(Ring(*known[:2]), [row[0] for row in rows], [row[1] for row in rows])
    begins, ends = {row[0]: row[2] for row in rows}, {row[1]: row[3] for row in rows}
    return Series(seen, begins, ends, *known[2:])


def write_series(db: sqlite3.Connection, source: str, node: str, series: Series) -> None:
    """Writes what has come of a node, where that has changed."""
    series.given_up += series.seen.give_up(MOST_GAPS)
    before = read_series(db, source, node)
    old, new = set() if before is None else before.rows(), series.rows()
    db.executemany(
        "DELETE FROM record_ranges WHERE source = ? AND node = ? AND first = ?",
        [(source, node, row[0]) for row in sorted(old - new)],
    )
    db.executemany(
        "INSERT INTO record_ranges VALUES (?, ?, ?, ?, ?, ?)",
        [(source, node, *row) for row in sorted(new - old)],
    )
    ring = series.seen.ring
    assert ring is not None  # noqa: S101 - every format says where its numbers begin again
    db.execute(
        "INSERT OR REPLACE INTO record_series VALUES (?, ?, ?, ?, ?, ?)",
        (source, node, ring.first, ring.last, series.given_up, series.restarts),
    )


def recounted(
    db: sqlite3.Connection, source: str, node: str, ring: Ring, before: int | None = None
) -> Series:
    """Returns what has come of a node, counted anew from all batches, or those before one."""
    told: list[tuple[int, int, str, str, int]] = [
        (batch, 0, file_id, ranges, fresh)
        for batch, file_id, ranges, fresh in db.execute(
            "SELECT batch, file_id, ranges, fresh FROM record_numbers WHERE source = ? AND node = ?"
            " AND (?3 IS NULL OR batch < ?3) ORDER BY batch, rowid",
            (source, node, before),
        )
    ]
    told += [
        (after, number, "", f"{first}-{last}", 0)
        for number, first, last, after in db.execute(
            "SELECT id, first, last, after FROM closed_records WHERE source = ? AND node = ?"
            " ORDER BY id",
            (source, node),
        )
    ]
    series = Series(Seen(ring))
    step = (-1, 0)
    for at, closed, file_id, text, fresh in sorted(told, key=lambda one: one[:2]):
        if step != (at, closed):  # as at each commit and each closing
            series.given_up += series.seen.give_up(MOST_GAPS)
        step = at, closed
        ranges = _ranges(text)
        if closed:
            close_in(series, *ranges[0])
        else:
            one = FileNumbers(file_id, source, node, ring, tuple(ranges), fresh=bool(fresh))
            series.add_file(one, [])
    series.given_up += series.seen.give_up(MOST_GAPS)
    return series


def close_in(series: Series, first: int, last: int) -> None:
    """Counts numbers that will never come as if they had, in the file before them."""
    if not series.seen.lasts:
        return  # all that they stood between was taken back
    begin = series.seen.place_missing(first)
    at = bisect_left(series.seen.firsts, begin) - 1
    file_id = series.ends[series.seen.lasts[at]]
    series.add(begin, begin + last - first, file_id)


def take_back_numbers(db: sqlite3.Connection, batch: int) -> None:
    """Takes back what a batch brought; the nodes that it touched are counted anew."""
    touched = db.execute(
        "SELECT DISTINCT source, node FROM record_numbers WHERE batch = ?", (batch,)
    ).fetchall()
    for table in ("record_numbers", "record_fills", "record_repeats"):
        db.execute(f"DELETE FROM {table} WHERE batch = ?", (batch,))  # noqa: S608 - fixed names
    for source, node in touched:
        before = read_series(db, source, node)
        if before is None or before.seen.ring is None:
            continue
        series = recounted(db, source, node, before.seen.ring)
        write_series(db, source, node, series)
        if not series.seen.firsts:
            db.execute("DELETE FROM record_series WHERE source = ? AND node = ?", (source, node))


def clipped(ranges: Iterable[Range], ring: Ring) -> list[Range]:
    """Returns the numbers that a node can write; others are of no count."""
    inside = [(max(a, ring.first), min(b, ring.last)) for a, b in ranges]
    return [(a, b) for a, b in inside if a <= b]


def _text(ranges: Iterable[Range]) -> str:
    return " ".join(f"{first}-{last}" for first, last in ranges)


def _ranges(text: str) -> list[Range]:
    return [(int(a), int(b)) for a, _, b in (one.partition("-") for one in text.split())]
