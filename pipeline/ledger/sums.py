"""Sums over all that is committed, made by the database: they cost little after years of batches."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from pipeline.batch.sheet import DESTINATIONS

if TYPE_CHECKING:
    from pipeline.ledger.store import Ledger

BY_KEY: Final = (
    "SELECT key, sum(value) FROM batches, json_each(summary, ?3)"
    " WHERE kind IN (?1, ?2) GROUP BY key ORDER BY key"
)


def batches_by_kind(ledger: Ledger) -> dict[str, int]:
    """Returns how many batches of each kind are committed."""
    return dict(ledger.rows("SELECT kind, count(*) FROM batches GROUP BY kind"))


def records_by_destination(ledger: Ledger) -> dict[str, int]:
    """Returns where the records of runs went."""
    parts = ", ".join(
        f"total(max(coalesce(json_extract(summary, '$.{name}'), 0), 0))" for name in DESTINATIONS
    )
    [row] = ledger.rows(f"SELECT {parts} FROM batches WHERE kind = 'run'")  # noqa: S608 - fixed names
    return {name: int(count) for name, count in zip(DESTINATIONS, row, strict=True)}


def net_of_batches(ledger: Ledger) -> float:
    """Returns the net of runs and recycling in currency units; a sum to be shown, no more."""
    [(net,)] = ledger.rows(
        "SELECT total(CAST(json_extract(summary, '$.net') AS REAL)) FROM batches"
        " WHERE kind IN ('run', 'recycle')"
    )
    return float(net)


def recycled_items(ledger: Ledger) -> dict[str, int]:
    """Returns what became of items of suspense that were recycled."""
    return dict(ledger.rows(BY_KEY, ("recycle", "recycle", "$.items")))


def alarms_by_kind(ledger: Ledger) -> dict[str, int]:
    """Returns the alarms of runs and recycling."""
    return dict(ledger.rows(BY_KEY, ("run", "recycle", "$.alarms")))


def last_batch_time(ledger: Ledger) -> float:
    """Returns when the command of the latest batch began, in seconds since 1970; 0 if none did."""
    rows = ledger.rows(
        "SELECT started FROM runs WHERE batch IS NOT NULL ORDER BY batch DESC, id LIMIT 1"
    )
    return dt.datetime.fromisoformat(rows[0][0]).timestamp() if rows else 0.0


def files_by_state(ledger: Ledger) -> dict[str, int]:
    """Returns how many files are in each state."""
    return dict(ledger.rows("SELECT state, count(*) FROM files GROUP BY state"))


def sources(ledger: Ledger) -> list[str]:
    """Returns the sources that files came from."""
    return [name for (name,) in ledger.rows("SELECT DISTINCT source FROM files ORDER BY source")]
