"""Calendars from libraries: the days of the notice, and files that a book reads."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING

import pytest

from tariffs.calendars import HOLIDAY, MAKE_UP, CalendarError, special_days
from tests.tariffs.books import make_book
from tests.tariffs.conftest import SHOP

if TYPE_CHECKING:
    from pathlib import Path

EPOCH = dt.date(1970, 1, 1)


def test_the_notice_for_2026_is_what_the_sample_book_has(tmp_path: Path) -> None:
    text = special_days("CN", "2026").to_yaml("friday")
    mine, _ = make_book(tmp_path / "a", {"calendar.yaml": text})
    sample, _ = make_book(
        tmp_path / "b", {"calendar.yaml": (SHOP / "calendar.yaml").read_text(encoding="utf-8")}
    )
    assert mine.special_days == sample.special_days
    assert mine.day_types == sample.day_types


def test_make_up_workdays_count_as_the_weekday_asked_for(tmp_path: Path) -> None:
    found = special_days("CN", "2026")
    assert dt.date(2026, 10, 10) in [one.date for one in found.days if one.day_type == MAKE_UP]
    book, _ = make_book(tmp_path, {"calendar.yaml": found.to_yaml("monday")})
    assert book.special_days[(dt.date(2026, 10, 10) - EPOCH).days] == 0


def test_a_year_that_is_not_announced_has_its_days_by_law() -> None:
    found = special_days("CN", "2026-2040")
    assert any("2040" in note and "not announced" in note for note in found.notes)
    late = [one for one in found.days if one.date.year == 2040]
    assert {one.day_type for one in late} == {HOLIDAY}
    assert dt.date(2040, 10, 1) in [one.date for one in late]


def test_a_part_of_a_country_has_days_of_its_own(tmp_path: Path) -> None:
    whole, part = special_days("DE", "2027"), special_days("DE", "2027", "BY")
    assert {one.date for one in whole.days} < {one.date for one in part.days}
    book, _ = make_book(tmp_path, {"calendar.yaml": part.to_yaml("friday")})
    assert len(book.special_days) == len(part.days)
    assert part.to_dict()["days"][0]["date"] == "2027-01-01"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("XX", "2026"), "country 'XX' is not known"),
        (("DE", "2026", "ZZ"), "DE has no part 'ZZ'"),
        (("CN", "next"), "'next' is no year"),
        (("CN", "2027-2026"), "not within 2015 to 2040, in order"),
        (("CN", "2014"), "not within"),
    ],
)
def test_what_is_not_known_is_said(arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(CalendarError, match=words):
        special_days(*arguments)


@pytest.mark.parametrize(("country", "library"), [("CN", "chinese_calendar"), ("DE", "holidays")])
def test_without_the_extra_the_way_to_it_is_named(
    monkeypatch: pytest.MonkeyPatch, country: str, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(CalendarError, match=f"{library} is not installed") as caught:
        special_days(country, "2026")
    assert "huadan[calendars]" in caught.value.hint
