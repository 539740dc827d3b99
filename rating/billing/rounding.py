"""Rounding of whole columns of money, and the largest remainder.

Amounts are int64 in 10^-6 of the currency unit. The four modes are those of the tariff book:
half up, half even, up and down, all by magnitude (so -0.005 half up is -0.01, as a credit is the
mirror image of a charge). Where a sum is rounded and its parts are shown rounded too, the parts
are apportioned by largest remainder: each is its floor or one unit more, and they add up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rating.billing.columns import combine
from rating.billing.kernels.group import sum_groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Int64 = NDArray[np.int64]

HALF_UP, HALF_EVEN, UP, DOWN = range(4)
"""Codes of the rounding modes, as compiled from the tariff book."""

PPM = 1_000_000
"""Parts in one: a rate of 6 % is 60,000 parts per million."""


def divide(numerator: Int64, divisor: int, mode: int = HALF_UP) -> Int64:
    """Divides int64 amounts by a positive integer and rounds the quotient.

    Args:
        numerator: int64[n].
        divisor: What to divide by, at least 1.
        mode: One of the four mode codes.

    Returns:
        int64[n], rounded by magnitude: the result of -x is minus the result of x.

    Raises:
        ValueError: If the divisor is not positive or the mode is not known.
    """
    if divisor < 1:
        message = f"divisor is {divisor}; a rounding unit or day count must be at least 1"
        raise ValueError(message)
    sign = np.where(numerator < 0, np.int64(-1), np.int64(1))
    quotient, rest = np.divmod(np.abs(numerator), np.int64(divisor))
    result: Int64 = sign * (quotient + _one_more(quotient, rest, divisor, mode))
    return result


def _one_more(quotient: Int64, rest: Int64, divisor: int, mode: int) -> NDArray[np.bool_]:
    """Tells where a quotient rounded down, with its rest, is to become one more."""
    # Compared with what is missing to the next whole: twice the rest could overflow.
    missing = np.int64(divisor) - rest
    if mode == HALF_UP:
        more = rest >= missing
    elif mode == HALF_EVEN:
        more = (rest > missing) | ((rest == missing) & (quotient % 2 == 1))
    elif mode == UP:
        more = rest > 0
    elif mode == DOWN:
        more = np.zeros(len(rest), np.bool_)
    else:
        message = f"rounding mode {mode} is not one of 0 half up, 1 half even, 2 up, 3 down"
        raise ValueError(message)
    return more


def round_to(amounts: Int64, unit: int, mode: int) -> Int64:
    """Rounds int64 amounts to whole units; a unit of 1 changes nothing."""
    if unit == 1:
        return amounts.astype(np.int64)
    return divide(amounts, unit, mode) * np.int64(unit)


def share_of(amounts: Int64, rate: int, whole: int, unit: int, mode: int) -> Int64:
    """Returns amounts * rate / whole, rounded once to whole units, without overflow.

    Args:
        amounts: int64[n] in 10^-6.
        rate: Numerator, such as a tax rate in parts per million.
        whole: Denominator, such as 1,000,000 for a tax on top.
        unit: Rounding unit in 10^-6.
        mode: Rounding mode.

    Returns:
        int64[n] in 10^-6. ``amounts = q * whole * unit + r``, so that only ``r * rate`` is
        multiplied out: safe for whole * unit * rate below 2^63.
    """
    span = whole * unit
    if span * rate >= 1 << 62:
        message = f"rate {rate} of {whole} at unit {unit} does not fit into 64 bits"
        raise OverflowError(message)
    sign = np.where(amounts < 0, np.int64(-1), np.int64(1))
    high, low = np.divmod(np.abs(amounts), np.int64(span))
    part, rest = np.divmod(low * np.int64(rate), np.int64(span))
    units = high * np.int64(rate) + part
    units = units + _one_more(units, rest, span, mode)
    result: Int64 = sign * units * np.int64(unit)
    return result


def floor_share(amounts: Int64, rate: int, span: int) -> tuple[Int64, Int64]:
    """Returns amounts * rate / span rounded down, and the remainders in parts of ``span``.

    Args:
        amounts: int64[n].
        rate: Numerator, at most ``span``; rate * span below 2^62.
        span: Denominator.
    """
    high, low = np.divmod(amounts, np.int64(span))
    part, remainder = np.divmod(low * np.int64(rate), np.int64(span))
    return high * np.int64(rate) + part, remainder


def apportion(floors: Int64, remainders: Int64, segment: Int64, totals: Int64) -> Int64:
    """Shows parts in whole units so that they add up to their rounded total.

    Args:
        floors: int64[n] the parts in units, rounded towards minus infinity.
        remainders: int64[n] what that cut off, not negative, all on one scale.
        segment: int64[n] which total each part belongs to, 0 to len(totals) - 1.
        totals: int64[s] rounded totals in units.

    Returns:
        int64[n] units whose sums by segment are exactly ``totals``. What is missing after rounding
        down goes, one unit each, to the parts with the largest remainder; the first one of equals.

    Raises:
        ValueError: If a total cannot be reached by adding at most one unit to each part.
    """
    sums = np.zeros(len(totals), np.int64)
    sum_groups(segment.astype(np.int32), np.ascontiguousarray(floors), sums)
    counts = np.bincount(segment, minlength=len(totals))
    missing = totals - sums
    wrong = (missing < 0) | (missing > counts)
    if wrong.any():
        where = int(np.flatnonzero(wrong)[0])
        message = (
            f"a total of {int(totals[where])} units cannot be reached from {int(counts[where])} "
            f"parts that are {int(sums[where])} units when rounded down"
        )
        raise ValueError(message)
    result = floors.copy()
    if missing.any():
        most = int(remainders.max())
        order = np.argsort(
            combine([(segment, len(totals)), (most - remainders, most + 1)]), kind="stable"
        )
        first = np.concatenate(([0], np.cumsum(counts)[:-1]))
        rank = np.arange(len(order)) - first[segment[order]]
        result[order] += rank < missing[segment[order]]
    return result
