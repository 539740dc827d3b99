from __future__ import annotations

import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tariffs import compile_book, load_book
from tariffs.compiled import CALL_CLASSES, SERVICES
from tariffs.offer import Offers
from tariffs.plan_page import PlanPage, plan_page, render_plan, row_words
from tariffs.scalars import instant
from tariffs.words import (
    CALL_CLASS_WORDS,
    SERVICE_WORDS,
    conditions_words,
    over_time,
    price_words,
    units,
)

SHOP = Path(__file__).parents[2] / "samples" / "shop" / "book"


def page_of(folder: Path, plan: str, day: str) -> PlanPage:
    book = load_book(folder)
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    return plan_page(book, compile_book(book), plan, instant(day, ZoneInfo(book.time_zone)))


def price_of(page: PlanPage, usage: str, call_class: str, zone: str, roaming: str) -> str:
    matrix = next(one for one in page.matrices if one.usage == usage)
    column = next(i for i, places in enumerate(matrix.columns) if roaming in places)
    for row in matrix.rows:
        if call_class in row.call_classes and zone in row.zones:
            answer = row.answers[column]
            return "-" if answer is None else answer.text
    return "no row"


@pytest.mark.parametrize(
    ("where", "day", "text"),
    [
        (("voice.originating", "local", "mobile_north", "home"), "2026-10-12", "0.30 per min"),
        (("voice.originating", "local", "mobile_north", "home"), "2026-10-15", "0.25 per min"),
        (
            ("voice.originating", "local", "fixed_north", "home"),
            "2026-10-12",
            "first 0.33 per 3 min, from 3 min 0.11 per min",
        ),
        (
            ("voice.originating", "international", "intl_3", "home"),
            "2026-10-12",
            "3.60 per min in beats of 6 s, at least 0.60",
        ),
        (
            ("voice.originating", "premium", "premium", "home"),
            "2026-10-12",
            "connect 0.50, 1.00 per min",
        ),
        (("voice.terminating", "local", "mobile_north", "asia"), "2026-10-12", "0.99 per min"),
        (
            ("data.originating", "none", "none", "home"),
            "2026-10-12",
            "0.29 per MiB in beats of 1 KiB",
        ),
        (("sms.originating", "on_net", "mobile_east", "home"), "2026-10-12", "0.05 per event"),
        (("voice.originating", "emergency", "emergency", "unknown"), "2026-10-12", "free"),
    ],
)
def test_prices_as_the_book_says_them(
    where: tuple[str, str, str, str], day: str, text: str
) -> None:
    assert price_of(page_of(SHOP, "easy", day), *where) == text


def test_bands_fees_and_what_is_given() -> None:
    page = page_of(SHOP, "night_owl", "2026-10-12")
    calls = price_of(page, "voice.originating", "local", "mobile_north", "home")
    assert calls == "day connect 0.10, 0.30 per min; night 0.05 per min; leisure 0.15 per min"
    assert page.changes == ("2026-10-15",)
    assert page.fees[0][:2] == (
        "Monthly fee",
        "38.00, in advance, prorated by days, tax vat_basic, G/L 4310",
    )
    assert page.allowances[0][1].startswith("10 GiB, prorated, bands night, priority 10: data")
    assert page.caps[0][1] == ("at most 300.00, for a subscriber: data; roaming not home, domestic")
    assert page.to_dict()["matrices"][0]["usage"] == "voice.originating"


def test_every_class_has_one_cell() -> None:
    """The rows of a matrix, spread out again, are the classes that events can have."""
    book = load_book(SHOP)
    offers = Offers(book, compile_book(book))
    at = int(book.valid_from_us)
    zones = [zone.name for zone in book.zones]
    for matrix in offers.matrix("business", at):
        usage = offers.compiled.usages.index(matrix.usage)
        assert sorted(name for names in matrix.columns for name in names) == sorted(
            book.roaming_classes
        )
        named = {zone for row in matrix.rows for zone in row.zones}
        reachable = offers.reachable[usage].any(axis=(0, 2))
        assert named == {zones[i] for i in np.flatnonzero(reachable)}


