"""Records that are missing from sessions."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from mediation.partials.sessions import GAP_SCHEMA, missing_records
from tests.rating.strategies_edr import edr_batch

Row = dict[str, Any]
ROWS = st.builds(
    lambda entity, session, number, imsi: {
        "recording_entity": entity,
        "charging_id": session,
        "partial_sequence": number,
        "served_imsi": imsi,
        "start_time": 0,
        "service": "data",
    },
    st.sampled_from(("b", "a", "c", None)),
    st.sampled_from((None, 7, 8)),
    st.sampled_from((None, 1, 2, 3, 5, 8, 9)),
    st.sampled_from((None, 46_000)),
)


def holes(rows: list[Row]) -> set[tuple[Any, ...]]:
    sessions: dict[tuple[Any, ...], set[int]] = {}
    for row in rows:
        if row["charging_id"] is not None and row["partial_sequence"] is not None:
            key = (row["recording_entity"], row["charging_id"])
            sessions.setdefault(key, set()).add(row["partial_sequence"])
    return {
        (*key, before + 1, after - 1)
        for key, numbers in sessions.items()
        for before, after in pairwise(sorted(numbers))
        if after > before + 1
    }


@settings(deadline=None)
@given(st.lists(ROWS, max_size=30), st.integers(0, 30))
def test_holes_are_those_between_the_numbers_of_a_session(rows: list[Row], cut: int) -> None:
    tables = [pa.Table.from_batches([edr_batch(some)]) for some in (rows[:cut], rows[cut:])]
    found = missing_records(tables)
    assert found.schema.equals(GAP_SCHEMA)
    told = [tuple(row.values()) for row in found.drop_columns(["served_imsi"]).to_pylist()]
    assert len(told) == len(set(told))
    assert set(told) == holes(rows)
    assert found.equals(missing_records(tables[::-1]))
