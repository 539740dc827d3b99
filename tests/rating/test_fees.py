from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rating.billing.cycle import month_cycle
from rating.billing.fees import FeeCharges, charge_fees
from rating.billing.proration import prorate
from rating.billing.tenure import Tenure, held
from tariffs.compiled import BEGINNING, FOREVER
from tariffs.dated import Dated
from tariffs.errors import Source
from tariffs.model import Fee, Plan

CYCLE = month_cycle("2026-10", "Asia/Shanghai")
HERE = Source("plans/plan.yaml", 1)
DAY = 86_400_000_000


def day(number: int) -> int:
    """UTC µs at which a day of October 2026 begins in Shanghai; 1 is the first."""
    return CYCLE.start_us + (number - 1) * DAY


def fee(
    amount: int | Dated[int],
    proration: str = "daily",
    roles: tuple[str, ...] = ("single", "main", "sub"),
) -> Fee:
    dated = Dated.always(amount) if isinstance(amount, int) else amount
    return Fee("monthly", "Monthly fee", HERE, dated, proration, "advance", "vat", "4000", roles)


def plan(name: str, *fees: Fee) -> Plan:
    return Plan(
        id=name,
        name=name,
        source=HERE,
        inherits=None,
        template=False,
        fees=fees,
        prices={},
        rules=(),
        allowances=(),
        discounts=(),
        caps=(),
    )


def tenure(*rows: tuple[int, int, int, int], role: int = 0) -> Tenure:
    """Periods of (subscriber, plan, from, to)."""
    column = [np.asarray([row[n] for row in rows], np.int64) for n in range(4)]
    small = [c.astype(np.int32) for c in column]
    roles = np.full(len(rows), role, np.int32)
    return held(small[0], small[0], small[0], small[1], roles, column[2], column[3])


