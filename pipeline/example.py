"""Picks one bill and one charge that show much, and writes them for the demo's reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.billing.show import BillReader
from pipeline.explain import explain
from pipeline.ledger.store import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.workspace import Workspace


def write_examples(workspace: Workspace, cycle: str, page: Path, explained: Path) -> None:
    """Writes the example bill to `page` and the example explanation to `explained`."""
    workspace.reports.mkdir(exist_ok=True)
    reader = BillReader.open(workspace, cycle)
    page.write_text(reader.page(_account(reader), unmask=False), encoding="utf-8")
    record = _record(workspace, cycle)
    text = explain(workspace, record, unmask=False).text()
    explained.write_text(f"$ huadan explain {record}\n\n{text}", encoding="utf-8")


def _account(reader: BillReader) -> str:
    """Returns an account with several cards and many kinds of usage."""
    lines = reader.table("bill_lines")
    cards = lines.group_by("account_id").aggregate(
        [("subscriber_id", "count_distinct"), ("line", "count")]
    )
    # the largest groups fill pages; a family fits on one
    family = [row for row in cards.to_pylist() if row["subscriber_id_count_distinct"] <= 4]
    best = min(
        family,
        key=lambda row: (
            -row["subscriber_id_count_distinct"],
            -row["line_count"],
            row["account_id"],
        ),
    )
    return str(best["account_id"])


def _record(workspace: Workspace, cycle: str) -> str:
    """Returns the name of a charge with as many steps as there are to be found."""
    with Ledger(workspace.ledger_file) as ledger:
        outputs = ledger.outputs(f"billed/cycle={cycle}/rated/")
    best: tuple[int, str] = (-1, "")
    for output in outputs:
        rated = pq.read_table(workspace.root / output.path)
        steps = [
            pc.is_valid(rated.column("discount")),
            pc.greater(rated.column("allowance_units"), 0),
            pc.greater(rated.column("connect_fee").cast(pa.float64()), 0),
            pc.greater(rated.column("net").cast(pa.float64()), 0),
        ]
        score = sum((step.to_numpy().astype(int) for step in steps), start=0)
        row = int(score.argmax())
        if int(score[row]) > best[0]:
            one = rated.slice(row, 1).to_pylist()[0]
            best = (int(score[row]), f"{one['file_id']}:{one['offset']}:{one['container']}")
    return best[1]
