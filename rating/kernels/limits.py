"""Allowances that are more than one number: given by day, limited inside, throttled beyond; caps.

Such an instance has a row in ``state.extra``; all others never come here. Compiled into the pricing
kernel.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined
from rating.kernels.arrays import EXTRA_WORDS, INSTANCE_WORDS, LIMIT_WORDS
from rating.kernels.machine import u

DAY = 86_400_000_000
DAILY_SHIFT, CAP_MASK = 62, (1 << 30) - 1
ROLE_BITS, ROLE_MASK = 2, 3
"""The low bits of a period's member are the role of its card."""
_LOW = (1 << 32) - 1


@inlined
def day_of(state, start):
    """Returns the day of the cycle, 0 first, in which an instant of the cycle lies."""
    days = state.midnight.shape[0] - 1
    # a day is an hour longer or shorter twice a year
    day = min(np.int64(u(start - state.midnight[0]) // u(DAY)), days - 1)
    if start < state.midnight[u(day)]:
        day -= 1
    elif start >= state.midnight[u(day + 1)]:
        day += 1
    return day


@inlined
def cap_counter(state, cap, start):
    """Returns the counter of a cap of a period, of one by day that of the start's day."""
    counter = cap & _LOW
    if cap >> DAILY_SHIFT:
        counter += day_of(state, start)
    return counter


@inlined
def _limit_counter(state, limit, day, period):
    """Returns the counter of a limit's row for a day (0 if not by day) and a period's member."""
    counter = state.limit[u(limit + 1)] + day
    stride = state.limit[u(limit + 2)]
    if stride > 0:
        counter += stride * (state.member[u(period)] >> ROLE_BITS)
    return counter


@inlined
def _meant(book, state, limit, kind, period):
    """Returns whether a limit's row is meant for a kind of event and a period's role of card."""
    word = state.limit[u(limit + 3)]
    roles = word >> 32
    if roles != 0 and (roles >> (state.member[u(period)] & ROLE_MASK)) & 1 == 0:
        return False
    return book.limit_match[u((word & _LOW) * book.sizes[4] + kind)] != 0


@inlined
def room(book, state, extra, kind, event, instance, left):
    """Returns (counter, units left) of an instance with an extra row.

    Args:
        book: PriceArrays.
        state: StateArrays.
        extra: Its extra row.
        kind: Kind of the event's class.
        event: (start, period).
        instance: The instance, which is its counter unless it is given by day.
        left: What is left of it apart from days and limits.
    """
    start, period = event
    counter = np.int64(instance)
    day = np.int64(0)
    row = EXTRA_WORDS * extra
    if state.extra[u(row)] >= 0:
        day = day_of(state, start)
        counter = state.extra[u(row)] + day
        left -= state.used[u(counter)]
    limits = state.extra[u(row + 1)]
    for k in range(limits >> 32, limits & _LOW):
        limit = np.int64(LIMIT_WORDS) * k
        if _meant(book, state, limit, kind, period):
            taken = state.used[u(_limit_counter(state, limit, day, period))]
            left = min(left, state.limit[u(limit)] - taken)
    return counter, left


@inlined
def settle(book, state, extra, kind, event, counter, units):
    """Counts units that were taken (or, negative, given back) against the limits.

    Returns:
        Whether the instance is used beyond its throttle; units must be in its counter already.
    """
    start, period = event
    day = np.int64(0)
    row = EXTRA_WORDS * extra
    if state.extra[u(row)] >= 0:
        day = day_of(state, start)
    limits = state.extra[u(row + 1)]
    for k in range(limits >> 32, limits & _LOW):
        limit = np.int64(LIMIT_WORDS) * k
        if _meant(book, state, limit, kind, period):
            state.used[u(_limit_counter(state, limit, day, period))] += units
    return state.used[u(counter)] > state.extra[u(row + 2)]


@inlined
def give_back(book, state, charge, held, kind, event, takes, lists):
    """Takes a failed event out of the limits; its entries in the lists are still there."""
    first_take, last_take = takes
    take_instance, take_units = lists
    for k in range(held):
        instance = charge.held[u(k)]
        extra = state.instance[u(INSTANCE_WORDS * instance + 3)] >> 32
        if extra == 0:
            continue
        counter = instance
        first_day = state.extra[u(EXTRA_WORDS * extra)]
        if first_day >= 0:
            counter = first_day + day_of(state, event[0])
        for entry in range(first_take, last_take):
            if take_instance[u(entry)] == counter:
                settle(book, state, extra, kind, event, counter, -take_units[u(entry)])
