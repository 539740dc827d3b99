"""What a book says for all plans and about time, in words by name, for a comparison."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING

from tariffs.cases_write import amount_written
from tariffs.compiled import ROUNDING_MODES, SERVICES
from tariffs.context import EPOCH_DAY, WEEKDAYS
from tariffs.words import SERVICE_WORDS, day_words, over_time, percent_words, some

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tariffs.model import Book, Rounding, Tax, TimeModel, Window


def told_of_all(book: Book) -> dict[str, str]:
    """Returns what a book says for all plans, by name."""
    stages = (book.event_rounding, book.line_rounding, book.bill_rounding)
    told = {
        "currency": book.currency,
        "time zone": book.time_zone,
        "country code": book.country_code,
        "checked for prices": f"from {day_words(book.valid_from_us, book.time_zone)} on",
    }
    for name, one in zip(("event", "line", "bill"), stages, strict=True):
        mode = ROUNDING_MODES[one.mode].replace("_", " ")
        told[f"rounding of the {name}"] = f"{mode} to {amount_written(one.unit)}{_posted(one)}"
    for tax in book.taxes:
        how = ("included" if tax.included else "added") + _posted(tax)

        def rate(at: int, tax: Tax = tax, how: str = how) -> str:
            return f"{percent_words(tax.rate.at(at) or 0)} {how}"

        told[f"tax {tax.name}"] = over_time(rate, tax.rate.starts, book.time_zone)
    told |= {f"G/L code {code}": label or "without a name" for code, label in book.gl_codes.items()}
    for service, usual in book.services.items():
        what = f"{SERVICE_WORDS[SERVICES[service]]} where a rule does not say otherwise"
        told[what] = f"tax {usual.tax}, G/L {usual.gl_code}"
    for network, roaming in book.networks.items():
        told[f"network {network}"] = f"roaming {book.roaming_classes[roaming]}"
    lists = ("areas", book.areas), ("tiers", book.tiers), ("roaming classes", book.roaming_classes)
    return told | {name: ", ".join(filter(None, names)) for name, names in lists}


def _posted(one: Rounding | Tax) -> str:
    """Returns where the lines of a tax or of a stage of rounding are posted, in words."""
    return f", G/L {one.gl}" if one.gl else ""


def plans_with_time(book: Book, name: str | None = None) -> set[str]:
    """Returns the plans with a rule that has the time model; None: any that has bands."""
    chosen = {
        index
        for index, one in enumerate(book.time_models)
        if (one.windows if name is None else one.name == name)
    }
    return {plan.id for plan in book.plans if any(r.time_model in chosen for r in plan.rules)}


def time_models(book: Book) -> dict[str, str]:
    """Returns the bands of the day of each time model, by name."""
    return {one.name: _bands_words(one, book) for one in book.time_models}


def _bands_words(model: TimeModel, book: Book) -> str:
    """Returns ``peak 08:00-20:00 monday-friday, else off_peak``."""
    parts: dict[tuple[int, tuple[int, ...]], list[Window]] = defaultdict(list)
    for window in model.windows:
        parts[window.band, window.days].append(window)
    texts = []
    for (band, days), windows in parts.items():
        hours = _hours(windows)
        on = "" if len(days) == len(book.day_types) else f" {_days_words(days, book)}"
        texts.append(f"{book.bands[band]} {hours}{on}")
    return ", ".join([*texts, f"else {book.bands[model.otherwise]}"])


def _hours(windows: Iterable[Window]) -> str:
    """Returns the hours of a band; what goes on over midnight is one stretch."""
    spans = sorted((window.start, window.end) for window in windows)
    if len(spans) > 1 and spans[0][0] == 0 and spans[-1][1] == 1440:
        spans = [*spans[1:-1], (spans[-1][0], spans[0][1])]
    return " and ".join(f"{_clock(start)}-{_clock(end)}" for start, end in spans)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _days_words(days: tuple[int, ...], book: Book) -> str:
    """Returns day types; weekdays that follow each other are a range."""
    texts = []
    weekdays = [day for day in days if day < len(WEEKDAYS)]
    for _, run in groupby(enumerate(weekdays), key=lambda pair: pair[1] - pair[0]):
        listed = [day for _, day in run]
        first, last = WEEKDAYS[listed[0]], WEEKDAYS[listed[-1]]
        texts.append(first if len(listed) == 1 else f"{first}-{last}")
    return ", ".join([*texts, *(book.day_types[day] for day in days if day >= len(WEEKDAYS))])


def special_days(book: Book) -> dict[str, set[int]]:
    """Returns the days of each day type (days since 1970-01-01), by what they count as."""
    found: dict[str, set[int]] = defaultdict(set)
    for day, kind in book.special_days.items():
        found[book.day_types[kind]].add(day)
    return found


def dates_words(days: Iterable[int]) -> str:
    """Returns days as dates, runs of them as ``2026-10-01 to 2026-10-07``."""
    texts = []
    for _, run in groupby(enumerate(sorted(days)), key=lambda pair: pair[1] - pair[0]):
        listed = [EPOCH_DAY + dt.timedelta(days=day) for _, day in run]
        texts.append(f"{listed[0]}" if len(listed) == 1 else f"{listed[0]} to {listed[-1]}")
    return some(texts)
