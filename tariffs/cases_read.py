"""Reads one test case: the people, what they use, and what is expected of it."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from tariffs.cases import FIRST_SUBSCRIBER, Case, Expected, Span, Usage
from tariffs.compiled import DIRECTIONS, SERVICES
from tariffs.dated import Dated
from tariffs.scalars import amount, quantity, quantity_or_unlimited, yes_no

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from tariffs.cells import Cell
    from tariffs.model import Book

CASE = ("name", "usage", "expect")
CASE_OPTIONS = ("plan", "subscriber", "others", "tables", "left", "spent", "counted")
USAGE = ("service", "direction", "at", "quantity")
USAGE_OPTIONS = (
    *("by", "to", "dialled", "network", "uplink", "friend", "on_net", "group", "record"),
    "expect",
)
NAMES = (
    *("call_class", "zone", "roaming", "band", "rule", "plan", "subscriber", "tax", "gl_code"),
    "account",
    "unrated",
)
AMOUNTS = (
    "connect_fee",
    "usage_charge",
    "gross",
    "discount",
    "cap",
    "rounding",
    "charge",
)
COST = "wholesale_cost"
FLAGS = ("throttled",)
QUANTITIES = ("quantity", "charged", "allowance_units")
OF_USAGE = (*NAMES, *FLAGS, *AMOUNTS, COST, *QUANTITIES, "allowances", "discounts", "left")
OF_CASE = ("left", "total", "lines", "bill", "bills")
_NO_PLAN: Dated[str] = Dated((), ())


def read_case(cell: Cell, book: Book, zone: ZoneInfo) -> Case | None:
    """Returns a case, None where a problem was noted."""
    before = len(cell.problems.found)
    table = cell.table("test case", CASE, CASE_OPTIONS)
    plans = [one.id for one in book.plans]
    plan = (
        table["plan"].dated(zone, "plan", lambda one: one.name("plan", plans))
        if "plan" in table
        else _NO_PLAN
    )
    others = tuple(
        columns("others", one)
        for one in (table["others"].items("others") if "others" in table else [])
    )
    people = {FIRST_SUBSCRIBER, *(row.get("subscriber_id", "") for row in others)}
    empty: list[tuple[int, Span]] = []
    usages: list[Usage] = []
    written = _one_or_more(table.get("usage"))
    if "usage" in table and not written:
        table["usage"].fail("The case has no usage.", "Write at least one: its day is the cycle's.")
    for item in written:
        found = read_usage(item, people)
        if found is None:
            continue
        if found[1] is not None:
            empty.append((len(usages), found[1]))
        usages.append(found[0])
    expect: list[Expected] = []
    if "expect" in table:
        place = _read_all(table["expect"], len(written), expect)
        if place is not None and len(usages) == 1:
            empty.append((0, place))
    if len(cell.problems.found) > before or not usages:
        return None
    return Case(
        name=table["name"].text("name") or "",
        source=cell.source,
        plan=plan,
        subscriber=columns("subscriber", table.get("subscriber")),
        others=others,
        tables=_tables(table.get("tables")),
        left=_mapping(table.get("left"), "left", quantity_or_unlimited),
        spent=_mapping(table.get("spent"), "spent", amount),
        counted=_mapping(table.get("counted"), "counted", quantity),
        usages=tuple(usages),
        expect=tuple(expect),
        empty=tuple(empty),
    )


def _one_or_more(cell: Cell | None) -> list[Cell]:
    if cell is None:
        return []
    return [cell] if cell.is_mapping else cell.items("usage")


def columns(what: str, cell: Cell | None) -> dict[str, str]:
    """Returns column → value of a mapping of plain values."""
    if cell is None:
        return {}
    return {key: one.text(key) or "" for key, _, one in cell.entries(what)}


def _tables(cell: Cell | None) -> dict[str, tuple[dict[str, str], ...]]:
    if cell is None:
        return {}
    return {
        key: tuple(columns(key, row) for row in rows.items(key))
        for key, _, rows in cell.entries("tables")
    }


def _mapping(cell: Cell | None, what: str, parse: Callable[[str], Any]) -> dict[str, Any]:
    found = {}
    for key, _, one in cell.entries(what) if cell else []:
        value = one.value(f"{what} {key}", parse)
        if value is not None:
            found[key] = value
    return found


def read_usage(cell: Cell, people: set[str]) -> tuple[Usage, Span | None] | None:
    """Returns a usage and the place of its ``expect`` if that is empty; None: not readable."""
    before = len(cell.problems.found)
    table = cell.table("usage", USAGE, USAGE_OPTIONS)
    if not table.keys() >= set(USAGE):
        return None

    def flag(key: str) -> bool:
        return bool(table[key].value(key, yes_no)) if key in table else False

    def text(key: str) -> str | None:
        return table[key].text(key) if key in table else None

    measured = table["quantity"].value("quantity", quantity)
    sent = table["uplink"].value("uplink", quantity) if "uplink" in table else None
    if sent is not None and sent[0] != "bytes":
        table["uplink"].fail("uplink is not a volume.", "Write bytes, such as 10 MiB.")
    expect: list[Expected] = []
    place = _read_expect(table["expect"], OF_USAGE, expect) if "expect" in table else None
    usage = Usage(
        source=cell.source,
        by=(table["by"].name("subscriber", sorted(people)) if "by" in table else None)
        or FIRST_SUBSCRIBER,
        service=table["service"].name("service", SERVICES) or "",
        direction=table["direction"].name("direction", DIRECTIONS) or "",
        at=table["at"].value("at", _moment) or dt.datetime.now(dt.UTC),
        kind=measured[0] if measured else "",
        quantity=measured[1] if measured else 0,
        uplink=sent[1] if sent else 0,
        to=table["to"].value("to", _number) if "to" in table else None,
        dialled=text("dialled"),
        network=text("network"),
        friend=flag("friend"),
        on_net=flag("on_net"),
        group=flag("group"),
        record=columns("record", table.get("record")),
        expect=tuple(expect),
    )
    return None if len(cell.problems.found) > before else (usage, place)


def _read_all(cell: Cell, usages: int, expect: list[Expected]) -> Span | None:
    """Reads the ``expect`` of a case; of a case of one usage it says what that one comes to."""
    if usages == 1:
        return _read_expect(cell, (*OF_USAGE, *OF_CASE), expect)
    for key, key_cell, _ in cell.entries("expect"):
        if key in OF_USAGE and key not in OF_CASE:
            key_cell.fail(f"{key!r} is about one usage.", "Write it in the usage's own `expect`.")
    return _read_expect(cell, (*OF_USAGE, *OF_CASE), expect)


def _read_expect(cell: Cell, known: tuple[str, ...], found: list[Expected]) -> Span | None:
    """Adds the expectations of a mapping; returns its place if it is empty."""
    table = cell.table("expect", (), known)
    for key, one in table.items():
        if key in AMOUNTS or key == "total":
            _add(found, one, (key,), "amount", signed_amount)
        elif key == COST:
            _add(found, one, (key,), "text", amount_or_none)
        elif key in QUANTITIES:
            _add(found, one, (key,), "quantity", quantity)
        elif key in FLAGS:
            _add(found, one, (key,), "flag", yes_no)
        elif key in NAMES:
            _add(found, one, (key,), "name", str)
        else:
            _read_parts(key, one, found)
    return span_of(cell) if cell.is_mapping and not cell.node.value else None


def _read_parts(key: str, cell: Cell, found: list[Expected]) -> None:
    """Adds the expectations of a list or a mapping: what there are several of."""
    if key == "discounts":
        names = tuple(item.text(key) or "" for item in cell.items(key))
        found.append(Expected((key,), "names", names, span_of(cell), f"[{', '.join(names)}]"))
    elif key == "lines":
        rows = cell.items(key)
        found.append(Expected((key,), "rows", len(rows), span_of(cell), f"{len(rows)} lines"))
        for at, row in enumerate(rows):
            for name, _, value in row.entries("line"):
                _add(found, value, (key, at, name), "text", str)
    elif key == "bills":
        for account, _, bill in cell.entries(key):
            for name, _, value in bill.entries("bill"):
                _add(found, value, (key, account, name), "text", str)
    else:
        kind = "text" if key == "bill" else "quantity"
        for name, _, value in cell.entries(key):
            _add(found, value, (key, name), kind, str if key == "bill" else quantity_or_unlimited)


def _add(
    found: list[Expected],
    cell: Cell,
    path: tuple[str | int, ...],
    kind: str,
    parse: Callable[[str], Any],
) -> None:
    value = cell.value(str(path[-1]), parse)
    if value is not None:
        found.append(Expected(path, kind, value, span_of(cell), cell.text("value") or ""))


def span_of(cell: Cell) -> Span:
    """Returns where a node is written."""
    begin, end = cell.node.start_mark, cell.node.end_mark
    return Span(cell.file, begin.line, begin.column, end.line, end.column)


def signed_amount(text: str) -> int:
    """Returns an amount in 10^-6 units that may have a minus sign."""
    return -amount(text[1:]) if text.startswith("-") else amount(text)


def amount_or_none(text: str) -> str:
    """Returns an amount, or ``none``, as written."""
    if text != "none":
        signed_amount(text)
    return text


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
    if not re.fullmatch(r"\+?[1-9][0-9]{0,14}", text, re.ASCII):
        msg = f"{text!r} is not a number: + and up to 15 digits, quoted."
        raise ValueError(msg)
    return int(text.removeprefix("+"))
