"""Which records of sessions did not come: holes between the numbers that did.

Nothing waits for them, so they are looked for when a cycle is closed. A gateway numbers the records
of a session (`recordSequenceNumber`, TS 32.298); what lies before the first and behind the last of a
cycle may stand in its neighbours and is not asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mediation.edr import DICTIONARY, MISSING, field

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

GAP_SCHEMA = pa.schema(
    [
        field("recording_entity", DICTIONARY, "name", "Gateway that numbered the records"),
        field("charging_id", pa.int64(), "code", "The session", nullable=False),
        field("served_imsi", pa.int64(), "digits", "Whose session it is"),
        field("first", pa.int64(), "index", "First number that is missing", nullable=False),
        field("last", pa.int64(), "index", "Last number that is missing", nullable=False),
    ]
)
"""One run of records that are missing from a session."""

COLUMNS = ("recording_entity", "charging_id", "partial_sequence", "served_imsi")


def missing_records(events: Sequence[pa.Table]) -> pa.Table:
    """Returns the holes in sessions, by gateway, charging id and number (GAP_SCHEMA).

    Args:
        events: EDRs with at least :data:`COLUMNS`, in any order and any tables.
    """
    some = [_numbered(table) for table in events]
    together = pa.concat_tables([_EMPTY, *some]).unify_dictionaries().combine_chunks()
    entity = together.column("recording_entity").combine_chunks()
    texts = entity.dictionary.to_pylist()
    ordered = sorted(range(len(texts)), key=texts.__getitem__)
    # Null is index -1 and reads the entry that is appended.
    rank = np.full(len(texts) + 1, -1, np.int64)
    rank[ordered] = np.arange(len(texts))
    who = rank[entity.indices.fill_null(-1).to_numpy()]
    session, number = (_values(together, name) for name in ("charging_id", "partial_sequence"))
    imsi = _values(together, "served_imsi")
    order = np.lexsort((imsi, number, session, who))
    who, session, number, imsi = who[order], session[order], number[order], imsi[order]
    same = (who[1:] == who[:-1]) & (session[1:] == session[:-1])
    at = np.flatnonzero(same & (number[1:] - number[:-1] > 1))
    names = pa.array([texts[index] for index in ordered], pa.string())
    columns = [
        pa.DictionaryArray.from_arrays(pa.array(who[at].astype(np.int32), mask=who[at] < 0), names),
        pa.array(session[at]),
        pa.array(imsi[at], mask=imsi[at] == MISSING),
        pa.array(number[at] + 1),
        pa.array(number[at + 1] - 1),
    ]
    return pa.Table.from_arrays(columns, schema=GAP_SCHEMA)


def _numbered(table: pa.Table) -> pa.Table:
    """Returns the rows of sessions whose records have numbers."""
    rows = table.select(COLUMNS)
    chosen = np.ones(rows.num_rows, np.bool_)
    for name in ("charging_id", "partial_sequence"):
        if rows.column(name).null_count:
            chosen &= rows.column(name).is_valid().to_numpy()
    return rows if chosen.all() else rows.filter(pa.array(chosen))


def _values(table: pa.Table, name: str) -> NDArray[np.int64]:
    column = table.column(name)
    if column.null_count:
        column = column.fill_null(MISSING)
    values: NDArray[np.int64] = column.to_numpy()
    return values


_EMPTY = pa.schema(
    [(name, DICTIONARY if name == "recording_entity" else pa.int64()) for name in COLUMNS]
).empty_table()