def paid(charges: FeeCharges) -> list[tuple[int, int, int]]:
    """(first day, last day, amount) of each line, days counted from 1."""
    return [
        (int(first) + 1, int(after), int(amount))
        for first, after, amount in zip(charges.first, charges.after, charges.amount, strict=True)
    ]


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [
        (BEGINNING, FOREVER, [(1, 31, 58_000_000)]),
        (day(1), day(32), [(1, 31, 58_000_000)]),
        (day(17), FOREVER, [(17, 31, 28_064_516)]),
        (day(17) + DAY // 2, FOREVER, [(17, 31, 28_064_516)]),
        (BEGINNING, day(11), [(1, 10, 18_709_677)]),
        (BEGINNING, day(11) + DAY // 2, [(1, 10, 18_709_677)]),
        (day(5), day(6), [(5, 5, 1_870_968)]),
        (day(5) + 1, day(6) - 1, []),
        (day(32), FOREVER, []),
        (BEGINNING, day(1), []),
    ],
)
def test_days_of_a_prorated_fee(start: int, end: int, wanted: list[tuple[int, int, int]]) -> None:
    charges = charge_fees([plan("talk", fee(58_000_000))], tenure((0, 0, start, end)), CYCLE)
    assert paid(charges) == wanted


def test_a_change_of_plan_pays_each_for_its_days() -> None:
    plans = [plan("talk_58", fee(58_000_000)), plan("talk_106", fee(106_000_000))]
    change = day(20) + 5 * 3_600_000_000
    charges = charge_fees(plans, tenure((0, 0, BEGINNING, change), (0, 1, change, FOREVER)), CYCLE)
    assert paid(charges) == [(1, 19, 35_548_387), (20, 31, 41_032_258)]


def test_a_new_card_does_not_make_two_fees() -> None:
    periods = tenure((0, 0, BEGINNING, day(9) + 7), (0, 0, day(9) + 7, FOREVER))
    for proration in ("daily", "none"):
        charges = charge_fees([plan("talk", fee(58_000_000, proration))], periods, CYCLE)
        assert paid(charges) == [(1, 31, 58_000_000)]


def test_a_fee_without_proration_is_charged_once_per_plan() -> None:
    periods = tenure((0, 0, day(3), day(5)), (0, 0, day(9), FOREVER), (1, 0, day(31), FOREVER))
    charges = charge_fees([plan("talk", fee(58_000_000, "none"))], periods, CYCLE)
    assert paid(charges) == [(3, 4, 58_000_000), (31, 31, 58_000_000)]
    assert periods.subscriber[charges.tenure].tolist() == [0, 1]


def test_a_dated_amount_is_prorated_for_its_own_days() -> None:
    dated = Dated((BEGINNING, day(11)), (31_000_000, 62_000_000))
    charges = charge_fees([plan("talk", fee(dated))], tenure((0, 0, day(6), FOREVER)), CYCLE)
    assert paid(charges) == [(6, 10, 5_000_000), (11, 31, 42_000_000)]
    whole = charge_fees([plan("t", fee(dated, "none"))], tenure((0, 0, day(12), FOREVER)), CYCLE)
    assert paid(whole) == [(12, 31, 62_000_000)]


def test_only_the_named_roles_pay() -> None:
    plans = [plan("family", fee(10, roles=("main",)), replace(fee(7), roles=("sub",)))]
    for role, amount in ((0, []), (1, [10]), (2, [7])):
        charges = charge_fees(plans, tenure((0, 0, BEGINNING, FOREVER), role=role), CYCLE)
        assert charges.amount.tolist() == amount


@given(
    st.integers(0, 10**12),
    st.lists(st.integers(0, 31 * 24), min_size=0, max_size=6, unique=True),
)
@settings(deadline=None)
@example(1, [5 * 24, 17 * 24 + 3])
def test_the_days_of_all_parts_are_the_days_of_the_cycle(amount: int, cuts: list[int]) -> None:
    plans = [plan(f"p{n}", fee(amount + n * 10**6)) for n in range(len(cuts) + 1)]
    bounds = [BEGINNING, *(CYCLE.start_us + cut * DAY // 24 for cut in sorted(cuts)), FOREVER]
    periods = tenure(*((0, n, bounds[n], bounds[n + 1]) for n in range(len(cuts) + 1)))
    charges = charge_fees(plans, periods, CYCLE)
    days = charges.after - charges.first
    covered = np.zeros(31, np.int64)
    for first, after in zip(charges.first, charges.after, strict=True):
        covered[first:after] += 1
    billed = [charges.fees[int(f)][1].amount_at(0) for f in charges.fee]
    assert covered.tolist() == [1] * 31 or amount == 0
    for number, full in enumerate(billed):
        exact = Fraction(full * int(days[number]), 31)
        assert abs(Fraction(int(charges.amount[number])) - exact) <= Fraction(1, 2)


@given(st.integers(-(10**15), 10**15), st.integers(1, 31))
@settings(deadline=None)
def test_proration_is_exact_at_its_ends(amount: int, days: int) -> None:
    ends = prorate(amount, np.asarray([0, days]), days)
    assert ends.tolist() == [0, amount]


def test_proration_refuses_what_cannot_be() -> None:
    with pytest.raises(ValueError, match="do not lie in"):
        prorate(1, np.asarray([32]), 31)
    with pytest.raises(ValueError, match="a cycle of 0 days"):
        prorate(1, np.asarray([0]), 0)
    with pytest.raises(OverflowError, match="too large"):
        prorate(10**17, np.asarray([1]), 31)


def test_a_month_with_a_clock_change_keeps_its_days() -> None:
    cycle = month_cycle("2026-10", "Europe/Berlin")
    assert cycle.days == 31
    assert cycle.end_us - cycle.start_us == (31 * 24 + 1) * 3_600_000_000
    assert cycle.start_us == int(datetime(2026, 9, 30, 22, tzinfo=UTC).timestamp()) * 10**6
    assert month_cycle("2027-02", "UTC").days == 28
    with pytest.raises(ValueError, match="YYYY-MM"):
        month_cycle("2026-13", "UTC")
