"""Events that do not count any more: their row in ``edr/`` stands, and is passed over by name.

Nothing published is ever changed. A batch that recycles an event writes it anew and withdraws the
row of the earlier batch; one that writes an event off withdraws it only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from mediation.edr import IDENTITY
from pipeline.arrow import plain
from pipeline.published import NAME, batch_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pipeline.ledger.model import Output
    from pipeline.published import Name

ANY_CYCLE: Final = "any"
"""Where nothing says which cycle the earlier row stands in."""
WITHDRAWN_SCHEMA: Final = pa.schema(IDENTITY)


class Withdrawn:
    """Names of events, each with the batch that withdrew it."""

    def __init__(self, root: Path, outputs: Iterable[Output]) -> None:
        frames = []
        for output in outputs:
            names = pl.DataFrame(plain(pq.read_table(root / output.path)))
            frames.append(names.with_columns(by=pl.lit(batch_of(output.path))))
        self._root = root
        self._names = pl.concat(frames).group_by(NAME).agg(pl.col("by").max()) if frames else None

    def rows_left(self, table: pa.Table, path: str) -> pa.Table:
        """Returns the rows of a published file of events that count."""
        if self._names is None:
            return table
        batch = batch_of(path)
        names = pl.DataFrame(plain(table.select(list(NAME))))
        later = self._names.filter(pl.col("by") > batch)
        gone = names.join(
            later.with_columns(gone=pl.lit(value=True)), on=NAME, how="left", maintain_order="left"
        )["gone"]
        if gone.null_count() == len(gone):
            return table
        return table.filter(pa.array(gone.is_null().to_list()))

    def count_left(self, output: Output) -> int:
        """Returns how many events of a published file count."""
        if self._names is None:
            return output.rows
        names = pq.read_table(self._root / output.path, columns=list(NAME))
        return int(self.rows_left(names, output.path).num_rows)


def names_of(events: pa.RecordBatch) -> list[Name]:
    """Returns the names of events."""
    return list(zip(*(events.column(name).to_pylist() for name in NAME), strict=True))


def withdrawn_rows(names: Iterable[Name]) -> pa.RecordBatch:
    """Returns names as rows to publish."""
    rows = [dict(zip(NAME, name, strict=True)) for name in names]
    return pa.RecordBatch.from_pylist(rows, WITHDRAWN_SCHEMA)
