"""What the pricing kernel reads, changes and writes, as tuples of flat arrays.

Every event reads another rule, price and account, so what is read together stands together: a price
of up to two steps is one cache line, an account half of one. Tables that every event reads are kept
small enough for the first caches: classes that no allowance, discount or cap tells apart are one
*kind*, and what a definition matches is a table over kinds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np

FAR = 2**62
"""An instant (UTC microseconds) after every event."""

DAYS_BEFORE = 7 * 105_000
"""Days before 1970 from which days are counted, so that none is negative; whole weeks, from before
the year 1."""

RULE_HEAD = 1
"""A rule: its word, then for each band the first word of the price in price_line."""
NO_MODEL, FREE_PIECE, FIRST_PRICE = 0, 8, 16
"""In price_line: where there is no price, where nothing is charged; then come the book's prices."""
SPLIT_MASK, BOOK_CLOCK, ZERO_FREE, HAS_MINIMUM = 3, 8, 16, 32
RUM_SHIFT, RUM_MASK, TIME_MODEL_SHIFT = 8, 255, 16
"""A rule's word: split (0 unless it measures seconds), flags, metric, time model."""

PRICE_STEPS, STEP_WORDS, FIRST_STEP = 0xFFFF, 3, 2
HAS_BOUNDS, VOLUME, COUNTED, PLAIN, COUNT_SHIFT = 1 << 16, 1 << 17, 1 << 18, 1 << 19, 32
FLAT_STEP = 0
"""A price: connect fee, number of steps with flags (of a counted one the definition of its count
above them), then for each step from, price and ``per << 32 | beat`` (places in the divisors; FLAT_STEP
in place of per where the price is for the whole step); behind them, if flagged, minimum and
maximum."""
PLAIN_BELOW = 1 << 28
"""A plain price has one or two steps, whole beats, no bounds, no rule with a minimum, and nothing in it
reaches this: what it charges for a quantity of at most this cannot overflow."""

ALLOWANCE_WORDS = 4
"""An allowance: priority, metric, bands, beat (place in the divisors, -1 that of the price)."""

DISCOUNT_WORDS = 8
"""A discount: valid from, valid to, bands, one spare, ppm or amount, options, tiers (bits, -1 all), bit
of its exclusion group (0 none)."""
OFFER_MARKS = 4
"""Marks of an event that discounts ask for: a friend's number, a member of the group, both, neither."""
ON_CONNECT, EXCLUSIVE, AMOUNT_OFF, FIXED_PRICE = 1, 2, 4, 8

INSTANCE_WORDS = 4
"""An instance: given, valid from, valid to, ``extra << 32 | allowance``; extra 0: nothing more."""

EXTRA_WORDS = 4
"""What some instances have more: counter of the cycle's first day (-1 not given by day), ``first
limit << 32 | end``, units beyond which records are throttled, one spare. Row 0 is nobody's."""

LIMIT_WORDS = 4
"""A limit of an instance: most units, first counter, counters between two members (0 one for all),
definition. If the instance is given by day, its counters are those of consecutive days."""

ACCOUNT_WORDS = 8
"""An account: first own instance and end, first shared one and end, first cap and end, plan,
counter of the first cap."""

BLOCK = 64
"""Events whose first stretches are found together."""
BLOCK_WORDS = 8
PRICE, BAND, CUT, UNTIL, QUOTED, QUOTE, FEE, KIND = range(BLOCK_WORDS)
"""The first stretch of an event of a block: its price, band, units that begin in it, instant at which
it ends. Then what the event costs if no allowance covers it: units charged (-1: not quoted, because it
is not plain), usage charge, connect fee; and ``metric << 32 | kind`` of the event."""

CHARGE_WORDS = 8
CHARGED, COVERED, CONNECT, USAGE, DISCOUNT, CAP, NET, HITS = range(CHARGE_WORDS)
"""A charge: units priced, units covered by allowances, connect fee, usage charge, discount, what
caps took off, net; then ``hits << 8 | throttled << 7 | band``, hit k: the k-th discount of the plan took
something."""
HIT_SHIFT, THROTTLED_SHIFT, BAND_MASK = 8, 7, 127


