"""Allowances as a book writes them: by day, limited inside, by member, throttled."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from rating.engine import Rater
from rating.state import CycleState
from rating.subscribers import load_subscribers
from tests.rating.compare import compare
from tests.rating.strategies_edr import DEFAULTS, edr_batch, plain_keys
from tests.rating.strategies_shop import at, call, line, write
from tests.tariffs.books import edited, make_book, plan_with

if TYPE_CHECKING:
    from pathlib import Path

    from rating.subscribers import Subscribers
    from tariffs.compiled import CompiledBook

GB = 10**9
VOICE = {"service": "voice", "roaming": "home"}


def offer(folder: Path, **allowance: object) -> CompiledBook:
    """The small book whose plan has one allowance."""
    one = {"id": "given", **allowance}
    return make_book(folder / "book", plan_with(allowances=[one]))[1]


def people(folder: Path, book: CompiledBook, *lines: str) -> Subscribers:
    return load_subscribers(write(folder / "people", list(lines)), book)


def rate(
    book: CompiledBook, data: Subscribers, rows: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], CycleState]:
    """Rates the rows by kernel and twin; returns rated records and the state."""
    compare(book, data, [{**DEFAULTS, **row} for row in rows])
    rater = Rater(book, data)
    batch = edr_batch(rows)
    state = rater.open_cycle("2026-10")
    rated = rater.rate(rater.prepare(batch, plain_keys(batch)), state)
    return rated.table.to_pylist(), state


def data_use(number: int, start: int, volume: int, **changes: object) -> dict[str, Any]:
    more = {"service": "data", "other_number": None, "duration": 0, "downlink": volume}
    return call(number, start) | more | changes


def covered(rows: list[dict[str, Any]]) -> list[int]:
    return [row["allowance_units"] for row in rows]


@pytest.mark.parametrize(
    ("minutes", "net"),
    [(3, "0"), (4, "0"), (5, "0.35"), (7, "0.85"), (9, "1.25")],
)
def test_what_is_left_of_a_call_pays_the_connect_fee_and_its_own_steps(
    tmp_path: Path, minutes: int, net: str
) -> None:
    stepped = (
        "minute: {connect: 0.05, steps: [{price: 0.30, per: 60 s},"
        " {from: 120 s, price: 0.20, per: 60 s}]}"
    )
    changes = edited("prices.yaml", "minute: {price: 0.30, per: 60 s}", stepped)
    rules = [{"id": "voice", "when": {"service": "voice"}, "price": "minute"}]
    given = [{"id": "given", "quantity": "4 min", "when": VOICE}]
    changes |= plan_with(rules=rules, allowances=given)
    _, book = make_book(tmp_path / "book", changes)
    data = people(tmp_path, book, line(1, plan="plain"))
    rows, _ = rate(book, data, [call(1, at(1), minutes * 60)])
    assert [row["net"] for row in rows] == [Decimal(net)]


def test_a_day_gives_its_quantity_anew(tmp_path: Path) -> None:
    book = offer(tmp_path, quantity="3 min", when=VOICE, validity="day")
    data = people(tmp_path, book, line(1, plan="plain"))
    # 23:59 belongs to the day that ends; what begins there is that day's
    times = [at(5, 1), at(5, 9), at(5, 23, 59), at(6, 0), at(31, 23)]
    rows, state = rate(book, data, [call(1, when, 120) for when in times])
    assert covered(rows) == [120, 60, 0, 120, 120]
    days = state.balances().to_pylist()
    assert [(row["given"], row["used"], row["left"]) for row in days] == [
        (180, 180, 0),
        (180, 120, 60),
        (180, 120, 60),
    ]
    assert days[1]["valid_from"].isoformat() == "2026-10-05T16:00:00+00:00"
    assert (days[1]["valid_to"] - days[1]["valid_from"]).days == 1


def test_a_part_of_the_allowance_is_for_abroad(tmp_path: Path) -> None:
    abroad = {"quantity": "5 GB", "when": {"service": "data", "roaming": {"not": "home"}}}
    book = offer(tmp_path, quantity="10 GB", when={"service": "data"}, limits=[abroad], beat="1 B")
    data = people(tmp_path, book, line(1, plan="plain"))
    asia = {"visited_network": "440-10"}
    uses = [
        data_use(1, at(5), 4 * GB, **asia),
        data_use(1, at(6), 4 * GB, **asia),
        data_use(1, at(7), 4 * GB),
        data_use(1, at(8), 4 * GB),
    ]
    rows, state = rate(book, data, uses)
    assert covered(rows) == [4 * GB, 1 * GB, 4 * GB, 1 * GB]
    assert state.balances().column("left").to_pylist() == [0]


def test_each_member_has_a_limit_of_his_own(tmp_path: Path) -> None:
    limit = {"quantity": "2 min", "per": "member"}
    book = offer(tmp_path, quantity="5 min", when=VOICE, shared="yes", limits=[limit])
    data = people(
        tmp_path,
        book,
        line(1, plan="plain", charge_group="F", role="main"),
        *(line(n, plan="plain", charge_group="F", role="sub") for n in (2, 3)),
    )
    rows, _ = rate(book, data, [call(n, at(n), 180) for n in (1, 2, 3)])
    assert covered(rows) == [120, 120, 60]


def test_a_daily_limit_of_a_member(tmp_path: Path) -> None:
    limit = {"quantity": "2 min", "per": "member"}
    book = offer(
        tmp_path, quantity="3 min", when=VOICE, shared="yes", validity="day", limits=[limit]
    )
    data = people(
        tmp_path,
        book,
        line(1, plan="plain", charge_group="F", role="main"),
        line(2, plan="plain", charge_group="F", role="sub"),
    )
    calls = [call(n, at(day, n), 180) for day in (5, 6) for n in (1, 2)]
    rows, _ = rate(book, data, calls)
    assert covered(rows) == [120, 60, 120, 60]


def test_unlimited_until_the_throttle(tmp_path: Path) -> None:
    book = offer(
        tmp_path, quantity="unlimited bytes", when={"service": "data"}, throttle="20 GB", beat="1 B"
    )
    data = people(tmp_path, book, line(1, plan="plain"))
    rows, _ = rate(book, data, [data_use(1, at(day), 10 * GB) for day in (5, 6, 7)])
    assert covered(rows) == [10 * GB] * 3
    assert [row["throttled"] for row in rows] == [False, False, True]


@pytest.mark.parametrize("validity", ["cycle", "day"])
def test_limits_and_days_survive_by_names(tmp_path: Path, validity: str) -> None:
    limit = {"quantity": "2 min", "per": "member"}
    book = offer(
        tmp_path, quantity="9 min", when=VOICE, shared="yes", validity=validity, limits=[limit]
    )
    lines = [line(n, plan="plain", charge_group="F", role="main") for n in (1, 2)]
    data = people(tmp_path, book, *lines)
    _, state = rate(book, data, [call(n, at(6, n), 60 * n) for n in (1, 2)])
    more = [line(0, plan="plain", charge_group="A"), *lines]
    grown = load_subscribers(write(tmp_path / "grown", more), book)
    again = CycleState.from_table(state.to_table(), "2026-10", book, grown)
    assert again.orphans == []
    assert again.to_table().to_pylist() == state.to_table().to_pylist()


def test_a_call_that_fails_takes_nothing(tmp_path: Path) -> None:
    """It runs into a date from which nothing is priced, after the allowance covered its begin."""
    limits = [{"quantity": "2 min", "when": {"service": "voice", "roaming": "home"}}]
    plan = plan_with(
        rules=[
            {
                "id": "voice",
                "when": {"service": "voice"},
                "price": {"2020-01-01": "minute", "2026-10-15": "none"},
            }
        ],
        allowances=[
            {"id": "a", "quantity": "2 min", "when": VOICE, "limits": limits, "validity": "day"}
        ],
    )
    book = make_book(tmp_path / "book", plan)[1]
    data = people(tmp_path, book, line(1, plan="plain"))
    late = call(1, at(14, 23, 59), 600)
    rows, state = rate(book, data, [late, call(1, at(14, 23, 59, 30), 20)])
    assert covered(rows) == [60]
    assert sorted(state.used[state.used > 0].tolist()) == [60, 60]
