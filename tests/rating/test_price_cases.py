"""Cases of tests/cases/prices: a plan of a few lines, events, charges; by kernel and by twin."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from rating.cycles import cycles_between, to_us
from rating.engine import Rater
from rating.reasons import REASONS
from rating.subscribers import load_subscribers
from tariffs import compile_book, load_book
from tests.rating.compare import compare
from tests.rating.strategies_edr import DEFAULTS, edr_batch, plain_keys
from tests.rating.strategies_shop import line, write
from tests.tariffs.books import FILES, write_book

if TYPE_CHECKING:
    from tariffs.compiled import CompiledBook

FOLDER = Path(__file__).parents[1] / "cases" / "prices"
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted(FOLDER.glob("*.yaml"))
    for case in yaml.load(path.read_text(), Loader=yaml.BaseLoader)  # noqa: S506  texts only
]
IMSI = 460_000_000_000_001
NUMBERS = (
    *("duration", "uplink", "downlink", "events", "utc_offset"),
    *("area", "cell", "rating_group", "service_id", "rat", "partner_charge"),
)
TEXTS = ("service", "direction", "apn", "partner_currency")
TABLES = {"calendar": "calendar.yaml", "time_models": "time_models.yaml"}


def _book(case: dict[str, Any], folder: Path) -> CompiledBook:
    """The small book with the case's zone, tables and one plan."""
    plan: dict[str, Any] = {"name": "Case", "rules": case["rules"]}
    plan |= {
        key: case[key]
        for key in ("prices", "allowances", "inherits", "overlays", "split")
        if key in case
    }
    files: dict[str, str | bytes | None] = {
        "plans/plain.yaml": None,
        "plans/golden.yaml": yaml.safe_dump(plan, sort_keys=False),
        "discounts/all.yaml": None,
        **{name: text or None for name, text in case.get("files", {}).items()},
    }
    for key, name in TABLES.items():
        if key in case:
            files[name] = case[key] + "\n"
    zone = case.get("time_zone", "Asia/Shanghai")
    head = FILES["book.yaml"].replace("Asia/Shanghai", zone)
    own = case.get("book", "").partition(":")[0] + ":"
    kept = [text for text in head.splitlines() if not own[1:] or not text.startswith(own)]
    files["book.yaml"] = "\n".join([*kept, case.get("book", "")]) + "\n"
    return compile_book(load_book(write_book(folder, files)))


def _edr(event: dict[str, Any], book: CompiledBook) -> dict[str, Any]:
    """An EDR row of an event of a case; a time without an offset is one of the book's zone."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    at = dt.datetime.fromisoformat(event["at"])
    at = at.replace(tzinfo=ZoneInfo(book.time_zone)) if at.tzinfo is None else at
    offset = at.utcoffset() or dt.timedelta()
    row = {**DEFAULTS, "served_imsi": IMSI, "start_time": to_us(at)}
    row |= {"utc_offset": int(offset.total_seconds()) // 60}
    row |= {key: int(event[key]) for key in NUMBERS if key in event}
    row |= {key: event[key] for key in TEXTS if key in event}
    if "network" in event:
        row["visited_network"] = event["network"]
    if "to" in event:
        row["other_number"] = int(event["to"])
    elif "dialled" in event:
        row["other_text"] = event["dialled"]
    return row


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    book = _book(case, tmp_path / "book")
    own = case.get("subscriber", {})
    owner = line(1, valid_from="2020-01-01") + "".join(f",{value}" for value in own.values())
    folder = write(tmp_path / "subscribers", [owner])
    table = folder / "subscribers.csv"
    table.write_text(table.read_text().replace("valid_to", ",".join(["valid_to", *own]), 1))
    data = load_subscribers(folder, book)
    rows = [_edr(event, book) for event in case["events"]]
    rater = Rater(book, data)
    batch = edr_batch(rows)
    got: dict[int, Any] = {}
    for cycle in sorted({c for row in rows for c in _cycle(row, book)}):
        compare(book, data, rows, cycle=cycle)
        prepared = rater.prepare(batch, plain_keys(batch))
        rated = rater.rate(prepared, rater.open_cycle(cycle))
        got |= {one["offset"]: one for one in rated.table.to_pylist()}
        for row, status in zip(rated.unrated.row, rated.unrated.status, strict=True):
            got.setdefault(int(row), {"reason": REASONS[int(status)].name})
    for at, event in enumerate(case["events"]):
        expected = {key: event[key] for key in event if key in _EXPECT}
        found = {key: got[at].get(key) for key in expected}
        expected |= {key: Decimal(expected[key]) for key in _MONEY if key in expected}
        assert found == expected, (event, got[at])


_MONEY = ("net", "wholesale_cost")
_EXPECT = (*_MONEY, "zone", "roaming", "call_class", "rule", "reason")


def _cycle(row: dict[str, Any], book: CompiledBook) -> list[str]:
    """The cycle in which an event starts."""
    return cycles_between(row["start_time"], row["start_time"], book.time_zone)
