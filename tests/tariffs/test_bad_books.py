"""Each kind of mistake in a book: the message names file, line, value, and what is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tariffs.errors import BookError
from tariffs.load import load_book
from tests.tariffs.books import FILES, edited, problems_of, write_book

if TYPE_CHECKING:
    from pathlib import Path

PLAN = "plans/plain.yaml"
VOICE = "price: {peak: minute, off_peak: cheap}"
Change = dict[str, str | bytes | None]


def added(name: str, text: str | bytes) -> Change:
    return {name: text}


def appended(name: str, text: str) -> Change:
    return {name: FILES[name] + text}


def price(text: str) -> Change:
    return edited("prices.yaml", "cheap: {price: 0.15, per: 60 s}", f"cheap: {text}")


# name: (change, file, line, words that the message must have)
MISTAKES: dict[str, tuple[Change, str, int, tuple[str, ...]]] = {
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
    # CSV
    "CSV head": (
        edited("zones.csv", "zone,call_class,area", "zone,class,area"),
        "zones.csv",
        1,
        ("zone,class,area", "zone,call_class,area"),
    ),
    "CSV short row": (appended("numbers.csv", "49\n"), "numbers.csv", 4, ("Too few", "1 in place")),
    "CSV long row": (appended("numbers.csv", "49,abroad,x,y\n"), "numbers.csv", 4, ("Too many",)),
    "CSV not UTF-8": (
        added("zones.csv", b"zone,call_class,area\nnorth,national,n\xf6rth\n"),
        "zones.csv",
        2,
        ("0xf6", "UTF-8"),
    ),
    "CSV quote not closed": (
        appended("short_codes.csv", '120,"police\n'),
        "short_codes.csv",
        3,
        ("Not CSV", "quotes"),
    ),
    "zone twice": (
        appended("zones.csv", "north,national,\n"),
        "zones.csv",
        5,
        ("'north'", "line 2"),
    ),
    "zone with blanks": (
        appended("zones.csv", "far away,national,\n"),
        "zones.csv",
        5,
        ("far away",),
    ),
    "call class of a zone": (
        appended("zones.csv", "moon,intl,\n"),
        "zones.csv",
        5,
        ("call class 'intl'", "international"),
    ),
    "class that is found, not written": (
        appended("zones.csv", "moon,on_net,\n"),
        "zones.csv",
        5,
        ("call class 'on_net'",),
    ),
    "unknown area": (
        appended("zones.csv", "moon,national,nort\n"),
        "zones.csv",
        5,
        ("area 'nort'", "Did you mean 'north'?"),
    ),
    "prefix with letters": (appended("numbers.csv", "49x,abroad\n"), "numbers.csv", 4, ("'49x'",)),
    "prefix with a zero": (appended("numbers.csv", "0049,abroad\n"), "numbers.csv", 4, ("'0049'",)),
    "prefix with +": (appended("numbers.csv", "+49,abroad\n"), "numbers.csv", 4, ("without +",)),
    "prefix too long": (
        appended("numbers.csv", "4912345678901234,abroad\n"),
        "numbers.csv",
        4,
        ("15 digits",),
    ),
    "prefix twice": (appended("numbers.csv", "44,north\n"), "numbers.csv", 4, ("44", "line 3")),
    "prefix without zone": (
        appended("numbers.csv", "49,abrod\n"),
        "numbers.csv",
        4,
        ("'abrod'", "Did you mean 'abroad'?"),
    ),
    "short code": (appended("short_codes.csv", "1 1 2,police\n"), "short_codes.csv", 3, ("1 1 2",)),
    "short code twice": (
        appended("short_codes.csv", "110,north\n"),
        "short_codes.csv",
        3,
        ("110",),
    ),
    "network": (appended("networks.csv", "46001,home\n"), "networks.csv", 4, ("46001", "MCC-MNC")),
    "network twice": (appended("networks.csv", "440-10,asia\n"), "networks.csv", 4, ("440-10",)),
    "roaming class of a network": (
        appended("networks.csv", "525-01,asai\n"),
        "networks.csv",
        4,
        ("'asai'", "Did you mean 'asia'?"),
    ),
    "no home network": (
        edited("networks.csv", "460-00,home\n", ""),
        "networks.csv",
        1,
        ("No network is home",),
    ),
    # Plans
    "unknown price": (
        edited(PLAN, "peak: minute", "peak: minutes"),
        PLAN,
        6,
        ("price 'minutes'", "Did you mean 'minute'?"),
    ),
    "unknown time model": (
        edited(PLAN, "time: business_day", "time: busines_day"),
        PLAN,
        6,
        ("time model 'busines_day'", "Did you mean 'business_day'?"),
    ),
    "band without price": (
        edited(PLAN, VOICE, "price: {peak: minute}"),
        PLAN,
        6,
        ("No price for band off_peak",),
    ),
    "unknown band": (
        edited(PLAN, VOICE, "price: {peak: minute, ofpeak: cheap}"),
        PLAN,
        6,
        ("no band 'ofpeak'", "Did you mean 'off_peak'?"),
    ),
    "bands that count differently": (
        edited(PLAN, VOICE, "price: {peak: minute, off_peak: volume}"),
        PLAN,
        6,
        ("seconds and total_bytes",),
    ),
    "unit that the service lacks": (
        edited(PLAN, "price: message", "price: minute"),
        PLAN,
        7,
        ("does not fit sms", "events"),
    ),
    "unknown service in a rule": (
        edited(PLAN, "when: {service: sms,", "when: {service: smss,"),
        PLAN,
        7,
        ("service 'smss'", "Did you mean 'sms'?"),
    ),
    "service without defaults": (
        edited(PLAN, "when: {service: sms,", "when: {service: mms,"),
        PLAN,
        7,
        ("No tax and G/L code for mms", "book.yaml"),
    ),
    "unknown zone in a rule": (
        edited(PLAN, "class: emergency", "zone: polise"),
        PLAN,
        5,
        ("zone 'polise'", "Did you mean 'police'?"),
    ),
    "unknown condition": (
        edited(PLAN, "class: emergency", "clas: emergency"),
        PLAN,
        5,
        ("'clas'", "Did you mean 'class'?"),
    ),
    "condition on nothing": (
        edited(PLAN, "class: emergency", "class: []"),
        PLAN,
        5,
        ("names nothing",),
    ),
    "rule without price": (
        edited(PLAN, "direction: originating}, price: message", "direction: originating}"),
        PLAN,
        7,
        ("rule lacks price",),
    ),
    "rule id twice": (
        edited(PLAN, "id: data, when: {service: data, d", "id: sms, when: {service: data, d"),
        PLAN,
        8,
        ("'sms'", "line 7"),
    ),
    "no rules": (added(PLAN, "name: Plain\n"), PLAN, 1, ("no rules",)),
    "id is not the file's name": (
        edited(PLAN, "name: Plain", "id: plane\nname: Plain"),
        PLAN,
        1,
        ("plain",),
    ),
    "unknown base plan": (
        edited(PLAN, "name: Plain", "name: Plain\ninherits: bas"),
        PLAN,
        2,
        ("plan 'bas'",),
    ),
    "plan that inherits itself": (
        {
            "plans/a.yaml": "name: A\ninherits: b\n",
            "plans/b.yaml": "name: B\ninherits: a\n",
        },
        "plans/b.yaml",
        2,
        ("a → b → a", "circle"),
    ),
    "drops what is not there": (
        added("plans/a.yaml", "name: A\ninherits: plain\nwithout: [hafl]\n"),
        "plans/a.yaml",
        3,
        ("'hafl'", "Did you mean 'half'?"),
    ),
    "unknown discount": (
        edited(PLAN, "discounts: [half]", "discounts: [halv]"),
        PLAN,
        11,
        ("discount 'halv'", "Did you mean 'half'?"),
    ),
    "unknown tax of a fee": (edited(PLAN, "tax: vat", "tax: vad"), PLAN, 3, ("tax 'vad'",)),
    "unknown role": (
        edited(PLAN, "gl_code: 4010}", "gl_code: 4010, roles: [mian]}"),
        PLAN,
        3,
        ("role 'mian'", "Did you mean 'main'?"),
    ),
    "proration": (
        edited(PLAN, "gl_code: 4010}", "gl_code: 4010, proration: dayly}"),
        PLAN,
        3,
        ("'dayly'", "Did you mean 'daily'?"),
    ),
    "allowance without unit": (edited(PLAN, "10 min", "10"), PLAN, 10, ("'10'", "quantity")),
    "allowance of mixed units": (
        edited(PLAN, "quantity: 10 min", "quantity: 10 min, beat: 1 KiB"),
        PLAN,
        10,
        ("bytes and seconds",),
    ),
    "unlimited what": (
        edited(PLAN, "10 min", "unlimited"),
        PLAN,
        10,
        ("unlimited seconds",),
    ),
    "discount over 100 %": (
        edited("discounts/all.yaml", "50 %", "150 %"),
        "discounts/all.yaml",
        1,
        ("more than 100 %",),
    ),
    "discount for whom": (
        edited("discounts/all.yaml", "friends", "frends"),
        "discounts/all.yaml",
        1,
        ("'frends'", "Did you mean 'friends'?"),
    ),
    "discount in two files": (
        added("discounts/more.yaml", "half: {percent: 5 %}\n"),
        "discounts/more.yaml",
        1,
        ("'half'", "discounts/all.yaml:1"),
    ),
    "cap scope": (
        edited(PLAN, "amount: 100.00,", "amount: 100.00, scope: family,"),
        PLAN,
        13,
        ("'family'", "charge_group"),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_with_file_line_and_words(name: str, tmp_path: Path) -> None:
    change, file, line, words = MISTAKES[name]
    problems = problems_of(tmp_path, change)
    here = [str(one) for one in problems if one.file == file and one.line == line]
    assert here, [str(one) for one in problems]
    assert any(all(word in text for word in words) for text in here), here


def test_the_book_that_the_mistakes_are_made_in_is_sound(tmp_path: Path) -> None:
    assert problems_of(tmp_path) == []


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    change: Change = {
        **edited("book.yaml", "9 %", "109 %"),
        **price("{price: -1, per: 60 s}"),
        **appended("numbers.csv", "49x,abroad\n50,abrod\n"),
        **edited(PLAN, "discounts: [half]", "discounts: [halv]"),
    }
    places = [(one.file, one.line) for one in problems_of(tmp_path, change)]
    wanted = [("book.yaml", 5), ("numbers.csv", 4), ("numbers.csv", 5), (PLAN, 11)]
    assert set(wanted) <= set(places)
    assert ("prices.yaml", 2) in places
    assert places == sorted(places)


def test_a_folder_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    with pytest.raises(BookError, match="does not exist"):
        load_book(tmp_path / "nowhere")


def test_a_deck_full_of_mistakes_does_not_flood(tmp_path: Path) -> None:
    rows = "".join(f"{number},nowhere\n" for number in range(100_000, 102_000))
    problems = problems_of(tmp_path, appended("numbers.csv", rows))
    assert len(problems) < 250
    assert any("More problems" in one.message for one in problems)


def test_an_error_keeps_its_facts_across_processes(tmp_path: Path) -> None:
    import pickle  # noqa: PLC0415

    write_book(tmp_path, edited("book.yaml", "9 %", "109 %"))
    with pytest.raises(BookError) as caught:
        load_book(tmp_path)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert again.problems == caught.value.problems
    assert str(again) == str(caught.value)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("49x,far\n", "'49x'"),
        ("0049,far\n", "'0049'"),
        ("100007,far\n", "twice, first in line 9"),
        ("49,fra\n", "'fra'"),
        ("49\n", "Too few"),
        ("\n49,fra\n", "'fra'"),
        ('"49,far\n', "Not CSV"),
    ],
)
def test_a_mistake_in_a_large_deck_is_told_as_in_a_small_one(
    row: str, words: str, tmp_path: Path
) -> None:
    rows = "".join(f"{number},far\n" for number in range(100_000, 130_000))
    change = {
        **appended("zones.csv", "far,international,\n"),
        "numbers.csv": f"prefix,zone\n{rows}{row}",
    }
    (problem,) = problems_of(tmp_path, change)
    assert problem.file == "numbers.csv"
    assert problem.line == 30_002 + (row[0] == "\n")
    assert words in problem.message


def test_a_head_that_is_no_yaml_does_not_blame_the_other_files(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, edited("book.yaml", "[asia]", "[asia"))
    assert {one.file for one in problems} == {"book.yaml"}
