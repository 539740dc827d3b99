"""What a book sells besides prices: the catalogue, and sheets of options, templates, discounts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from pipeline.cli.tariff import show
from tariffs import load_book
from tariffs.scalars import instant
from tariffs.sheet import Sheet, catalogue, render_sheet, sheet, sheet_names
from tests.tariffs.books import FILES, write_book

if TYPE_CHECKING:
    from tariffs.model import Book

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "samples" / "shop" / "book"
OFFERS = ROOT / "tests" / "cases" / "offers"


def at(book: Book) -> int:
    return instant("2026-10-12", ZoneInfo(book.time_zone))


def rows(page: Sheet, title: str) -> dict[str, tuple[str, ...]]:
    """Returns the rows of the section whose title begins so, by their first cell."""
    section = next(one for one in page.sections if one.title.startswith(title))
    return {row[0]: row[1:] for row in section.rows}


def test_the_catalogue_has_everything_once() -> None:
    for folder in (SHOP, OFFERS):
        book = load_book(folder)
        page = catalogue(book, at(book))
        every = [plan.id for plan in (*book.plans, *book.templates)]
        assert list(rows(page, "Plans")) == every
        assert list(rows(page, "Options")) == [one.name for one in book.options]
        givers = {one.key for one in (*book.plans, *book.options) if one.allowances}
        assert rows(page, "What is included").keys() == givers
        for section in page.sections:
            assert {len(row) for row in section.rows} == {len(section.columns)}


def test_who_includes_what_and_takes_which_discount() -> None:
    book = load_book(SHOP)
    page = catalogue(book, at(book))
    calls, messages, data, *_ = rows(page, "What is included")["globe_298"]
    assert calls.splitlines()[1] == "1 h: class not emergency; roaming not home, unknown"
    assert "20 GiB: roaming home, domestic" in data
    assert messages == "\N{EN DASH}"
    assert rows(page, "What is included")["day_pass_asia"][2].startswith("500 MB each day")
    taken = dict(
        zip(
            [plan.id for plan in book.plans],
            rows(page, "Disc")["Messages, 10 % off"][1:],
            strict=True,
        )
    )
    assert {name for name, place in taken.items() if place != "\N{EN DASH}"} == {
        plan.id for plan in book.plans if "night_owl_sms" in plan.discounts
    }
    assert rows(page, "Options")["day_pass_asia"][1].startswith("Day pass for Asia, if used: 25.00")


def test_the_bill_says_where_its_lines_are_posted() -> None:
    book = load_book(OFFERS)
    bill = rows(catalogue(book, at(book)), "On the bill")
    assert bill["house"][2] == "the accounts of what it is taken off"
    assert bill["gold"][2] == "4310 Fees"
    assert bill["together"][1].startswith("at least 25.00 a cycle")
    corpus = load_book(ROOT / "tests" / "corpus" / "bill")
    posted = rows(catalogue(corpus, instant("2026-10-01", ZoneInfo("Asia/Shanghai"))), "Taxes")
    assert posted["Tax rising"] == (
        "6 %; from 2026-10-11 9 %, on top of the price",
        "2221 Tax owed",
    )
    assert posted["Rounding of the bill"] == ("half up to 0.01", "6600 Rounding")


@pytest.mark.parametrize("folder", [SHOP, OFFERS])
def test_every_name_has_a_sheet_that_stands_alone(folder: Path) -> None:
    book = load_book(folder)
    for name in sheet_names(book):
        page = sheet(book, name, at(book))
        assert page.sections, name
        text = render_sheet(page)
        assert "http" not in text
        assert text.count("<section>") == len(page.sections)
    with pytest.raises(KeyError):
        sheet(book, "nothing", at(book))


def test_an_overlay_and_who_is_under_it(tmp_path: Path) -> None:
    extra = {
        "plans/night.yaml": "name: Night\ntemplate: yes\nrules:\n  - {id: cheap, when: {service: voice}, price: cheap}\n",
        "plans/owl.yaml": "name: Owl <&>\ninherits: plain\noverlays: [night]\n",
    }
    assert "plans/plain.yaml" in FILES
    book = load_book(write_book(tmp_path, dict(extra)))
    page = sheet(book, "night", at(book))
    assert page.about == "Template night, under owl"
    assert rows(page, "Rules")["cheap"][:2] == ("voice", "cheap")
    whole = catalogue(book, at(book))
    assert rows(whole, "Plans")["owl"][1] == "night, plain"
    assert "Owl &lt;&amp;&gt;" in render_sheet(whole)
    done = CliRunner().invoke(show, ["owl", "--book", str(tmp_path), "--at", "2026-10-12"])
    assert "inherits plain, under night" in done.output


def test_the_command_shows_all_kinds(tmp_path: Path) -> None:
    def said(*words: str) -> str:
        done = CliRunner().invoke(show, [*words, "--book", str(SHOP), "--at", "2026-10-12"])
        return done.output

    assert "pack_20" in said()
    assert json.loads(said("pack_20", "--json"))["sections"][0]["rows"][0][1].startswith(
        "20.00, once"
    )
    target = tmp_path / "page.html"
    said("friends_half", "--html", str(target))
    assert "Taken by" in target.read_text(encoding="utf-8")
    wrong = CliRunner().invoke(show, ["pack_2", "--book", str(SHOP)])
    assert "Did you mean 'pack_" in str(getattr(wrong.exception, "hint", wrong.output))
