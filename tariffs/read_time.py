"""Reads ``calendar.yaml`` (special days) and ``time_models.yaml`` (bands over the day)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tariffs.context import ANY_BAND, EPOCH_DAY, WEEKDAYS
from tariffs.errors import nearest
from tariffs.model import TimeModel, Window
from tariffs.scalars import days, minute_of_day

if TYPE_CHECKING:
    from tariffs.cells import Cell
    from tariffs.context import Context

FIRST_YEAR, LAST_YEAR = 2015, 2040
MAX_BANDS = 62
GROUPS = {"weekdays": range(5), "weekend": range(5, 7), "week": range(7)}
"""Words for several weekdays; ``all`` adds the special days."""


def read_calendar(cell: Cell, context: Context) -> None:
    """Reads special-day types; ``like`` makes a day count as that weekday instead."""
    table = cell.table("calendar.yaml", ("day_types",))
    if "day_types" not in table:
        return
    for name, key, entry in table["day_types"].entries("day_types"):
        if name in WEEKDAYS or name in GROUPS or name == "all" or "-" in name:
            key.fail(f"{name!r} is a weekday's word.", "Choose another name for the day type.")
            continue
        fields = entry.table(f"day type {name}", ("days",), ("like",))
        like = fields["like"].name("weekday", WEEKDAYS) if "like" in fields else None
        if like is None:
            context.day_types.append(name)
        kind = context.day_types.index(like or name)
        for item in fields["days"].items("days") if "days" in fields else []:
            for one in item.value("days", days) or []:
                number = (one - EPOCH_DAY).days
                if not FIRST_YEAR <= one.year <= LAST_YEAR:
                    item.fail(f"{one} is outside {FIRST_YEAR} to {LAST_YEAR}.")
                elif number in context.special_days:
                    item.fail(f"{one} is listed twice.", "A day has one type.")
                else:
                    context.special_days[number] = kind


def read_time_models(cell: Cell, context: Context) -> None:
    """Reads time models: windows that give minutes of days to bands, and the rest."""
    for name, key, entry in cell.entries("time_models.yaml"):
        if name in context.time_models:
            key.fail(f"The time model {name!r} is always there.", "Choose another name.")
            continue
        table = entry.table(f"time model {name}", ("otherwise",), ("bands",))
        otherwise = _band(table["otherwise"], context) if "otherwise" in table else 0
        windows: list[Window] = []
        for item in table["bands"].items("bands") if "bands" in table else []:
            windows += _read_window(item, context)
        _note_overlaps(windows, context)
        context.time_models[name] = TimeModel(name, key.source, tuple(windows), otherwise)
    if len(context.bands) > MAX_BANDS:
        cell.fail(f"{len(context.bands)} bands.", f"At most {MAX_BANDS} in a book.")


def _band(cell: Cell, context: Context) -> int:
    name = cell.text("band")
    if name is None:
        return 0
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name == ANY_BAND:
        cell.fail(f"{name!r} is no name for a band.", f"Small letters and _; not {ANY_BAND!r}.")
        return 0
    if name not in context.bands:
        context.bands.append(name)
    return context.bands.index(name)


def _read_window(cell: Cell, context: Context) -> list[Window]:
    table = cell.table("band window", ("band", "from", "to"), ("days",))
    if not {"band", "from", "to"} <= table.keys():
        return []
    band = _band(table["band"], context)
    start = table["from"].value("from", minute_of_day)
    end = table["to"].value("to", minute_of_day)
    every = tuple(range(len(context.day_types)))
    on = _day_types(table["days"], context) if "days" in table else every
    if start is None or end is None:
        return []
    if start < end:
        return [Window(cell.source, band, on, start, end)]
    if on != every or start == end:
        cell.fail(
            "The window does not end after it begins.",
            "Over midnight it must hold on all days; else write one window up to 24:00 and "
            "one from 00:00 with the days of each.",
        )
        return []
    parts = [(start, 1440), (0, end)]
    return [Window(cell.source, band, on, a, b) for a, b in parts if a < b]


def _day_types(cell: Cell, context: Context) -> tuple[int, ...]:
    found: set[int] = set()
    words = (*context.day_types, *GROUPS, "all")
    for item in cell.items("days"):
        text = item.text("days") or ""
        first, _, last = text.partition("-")
        if text == "all":
            found |= set(range(len(context.day_types)))
        elif text in GROUPS:
            found |= set(GROUPS[text])
        elif text in context.day_types:
            found.add(context.day_types.index(text))
        elif first in WEEKDAYS and last in WEEKDAYS:
            a, b = WEEKDAYS.index(first), WEEKDAYS.index(last)
            found |= {(a + i) % 7 for i in range((b - a) % 7 + 1)}
        else:
            item.fail(
                f"Unknown day {text!r}.",
                f"Or a range such as monday-friday. {nearest(text, words)}",
            )
    return tuple(sorted(found))


def _note_overlaps(windows: list[Window], context: Context) -> None:
    """Notes windows of one time model that claim the same minute."""
    for i, one in enumerate(windows):
        for other in windows[:i]:
            shared = set(one.days) & set(other.days)
            if (
                one.source != other.source
                and shared
                and one.start < other.end
                and other.start < one.end
            ):
                day = context.day_types[min(shared)]
                context.problems.add(
                    one.source,
                    f"The window overlaps that of line {other.source.line} on {day}.",
                    "A minute belongs to one band.",
                )
