"""Retail prices below wholesale cost are told with both places."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tariffs import check_book, compile_book, load_book
from tariffs.diff import diff_books
from tests.tariffs.books import edited, make_book
from tests.tariffs.conftest import SHOP
from tests.tariffs.mistakes_of_prices import wholesale

if TYPE_CHECKING:
    from pathlib import Path

PLAN = "plans/plain.yaml"


def told(folder: Path, *rates: str, **changes: str | bytes | None) -> list[str]:
    files = {**wholesale(*rates), **changes}
    found = check_book(*make_book(folder, files))
    return [str(one) for one in found if "wholesale" in str(one)]


def test_a_price_below_its_cost_is_told_with_both_places(tmp_path: Path) -> None:
    found = told(tmp_path, "Carrier,,voice,originating,abroad,,,0.50,60 s,1 s")
    assert found
    assert all(
        "below the wholesale cost: Carrier takes 0.50 per min (wholesale.csv:2)" in one
        and " to abroad" in one
        and "(prices.yaml:" in one
        and one.startswith("plans/plain.yaml:")
        for one in found
    )


@pytest.mark.parametrize(
    "rate",
    [
        "Carrier,,voice,originating,abroad,,,0.01,60 s,1 s",
        "Carrier,,voice,originating,abroad,,,0.50,1 event,",  # not the same unit
        "Carrier,,sms,originating,,,,0.10,1 event,",  # as much as the price
    ],
)
def test_what_is_not_below_is_not_told(tmp_path: Path, rate: str) -> None:
    assert told(tmp_path, rate) == []


def test_another_currency_and_a_later_date(tmp_path: Path) -> None:
    rates = {"exchange_rates.csv": "currency,valid_from,rate\nEUR,2026-01-01,8\n"}
    cheap = "Carrier,,sms,originating,,2026-01-01,EUR,0.01,1 event,"
    assert told(tmp_path / "a", cheap, **rates) == []
    dear = "Carrier,,sms,originating,,2027-01-01,EUR,0.02,1 event,"
    found = told(tmp_path / "b", cheap, dear, **rates)
    assert found
    assert all("Carrier takes 0.16 per event (wholesale.csv:3)" in one for one in found)


def test_the_first_rate_that_fits_counts(tmp_path: Path) -> None:
    cheap = "Carrier,,sms,originating,,,,0.01,1 event,"
    dear = "Other,,sms,originating,abroad,,,5.00,1 event,"
    assert told(tmp_path / "a", cheap, dear) == []
    found = told(tmp_path / "b", dear, cheap)
    assert all("to abroad, below" in one for one in found)
    assert found


def test_what_is_free_is_below_any_cost(tmp_path: Path) -> None:
    plan = edited(
        PLAN,
        "when: {service: sms, direction: originating}, price: message",
        "when: {service: sms, direction: originating}, price: free",
    )
    found = told(tmp_path, "Carrier,,sms,originating,,,,0.01,1 event,", **plan)
    assert len(found) == 1
    assert "charges 0.00 per event" in found[0]


def test_the_sample_books_readme_shows_what_is_said_about_a_price_below_cost(
    tmp_path: Path,
) -> None:
    draft = tmp_path / "draft"
    shutil.copytree(SHOP, draft)
    prices = (draft / "prices.yaml").read_text(encoding="utf-8")
    prices = prices.replace("intl_2_voice: {price: 1.80", "intl_2_voice: {price: 0.50")
    (draft / "prices.yaml").write_text(prices, encoding="utf-8")
    book, old = load_book(draft), load_book(SHOP)
    compiled = compile_book(book)
    readme = (SHOP / "README.md").read_text(encoding="utf-8").splitlines()
    findings = [str(one) for one in check_book(book, compiled)]
    assert len(findings) == 2
    assert set(findings) <= set(readme)
    [change] = diff_books((old, compile_book(old)), (book, compiled))
    assert str(change) in readme
