"""Mistakes in files, YAML, the head of the book, time and prices, one of each kind."""

from __future__ import annotations

from tests.tariffs.books import edited
from tests.tariffs.changes import PLAN, Mistakes, added, appended, price

MISTAKES: Mistakes = {
    # Files
    "missing file": ({"networks.csv": None}, "networks.csv", 1, ("missing",)),
    "foreign file": (
        added("plan/plain.yaml", "a: b"),
        "plan/plain.yaml",
        1,
        ("Not a file of a tariff book", "plans/*.yaml"),
    ),
    "plan with another ending": (added("plans/a.yml", "a: b"), "plans/a.yml", 1, ("Not a file",)),
    "no plan": ({PLAN: None}, "plans", 1, ("No plan", "plans/<id>.yaml")),
    "empty file": (added("prices.yaml", ""), "prices.yaml", 1, ("empty",)),
    # Tiers
    "tier with a blank": (
        appended("book.yaml", "tiers: [gold, high value]\n"),
        "book.yaml",
        14,
        ("'high value'", "letters, digits"),
    ),
    "tier twice": (
        appended("book.yaml", "tiers: [gold, A1, gold]\n"),
        "book.yaml",
        14,
        ("'gold'", "twice"),
    ),
    # YAML
    "YAML not UTF-8": (
        added("prices.yaml", b"minute: {price: 1, per: 60 s}\n# caf\xe9\n"),
        "prices.yaml",
        2,
        ("0xe9", "UTF-8"),
    ),
    "tab": (added("prices.yaml", "minute:\n\tprice: 1\n"), "prices.yaml", 2, ("tabs",)),
    "bracket not closed": (
        added("prices.yaml", "minute: {price: 1\ncheap: {price: 2}\n"),
        "prices.yaml",
        2,
        ("Not YAML", "brackets"),
    ),
    "duplicate key": (
        appended("prices.yaml", "minute: {price: 0.20, per: 60 s}\n"),
        "prices.yaml",
        5,
        ("'minute'", "written twice", "line 1"),
    ),
    "alias": (
        added("prices.yaml", "minute: &m {price: 0.30, per: 60 s}\ncheap: *m\n"),
        "prices.yaml",
        1,
        ("anchors", "inherits"),
    ),
    "nested too deep": (
        added("prices.yaml", "minute: " + "{a: " * 20 + "b" + "}" * 20),
        "prices.yaml",
        1,
        ("Nested deeper",),
    ),
    "key that is a list": (
        added("prices.yaml", "? [a, b]\n: {price: 1, per: 60 s}\n"),
        "prices.yaml",
        1,
        ("key is a list",),
    ),
    "list where a mapping belongs": (
        added("prices.yaml", "- minute\n"),
        "prices.yaml",
        1,
        ("not a mapping",),
    ),
    # book.yaml
    "unknown key": (
        edited("book.yaml", "currency:", "curency:"),
        "book.yaml",
        1,
        ("'curency'", "Did you mean 'currency'?"),
    ),
    "missing key": (
        edited("book.yaml", "currency: CNY\n", ""),
        "book.yaml",
        1,
        ("lacks currency",),
    ),
    "unknown time zone": (
        edited("book.yaml", "Asia/Shanghai", "Asia/Shangai"),
        "book.yaml",
        2,
        ("'Asia/Shangai'", "Asia/Shanghai"),
    ),
    "currency": (edited("book.yaml", "CNY", "yuan"), "book.yaml", 1, ("'yuan'", "ISO 4217")),
    "country code": (edited("book.yaml", "code: 86", "code: +86"), "book.yaml", 3, ("'+86'",)),
    "clock": (
        appended("book.yaml", "clock: swich\n"),
        "book.yaml",
        14,
        ("clock 'swich'", "Did you mean 'switch'?"),
    ),
    "split mode": (appended("book.yaml", "split: never\n"), "book.yaml", 14, ("'never'", "start")),
    "rounding of nothing": (
        appended("book.yaml", "rounding: {event: {to: 0}}\n"),
        "book.yaml",
        14,
        ("rounding.event.to is 0", "0.01"),
    ),
    "rounding mode": (
        appended("book.yaml", "rounding: {event: {to: 0.01, mode: halfup}}\n"),
        "book.yaml",
        14,
        ("'halfup'", "Did you mean 'half_up'?"),
    ),
    "tax over 100 %": (edited("book.yaml", "9 %", "109 %"), "book.yaml", 5, ("more than 100 %",)),
    "tax without %": (edited("book.yaml", "9 %", "0.09"), "book.yaml", 5, ("percentage", "9 %")),
    "yes or no": (edited("book.yaml", "yes", "maybe"), "book.yaml", 5, ("'maybe'", "yes or no")),
    "unknown service": (
        edited("book.yaml", "  voice:", "  voyce:"),
        "book.yaml",
        9,
        ("'voyce'", "Did you mean 'voice'?"),
    ),
    "unknown tax": (
        edited("book.yaml", "voice: {tax: vat", "voice: {tax: vta"),
        "book.yaml",
        9,
        ("tax 'vta'", "Did you mean 'vat'?"),
    ),
    "area twice": (
        edited("book.yaml", "[north, south]", "[north, north]"),
        "book.yaml",
        12,
        ("'north'", "twice"),
    ),
    "reserved roaming class": (
        edited("book.yaml", "[asia]", "[asia, home]"),
        "book.yaml",
        13,
        ("'home'", "always there"),
    ),
    # Calendar and time models
    "date that does not exist": (
        edited("calendar.yaml", "2026-10-01 to", "2026-09-31 to"),
        "calendar.yaml",
        3,
        ("'2026-09-31'", "not a date"),
    ),
    "days backwards": (
        edited("calendar.yaml", "to 2026-10-07", "to 2026-09-07"),
        "calendar.yaml",
        3,
        ("ends before it begins",),
    ),
    "day of two types": (
        appended("calendar.yaml", "  fair: {days: [2026-10-02]}\n"),
        "calendar.yaml",
        4,
        ("2026-10-02", "twice"),
    ),
    "day outside the calendar": (
        appended("calendar.yaml", "  fair: {days: [2099-10-02]}\n"),
        "calendar.yaml",
        4,
        ("2099-10-02", "outside"),
    ),
    "day type named as a weekday": (
        edited("calendar.yaml", "holiday:", "sunday:"),
        "calendar.yaml",
        2,
        ("'sunday'",),
    ),
    "time of day": (
        edited("time_models.yaml", "20:00", "25:00"),
        "time_models.yaml",
        3,
        ("'25:00'", "HH:MM"),
    ),
    "window over midnight on some days": (
        edited("time_models.yaml", "20:00", "06:00"),
        "time_models.yaml",
        3,
        ("midnight", "24:00"),
    ),
    "windows overlap": (
        edited(
            "time_models.yaml",
            "  otherwise",
            "    - {band: lunch, days: friday, from: 12:00, to: 13:00}\n  otherwise",
        ),
        "time_models.yaml",
        4,
        ("overlaps", "line 3", "friday"),
    ),
    "unknown day": (
        edited("time_models.yaml", "weekdays", "workdays"),
        "time_models.yaml",
        3,
        ("'workdays'", "Did you mean 'weekdays'?"),
    ),
    "no rest of the day": (
        edited("time_models.yaml", "  otherwise: off_peak\n", ""),
        "time_models.yaml",
        2,
        ("lacks otherwise",),
    ),
    # Prices
    "negative price": (price("{price: -0.15, per: 60 s}"), "prices.yaml", 2, ("'-0.15'", "sign")),
    "price with a comma": (
        price('{price: "0,15", per: 60 s}'),
        "prices.yaml",
        2,
        ("'0,15'", "point"),
    ),
    "too many decimals": (
        price("{price: 0.1234567, per: 60 s}"),
        "prices.yaml",
        2,
        ("7 decimals", "at most 6"),
    ),
    "scientific notation": (price("{price: 1e3, per: 60 s}"), "prices.yaml", 2, ("'1e3'",)),
    "unit missing": (price("{price: 0.15, per: 60}"), "prices.yaml", 2, ("'60'", "s, min, h")),
    "unknown unit": (price("{price: 0.15, per: 60 sec}"), "prices.yaml", 2, ("'60 sec'",)),
    "part of a second": (price("{price: 0.15, per: 0.5 s}"), "prices.yaml", 2, ("whole number",)),
    "beat of zero": (
        price("{price: 0.15, per: 60 s, beat: 0 s}"),
        "prices.yaml",
        2,
        ("beat is 0",),
    ),
    "units mixed": (
        price("{price: 0.15, per: 60 s, beat: 1 KiB}"),
        "prices.yaml",
        2,
        ("bytes and seconds",),
    ),
    "price without unit": (price("{price: 0.15}"), "prices.yaml", 2, ("no steps", "price and per")),
    "price too large": (
        price("{price: 999999999999, per: 1 GiB}"),
        "prices.yaml",
        2,
        ("too large", "smaller unit"),
    ),
    "maximum below minimum": (
        price("{price: 0.15, per: 60 s, minimum: 2, maximum: 1}"),
        "prices.yaml",
        2,
        ("maximum is below",),
    ),
    "price beside steps": (
        price("{price: 0.15, steps: [{price: 1, per: 60 s}]}"),
        "prices.yaml",
        2,
        ("'price' stands beside steps",),
    ),
    "no step": (price("{steps: []}"), "prices.yaml", 2, ("No step",)),
    "first step not at 0": (
        price("{steps: [{from: 60 s, price: 1, per: 60 s}]}"),
        "prices.yaml",
        2,
        ("does not begin at 0",),
    ),
    "steps overlap": (
        price("\n  steps:\n    - {price: 1, per: 60 s}\n    - {price: 1, per: 60 s}"),
        "prices.yaml",
        5,
        ("overlaps", "line 4"),
    ),
    "step inside a beat": (
        price("{steps: [{price: 1, per: 60 s}, {from: 90 s, price: 1, per: 60 s}]}"),
        "prices.yaml",
        2,
        ("inside a beat", "multiple of 60"),
    ),
    "dates out of order": (
        price("{price: {2026-10-15: 0.15, 2026-01-01: 0.10}, per: 60 s}"),
        "prices.yaml",
        2,
        ("2026-01-01", "ascending"),
    ),
    "two values on a date": (
        price("{price: {2026-10-15: 0.15, 2026-10-15T00:00: 0.10}, per: 60 s}"),
        "prices.yaml",
        2,
        ("2026-10-15T00:00", "not after"),
    ),
    "wrong date of a value": (
        price("{price: {2026-13-01: 0.15}, per: 60 s}"),
        "prices.yaml",
        2,
        ("'2026-13-01'", "not a date"),
    ),
    "reserved price": (
        appended("prices.yaml", "free: {price: 0, per: 60 s}\n"),
        "prices.yaml",
        5,
        ("'free'", "always there"),
    ),
    "price in two files": (
        added("prices/more.yaml", "minute: {price: 1, per: 60 s}\n"),
        "prices/more.yaml",
        1,
        ("'minute'", "prices.yaml:1"),
    ),
}
