"""Alarms of high usage and fraud on report pages: sums by kind, no subscriber."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.high_usage.alarms import KINDS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from pipeline.ledger.model import Output
    from pipeline.workspace import Workspace


def alarm_table(
    workspace: Workspace, outputs: Iterable[Output], day: dt.date | None = None
) -> list[dict[str, Any]]:
    """Returns the table of the alarms of some files, or of a day among them, if there are any."""
    counts: Counter[str] = Counter()
    for output in outputs:
        wanted = None if day is None else pc.field("day") == day
        table = pq.read_table(workspace.root / output.path, columns=["kind"], filters=wanted)
        counts.update(table.column("kind").to_pylist())
    if not counts:
        return []
    return [
        {
            "title": "Alarms",
            "note": "high usage and fraud; huadan alarms names subscribers and records",
            "columns": ["what was seen", "kind", "alarms"],
            "rows": [[KINDS[kind], kind, f"{counts[kind]:,}"] for kind in sorted(counts)],
            "total": False,
        }
    ]
