"""Mistakes in names, numbers and dates, one of each kind that the other rooms leave out."""

from __future__ import annotations

from tests.tariffs.books import edited
from tests.tariffs.changes import PLAN, Mistakes, added, appended, price

_DATES = [f"{1990 + k // 336}-{1 + k // 28 % 12:02}-{1 + k % 28:02}" for k in range(8_192)]

MISTAKES: Mistakes = {
    "date without a day": (
        edited("calendar.yaml", "2026-10-01 to 2026-10-07", "2026-10 to 2026-10-07"),
        "calendar.yaml",
        3,
        ("'2026-10'", "YYYY-MM-DD"),
    ),
    "days longer than a year": (
        edited("calendar.yaml", "2026-10-01 to 2026-10-07", "2026-10-01 to 2028-10-07"),
        "calendar.yaml",
        3,
        ("longer than a year",),
    ),
    "amount beyond all money": (
        price("{price: 1000000000001, per: 60 s}"),
        "prices.yaml",
        2,
        ("'1000000000001'", "at most 1000000000000"),
    ),
    "priority in words": (
        edited(PLAN, "quantity: 10 min,", "quantity: 10 min, priority: first,"),
        PLAN,
        10,
        ("'first'", "whole number"),
    ),
    "validity of no days": (
        edited(PLAN, "quantity: 10 min,", "quantity: 10 min, validity: 0 days,"),
        PLAN,
        10,
        ("'0 days'", "1 to 3660"),
    ),
    "too many port dates": (
        added(
            "ported_numbers.csv",
            "number,zone,valid_from\n" + "".join(f"8610,north,{day}\n" for day in _DATES),
        ),
        "ported_numbers.csv",
        1,
        ("8,192 different dates", "8,191"),
    ),
    "exclusion group too many": (
        added(
            "discounts/more.yaml",
            "".join(f"m{k}: {{percent: 1 %, one_of: g{k}}}\n" for k in range(61)),
        ),
        "discounts/more.yaml",
        61,
        ("'g60'", "At most 60"),
    ),
    "id of a fee with a blank": (
        edited(PLAN, "id: monthly", "id: every month"),
        PLAN,
        3,
        ("'every month'", "letters, digits and _"),
    ),
    "name of a plan's file": (
        added("plans/Plain.yaml", "name: Plain\ninherits: plain\n"),
        "plans/Plain.yaml",
        1,
        ("'Plain'", "Small letters"),
    ),
    "id of a rule in capitals": (
        edited(PLAN, "id: police", "id: Police"),
        PLAN,
        5,
        ("'Police'", "Small letters"),
    ),
    "name of a price in capitals": (
        appended("prices.yaml", "Dear: {price: 1, per: 60 s}\n"),
        "prices.yaml",
        5,
        ("'Dear'", "Small letters"),
    ),
    "name of a band": (
        appended("time_models.yaml", "night:\n  otherwise: any\n"),
        "time_models.yaml",
        6,
        ("'any'", "no name for a band"),
    ),
    "time model that is always there": (
        appended("time_models.yaml", "always:\n  otherwise: day\n"),
        "time_models.yaml",
        5,
        ("'always'", "always there"),
    ),
}
