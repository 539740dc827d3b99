from __future__ import annotations

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffs.compiled import FOREVER
from tariffs.scalars import (
    amount,
    days,
    instant,
    minute_of_day,
    percent,
    quantity,
    quantity_or_unlimited,
)


@given(st.integers(0, 10**12), st.integers(0, 6))
def test_an_amount_is_read_exactly(digits: int, places: int) -> None:
    text = str(Decimal(digits).scaleb(-places))
    if "E" not in text:
        assert amount(text) == Decimal(text).scaleb(6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("60 s", ("seconds", 60)),
        ("1.5 min", ("seconds", 90)),
        ("2 h", ("seconds", 7200)),
        ("1 MiB", ("bytes", 1_048_576)),
        ("1 MB", ("bytes", 1_000_000)),
        ("0.5 KiB", ("bytes", 512)),
        ("20 GiB", ("bytes", 21_474_836_480)),
        ("1 event", ("events", 1)),
        ("100 messages", ("events", 100)),
    ],
)
def test_quantities_have_units(text: str, expected: tuple[str, int]) -> None:
    assert quantity(text) == expected


def test_unlimited_says_of_what() -> None:
    assert quantity_or_unlimited("unlimited bytes") == ("bytes", FOREVER)


@pytest.mark.parametrize(("text", "ppm"), [("9 %", 90_000), ("6%", 60_000), ("0.0001 %", 1)])
def test_percentages_are_ppm(text: str, ppm: int) -> None:
    assert percent(text) == ppm


@pytest.mark.parametrize(
    "text", ["", "+1", "1.", ".5", "1 000", "٣", "NaN", "1e3", "0x10", "1_000"]
)
def test_what_is_not_a_plain_number_is_no_amount(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        amount(text)


def test_dates_begin_at_midnight_of_the_book() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    assert instant("2026-10-15", zone) == 1_791_993_600_000_000
    assert instant("2026-10-15T00:00", zone) == instant("2026-10-14T16:00+00:00", zone)


def test_a_range_of_days_includes_both_ends() -> None:
    found = days("2026-10-01 to 2026-10-07")
    assert len(found) == 7
    assert str(found[0]) == "2026-10-01"
    assert str(found[-1]) == "2026-10-07"


def test_a_day_ends_at_minute_1440() -> None:
    assert minute_of_day("24:00") == 1440
    with pytest.raises(ValueError, match="24:01"):
        minute_of_day("24:01")
