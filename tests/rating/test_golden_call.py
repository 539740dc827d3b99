"""The call of the reference: 6 min 10 s to a friend over the end of the peak costs 0.55."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from rating.cycles import to_us
from rating.engine import Rater
from rating.reference.balances import Balances
from rating.reference.classify import classify
from rating.reference.twin import rate
from rating.subscribers import Subscribers, load_subscribers
from tariffs import compile_book, load_book
from tests.rating.strategies_edr import DEFAULTS, edr_batch, plain_keys

if TYPE_CHECKING:
    from tariffs.compiled import CompiledBook

BOOK = Path(__file__).parents[1] / "cases" / "golden_book"
NUMBER = 8_619_900_000_001
FRIEND = 8_619_900_000_002
START = to_us(dt.datetime(2026, 10, 14, 19, 57, 30, tzinfo=ZoneInfo("Asia/Shanghai")))
CALL = {
    "served_msisdn": NUMBER,
    "other_number": FRIEND,
    "start_time": START,
    "duration": 370,
    "utc_offset": 480,
}


@pytest.fixture(scope="module")
def book() -> CompiledBook:
    return compile_book(load_book(BOOK))


@pytest.fixture
def subscribers(book: CompiledBook, tmp_path: Path) -> Subscribers:
    (tmp_path / "subscribers.csv").write_text(
        "subscriber_id,account_id,charge_group,msisdn,imsi,plan,role,vpmn_group,home_area,"
        "valid_from,valid_to\n"
        f"S1,A1,,+{NUMBER},,{book.plans[0]},single,,north,2026-01-01,\n"
    )
    (tmp_path / "friends.csv").write_text(
        f"subscriber_id,number,valid_from,valid_to\nS1,+{FRIEND},2026-01-01,\n"
    )
    return load_subscribers(tmp_path, book)


def test_golden_call_costs_55_cents(book: CompiledBook, subscribers: Subscribers) -> None:
    rater = Rater(book, subscribers)
    batch = edr_batch([CALL])
    state = rater.open_cycle("2026-10")
    (row,) = rater.rate(rater.prepare(batch, plain_keys(batch)), state).table.to_pylist()
    assert row["net"] == Decimal("0.55")
    assert row["connect_fee"] == Decimal("0.10")
    assert row["usage_charge"] == Decimal("0.90")
    assert row["discount_amount"] == Decimal("0.45")
    assert (row["allowance_units"], row["charged_units"], row["quantity"]) == (120, 300, 370)
    assert row["band"] == "peak"
    (balance,) = state.balances().to_pylist()
    assert (balance["given"], balance["used"], balance["left"]) == (120, 120, 0)


def test_twin_tells_the_golden_call_line_by_line(
    book: CompiledBook, subscribers: Subscribers
) -> None:
    balances = Balances.opened("2026-10", book, subscribers)
    charge = rate(classify({**DEFAULTS, **CALL}, book, subscribers), book, subscribers, balances)
    lines = [(step.kind, step.amount) for step in charge.steps if step.amount is not None]
    assert lines == [
        ("line", Decimal("0.30")),
        ("line", Decimal("0.60")),
        ("connect", Decimal("0.10")),
        ("discount", Decimal("-0.45")),
    ]
    assert sum(amount for _, amount in lines) == charge.net == Decimal("0.55")
