"""Picks one bill and two charges that show much, and writes them for the demo's reader."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.billing.show import BillReader
from pipeline.explain import explain
from pipeline.ledger.store import Ledger
from rating.billing.columns import micros
from rating.billing.schema import DISCOUNT

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.workspace import Workspace


def write_examples(workspace: Workspace, cycle: str, page: Path, explained: Path) -> None:
    """Writes the example bill to `page` and the example explanation to `explained`."""
    workspace.reports.mkdir(exist_ok=True)
    reader = BillReader.open(workspace, cycle)
    page.write_text(reader.page(_account(reader), unmask=False), encoding="utf-8")
    texts = [
        f"$ huadan explain {record}\n\n{explain(workspace, record, unmask=False).text()}"
        for record in _records(workspace, cycle)
    ]
    explained.write_text("\n".join(texts), encoding="utf-8")


def _account(reader: BillReader) -> str:
    """Returns an account with several cards, discounts on the bill and many kinds of usage."""
    lines = reader.table("bill_lines")
    reduced = pc.equal(lines.column("kind").cast(pa.string()), DISCOUNT)
    cards = (
        lines.append_column("reduced", reduced.cast(pa.int64()))
        .group_by("account_id")
        .aggregate([("subscriber_id", "count_distinct"), ("line", "count"), ("reduced", "sum")])
    )
    # the largest groups fill pages; a family fits on one
    family = [row for row in cards.to_pylist() if row["subscriber_id_count_distinct"] <= 4]
    best = min(
        family,
        key=lambda row: (
            -row["subscriber_id_count_distinct"],
            -row["reduced_sum"],
            -row["line_count"],
            row["account_id"],
        ),
    )
    return str(best["account_id"])


def _records(workspace: Workspace, cycle: str) -> list[str]:
    """Returns the names of two charges: one of many steps, and one with most cost at a partner."""
    with Ledger(workspace.ledger_file) as ledger:
        outputs = ledger.outputs(f"billed/cycle={cycle}/rated/")
    best: dict[str, tuple[int, str]] = {}
    for output in outputs:
        rated = pq.read_table(workspace.root / output.path)
        for what, score in (("steps", _steps(rated)), ("cost", _costs(rated))):
            row = int(score.argmax())
            if int(score[row]) > best.get(what, (0, ""))[0]:
                one = rated.slice(row, 1).to_pylist()[0]
                name = f"{one['file_id']}:{one['offset']}:{one['container']}"
                best[what] = int(score[row]), name
    return list(dict.fromkeys(name for _, name in best.values()))


def _steps(rated: pa.Table) -> np.ndarray:
    """Returns how much there is to explain of each charge."""
    steps = [
        pc.is_valid(rated.column("discount")),
        pc.greater(rated.column("allowance_units"), 0),
        pc.greater(rated.column("connect_fee").cast(pa.float64()), 0),
        pc.greater(rated.column("net").cast(pa.float64()), 0),
    ]
    score: np.ndarray = np.sum([step.to_numpy() for step in steps], axis=0)
    return score


def _costs(rated: pa.Table) -> np.ndarray:
    """Returns the wholesale cost of each charge, 10^-6; 0 where there is none."""
    costs: np.ndarray = micros(rated.column("wholesale_cost").fill_null(Decimal(0)))
    return costs
