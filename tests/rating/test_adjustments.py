"""Credit and debit notes on bills: exact, taxed as their cycle was, wherever the account's bill is made."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from rating.billing.adjustments import Adjustment
from rating.billing.cycle import month_cycle
from rating.billing.page import page_names, render_bill
from rating.billing.run import BillRun, PartitionBill
from rating.billing.tie import tie
from rating.subscribers import load_subscribers
from tariffs import compile_book, load_book
from tests.rating.strategies_edr import edr_batch
from tests.rating.strategies_shop import at, call, line, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook
    from tariffs.model import Book

ROOT = Path(__file__).parents[2]
SEPTEMBER = month_cycle("2026-09", "Asia/Shanghai")
Made = tuple["Book", "CompiledBook", "Subscribers"]


def loaded(folder: Path, book_folder: Path, plan: str) -> Made:
    book = load_book(book_folder)
    compiled = compile_book(book)
    write(folder, [line(n, plan=plan) for n in range(4)])
    head = "subscriber_id,payment,account_id,valid_from,valid_to"
    (folder / "payers.csv").write_text(f"{head}\nS1,work,C1,2026-01-01,\n")
    return book, compiled, load_subscribers(folder, compiled)


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return loaded(tmp_path_factory.mktemp("exact"), ROOT / "tests/corpus/payers", "staff")


@pytest.fixture(scope="module")
def rounded(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return loaded(tmp_path_factory.mktemp("rounded"), ROOT / "samples/shop/book", "business")


def note(number: int, account: str, amount: int, tax: str, **changes: object) -> Adjustment:
    told = {"subscriber": "", "tax_rate": None, "gl": "4310", "cycle": SEPTEMBER} | changes
    return Adjustment(number, account, item=f"Note {number}", amount=amount, tax=tax, **told)  # type: ignore[arg-type]


def billed(made: Made, notes: Sequence[Adjustment], partitions: int = 1) -> list[PartitionBill]:
    book, compiled, data = made
    run = BillRun(compiled, book, data, "2026-10", partitions, adjustments=notes)
    edr = edr_batch([call(0, at(5, 10), 120), call(1, at(5, 10), 120)])
    found = []
    for number in range(partitions):
        mine = [row for row in (0, 1) if run.home[data.group[row]] == number]
        bill = run.partition(number, [edr.take(mine)] if mine else [])
        assert tie(bill.rated, bill.lines, bill.bills).problems == ()
        found.append(bill)
    return found


def test_a_credit_keeps_period_and_tax_of_its_cycle(exact: Made) -> None:
    [bill] = billed(exact, [note(7, "A0", -1_090_000, "vat", subscriber="S0")])
    row = next(row for row in bill.lines.to_pylist() if row["kind"] == "adjustment")
    assert (row["item"], row["account_id"], row["subscriber_id"]) == ("Note 7", "A0", "S0")
    assert (str(row["service_from"]), str(row["service_to"])) == ("2026-09-01", "2026-10-01")
    assert (row["net"], row["tax"], row["tax_rate"]) == (Decimal("-1.09"), "vat", 90_000)
    assert row["tax_amount"] == Decimal("-0.09")
    head = bill.bills.to_pylist()[0]
    # two minutes at 0.30, less 1.09: the bill is a credit
    assert (head["usage"], head["adjustments"]) == (Decimal("0.60"), Decimal("-1.09"))
    assert (head["total"], head["net"] + head["tax_amount"]) == (Decimal("-0.49"),) * 2


def test_the_page_tells_notes_with_their_month(exact: Made) -> None:
    [bill] = billed(
        exact, [note(7, "A0", -1_090_000, "vat", subscriber="S0"), note(8, "A0", 1, "vat")]
    )
    names = page_names(exact[0], exact[2], "2026-10")
    page = render_bill("A0", bill.bills, bill.lines, bill.balances, names)
    for words in ("Note 7", "for September 2026", "Whole account", "Credit and debit notes"):
        assert words in page


def test_a_rate_that_was_told_is_the_rate(exact: Made) -> None:
    [bill] = billed(exact, [note(1, "A0", 1_000_000, "extra", tax_rate=130_000)])
    head = bill.bills.to_pylist()[0]
    assert head["tax_added"] == Decimal("0.13")
    assert head["total"] == Decimal("1.73")


def test_neither_order_nor_partitions_move_a_note(exact: Made) -> None:
    """One of a subscriber's account, one of a payer's, and one of an account that is gone."""
    notes = [
        note(1, "A1", -500_000, "vat"),
        note(2, "C1", 250_000, "vat"),
        note(3, "GONE", -125_000, "extra"),
        note(4, "A1", -500_000, "vat"),
    ]
    [one] = billed(exact, notes)
    [other] = billed(exact, notes[::-1])
    assert one.lines.equals(other.lines)
    assert one.bills.equals(other.bills)
    spread = [row for part in billed(exact, notes, 9) for row in part.bills.to_pylist()]
    by_account = {row["account_id"]: row for row in spread}
    assert len(by_account) == len(spread)
    assert by_account == {row["account_id"]: row for row in one.bills.to_pylist()}
    assert by_account["GONE"]["total"] == Decimal("-0.1325")  # 6 % on top
    assert by_account["C1"]["total"] == Decimal("0.85")


def test_credits_of_any_size_tie_to_the_cent(rounded: Made) -> None:
    rng = np.random.default_rng(8)
    for _ in range(20):
        notes = [
            note(
                number,
                f"A{account}",
                int(amount),
                ("vat_basic", "vat_added")[kind],
                subscriber=f"S{account}" if about else "",
            )
            for number, (account, amount, kind, about) in enumerate(
                rng.integers([0, -300_000_000, 0, 0], [4, 300_000_000, 2, 2], (9, 4)).tolist()
            )
            if amount
        ]
        [bill] = billed(rounded, notes)
        total = sum(one.amount for one in notes)
        assert sum(bill.bills["adjustments"].to_pylist()) == Decimal(total).scaleb(-6)
        assert all(row["total"] % Decimal("0.01") == 0 for row in bill.bills.to_pylist())
