"""Keeps the results of a slice of charges in one pass."""

from __future__ import annotations

from compiled.jit import kernel
from rating.kernels.arrays import CHARGE_WORDS, COVERED, NET


@kernel
def keep(row, line, count, done, event, units, net):
    """Copies row, allowance units and net of ``count`` charges to ``done`` and behind.

    Args:
        row: int64, row of each charge.
        line: int64[8 m], charges of :mod:`rating.kernels.arrays`.
        count: How many.
        done: Where the first one goes.
        event: int64, filled with rows.
        units: int64, filled.
        net: int64, filled, 10^-6 of the currency.
    """
    for i in range(count):
        event[done + i] = row[i]
        units[done + i] = line[CHARGE_WORDS * i + COVERED]
        net[done + i] = line[CHARGE_WORDS * i + NET]
