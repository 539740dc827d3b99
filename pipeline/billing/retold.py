"""Containers that were told again, kept out of what rates a cycle from its events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mediation.partials.retold import RETOLD_KEY, Retold, told_again
from pipeline.billing.parts import STAGE
from rating.billing.columns import canonical, ranked
from rating.billing.run import EDR_COLUMNS, UNRATED_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Sequence

TOLD_COLUMNS = tuple(dict.fromkeys((*EDR_COLUMNS, *RETOLD_KEY)))
"""The columns of an EDR that are read to find them."""
REASON = "told_again"


def retold_table(tables: Sequence[pa.Table], retold: Retold) -> pa.Table:
    """Returns those rows as rows of UNRATED_SCHEMA, with what is charged instead."""
    made = [UNRATED_SCHEMA.empty_table()]
    for table, rows, names in zip(tables, retold.rows, retold.names, strict=True):
        if not len(rows):
            continue
        picked = table.take(pa.array(rows))
        columns = {
            **{name: picked.column(name) for name in ("file_id", "offset", "container")},
            "start_time": picked.column("start_time"),
            "stage": pa.array([STAGE] * len(rows), pa.string()),
            "reason": pa.array([REASON] * len(rows), pa.string()),
            "detail": pa.array(
                [f"Another record tells this container with more usage: {name}." for name in names],
                pa.string(),
            ),
        }
        cast = [columns[field.name].cast(field.type) for field in UNRATED_SCHEMA]
        made.append(pa.Table.from_arrays(cast, schema=UNRATED_SCHEMA))
    rows = pa.concat_tables(made).unify_dictionaries().combine_chunks()
    file_id, _ = ranked(rows.column("file_id"))
    offset, container = (rows.column(name).to_numpy() for name in ("offset", "container"))
    order = np.lexsort((container, offset, file_id))
    return canonical(rows.take(pa.array(order)).combine_chunks())


def without_retold(tables: Sequence[pa.Table]) -> tuple[list[pa.Table], pa.Table]:
    """Returns the columns that rating reads of what counts, and the rest as UNRATED_SCHEMA."""
    found = told_again(tables)
    left = [table.select(EDR_COLUMNS) for table in found.without(tables)]
    return left, retold_table(tables, found)
