"""What a cycle opens with: what was left of allowances when the cycle before it was closed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rating.cycles import cycle_before, cycle_bounds
from rating.names import distinct

if TYPE_CHECKING:
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook, Int32, Int64

CARRIED = ("cycle", "subscriber_id", "allowance", "granted_at", "valid_to", "left")
"""The columns of balances that a next cycle reads."""


@dataclass(frozen=True, slots=True)
class Opening:
    """Balances of the cycle before, of allowances that may live on; by subscriber, name, grant."""

    subscriber: Int32
    name: Int32
    """Index in the distinct names of the book's allowances."""
    granted: Int64
    """UTC µs."""
    valid_to: Int64
    """UTC µs."""
    left: Int64

    def find(self, subscriber: Int32, name: Int32, granted: Int64) -> Int64:
        """Returns the row of each grant, -1 where there is none."""
        place = {
            key: row
            for row, key in enumerate(
                zip(
                    self.subscriber.tolist(), self.name.tolist(), self.granted.tolist(), strict=True
                )
            )
        }
        wanted = zip(subscriber.tolist(), name.tolist(), granted.tolist(), strict=True)
        return np.array([place.get(key, -1) for key in wanted], np.int64)


def opening_of(balances: pa.Table, cycle: str, book: CompiledBook, data: Subscribers) -> Opening:
    """Returns what balances (``rating.schema.BALANCE_SCHEMA``) mean for the cycle after theirs.

    Subscribers and allowances that are gone are left out, as are those that end with their cycle.

    Raises:
        ValueError: If the balances are not of the cycle before.
    """
    table = balances.select(CARRIED)
    before = cycle_before(cycle)
    others = set(pc.unique(table.column("cycle").cast(pa.string())).to_pylist()) - {before}
    if others:
        message = f"cycle {cycle} opens with balances of {before}, these are of {sorted(others)}"
        raise ValueError(message)
    names, code = distinct(book.allowances)
    lives = np.zeros(len(names) + 1, np.bool_)
    lives[code[(book.alw_rollover > 0) | (book.alw_days > 0)]] = True

    def index(column: str, values: pa.Array) -> Int64:
        found = pc.index_in(table.column(column).cast(pa.string()), value_set=values)
        out: Int64 = pc.fill_null(found, -1).to_numpy().astype(np.int64)
        return out

    subscriber, name = index("subscriber_id", data.names), index("allowance", names)
    granted, valid_to = (
        table.column(column).cast(pa.int64()).to_numpy() for column in ("granted_at", "valid_to")
    )
    left = table.column("left").to_numpy()
    rows = np.flatnonzero((subscriber >= 0) & lives[name])
    rows = rows[np.lexsort((granted[rows], name[rows], subscriber[rows]))]
    return Opening(
        subscriber[rows].astype(np.int32),
        name[rows].astype(np.int32),
        granted[rows],
        valid_to[rows],
        left[rows],
    )


def oldest_grants(cycle: str, rollovers: int, time_zone: str) -> Int64:
    """Returns for 0 to ``rollovers`` cycles since the grant the first instant of its cycle."""
    begins = []
    for _ in range(rollovers + 1):
        begins.append(cycle_bounds(cycle, time_zone)[0])
        cycle = cycle_before(cycle)
    return np.array(begins, np.int64)
