from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rating.billing.rounding import apportion, divide, floor_share, round_to, share_of

MODES = (ROUND_HALF_UP, ROUND_HALF_EVEN, ROUND_UP, ROUND_DOWN)
AMOUNTS = st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=20)


def exact(numerator: int, denominator: int, mode: int) -> int:
    """Rounds a fraction to an integer with Decimal's modes (the quotient is exact enough)."""
    whole, rest = divmod(abs(numerator), denominator)
    twice = Fraction(2 * rest, denominator)
    third = Decimal(whole) + (
        Decimal(0)
        if rest == 0
        else Decimal("0.5")
        if twice == 1
        else Decimal("0.7")
        if twice > 1
        else Decimal("0.3")
    )
    rounded = int(third.quantize(Decimal(1), rounding=MODES[mode]))
    return rounded if numerator >= 0 else -rounded


@given(AMOUNTS, st.integers(1, 10**7), st.integers(0, 3))
@settings(deadline=None)
@example([5, 15, 25, -5, -15], 10, 1)
def test_divide_rounds_as_decimal_does(amounts: list[int], divisor: int, mode: int) -> None:
    got = divide(np.asarray(amounts, np.int64), divisor, mode)
    assert got.tolist() == [exact(amount, divisor, mode) for amount in amounts]


@given(
    AMOUNTS,
    st.integers(0, 10**6),
    st.sampled_from(["included", "added"]),
    st.sampled_from([1, 1000, 10_000, 50_000]),
    st.integers(0, 3),
)
@settings(deadline=None)
@example([500_000, 1_500_000], 1_000_000, "added", 1_000_000, 1)
def test_share_is_rounded_once(
    amounts: list[int], rate: int, kind: str, unit: int, mode: int
) -> None:
    whole = 10**6 + rate if kind == "included" else 10**6
    got = share_of(np.asarray(amounts, np.int64), rate, whole, unit, mode)
    assert got.tolist() == [exact(a * rate, whole * unit, mode) * unit for a in amounts]


@given(st.data(), AMOUNTS, st.sampled_from([1, 7, 10_000]), st.integers(0, 3))
@settings(deadline=None)
def test_parts_add_up_to_their_rounded_total(
    data: st.DataObject, amounts: list[int], unit: int, mode: int
) -> None:
    parts = np.asarray(amounts, np.int64)
    segments = data.draw(st.integers(1, 4))
    segment = np.asarray(
        data.draw(st.lists(st.integers(0, segments - 1), min_size=len(parts), max_size=len(parts)))
    )
    exact_sums = np.zeros(segments, np.int64)
    np.add.at(exact_sums, segment, parts)
    totals = round_to(exact_sums, unit, mode) // unit
    floors, remainders = np.divmod(parts, unit)
    shown = apportion(floors, remainders, segment, totals)
    sums = np.zeros(segments, np.int64)
    np.add.at(sums, segment, shown)
    assert sums.tolist() == totals.tolist()
    assert ((shown == floors) | (shown == floors + 1)).all()
    # Nobody got the extra unit while one of the same total with a larger remainder did not.
    for number in range(segments):
        here = segment == number
        got, without = remainders[here & (shown > floors)], remainders[here & (shown == floors)]
        assert not len(got) or not len(without) or got.min() >= without.max()


def test_the_first_of_equal_remainders_gets_the_unit() -> None:
    floors, remainders = np.asarray([3, 3, 3]), np.asarray([5, 5, 5])
    shown = apportion(floors, remainders, np.zeros(3, np.int64), np.asarray([10]))
    assert shown.tolist() == [4, 3, 3]


def test_a_total_out_of_reach_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be reached"):
        apportion(np.asarray([1]), np.asarray([0]), np.asarray([0]), np.asarray([3]))


@given(AMOUNTS, st.integers(0, 10**6), st.integers(1, 10**10))
@settings(deadline=None)
def test_floor_share_is_exact(amounts: list[int], rate: int, span: int) -> None:
    rate = min(rate, span, (1 << 62) // span - 1)
    floors, remainders = floor_share(np.asarray(amounts, np.int64), rate, span)
    assert [divmod(a * rate, span) for a in amounts] == list(
        zip(floors.tolist(), remainders.tolist(), strict=True)
    )


def test_an_overflow_is_an_error() -> None:
    with pytest.raises(OverflowError, match="64 bits"):
        share_of(np.asarray([1]), 10**6, 10**12, 10**6, 0)
