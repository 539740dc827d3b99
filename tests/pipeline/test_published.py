from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.ledger.model import Commit, Output
from pipeline.ledger.store import Ledger
from pipeline.published import batch_name, batch_number, batch_of

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = (1, 17, 999_998, 999_999, 1_000_000, 1_000_001, 9_999_999, 123_456_789)


def test_names_of_batches_sort_as_their_numbers() -> None:
    names = [batch_name(number) for number in NUMBERS]
    assert names[0] == "batch-000001"
    for ending in ("", "-00000.parquet", "/x", ".html"):
        assert sorted(name + ending for name in names) == [name + ending for name in names]
    assert [batch_number(name) for name in names] == list(NUMBERS)
    assert [batch_of(f"edr/cycle=2026-10/{name}-00001.parquet") for name in names] == names


def test_the_latest_output_of_each_folder(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        for number in (999_998, 999_999, 1_000_000):
            name = batch_name(number)
            cycles = ("2026-10",) if number == 1_000_000 else ("2026-10", "2026-11")
            outputs = [Output(f"state/cycle={one}/{name}.parquet", name, 1, 1) for one in cycles]
            outputs.append(Output(f"statement/{name}.parquet", "", 1, 1))
            ledger.commit(Commit("run", name, None, "", outputs, {}, {}))
        assert [output.digest for output in ledger.latest_outputs("state/")] == [
            batch_name(1_000_000),
            batch_name(999_999),
        ]
        assert ledger.latest_outputs("waiting/") == []
