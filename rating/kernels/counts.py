"""Counts over a day or a cycle: where steps stand, and what thresholds look at.

Their counters stand behind those of caps, in the same lists. A book without counts never comes here.
Compiled into the pricing kernel.
"""

from __future__ import annotations

import numpy as np

from compiled.jit import inlined
from rating.kernels.limits import CAP_MASK, cap_counter
from rating.kernels.machine import u

EVENTS, SPEND = 4, -1
"""What a count counts where that is no measured quantity: events, and their net."""


@inlined
def first_count(book, state, first, end):
    """Returns where an account's counts begin behind its caps."""
    while first < end and (state.cap[u(first)] >> 32) & CAP_MASK < book.sizes[6]:
        first += 1
    return first


@inlined
def count_slot(state, first, end, definition, start):
    """Returns the counter of a count, by its definition, among those of an account.

    Whoever has a price or a discount has its count.
    """
    slot = np.int64(-1)
    for k in range(first, end):
        cap = state.cap[u(k)]
        if (cap >> 32) & CAP_MASK == definition:
            slot = np.int64(cap_counter(state, cap, start))
            break
    return slot


@inlined
def log_units(state, charge, counted, slot, units):
    """Counts units that a price priced; returns how many counters the event has changed so far.

    What it counted is kept in ``charge.counted``, so that a failed event can be taken out again.
    """
    state.cap_spent[u(slot)] += units
    entry = np.int64(0)
    while entry < counted and charge.counted[u(2 * entry)] != slot:
        entry += 1
    if entry == counted:
        charge.counted[u(2 * entry)] = slot
        charge.counted[u(2 * entry + 1)] = 0
        counted += 1
    charge.counted[u(2 * entry + 1)] += units
    return counted


@inlined
def count_event(book, state, counts, kind, event, net):
    """Counts a rated event where thresholds look at it.

    Args:
        book: PriceArrays.
        state: StateArrays, ``cap_spent`` changes.
        counts: (first, end) of the account's counts.
        kind: Kind of the event's class.
        event: (start, quantity, metric).
        net: Its net charge.
    """
    first, end = counts
    start, quantity, rum = event
    for k in range(first, end):
        cap = state.cap[u(k)]
        count = ((cap >> 32) & CAP_MASK) - book.sizes[6]
        if book.count_match[u(count * book.sizes[4] + kind)] == 0:
            continue
        counts = book.count_rum[u(count)]
        if counts == SPEND:
            state.cap_spent[u(cap_counter(state, cap, start))] += net
        elif counts == rum:
            state.cap_spent[u(cap_counter(state, cap, start))] += quantity
        elif counts == EVENTS:
            state.cap_spent[u(cap_counter(state, cap, start))] += 1
