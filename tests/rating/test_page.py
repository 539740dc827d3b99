from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
import yaml

from rating.billing.page import PageNames, page_names, render_bill
from rating.billing.run import BillRun, PartitionBill
from rating.billing.wording import (
    amount_text,
    bytes_text,
    duration_text,
    masked_number,
    quantity_text,
    title,
)
from tariffs import compile_book, load_book
from tests.rating.strategies_edr import edr_batch
from tests.rating.test_billing_run import CASES, event_row, subscribers_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory) -> tuple[PartitionBill, PageNames, PageNames]:
    book = load_book(CASES / "book")
    compiled = compile_book(book)
    told = yaml.safe_load((CASES / "family.yaml").read_text(encoding="utf-8"))
    folder: Path = tmp_path_factory.mktemp("family")
    people = subscribers_of(told["subscribers"], folder, compiled)
    run = BillRun(compiled, book, people, "2026-10", 1)
    bill = run.partition(0, [edr_batch(event_row(event) for event in told["events"])])
    masked = page_names(book, people, "2026-10")
    return bill, masked, page_names(book, people, "2026-10", masked=False)


def page(family: tuple[PartitionBill, PageNames, PageNames], names: PageNames) -> str:
    bill = family[0]
    return render_bill("A-FAM", bill.bills, bill.lines, bill.balances, names)


def test_what_stands_on_the_page(family: tuple[PartitionBill, PageNames, PageNames]) -> None:
    text = page(family, family[1])
    number = family[0].bills["bill_number"][0].as_py()
    for part in (
        "Example Mobile",
        "Bill for October 2026",
        "CNY 172.60",
        number,
        "Family 156: Monthly fee (main card)",
        "17 Oct – 31 Oct, 15 days",  # noqa: RUF001
        "10 minutes for the family, shared",
        "10 min used",
        "0 s left",
        "Tax vat, 9 %",
        "included in prices: 14.25",
    ):
        assert part in text, part


def test_what_is_printed_adds_up(family: tuple[PartitionBill, PageNames, PageNames]) -> None:
    text = page(family, family[1])
    cards = re.findall(r"of this card.*?</td><td>([0-9.,]+)</td>", text)
    assert len(cards) == 3
    assert sum(Decimal(amount) for amount in cards) == Decimal("172.60")
    services = re.findall(r'<tr class="service"><td>(\w+)', text)
    assert services == ["Calls", "Text", "Calls", "Calls"]


def test_numbers_are_masked_unless_asked(
    family: tuple[PartitionBill, PageNames, PageNames],
) -> None:
    assert "+86199******01" in page(family, family[1])
    assert "8619910000001" not in page(family, family[1])
    assert "+8619910000001" in page(family, family[2])


def test_the_page_is_self_contained(family: tuple[PartitionBill, PageNames, PageNames]) -> None:
    text = page(family, family[1])
    assert not re.search(r"(src|href)=|url\(|<script|https?:", text)
    assert text.startswith("<!doctype html>")


def test_names_are_escaped(family: tuple[PartitionBill, PageNames, PageNames]) -> None:
    names = PageNames("<b>Operator</b>", {}, {}, {})
    assert "&lt;b&gt;Operator&lt;/b&gt;" in page(family, names)


def test_a_bill_that_is_not_there(family: tuple[PartitionBill, PageNames, PageNames]) -> None:
    bill = family[0]
    with pytest.raises(LookupError, match="0 bills of account 'nobody'"):
        render_bill("nobody", bill.bills, bill.lines, bill.balances, family[1])
    twice = pa.concat_tables([bill.bills, bill.bills])
    with pytest.raises(LookupError, match="2 bills"):
        render_bill("A-FAM", twice, bill.lines, bill.balances, family[1])


def test_wording() -> None:
    assert masked_number(8619910000123) == "+86199******23"
    assert masked_number(112) == "+112"
    assert masked_number(442071) == "+****71"
    assert masked_number(4420712) == "+4****12"
    assert not masked_number(None)
    assert amount_text(Decimal("-1234.5")) == "-1,234.50"
    assert amount_text(Decimal("0.000001")) == "0.000001"
    assert duration_text(59) == "59 s"
    assert duration_text(600) == "10 min"
    assert duration_text(3_661) == "1 h 01 min 01 s"
    assert bytes_text(999) == "999 B"
    assert bytes_text(1023, binary=True) == "1,023 B"
    assert bytes_text(1536) == "1.54 kB"
    assert bytes_text(1536, binary=True) == "1.5 KiB"
    assert bytes_text(21_474_836_480) == "21.5 GB"
    assert bytes_text(21_474_836_480, binary=True) == "20 GiB"
    assert quantity_text(1234, "events") == "1,234"
    assert title("base/long_distance") == "Long distance"
