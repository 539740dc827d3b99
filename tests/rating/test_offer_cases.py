"""What plans and options give, as cases: each by the kernels and by their twin."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.tariff.trial import try_tariff
from rating.billing.run import BillRun
from rating.billing.tie import tie
from rating.subscribers import load_subscribers
from tariffs import compile_book, load_book
from tests.rating.strategies_edr import edr_batch
from tests.rating.strategies_shop import at, call, line, write

BOOK = Path(__file__).parents[1] / "cases" / "offers"


def test_every_case_comes_to_what_is_expected() -> None:
    report = try_tariff(BOOK)
    assert report.failures == ()
    assert report.cases >= 25


def test_bills_with_everything_on_them_tie(tmp_path: Path) -> None:
    book = load_book(BOOK)
    compiled = compile_book(book)
    plans = ("thrifty", "reduced", "roll", "daily", "family")
    people = [
        line(n, plan=plans[n % 5], account_id=f"A{n // 3}", charge_group=f"G{n // 3}")
        for n in range(30)
    ]
    folder = write(tmp_path, people)
    bought = [
        f"S{n},{('data_10', 'asia_pass', 'news')[n % 3]},2026-10-0{1 + n % 9}," for n in range(30)
    ]
    head = "subscriber_id,option,valid_from,valid_to"
    (folder / "options.csv").write_text("\n".join([head, *bought]) + "\n")
    rng = np.random.default_rng(5)
    rows = [
        call(int(n), at(int(day), int(hour)), int(length))
        | (
            {"service": "data", "other_number": None, "downlink": int(length) * 9000}
            if data
            else {}
        )
        | ({"visited_network": "440-10"} if abroad else {})
        for n, day, hour, length, data, abroad in rng.integers(
            [0, 1, 0, 1, 0, 0], [30, 30, 24, 4000, 2, 2], (400, 6)
        )
    ]
    run = BillRun(compiled, book, load_subscribers(folder, compiled), "2026-10", 1)
    bill = run.partition(0, [edr_batch(rows)])
    assert tie(bill.rated, bill.lines, bill.bills).problems == ()
    items = set(bill.lines.column("item").to_pylist())
    assert {"Day pass Asia", "Who spends much", "10 MB pack"} <= items
