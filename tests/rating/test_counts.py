"""Counts over the day and the cycle: kept between batches, told by explain and in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rating.engine import Rater
from rating.explain import explain
from rating.state import CycleState
from rating.subscribers import load_subscribers
from tariffs import compile_book, load_book
from tariffs.words import discount_words, price_words
from tests.rating.strategies_edr import DEFAULTS, edr_batch, plain_keys
from tests.rating.strategies_shop import at, call, line, write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook
    from tariffs.model import Book

BOOK = Path(__file__).parents[1] / "corpus" / "counts"
ROWS = [call(1 + k % 2, at(5 + k // 8, 8 + k % 8), 60 * (1 + k % 7)) for k in range(80)]


@pytest.fixture(scope="module")
def book() -> Book:
    return load_book(BOOK)


@pytest.fixture(scope="module")
def compiled(book: Book) -> CompiledBook:
    return compile_book(book)


def people(folder: Path, compiled: CompiledBook, plan: str) -> Subscribers:
    lines = [
        line(1, plan=plan, charge_group="G", role="main"),
        line(2, plan=plan, charge_group="G", role="sub"),
    ]
    return load_subscribers(write(folder, lines), compiled)


def rated(rater: Rater, rows: Iterable[int], state: CycleState) -> list[object]:
    batch = edr_batch([ROWS[row] for row in rows])
    out = rater.rate(rater.prepare(batch, plain_keys(batch)), state)
    return [row["net"] for row in out.table.sort_by("start_time").to_pylist()]


@pytest.mark.parametrize("plan", ["month", "daily", "together", "flat_later", "busy", "family"])
def test_one_batch_or_twelve(tmp_path: Path, compiled: CompiledBook, plan: str) -> None:
    data = people(tmp_path, compiled, plan)
    rater = Rater(compiled, data)
    whole = rater.open_cycle("2026-10")
    expected = rated(rater, range(len(ROWS)), whole)
    state, got = rater.open_cycle("2026-10"), []
    for first in range(0, len(ROWS), 7):
        rows = range(first, min(first + 7, len(ROWS)))
        got += rated(rater, rows, state)
        state = CycleState.from_table(state.to_table(), "2026-10", compiled, data)
        assert state.orphans == []
    assert got == expected
    assert state.to_table().equals(whole.to_table())
    assert "count" in whole.to_table().column("kind").to_pylist()


def test_explain_says_where_the_steps_stand(tmp_path: Path, compiled: CompiledBook) -> None:
    rater = Rater(compiled, people(tmp_path, compiled, "month"))
    state = rater.open_cycle("2026-10")
    before = {**DEFAULTS, **call(1, at(5), 5940)}
    batch = edr_batch([before])
    rater.rate(rater.prepare(batch, plain_keys(batch)), state)
    told = explain({**DEFAULTS, **call(1, at(6), 150)}, compiled, rater.subscribers, state)
    assert "The steps of month stand at 5940 s of the cycle." in [one.text for one in told.steps]
    assert str(told.total) == "0.400000"


def test_explain_says_why_a_threshold_holds(tmp_path: Path, compiled: CompiledBook) -> None:
    rater = Rater(compiled, people(tmp_path, compiled, "busy"))
    state = rater.open_cycle("2026-10")
    batch = edr_batch([{**DEFAULTS, **call(1, at(6, 8), 3600)}])
    rater.rate(rater.prepare(batch, plain_keys(batch)), state)
    told = explain({**DEFAULTS, **call(1, at(6, 9), 60)}, compiled, rater.subscribers, state)
    text = "busy: 50 % off usage, as 3600 s were used in the day before."
    assert text in [one.text for one in told.steps]


def test_the_book_in_words(book: Book) -> None:
    assert price_words(book.prices["together"], 0) == (
        "first 0.30 per min, from 5 min 0.15 per min, steps run on over the cycle of the charge group"
    )
    assert "after 1 h used in the day (voice)" in discount_words(book.discounts["busy"], book, 0)
    assert "after 200.00 spent in the cycle (voice, sms, data)" in discount_words(
        book.discounts["loyal"], book, 0
    )


def test_in_another_charge_group_counting_begins_anew(
    tmp_path: Path, compiled: CompiledBook
) -> None:
    lines = [
        line(1, plan="month", charge_group="H", account_id="H", valid_to="2026-10-06"),
        line(1, plan="month", charge_group="B", account_id="B", valid_from="2026-10-06"),
    ]
    rater = Rater(compiled, load_subscribers(write(tmp_path, lines), compiled))
    calls = [row for row in range(len(ROWS)) if row % 2 == 0]
    whole = rated(rater, calls, rater.open_cycle("2026-10"))
    apart = [  # the other group's events are another worker's
        net
        for days in (range(6), range(6, 32))
        for net in rated(
            rater, [row for row in calls if 5 + row // 8 in days], rater.open_cycle("2026-10")
        )
    ]
    assert whole == apart
