"""Who pays what of a subscriber's usage: against the twin, over partitions, and told by explain."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from rating.billing.page import page_names, render_bill
from rating.billing.partition import split_batch
from rating.billing.payers import paid_by_others
from rating.billing.run import BillRun, charge_groups
from rating.billing.tie import tie
from rating.cycles import to_us
from rating.errors import SubscriberDataError
from rating.explain import RecordName, explain_record
from rating.reference.payers import Purses
from rating.subscribers import load_subscribers
from tariffs import compile_book, load_book
from tests.rating.strategies_edr import edr_batch
from tests.rating.strategies_shop import at, call, line, write

if TYPE_CHECKING:
    from rating.billing.run import PartitionBill
    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook
    from tariffs.model import Book

BOOK = Path(__file__).parents[1] / "corpus" / "payers"
HEAD = "subscriber_id,payment,account_id,valid_from,valid_to"
PLANS = ("staff", "loyal", "least", "minutes")
PEOPLE = 40
Made = tuple["Book", "CompiledBook", "Subscribers", pa.RecordBatch]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Staff of three companies; some pay with their own account, which is another's too."""
    book = load_book(BOOK)
    compiled = compile_book(book)
    people = [
        line(n, plan=PLANS[n % 4], vpmn_group=f"V{n % 3}", charge_group=f"G{n // 2}")
        for n in range(PEOPLE)
    ]
    folder = write(tmp_path_factory.mktemp("payers"), people)
    rows = [HEAD]
    for n in range(0, PEOPLE, 2):
        rows += [f"S{n},work,C{n // 8},2026-01-01,2026-10-{10 + n % 20}"]
        rows += [
            f"S{n},work,A{n // 8 * 8},2026-10-{10 + n % 20},",
            f"S{n},trips,T{n // 8},2026-10-03,",
        ]
        rows += [f"S{n},calls,C{n // 8},2026-10-15,"] if n % 3 else []
    (folder / "payers.csv").write_text("\n".join(rows) + "\n")
    rng = np.random.default_rng(11)
    drawn = rng.integers([0, 1, 0, 0, 0, 0], [PEOPLE, 31, 24, 4000, 8, PEOPLE], (900, 6))
    events = []
    for n, day, hour, length, kind, other in drawn.tolist():
        event = call(n, at(day, hour), length)
        if kind < 2:  # to somebody of us, maybe of the same company
            event |= {"other_number": 8619900000000 + other}
        if kind == 2:
            event |= {"service": "data", "other_number": None, "downlink": length * 900}
            event |= {"visited_network": "262-01"}
        if kind == 3:
            event |= {"service": "sms", "events": 1 + length % 20, "duration": 0}
        events.append(event)
    return book, compiled, load_subscribers(folder, compiled), edr_batch(events)


def bills(made: Made, batch: pa.RecordBatch, partitions: int = 1) -> list[PartitionBill]:
    book, compiled, data, _ = made
    run = BillRun(compiled, book, data, "2026-10", partitions)
    parts = split_batch(batch, charge_groups(run.rater.prepare(batch)), run.home)
    return [
        run.partition(number, [parts[number]] if number in parts else [])
        for number in range(partitions)
    ]


def test_each_record_and_each_sum_is_as_the_twin_says(made: Made) -> None:
    book, _, data, batch = made
    [bill] = bills(made, batch)
    assert tie(bill.rated, bill.lines, bill.bills).problems == ()
    purses = Purses(book, data, at(1, 0))
    owed: dict[str, Decimal] = defaultdict(Decimal)
    paid_by: dict[str | None, int] = defaultdict(int)
    for row in bill.rated.to_pylist():
        own = f"A{row['subscriber_id'][1:]}"
        share = purses.pay(row, to_us(row["start_time"]))
        assert row["account_id"] == (own if share is None else share.account)
        part = Decimal(share.amount).scaleb(-6) if share else Decimal(0)
        owed[row["account_id"]] += part if share else row["net"]
        owed[own] += row["net"] - part if share else Decimal(0)
        paid_by[share.payment.id if share else None] += 1
    assert min(paid_by[name] for name in ("work", "trips", "calls", None)) > 10
    billed = {b["account_id"]: b["usage"] + b["transfers"] for b in bill.bills.to_pylist()}
    assert billed == {name: owed.get(name, Decimal(0)) for name in billed}
    assert any(b["transfers"] < 0 for b in bill.bills.to_pylist())


def test_neither_order_nor_partitions_move_a_byte(made: Made) -> None:
    batch = made[3]
    [one] = bills(made, batch)
    order = np.random.default_rng(3).permutation(batch.num_rows)
    [other] = bills(made, batch.take(pa.array(order)))
    for name in ("rated", "lines", "bills", "balances"):
        assert getattr(one, name).equals(getattr(other, name))
    parts = bills(made, batch, 7)
    assert sum(part.rated.num_rows > 0 for part in parts) > 1
    spread = [row for part in parts for row in part.bills.to_pylist()]
    assert sorted(row["account_id"] for row in spread) == one.bills["account_id"].to_pylist()
    assert {row["account_id"]: row for row in spread} == {
        row["account_id"]: row for row in one.bills.to_pylist()
    }


