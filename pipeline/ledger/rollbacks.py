"""What the ledger does when a batch is taken back; inside one transaction of the caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.ledger.records import take_back_numbers

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from pipeline.ledger.model import Output


@dataclass(frozen=True, slots=True)
class Rollback:
    """A batch that was taken back: when, which, and how many files and outputs."""

    made: str
    batch: str
    kind: str
    files: int
    outputs: int


@dataclass(frozen=True, slots=True)
class Kept:
    """Keys of earlier batches in files that batches to be taken back have merged."""

    batch: int
    """The latest batch that stays: the files count as its outputs from now on."""
    paths: Sequence[str] = ()
    """Files that stay as they are."""
    outputs: Sequence[Output] = ()
    """Staged files that come in place of others."""


def keep(db: sqlite3.Connection, kept: Kept) -> None:
    """Gives key files to the batch that stays; before the others are taken back."""
    db.executemany(
        "UPDATE outputs SET batch = ? WHERE path = ? AND superseded IS NULL",
        [(kept.batch, path) for path in kept.paths],
    )
    db.executemany(
        "INSERT INTO outputs VALUES (?, ?, ?, ?, ?, NULL)",
        [(kept.batch, o.path, o.digest, o.rows, o.bytes) for o in kept.outputs],
    )
    db.executemany("INSERT INTO placements VALUES (?)", [(o.path,) for o in kept.outputs])


def take_back(db: sqlite3.Connection, batch: int, name: str, kind: str, now: str) -> None:
    """Takes one batch out of the ledger; its files are as just taken, its outputs to be removed.

    Must be the latest of its kind. Published files are removed after the transaction, by
    `commit.remove_taken_back`.
    """
    mark_bills(db, batch, f"{name} was taken back")
    mark_next_bill(db, batch, f"{name} was taken back")
    outputs = db.execute(
        "INSERT OR IGNORE INTO removals SELECT path FROM outputs"
        " WHERE batch = ? AND superseded IS NULL",
        (batch,),
    ).rowcount
    files = db.execute(
        "UPDATE files SET state = 'taken', batch = NULL WHERE batch = ?", (batch,)
    ).rowcount
    db.execute(
        "UPDATE files SET state = 'suspended' WHERE file_id IN (SELECT value FROM batches,"
        " json_each(summary, '$.files_read') WHERE batches.id = ?)",
        (batch,),
    )
    db.execute(
        "INSERT INTO rollbacks (made, batch, kind, files, outputs) VALUES (?, ?, ?, ?, ?)",
        (now, name, kind, files, outputs),
    )
    db.execute("UPDATE arrivals SET batch = NULL WHERE batch = ?", (batch,))
    db.execute("UPDATE runs SET batch = NULL WHERE batch = ?", (batch,))
    take_back_numbers(db, batch)
    for table in ("outdated", "fills", "sheets", "outputs"):
        db.execute(f"DELETE FROM {table} WHERE batch = ?", (batch,))  # noqa: S608 - fixed names
    # Keys that had left the window are gone for good: they lie far before it (see keys.py).
    # Those of files that were merged stay in another file: see `keep`.
    db.execute("DELETE FROM outputs WHERE superseded = ? AND path LIKE 'keys/%'", (batch,))
    # What a bill run replaced is gone: those runs are taken back with it, just before.
    db.execute("UPDATE outputs SET superseded = NULL WHERE superseded = ?", (batch,))
    db.execute("DELETE FROM batches WHERE id = ?", (batch,))


def mark_bills(db: sqlite3.Connection, batch: int, because: str) -> None:
    """Marks the bill runs that depend on what `batch` published.

    Parts of calls and withdrawn events may belong to a cycle nearby, so they mark the bills of all cycles.
    """
    db.execute(
        "INSERT OR REPLACE INTO outdated SELECT id, ?2 FROM batches AS bill"
        " WHERE kind = 'bill'"
        " AND EXISTS (SELECT 1 FROM outputs WHERE batch = bill.id AND superseded IS NULL)"
        " AND EXISTS (SELECT 1 FROM outputs WHERE batch = ?1"
        "  AND (path LIKE 'edr/cycle=' || bill.cycle || '/%'"
        "   OR path LIKE 'duplicates/cycle=' || bill.cycle || '/%'"
        "   OR path LIKE 'withdrawn/%'"
        "   OR path LIKE 'edr/%-parts.parquet' OR path LIKE 'duplicates/%-parts.parquet'))",
        (batch, because),
    )


def mark_bill(db: sqlite3.Connection, batch: int, because: str) -> None:
    """Marks one bill run: it does not say all that is due any more."""
    db.execute("INSERT OR REPLACE INTO outdated VALUES (?, ?)", (batch, because))


def mark_next_bill(db: sqlite3.Connection, batch: int, because: str) -> None:
    """Marks the bill run of the cycle after that of `batch`, a bill run.

    It opens with the balances that `batch` published: what rolls over, what is left of packs. Those
    that are as the ones that they replaced change nothing.
    """
    db.execute(
        "INSERT OR REPLACE INTO outdated SELECT later.id, ?2 FROM batches AS later"
        " JOIN batches AS made ON made.id = ?1 AND made.kind = 'bill'"
        " WHERE later.kind = 'bill' AND later.cycle = strftime('%Y-%m', made.cycle || '-01', '+1 month')"
        " AND EXISTS (SELECT 1 FROM outputs WHERE batch = later.id AND superseded IS NULL)"
        " AND EXISTS (SELECT 1 FROM outputs AS new WHERE new.batch = ?1"
        "  AND new.path LIKE 'billed/cycle=%/balances/%'"
        "  AND NOT EXISTS (SELECT 1 FROM outputs AS old WHERE old.superseded = ?1"
        "   AND old.path = new.path AND old.digest = new.digest))",
        (batch, because),
    )
