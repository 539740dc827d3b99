"""Calls in suspense that came in parts: the parts are kept, because a row names the first only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mediation.edr import EDR_SCHEMA
from mediation.partials.assemble import assemble
from mediation.partials.rules import all_rules
from pipeline.published import NAME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mediation.partials.assemble import Calls
    from pipeline.ledger.store import Ledger
    from pipeline.published import Name
    from pipeline.suspense.journal import Suspense
    from pipeline.workspace import Workspace

CALLS: Final = "calls/"
HEAD: Final = ("call_file_id", "call_offset", "call_container")


@dataclass(frozen=True, slots=True)
class SuspendedCall:
    """A call in suspense.

    Attributes:
        name: Name of the part that names it.
        event: EDR_SCHEMA, one row: the call.
        first: EDR_SCHEMA, one row: the part that names it, as it was told.
        parts: Names of all its parts.
    """

    name: Name
    event: pa.RecordBatch
    first: pa.RecordBatch
    parts: tuple[Name, ...]


def parts_of_suspended(parts: pa.Table, calls: Calls, suspended: NDArray[np.bool_]) -> pa.Table:
    """Returns the parts of calls that are suspended: EDR_SCHEMA and the name of the call.

    Args:
        parts: Parts of calls (EDR_SCHEMA).
        calls: What they make.
        suspended: bool[parts], the parts that stand for a suspended call.
    """
    head = np.full(calls.events.num_rows, -1, np.int64)
    heads = np.flatnonzero(suspended)
    head[calls.call[heads]] = heads
    rows = np.flatnonzero(head[calls.call] >= 0)
    table = parts.take(pa.array(rows))
    names = parts.select(list(NAME)).take(pa.array(head[calls.call[rows]]))
    for name, column in zip(HEAD, names.columns, strict=True):
        table = table.append_column(name, column)
    return table.combine_chunks()


def suspended_calls(
    workspace: Workspace, ledger: Ledger, items: Suspense
) -> dict[Name, SuspendedCall]:
    """Returns the calls among items of suspense, by name."""
    outputs = ledger.outputs(CALLS)
    if not outputs:
        return {}
    wanted = set(items.names())
    found: dict[Name, SuspendedCall] = {}
    for output in outputs:
        table = pq.read_table(workspace.root / output.path)
        heads = list(zip(*(table.column(name).to_pylist() for name in HEAD), strict=True))
        for name in sorted(wanted & set(heads)):
            mine = table.filter(pa.array([head == name for head in heads]))
            found[name] = _call(name, mine.select(EDR_SCHEMA.names).cast(EDR_SCHEMA))
    return found


def _call(name: Name, parts: pa.Table) -> SuspendedCall:
    events = assemble(parts.combine_chunks(), all_rules()).events
    mine = (pc.field("offset") == name[1]) & (pc.field("container") == name[2])
    event = events.filter(mine).combine_chunks().to_batches()[0]
    first = parts.filter(mine).combine_chunks().to_batches()[0]
    names = zip(*(parts.column(column).to_pylist() for column in NAME), strict=True)
    return SuspendedCall(name, event, first, tuple(names))
