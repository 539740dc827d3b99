"""Calls of a cycle from all their parts, for what rates the cycle from its events.

A call belongs to the cycle in which it begins. Its parts may stand in the cycle before or after, so
these are looked at as well; and since everything that has come is put together anew, it does not
matter when a part came, or what was rated of the call in the meantime.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mediation.edr import EDR_SCHEMA
from mediation.partials.assemble import TOLD_AGAIN, assemble
from mediation.partials.rules import all_rules
from pipeline.suspense.withdrawn import Withdrawn
from rating.billing.columns import canonical, ranked
from rating.billing.duplicates import canonical_duplicates
from rating.billing.run import UNRATED_SCHEMA
from rating.cycles import cycle_bounds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mediation.partials.assemble import Calls
    from pipeline.billing.cycle_files import CycleFiles
    from pipeline.ledger.model import Output

STAGE = "assemble"
REASON = "merged"


@dataclass(frozen=True, slots=True)
class CycleCalls:
    """Parts of a cycle and its neighbours, and what they make.

    Attributes:
        parts: EDR_SCHEMA, of each part the telling that counts.
        calls: What they make.
        mine: Which parts stand in the cycle.
        events: EDR_SCHEMA, the calls that begin in the cycle.
    """

    parts: pa.Table
    calls: Calls
    mine: NDArray[np.bool_]
    events: pa.Table

    @property
    def merged(self) -> NDArray[np.int64]:
        """Returns the rows of `parts` that stand in the cycle and do not name a call."""
        return np.flatnonzero(self.mine & (self.calls.place != 0))

    def merged_table(self) -> pa.Table:
        """Returns those parts as rows of UNRATED_SCHEMA: their charge is in another's."""
        rows = self.parts.take(pa.array(self.merged))
        count = rows.num_rows
        columns = {
            **{name: rows.column(name) for name in ("file_id", "offset", "container")},
            "start_time": rows.column("start_time"),
            "stage": pa.array([STAGE] * count, pa.string()),
            "reason": pa.array([REASON] * count, pa.string()),
            "detail": pa.array([self.sentence(row) for row in self.merged.tolist()], pa.string()),
        }
        made = [columns[field.name].cast(field.type) for field in UNRATED_SCHEMA]
        return canonical(pa.Table.from_arrays(made, schema=UNRATED_SCHEMA).combine_chunks())

    def sentence(self, row: int) -> str:
        """Returns what became of a part that does not name its call."""
        call, place = int(self.calls.call[row]), int(self.calls.place[row])
        head = self.calls.events.select(["file_id", "offset", "container"]).slice(call, 1)
        name = ":".join(str(value) for value in head.to_pylist()[0].values())
        if place == TOLD_AGAIN:
            return f"Another record tells this part at greater length; the call is {name}."
        return f"Part {place + 1} of the call that is charged as {name}."


def read_calls(root: Path, files: CycleFiles, cycle: str, time_zone: str) -> CycleCalls:
    """Puts the calls of a cycle together.

    Args:
        root: The workspace.
        files: What is published of the cycle.
        cycle: ``YYYY-MM``.
        time_zone: Of the tariff book.
    """
    withdrawn = Withdrawn(root, files.withdrawn)
    told = _read(root, files.near, withdrawn)
    parts = canonical_duplicates(told, _read(root, files.near_again, withdrawn))
    parts = parts.unify_dictionaries().combine_chunks()
    # By name, so that nothing below can see the order of arrival.
    file_id, _ = ranked(parts.column("file_id"))
    offset, container = (parts.column(name).to_numpy() for name in ("offset", "container"))
    parts = parts.take(pa.array(np.lexsort((container, offset, file_id)))).combine_chunks()
    calls = assemble(parts, all_rules())
    begin, end = cycle_bounds(cycle, time_zone)

    def inside(table: pa.Table) -> NDArray[np.bool_]:
        start = table.column("start_time").cast(pa.int64()).to_numpy()
        mine: NDArray[np.bool_] = (start >= begin) & (start < end)
        return mine

    events = calls.events.filter(pa.array(inside(calls.events)))
    return CycleCalls(parts, calls, inside(parts), events)


def _read(root: Path, files: Sequence[Output], withdrawn: Withdrawn) -> pa.Table:
    tables = [
        withdrawn.rows_left(pq.read_table(root / file.path, use_threads=False), file.path).cast(
            EDR_SCHEMA
        )
        for file in files
    ]
    return pa.concat_tables([EDR_SCHEMA.empty_table(), *tables]).unify_dictionaries()
