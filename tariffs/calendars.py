"""Special days of a country as a ``calendar.yaml`` to keep: asked of libraries once, then data.

China's notice of holidays moves weekends; a library of its own knows the days off and the make-up
workdays of the years that are announced. Other countries, and years that are not announced, are
days by law.
"""

from __future__ import annotations

import datetime as dt
import importlib
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import groupby
from typing import Any

from tariffs.errors import nearest
from tariffs.read_time import FIRST_YEAR, LAST_YEAR

HOLIDAY, MAKE_UP = "public_holiday", "make_up_workday"
SATURDAY = 5


class CalendarError(Exception):
    """No calendar can be made; ``hint`` says what to do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class SpecialDay:
    """A day that is no usual weekday."""

    date: dt.date
    day_type: str
    name: str


@dataclass(frozen=True, slots=True)
class SpecialDays:
    """The special days of some years, and where they are from."""

    country: str
    first_year: int
    last_year: int
    days: tuple[SpecialDay, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the days as one JSON-ready object."""
        told = asdict(self)
        told["days"] = [{**one, "date": one["date"].isoformat()} for one in told["days"]]
        return told

    def to_yaml(self, like: str) -> str:
        """Returns the text of a ``calendar.yaml``; make-up workdays count as the weekday ``like``."""
        lines = [f"# Special days of {self.country}. Review them: from here on they are data."]
        lines += [f"# {note}" for note in self.notes]
        lines.append("day_types:")
        for day_type in (HOLIDAY, MAKE_UP):
            days = [one for one in self.days if one.day_type == day_type]
            if not days:
                continue
            lines.append(f"  {day_type}:")
            if day_type == MAKE_UP:
                lines.append(f"    like: {like}")
            lines.append("    days:")
            lines += [f"      - {stretch}" for stretch in _stretches(days)]
        return "\n".join(lines) + "\n"


def special_days(country: str, years: str, subdivision: str | None = None) -> SpecialDays:
    """Returns the special days of a country.

    Args:
        country: ISO 3166 code, such as CN.
        years: ``2026`` or ``2026-2027``.
        subdivision: A part of the country as the library names it, such as HB.

    Raises:
        CalendarError: A library is not installed, or country, part or years are not known.
    """
    first, last = _years(years)
    found: dict[dt.date, SpecialDay] = {}
    notes: list[str] = []
    for year in range(first, last + 1):
        announced = _announced(year) if country == "CN" else None
        if announced is None:
            days = _by_law(country, year, subdivision)
            what = " (not announced yet: no make-up workdays)" if country == "CN" else ""
            notes.append(f"{year}: holidays {version('holidays')}{what}")
        else:
            days = announced
            notes.append(f"{year}: chinesecalendar {version('chinesecalendar')}")
        found |= {one.date: one for one in days}
    ordered = tuple(found[date] for date in sorted(found))
    return SpecialDays(country, first, last, ordered, tuple(notes))


def _years(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal():
        message = f"{text!r} is no year and no stretch of years"
        raise CalendarError(message, "Write 2026 or 2026-2027.")
    years = int(first), int(last or first)
    if not FIRST_YEAR <= years[0] <= years[1] <= LAST_YEAR:
        message = f"the years {text} are not within {FIRST_YEAR} to {LAST_YEAR}, in order"
        raise CalendarError(message, "A book's calendar has days of these years only.")
    return years


def _library(name: str) -> Any:  # noqa: ANN401  a module
    try:
        return importlib.import_module(name)
    except ImportError as error:
        message = f"the library {name} is not installed"
        raise CalendarError(
            message, "Install the extra: pip install 'huadan[calendars]'."
        ) from error


def _announced(year: int) -> list[SpecialDay] | None:
    """Returns China's days off and make-up workdays, None for a year that is not announced."""
    library = _library("chinese_calendar")
    found = []
    day = dt.date(year, 1, 1)
    while day.year == year:
        try:
            is_off, name = library.get_holiday_detail(day)
        except NotImplementedError:
            return None
        if is_off and name:
            found.append(SpecialDay(day, HOLIDAY, str(name)))
        elif not is_off and day.weekday() >= SATURDAY:
            found.append(SpecialDay(day, MAKE_UP, str(name or "make-up workday")))
        day += dt.timedelta(days=1)
    return found


def _by_law(country: str, year: int, subdivision: str | None) -> list[SpecialDay]:
    library = _library("holidays")
    known = library.list_supported_countries()
    if country not in known:
        message = f"the country {country!r} is not known"
        raise CalendarError(message, nearest(country, sorted(known)))
    if subdivision is not None and subdivision not in known[country]:
        message = f"{country} has no part {subdivision!r}"
        raise CalendarError(message, nearest(subdivision, known[country]))
    spoken = library.country_holidays(country, subdiv=subdivision).supported_languages
    language = "en_US" if "en_US" in spoken else None
    days = library.country_holidays(country, subdiv=subdivision, years=year, language=language)
    return [SpecialDay(day, HOLIDAY, str(name)) for day, name in sorted(days.items())]


def _stretches(days: list[SpecialDay]) -> list[str]:
    """Returns days in a row of one name as one line each, with the name behind it."""
    lines = []
    for (_, name), group in groupby(
        enumerate(days), lambda pair: (pair[1].date.toordinal() - pair[0], pair[1].name)
    ):
        stretch = [day.date for _, day in group]
        text = f"{stretch[0]} to {stretch[-1]}" if len(stretch) > 1 else f"{stretch[0]}"
        lines.append(f"{text.ljust(24)}  # {' '.join(name.split())}")
    return lines


__all__ = ["CalendarError", "SpecialDay", "SpecialDays", "special_days"]