def test_a_book_without_payments_touches_nothing(made: Made) -> None:
    book, compiled, data, batch = made
    run = BillRun(compiled, book, data, "2026-10", 1)
    rated = pa.Table.from_batches(
        [run.rater.rate(run.rater.prepare(batch), run.rater.open_cycle("2026-10")).table]
    )
    same, transfers = paid_by_others(rated, (), compiled, data, run.cycle, {})
    assert same is rated
    assert len(transfers) == 0


def test_a_transfer_without_its_other_side_does_not_tie(made: Made) -> None:
    [bill] = bills(made, made[3])
    kinds = bill.lines["kind"].to_pylist()
    at_line = kinds.index("transfer")
    lines = bill.lines.filter(pa.array([n != at_line for n in range(len(kinds))]))
    who = bill.lines["subscriber_id"][at_line].as_py()
    assert f"transfers do not add up to nothing for subscriber {who}" in (
        tie(bill.rated, lines, bill.bills).problems
    )


def test_explain_says_who_pays_and_what_is_left(made: Made) -> None:
    book, compiled, data, batch = made
    [bill] = bills(made, batch)
    over = next(
        row
        for row in bill.lines.to_pylist()
        if row["kind"] == "transfer" and row["net"] > 0 and row["item"] == "Business calls"
    )
    mine = [row for row in bill.rated.to_pylist() if row["subscriber_id"] == over["subscriber_id"]]
    purses = Purses(book, data, at(1, 0))
    for row in mine:
        share = purses.pay(row, to_us(row["start_time"]))
        name = RecordName(row["file_id"], row["offset"], row["container"])
        if (
            share is not None
            and share.payment.name == over["item"]
            and share.amount < row["net"].scaleb(6)
        ):
            break
    found = explain_record([batch], name, compiled, data, stored=row["net"], book=book)
    step = found.steps[-1]
    assert step.kind == "payer"
    own = f"A{over['subscriber_id'][1:]}"
    assert step.text.startswith(f"Business calls (bill.yaml:6): account {row['account_id']} pays ")
    assert (
        f"; of 10.00 in the cycle it had paid {Decimal(10) - step.facts['paid']:.2f}. Account {own}"
        in step.text
    )
    assert step.facts["own_part"] == over["net"]
    assert found.facts["account_id"] == row["account_id"]
    first = next(row for row in bill.rated.to_pylist() if row["subscriber_id"] == "S1")
    name = RecordName(first["file_id"], first["offset"], first["container"])
    plain = explain_record([batch], name, compiled, data, book=book)
    assert all(step.kind != "payer" for step in plain.steps)


def test_both_pages_tell_what_passed_the_limit(made: Made) -> None:
    book, _, data, batch = made
    [bill] = bills(made, batch)
    moved = [row for row in bill.lines.to_pylist() if row["kind"] == "transfer"]
    names = page_names(book, data, "2026-10")
    for row, words in (
        (next(row for row in moved if row["net"] > 0), "not paid by the other account"),
        (next(row for row in moved if row["net"] < 0), "paid by the card&#39;s own account"),
    ):
        page = render_bill(row["account_id"], bill.bills, bill.lines, bill.balances, names)
        assert f"{row['item']}, above the limit" in page
        assert words in page
        assert "Above limits of who pays" in page


def test_mistakes_of_payers_are_told_at_once(tmp_path: Path) -> None:
    compiled = compile_book(load_book(BOOK))
    folder = write(tmp_path, [line(1, plan="staff"), line(2, plan="staff")])
    rows = [
        HEAD,
        "S9,work,C1,2026-01-01,",
        "S1,wrok,C1,2026-01-01,",
        "S1,trips,,2026-01-01,",
        "S2,work,C1,2026-01-01,",
        "S2,work,C2,2026-10-01,",
        "S2,calls,C2,2026-10-01,2026-09-01",
    ]
    (folder / "payers.csv").write_text("\n".join(rows) + "\n")
    with pytest.raises(SubscriberDataError) as caught:
        load_subscribers(folder, compiled)
    assert [str(problem) for problem in caught.value.problems] == [
        "payers.csv:2: subscriber_id 'S9' is not in the subscribers' table. Allowed: S1, S2.",
        (
            "payers.csv:3: payment 'wrok' is not in the tariff book. Allowed: work, trips, texts,"
            " meetings, calls. Did you mean 'work'?"
        ),
        "payers.csv:4: account_id is empty. Every row needs one.",
        (
            "payers.csv:6: payment 'work' is valid twice at the same time. The other row is line 5:"
            " one must end where the other begins."
        ),
        (
            "payers.csv:7: valid_to '2026-09-01' is not after valid_from. valid_to is the first day"
            " that is not valid any more."
        ),
    ]
