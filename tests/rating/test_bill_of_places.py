"""The bill run rates what needs more of an EDR than number and time: cells, data, partners."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from rating.billing.run import EDR_COLUMNS, BillRun
from rating.subscribers import load_subscribers
from tests.rating.strategies_edr import edr_batch
from tests.rating.strategies_shop import at, call, line, write
from tests.tariffs.books import edited, make_book, plan_with

if TYPE_CHECKING:
    from pathlib import Path

RULES = [
    {"id": "data", "when": {"service": "data", "data_class": "video"}, "price": "free"},
    {"id": "away", "when": {"service": "voice", "roaming": "domestic"}, "price": "cheap"},
    {"id": "tap", "when": {"service": "voice", "roaming": "asia"}, "price": "tap"},
    {"id": "home", "when": {"service": ["voice", "data"]}, "price": "free"},
]


def test_cells_data_classes_and_partners_are_billed(tmp_path: Path) -> None:
    changes = edited("book.yaml", "[asia]", "[asia, domestic]") | plan_with(
        rules=RULES, allowances=[], caps=[], discounts=[], prices={"tap": {"partner": {}}}
    )
    changes["cells.csv"] = "location_area,cell,area,border_of,home_zone\n200,,south,,\n"
    changes["data_classes.csv"] = "data_class,apn,rating_group,service_id,rat\nvideo,,32,,\n"
    changes["exchange_rates.csv"] = "currency,valid_from,rate\nEUR,,8\n"
    book, compiled = make_book(tmp_path / "book", changes)
    data = load_subscribers(write(tmp_path / "data", [line(1, plan="plain")]), compiled)
    charge = {"partner_charge": 250_000, "partner_currency": "EUR"}
    events = [
        call(1, at(1), 120, area=200, cell=7),
        call(1, at(2), 120, visited_network="440-10", **charge),
        call(1, at(3), 0, service="data", downlink=10, other_number=None, rating_group=32),
    ]
    batch = edr_batch(events).select(EDR_COLUMNS)
    rated = BillRun(compiled, book, data, "2026-10", 1).partition(0, [batch]).rated.to_pylist()
    assert [(row["roaming"], row["zone"], row["net"]) for row in rated] == [
        ("domestic", "north", Decimal("0.30")),
        ("asia", "north", Decimal(2)),
        ("home", "video", Decimal(0)),
    ]
    assert [row["wholesale_cost"] for row in rated] == [None, Decimal(2), None]
