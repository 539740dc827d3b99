"""Reads the suspense of a workspace."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mediation.edr import SUSPENSE_SCHEMA
from pipeline.errors import UsageError
from pipeline.ledger import Ledger

if TYPE_CHECKING:
    from pipeline.workspace import Workspace

RAW_SHOWN = 48
"""Bytes of the raw record that a list shows."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows are wanted; None is any."""

    stage: str | None = None
    reason: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Suspense:
    """Suspended rows and the names of the files that they came from."""

    table: pa.Table
    files: dict[str, tuple[str, str]]
    """file id → (source, name)."""

    @property
    def count(self) -> int:
        """Returns how many rows there are."""
        return int(self.table.num_rows)

    def sums(self) -> list[dict[str, Any]]:
        """Returns counts by stage, reason and source, largest first."""
        names = ("stage", "reason", "file_id")
        columns = [self.table.column(name).to_pylist() for name in names]
        counts = Counter(
            (stage, reason, self.files[file_id][0])
            for stage, reason, file_id in zip(*columns, strict=True)
        )
        return [
            {"stage": stage, "reason": reason, "source": source, "count": count}
            for (stage, reason, source), count in sorted(
                counts.items(), key=lambda item: (-item[1], item[0])
            )
        ]

    def rows(self, limit: int) -> list[dict[str, Any]]:
        """Returns rows one by one, with the command's own name for a record first."""
        return [
            {
                "record": f"{row['file_id']}:{row['offset']}:{row['container']}",
                "file": "/".join(self.files[row["file_id"]]),
                "stage": row["stage"],
                "reason": row["reason"],
                "detail": row["detail"],
                "tag_path": row["tag_path"],
                "fault_offset": row["fault_offset"],
                "length": row["length"],
            }
            for row in self.table.slice(0, limit).to_pylist()
        ]


def read_suspense(workspace: Workspace, wanted: Filter) -> Suspense:
    """Returns the suspended rows of all committed batches, in order of batch.

    Raises:
        UsageError: nothing has been committed yet.
    """
    workspace.require()
    if not workspace.ledger_file.exists():
        message = "no batch has been committed yet"
        raise UsageError(message, "start with `huadan run`")
    with Ledger(workspace.ledger_file) as ledger:
        outputs = ledger.outputs("suspense/")
        files = {file.file_id: (file.source, file.name) for file in ledger.files()}
    tables = [pq.read_table(workspace.root / output.path) for output in outputs]
    table = pa.concat_tables(tables) if tables else SUSPENSE_SCHEMA.empty_table()
    for name, value in (("stage", wanted.stage), ("reason", wanted.reason)):
        if value is not None:
            table = table.filter(pc.equal(table.column(name).cast(pa.string()), value))
    if wanted.source is not None:
        ids = [file_id for file_id, (source, _) in files.items() if source == wanted.source]
        column = table.column("file_id").cast(pa.string())
        table = table.filter(pc.is_in(column, pa.array(ids, pa.string())))
    return Suspense(table, files)
