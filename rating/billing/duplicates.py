"""Which of several tellings of one event is billed.

During the month the first one to arrive survives, and the others are kept aside. A bill must not
depend on arrival, so the bill run takes of each key the row whose name comes first: by file id,
offset, container (law 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from rating.billing.columns import ranked

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    UInt64 = NDArray[np.uint64]
    Keys = tuple[UInt64, UInt64]


def canonical_duplicates(
    edr: pa.Table,
    duplicates: pa.Table,
    keys: Callable[[pa.RecordBatch], Keys] | None = None,
) -> pa.Table:
    """Swaps survivors for the duplicate that comes first by name.

    Args:
        edr: Surviving EDRs of a partition; keys are distinct.
        duplicates: EDRs that were dropped as duplicates, with at least the columns of ``edr``. Rows
            whose key no survivor has are left out: they belong elsewhere.
        keys: Returns the 128-bit keys (high, low) of a batch; ``mediation.duplicates.record_keys``
            if None.

    Returns:
        As many rows as ``edr`` has, the same set of keys; the rows that were swapped come last.
    """
    if not duplicates.num_rows or not edr.num_rows:
        return edr
    if keys is None:
        from mediation.duplicates import record_keys  # noqa: PLC0415  callers may bring their own

        keys = record_keys
    duplicates = duplicates.select(edr.schema.names).cast(edr.schema)
    high, low = _keys(edr, keys)
    spare_high, spare_low = _keys(duplicates, keys)
    known = np.unique(spare_high)
    place = np.minimum(np.searchsorted(known, high), len(known) - 1)
    # Rows of which nobody told twice are left alone; the high half decides nearly all of them.
    told = np.flatnonzero(known[place] == high)
    if not len(told):
        return edr
    both = pa.concat_tables([edr.take(pa.array(told)), duplicates])
    high, low = np.append(high[told], spare_high), np.append(low[told], spare_low)
    survives = np.arange(len(both)) < len(told)
    first = _first_by_name(both, high, low, ~survives)
    loses = told[~first[: len(told)]]
    chosen = np.flatnonzero(first & ~survives)
    keep = np.ones(edr.num_rows, np.bool_)
    keep[loses] = False
    return pa.concat_tables([edr.filter(pa.array(keep)), both.take(pa.array(chosen))])


def _first_by_name(
    rows: pa.Table, high: UInt64, low: UInt64, spare: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Tells which rows are the first by name of their key; keys only of spare rows have none."""
    file_id, _ = ranked(rows.column("file_id"))
    offset = rows.column("offset").to_numpy()
    container = rows.column("container").to_numpy()
    order = np.lexsort((spare, container, offset, file_id, low, high))
    same = (high[order][1:] == high[order][:-1]) & (low[order][1:] == low[order][:-1])
    begins = np.append(True, ~same)
    key = np.cumsum(begins) - 1
    survivors = np.bincount(key, weights=~spare[order], minlength=key[-1] + 1)
    first = np.zeros(len(order), np.bool_)
    first[order] = begins & (survivors[key] > 0)
    return first


def _keys(table: pa.Table, keys: Callable[[pa.RecordBatch], Keys]) -> Keys:
    """Returns the keys of all rows."""
    parts = [keys(batch) for batch in table.to_batches()]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
