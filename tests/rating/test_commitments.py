"""The least that a subscriber spends: also of those who do nothing, and of those who move."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rating.billing.partition import split_batch
from rating.billing.run import BillRun, charge_groups
from rating.subscribers import load_subscribers
from tariffs import compile_book, load_book
from tests.rating.strategies_edr import edr_batch
from tests.rating.strategies_shop import at, call, line, write

if TYPE_CHECKING:
    from typing import Any

BOOK = Path(__file__).parents[1] / "corpus" / "payers"
PEOPLE = 60
LEAST = Decimal(20)


@pytest.fixture(scope="module")
def run_of(tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401 - a function
    """Every third one moves to another charge group and account; every second one does nothing."""
    book = load_book(BOOK)
    compiled = compile_book(book)
    people = []
    for n in range(PEOPLE):
        moves = {"valid_to": "2026-10-15"} if n % 3 == 0 else {}
        people.append(line(n, plan="least", charge_group=f"G{n}", **moves))
        if moves:
            new = {"account_id": f"B{n}", "charge_group": f"H{n}", "valid_from": "2026-10-15"}
            people.append(line(n, plan="least", **new))
    data = load_subscribers(write(tmp_path_factory.mktemp("least"), people), compiled)
    rng = np.random.default_rng(5)
    drawn = rng.integers([0, 1, 0, 1], [PEOPLE // 2, 31, 24, 4000], (200, 4)).tolist()
    batch = edr_batch([call(2 * n, at(day, hour), length) for n, day, hour, length in drawn])

    def lines(partitions: int) -> list[dict[str, Any]]:
        run = BillRun(compiled, book, data, "2026-10", partitions)
        parts = split_batch(batch, charge_groups(run.rater.prepare(batch)), run.home)
        found = [
            run.partition(number, [parts[number]] if number in parts else [])
            for number in range(partitions)
        ]
        rows = [row for one in found for row in one.lines.to_pylist()]
        return sorted(rows, key=lambda row: (row["account_id"], row["line"]))

    return lines


def test_everybody_pays_what_is_missing_once_on_his_last_account(run_of: Any) -> None:  # noqa: ANN401
    usage: dict[str, Decimal] = defaultdict(Decimal)
    missing: dict[str, Decimal] = {}
    for row in run_of(1):
        if row["kind"] == "usage":
            usage[row["subscriber_id"]] += row["net"]
        if row["kind"] == "fee":
            assert row["subscriber_id"] not in missing
            missing[row["subscriber_id"]] = row["net"]
            number = int(row["subscriber_id"][1:])
            moved = number % 3 == 0
            assert row["account_id"] == f"{'B' if moved else 'A'}{number}"
            assert row["charge_group"] == f"{'H' if moved else 'G'}{number}"
    names = {f"S{n}" for n in range(PEOPLE)}
    assert missing == {n: LEAST - usage[n] for n in names if usage[n] < LEAST}
    assert any(usage[n] > LEAST for n in names)


def test_partitions_change_nothing(run_of: Any) -> None:  # noqa: ANN401
    assert run_of(1) == run_of(7)