class _Outside(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if tag in {"script", "link", "img", "iframe"} or names & {"src", "href"}:
            self.found.append(tag)


def test_the_page_stands_alone_and_escapes(tmp_path: Path) -> None:
    folder = tmp_path / "book"
    shutil.copytree(SHOP, folder)
    plan = folder / "plans" / "easy.yaml"
    plan.write_text(plan.read_text().replace("Easy (pay as you go)", "Easy <b>&</b>"))
    page = page_of(folder, "easy", "2026-10-12")
    text = render_plan(page)
    assert "Easy &lt;b&gt;&amp;&lt;/b&gt;" in text
    parser = _Outside()
    parser.feed(text)
    assert parser.found == []
    assert "http" not in text
    assert text.count("<section>") == len(page.matrices) + 2  # discounts, caps


def test_a_hole_is_seen(tmp_path: Path) -> None:
    folder = tmp_path / "book"
    shutil.copytree(SHOP, folder)
    base = folder / "plans" / "base.yaml"
    lines = [line for line in base.read_text().splitlines() if "{id: satellite," not in line]
    base.write_text("\n".join(lines))
    page = page_of(folder, "easy", "2026-10-12")
    where = ("voice.originating", "international", "satellite", "home")
    assert price_of(page, *where) == "no price"
    assert '<td class="hole">no price</td>' in render_plan(page)
    row = next(row for row in page.matrices[0].rows if row.zones == ("satellite",))
    assert row_words(row) == ("international", "satellite")


def test_data_classes_are_named_where_their_prices_differ() -> None:
    page = page_of(SHOP, "easy", "2026-10-12")
    data = next(one for one in page.matrices if one.usage == "data.originating")
    assert [row_words(row) for row in data.rows] == [
        ("office, everything else", ""),
        ("self care", ""),
    ]


def test_steps_in_words(tmp_path: Path) -> None:
    folder = tmp_path / "book"
    shutil.copytree(SHOP, folder)
    with (folder / "prices.yaml").open("a") as file:
        file.write(
            "whole: {kind: volume, steps: [{price: 0.30, per: 60 s},"
            " {from: 10 min, price: 0.20, per: 60 s}]}\n"
            "first: {steps: [{flat: 0.50}, {from: 3 min, price: 0.10, per: 60 s}]}\n"
        )
    prices = load_book(folder).prices
    assert price_words(prices["whole"], 0) == (
        "all of it at the step that is reached:, first 0.30 per min, from 10 min 0.20 per min"
    ).replace(":,", ":")
    assert price_words(prices["first"], 0) == "first 0.50 flat, from 3 min 0.10 per min"


def test_every_name_has_words() -> None:
    assert set(CALL_CLASS_WORDS) == set(CALL_CLASSES)
    assert set(SERVICE_WORDS) == set(SERVICES)


def test_words() -> None:
    assert [units(n, 0) for n in (1, 60, 90, 180, 7200)] == ["1 s", "min", "90 s", "3 min", "2 h"]
    assert [units(n, 1) for n in (1024, 1000, 1536)] == ["KiB", "kB", "1536 B"]
    # divisible by 1024 too: what is written is what is told
    assert [units(n * 10**9, 1) for n in (10, 60)] == ["10 GB", "60 GB"]
    book = load_book(SHOP)
    rule = next(one for one in book.plan("globe_298").allowances if one.id == "roaming_voice")
    assert conditions_words(rule.when, book) == (
        "voice; class not emergency; roaming not home, unknown"
    )
    day = 86_400_000_000
    assert over_time(lambda at: str(at // day // 2), [0, day, 2 * day], "UTC") == (
        "0; from 1970-01-03 1"
    )
