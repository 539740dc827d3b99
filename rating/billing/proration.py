"""Daily proration of recurring amounts, in exact integers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rating.billing.rounding import divide

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Int64 = NDArray[np.int64]

DAYS_LIMIT = 400
"""No cycle is longer; with it, amounts below 2^62 / 400 cannot overflow."""


def prorate(amount: int, days: Int64, cycle_days: int) -> Int64:
    """Returns amount * days / cycle_days, rounded half up to 10^-6.

    Args:
        amount: The full amount of a cycle, in 10^-6 of the currency unit.
        days: int64[n] days to pay for, 0 to ``cycle_days``.
        cycle_days: Calendar days in the cycle.

    Returns:
        int64[n] in 10^-6. All days give exactly the amount, none gives 0.

    Raises:
        ValueError: If the days do not lie in the cycle.
        OverflowError: If the amount is too large to be multiplied by days.
    """
    if not 1 <= cycle_days <= DAYS_LIMIT:
        message = f"a cycle of {cycle_days} days; 1 to {DAYS_LIMIT} are possible"
        raise ValueError(message)
    if len(days) and not 0 <= int(days.min()) <= int(days.max()) <= cycle_days:
        message = f"days {int(days.min())} to {int(days.max())} do not lie in 0..{cycle_days}"
        raise ValueError(message)
    if abs(amount) >= (1 << 62) // DAYS_LIMIT:
        message = f"an amount of {amount} millionths is too large to be prorated"
        raise OverflowError(message)
    return divide(np.int64(amount) * days.astype(np.int64), cycle_days)
