"""What the pricing kernel reads, changes and writes, as tuples of flat arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np


class PriceArrays(NamedTuple):
    """The part of a compiled book that pricing reads (names and units as in CompiledBook).

    Rules and prices are rows of one cache line each, because every event reads another one. A rule:
    time model, split, metric, clock, free, zero duration, minimum, one spare. A price: connect fee,
    minimum, maximum, number of steps, then for each step from, price, per, beat.
    """

    epoch_start: np.ndarray
    rule_table: np.ndarray
    rule_of: np.ndarray
    rule_line: np.ndarray  # int64[R * 8], see below
    rule_band_price: np.ndarray  # int32[R * NB], first word of a price in price_line, -1 none
    price_line: np.ndarray  # int64, see below
    tm_band: np.ndarray
    tm_until: np.ndarray
    day_type: np.ndarray
    tz_utc_us: np.ndarray
    tz_offset_min: np.ndarray
    alw_rum: np.ndarray
    alw_priority: np.ndarray
    alw_match: np.ndarray
    alw_bands: np.ndarray
    alw_beat: np.ndarray
    disc_ppm: np.ndarray
    disc_match: np.ndarray
    disc_bands: np.ndarray
    disc_friends: np.ndarray
    disc_group: np.ndarray
    disc_on_connect: np.ndarray
    disc_exclusive: np.ndarray
    disc_from_us: np.ndarray
    disc_to_us: np.ndarray
    plan_disc_first: np.ndarray
    plan_disc: np.ndarray
    cap_amount: np.ndarray
    cap_match: np.ndarray
    sizes: np.ndarray  # int64: bands, day types, day0, classes, plans, round unit, round mode


class StateArrays(NamedTuple):
    """Allowance instances and cap counters of one cycle; see :class:`rating.state.CycleState`."""

    own_first: np.ndarray  # int32[subscribers + 1], the subscriber's own instances
    shared_first: np.ndarray  # int32[groups + 1], the group's shared instances
    allowance: np.ndarray  # int32[I], definition
    valid_from: np.ndarray  # int64[I]
    valid_to: np.ndarray  # int64[I]
    given: np.ndarray  # int64[I]
    used: np.ndarray  # int64[I], changed
    cap_first: np.ndarray  # int32[periods + 1]
    cap: np.ndarray  # int32, definition of each cap of a period
    cap_slot: np.ndarray  # int32, its counter
    cap_spent: np.ndarray  # int64[slots], changed


class ChargeArrays(NamedTuple):
    """What pricing writes, in event order; money in 10^-6.

    Gross is connect + usage, and rounding is net - (gross - discount - cap).
    """

    row: np.ndarray  # int64[m]
    period: np.ndarray  # int32[m]
    rule: np.ndarray  # int32[m]
    class_id: np.ndarray  # int32[m]
    quantity: np.ndarray  # int64[m]
    band: np.ndarray  # int32[m]
    discounts: np.ndarray  # int64[m], bit k: the k-th discount of the plan took something
    charged: np.ndarray  # int64[m]
    covered: np.ndarray  # int64[m]
    connect: np.ndarray  # int64[m]
    usage: np.ndarray
    discount: np.ndarray
    cap: np.ndarray
    net: np.ndarray
    take_first: np.ndarray  # int32[m + 1]
    failed_row: np.ndarray  # int64[m]
    failed_status: np.ndarray  # int8[m]
    cursor: np.ndarray  # int64[4]: next event, rows written, takes written, failed
