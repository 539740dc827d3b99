"""Reads a book's test cases: given this usage, expect this charge.

The cases live beside the tariff in ``tests/*.yaml`` and do not change its digest. Whoever can
rate runs them; this module only reads them, with file and line.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tariffs.cells import Cell, compose
from tariffs.compiled import DIRECTIONS, SERVICES
from tariffs.errors import BookError, Problems, Source
from tariffs.scalars import amount, quantity, yes_no

if TYPE_CHECKING:
    from tariffs.model import Book

USAGE = ("service", "direction", "at", "quantity")
USAGE_OPTIONS = ("to", "dialled", "network", "home_area", "friend", "on_net", "group")
EXPECT_NAMES = ("call_class", "zone", "roaming", "band", "rule")
EXPECT_AMOUNTS = ("connect_fee", "usage_charge", "discount", "charge")
EXPECT = (*EXPECT_NAMES, *EXPECT_AMOUNTS, "allowance_units")


@dataclass(frozen=True, slots=True)
class Usage:
    """One event as a pricing person describes it; ``quantity`` in seconds, bytes or events."""

    service: str
    direction: str
    at: dt.datetime
    quantity: int
    to: int | None
    dialled: str | None
    network: str | None
    home_area: str
    friend: bool
    on_net: bool
    group: bool


@dataclass(frozen=True, slots=True)
class Case:
    """What is expected of a usage: names as they are, amounts in 10^-6, units of the usage."""

    name: str
    source: Source
    plan: str
    usage: Usage
    expect: dict[str, str | int]


def load_cases(book: Book) -> list[Case]:
    """Returns the cases of the book's ``tests`` folder, in order of file and line.

    Raises:
        BookError: A case is not written as it should be; ``problems`` has all.
    """
    problems = Problems()
    cases: list[Case] = []
    folder = Path(book.folder)
    for path in sorted((folder / "tests").glob("*.yaml")):
        cell = compose(path.relative_to(folder).as_posix(), path.read_bytes(), problems)
        for item in cell.items("test cases") if cell else []:
            case = _read_case(item, book)
            if case is not None:
                cases.append(case)
    if problems.found:
        raise BookError(book.folder, problems.found)
    return cases


def _read_case(cell: Cell, book: Book) -> Case | None:
    table = cell.table("test case", ("name", "plan", "usage", "expect"))
    if len(table) < 4:
        return None
    plan = table["plan"].name("plan", [one.id for one in book.plans])
    usage = _read_usage(table["usage"], book)
    expect = _read_expect(table["expect"])
    if plan is None or usage is None:
        return None
    return Case(table["name"].text("name") or "", cell.source, plan, usage, expect)


def _read_usage(cell: Cell, book: Book) -> Usage | None:
    table = cell.table("usage", USAGE, USAGE_OPTIONS)
    if not table.keys() >= set(USAGE):
        return None
    at = table["at"].value("at", _moment)
    measured = table["quantity"].value("quantity", quantity)

    def flag(key: str) -> bool:
        return bool(table[key].value(key, yes_no)) if key in table else False

    def text(key: str) -> str | None:
        return table[key].text(key) if key in table else None

    service = table["service"].name("service", SERVICES)
    direction = table["direction"].name("direction", DIRECTIONS)
    area = table["home_area"].name("area", book.areas) if "home_area" in table else ""
    number = table["to"].value("to", _number) if "to" in table else None
    if at is None or measured is None or service is None or direction is None:
        return None
    return Usage(
        service=service,
        direction=direction,
        at=at,
        quantity=measured[1],
        to=number,
        dialled=text("dialled"),
        network=text("network"),
        home_area=area or "",
        friend=flag("friend"),
        on_net=flag("on_net"),
        group=flag("group"),
    )


def _read_expect(cell: Cell) -> dict[str, str | int]:
    table = cell.table("expect", (), EXPECT)
    found: dict[str, str | int] = {}
    for key, one in table.items():
        value: str | int | None
        if key in EXPECT_AMOUNTS:
            value = one.value(key, amount)
        elif key == "allowance_units":
            pair = one.value(key, quantity)
            value = pair[1] if pair else None
        else:
            value = one.text(key)
        if value is not None:
            found[key] = value
    return found


def _moment(text: str) -> dt.datetime:
    try:
        when = dt.datetime.fromisoformat(text)
    except ValueError:
        when = None
    if when is None or when.tzinfo is None:
        msg = f"{text!r} is not a time: write 2026-10-12T10:00:00+08:00, with the offset."
        raise ValueError(msg)
    return when


def _number(text: str) -> int:
    digits = text.removeprefix("+")
    if not digits.isascii() or not digits.isdigit() or digits[0] == "0" or len(digits) > 15:
        msg = f"{text!r} is not a number: + and up to 15 digits, quoted."
        raise ValueError(msg)
    return int(digits)