class PriceArrays(NamedTuple):
    """The part of a compiled book that pricing reads (names and units as in CompiledBook)."""

    epoch_end: np.ndarray  # int64[E], FAR of the last
    rule_table: np.ndarray
    rule_of: np.ndarray
    rule: np.ndarray  # int32[R * (1 + NB)], see above
    rule_minimum: np.ndarray
    price_line: np.ndarray  # int64, see above
    divisor: np.ndarray  # int64, rows of rating.kernels.machine; row 0 is the rounding unit
    day_row: np.ndarray  # int32[time models * day types], where the minutes of such a day begin
    minute_band: np.ndarray  # int8, by minute of a day
    minute_until: np.ndarray  # int16, the minute of the day at which that band ends
    day_type: np.ndarray
    tz_utc_us: np.ndarray
    tz_until_us: np.ndarray  # int64[K], FAR of the last
    tz_offset_min: np.ndarray
    class_kind: np.ndarray  # int32[n_classes]
    allowance: np.ndarray  # int64[A * 4], see above
    allowance_match: np.ndarray  # uint8[A * kinds]
    limit_match: np.ndarray  # uint8[L * kinds]
    plan_offer: np.ndarray  # int32[plans], its list of discounts: plans that offer alike share one
    offer_first: np.ndarray  # int32[lists + 1]
    offer: np.ndarray  # int32, definitions of discounts in the order in which they are taken
    # int64[lists * kinds * 4], bits of the discounts that events of a kind and of such marks may have
    offer_match: np.ndarray
    offer_tiers: np.ndarray  # int64[lists], bits of the discounts that are for some tiers only
    discount: np.ndarray  # int64[D * 8], see above
    discount_after: np.ndarray  # int64[D * 2], definition of a count (-1 none), least
    cap_amount: np.ndarray
    cap_match: np.ndarray  # uint8[(C + T) * kinds], counts cap nothing
    count_match: np.ndarray  # uint8[T * kinds]
    count_rum: np.ndarray  # int64[T]
    # int64: bands, day types, day0 + DAYS_BEFORE, plans, kinds, round mode, caps, and the least rest of
    # a rounding unit that is rounded up (half even: see `rounded`)
    sizes: np.ndarray


class StateArrays(NamedTuple):
    """Allowance instances and cap counters of one cycle; see :class:`rating.state.CycleState`."""

    account: np.ndarray  # int32[periods * 8], see above
    instance: np.ndarray  # int64[I * 4], see above
    used: np.ndarray  # int64[counters], changed; the first I are the instances' own
    cap: np.ndarray  # int64, daily << 62 | definition << 32 | first counter, each cap of a period,
    # then each count, whose definition is C and more
    cap_spent: np.ndarray  # int64[counters], changed
    tier: np.ndarray  # int64[periods], tiers as bits
    extra: np.ndarray  # int64[X * 4], see above
    limit: np.ndarray  # int64[limits * 4], see above
    member: np.ndarray  # int32[periods], which member of its charge group; empty without limits
    midnight: np.ndarray  # int64[days + 1], UTC microseconds at which the cycle's days begin


class ChargeArrays(NamedTuple):
    """What pricing writes for each of m events in event order; money in 10^-6.

    Gross is connect + usage, and rounding is net - (gross - discount - cap). Entries of a failed
    event mean nothing; it takes nothing.
    """

    event: np.ndarray  # int64[4 m], the events (written by the ordering)
    row: np.ndarray  # int64[m], row of each in the batch (written by the ordering)
    line: np.ndarray  # int64[8 m], see above; begins on a cache line
    take_first: np.ndarray  # int32[m + 1]
    failed: np.ndarray  # int32[m], positions of failed events
    failed_status: np.ndarray  # int8[m]
    held: np.ndarray  # int64, scratch: one account's instances
    counted: (
        np.ndarray
    )  # int64[2 (T + 1)], scratch: counter and units that one event's prices count
    block: np.ndarray  # int64[BLOCK * 8], scratch, see above
    cursor: np.ndarray  # int64[3]: events priced, takes written, failed
