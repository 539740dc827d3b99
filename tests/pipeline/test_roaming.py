"""Roaming files through a whole batch: partner amounts kept, totals compared, nothing silent."""

from __future__ import annotations

import io
import random
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console

from bench import tap_events as tap
from pipeline.batch.run import run
from pipeline.batch.show import print_run
from tests.pipeline.world import make_workspace

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """
[[source]]
name = "partner"
folder = "incoming/partner"
format = "tap3"
"""


def test_a_trailer_that_does_not_agree_is_in_the_audit(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path / "shop", None, chunk=1024)
    with (workspace.root / "huadan.toml").open("a", encoding="utf-8") as config:
        config.write(SOURCE)
    folder = workspace.root / "incoming" / "partner"
    folder.mkdir()
    happened = tap.events(random.Random(1), 12, 1100, share=0.4)
    right = tap.totals(happened)["charge"]
    (folder / "CD1").write_bytes(tap.batch(happened, auditControlInfo={"totalCharge": right + 1}))
    (folder / "CD2").write_bytes(tap.batch(tap.events(random.Random(2), 11, 20), 11))
    (folder / "CD3").write_bytes(tap.notification())
    result = run(workspace, threads=2)
    audit = pa.concat_tables(
        pq.read_table(path) for path in (workspace.root / "audit").rglob("*.parquet")
    )
    rows = {row["name"]: row for row in audit.to_pylist()}
    wrong = f"transferBatch: declares charge {right + 1}, its records sum up to {right}"
    assert wrong in rows["CD1"]["notes"].splitlines()
    assert wrong in result.notes["partner/CD1"]
    assert "partner/CD3" not in result.notes
    out = io.StringIO()
    print_run(Console(file=out, width=200), result)
    assert f"partner/CD1: {wrong}" in " ".join(out.getvalue().split())
    assert "declares" not in (rows["CD2"]["notes"] or "")
    assert (rows["CD3"]["records_read"], rows["CD3"]["notes"]) == (0, None)
    assert rows["CD3"]["sequence"] == 42
    assert rows["CD1"]["declared_records"] == rows["CD1"]["records_read"] == 1100
